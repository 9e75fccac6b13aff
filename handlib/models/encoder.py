"""From heatmaps and features to one vector for the MANO head (HandOccNet, section 3.5)."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from handlib.models.bottleneck import PreActBottleneck
from handlib.models.heatmap import JOINTS


class HandEncoder(nn.Module):
    """Two residual units and a halving, `depth` times; what is left is flattened."""

    def __init__(self, channels: int, depth: int) -> None:
        super().__init__()
        self.heatmaps = nn.Conv2d(JOINTS, channels, 1)
        self.features = nn.Conv2d(channels, channels, 1)
        self.levels = nn.ModuleList(
            nn.Sequential(PreActBottleneck(channels), PreActBottleneck(channels))
            for _ in range(depth)
        )

    def forward(
        self, heatmaps: Float[Tensor, "B 21 h w"], features: Float[Tensor, "B C h w"]
    ) -> Float[Tensor, "B E"]:
        """E = C·(h/2^depth)·(w/2^depth) numbers, channel first."""
        x = self.heatmaps(heatmaps) + self.features(features)
        for level in self.levels:
            x = F.max_pool2d(level(x), 2)
        return x.flatten(1)
