"""Pre-activation bottleneck (He et al. 2016, "Identity mappings"): norm and activation come first.

The residual unit of the hourglass and of the encoder.
"""

from jaxtyping import Float
from torch import Tensor, nn

from handlib.models.conv_norm import ConvNorm, leaky_relu


class PreActBottleneck(nn.Module):
    """x + conv1×1(conv3×3(conv1×1(x))), each on normalised, activated input; half width inside."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.conv1 = ConvNorm(channels, channels // 2, bias=True)
        self.conv2 = ConvNorm(channels // 2, channels // 2, kernel=3, bias=True)
        self.conv3 = nn.Conv2d(channels // 2, channels, 1)

    def forward(self, x: Float[Tensor, "B C h w"]) -> Float[Tensor, "B C h w"]:
        y = leaky_relu(self.norm(x))
        y = leaky_relu(self.conv1(y))
        y = leaky_relu(self.conv2(y))
        return x + self.conv3(y)
