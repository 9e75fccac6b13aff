"""Notebook 00: wrong answers fail for the right reason, right ones need no one way."""

import pytest
from wrong_answers import refusals

from handlib.course import check
from handlib.course.checks import nb00
from handlib.data.camera import project
from handlib.metrics import root_aligned_mpjpe


def changes_its_mask(visible, amodal):
    amodal &= ~visible
    return amodal.sum() / (amodal | visible).sum()


def from_odds(visible, amodal):
    odds = (amodal & ~visible).sum() / visible.sum()
    return odds / (1 + odds)


RATIO = {
    "visible share": (lambda v, a: v.sum() / a.sum(), nb00.HIDDEN_SHARE),
    "over the image": (lambda v, a: (a & ~v).float().mean(), nb00.OF_THE_HAND),
    "hidden over visible": (
        lambda v, a: (a & ~v).sum() / v.sum().clamp_min(1),
        nb00.OVER_ALL_OF_IT,
    ),
    "a count": (lambda v, a: (a & ~v).sum(), nb00.A_SHARE),
    "per cent": (lambda v, a: 100 * (a & ~v).sum() / a.sum(), check.VALUES),
    "whole division": (lambda v, a: (a & ~v).sum() // a.sum(), check.VALUES),
    "minus on booleans": (lambda v, a: (a - v).sum() / a.sum(), check.RUNS),
    "all that is not seen": (lambda v, a: (~v).sum() / a.sum(), check.VALUES),
    "odds to share, none visible": (from_odds, check.FINITE),
    "row by row": (lambda v, a: (a & ~v).sum(1) / a.sum(1), check.SHAPE),
    "changes its input": (changes_its_mask, check.UNTOUCHED),
}

PROJECTED = {
    "no division": (lambda x, k: (x @ k.T)[:, :2], nb00.DIVIDED),
    "x K": (lambda x, k: (x @ k)[:, :2] / (x @ k)[:, 2:], nb00.CAMERA_FIRST),
    "no principal point": (
        lambda x, k: x[:, :2] / x[:, 2:] @ k[:2, :2].T,
        nb00.CENTRED,
    ),
    "row before column": (lambda x, k: project(x, k).flip(1), nb00.X_BEFORE_Y),
    "keeps the ones": (lambda x, k: (x @ k.T) / (x @ k.T)[:, 2:], check.SHAPE),
    "divides by the norm": (
        lambda x, k: (x @ k.T)[:, :2] / x.norm(dim=1, keepdim=True),
        check.VALUES,
    ),
    "whole pixels": (lambda x, k: project(x, k).round(), check.VALUES),
    "the first axis is not N": (lambda x, k: (k @ x)[:, :2], check.RUNS),
}


def error(p, t, root=0):
    return 1000 * root_aligned_mpjpe(p[None], t[None], root)[0]


def centred(x):
    return x - x.mean(0)


def at_wrist(x):
    return x - x[:1]


HAND_ERROR = {
    "metres": (lambda p, t: error(p, t) / 1000, nb00.MILLIMETRES),
    "not aligned": (lambda p, t: 1000 * (p - t).norm(dim=1).mean(), nb00.FROM_THE_WRIST),
    "aligned at the mean": (
        lambda p, t: 1000 * (centred(p) - centred(t)).norm(dim=1).mean(),
        nb00.WRIST_NOT_MEAN,
    ),
    "mean of the coordinates": (
        lambda p, t: 1000 * (at_wrist(p) - at_wrist(t)).abs().mean(),
        nb00.DISTANCES,
    ),
    "root of the mean square": (
        lambda p, t: 1000 * (at_wrist(p) - at_wrist(t)).norm(dim=1).square().mean().sqrt(),
        nb00.MEAN_OF_DISTANCES,
    ),
    "without the wrist": (lambda p, t: error(p, t) * 21 / 20, nb00.OVER_ALL_JOINTS),
    "only the prediction aligned": (
        lambda p, t: 1000 * (at_wrist(p) - t).norm(dim=1).mean(),
        check.VALUES,
    ),
    "another root": (lambda p, t: error(p, t, root=9), check.VALUES),
    "one number a joint": (
        lambda p, t: 1000 * (at_wrist(p) - at_wrist(t)).norm(dim=1),
        check.SHAPE,
    ),
    "norm of everything": (
        lambda p, t: 1000 * (at_wrist(p) - at_wrist(t)).norm(),
        check.VALUES,
    ),
}


test_a_wrong_answer_is_refused_for_the_right_reason = refusals(
    {
        nb00.occlusion_ratio: RATIO,
        nb00.project_points: PROJECTED,
        nb00.root_aligned_error: HAND_ERROR,
    }
)


@pytest.mark.parametrize(
    ("check_function", "answer"),
    [
        (nb00.occlusion_ratio, lambda v, a: float(1 - v.sum() / a.sum())),
        (nb00.project_points, project),
        (nb00.root_aligned_error, lambda p, t: error(p, t).item()),
    ],
)
def test_the_library_and_other_ways_pass(check_function, answer):
    """The check tests what is computed, not how; the library agrees with the course."""
    assert check_function(answer).status == "passed"


def test_an_answer_in_double_precision_passes():
    assert nb00.project_points(lambda x, k: project(x.double(), k.double())).status == "passed"
