"""Notebook 14: wrong answers fail for the right reason, right ones need no one way."""

import torch
from wrong_answers import refusals

from handlib.course import check
from handlib.course.checks import nb14


def squares(x, y):
    return (x - y).square().sum(-1)


def weighted(e, dim=1):
    return (e / e.sum(dim, keepdim=True) * e).sum(dim)


VALUE = {
    "one sum for all samples": (
        lambda x, y: weighted(squares(x, y).flatten(), 0),
        nb14.OWN_WEIGHTS,
    ),
    "plain mean": (lambda x, y: squares(x, y).mean(), nb14.WEIGHTED),
    "distances": (lambda x, y: weighted(squares(x, y).sqrt()).mean(), nb14.SQUARED),
    "each coordinate a point": (
        lambda x, y: weighted((x - y).square().flatten(1)).mean(),
        nb14.PER_POINT,
    ),
    "sum over samples": (lambda x, y: weighted(squares(x, y)).sum(), nb14.SAMPLES_AVERAGED),
    "weights not normalised": (
        lambda x, y: squares(x, y).square().sum(1).mean(),
        nb14.NORMALISED,
    ),
    "the largest": (lambda x, y: squares(x, y).amax(1).mean(), check.VALUES),
    "one number a sample": (lambda x, y: weighted(squares(x, y)), check.SHAPE),
}


def value(e):
    return e.square().sum() / e.sum()


SLOPES = {
    "detached": (lambda e: e / e.sum(), nb14.THROUGH_WEIGHTS),
    "no factor 2": (lambda e: (e - value(e)) / e.sum(), nb14.TWICE),
    "not divided": (lambda e: 2 * e - value(e), nb14.DIVIDED),
    "sign turned": (lambda e: (value(e) - 2 * e) / e.sum(), check.VALUES),
    "one number": (lambda e: value(e), check.SHAPE),
}


def zero_only(e):
    """Sets NaN to one over P instead of zero."""
    return torch.nan_to_num(e / e.sum(1, keepdim=True), nan=1 / e.shape[1])


SAFE = {
    "as released": (lambda e: e / e.sum(1, keepdim=True), check.FINITE),
    "large epsilon": (lambda e: e / (e.sum(1, keepdim=True) + 1e-8), nb14.EXACT_WHEN_SMALL),
    "equal weights at zero": (zero_only, nb14.ZERO_AT_ZERO),
    "all samples together": (lambda e: e / e.sum(), nb14.OWN_WEIGHTS),
    "not normalised": (lambda e: e, nb14.NORMALISED),
    "softmax": (lambda e: e.softmax(1), check.VALUES),
}


test_a_wrong_answer_is_refused_for_the_right_reason = refusals(
    {
        nb14.max_mse_loss: VALUE,
        nb14.slopes: SLOPES,
        nb14.safe_weights: SAFE,
    }
)


def test_right_answers_may_take_another_way():
    """Autograd's slopes and a quotient of sums are as good."""

    def by_autograd(errors):
        return torch.func.grad(value)(errors)

    def quotient(predicted, target):
        e = squares(predicted, target)
        return (e.square().sum(1) / e.sum(1)).mean()

    def by_nan_to_num(errors):
        return (errors / errors.sum(1, keepdim=True)).nan_to_num(0)

    assert nb14.slopes(by_autograd).status == "passed"
    assert nb14.max_mse_loss(quotient).status == "passed"
    assert nb14.safe_weights(by_nan_to_num).status == "passed"
