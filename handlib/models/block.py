"""The transformer block that FIT and SET share (HandOccNet, section 3.3).

As in the released code: learned positions in every block (H12), no norm before the attention and
no output projection (H11), an MLP behind a layer norm. FIT's block has the sigmoid gate and no
query residual, SET's has the residual and no gate.

What acts on each token alone is a 1×1 convolution over the channels-last map: the same numbers as
a linear layer over tokens, up to twice as fast on a CPU.
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
    """Layer norm, then each token by itself: widen, GELU, narrow."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.widen = nn.Conv2d(channels, hidden, 1)
        self.narrow = nn.Conv2d(hidden, channels, 1)

    def forward(self, x: Float[Tensor, "B C h w"]) -> Float[Tensor, "B C h w"]:
        y = self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        return self.narrow(F.gelu(self.widen(y)))


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
        self.query = nn.Conv2d(channels, channels, 1)
        self.key = nn.Conv2d(channels, channels, 1)
        self.value = nn.Conv2d(channels, channels, 1)
        self.gate = None if gate is None else SigmoidGate(channels, heads, gate)
        self.mlp = TokenMLP(channels, mlp_ratio * channels)

    def forward(
        self, query: Float[Tensor, "B C h w"], key: Float[Tensor, "B C h w"]
    ) -> Float[Tensor, "B C h w"]:
        """(query map, key map) to the refined query map; values have no position."""
        x = self._attend(query + self.query_position, key + self.key_position, key)
        if self.query_residual:
            x = x + query
        return x + self.mlp(x)

    def _attend(
        self,
        query: Float[Tensor, "B C h w"],
        key: Float[Tensor, "B C h w"],
        value: Float[Tensor, "B C h w"],
    ) -> Float[Tensor, "B C h w"]:
        """C·V with C = C_soft ⊗ C_sig; the gate scales whole rows, so it may follow C_soft·V."""
        q = split_heads(to_tokens(self.query(query)), self.heads)  # B A N d
        k = split_heads(to_tokens(self.key(key)), self.heads)
        v = split_heads(to_tokens(self.value(value)), self.heads)
        gate = None if self.gate is None else self.gate(to_tokens(query), to_tokens(key))
        if recording(self):
            attended = self._correlate(q, k, gate).to(v.dtype) @ v
        else:
            attended = F.scaled_dot_product_attention(q, k, v)  # B A N d
            attended = attended if gate is None else attended * gate.to(attended.dtype)
        return to_map(join_heads(attended), like=query)

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
