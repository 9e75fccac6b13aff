"""Deformer's temporal transformer (Fu et al. 2023, section 3.2): the hand across frames.

An encoder lets every frame's vector ask the other frames', so that a hidden hand can borrow from
moments when it was seen. A decoder with one learned query reads the whole window for the shape:
a hand does not change its bones from frame to frame.
"""

from jaxtyping import Float
from torch import Tensor, nn

from handlib.models.positions import sine_positions_1d
from handlib.models.record import tap
from handlib.models.transformer import Decoder, Encoder


class TemporalTransformer(nn.Module):
    """F⁺ of T frames to F⁺⁺ of T frames and one vector for the shape. T is free."""

    def __init__(self, channels: int, heads: int, hidden: int, depth: int, dropout: float) -> None:
        super().__init__()
        self.encoder = Encoder(depth, channels, heads, hidden, dropout)
        self.decoder = Decoder(depth, channels, heads, hidden, dropout)

    def forward(
        self, features: Float[Tensor, "B T C"]
    ) -> tuple[Float[Tensor, "B T C"], Float[Tensor, "B C"]]:
        """(F⁺⁺, the shape's vector)."""
        positions = sine_positions_1d(features.shape[1], features.shape[2]).to(features)
        memory = tap(self, "memory", self.encoder(features, positions))
        shape = tap(self, "shape", self.decoder(memory, positions)[:, 0])
        return memory, shape
