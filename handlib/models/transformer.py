"""Encoder and decoder layers as in DETR (Carion et al. 2020), which both stages of Deformer use.

The norm comes after each residual sum, positions are added to queries and keys in every layer but
never to values, and the decoder's target starts at zero with learned queries as its positions.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from handlib.models.attention import join_heads, softmax_correlation, split_heads
from handlib.models.record import recording, tap


class Attention(nn.MultiheadAttention):
    """Multi-head attention with PyTorch's parameters, tokens second.

    PyTorch's own forward pass puts tokens first. On a CPU its linear layers then make one small
    product for each token of the map, which took a sixth of Deformer's time.
    """

    def __init__(self, channels: int, heads: int, dropout: float) -> None:
        super().__init__(channels, heads, dropout, batch_first=True)

    def forward(  # type: ignore[override]  # tensors in, one tensor out
        self,
        query: Float[Tensor, "B N C"],
        key: Float[Tensor, "B M C"],
        value: Float[Tensor, "B M C"],
    ) -> Float[Tensor, "B N C"]:
        """Every query's mean of the values, weighted by its likeness to the keys."""
        rows = self.num_heads * query.shape[1]
        if rows < min(self.embed_dim, key.shape[1]):
            attended = self._attend_few(query, key, value)
        else:
            attended = self._attend(query, key, value)
        return self.out_proj(join_heads(attended))

    def _attend(
        self,
        query: Float[Tensor, "B N C"],
        key: Float[Tensor, "B M C"],
        value: Float[Tensor, "B M C"],
    ) -> Float[Tensor, "B A N d"]:
        """The weights are formed only when somebody records them."""
        q, k, v = (
            split_heads(F.linear(x, *projection), self.num_heads)
            for x, projection in zip((query, key, value), self._projections(), strict=True)
        )
        if recording(self):
            return self._seen(softmax_correlation(q, k)).to(v.dtype) @ v
        dropout = self.dropout if self.training else 0.0
        return F.scaled_dot_product_attention(q, k, v, dropout_p=dropout)

    def _attend_few(
        self,
        query: Float[Tensor, "B N C"],
        key: Float[Tensor, "B M C"],
        value: Float[Tensor, "B M C"],
    ) -> Float[Tensor, "B A N d"]:
        """The same for few queries among many keys, no token of which is projected.

        q·(W_k x + b_k) = (W_kᵀ q)·x + q·b_k, and what adds the same to all of a query's keys is
        lost in the softmax; Σ a (W_v x + b_v) = W_v Σ a x + b_v Σ a, where dropout lets Σ a
        differ from 1.
        """
        of_query, of_key, of_value = self._projections()
        q = split_heads(F.linear(query, *of_query), self.num_heads)
        to_key, to_value = (
            weight.unflatten(0, (self.num_heads, -1)) for weight in (of_key[0], of_value[0])
        )  # A d C
        asked = torch.einsum("band,adc->banc", q, to_key) / self.head_dim**0.5
        likeness = (asked.flatten(1, 2) @ key.mT).unflatten(1, (self.num_heads, -1))
        weights = self._seen(likeness.softmax(dim=-1))  # B A N M
        found = (weights.to(value.dtype).flatten(1, 2) @ value).unflatten(1, (self.num_heads, -1))
        bias = of_value[1].unflatten(0, (self.num_heads, 1, -1))  # A 1 d
        return (
            torch.einsum("banc,adc->band", found, to_value) + weights.sum(-1, keepdim=True) * bias
        )

    def _projections(self) -> list[tuple[Tensor, Tensor]]:
        """Weight and bias that make queries, keys and values."""
        return list(zip(self.in_proj_weight.chunk(3), self.in_proj_bias.chunk(3), strict=True))

    def _seen(self, weights: Float[Tensor, "B A N M"]) -> Float[Tensor, "B A N M"]:
        """Shown to whoever records, then thinned out by dropout."""
        return F.dropout(tap(self, "", weights), self.dropout, self.training)


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
