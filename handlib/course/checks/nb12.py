"""Checks of notebook 12. The oracles are loops in double precision; ranks are SciPy's.

Letters: T frames, C channels, p positions, K bones.
"""

import math

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor

from handlib.course.check import Attempt, exercise, expect_close
from handlib.course.text import Text

FROM_ONE = Text("times are counted 1 … T", "시간은 1 … T로 세어야 합니다")
TO_TWO_PI = Text(
    "the last time of the window is scaled to 2π",
    "window의 마지막 시간이 2π가 되도록 scale해야 합니다",
)
INTERLEAVED = Text(
    "each sine is followed by its cosine: sin, cos, sin, cos, …",
    "sin과 cos이 번갈아 와야 합니다: sin, cos, sin, cos, …",
)
SINE_FIRST = Text("the sine comes before the cosine", "각 쌍에서 sin이 cos보다 먼저 와야 합니다")
ONE_FREQUENCY_A_PAIR = Text(
    "both channels of a pair have one frequency: the exponent counts pairs, 2i/C",
    "한 쌍의 두 channel은 frequency가 같아야 합니다: 지수는 쌍의 번호 i로 2i/C입니다",
)
FALLING = Text(
    "frequencies fall from 1 down: the angle is divided by 10000^(2i/C)",
    "frequency는 1에서 시작하여 작아져야 합니다: 10000^(2i/C)로 나눕니다",
)

NOT_TO_VALUES = Text(
    "positions are added to queries and keys, not to values",
    "position은 query와 key에만 더하고 value에는 더하지 않아야 합니다",
)
WITH_POSITIONS = Text(
    "queries and keys carry the positions", "query와 key에 position을 더해야 합니다"
)
KEYS_TOO = Text("the keys carry positions, too", "key에도 position을 더해야 합니다")
OVER_KEYS = Text(
    "each query's weights add up to 1 over the keys",
    "query마다 key 방향으로 weight의 합이 1이어야 합니다",
)
SCALED = Text("scores are divided by √C", "score를 √C로 나누어야 합니다")
NO_RESIDUAL = Text(
    "attention alone: the residual sum comes later, in the layer",
    "attention만 계산해야 합니다 (residual은 나중에 layer에서 더합니다)",
)

RANKS = Text(
    "ranks are compared, not values: a stretched x gives the same",
    "값이 아니라 순위를 비교해야 합니다 (x를 단조롭게 늘여도 결과가 같아야 합니다)",
)
RANK_NOT_ORDER = Text(
    "a rank is a value's place in the order; argsort gives whose turn it is instead",
    "순위는 값이 몇 번째인지입니다 (argsort는 각 자리에 오는 값의 index를 줍니다)",
)
TIES = Text("equal values share their mean rank", "같은 값은 평균 순위를 가져야 합니다")
SIGNED = Text("the sign is kept: opposite orders give −1", "부호를 유지해야 합니다 (역순이면 −1)")
NORMALISED = Text("equal orders give exactly 1", "순서가 같으면 결과가 1이어야 합니다")

OVER_TIME = Text(
    "the deviation is taken over the frames, bone by bone",
    "표준편차는 뼈마다 frame 방향으로 계산해야 합니다",
)
LENGTHS = Text(
    "lengths are compared: a hand that only turns or moves drifts by 0",
    "뼈의 길이를 비교해야 합니다 (회전하거나 이동하기만 한 손의 drift는 0입니다)",
)
DIVIDED_BY_T = Text(
    "the deviation divides by T, not T − 1", "표준편차는 T − 1이 아니라 T로 나누어야 합니다"
)
NOT_SQUARED = Text(
    "a standard deviation, not a variance: metres, not their square",
    "분산이 아니라 표준편차입니다 (단위는 미터의 제곱이 아니라 미터입니다)",
)
BONES_AVERAGED = Text(
    "bones are averaged, not added up", "뼈 방향으로는 합이 아니라 평균을 구해야 합니다"
)


def _random(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _sines(
    frames: int, channels: int, first: int = 1, scale: float | None = None, exponent: int = -1
) -> np.ndarray:
    """sin in even columns, cos in odd ones; with `exponent` 1 the frequencies rise."""
    scale = 2 * math.pi / frames if scale is None else scale
    result = np.zeros((frames, channels))
    for t in range(frames):
        for c in range(channels):
            frequency = 10_000 ** (exponent * (c - c % 2) / channels)
            angle = (t + first) * scale * frequency
            result[t, c] = math.cos(angle) if c % 2 else math.sin(angle)
    return result


def _frequency_by_channel(frames: int, channels: int) -> np.ndarray:
    result = np.zeros((frames, channels))
    for t in range(frames):
        for c in range(channels):
            angle = (t + 1) / frames * 2 * math.pi / 10_000 ** (c / channels)
            result[t, c] = math.cos(angle) if c % 2 else math.sin(angle)
    return result


@exercise("Exercise 12.1, positions of time", "연습문제 12.1, 시간의 position")
def sine_positions(attempt: Attempt) -> None:
    """Codes (T, C) of T times."""
    for frames, channels in ((7, 8), (1, 2), (4, 48), (30, 4)):
        right = _sines(frames, channels)
        mistakes = {
            FROM_ONE: _sines(frames, channels, first=0),
            TO_TWO_PI: _sines(frames, channels, scale=1.0),
            INTERLEAVED: np.concatenate([right[:, ::2], right[:, 1::2]], 1),
            SINE_FIRST: right.reshape(frames, -1, 2)[..., ::-1].reshape(frames, channels),
            ONE_FREQUENCY_A_PAIR: _frequency_by_channel(frames, channels),
            FALLING: _sines(frames, channels, exponent=1),
        }
        expect_close(attempt(frames, channels), right, mistakes, tolerance=1e-4)


def _attention(
    query: np.ndarray,
    key: np.ndarray,
    value: np.ndarray,
    scale: float | None = None,
    over: int = 1,
) -> np.ndarray:
    """Row by row; `over` is the axis along which weights add up to 1."""
    frames, channels = query.shape
    scores = np.zeros((frames, frames))
    for i in range(frames):
        for j in range(frames):
            scores[i, j] = sum(a * b for a, b in zip(query[i], key[j], strict=True))
    scores /= math.sqrt(channels) if scale is None else scale
    weights = np.exp(scores - scores.max(axis=over, keepdims=True))
    weights /= weights.sum(axis=over, keepdims=True)
    return np.array([sum(weights[i, j] * value[j] for j in range(frames)) for i in range(frames)])


@exercise("Exercise 12.2, frames ask frames", "연습문제 12.2, frame 사이의 attention")
def attend(attempt: Attempt) -> None:
    """What each frame reads (T, C), of vectors and positions (T, C) and three matrices (C, C)."""
    for frames, channels, size in ((5, 3, 1.0), (1, 4, 1.0), (7, 6, 0.5), (4, 2, 30.0)):
        x, p = size * _random(frames, 2, frames, channels)
        matrices = _random(channels, 3, channels, channels)
        tokens, positions = x.double().numpy(), p.double().numpy()
        w_q, w_k, w_v = matrices.double().numpy()
        placed = tokens + positions
        q, k, v = placed @ w_q.T, placed @ w_k.T, tokens @ w_v.T
        right = _attention(q, k, v)
        mistakes = {
            NOT_TO_VALUES: _attention(q, k, placed @ w_v.T),
            WITH_POSITIONS: _attention(tokens @ w_q.T, tokens @ w_k.T, v),
            KEYS_TOO: _attention(q, tokens @ w_k.T, v),
            OVER_KEYS: _attention(q, k, v, over=0),
            SCALED: _attention(q, k, v, scale=1.0),
            NO_RESIDUAL: tokens + right,
        }
        expect_close(attempt(x, p, *matrices), right, mistakes, tolerance=1e-4)


def _pearson(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    a, b = a - a.mean(), b - b.mean()
    return np.array((a * b).sum() / math.sqrt((a**2).sum() * (b**2).sum()))


def _places(x: np.ndarray) -> np.ndarray:
    """Ranks in which the first of equal values counts as the smaller one."""
    return np.argsort(np.argsort(x, kind="stable"), kind="stable").astype(float)


@exercise("Exercise 12.3, rank correlation", "연습문제 12.3, 순위 상관계수")
def rank_correlation(attempt: Attempt) -> None:
    """Spearman's ρ, a scalar, of two rows of numbers (T,)."""
    rows = [
        (_random(1, 7), _random(2, 7)),
        (torch.tensor([0.0, 1.0, 2.0, 9.0]).exp(), torch.tensor([1.0, 2.0, 3.0, 4.0])),
        (torch.tensor([3.0, 1.0, 2.0]), torch.tensor([1.0, 3.0, 2.0])),
        (torch.tensor([0.3, 0.1, 0.2, 0.4]), torch.tensor([0.5, 0.0, 0.5, 0.0])),
        (_random(3, 9), torch.tensor([0.0, 0.0, 0.0, 0.2, 0.9, 1.0, 0.4, 0.0, 0.0])),
    ]
    for first, second in rows:
        a, b = first.double().numpy(), second.double().numpy()
        right = np.array(spearmanr(a, b).statistic)
        places = [_places(x) - (len(x) - 1) / 2 for x in (a, b)]
        mistakes = {
            RANKS: _pearson(a, b),
            RANK_NOT_ORDER: _pearson(np.argsort(a).astype(float), np.argsort(b).astype(float)),
            TIES: _pearson(*places),
            SIGNED: np.asarray(abs(right)),
            NORMALISED: np.array((places[0] * places[1]).mean()),
        }
        expect_close(attempt(first, second), right, mistakes)


def _lengths(joints: np.ndarray, bones: np.ndarray) -> np.ndarray:
    return np.array(
        [[math.dist(frame[parent], frame[child]) for parent, child in bones] for frame in joints]
    )


@exercise("Exercise 12.4, bones that change", "연습문제 12.4, 변하는 뼈 길이")
def bone_drift(attempt: Attempt) -> None:
    """Mean over bones (K, 2) of the deviation over time of their lengths; joints (T, J, 3)."""
    chain = torch.tensor([[0, 1], [1, 2], [0, 3]])
    for frames, joint_count, bones in ((5, 4, chain), (2, 4, chain[:1]), (1, 4, chain)):
        joints = _random(frames, frames, joint_count, 3)
        points, pairs = joints.double().numpy(), bones.numpy()
        lengths = _lengths(points, pairs)
        apart = points[:, pairs[:, 1]] - points[:, pairs[:, 0]]
        more = lengths.std(0, ddof=1) if frames > 1 else np.zeros(len(pairs))
        mistakes = {
            DIVIDED_BY_T: np.array(more.mean()),
            OVER_TIME: np.array(lengths.std(1).mean()),
            LENGTHS: np.array(apart.std(0).mean()),
            NOT_SQUARED: np.array(lengths.var(0).mean()),
            BONES_AVERAGED: np.array(lengths.std(0).sum()),
        }
        expect_close(attempt(joints, bones), np.array(lengths.std(0).mean()), mistakes)
