"""Joint heatmaps and their soft-argmax (HandOccNet, section 3.5)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from handlib.hands.skeleton import JOINT_NAMES
from handlib.models.bottleneck import PreActBottleneck
from handlib.models.conv_norm import ConvNorm, leaky_relu
from handlib.models.hourglass import Hourglass

JOINTS = len(JOINT_NAMES)


class JointHeatmaps(nn.Module):
    """F_SET to one probability map for each joint, its mean position, and features to go on with.

    The released code trains the positions, the paper writes of heatmaps (H14). `temperature` is
    learned, one number for a joint, and multiplies the scores before the softmax.
    """

    def __init__(self, channels: int, depth: int) -> None:
        super().__init__()
        self.hourglass = Hourglass(channels, depth)
        self.residual = PreActBottleneck(channels)
        self.mix = ConvNorm(channels, channels, bias=True)
        self.score = nn.Conv2d(channels, JOINTS, 1)
        self.temperature = nn.Parameter(torch.ones(JOINTS, 1))

    def forward(
        self, features: Float[Tensor, "B C h w"]
    ) -> tuple[Float[Tensor, "B 21 h w"], Float[Tensor, "B 21 2"], Float[Tensor, "B C h w"]]:
        """F_SET to (heatmaps, each summing to 1; positions (u, v) in 0..1; features)."""
        y = self.residual(self.hourglass(features))
        y = leaky_relu(self.mix(y))
        scores = self.score(y).float().flatten(2) * self.temperature  # B 21 N
        heatmaps = scores.softmax(dim=2).unflatten(2, features.shape[2:])  # B 21 h w
        return heatmaps, soft_argmax(heatmaps), y


def soft_argmax(heatmaps: Float[Tensor, "B J h w"]) -> Float[Tensor, "B J 2"]:
    """Mean position (u, v) under each heatmap, as a fraction of the image: 0..1.

    Cell (row, column) stands at its centre: u = (column + 0.5)/w, v = (row + 0.5)/h.
    """
    height, width = heatmaps.shape[2:]
    columns = (torch.arange(width, device=heatmaps.device) + 0.5) / width
    rows = (torch.arange(height, device=heatmaps.device) + 0.5) / height
    u = heatmaps.sum(dim=2) @ columns
    v = heatmaps.sum(dim=3) @ rows
    return torch.stack([u, v], dim=-1)  # B J 2
