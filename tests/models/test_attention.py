"""The gate's closed form and the correlations against loops over single tokens."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from handlib.models.attention import (
    SigmoidGate,
    join_heads,
    softmax_correlation,
    split_heads,
)
from handlib.models.block import AttentionBlock, to_map, to_tokens
from handlib.models.record import record


@settings(deadline=None, max_examples=25)
@given(
    heads=st.sampled_from([1, 2, 4]),
    queries=st.integers(1, 6),
    keys=st.integers(1, 6),
    pooling=st.sampled_from(["sum", "mean"]),
    seed=st.integers(0, 999),
)
def test_gate_equals_the_pooled_product(heads, queries, keys, pooling, seed):
    torch.manual_seed(seed)
    gate = SigmoidGate(8, heads, pooling)
    query, key = torch.randn(2, queries, 8), torch.randn(2, keys, 8)
    q = split_heads(gate.query(query), heads)
    k = split_heads(gate.key(key), heads)
    product = q @ k.mT / math.sqrt(8 // heads)
    pooled = product.sum(-1, True) if pooling == "sum" else product.mean(-1, True)
    torch.testing.assert_close(gate.logits(query, key), pooled, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(gate(query, key), pooled.sigmoid(), rtol=1e-4, atol=1e-5)


def test_softmax_correlation_by_hand():
    q, k = torch.randn(1, 2, 3, 4), torch.randn(1, 2, 5, 4)
    correlation = softmax_correlation(q, k)
    for head in range(2):
        for i in range(3):
            scores = [float(q[0, head, i] @ k[0, head, j]) / 2 for j in range(5)]
            total = sum(map(math.exp, scores))
            expected = torch.tensor([math.exp(s) / total for s in scores])
            torch.testing.assert_close(correlation[0, head, i], expected)


def test_softmax_correlation_is_the_fused_one():
    q, k, v = (torch.randn(2, 4, 9, 8) for _ in range(3))
    torch.testing.assert_close(
        softmax_correlation(q, k) @ v, F.scaled_dot_product_attention(q, k, v)
    )


def test_heads_split_and_join():
    tokens = torch.arange(24.0).view(1, 3, 8)
    heads = split_heads(tokens, 2)
    assert heads[0, 1, 2].tolist() == [20, 21, 22, 23]  # head 1 of token 2: its last channels
    assert torch.equal(join_heads(heads), tokens)


def test_tokens_go_row_by_row():
    grid = torch.arange(6.0).view(1, 1, 2, 3)
    assert to_tokens(grid)[0, :, 0].tolist() == [0, 1, 2, 3, 4, 5]
    assert torch.equal(to_map(to_tokens(grid), grid), grid)


@pytest.mark.parametrize("gate", ["sum", "mean", None])
def test_a_block_watched_and_not_gives_the_same(gate):
    torch.manual_seed(0)
    block = AttentionBlock(16, 4, 2, 4, gate, query_residual=False)
    query, key = torch.randn(2, 16, 4, 4), torch.randn(2, 16, 4, 4)
    with record(block) as maps:
        watched = block(query, key)
    torch.testing.assert_close(watched, block(query, key))
    assert maps["softmax"].sum(-1).allclose(torch.ones(()))
    assert ("gate" in maps) == (gate is not None)
