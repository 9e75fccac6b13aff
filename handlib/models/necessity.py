"""Necessity map M: which cells show the hand (HandOccNet, section 3.2).

M splits the features F into primary information F_p = F⊗M and secondary F_s = F⊗(1−M). Paper and
released code build M differently (H5); both are here.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from handlib.models.conv_norm import ConvNorm, leaky_relu


class SpatialGate(nn.Module):
    """The released code's M: CBAM's spatial gate (Woo et al. 2018)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = ConvNorm(2, 1, kernel=7)
        self.conv.norm.momentum = 0.01

    def forward(self, features: Float[Tensor, "B C h w"]) -> Float[Tensor, "B 1 h w"]:
        """F to M in 0..1, from the strongest and the mean channel of each cell."""
        strongest = features.amax(dim=1, keepdim=True)
        mean = features.mean(dim=1, keepdim=True)
        summary = torch.cat([strongest, mean], dim=1)  # B 2 h w
        return self.conv(summary).sigmoid()


class ConvolutionGate(nn.Module):
    """The paper's M: three convolutions and a sigmoid.

    The paper gives no widths; we keep C channels and a 3×3 window until the last one.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv3 = nn.Conv2d(channels, 1, 3, padding=1)

    def forward(self, features: Float[Tensor, "B C h w"]) -> Float[Tensor, "B 1 h w"]:
        """F to M in 0..1."""
        y = leaky_relu(self.conv1(features))
        y = leaky_relu(self.conv2(y))
        return self.conv3(y).sigmoid()
