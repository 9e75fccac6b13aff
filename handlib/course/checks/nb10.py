"""Checks of notebook 10. The oracles are loops over single numbers in double precision."""

import math
from itertools import product

import numpy as np
import torch
from torch import Tensor, nn

from handlib.course.check import FINITE, SHAPE, Attempt, describe, exercise, expect, expect_close
from handlib.course.text import Text

ALIGNED = Text(
    "both wrists (joint 0) are moved to the same point first",
    "먼저 두 손의 손목(joint 0)을 같은 점으로 옮겨야 합니다",
)
AT_THE_WRIST = Text(
    "the hands are aligned at the wrist, not at the mean of the joints",
    "joint 평균이 아니라 손목을 기준으로 정렬해야 합니다",
)
MILLIMETRES = Text("the inputs are metres, the result millimetres", "입력은 m, 결과는 mm입니다")
ONE_A_HAND = Text("every hand has its own error", "손마다 오차가 하나씩 나와야 합니다")
DISTANCES = Text(
    "the error of a joint is its Euclidean distance, and the hand's error their mean",
    "joint의 오차는 유클리드 거리이고, 손의 오차는 그 평균입니다",
)

SUMS_TO_ONE = Text("the target adds up to 1", "target의 합이 1이어야 합니다")
CELL_CENTRES = Text(
    "a cell stands at its centre: cell i at i + 0.5", "cell i의 위치는 중심인 i + 0.5입니다"
)
ROWS_ARE_V = Text(
    "u runs along the columns and v along the rows", "u는 열 방향, v는 행 방향입니다"
)
IN_CELLS = Text("sigma counts cells, not images", "sigma의 단위는 이미지가 아니라 cell입니다")
WIDTH = Text(
    "the Gaussian's standard deviation is sigma: d² is divided by 2·sigma²",
    "Gaussian의 표준편차가 sigma입니다: d²을 2·sigma²으로 나눕니다",
)

RISES = Text(
    "the rate rises linearly from 0 to its peak during the warm-up",
    "warm-up 동안 learning rate가 0에서 최댓값까지 선형으로 올라가야 합니다",
)
PEAK = Text(
    "the peak is reached when the warm-up ends, also if there is none",
    "warm-up이 끝날 때 최댓값이어야 합니다 (warm-up이 없어도)",
)
AFTER_WARMUP = Text(
    "the cosine begins where the warm-up ends", "cosine은 warm-up이 끝난 곳에서 시작해야 합니다"
)
COSINE = Text("the rate falls along half a cosine", "반 주기의 cosine을 따라 내려가야 합니다")
ZERO = Text("the rate is zero at the end", "마지막에는 0이어야 합니다")

TOWARDS = Text(
    "`decay` is the share of the old average that is kept",
    "`decay`는 기존 평균을 유지하는 비율입니다",
)
EARLY = Text(
    "early steps keep no more than (1 + step) / (10 + step)",
    "초기 step에서는 (1 + step) / (10 + step)보다 많이 유지하지 않아야 합니다",
)

CHANGES = Text("every call changes the weights", "호출할 때마다 weight가 바뀌어야 합니다")
ZEROED = Text("gradients of earlier steps are cleared", "이전 step의 gradient를 지워야 합니다")
OWN_GRADIENT = Text(
    "a step uses the gradient of its own batch, not of the one before",
    "이전 batch가 아니라 현재 batch의 gradient를 사용해야 합니다",
)
LOSS_BEFORE = Text(
    "the loss returned is the one that was differentiated, before the step",
    "step 이전의, 미분한 loss를 반환해야 합니다",
)


@exercise("Exercise 10.1, the root-aligned error", "연습문제 10.1, root-aligned 오차")
def root_aligned_mm(attempt: Attempt) -> None:
    """Mean distance of 21 joints in millimetres, wrist on wrist, for each hand."""
    generator = torch.Generator().manual_seed(101)
    for count in (3, 1):
        found, truth = 0.05 * torch.randn(2, count, 21, 3, generator=generator)
        p, t = found.double().numpy(), truth.double().numpy()
        at_wrist, at_mean = (
            (p - p[:, :1], t - t[:, :1]),
            (p - p.mean(1, keepdims=True), t - t.mean(1, keepdims=True)),
        )
        right = _millimetres(*at_wrist)
        squares = ((at_wrist[0] - at_wrist[1]) ** 2).sum(-1)
        expect_close(
            attempt(found, truth),
            right,
            {
                MILLIMETRES: right / 1000,
                ALIGNED: _millimetres(p, t),
                AT_THE_WRIST: _millimetres(*at_mean),
                ONE_A_HAND: np.array(right.mean()),
                DISTANCES: 1000 * np.sqrt(squares.mean(-1)),
            },
            tolerance=1e-4,
        )


def _millimetres(found: np.ndarray, truth: np.ndarray) -> np.ndarray:
    distances = [
        [math.dist(a, b) for a, b in zip(x, y, strict=True)]
        for x, y in zip(found, truth, strict=True)
    ]
    return np.array([1000 * sum(row) / len(row) for row in distances])


@exercise("Exercise 10.2, the soft target", "연습문제 10.2, soft target")
def soft_target(attempt: Attempt) -> None:
    """A Gaussian of sigma cells around (u, v), over side × side cells, that adds up to 1."""
    for u, v, side, sigma in ((0.3, 0.6, 8, 1.0), (0.03, 0.9, 16, 0.7), (0.5, 0.25, 4, 1.3)):
        found = attempt(u, v, side, sigma)
        shaped = tuple(found.shape) == (side, side)
        expect(shaped, SHAPE, f"shape {(side, side)}", f"shape {tuple(found.shape)}")
        expect(
            bool(torch.isfinite(found).all()),
            FINITE,
            Text("finite values", "유한한 값"),
            describe(found),
        )
        total = float(found.sum())
        expect(abs(total - 1) < 1e-4, SUMS_TO_ONE, "1", f"{total:.4g}")
        right = _gaussian(u, v, side, offset=0.5, sigma=sigma / side)
        expect_close(
            found,
            right,
            {
                CELL_CENTRES: _gaussian(u, v, side, offset=0.0, sigma=sigma / side),
                ROWS_ARE_V: right.T,
                IN_CELLS: _gaussian(u, v, side, offset=0.5, sigma=sigma),
                WIDTH: _gaussian(u, v, side, offset=0.5, sigma=1 / side),
            },
        )


def _gaussian(u: float, v: float, side: int, offset: float, sigma: float) -> np.ndarray:
    """In units of the image."""
    values = np.zeros((side, side))
    for row, column in product(range(side), repeat=2):
        across, down = (column + offset) / side - u, (row + offset) / side - v
        values[row, column] = math.exp(-0.5 * (across**2 + down**2) / sigma**2)
    return values / values.sum()


@exercise("Exercise 10.3, the learning rate", "연습문제 10.3, learning rate")
def rate_at(attempt: Attempt) -> None:
    """Linear warm-up to the peak, then half a cosine to zero."""
    total, warmup, peak = 1000, 200, 0.01
    for seen in (0, 50, 150):
        _expect_number(attempt(seen, total, warmup, peak), peak * seen / warmup, RISES)
    _expect_number(attempt(warmup, total, warmup, peak), peak, PEAK)
    _expect_number(attempt(0, total, 0, peak), peak, PEAK)
    for seen in (400, 600, 900):
        found = attempt(seen, total, warmup, peak)
        early = _half_cosine(seen / total, peak)
        is_early = found.numel() == 1 and math.isclose(float(found), early, rel_tol=1e-4)
        right = _half_cosine((seen - warmup) / (total - warmup), peak)
        _expect_number(found, right, AFTER_WARMUP if is_early else COSINE)
    _expect_number(attempt(total, total, warmup, peak), 0.0, ZERO)


def _half_cosine(progress: float, peak: float) -> float:
    """By the half-angle formula, so that the oracle is not the solution."""
    return peak * math.cos(0.5 * math.pi * progress) ** 2


def _expect_number(found: Tensor, right: float, must_hold: Text) -> None:
    expect(
        found.numel() == 1, SHAPE, Text("one number", "숫자 하나"), f"shape {tuple(found.shape)}"
    )
    close = math.isclose(float(found), right, rel_tol=1e-4, abs_tol=1e-8)
    expect(close, must_hold, f"{right:.4g}", f"{float(found):.4g}")


@exercise("Exercise 10.4, averaging the weights", "연습문제 10.4, weight 평균")
def next_average(attempt: Attempt) -> None:
    """The moving average after step `step`."""
    generator = torch.Generator().manual_seed(104)
    for step, decay in ((1000, 0.9), (5, 0.99), (0, 0.5)):
        average, weights = torch.randn(2, 6, generator=generator)
        a, w = average.double().numpy(), weights.double().numpy()
        limit = (1 + step) / (10 + step)
        share = min(decay, limit)
        expect_close(
            attempt(average, weights, decay, step),
            w + share * (a - w),
            {
                TOWARDS: a + share * (w - a),
                EARLY: w + decay * (a - w),
            },
        )


@exercise("Exercise 10.5, one training step", "연습문제 10.5, 학습 한 step")
def train_step(attempt: Attempt) -> None:
    """Three steps of gradient descent on a linear model, against the gradient on paper."""
    generator = torch.Generator().manual_seed(105)
    model = nn.Linear(2, 1, bias=False)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[1.0, -2.0]]))
    batches = [torch.randn(2, 5, 2, generator=generator) for _ in range(3)]
    data = [(inputs, targets[:, :1]) for inputs, targets in batches]
    returned = [attempt(model, optimizer, x, y, nn.functional.mse_loss) for x, y in data]
    right = _descend(data, carry_over=0.0)
    mistakes = {
        CHANGES: right[0],
        ZEROED: _descend(data, carry_over=1.0)[-1],
        OWN_GRADIENT: right[-2],
    }
    expect_close(model.weight[0], right[-1], mistakes)
    for loss, batch, weight in zip(returned, data, right, strict=False):
        _expect_number(loss.detach(), _mean_square(weight, *batch), LOSS_BEFORE)


def _descend(data: list[tuple[Tensor, Tensor]], carry_over: float) -> list[np.ndarray]:
    """The weights before each step and after the last one, from the gradient 2 Xᵀ(Xw − y) / n.

    Args:
        carry_over: how much of the earlier gradients is added to a step's own.
    """
    path, gradient = [np.array([1.0, -2.0])], np.zeros(2)
    for inputs, targets in data:
        x, y = inputs.double().numpy(), targets[:, 0].double().numpy()
        gradient = carry_over * gradient + 2 * x.T @ (x @ path[-1] - y) / len(y)
        path.append(path[-1] - 0.1 * gradient)
    return path


def _mean_square(weight: np.ndarray, inputs: Tensor, targets: Tensor) -> float:
    residual = inputs.double().numpy() @ weight - targets[:, 0].double().numpy()
    return float((residual**2).mean())
