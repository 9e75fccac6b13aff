"""Checks of notebook 03. The oracles are loops over single points in double precision.

Letters: N and M points. Procrustes is found by Horn's unit quaternions (1987), without an SVD.
"""

import math
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from handlib.course.check import Attempt, describe, exercise, expect, expect_close
from handlib.course.text import Text

NO_REFLECTION = Text(
    "the hand may be turned, not mirrored: det R = +1",
    "손을 회전할 수는 있지만 반전할 수는 없습니다 (det R = +1)",
)
SCALED = Text("the scale is taken off as well", "크기도 맞추어야 합니다")
BEST_SCALE = Text(
    "the scale is the one with the least squared error, not the ratio of both sizes",
    "scale은 두 크기의 비가 아니라 제곱 오차를 최소로 하는 값이어야 합니다",
)
RIGHT_WAY_ROUND = Text(
    "R turns the source to the target, not the other way round: watch the transpose",
    "R은 source를 target 쪽으로 회전해야 합니다 (transpose를 확인하세요)",
)
ONTO_TARGET = Text(
    "the result stands where the target stands: its mean is added",
    "결과의 위치가 target과 같아야 합니다 (target의 평균을 더하세요)",
)
SOURCE_MOVES = Text(
    "the source is moved, the target stays", "움직이는 것은 target이 아니라 source입니다"
)
AROUND_MEANS = Text(
    "both are centred by their means, not by their first points",
    "첫 번째 점이 아니라 평균을 기준으로 중심을 맞추어야 합니다",
)
BACK_TOO = Text(
    "recall counts too: from the target to the nearest predicted point",
    "recall, 즉 target의 각 점에서 가장 가까운 예측 점까지의 거리도 반영해야 합니다",
)
THERE_TOO = Text(
    "precision counts too: from each predicted point to the nearest of the target",
    "precision, 즉 예측한 각 점에서 가장 가까운 target 점까지의 거리도 반영해야 합니다",
)
HARMONIC = Text(
    "F is the harmonic mean of both shares, not the arithmetic one",
    "F는 두 비율의 산술평균이 아니라 조화평균입니다",
)
NOT_BY_NUMBER = Text(
    "any point of the other surface may be the nearest, whatever its number",
    "번호와 상관없이 상대 표면의 모든 점이 가장 가까운 점이 될 수 있습니다",
)
NEARER_THAN = Text(
    "a point counts if it is nearer than the threshold; at the threshold it does not",
    "거리가 threshold보다 작은 점만 세고, 같은 점은 세지 않습니다",
)
METRES = Text("points and threshold are both metres", "점과 threshold의 단위는 모두 미터입니다")
ZERO_FAR_AWAY = Text(
    "F is 0, not NaN, where no point is near", "가까운 점이 하나도 없으면 F는 NaN이 아니라 0입니다"
)
NORMALISED = Text(
    "the area is divided by the limit: a perfect hand has 1",
    "넓이를 limit으로 나누어야 합니다 (완벽한 손은 1)",
)
AT_MOST = Text(
    "an error at the threshold counts as correct", "threshold와 같은 오차는 맞은 것으로 셉니다"
)
ALL_COUNT = Text(
    "errors beyond the limit stay in the count", "limit보다 큰 오차도 전체 개수에 포함됩니다"
)
TRAPEZOIDS = Text(
    "trapezoids: the first and the last threshold count half",
    "사다리꼴 적분이므로 처음과 마지막 threshold는 절반만 반영됩니다",
)
HUNDRED = Text(
    "a hundred thresholds, both ends included",
    "양 끝을 포함해 threshold가 100개여야 합니다",
)
PALM_LENGTH = Text(
    "the scale comes from wrist to middle base, joints 0 and 9 in the common order",
    "scale은 손목과 중지 시작 관절(공통 순서의 0번과 9번) 사이의 길이로 정합니다",
)
NOT_INVERTED = Text(
    "the source gets the target's length, not the other way round",
    "source의 길이를 target의 길이에 맞추어야 합니다",
)
WRIST_ON_WRIST = Text("afterwards the wrists coincide", "정렬 후 두 손목의 위치가 같아야 합니다")
ONE_LENGTH = Text(
    "the scale comes from one length, not from all joints",
    "scale은 모든 joint가 아니라 길이 하나로 정합니다",
)
MOVED_LAST = Text(
    "the target's wrist is added after the hand is resized",
    "크기를 맞춘 다음에 target의 손목 위치를 더해야 합니다",
)
RESIZED = Text("the hand is resized, not only moved", "이동뿐 아니라 크기도 맞추어야 합니다")

Points = list[list[float]]


def _random(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _lists(points: Tensor) -> Points:
    return points.double().tolist()


def _mean(points: Points) -> list[float]:
    return [sum(column) / len(points) for column in zip(*points, strict=True)]


def _minus(points: Points, origin: list[float]) -> Points:
    return [[a - b for a, b in zip(p, origin, strict=True)] for p in points]


def _best_rotation(x: Points, y: Points) -> np.ndarray:
    """R with y ≈ scale · R x, as the eigenvector of Horn's matrix with the largest eigenvalue."""
    s = [[sum(p[a] * q[b] for p, q in zip(x, y, strict=True)) for b in range(3)] for a in range(3)]
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = s
    horn = np.array(
        [
            [xx + yy + zz, yz - zy, zx - xz, xy - yx],
            [yz - zy, xx - yy - zz, xy + yx, zx + xz],
            [zx - xz, xy + yx, yy - xx - zz, yz + zy],
            [xy - yx, zx + xz, yz + zy, zz - xx - yy],
        ]
    )
    w, a, b, c = np.linalg.eigh(horn)[1][:, -1]
    return np.array(
        [
            [w * w + a * a - b * b - c * c, 2 * (a * b - w * c), 2 * (a * c + w * b)],
            [2 * (a * b + w * c), w * w - a * a + b * b - c * c, 2 * (b * c - w * a)],
            [2 * (a * c - w * b), 2 * (b * c + w * a), w * w - a * a - b * b + c * c],
        ]
    )


def _size(points: Points) -> float:
    return math.sqrt(sum(v * v for p in points for v in p))


def _best_scale(turned: np.ndarray, y: Points) -> float:
    inner = sum(a * b for p, q in zip(turned, y, strict=True) for a, b in zip(p, q, strict=True))
    return inner / _size(turned.tolist()) ** 2


def _aligned(source: Points, target: Points) -> np.ndarray:
    x, y = _minus(source, _mean(source)), _minus(target, _mean(target))
    turned = np.array(x) @ _best_rotation(x, y).T
    return _best_scale(turned, y) * turned + np.array(_mean(target))


def _wrongly_aligned(source: Points, target: Points) -> dict[Text, np.ndarray]:
    middle = np.array(_mean(target))
    x, y = _minus(source, _mean(source)), _minus(target, _mean(target))
    rotation = _best_rotation(x, y)
    turned, back = np.array(x) @ rotation.T, np.array(x) @ rotation
    scale = _best_scale(turned, y)
    u, _, vt = np.linalg.svd(np.array(y).T @ np.array(x))
    mirrored = np.array(x) @ (u @ vt).T
    first = _minus(source, source[0]), _minus(target, target[0])
    at_first = np.array(first[0]) @ _best_rotation(*first).T
    return {
        NO_REFLECTION: _best_scale(mirrored, y) * mirrored + middle,
        SCALED: turned + middle,
        BEST_SCALE: _size(y) / _size(x) * turned + middle,
        RIGHT_WAY_ROUND: scale * back + middle,
        ONTO_TARGET: scale * turned,
        SOURCE_MOVES: _aligned(target, source),
        AROUND_MEANS: _best_scale(at_first, first[1]) * at_first + np.array(target[0]),
    }


@exercise("Exercise 3.1, Procrustes alignment", "연습문제 3.1, Procrustes 정렬")
def procrustes_points(attempt: Attempt) -> None:
    """A noisy similarity transform of the target, then a mirrored one; (N, 3) both."""
    for seed, mirror in ((1, 1.0), (2, -1.0)):
        source, noise = _random(seed, 8, 3), 0.2 * _random(seed + 10, 8, 3)
        turn = torch.linalg.qr(_random(seed + 20, 3, 3)).Q
        turn = turn * torch.linalg.det(turn).sign()
        stretched = source * torch.tensor([mirror, 1.0, 1.0])
        target = 1.4 * stretched @ turn.T + noise + torch.tensor([3.0, -1.0, 2.0])
        pair = _lists(source), _lists(target)
        wrong = _wrongly_aligned(*pair)
        expect_close(attempt(source, target), _aligned(*pair), wrong, tolerance=1e-4)


@exercise("Exercise 3.2, scale and translation", "연습문제 3.2, 크기와 위치 맞추기")
def scale_translation(attempt: Attempt) -> None:
    """Joints (21, 3) in the common order onto others: same palm length, same wrist."""
    for seed in (5, 6):
        source, target = _random(seed, 21, 3), 2 * _random(seed + 10, 21, 3) + 1
        x, y = _lists(source), _lists(target)
        at_wrist, wrist = np.array(_minus(x, x[0])), np.array(y[0])
        ratio = math.dist(y[9], y[0]) / math.dist(x[9], x[0])
        thumb = math.dist(y[4], y[0]) / math.dist(x[4], x[0])
        every = _size(_minus(y, y[0])) / _size(_minus(x, x[0]))
        expect_close(
            attempt(source, target),
            ratio * at_wrist + wrist,
            {
                RESIZED: at_wrist + wrist,
                PALM_LENGTH: thumb * at_wrist + wrist,
                ONE_LENGTH: every * at_wrist + wrist,
                NOT_INVERTED: at_wrist / ratio + wrist,
                WRIST_ON_WRIST: ratio * np.array(x),
                MOVED_LAST: ratio * (at_wrist + wrist),
            },
        )


def _nearest(points: Points, others: Points) -> list[float]:
    return [min(math.dist(p, q) for q in others) for p in points]


def _share(distances: list[float], threshold: float, at: bool = False) -> float:
    near = [d <= threshold if at else d < threshold for d in distances]
    return sum(near) / len(near)


def _harmonic(precision: float, recall: float) -> float:
    total = precision + recall
    return 2 * precision * recall / total if total else 0.0


def _wrong_f(there: list[float], back: list[float], limit: float) -> dict[Text, np.ndarray]:
    precision, recall = _share(there, limit), _share(back, limit)
    inclusive = _harmonic(_share(there, limit, at=True), _share(back, limit, at=True))
    in_millimetres = _harmonic(_share(there, limit / 1000), _share(back, limit / 1000))
    return {
        NEARER_THAN: np.array(inclusive),
        HARMONIC: np.array((precision + recall) / 2),
        BACK_TOO: np.array(precision),
        THERE_TOO: np.array(recall),
        METRES: np.array(in_millimetres),
    }


@exercise("Exercise 3.3, F-score", "연습문제 3.3, F-score")
def f_of_surfaces(attempt: Attempt) -> None:
    """Two surfaces of (N, 3) and (M, 3) points in metres, and a threshold, to one number."""
    limit = 0.0078125  # a power of two, so that points at just this distance are exact
    line = torch.zeros(8, 3)
    line[:, 0] = torch.arange(8) * 0.125
    target = line[:5].clone()
    target[:, 1] = torch.tensor([0.25, 0.5, 1.0, 2.0, 0.5]) * limit  # one of them at the threshold
    spread = 0.006 * _random(3, 30, 3), 0.009 * _random(4, 20, 3)
    for predicted, other in ((line, target), spread, (line, line.flip(0))):
        there = _nearest(_lists(predicted), _lists(other))
        back = _nearest(_lists(other), _lists(predicted))
        right = np.array(_harmonic(_share(there, limit), _share(back, limit)))
        wrong = _wrong_f(there, back, limit)
        if len(predicted) == len(other):
            pairs = zip(_lists(predicted), _lists(other), strict=True)
            by_number = [math.dist(p, q) for p, q in pairs]
            wrong[NOT_BY_NUMBER] = np.array(_share(by_number, limit))
        expect_close(attempt(predicted, other, limit), right, wrong)
    far = attempt(line, line + 5, limit)
    expect(not torch.isnan(far).any(), ZERO_FAR_AWAY, "0", describe(far))
    expect_close(far, np.array(0.0))


def _curve(errors: list[float], limit: float, steps: int, at: bool = True) -> list[float]:
    thresholds = [limit * k / (steps - 1) for k in range(steps)]
    return [sum(e <= t if at else e < t for e in errors) / len(errors) for t in thresholds]


def _area(curve: list[float]) -> float:
    return sum((a + b) / 2 for a, b in pairwise(curve)) / (len(curve) - 1)


@exercise("Exercise 3.4, area under the PCK curve", "연습문제 3.4, PCK 곡선의 넓이 (AUC)")
def area_under_pck(attempt: Attempt) -> None:
    """Errors (N,) in metres and a limit to one number; errors at 0, at and beyond the limit."""
    for limit in (0.0625, 0.25):
        inside = limit * torch.tensor([0.0, 0.101, 0.333, 0.452, 0.777, 1.0])
        errors = torch.cat([inside, limit * torch.tensor([1.6, 5.0])])
        e = _lists(errors[:, None])
        values = [x for (x,) in e]
        curve, kept = _curve(values, limit, 100), [x for x in values if x <= limit]
        expect_close(
            attempt(errors, limit),
            np.array(_area(curve)),
            {
                NORMALISED: np.array(_area(curve) * limit),
                AT_MOST: np.array(_area(_curve(values, limit, 100, at=False))),
                ALL_COUNT: np.array(_area(_curve(kept, limit, 100))),
                TRAPEZOIDS: np.array(sum(curve) / len(curve)),
                HUNDRED: np.array(1 - sum(min(x, limit) for x in values) / len(values) / limit),
            },
        )
