"""Checks of notebook 07. The oracles are loops over single numbers in double precision.

Letters: N queries, M keys, d channels of a head, C of all.
"""

import math
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from handlib.course.check import Attempt, exercise, expect_close
from handlib.course.text import Text

OVER_KEYS = Text(
    "softmax runs over the keys, so each query's row sums to 1",
    "softmax는 key 방향으로 계산하므로 각 query의 행 합이 1이어야 합니다",
)
SCALED = Text("scores are divided by √d", "score를 √d로 나누어야 합니다")
GATED = Text("every query's row is multiplied by its gate", "각 query의 행에 gate를 곱해야 합니다")
GATED_LAST = Text(
    "the gate scales the row behind the softmax, not the scores before it",
    "gate는 softmax 앞의 score가 아니라 softmax 뒤의 행에 곱해야 합니다",
)
VALUES_READ = Text("the values are injected, not the keys", "key가 아니라 value를 주입해야 합니다")
NO_RESIDUAL = Text(
    "the query chooses, it is not added to the result",
    "query는 선택에만 쓰이고 결과에 더하지 않아야 합니다",
)
OWN_ROWS = Text(
    "each head has a row of weights of its own", "head마다 자신의 weight 행이 있어야 합니다"
)
HEAD_SCALED = Text(
    "scores are divided by √d of a head, d = C / heads",
    "score를 head의 √d로 나누어야 합니다 (d = C / heads)",
)
BLOCKS_OF_CHANNELS = Text(
    "a head owns neighbouring channels, from a·d to (a+1)·d",
    "head는 a·d부터 (a+1)·d까지 이웃한 channel을 가져야 합니다",
)
HEAD_ORDER = Text(
    "the heads' results stand in the heads' order", "head의 결과를 head 순서대로 이어야 합니다"
)
QUERY_REFINED = Text(
    "each block's output is the next block's query",
    "각 block의 출력이 다음 block의 query가 되어야 합니다",
)
KEY_STAYS = Text("the key stays F_p in every block", "모든 block에서 key는 F_p여야 합니다")
ASKS_WITH_SECONDARY = Text(
    "the first query is F_s, the key F_p", "첫 query는 F_s, key는 F_p여야 합니다"
)
PRIMARY_ADDED = Text("F_p is added at the end, once", "마지막에 F_p를 한 번 더해야 합니다")
SECONDARY_STAYS_OUT = Text("F_s is not added to the result", "F_s를 결과에 더하지 않아야 합니다")
BY_CHANCE = Text(
    "the mass is divided by what a flat row would give",
    "mass를 평평한 행이 주는 값으로 나누어야 합니다",
)
QUERY_BY_QUERY = Text(
    "the ratio is taken query by query, then averaged",
    "query마다 비율을 구한 뒤 평균해야 합니다",
)
MASS_SUMMED = Text(
    "the mass of a query is the sum over its own keys",
    "query의 mass는 자신의 key에 대한 합이어야 합니다",
)
OWN_KEYS = Text("the keys are those where `own` is True", "`own`이 True인 key를 골라야 합니다")


def _scores(query: Tensor, key: Tensor, d: int | float) -> list[list[float]]:
    q, k = query.double().tolist(), key.double().tolist()
    return [[sum(map(float.__mul__, x, y)) / math.sqrt(d) for y in k] for x in q]


def _softmax(scores: list[list[float]]) -> np.ndarray:
    rows = [[math.exp(s - max(row)) for s in row] for row in scores]
    return np.array([[e / sum(row) for e in row] for row in rows])


def _soft(query: Tensor, key: Tensor, d: int | float | None = None) -> np.ndarray:
    return _softmax(_scores(query, key, d or query.shape[1]))


@exercise("Exercise 7.1, the injection", "연습문제 7.1, injection")
def inject(attempt: Attempt) -> None:
    """C·V of one head: (N, d), (M, d), (M, c), gates (N, 1) to (N, c)."""
    generator = torch.Generator().manual_seed(7)
    for n, m, d, c, size in ((4, 3, 5, 5, 1.0), (3, 3, 4, 4, 1.0), (2, 6, 3, 3, 60.0)):
        query, key, value, gate = (
            torch.randn(shape, generator=generator) for shape in ((n, d), (m, d), (m, c), (n, 1))
        )
        query, gate = size * query, gate.sigmoid()
        scores, g, v = _scores(query, key, d), gate.double().numpy(), value.double().numpy()
        right = g * (_softmax(scores) @ v)
        mistakes = {
            GATED: _softmax(scores) @ v,
            GATED_LAST: _softmax((g * np.array(scores)).tolist()) @ v,
            SCALED: g * (_soft(query, key, 1) @ v),
            OVER_KEYS: g * (_softmax(np.array(scores).T.tolist()).T @ v),
            VALUES_READ: g * (_softmax(scores) @ key.double().numpy()),
            NO_RESIDUAL: right + query.double().numpy(),
        }
        expect_close(attempt(query, key, value, gate), right, mistakes)


def _by_heads(query: Tensor, key: Tensor, value: Tensor, groups: list[list[int]]) -> np.ndarray:
    """Each group of channels attends by itself; results in the groups' own order."""
    parts = [_soft(query[:, g], key[:, g]) @ value[:, g].double().numpy() for g in groups]
    return np.concatenate(parts, axis=1)


@exercise("Exercise 7.2, heads", "연습문제 7.2, head")
def inject_by_heads(attempt: Attempt) -> None:
    """Softmax attention of (N, C) queries to (M, C) keys and values, heads side by side."""
    generator = torch.Generator().manual_seed(72)
    for n, m, heads, d in ((3, 5, 2, 3), (4, 2, 3, 4), (2, 3, 1, 4), (2, 7, 4, 2)):
        channels = heads * d
        query, key, value = (
            2 * torch.randn(rows, channels, generator=generator) for rows in (n, m, m)
        )
        groups = [list(range(a * d, a * d + d)) for a in range(heads)]
        strided = [list(range(a, channels, heads)) for a in range(heads)]
        back = np.argsort([c for group in strided for c in group])
        wide = [
            _soft(query[:, g], key[:, g], channels) @ value[:, g].double().numpy() for g in groups
        ]
        expect_close(
            attempt(query, key, value, heads),
            _by_heads(query, key, value, groups),
            {
                OWN_ROWS: _soft(query, key) @ value.double().numpy(),
                HEAD_SCALED: np.concatenate(wide, axis=1),
                BLOCKS_OF_CHANNELS: _by_heads(query, key, value, strided)[:, back],
                HEAD_ORDER: _by_heads(query, key, value, groups[::-1]),
            },
        )


def _blocks(count: int) -> list[Callable[[Tensor, Tensor], Tensor]]:
    """Functions of query and key that tell the two, and each other, apart."""

    def block(i: int) -> Callable[[Tensor, Tensor], Tensor]:
        return lambda q, k: (0.3 + 0.1 * i) * q.cos() - (0.7 + i) * k.sin()

    return [block(i) for i in range(count)]


def _towers(count: int) -> Iterator[tuple[list, Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(73)
    for _ in range(count):
        primary, secondary = torch.randn(2, 2, 3, 4, 4, generator=generator, dtype=torch.double)
        yield _blocks(1), primary, secondary
        yield _blocks(2), primary, secondary
        yield _blocks(3), primary, secondary


def _stacked(
    blocks: list, query: Tensor, key: Tensor, refine: bool = True, fixed: bool = True
) -> Tensor:
    out, start = query, query
    for block in blocks:
        out = block(out if refine else start, key)
        key = key if fixed else out
    return out


@exercise("Exercise 7.3, blocks in a row", "연습문제 7.3, 이어진 block")
def fit_features(attempt: Attempt) -> None:
    """F_p plus what a row of blocks makes of the query F_s."""
    for blocks, primary, secondary in _towers(1):
        right = primary + _stacked(blocks, secondary, primary)
        expect_close(
            attempt(blocks, primary, secondary),
            right.numpy(),
            {
                PRIMARY_ADDED: (right - primary).numpy(),
                SECONDARY_STAYS_OUT: (right + secondary).numpy(),
                ASKS_WITH_SECONDARY: (primary + _stacked(blocks, primary, secondary)).numpy(),
                QUERY_REFINED: (
                    primary + _stacked(blocks, secondary, primary, refine=False)
                ).numpy(),
                KEY_STAYS: (primary + _stacked(blocks, secondary, primary, fixed=False)).numpy(),
            },
        )


@exercise("Exercise 7.4, concentration", "연습문제 7.4, concentration")
def concentration(attempt: Attempt) -> None:
    """Mean over queries of the mass on their own keys, over a flat row's."""
    generator = torch.Generator().manual_seed(74)
    for n, m in ((4, 6), (7, 5)):
        correlation = (2 * torch.randn(n, m, generator=generator)).softmax(1)
        own = torch.arange(m) <= torch.arange(n)[:, None] % (m - 1)
        c, o = correlation.double().numpy(), own.numpy()
        mass = [sum(x for x, mine in zip(c[i], o[i], strict=True) if mine) for i in range(n)]
        flat = [o[i].sum() / m for i in range(n)]
        ratios = [a / b for a, b in zip(mass, flat, strict=True)]
        rest = [(1 - a) / (1 - b) for a, b in zip(mass, flat, strict=True)]
        expect_close(
            attempt(correlation, own),
            np.array(np.mean(ratios)),
            {
                BY_CHANCE: np.array(np.mean(mass)),
                QUERY_BY_QUERY: np.array(np.mean(mass) / np.mean(flat)),
                MASS_SUMMED: np.array(np.mean([r / m for r in ratios])),
                OWN_KEYS: np.array(np.mean(rest)),
            },
        )
