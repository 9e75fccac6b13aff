"""Checks of notebook 11. The oracles are loops in double precision, interpolation by NumPy.

Letters: L frames of a window, W pixels of a row, N tokens, A heads of d = C/A channels.
"""

import math

import numpy as np
import torch
from torch import Tensor

from handlib.course.check import Attempt, exercise, expect_close
from handlib.course.text import Text

GAP_COUNTS = Text(
    "neighbours in a window are `gap` frames apart",
    "window 안에서 이웃한 frame의 간격은 `gap`이어야 합니다",
)
ONE_STEP_LESS = Text(
    "between L frames there are L − 1 steps",
    "frame이 L개이면 그 사이의 간격은 L − 1개입니다",
)
NOT_BELOW_ZERO = Text(
    "a clip that is too short has no complete window, not a negative number of them",
    "clip이 너무 짧으면 완전한 window는 0개이며, 음수가 될 수 없습니다",
)
MEAN_NOT_SUM = Text(
    "blur spreads the light, it adds none: the mean over the way, not the sum",
    "blur는 빛을 퍼뜨릴 뿐 더하지 않습니다: 합이 아니라 평균이어야 합니다",
)
BOTH_SIDES = Text(
    "the label is that of the middle of the exposure: light spreads to both sides alike",
    "label은 노출 시간의 한가운데를 기준으로 하므로, 빛은 양쪽으로 똑같이 퍼져야 합니다",
)
NO_WRAP = Text(
    "what leaves the row on one side does not come back on the other",
    "한쪽으로 나간 빛이 반대쪽에서 다시 들어오면 안 됩니다",
)
ON_CELLS = Text(
    "cell k stands at coordinate k: no half cell is taken off",
    "cell k의 좌표는 k입니다. 반 칸을 빼지 않아야 합니다",
)
MEAN_OF_SAMPLES = Text(
    "a bin is the mean of its samples, so each row of weights adds up to 1",
    "bin은 sample들의 평균이므로, weight의 각 행의 합은 1이어야 합니다",
)
AT_CENTRES = Text(
    "samples stand at the centres of equal parts of the bin",
    "sample은 bin을 똑같이 나눈 각 구간의 한가운데에 있어야 합니다",
)
ENOUGH_SAMPLES = Text(
    "a bin longer than a cell takes ⌈length of a bin⌉ samples",
    "bin이 cell보다 길면 sample은 ⌈bin의 길이⌉개여야 합니다",
)
BY_HEAD_WIDTH = Text(
    "scores are divided by √d, the width of one head, not by √C",
    "score는 √C가 아니라 head 하나의 폭인 √d로 나누어야 합니다",
)
OVER_TOKENS = Text(
    "each head's weights add up to 1 over the tokens",
    "head마다 token 방향으로 weight의 합이 1이어야 합니다",
)
NEIGHBOURING_CHANNELS = Text(
    "a head is d neighbouring channels", "head 하나는 이웃한 channel d개로 이루어져야 합니다"
)
EACH_HEAD = Text(
    "each head scores with its own channels alone",
    "head마다 자기 channel만으로 score를 계산해야 합니다",
)


def _random(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _complete(frames: int, length: int, gap: int) -> int:
    steps = [(place - length // 2) * gap for place in range(length)]
    return sum(all(0 <= centre + step < frames for step in steps) for centre in range(frames))


@exercise("Exercise 11.1, complete windows", "연습문제 11.1, 완전한 window의 개수")
def complete_windows(attempt: Attempt) -> None:
    """How many windows of `length` frames, `gap` apart, repeat no frame of the clip."""
    for frames, length, gap in ((32, 7, 1), (32, 7, 5), (70, 4, 3), (10, 1, 4), (32, 7, 10)):
        expect_close(
            attempt(frames, length, gap),
            np.array(_complete(frames, length, gap)),
            {
                GAP_COUNTS: np.array(_complete(frames, length, 1)),
                ONE_STEP_LESS: np.array(max(frames - length * gap, 0)),
                NOT_BELOW_ZERO: np.array(frames - (length - 1) * gap),
            },
        )


def _blurred(
    light: Tensor, way: int, first: int | None = None, mean: bool = True, wrap: bool = False
) -> np.ndarray:
    """Each pixel gathers what passes it. first: the first shift; None: half of the way back."""
    row, width = light.double().numpy(), len(light)
    start = -(way // 2) if first is None else first
    result = np.zeros(width)
    for x in range(width):
        for shift in range(start, start + way):
            origin = x - shift
            if wrap:
                origin %= width
            if 0 <= origin < width:
                result[x] += row[origin]
    return result / way if mean else result


@exercise("Exercise 11.2, motion blur", "연습문제 11.2, motion blur")
def motion_blur(attempt: Attempt) -> None:
    """A row of light (W,) that moves by an odd number of pixels while the shutter is open."""
    for width, way in ((12, 3), (9, 1), (15, 5), (5, 7)):
        light = _random(width, width).abs()
        expect_close(
            attempt(light, way),
            _blurred(light, way),
            {
                MEAN_NOT_SUM: _blurred(light, way, mean=False),
                BOTH_SIDES: _blurred(light, way, first=0),
                NO_WRAP: _blurred(light, way, wrap=True),
            },
        )


def _weights(
    start: float,
    end: float,
    bins: int,
    cells: int,
    shift: float = 0.0,
    within: float = 0.5,
    samples: int | None = None,
    mean: bool = True,
) -> np.ndarray:
    """Interpolate every cell's indicator at every sample. within: of its part, 0 to 1."""
    width = (end - start) / bins
    count = samples or max(math.ceil(width), 1)
    result = np.zeros((bins, cells))
    for i in range(bins):
        for s in range(count):
            place = start + width * (i + (s + within) / count) - shift
            for k in range(cells):
                result[i, k] += np.interp(place, np.arange(cells), np.eye(cells)[k])
    return result / count if mean else result


@exercise("Exercise 11.3, RoIAlign along one axis", "연습문제 11.3, 한 축의 RoIAlign")
def bin_weights(attempt: Attempt) -> None:
    """Weights (bins, cells) of the cells of one axis; the box lies inside the map."""
    for start, end, bins, cells in ((1.0, 6.0, 2, 8), (0.5, 3.25, 3, 5), (0.0, 9.0, 2, 10)):
        box = (start, end, bins, cells)
        expect_close(
            attempt(*box),
            _weights(*box),
            {
                MEAN_OF_SAMPLES: _weights(*box, mean=False),
                ON_CELLS: _weights(*box, shift=0.5),
                ENOUGH_SAMPLES: _weights(*box, samples=1),
                AT_CENTRES: _weights(*box, within=0.0),
            },
        )


def _attention(scores: np.ndarray, axis: int = 1) -> np.ndarray:
    e = np.exp(scores - scores.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def _scores(query: Tensor, keys: Tensor, heads: int, every: bool = False) -> np.ndarray:
    """q·k (A, N). every: head a takes the channels a, a + A, a + 2A, ... instead."""
    q, k = query.double().numpy(), keys.double().numpy()
    width = len(q) // heads
    result = np.zeros((heads, len(k)))
    for a in range(heads):
        own = range(a, len(q), heads) if every else range(a * width, (a + 1) * width)
        for n in range(len(k)):
            result[a, n] = sum(q[c] * k[n, c] for c in own)
    return result


@exercise("Exercise 11.4, attention of the hand query", "연습문제 11.4, hand query의 attention")
def query_attention(attempt: Attempt) -> None:
    """Weights (A, N) that one query (C,) gives to the keys (N, C) of N tokens."""
    for tokens, channels, heads, size in ((5, 8, 2, 1.0), (9, 12, 3, 1.0), (6, 4, 2, 20.0)):
        query = size * _random(tokens, channels)
        keys = _random(channels, tokens, channels)
        scores = _scores(query, keys, heads)
        root = math.sqrt(channels / heads)
        expect_close(
            attempt(query, keys, heads),
            _attention(scores / root),
            {
                BY_HEAD_WIDTH: _attention(scores / math.sqrt(channels)),
                OVER_TOKENS: _attention(scores / root, axis=0),
                NEIGHBOURING_CHANNELS: _attention(_scores(query, keys, heads, every=True) / root),
                EACH_HEAD: _attention(
                    np.tile(scores.sum(0, keepdims=True), (heads, 1)) / math.sqrt(channels)
                ),
            },
        )
