"""Notebook 03: wrong answers fail for the right reason, right ones need no one way."""

import torch
from wrong_answers import refusals

from handlib import metrics
from handlib.course import check
from handlib.course.checks import nb03


def aligned(source, target, signs=True, scale="best", transpose=False, middle=True, first=False):
    """Procrustes alignment with one thing wrong at a time."""
    x0 = source[:1] if first else source.mean(0)
    y0 = target[:1] if first else target.mean(0)
    x, y = source - x0, target - y0
    u, s, vt = torch.linalg.svd(y.T @ x)
    flip = torch.ones(3)
    if signs:
        flip[2] = torch.linalg.det(u @ vt).sign()
    rotation = u @ flip.diag() @ vt
    by = {
        "best": (s * flip).sum() / x.square().sum(),
        "ratio": y.norm() / x.norm(),
        "none": 1.0,
    }
    moved = by[scale] * x @ (rotation if transpose else rotation.T)
    return moved + (y0 if middle else 0)


def in_place(source, target):
    source -= source.mean(0)
    return aligned(source, target)


PROCRUSTES = {
    "reflection allowed": (lambda x, y: aligned(x, y, signs=False), nb03.NO_REFLECTION),
    "no scale": (lambda x, y: aligned(x, y, scale="none"), nb03.SCALED),
    "ratio of the sizes": (lambda x, y: aligned(x, y, scale="ratio"), nb03.BEST_SCALE),
    "transposed rotation": (lambda x, y: aligned(x, y, transpose=True), nb03.RIGHT_WAY_ROUND),
    "left in the origin": (lambda x, y: aligned(x, y, middle=False), nb03.ONTO_TARGET),
    "target moved": (lambda x, y: aligned(y, x), nb03.SOURCE_MOVES),
    "centred at the wrist": (lambda x, y: aligned(x, y, first=True), nb03.AROUND_MEANS),
    "only moved": (lambda x, y: x - x.mean(0) + y.mean(0), check.VALUES),
    "the error": (lambda x, y: (aligned(x, y) - y).norm(dim=-1).mean(), check.SHAPE),
    "changes its input": (in_place, check.UNTOUCHED),
}


def shares(x, y, limit, at=False):
    d = (x[:, None] - y).norm(dim=-1)
    there, back = d.amin(1), d.amin(0)
    near = (there <= limit, back <= limit) if at else (there < limit, back < limit)
    return [share.double().mean() for share in near]


def harmonic(precision, recall):
    total = precision + recall
    return 2 * precision * recall / total if total > 0 else total


def by_number(x, y, limit):
    if len(x) == len(y):
        return ((x - y).norm(dim=-1) < limit).double().mean()
    return harmonic(*shares(x, y, limit))


def not_a_number(x, y, limit):
    precision, recall = shares(x, y, limit)
    return 2 * precision * recall / (precision + recall)


F_SCORE = {
    "threshold included": (
        lambda x, y, t: harmonic(*shares(x, y, t, at=True)),
        nb03.NEARER_THAN,
    ),
    "arithmetic mean": (lambda x, y, t: sum(shares(x, y, t)) / 2, nb03.HARMONIC),
    "precision only": (lambda x, y, t: shares(x, y, t)[0], nb03.BACK_TOO),
    "recall only": (lambda x, y, t: shares(x, y, t)[1], nb03.THERE_TOO),
    "millimetres against metres": (
        lambda x, y, t: harmonic(*shares(1000 * x, 1000 * y, t)),
        nb03.METRES,
    ),
    "by vertex number": (by_number, nb03.NOT_BY_NUMBER),
    "nothing divided by nothing": (not_a_number, nb03.ZERO_FAR_AWAY),
    "geometric mean": (lambda x, y, t: torch.tensor(shares(x, y, t)).prod().sqrt(), check.VALUES),
    "both shares": (lambda x, y, t: torch.stack(shares(x, y, t)), check.SHAPE),
}


def curve(errors, limit, at=True, steps=100):
    t = torch.linspace(0, limit, steps, dtype=torch.float64)
    d = errors.double()
    right = d[:, None] <= t if at else d[:, None] < t
    return right.double().mean(0), t


def area(errors, limit, **how):
    return torch.trapezoid(*curve(errors, limit, **how)) / limit


AREA = {
    "not normalised": (lambda e, m: torch.trapezoid(*curve(e, m)), nb03.NORMALISED),
    "threshold excluded": (lambda e, m: area(e, m, at=False), nb03.AT_MOST),
    "far errors dropped": (lambda e, m: area(e[e <= m], m), nb03.ALL_COUNT),
    "mean of the curve": (lambda e, m: curve(e, m)[0].mean(), nb03.TRAPEZOIDS),
    "in closed form": (lambda e, m: 1 - e.clamp(max=m).double().mean() / m, nb03.HUNDRED),
    "divided by the largest error": (
        lambda e, m: torch.trapezoid(*curve(e, m)) / e.max(),
        check.VALUES,
    ),
    "ten thresholds": (lambda e, m: area(e, m, steps=10), check.VALUES),
    "the curve": (lambda e, m: curve(e, m)[0], check.SHAPE),
}


def length(joints, end=9):
    return (joints[end] - joints[0]).norm()


def about_wrist(x):
    return x - x[:1]


SCALE = {
    "only moved": (lambda x, y: about_wrist(x) + y[:1], nb03.RESIZED),
    "HO-3D's index in the common order": (
        lambda x, y: about_wrist(x) * length(y, 4) / length(x, 4) + y[:1],
        nb03.PALM_LENGTH,
    ),
    "size of the whole hand": (
        lambda x, y: about_wrist(x) * about_wrist(y).norm() / about_wrist(x).norm() + y[:1],
        nb03.ONE_LENGTH,
    ),
    "inverted": (lambda x, y: about_wrist(x) * length(x) / length(y) + y[:1], nb03.NOT_INVERTED),
    "wrist left where it is": (lambda x, y: x * length(y) / length(x), nb03.WRIST_ON_WRIST),
    "moved, then resized": (
        lambda x, y: (about_wrist(x) + y[:1]) * length(y) / length(x),
        nb03.MOVED_LAST,
    ),
    "wrist in the origin": (lambda x, y: about_wrist(x) * length(y) / length(x), check.VALUES),
    "without the wrist": (
        lambda x, y: (about_wrist(x) * length(y) / length(x) + y[:1])[1:],
        check.SHAPE,
    ),
}


test_a_wrong_answer_is_refused_for_the_right_reason = refusals(
    {
        nb03.procrustes_points: PROCRUSTES,
        nb03.f_of_surfaces: F_SCORE,
        nb03.area_under_pck: AREA,
        nb03.scale_translation: SCALE,
    }
)


def test_right_answers_may_take_another_way():
    """The library's functions, for batches and with other algorithms, are accepted as well."""

    def with_the_library(source, target):
        return metrics.procrustes_align(source[None], target[None])[0]

    def with_trees(predicted, target, threshold):
        return metrics.f_score(predicted[None], target[None], threshold)[0]

    def with_cdist(predicted, target, threshold):
        d = torch.cdist(predicted, target)
        return harmonic(*((d.amin(k) < threshold).double().mean() for k in (1, 0)))

    assert nb03.f_of_surfaces(with_cdist).status == "passed"
    assert nb03.procrustes_points(with_the_library).status == "passed"
    assert nb03.f_of_surfaces(with_trees).status == "passed"
    assert nb03.area_under_pck(metrics.pck_auc).status == "passed"
