"""Checks of notebook 04. The oracles are loops over single numbers in double precision."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from handlib.course.check import Attempt, exercise, expect_close
from handlib.course.text import Text

BOTH_ENDS = Text("padding is added at both ends", "padding은 양쪽 끝에 모두 더해져야 합니다")
FIRST_PLACE = Text("the window's first place counts, too", "window의 첫 번째 위치도 세어야 합니다")
WHOLE_STEPS = Text(
    "only whole steps count: a window must fit", "window가 들어가는 온전한 step만 세어야 합니다"
)
STRIDED = Text("the window moves on by the stride", "window는 stride만큼 이동해야 합니다")
WAY_ROUND = Text(
    "the input itself is added to what the layers make of it",
    "입력을 layer의 출력에 더해야 합니다",
)
SUM_FIRST = Text(
    "the last activation comes behind the sum", "마지막 activation은 덧셈 뒤에 와야 합니다"
)
LAST_ACTIVATION = Text("an activation follows the sum", "덧셈 뒤에 activation이 있어야 합니다")
INNER_ACTIVATION = Text(
    "an activation stands between the two convolutions",
    "두 convolution 사이에 activation이 있어야 합니다",
)
LEAKY = Text("1 % of a negative value passes", "음수 값의 1 %는 통과해야 합니다")
BILINEAR = Text("the coarse map is enlarged bilinearly", "coarse map은 bilinear로 확대해야 합니다")
CELL_CENTRES = Text(
    "cells are matched by the map's edges, not by the centres of its corner cells",
    "cell은 map의 가장자리를 기준으로 맞추어야 합니다 (align_corners=False)",
)
LATERAL_ADDED = Text(
    "the fine map comes in, through the lateral", "fine map이 lateral을 거쳐 더해져야 합니다"
)
COARSE_ADDED = Text("the coarse map comes in", "coarse map이 더해져야 합니다")
SUMMED = Text("the two are added, not averaged", "두 map을 평균이 아니라 더해야 합니다")
JUMPS = Text(
    "a window on strided cells spans more pixels",
    "stride를 거친 cell 위의 window는 더 많은 픽셀을 덮어야 합니다",
)
STRIDE_BEHIND = Text(
    "a layer's stride widens the layers behind it, not its own window",
    "어떤 층의 stride는 그 뒤의 층에만 영향을 주어야 합니다",
)
ONE_PIXEL = Text(
    "without a layer the field is one pixel", "층이 없으면 receptive field는 1 픽셀입니다"
)
SQUARED = Text(
    "influence is the square of the gradient", "influence는 gradient의 제곱이어야 합니다"
)
INSIDE = Text("the share is that inside the mask", "mask 안쪽의 비율이어야 합니다")
IMAGE_BY_IMAGE = Text("each image has its own share", "이미지마다 비율을 따로 구해야 합니다")
ALL_COLOURS = Text("all three colours count", "세 가지 색을 모두 더해야 합니다")


@exercise("Exercise 4.1, the size of the output", "연습문제 4.1, 출력 크기")
def output_size(attempt: Attempt) -> None:
    """The number of places at which a window fits."""
    cases = ((8, 3, 1, 2), (8, 3, 2, 1), (7, 3, 2, 1), (256, 7, 2, 3), (9, 4, 3, 0), (5, 5, 4, 2))
    for size, kernel, stride, padding in (*cases, (3, 3, 1, 0)):
        long = size + 2 * padding
        fits = sum(start + kernel <= long for start in range(0, long, stride))
        reach = (long - kernel) / stride
        expect_close(
            attempt(size, kernel, stride, padding),
            np.array(fits),
            {
                FIRST_PLACE: np.array(math.floor(reach)),
                BOTH_ENDS: np.array((size + padding - kernel) // stride + 1),
                WHOLE_STEPS: np.array(math.ceil(reach) + 1),
                STRIDED: np.array(long - kernel + 1),
            },
        )


def _conv3(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """3×3 convolution of (B, C, H, W) with zeros around, place by place."""
    batch, _, height, width = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    result = np.zeros((batch, len(weight), height, width))
    for b, o, i, j in np.ndindex(result.shape):
        result[b, o, i, j] = (padded[b, :, i : i + 3, j : j + 3] * weight[o]).sum()
    return result


def _leak(x: np.ndarray, slope: float = 0.01) -> np.ndarray:
    return np.where(x > 0, x, slope * x)


@exercise("Exercise 4.2, the residual block", "연습문제 4.2, residual block")
def residual_block(attempt: Attempt) -> None:
    """lrelu(W₂ * lrelu(W₁ * x) + x)."""
    generator = torch.Generator().manual_seed(42)
    for batch, channels, height, width in ((2, 3, 4, 5), (1, 1, 1, 3)):
        x = torch.randn(batch, channels, height, width, generator=generator)
        first, second = torch.randn(2, channels, channels, 3, 3, generator=generator) / 2
        a, w1, w2 = (t.double().numpy() for t in (x, first, second))
        inner = _conv3(a, w1)
        y = _conv3(_leak(inner), w2)
        relu = _conv3(_leak(inner, 0.0), w2) + a
        expect_close(
            attempt(x, first, second),
            _leak(y + a),
            {
                WAY_ROUND: _leak(y),
                SUM_FIRST: _leak(y) + a,
                LAST_ACTIVATION: y + a,
                INNER_ACTIVATION: _leak(_conv3(inner, w2) + a),
                LEAKY: _leak(relu, 0.0),
            },
        )


def _enlarge(x: np.ndarray, size: tuple[int, int], corners: bool = False) -> np.ndarray:
    """Bilinear, one axis after the other, cell by cell."""
    for axis, new in zip((2, 3), size, strict=True):
        old = x.shape[axis]
        columns = []
        for i in range(new):
            at = i * (old - 1) / max(new - 1, 1) if corners else (i + 0.5) * old / new - 0.5
            at = min(max(at, 0), old - 1)
            low = math.floor(at)
            high = min(low + 1, old - 1)
            columns.append((1 - at + low) * x.take(low, axis) + (at - low) * x.take(high, axis))
        x = np.stack(columns, axis)
    return x


def _nearest(x: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    rows = [i * x.shape[2] // size[0] for i in range(size[0])]
    columns = [j * x.shape[3] // size[1] for j in range(size[1])]
    return x[:, :, rows][:, :, :, columns]


@exercise("Exercise 4.3, one step down the pyramid", "연습문제 4.3, pyramid 한 단계")
def top_down(attempt: Attempt) -> None:
    """up(coarse) + lateral(fine)."""
    generator = torch.Generator().manual_seed(43)
    for (h, w), (height, width) in (((2, 3), (4, 6)), ((3, 2), (5, 4))):
        coarse = torch.randn(2, 4, h, w, generator=generator)
        fine = torch.randn(2, 3, height, width, generator=generator)
        weight = torch.randn(4, 3, generator=generator)
        c, f, m = (t.double().numpy() for t in (coarse, fine, weight))
        lateral = np.zeros((2, 4, height, width))
        for b, o, i, j in np.ndindex(lateral.shape):
            lateral[b, o, i, j] = sum(m[o, k] * f[b, k, i, j] for k in range(3))
        up = _enlarge(c, (height, width))
        expect_close(
            attempt(coarse, fine, weight),
            up + lateral,
            {
                LATERAL_ADDED: up,
                COARSE_ADDED: lateral,
                BILINEAR: _nearest(c, (height, width)) + lateral,
                CELL_CENTRES: _enlarge(c, (height, width), corners=True) + lateral,
                SUMMED: (up + lateral) / 2,
            },
        )


def _pixels_seen(kernels: Sequence[int], strides: Sequence[int]) -> int:
    """Walk back from one cell to the pixels that its windows cover, as sets."""
    seen = {0}
    for k, s in reversed(list(zip(kernels, strides, strict=True))):
        seen = {s * cell + i for cell in seen for i in range(k)}
    return max(seen) - min(seen) + 1


@exercise("Exercise 4.4, the receptive field", "연습문제 4.4, receptive field")
def field_width(attempt: Attempt) -> None:
    """Width in pixels of what one cell behind a stack of layers can see."""
    stacks: tuple[tuple[list[int], list[int]], ...] = (
        ([7, 3, 3, 3], [2, 2, 1, 1]),
        ([3, 3, 3], [2, 2, 2]),
        ([5], [3]),
        ([1, 3, 1, 4], [1, 2, 1, 3]),
        ([], []),
    )
    for kernels, strides in stacks:
        products = [math.prod(strides[:i]) for i in range(len(strides) + 1)]
        added = [k - 1 for k in kernels]
        late = sum(a * j for a, j in zip(added, products[1:], strict=True))
        right = _pixels_seen(kernels, strides)
        expect_close(
            attempt(list(kernels), list(strides)),
            np.array(right),
            {
                JUMPS: np.array(1 + sum(added)),
                STRIDE_BEHIND: np.array(1 + late),
                ONE_PIXEL: np.array(right - 1),
            },
        )


def _gradients() -> Iterator[tuple[Tensor, Tensor]]:
    """Random gradients and masks: several images, and one with a mask of one pixel."""
    generator = torch.Generator().manual_seed(45)
    for batch, height, width, covered in ((3, 4, 5, 0.4), (1, 6, 2, None)):
        gradient = torch.randn(batch, 3, height, width, generator=generator)
        gradient *= 1 + torch.arange(batch).view(-1, 1, 1, 1)
        mask = torch.zeros(batch, height, width, dtype=torch.bool)
        mask[:, 0, 1] = True
        if covered is not None:
            mask = torch.rand(mask.shape, generator=generator) < covered
        yield gradient, mask


@exercise("Exercise 4.5, the share of the influence", "연습문제 4.5, influence의 비율")
def share_of_influence(attempt: Attempt) -> None:
    """Squared gradients inside the mask over all of them, image by image."""
    for gradient, mask in _gradients():
        g, m = gradient.double().numpy(), mask.numpy()

        def shares(values: np.ndarray, inside: np.ndarray) -> np.ndarray:
            pairs = zip(values, inside, strict=True)
            return np.array([v[:, i].sum() / v.sum() for v, i in pairs])

        squares = g**2
        together = sum(s[:, i].sum() for s, i in zip(squares, m, strict=True)) / squares.sum()
        summed = g.sum(1, keepdims=True) ** 2
        expect_close(
            attempt(gradient, mask),
            shares(squares, m),
            {
                SQUARED: shares(np.abs(g), m),
                INSIDE: shares(squares, ~m),
                ALL_COLOURS: shares(summed, m),
                IMAGE_BY_IMAGE: np.array(together),
            },
        )
