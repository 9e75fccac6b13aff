"""Hourglass (Newell et al. 2016): the same map seen at every scale, coarse to fine added up."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from handlib.models.bottleneck import PreActBottleneck


class Hourglass(nn.Module):
    """`depth` halvings, each level holding the next one as `inner`; one unit at every place."""

    def __init__(self, channels: int, depth: int) -> None:
        super().__init__()
        self.skip = PreActBottleneck(channels)
        self.down = PreActBottleneck(channels)
        self.inner = Hourglass(channels, depth - 1) if depth > 1 else PreActBottleneck(channels)
        self.up = PreActBottleneck(channels)

    def forward(self, x: Float[Tensor, "B C h w"]) -> Float[Tensor, "B C h w"]:
        """Same shape out; h and w must be multiples of 2^depth."""
        coarse = self.up(self.inner(self.down(F.max_pool2d(x, 2))))
        return self.skip(x) + F.interpolate(coarse, scale_factor=2.0, mode="nearest")
