"""Notebook 15: wrong answers fail for the right reason, right ones need no one way."""

import torch
from wrong_answers import refusals

from handlib.course import check
from handlib.course.checks import nb15
from handlib.evaluation.motion import acceleration_error


def second(x, middle=2):
    return x[:-2] - middle * x[1:-1] + x[2:]


ACCELERATION = {
    "middle frame once": (
        lambda p, q: second(p - q, 1).norm(dim=-1).mean(1),
        nb15.BOTH_NEIGHBOURS,
    ),
    "speeds": (lambda p, q: (p - q).diff(dim=0).norm(dim=-1).mean(1), nb15.NOT_SPEED),
    "lengths subtracted": (
        lambda p, q: (second(p).norm(dim=-1) - second(q).norm(dim=-1)).abs().mean(1),
        nb15.OF_THE_DIFFERENCE,
    ),
    "mean square": (lambda p, q: second(p - q).square().mean((1, 2)), nb15.LENGTH),
    "joints added up": (lambda p, q: second(p - q).norm(dim=-1).sum(1), nb15.OVER_JOINTS),
    "joints kept": (lambda p, q: second(p - q).norm(dim=-1), check.SHAPE),
    "not compared": (lambda p, q: second(p).norm(dim=-1).mean(1), check.VALUES),
}


def step(a, b, h, order="rzn", swapped=False, proposal=None):
    part = dict(zip(order, zip(a.chunk(3, 1), b.chunk(3, 1), strict=True), strict=True))
    r, z = (sum(part[name]).sigmoid() for name in "rz")
    n = (proposal or (lambda r, x, s: (x + r * s).tanh()))(r, *part["n"])
    return z * n + (1 - z) * h if swapped else (1 - z) * n + z * h


def with_proposal(proposal):
    return lambda a, b, h: step(a, b, h, proposal=proposal)


GRU = {
    "z swapped": (lambda a, b, h: step(a, b, h, swapped=True), nb15.Z_KEEPS),
    "r on both": (with_proposal(lambda r, x, s: (r * (x + s)).tanh()), nb15.R_STATE_ONLY),
    "r outside": (with_proposal(lambda r, x, s: r * (x + s).tanh()), nb15.R_BEFORE_TANH),
    "no tanh": (with_proposal(lambda r, x, s: x + r * s), nb15.PROPOSAL_TANH),
    "z before r": (lambda a, b, h: step(a, b, h, order="zrn"), nb15.ORDER_R_Z_N),
    "no reset": (with_proposal(lambda r, x, s: (x + s).tanh()), check.VALUES),
    "gates returned": (lambda a, b, h: (a + b).sigmoid(), check.SHAPE),
}

BEST = {
    "labels swapped": (lambda a, b: b / (a + b), nb15.REAL_IS_ONE),
    "over all kinds": (lambda a, b: a / (a + b).sum(), nb15.WITHIN_KIND),
    "a vote": (lambda a, b: (a > b).float(), nb15.LEAST_SQUARES),
    "ratio": (lambda a, b: a / b, check.FINITE),
    "always undecided": (lambda a, b: torch.full_like(a, 0.5), check.VALUES),
    "the loss": (lambda a, b: (a * b / (a + b)).sum(), check.SHAPE),
}


def share(error, dim=1):
    constant = error.mean(dim=dim, keepdim=True).expand_as(error)
    return constant.square().sum() / error.square().sum()


def mean_of_shares(error):
    return torch.stack([share(window[None]) for window in error]).mean()


CONSTANT = {
    "over the windows": (lambda e: share(e, 0), nb15.OVER_FRAMES),
    "one frame only": (lambda e: share(e) / e.shape[1], nb15.IN_ALL_FRAMES),
    "the rest": (lambda e: 1 - share(e), nb15.NOT_THE_REST),
    "window by window": (mean_of_shares, nb15.ALL_WINDOWS),
    "lengths": (lambda e: share(e).sqrt(), nb15.SQUARES),
    "one a window": (lambda e: e.mean(1).square().sum(1), check.SHAPE),
    "over the numbers": (lambda e: share(e, 2), check.VALUES),
}


test_a_wrong_answer_is_refused_for_the_right_reason = refusals(
    {
        nb15.acceleration_errors: ACCELERATION,
        nb15.gru_step: GRU,
        nb15.best_scores: BEST,
        nb15.constant_share: CONSTANT,
    }
)


def test_right_answers_may_take_another_way():
    """The library's own, and the rest's share taken from one."""
    assert nb15.acceleration_errors(acceleration_error).status == "passed"

    def by_the_rest(error):
        rest = error - error.mean(1, keepdim=True)
        return 1 - rest.square().sum() / error.square().sum()

    assert nb15.constant_share(by_the_rest).status == "passed"
    assert nb15.gru_step(step).status == "passed"
