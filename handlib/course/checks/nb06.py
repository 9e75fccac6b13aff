"""Checks of notebook 06. The oracles are loops over single numbers in double precision.

Letters: N queries, M keys, d channels.
"""

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from handlib.course.check import Attempt, exercise, expect, expect_close
from handlib.course.sizes import largest_result
from handlib.course.text import Text

OVER_KEYS = Text(
    "softmax runs over the keys, so each query's row sums to 1",
    "softmax는 key 방향으로 계산하므로 각 query의 행 합이 1이어야 합니다",
)
SCALED = Text("scores are divided by √d", "score를 √d로 나누어야 합니다")
QUERY_BY_KEY = Text(
    "rows are queries and columns are keys", "행은 query, 열은 key에 해당해야 합니다"
)
GATED = Text(
    "every row is multiplied by its query's gate, and not normalised again",
    "각 행에 해당 query의 gate를 곱하고, 다시 정규화하지 않아야 합니다",
)
MEAN_POOLED = Text(
    "the gate pools the scores by their mean (as in the paper)",
    "gate는 score의 평균으로 pooling해야 합니다 (논문 방식)",
)
SUM_POOLED = Text(
    "the gate pools the scores by their sum (as in the released code)",
    "gate는 score의 합으로 pooling해야 합니다 (공개 코드 방식)",
)
POOLED_FIRST = Text(
    "pooling comes before the sigmoid: one number for each query",
    "sigmoid보다 pooling이 먼저이므로 query마다 숫자 하나가 나와야 합니다",
)
POOLED_OVER_KEYS = Text("pooling runs over the keys", "pooling은 key 방향으로 해야 합니다")
NO_PRODUCT = Text("no N × M table is ever built", "N × M 크기의 행렬을 만들지 않아야 합니다")
SUMMED_ON_KEYS = Text(
    "the mass of a query is the sum over the visible keys",
    "query의 mass는 visible key에 대한 합이어야 합니다",
)
VISIBLE_KEYS = Text(
    "the keys are those where `visible` is True", "`visible`이 True인 key를 골라야 합니다"
)
CHOSEN_QUERIES = Text(
    "the mean runs over the chosen queries only", "선택한 query에 대해서만 평균해야 합니다"
)


def _scores(query: Tensor, key: Tensor, scaled: bool = True) -> np.ndarray:
    q, k = query.double().tolist(), key.double().tolist()
    root = math.sqrt(len(q[0])) if scaled else 1.0
    return np.array([[sum(a * b for a, b in zip(x, y, strict=True)) / root for y in k] for x in q])


def _softmax(scores: np.ndarray) -> np.ndarray:
    """Over the last axis, row by row."""
    rows = [[math.exp(s - max(row)) for s in row] for row in scores]
    return np.array([[e / sum(row) for e in row] for row in rows])


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return np.vectorize(lambda t: 1 / (1 + math.exp(-t)) if t > -700 else 0.0)(x)


def _tokens() -> Iterator[tuple[Tensor, Tensor]]:
    """Random queries and keys, more and fewer keys than queries, one key, and large scores."""
    generator = torch.Generator().manual_seed(6)
    for n, m, d, size in ((5, 3, 4, 1.0), (2, 6, 9, 1.0), (3, 1, 2, 1.0), (4, 5, 16, 100.0)):
        yield (
            size * torch.randn(n, d, generator=generator),
            torch.randn(m, d, generator=generator),
        )


@exercise("Exercise 6.1, the softmax correlation", "연습문제 6.1, softmax correlation")
def soft_correlation(attempt: Attempt) -> None:
    """C_soft of (N, d) queries and (M, d) keys."""
    for query, key in _tokens():
        scores = _scores(query, key)
        expect_close(
            attempt(query, key),
            _softmax(scores),
            {
                OVER_KEYS: _softmax(scores.T).T,
                SCALED: _softmax(_scores(query, key, scaled=False)),
                QUERY_BY_KEY: _softmax(scores).T,
            },
        )


@exercise("Exercise 6.2, the gated correlation", "연습문제 6.2, gate를 곱한 correlation")
def gated_correlation(attempt: Attempt) -> None:
    """C = C_soft ⊗ C_sig of C_soft (N, M) and the gate's own queries and keys."""
    for query, key in _tokens():
        scores, raw = _scores(query, key), _scores(query, key, scaled=False)
        soft = _softmax(np.sin(np.arange(scores.size)).reshape(scores.shape))
        gate = _sigmoid(scores.mean(1, keepdims=True))
        expect_close(
            attempt(torch.tensor(soft, dtype=torch.float32), query, key),
            soft * gate,
            {
                GATED: soft,
                MEAN_POOLED: soft * _sigmoid(scores.sum(1, keepdims=True)),
                SCALED: soft * _sigmoid(raw.mean(1, keepdims=True)),
                POOLED_FIRST: soft * _sigmoid(scores),
                POOLED_OVER_KEYS: soft * _sigmoid(scores.mean(0, keepdims=True)),
            },
        )


@exercise("Exercise 6.3, the gate without the table", "연습문제 6.3, 행렬 없이 구하는 gate")
def gate_from_key_sum(attempt: Attempt) -> None:
    """The released code's gate (N, 1), from the sum of the keys."""
    for query, key in _tokens():
        scores = _scores(query / 4, key)
        expect_close(
            attempt(query / 4, key),
            _sigmoid(scores.sum(1, keepdims=True)),
            {
                SUM_POOLED: _sigmoid(scores.mean(1, keepdims=True)),
                SCALED: _sigmoid(_scores(query / 4, key, scaled=False).sum(1, keepdims=True)),
                POOLED_OVER_KEYS: _sigmoid(scores.sum(0)[:, None]),
                POOLED_FIRST: _sigmoid(scores).sum(1, keepdims=True),
            },
        )
    query, key = torch.ones(40, 2), torch.ones(50, 2)
    largest = largest_result(lambda: attempt(query, key))
    limit = key.numel()
    expect(
        largest <= limit,
        NO_PRODUCT,
        Text(f"at most {limit} numbers", f"숫자 {limit}개 이하"),
        Text(f"{largest} numbers", f"숫자 {largest}개"),
    )


@exercise("Exercise 6.4, mass on the visible hand", "연습문제 6.4, visible hand에 쏠린 mass")
def mass_on_visible(attempt: Attempt) -> None:
    """Mean over chosen queries of a correlation's (N, M) sum over the visible keys."""
    generator = torch.Generator().manual_seed(64)
    for n, m in ((4, 6), (9, 5)):
        correlation = torch.rand(n, m, generator=generator).softmax(1) / 2
        queries = torch.arange(n) % 3 == 0
        visible = torch.arange(m) < 2
        c = correlation.double().numpy()
        chosen, seen = queries.numpy(), visible.numpy()
        expect_close(
            attempt(correlation, queries, visible),
            np.array(sum(c[i][seen].sum() for i in np.flatnonzero(chosen)) / chosen.sum()),
            {
                SUMMED_ON_KEYS: np.array(c[chosen][:, seen].mean()),
                VISIBLE_KEYS: np.array(c[chosen][:, ~seen].sum(1).mean()),
                CHOSEN_QUERIES: np.array(c[:, seen].sum(1).mean()),
            },
        )
