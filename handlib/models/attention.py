"""Correlations between tokens: softmax, sigmoid gate and their product (HandOccNet, section 3.3).

Letters: B images, N tokens (row by row over the map), C channels, A heads of d = C/A.

A softmax row always sums to 1, so a query that matches no key still collects a full share of
values: the "undesired high correlation". FIT multiplies each row by a sigmoid that may say no:
C = C_soft ⊗ C_sig.
"""

import math
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

Pooling = Literal["sum", "mean"]


def split_heads(tokens: Float[Tensor, "B N C"], heads: int) -> Float[Tensor, "B A N d"]:
    """Channels to `heads` groups, each of which attends by itself."""
    return tokens.unflatten(2, (heads, -1)).transpose(1, 2)


def join_heads(tokens: Float[Tensor, "B A N d"]) -> Float[Tensor, "B N C"]:
    """Heads side by side again."""
    return tokens.transpose(1, 2).flatten(2)


def softmax_correlation(
    query: Float[Tensor, "B A N d"], key: Float[Tensor, "B A M d"]
) -> Float[Tensor, "B A N M"]:
    """C_soft = softmax over keys of q·kᵀ/√d."""
    return (query @ key.mT / math.sqrt(query.shape[-1])).softmax(dim=-1)


class SigmoidGate(nn.Module):
    """C_sig = σ(pool over keys of q₂·k₂ᵀ/√d): one number for each query and head.

    The paper averages over the keys, the released code sums (H6): with N = 1024 the sum is 1024
    times as large and the gate nearly binary. Either way no N×N product is needed:

        Σ_j q₂·k₂ⱼ = q₂·Σ_j k₂ⱼ,   Σ_j k₂ⱼ = W_k·Σ_j k̃ⱼ + N·b_k,

    and with s = Σ_j k₂ⱼ, q₂·s = (W_q·q̃ + b_q)·s = q̃·(W_qᵀ·s) + b_q·s: one vector for a head and
    image meets the tokens, and neither q₂ nor k₂ is formed.
    """

    def __init__(self, channels: int, heads: int, pooling: Pooling) -> None:
        super().__init__()
        self.heads = heads
        self.pooling = pooling
        self.query = nn.Linear(channels, channels)
        self.key = nn.Linear(channels, channels)

    def forward(
        self, query: Float[Tensor, "B N C"], key: Float[Tensor, "B M C"]
    ) -> Float[Tensor, "B A N 1"]:
        """Tokens with their positions (q̃, k̃) to the gate in 0..1."""
        return self.logits(query, key).sigmoid()

    def logits(
        self, query: Float[Tensor, "B N C"], key: Float[Tensor, "B M C"]
    ) -> Float[Tensor, "B A N 1"]:
        """The sigmoid's argument: up to thousands when summed, so never in half precision."""
        with torch.autocast(query.device.type, enabled=False):
            query, key = query.float(), key.float()
            pooled = self._pooled_keys(key).unflatten(1, (self.heads, -1))  # B A d
            weight = self.query.weight.unflatten(0, (self.heads, -1))  # A d C
            bias = self.query.bias.unflatten(0, (self.heads, -1))  # A d
            direction = torch.einsum("bad,adc->bac", pooled, weight)
            offset = (pooled * bias).sum(dim=-1)  # B A
            product = direction @ query.mT + offset[..., None]  # B A N
            return (product / math.sqrt(pooled.shape[-1]))[..., None]

    def _pooled_keys(self, key: Float[Tensor, "B M C"]) -> Float[Tensor, "B C"]:
        pooled = self.key(key.mean(dim=1))
        return pooled * key.shape[1] if self.pooling == "sum" else pooled
