"""Checks of notebook 05. The oracles are loops over single numbers in double precision.

Letters: C channels, h×w cells, k×k kernel, N scores or samples, D features, K targets.
"""

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from handlib.course.check import Attempt, exercise, expect_close
from handlib.course.text import Text

MAX_FIRST = Text(
    "the kernel's first plane meets the maximum, its second the mean",
    "kernel의 첫 번째 면은 최댓값과, 두 번째 면은 평균과 곱해야 합니다",
)
MEAN_OVER_CHANNELS = Text(
    "the second number of a cell is the mean of its channels, not their sum",
    "각 cell의 두 번째 값은 channel의 합이 아니라 평균이어야 합니다",
)
SCALED_AND_SHIFTED = Text(
    "scale and shift act before the sigmoid", "scale과 shift는 sigmoid보다 먼저 적용해야 합니다"
)
BETWEEN_0_AND_1 = Text(
    "a sigmoid ends it: 0 < M < 1", "마지막에 sigmoid를 적용해야 합니다 (0 < M < 1)"
)
SAME_SIZE = Text(
    "zeros around the map keep its size", "가장자리를 0으로 채워 map의 크기를 유지해야 합니다"
)
DIFFERENCE = Text(
    "F_s = F⊗(1−M) pulls M the other way: its part is subtracted",
    "F_s = F⊗(1−M)의 gradient는 부호가 반대이므로 빼야 합니다",
)
BOTH_PATHS = Text(
    "both F_p and F_s send a gradient to M", "F_p와 F_s 양쪽의 gradient를 모두 더해야 합니다"
)
SLOPE = Text(
    "the slope of the sigmoid, M(1−M), multiplies it",
    "sigmoid의 기울기 M(1−M)을 곱해야 합니다",
)
TIMES_FEATURES = Text(
    "each channel's difference is weighted by its feature",
    "각 channel의 gradient 차이에 해당 feature를 곱해야 합니다",
)
TIES_HALF = Text("a tie counts one half", "값이 같은 쌍은 1/2로 세어야 합니다")
POSITIVE_WINS = Text(
    "a pair counts when the positive scores higher",
    "positive의 score가 더 높은 쌍을 세어야 합니다",
)
ALL_PAIRS = Text(
    "every positive meets every negative", "모든 positive와 모든 negative를 비교해야 합니다"
)
INTERCEPT = Text(
    "means are taken off first and the target's is added again: it is not shrunk",
    "먼저 평균을 빼고 마지막에 target의 평균을 다시 더해야 합니다 (평균에는 penalty가 없습니다)",
)
TRAINING_MEAN = Text(
    "unseen features lose the mean of the training ones, not their own",
    "새 sample에서도 학습 sample의 평균을 빼야 합니다",
)
PENALISED = Text(
    "the strength weighs the squared weights", "strength로 weight의 제곱에 penalty를 주어야 합니다"
)
ON_THE_DIAGONAL = Text(
    "the strength stands on the diagonal only", "strength는 대각 성분에만 더해야 합니다"
)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def _filtered(planes: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Planes (2, h, w) under a kernel (2, k, k), zeros around, one cell after the other."""
    (_, h, w), half = planes.shape, kernel.shape[-1] // 2
    result = np.zeros((h, w))
    for p, i, j in np.ndindex(planes.shape):
        for a, b in np.ndindex(kernel.shape[1:]):
            y, x = i + a - half, j + b - half
            if 0 <= y < h and 0 <= x < w:
                result[i, j] += kernel[p, a, b] * planes[p, y, x]
    return result


def _maps() -> Iterator[tuple[Tensor, Tensor, float, float]]:
    """Several sizes, one channel, one cell, negative features alone."""
    generator = torch.Generator().manual_seed(5)
    for c, h, w, k, offset in ((3, 4, 5, 3, 0.0), (6, 2, 3, 7, 0.0), (2, 1, 1, 1, 0.5)):
        features = torch.randn(c, h, w, generator=generator) + offset
        kernel = torch.randn(2, k, k, generator=generator) / k
        yield features, kernel, 0.7, -0.4
        yield -features.abs() - 0.1, kernel, 1.3, 0.2


@exercise("Exercise 5.1, the spatial gate", "연습문제 5.1, spatial gate")
def spatial_gate(attempt: Attempt) -> None:
    """M (h, w) of features (C, h, w), a kernel (2, k, k), a scale and a shift."""
    for features, kernel, scale, shift in _maps():
        f, weights = features.double().numpy(), kernel.double().numpy()
        planes = np.stack([f.max(0), f.mean(0)])
        summed = np.stack([f.max(0), f.sum(0)])
        filtered = _filtered(planes, weights)
        mistakes = {
            MAX_FIRST: _sigmoid(scale * _filtered(planes[::-1], weights) + shift),
            MEAN_OVER_CHANNELS: _sigmoid(scale * _filtered(summed, weights) + shift),
            SCALED_AND_SHIFTED: _sigmoid(filtered),
            BETWEEN_0_AND_1: scale * filtered + shift,
        }
        half = weights.shape[-1] // 2
        if 0 < 2 * half < min(filtered.shape):
            inner = filtered[half:-half, half:-half]
            mistakes[SAME_SIZE] = _sigmoid(scale * inner + shift)
        found = attempt(features, kernel, scale, shift)
        expect_close(found, _sigmoid(scale * filtered + shift), mistakes)


@exercise("Exercise 5.2, the gradient of M's logit", "연습문제 5.2, M의 logit에 대한 gradient")
def logit_gradient(attempt: Attempt) -> None:
    """dL/dlogit (h, w) from F, M (h, w) and the gradients of F_p and F_s (C, h, w)."""
    generator = torch.Generator().manual_seed(52)
    for c, h, w in ((3, 2, 4), (1, 3, 1), (5, 2, 2)):
        f, gp, gs = torch.randn(3, c, h, w, generator=generator)
        m = torch.rand(h, w, generator=generator)
        m[0, 0] = 1.0  # saturated
        parts = np.zeros((3, h, w))  # through F_p, through F_s, without F
        for k, i, j in np.ndindex(c, h, w):
            one, two = float(gp[k, i, j]), float(gs[k, i, j])
            parts[:, i, j] += float(f[k, i, j]) * one, float(f[k, i, j]) * two, one - two
        slope = (m.double() * (1 - m.double())).numpy()
        through, against, plain = parts
        expect_close(
            attempt(f, m, gp, gs),
            slope * (through - against),
            {
                DIFFERENCE: slope * (through + against),
                BOTH_PATHS: slope * through,
                SLOPE: through - against,
                TIMES_FEATURES: slope * plain,
            },
        )


@exercise("Exercise 5.3, the area under the ROC curve", "연습문제 5.3, ROC 곡선 아래 면적")
def auc(attempt: Attempt) -> None:
    """How often a positive of N scores is above a negative."""
    generator = torch.Generator().manual_seed(53)
    for count, levels in ((12, 4), (9, 1000), (30, 3), (6, 1)):
        scores = torch.randint(levels, (count,), generator=generator).float() / 7
        positive = torch.arange(count) % 3 == 1
        s, flags = scores.tolist(), positive.tolist()
        ours = [x for x, flag in zip(s, flags, strict=True) if flag]
        theirs = [x for x, flag in zip(s, flags, strict=True) if not flag]
        pairs = len(ours) * len(theirs)
        wins = sum(p > n for p in ours for n in theirs)
        ties = sum(p == n for p in ours for n in theirs)
        level = math.fsum(theirs) / len(theirs)
        expect_close(
            attempt(scores, positive),
            np.array((wins + ties / 2) / pairs),
            {
                TIES_HALF: np.array(wins / pairs),
                POSITIVE_WINS: np.array((pairs - wins - ties / 2) / pairs),
                ALL_PAIRS: np.array(sum(p > level for p in ours) / len(ours)),
            },
        )


@exercise("Exercise 5.4, a linear probe", "연습문제 5.4, linear probe")
def ridge(attempt: Attempt) -> None:
    """Ridge regression of (N, D) on (N, K), read at (M, D); the mean is not shrunk."""
    generator = torch.Generator().manual_seed(54)
    for n, d, k, strength in ((12, 3, 2, 0.5), (5, 8, 1, 2.0), (20, 1, 3, 30.0)):
        x = torch.randn(n, d, generator=generator) + 1
        y = torch.randn(n, k, generator=generator) - 2
        unseen = torch.randn(4, d, generator=generator) + 3
        x64, y64, new = (t.double().numpy() for t in (x, y, unseen))
        xm, ym = x64.mean(0), y64.mean(0)
        centred = _least_squares(x64 - xm, y64 - ym, strength)
        everywhere = (x64 - xm).T @ (x64 - xm) + strength
        mistakes = {
            INTERCEPT: new @ _least_squares(x64, y64, strength),
            TRAINING_MEAN: (new - new.mean(0)) @ centred + ym,
            PENALISED: (new - xm) @ np.linalg.pinv(x64 - xm) @ (y64 - ym) + ym,
        }
        if 1 < d < n:
            weights = np.linalg.solve(everywhere, (x64 - xm).T @ (y64 - ym))
            mistakes[ON_THE_DIAGONAL] = (new - xm) @ weights + ym
        right = (new - xm) @ centred + ym
        expect_close(attempt(x, y, unseen, strength), right, mistakes, tolerance=1e-4)


def _least_squares(x: np.ndarray, y: np.ndarray, strength: float) -> np.ndarray:
    """Ridge as plain least squares with √strength as extra rows, another way than solving."""
    rows = np.vstack([x, math.sqrt(strength) * np.eye(x.shape[1])])
    zeros = np.zeros((x.shape[1], y.shape[1]))
    return np.linalg.lstsq(rows, np.vstack([y, zeros]), rcond=None)[0]
