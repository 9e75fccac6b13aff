"""The transformer block that FIT and SET share (HandOccNet, section 3.3).

As in the released code: learned positions in every block (H12), no norm before the attention and
no output projection (H11), an MLP behind a layer norm. FIT's block has the sigmoid gate and no
query residual, SET's has the residual and no gate.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from handlib.models.attention import (
    Pooling,
    SigmoidGate,
    join_heads,
    softmax_correlation,
    split_heads,
)
from handlib.models.record import recording, tap


class TokenMLP(nn.Module):
    """Each token by itself: widen, GELU, narrow."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.widen = nn.Linear(channels, hidden)
        self.narrow = nn.Linear(hidden, channels)

    def forward(self, tokens: Float[Tensor, "B N C"]) -> Float[Tensor, "B N C"]:
        return self.narrow(F.gelu(self.widen(tokens)))


class AttentionBlock(nn.Module):
    """Attention from a map of queries to a map of keys, then an MLP on each token.

    `cells` is the side of the square map, N = cells². `gate` is None for softmax alone.
    """

    def __init__(
        self,
        channels: int,
        cells: int,
        heads: int,
        mlp_ratio: int,
        gate: Pooling | None,
        query_residual: bool,
    ) -> None:
        super().__init__()
        self.heads = heads
        self.query_residual = query_residual
        self.query_position = nn.Parameter(torch.randn(1, channels, cells, cells))
        self.key_position = nn.Parameter(torch.randn(1, channels, cells, cells))
        self.query = nn.Linear(channels, channels)
        self.key = nn.Linear(channels, channels)
        self.value = nn.Linear(channels, channels)
        self.gate = None if gate is None else SigmoidGate(channels, heads, gate)
        self.norm = nn.LayerNorm(channels)
        self.mlp = TokenMLP(channels, mlp_ratio * channels)

    def forward(
        self, query: Float[Tensor, "B C h w"], key: Float[Tensor, "B C h w"]
    ) -> Float[Tensor, "B C h w"]:
        """(query map, key map) to the refined query map."""
        placed_query = to_tokens(query + self.query_position)
        placed_key = to_tokens(key + self.key_position)
        x = self._attend(placed_query, placed_key, to_tokens(key))
        if self.query_residual:
            x = x + to_tokens(query)
        x = x + self.mlp(self.norm(x))
        return to_map(x, query)

    def _attend(
        self,
        query: Float[Tensor, "B N C"],
        key: Float[Tensor, "B N C"],
        value: Float[Tensor, "B N C"],
    ) -> Float[Tensor, "B N C"]:
        """C·V with C = C_soft ⊗ C_sig; the gate scales whole rows, so it may follow C_soft·V."""
        q, k, v = (
            split_heads(encode(x), self.heads)
            for encode, x in ((self.query, query), (self.key, key), (self.value, value))
        )
        gate = None if self.gate is None else self.gate(query, key)
        if recording(self):
            attended = self._correlate(q, k, gate).to(v.dtype) @ v
        else:
            attended = F.scaled_dot_product_attention(q, k, v)  # B A N d
            attended = attended if gate is None else attended * gate.to(attended.dtype)
        return join_heads(attended)

    def _correlate(
        self,
        q: Float[Tensor, "B A N d"],
        k: Float[Tensor, "B A N d"],
        gate: Float[Tensor, "B A N 1"] | None,
    ) -> Float[Tensor, "B A N N"]:
        """The same C in full, N×N, for whoever looks on."""
        correlation = tap(self, "softmax", softmax_correlation(q, k))
        if gate is not None:
            correlation = tap(self, "correlation", correlation * tap(self, "gate", gate))
        return correlation


def to_tokens(x: Float[Tensor, "B C h w"]) -> Float[Tensor, "B N C"]:
    """Cells row by row. For a channels-last map this is a view."""
    return x.flatten(2).mT


def to_map(
    tokens: Float[Tensor, "B N C"], like: Float[Tensor, "B C h w"]
) -> Float[Tensor, "B C h w"]:
    """Tokens back on `like`'s grid, channels last."""
    return tokens.mT.unflatten(2, like.shape[2:])
