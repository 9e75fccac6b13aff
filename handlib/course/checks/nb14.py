"""Checks of notebook 14. The oracles are loops over single numbers in double precision.

Letters: B samples, P points, D coordinates, e squared errors.
"""

import numpy as np
import torch
from torch import Tensor

from handlib.course.check import FINITE, Attempt, describe, exercise, expect, expect_close
from handlib.course.text import Text

OWN_WEIGHTS = Text(
    "each sample has weights of its own, which add up to 1",
    "sample마다 따로 weight를 구하고, 그 합이 1이어야 합니다",
)
WEIGHTED = Text(
    "each point is weighed by its own error", "각 점의 오차를 그 점의 weight로 사용해야 합니다"
)
SQUARED = Text(
    "e is the squared distance, its own square root is not taken",
    "e는 거리의 제곱이며, 제곱근을 취하지 않아야 합니다",
)
PER_POINT = Text(
    "e is summed over the coordinates before the weights: one weight for each point",
    "weight를 구하기 전에 e를 좌표 방향으로 더하여 점마다 weight가 하나여야 합니다",
)
SAMPLES_AVERAGED = Text("samples are averaged", "sample 방향으로는 평균해야 합니다")
NORMALISED = Text("weights add up to 1", "weight의 합은 1이어야 합니다")
THROUGH_WEIGHTS = Text(
    "the weights change with e_i, too: the slope is not w_i alone",
    "weight도 e_i에 따라 변하므로 기울기는 w_i만으로 정해지지 않습니다",
)
TWICE = Text("the square e_i² has the slope 2·e_i", "e_i²의 기울기는 2·e_i입니다")
DIVIDED = Text(
    "the slope is divided by the sum of the errors", "기울기를 오차의 합으로 나누어야 합니다"
)
ZERO_AT_ZERO = Text(
    "where all errors are zero, all weights are zero",
    "오차가 모두 0이면 weight도 모두 0이어야 합니다",
)
EXACT_WHEN_SMALL = Text(
    "small errors keep their weights: no ε that is large beside them",
    "작은 오차에서도 weight가 정확해야 합니다 (오차에 비해 큰 ε을 더하지 않아야 합니다)",
)


def _random(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _errors(predicted: Tensor, target: Tensor) -> list[list[float]]:
    pairs = zip(predicted.double().tolist(), target.double().tolist(), strict=True)
    return [
        [sum((a - b) ** 2 for a, b in zip(p, t, strict=True)) for p, t in zip(*pair, strict=True)]
        for pair in pairs
    ]


def _value(errors: list[float]) -> float:
    return sum(e * e for e in errors) / sum(errors)


@exercise("Exercise 14.1, maxMSE", "연습문제 14.1, maxMSE")
def max_mse_loss(attempt: Attempt) -> None:
    """Σ w_i e_i of each sample, then the mean over samples."""
    for samples, points, d in ((3, 5, 3), (2, 4, 2)):
        predicted, target = _random(points, 2, samples, points, d)
        predicted = predicted * torch.linspace(0.5, 2, samples)[:, None, None]
        errors = _errors(predicted, target)
        distances = [[e**0.5 for e in row] for row in errors]
        single = _errors(predicted.flatten(1)[..., None], target.flatten(1)[..., None])
        together = [e for row in errors for e in row]
        expect_close(
            attempt(predicted, target),
            np.array(sum(map(_value, errors)) / samples),
            {
                OWN_WEIGHTS: np.array(_value(together)),
                WEIGHTED: np.array(sum(together) / len(together)),
                SQUARED: np.array(sum(map(_value, distances)) / samples),
                PER_POINT: np.array(sum(map(_value, single)) / samples),
                SAMPLES_AVERAGED: np.array(sum(map(_value, errors))),
                NORMALISED: np.array(sum(e * e for e in together) / samples),
            },
        )


@exercise("Exercise 14.2, slopes of maxMSE", "연습문제 14.2, maxMSE의 기울기")
def slopes(attempt: Attempt) -> None:
    """The slope of maxMSE along each of the errors (P,)."""
    for points in (4, 9):
        errors = _random(points, points).square() + 0.1
        e = errors.double().tolist()
        total, value = sum(e), _value(e)
        expect_close(
            attempt(errors),
            np.array([(2 * x - value) / total for x in e]),
            {
                THROUGH_WEIGHTS: np.array([x / total for x in e]),
                TWICE: np.array([(x - value) / total for x in e]),
                DIVIDED: np.array([2 * x - value for x in e]),
            },
        )


@exercise("Exercise 14.3, weights at zero error", "연습문제 14.3, 오차가 0일 때의 weight")
def safe_weights(attempt: Attempt) -> None:
    """Weights (B, P), zero for a sample without any error, exact for one with tiny ones."""
    ordinary = _random(14, 3, 5).square()
    e = ordinary.double().numpy()
    right = np.array([[x / sum(row) for x in row] for row in e])
    expect_close(
        attempt(ordinary), right, {OWN_WEIGHTS: e / e.sum(), NORMALISED: e, WEIGHTED: 0 * e + 0.2}
    )
    tiny = attempt(1e-12 * ordinary)
    small = np.allclose(tiny.detach().numpy(), right, 1e-4)
    expect(small, EXACT_WHEN_SMALL, describe(right), describe(tiny))
    mixed = torch.cat([torch.zeros(1, 5), ordinary[:1]])
    found = attempt(mixed)
    expect(bool(torch.isfinite(found).all()), FINITE, Text("zeros", "모두 0"), describe(found))
    zero = bool((found[0] == 0).all())
    expect(zero, ZERO_AT_ZERO, Text("zeros", "모두 0"), describe(found[0]))
    expect_close(found, np.stack([0 * right[0], right[0]]))
