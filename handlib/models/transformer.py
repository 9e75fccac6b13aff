"""Encoder and decoder layers as in DETR (Carion et al. 2020), which both stages of Deformer use.

The norm comes after each residual sum, positions are added to queries and keys in every layer but
never to values, and the decoder's target starts at zero with learned queries as its positions.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from handlib.models.record import recording, tap


class Attention(nn.MultiheadAttention):
    """PyTorch's, tokens second; its weights are formed only when somebody records them."""

    def __init__(self, channels: int, heads: int, dropout: float) -> None:
        super().__init__(channels, heads, dropout, batch_first=True)

    def forward(  # type: ignore[override]  # tensors in, one tensor out
        self,
        query: Float[Tensor, "B N C"],
        key: Float[Tensor, "B M C"],
        value: Float[Tensor, "B M C"],
    ) -> Float[Tensor, "B N C"]:
        """Every query's mean of the values, weighted by its likeness to the keys."""
        seen = recording(self)
        attended, weights = super().forward(
            query, key, value, need_weights=seen, average_attn_weights=False
        )
        if weights is not None:
            tap(self, "", weights)  # B A N M
        return attended


class FeedForward(nn.Module):
    """Each token by itself: widen, ReLU, narrow."""

    def __init__(self, channels: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.widen = nn.Linear(channels, hidden)
        self.narrow = nn.Linear(hidden, channels)
        self.dropout = dropout

    def forward(self, x: Float[Tensor, "B N C"]) -> Float[Tensor, "B N C"]:
        return self.narrow(F.dropout(self.widen(x).relu(), self.dropout, self.training))


class EncoderLayer(nn.Module):
    """Every token asks every other, then thinks for itself."""

    def __init__(self, channels: int, heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.attention = Attention(channels, heads, dropout)
        self.feed_forward = FeedForward(channels, hidden, dropout)
        self.norm1 = nn.LayerNorm(channels)
        self.norm2 = nn.LayerNorm(channels)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, x: Float[Tensor, "B N C"], positions: Float[Tensor, "N C"]
    ) -> Float[Tensor, "B N C"]:
        placed = x + positions
        x = self.norm1(x + self.dropout(self.attention(placed, placed, x)))
        return self.norm2(x + self.dropout(self.feed_forward(x)))


class DecoderLayer(nn.Module):
    """Queries ask each other, then the memory, then think."""

    def __init__(self, channels: int, heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.self_attention = Attention(channels, heads, dropout)
        self.attention = Attention(channels, heads, dropout)
        self.feed_forward = FeedForward(channels, hidden, dropout)
        self.norm1 = nn.LayerNorm(channels)
        self.norm2 = nn.LayerNorm(channels)
        self.norm3 = nn.LayerNorm(channels)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self,
        target: Float[Tensor, "B Q C"],
        query: Float[Tensor, "Q C"],
        memory: Float[Tensor, "B N C"],
        positions: Float[Tensor, "N C"],
    ) -> Float[Tensor, "B Q C"]:
        placed = target + query
        x = self.norm1(target + self.dropout(self.self_attention(placed, placed, target)))
        found = self.attention(x + query, memory + positions, memory)
        x = self.norm2(x + self.dropout(found))
        return self.norm3(x + self.dropout(self.feed_forward(x)))


class Encoder(nn.Module):
    """`depth` encoder layers, with no norm after the last."""

    def __init__(self, depth: int, channels: int, heads: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            EncoderLayer(channels, heads, hidden, dropout) for _ in range(depth)
        )

    def forward(
        self, x: Float[Tensor, "B N C"], positions: Float[Tensor, "N C"]
    ) -> Float[Tensor, "B N C"]:
        for block in self.blocks:
            x = block(x, positions)
        return x


class Decoder(nn.Module):
    """Learned queries, `depth` decoder layers and a final norm."""

    def __init__(
        self, depth: int, channels: int, heads: int, hidden: int, dropout: float, queries: int = 1
    ) -> None:
        super().__init__()
        self.query = nn.Parameter(torch.randn(queries, channels))
        self.blocks = nn.ModuleList(
            DecoderLayer(channels, heads, hidden, dropout) for _ in range(depth)
        )
        self.norm = nn.LayerNorm(channels)

    def forward(
        self, memory: Float[Tensor, "B N C"], positions: Float[Tensor, "N C"]
    ) -> Float[Tensor, "B Q C"]:
        """What each query has read from the memory."""
        x = memory.new_zeros(len(memory), *self.query.shape)
        for block in self.blocks:
            x = block(x, self.query, memory, positions)
        return self.norm(x)
