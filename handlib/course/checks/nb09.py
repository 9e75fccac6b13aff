"""Checks of notebook 09. The oracles are loops and difference quotients in double precision.

Letters: h rows and w columns of a map, n cells of a row.
"""

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from handlib.course.check import Attempt, exercise, expect_close
from handlib.course.text import Text
from handlib.models.hourglass import Hourglass

ONE_MORE_INSIDE = Text(
    "every level has three units, and the innermost one more",
    "각 level에 unit이 세 개 있고, 가장 안쪽 level에는 하나가 더 있습니다",
)
BIASES = Text("every convolution has biases", "모든 convolution에는 bias가 있습니다")
NORMS = Text(
    "a batch norm learns two numbers for each channel",
    "Batch norm은 channel마다 숫자 두 개를 학습합니다",
)
KERNEL = Text("the middle convolution is 3 × 3", "가운데 convolution은 3 × 3입니다")

CENTRES = Text(
    "a cell stands at its centre, (column + 0.5)/w and (row + 0.5)/h",
    "각 cell의 위치는 중심인 (column + 0.5)/w, (row + 0.5)/h입니다",
)
FRACTIONS = Text("positions are fractions of the image", "위치는 이미지에 대한 비율(0..1)입니다")
U_FIRST = Text("u (along the columns) comes before v", "u(column 방향)가 v보다 먼저 나와야 합니다")
TEMPERATURE = Text(
    "the temperature multiplies the scores before the softmax",
    "Temperature는 softmax 이전의 score에 곱합니다",
)
ALL_CELLS = Text(
    "softmax runs over all cells of the map together",
    "Softmax는 map의 모든 cell에 대해 한 번에 계산합니다",
)
EXPECTED = Text(
    "the position is a mean over the cells, not the largest cell's",
    "위치는 가장 큰 cell의 위치가 아니라 모든 cell의 평균입니다",
)

FACTOR_TWO = Text("the square's derivative has a factor 2", "제곱의 미분에는 2가 곱해집니다")
FROM_MEAN = Text(
    "a cell's slope grows with its distance from the mean",
    "각 cell의 기울기는 평균까지의 거리에 비례합니다",
)
BY_SHARE = Text(
    "a cell's slope is multiplied by its probability",
    "각 cell의 기울기에는 그 cell의 확률이 곱해집니다",
)
SIGN = Text("it is the slope of the loss, upwards", "Loss가 증가하는 방향의 기울기여야 합니다")

BITS = Text("the logarithm has base 2, so the unit is the bit", "밑이 2인 로그를 사용해야 합니다")
SUMMED = Text(
    "a map's entropy is the sum over its cells", "Map의 entropy는 모든 cell에 대한 합입니다"
)
NOT_NEGATIVE = Text("no entropy is negative", "Entropy는 음수가 될 수 없습니다")
EACH_MAP = Text("every map has its own entropy", "Map마다 entropy를 따로 구해야 합니다")


@exercise("Exercise 9.1, an hourglass's parameters", "연습문제 9.1, hourglass의 parameter 수")
def hourglass_parameters(attempt: Attempt) -> None:
    """Learned numbers of an hourglass; the oracle counts those of a real one."""
    for channels, depth in ((8, 1), (4, 3), (12, 2)):
        c, half = channels, channels // 2
        weights = c * half + 9 * half * half + half * c
        biases, norms = half + half + c, 2 * (c + half + half)
        units = 3 * depth + 1
        unit = weights + biases + norms
        real = sum(p.numel() for p in Hourglass(channels, depth).parameters())
        expect_close(
            attempt(channels, depth),
            np.array(float(real)),
            {
                ONE_MORE_INSIDE: np.array(float(3 * depth * unit)),
                BIASES: np.array(float(units * (weights + norms))),
                NORMS: np.array(float(units * (weights + biases))),
                KERNEL: np.array(float(units * (unit - 8 * half * half))),
            },
            tolerance=1e-7,
        )


def _position(scores: Tensor, temperature: float, corner: float = 0.5) -> np.ndarray:
    """Mean (u, v) with cell i at (i + corner)/n, one cell after the other."""
    s = temperature * scores.double().numpy()
    (h, w), total, u, v = s.shape, 0.0, 0.0, 0.0
    for row in range(h):
        for column in range(w):
            weight = math.exp(s[row, column] - s.max())
            total += weight
            u += weight * (column + corner) / w
            v += weight * (row + corner) / h
    return np.array([u / total, v / total])


def _score_maps() -> Iterator[tuple[Tensor, float]]:
    """Random maps, wide and high, with temperatures, and one of large scores."""
    generator = torch.Generator().manual_seed(9)
    for h, w, size, temperature in ((3, 5, 1.0, 2.0), (6, 2, 2.0, 0.5), (4, 7, 300.0, 1.5)):
        yield size * torch.randn(h, w, generator=generator), temperature


@exercise("Exercise 9.2, soft-argmax", "연습문제 9.2, soft-argmax")
def mean_place(attempt: Attempt) -> None:
    """The mean (u, v) in 0..1 under the softmax of a score map (h, w)."""
    for scores, temperature in _score_maps():
        h, w = scores.shape
        right = _position(scores, temperature)
        row, column = divmod(int(scores.argmax()), w)
        by_row = np.array([_position(line[None], temperature)[0] for line in scores])
        expect_close(
            attempt(scores, temperature),
            right,
            {
                CENTRES: _position(scores, temperature, corner=0.0),
                FRACTIONS: right * [w, h],
                U_FIRST: right[::-1].copy(),
                TEMPERATURE: _position(scores, 1 / temperature),
                EXPECTED: np.array([(column + 0.5) / w, (row + 0.5) / h]),
                ALL_CELLS: np.array([by_row.mean(), 0.5]),
            },
        )


def _squared_error(scores: np.ndarray, places: np.ndarray, target: float) -> float:
    weights = np.exp(scores - scores.max())
    return float((weights @ places / weights.sum() - target) ** 2)


def _slopes(scores: Tensor, places: Tensor, target: float, step: float = 1e-5) -> np.ndarray:
    """Central difference quotients, one score after the other."""
    s, x = scores.double().numpy(), places.double().numpy()
    shifts = step * np.eye(len(s))
    ends = [(_squared_error(s + d, x, target), _squared_error(s - d, x, target)) for d in shifts]
    return np.array([(up - down) / (2 * step) for up, down in ends])


@exercise("Exercise 9.3, what soft-argmax asks", "연습문제 9.3, soft-argmax의 gradient")
def slopes(attempt: Attempt) -> None:
    """Gradient (n,) of (mean place − target)² to the scores (n,) of a row."""
    generator = torch.Generator().manual_seed(93)
    for n, target in ((4, 0.2), (7, 0.9), (2, -0.5)):
        scores = torch.randn(n, generator=generator)
        places = torch.rand(n, generator=generator)
        x = places.double().numpy()
        p = scores.double().softmax(0).numpy()
        mean = float(p @ x)
        right = _slopes(scores, places, target)
        expect_close(
            attempt(scores, places, target),
            right,
            {
                FACTOR_TWO: right / 2,
                FROM_MEAN: 2 * (mean - target) * p * x,
                BY_SHARE: 2 * (mean - target) * (x - mean),
                SIGN: -right,
            },
            tolerance=1e-4,
        )


def _entropy(maps: Tensor, base: float = 2.0) -> np.ndarray:
    """Of each map: −Σ p log p over its cells, where a cell of 0 adds nothing."""
    values = maps.double().numpy()
    flat = values.reshape(*values.shape[:-2], -1)
    found = np.zeros(flat.shape[:-1])
    for place in np.ndindex(found.shape):
        found[place] = sum(-p * math.log(p, base) for p in flat[place] if p > 0)
    return found


@exercise("Exercise 9.4, entropy of a heatmap", "연습문제 9.4, heatmap의 entropy")
def entropy_bits(attempt: Attempt) -> None:
    """Entropy (B, J) in bits of heatmaps (B, J, h, w); some cells are exactly zero."""
    generator = torch.Generator().manual_seed(94)
    for shape in ((2, 3, 4, 5), (1, 2, 3, 3)):
        maps = torch.randn(shape, generator=generator).flatten(2).softmax(2).view(shape)
        peak = torch.zeros_like(maps)
        peak[..., 1, 2] = 1.0
        for heatmaps in (maps, torch.cat([maps, peak])):
            right = _entropy(heatmaps)
            expect_close(
                attempt(heatmaps),
                right,
                {
                    BITS: _entropy(heatmaps, math.e),
                    SUMMED: right / (shape[2] * shape[3]),
                    NOT_NEGATIVE: -right,
                    EACH_MAP: np.array(right.sum()),
                },
            )
