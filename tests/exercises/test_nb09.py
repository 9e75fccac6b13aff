"""Notebook 09: wrong answers fail for the right reason, right ones need no one way."""

import torch
from wrong_answers import refusals

from handlib.course import check
from handlib.course.checks import nb09


def unit(c, kernel=9, bias=1, norm=1):
    half = c // 2
    weights = c * half + kernel * half * half + half * c
    return weights + bias * (2 * half + c) + norm * 2 * (c + 2 * half)


COUNT = {
    "no unit inside": (lambda c, d: 3 * d * unit(c), nb09.ONE_MORE_INSIDE),
    "no biases": (lambda c, d: (3 * d + 1) * unit(c, bias=0), nb09.BIASES),
    "no norms": (lambda c, d: (3 * d + 1) * unit(c, norm=0), nb09.NORMS),
    "1 × 1 in the middle": (lambda c, d: (3 * d + 1) * unit(c, kernel=1), nb09.KERNEL),
    "four units a level": (lambda c, d: 4 * d * unit(c) + 1, check.VALUES),
    "one unit": (lambda c, d: unit(c), check.VALUES),
}


def mean_place(s, t, corner=0.5, fraction=True):
    h, w = s.shape
    p = (t * s).flatten().softmax(0).view(h, w)
    u = p.sum(0) @ (torch.arange(w) + corner)
    v = p.sum(1) @ (torch.arange(h) + corner)
    return torch.stack([u / w, v / h]) if fraction else torch.stack([u, v])


def largest(s, t):
    row, column = divmod(int(s.argmax()), s.shape[1])
    return torch.tensor([(column + 0.5) / s.shape[1], (row + 0.5) / s.shape[0]])


def row_by_row(s, t):
    h, w = s.shape
    p = (t * s).softmax(1) / h
    return torch.stack(
        [p.sum(0) @ ((torch.arange(w) + 0.5) / w), p.sum(1) @ ((torch.arange(h) + 0.5) / h)]
    )


def overflows(s, t):
    p = (t * s).exp()
    p = p / p.sum()
    columns = (torch.arange(s.shape[1]) + 0.5) / s.shape[1]
    rows = (torch.arange(s.shape[0]) + 0.5) / s.shape[0]
    return torch.stack([p.sum(0) @ columns, p.sum(1) @ rows])


PLACE = {
    "corners": (lambda s, t: mean_place(s, t, corner=0.0), nb09.CENTRES),
    "in cells": (lambda s, t: mean_place(s, t, fraction=False), nb09.FRACTIONS),
    "v before u": (lambda s, t: mean_place(s, t).flip(0), nb09.U_FIRST),
    "divides by the temperature": (lambda s, t: mean_place(s, 1 / t), nb09.TEMPERATURE),
    "argmax": (largest, nb09.EXPECTED),
    "softmax in each row": (row_by_row, nb09.ALL_CELLS),
    "no temperature": (lambda s, t: mean_place(s, 1.0), check.VALUES),
    "overflows": (overflows, check.FINITE),
    "u only": (lambda s, t: mean_place(s, t)[0], check.SHAPE),
}


def slope(s, x, target, factor=2.0):
    p = s.softmax(0)
    mean = p @ x
    return factor * (mean - target) * p * (x - mean)


SLOPES = {
    "no factor 2": (lambda s, x, t: slope(s, x, t, 1.0), nb09.FACTOR_TWO),
    "not from the mean": (
        lambda s, x, t: 2 * (s.softmax(0) @ x - t) * s.softmax(0) * x,
        nb09.FROM_MEAN,
    ),
    "not by probability": (
        lambda s, x, t: 2 * (s.softmax(0) @ x - t) * (x - s.softmax(0) @ x),
        nb09.BY_SHARE,
    ),
    "downwards": (lambda s, x, t: -slope(s, x, t), nb09.SIGN),
    "a cross-entropy's": (
        lambda s, x, t: s.softmax(0) - (x == x[(x - t).abs().argmin()]).float(),
        check.VALUES,
    ),
    "one number": (lambda s, x, t: slope(s, x, t).sum(), check.SHAPE),
}


def entropy(maps):
    return -torch.special.xlogy(maps, maps).sum((-2, -1)) / torch.tensor(2.0).log()


ENTROPY = {
    "natural logarithm": (
        lambda m: -torch.special.xlogy(m, m).sum((-2, -1)),
        nb09.BITS,
    ),
    "mean over the cells": (lambda m: entropy(m) / m[0, 0].numel(), nb09.SUMMED),
    "negative": (lambda m: -entropy(m), nb09.NOT_NEGATIVE),
    "all maps in one": (lambda m: entropy(m).sum(), nb09.EACH_MAP),
    "0 · log 0": (lambda m: -(m * m.log2()).sum((-2, -1)), check.FINITE),
    "columns only": (lambda m: -torch.special.xlogy(m, m).sum(-1), check.SHAPE),
}


test_a_wrong_answer_is_refused_for_the_right_reason = refusals(
    {
        nb09.hourglass_parameters: COUNT,
        nb09.mean_place: PLACE,
        nb09.slopes: SLOPES,
        nb09.entropy_bits: ENTROPY,
    }
)


def test_right_answers_may_take_another_way():
    """The checks test what is computed, not how."""

    def by_autograd(scores, places, target):
        s = scores.clone().requires_grad_()
        (gradient,) = torch.autograd.grad((s.softmax(0) @ places - target).square(), s)
        return gradient

    assert nb09.slopes(by_autograd).status == "passed"
    assert nb09.entropy_bits(entropy).status == "passed"
    assert nb09.mean_place(mean_place).status == "passed"
