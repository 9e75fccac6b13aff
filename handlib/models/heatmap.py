"""Joint heatmaps and their soft-argmax (HandOccNet, section 3.5)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from handlib.hands.skeleton import JOINT_NAMES
from handlib.models.bottleneck import PreActBottleneck
from handlib.models.conv_norm import ConvNorm, leaky_relu
from handlib.models.hourglass import Hourglass

JOINTS = len(JOINT_NAMES)
DEPTH_UNIT = 0.1  # metres, about half a hand: numbers of order one train best


class JointHeatmaps(nn.Module):
    """F_SET to one probability map for each joint, its mean position, and features to go on with.

    The released code trains the positions, the paper writes of heatmaps (H14). `temperature` is
    learned, one number for a joint, and multiplies the scores before the softmax.
    """

    def __init__(self, channels: int, depth: int) -> None:
        super().__init__()
        self.hourglass = Hourglass(channels, depth) if depth else nn.Identity()
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
        heatmaps = spatial_softmax(self.score(y).float() * self.temperature[..., None])
        return heatmaps, soft_argmax(heatmaps), y


class JointDepths(nn.Module):
    """Course aid: how far behind the hand's centre each joint lies, read where its heatmap lies.

    With the heatmaps a 2.5D hand (Iqbal et al., ECCV 2018); neither of our papers has it.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depth = nn.Conv2d(channels, JOINTS, 1)

    def forward(
        self, heatmaps: Float[Tensor, "B 21 h w"], features: Float[Tensor, "B C h w"]
    ) -> Float[Tensor, "B 21"]:
        """Mean of each joint's depth map under its heatmap, in units of DEPTH_UNIT."""
        return (heatmaps * self.depth(features)).sum(dim=(2, 3))


def spatial_softmax(scores: Float[Tensor, "B J h w"]) -> Float[Tensor, "B J h w"]:
    """Softmax over the cells of each map."""
    return scores.flatten(2).softmax(dim=2).view_as(scores)


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
