"""Checks of notebook 08. The oracles are loops over single numbers in double precision.

Letters: N tokens (queries), M keys, d channels of query and key, C of the features.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from handlib.course.check import Attempt, exercise, expect, expect_close
from handlib.course.sizes import largest_result
from handlib.course.text import Text

RESIDUAL_KEPT = Text(
    "the features are added to what attention brings",
    "attention의 결과에 원래 feature를 더해야 합니다",
)
OVER_KEYS = Text(
    "softmax runs over the keys, so each query's row sums to 1",
    "softmax는 key 방향으로 계산하므로 각 query의 행 합이 1이어야 합니다",
)
SCALED = Text("scores are divided by √d", "score를 √d로 나누어야 합니다")
OWN_KEYS = Text(
    "queries and keys are encoded by matrices of their own",
    "query와 key는 각자의 행렬로 encode해야 합니다",
)
VALUES_ENCODED = Text("values are encoded, too", "value도 encode해야 합니다")
KEYS_STAY = Text(
    "without update_keys every block reads from the original features",
    "update_keys가 False이면 모든 block이 원래 feature를 읽어야 합니다",
)
KEYS_FOLLOW = Text(
    "with update_keys every block reads from its own input",
    "update_keys가 True이면 각 block이 자신의 입력을 읽어야 합니다",
)
QUERY_REFINED = Text(
    "each block's output is the next block's query",
    "각 block의 출력이 다음 block의 query가 되어야 합니다",
)
NOTHING_ADDED = Text(
    "nothing is added at the end: the residual is inside the blocks",
    "residual은 block 안에 있으므로 마지막에 더하지 않아야 합니다",
)
NOT_SQUARED = Text("a distance is not squared", "거리를 제곱하지 않아야 합니다")
EUCLIDEAN = Text(
    "a distance is Euclidean, in cells", "거리는 cell 단위의 유클리드 거리여야 합니다"
)
DISTANCE_AVERAGED = Text(
    "the distances are averaged, not the places",
    "위치가 아니라 거리를 평균해야 합니다",
)
WEIGHTS_OF_QUERY = Text(
    "each query weighs the keys with its own row",
    "각 query는 자신의 행으로 key에 weight를 주어야 합니다",
)
ROW_BY_ROW = Text(
    "token n lies in row n // side and column n % side",
    "token n은 n // side 행, n % side 열에 있어야 합니다",
)
ONE_SOFTMAX = Text(
    "the pieces share one softmax: all keys compete",
    "조각들이 하나의 softmax를 공유해야 합니다 (모든 key가 함께 경쟁)",
)
LAST_PIECE = Text(
    "a last piece that is smaller counts like the others",
    "마지막 조각이 더 작더라도 똑같이 계산해야 합니다",
)
RESCALED = Text(
    "what was summed before is rescaled when a larger score appears",
    "더 큰 score가 나오면 앞에서 더한 값을 다시 scaling해야 합니다",
)
NO_TABLE = Text("no N × M table is ever built", "N × M 크기의 행렬을 만들지 않아야 합니다")


def _softmax(scores: np.ndarray) -> np.ndarray:
    rows = [[math.exp(s - max(row)) for s in row] for row in scores]
    return np.array([[e / sum(row) for e in row] for row in rows])


def _scores(query: np.ndarray, key: np.ndarray, d: int | float) -> np.ndarray:
    pairs = [[sum(a * b for a, b in zip(x, y, strict=True)) for y in key] for x in query]
    return np.array(pairs) / math.sqrt(d)


def _arrays(*tensors: Tensor) -> list[np.ndarray]:
    return [x.double().numpy() for x in tensors]


@exercise("Exercise 8.1, attend to yourself", "연습문제 8.1, self-attention")
def refine(attempt: Attempt) -> None:
    """F + C_soft·V of features (N, C), encoded by (C, d), (C, d) and (C, C)."""
    generator = torch.Generator().manual_seed(8)
    for n, c, d, size in ((5, 4, 3, 1.0), (3, 3, 3, 1.0), (1, 2, 2, 1.0), (4, 3, 2, 30.0)):
        shapes = ((n, c), (c, d), (c, d), (c, c))
        features, *encoders = (torch.randn(shape, generator=generator) for shape in shapes)
        features = size * features
        f, to_query, to_key, to_value = _arrays(features, *encoders)
        scores, value = _scores(f @ to_query, f @ to_key, d), f @ to_value
        read = _softmax(scores) @ value
        tied = _softmax(_scores(f @ to_query, f @ to_query, d))
        expect_close(
            attempt(features, *encoders),
            f + read,
            {
                RESIDUAL_KEPT: read,
                OVER_KEYS: f + _softmax(scores.T).T @ value,
                SCALED: f + _softmax(scores * math.sqrt(d)) @ value,
                OWN_KEYS: f + tied @ value,
                VALUES_ENCODED: f + _softmax(scores) @ f,
            },
            tolerance=1e-4,
        )


def _blocks(count: int) -> list[Callable[[Tensor, Tensor], Tensor]]:
    """Functions of query and key that tell the two, and each other, apart."""

    def block(i: int) -> Callable[[Tensor, Tensor], Tensor]:
        return lambda q, k: q + (0.3 + 0.1 * i) * q.cos() - (0.7 + i) * k.sin()

    return [block(i) for i in range(count)]


def _stack(
    blocks: Sequence[Callable[[Tensor, Tensor], Tensor]], features: Tensor, follow: bool
) -> Tensor:
    """By recursion: the last block refines what the others made."""
    if not blocks:
        return features
    refined = _stack(blocks[:-1], features, follow)
    return blocks[-1](refined, refined if follow else features)


@exercise("Exercise 8.2, SET", "연습문제 8.2, SET")
def set_features(attempt: Attempt) -> None:
    """A row of blocks from F_FIT to F_SET, with keys that stay or follow."""
    generator = torch.Generator().manual_seed(82)
    features = torch.randn(2, 3, 4, 4, generator=generator, dtype=torch.double)
    for count in (2, 1, 3):
        blocks = _blocks(count)
        for follow in (False, True):
            right = _stack(blocks, features, follow)
            expect_close(
                attempt(blocks, features, follow),
                right.numpy(),
                {
                    KEYS_FOLLOW if follow else KEYS_STAY: _stack(
                        blocks, features, not follow
                    ).numpy(),
                    QUERY_REFINED: blocks[-1](features, features).numpy(),
                    NOTHING_ADDED: (right + features).numpy(),
                },
            )


@exercise("Exercise 8.3, how far a query looks", "연습문제 8.3, query가 보는 거리")
def mean_distance(attempt: Attempt) -> None:
    """Each query's mean distance to what it reads, (N, N) and side to (N,), in cells."""
    generator = torch.Generator().manual_seed(83)
    for side in (3, 2, 5):
        n = side * side
        attention = (2 * torch.randn(n, n, generator=generator)).softmax(1)
        a = attention.double().numpy()
        place = [(i // side, i % side) for i in range(n)]
        wrong = [(i // (side + 1), i % (side + 1)) for i in range(n)]
        far = np.array([[math.dist(p, q) for q in place] for p in place])
        taxi = np.array([[abs(p[0] - q[0]) + abs(p[1] - q[1]) for q in place] for p in place])
        middle = a @ np.array(place, dtype=float)
        skewed = np.array([[math.dist(p, q) for q in wrong] for p in wrong])
        expect_close(
            attempt(attention, side),
            (a * far).sum(1),
            {
                EUCLIDEAN: (a * taxi).sum(1),
                DISTANCE_AVERAGED: np.linalg.norm(middle - place, axis=1),
                WEIGHTS_OF_QUERY: (a * far).sum(0),
                ROW_BY_ROW: (a * skewed).sum(1),
                NOT_SQUARED: (a * far**2).sum(1),
            },
        )


def _piecewise(scores: np.ndarray, value: np.ndarray, size: int) -> np.ndarray:
    """The mistake of a softmax in each piece, averaged."""
    starts = range(0, scores.shape[1], size)
    pieces = [slice(s, s + size) for s in starts]
    return np.mean([_softmax(scores[:, p]) @ value[p] for p in pieces], axis=0)


def _unscaled(scores: np.ndarray, value: np.ndarray, size: int) -> np.ndarray:
    """The mistake of a maximum for each piece that is never made up for."""
    total, norm = np.zeros(()), np.zeros(())
    for start in range(0, scores.shape[1], size):
        part = scores[:, start : start + size]
        e = np.exp(part - part.max(1, keepdims=True))
        total, norm = total + e @ value[start : start + size], norm + e.sum(1, keepdims=True)
    return total / norm


@exercise("Exercise 8.4, attention without the table", "연습문제 8.4, 행렬 없는 attention")
def attend_in_pieces(attempt: Attempt) -> None:
    """C_soft·V of (N, d), (M, d), (M, c), reading `size` keys at a time."""
    generator = torch.Generator().manual_seed(84)
    for n, m, d, c, size, large in (
        (4, 6, 3, 2, 3, 1.0),
        (3, 7, 2, 5, 3, 1.0),
        (2, 3, 4, 4, 5, 1.0),
        (3, 6, 2, 2, 1, 300.0),
    ):
        shapes = ((n, d), (m, d), (m, c))
        query, key, value = (torch.randn(shape, generator=generator) for shape in shapes)
        query = large * query
        q, k, v = _arrays(query, key, value)
        scores, whole = _scores(q, k, d), m // size * size
        mistakes = {
            ONE_SOFTMAX: _piecewise(scores, v, size),
            RESCALED: _unscaled(scores, v, size),
            SCALED: _softmax(scores * math.sqrt(d)) @ v,
        }
        if 0 < whole < m:
            mistakes[LAST_PIECE] = _softmax(scores[:, :whole]) @ v[:whole]
        expect_close(
            attempt(query, key, value, size), _softmax(scores) @ v, mistakes, tolerance=1e-4
        )
    query, key, value = torch.ones(40, 2), torch.ones(60, 2), torch.ones(60, 3)
    largest, limit = largest_result(lambda: attempt(query, key, value, 5)), 40 * 6
    expect(
        largest <= limit,
        NO_TABLE,
        Text(f"at most {limit} numbers", f"숫자 {limit}개 이하"),
        Text(f"{largest} numbers", f"숫자 {largest}개"),
    )
