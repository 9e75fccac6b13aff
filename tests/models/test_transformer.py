"""DETR's layers against PyTorch's own, which they equal where positions are zero."""

import math

import pytest
import torch
from torch import nn

from handlib.models.positions import sine_positions_1d, sine_positions_2d
from handlib.models.record import record
from handlib.models.transformer import Attention, Decoder, DecoderLayer, EncoderLayer

C, HEADS, HIDDEN = 16, 4, 24


def randomise(module):
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.3)
    return module.eval()


def copy_attention(theirs, ours):
    theirs.load_state_dict(ours.state_dict())


def test_encoder_layer_without_positions_is_pytorchs():
    ours = randomise(EncoderLayer(C, HEADS, HIDDEN, 0.1))
    theirs = nn.TransformerEncoderLayer(C, HEADS, HIDDEN, batch_first=True).eval()
    copy_attention(theirs.self_attn, ours.attention)
    pairs = [
        (theirs.linear1, ours.feed_forward.widen),
        (theirs.linear2, ours.feed_forward.narrow),
        (theirs.norm1, ours.norm1),
        (theirs.norm2, ours.norm2),
    ]
    for to, source in pairs:
        to.load_state_dict(source.state_dict())
    x = torch.randn(3, 7, C)
    assert torch.allclose(ours(x, torch.zeros(7, C)), theirs(x), atol=1e-5)


def test_decoder_layer_without_positions_is_pytorchs():
    ours = randomise(DecoderLayer(C, HEADS, HIDDEN, 0.1))
    theirs = nn.TransformerDecoderLayer(C, HEADS, HIDDEN, batch_first=True).eval()
    copy_attention(theirs.self_attn, ours.self_attention)
    copy_attention(theirs.multihead_attn, ours.attention)
    pairs = [
        (theirs.linear1, ours.feed_forward.widen),
        (theirs.linear2, ours.feed_forward.narrow),
        (theirs.norm1, ours.norm1),
        (theirs.norm2, ours.norm2),
        (theirs.norm3, ours.norm3),
    ]
    for to, source in pairs:
        to.load_state_dict(source.state_dict())
    target, memory = torch.randn(3, 2, C), torch.randn(3, 5, C)
    zero = torch.zeros(1, C)
    result = ours(target, zero.expand(2, C), memory, zero.expand(5, C))
    assert torch.allclose(result, theirs(target, memory), atol=1e-5)


def test_positions_reach_queries_and_keys_but_not_values():
    layer = randomise(EncoderLayer(C, HEADS, HIDDEN, 0.0))
    x, positions = torch.randn(1, 4, C), torch.randn(4, C)
    q, k, v = layer.attention.in_proj_weight.chunk(3)
    bq, bk, bv = layer.attention.in_proj_bias.chunk(3)
    placed = x[0] + positions
    heads = []
    for h in range(HEADS):
        part = slice(4 * h, 4 * h + 4)
        query, key = placed @ q[part].T + bq[part], placed @ k[part].T + bk[part]
        weights = (query @ key.T / math.sqrt(4)).softmax(dim=1)
        heads.append(weights @ (x[0] @ v[part].T + bv[part]))
    attended = layer.attention.out_proj(torch.cat(heads, dim=1))
    expected = layer.norm1(x[0] + attended)
    expected = layer.norm2(expected + layer.feed_forward(expected[None])[0])
    assert torch.allclose(layer(x, positions)[0], expected, atol=1e-5)


def test_recorded_attention_is_what_was_used():
    attention = randomise(Attention(C, HEADS, 0.0))
    q, k, v = torch.randn(2, 3, C), torch.randn(2, 5, C), torch.randn(2, 5, C)
    fused = attention(q, k, v)
    model = nn.ModuleDict({"attention": attention})
    with record(model) as maps:
        seen = attention(q, k, v)
    weights = maps["attention"]
    assert weights.shape == (2, HEADS, 3, 5)
    assert torch.allclose(weights.sum(dim=-1), torch.ones(2, HEADS, 3), atol=1e-6)
    assert torch.allclose(fused, seen, atol=1e-6)
    heavier = nn.functional.linear(
        v, attention.in_proj_weight[2 * C :], attention.in_proj_bias[2 * C :]
    ).unflatten(2, (HEADS, -1))
    by_hand = torch.einsum("bhqk,bkhd->bqhd", weights, heavier).flatten(2)
    assert torch.allclose(attention.out_proj(by_hand), seen, atol=1e-5)


@pytest.mark.parametrize("queries", [1, 3, 4, 9])
def test_attention_of_few_and_of_many_queries_is_pytorchs(queries):
    """Up to three queries, four heads are fewer rows than tokens or channels."""
    ours = randomise(Attention(C, HEADS, 0.0))
    theirs = nn.MultiheadAttention(C, HEADS, batch_first=True)
    copy_attention(theirs, ours)
    q, k, v = torch.randn(2, queries, C), torch.randn(2, 30, C), torch.randn(2, 30, C)
    found, (expected, weights) = ours(q, k, v), theirs(q, k, v, average_attn_weights=False)
    assert torch.allclose(found, expected, atol=1e-5)
    with record(nn.ModuleDict({"attention": ours})) as maps:
        ours(q, k, v)
    assert torch.allclose(maps["attention"], weights, atol=1e-6)
    found.square().sum().backward(), expected.square().sum().backward()
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.allclose(mine.grad, other.grad, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("queries", [1, 9])
def test_dropout_of_all_weights_leaves_the_last_bias(queries):
    attention = randomise(Attention(C, HEADS, 1.0)).train()
    tokens = torch.randn(1, 30, C)
    attended = attention(torch.randn(1, queries, C), tokens, tokens)
    assert torch.equal(attended, attention.out_proj.bias.expand_as(attended))


def test_a_decoder_forgets_the_order_of_a_memory_without_positions():
    decoder = randomise(Decoder(2, C, HEADS, HIDDEN, 0.0))
    memory, zero = torch.randn(2, 6, C), torch.zeros(6, C)
    shuffled = memory[:, torch.randperm(6)]
    assert torch.allclose(decoder(memory, zero), decoder(shuffled, zero), atol=1e-5)
    placed = sine_positions_1d(6, C)
    assert not torch.allclose(decoder(memory, placed), decoder(shuffled, placed), atol=1e-3)


@pytest.mark.parametrize("length", [1, 7])
def test_one_dimensional_sines(length):
    codes = sine_positions_1d(length, 8)
    for t in range(length):
        for i in range(8):
            angle = (t + 1) / (length + 1e-6) * 2 * math.pi / 10_000 ** (2 * (i // 2) / 8)
            wave = math.cos if i % 2 else math.sin
            assert codes[t, i].item() == pytest.approx(wave(angle), abs=1e-5)


def test_two_dimensional_sines_hold_y_then_x():
    codes = sine_positions_2d(3, 5, 16).unflatten(0, (3, 5))
    rows, columns = sine_positions_1d(3, 8), sine_positions_1d(5, 8)
    assert torch.allclose(codes[..., :8], rows[:, None].expand(3, 5, 8))
    assert torch.allclose(codes[..., 8:], columns.expand(3, 5, 8))
