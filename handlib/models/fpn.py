"""Feature pyramid (Lin et al. 2017), read at its finest level; for HandOccNet, then halved.

The released HandOccNet smooths p2 with a 3×3 convolution and averages 2×2 cells. Both are linear,
so we average first: the 3×3 convolution then runs at a quarter of the places (a quarter of the
multiplications), with the same result to rounding, the image border included.
"""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F


class FeaturePyramid(nn.Module):
    """c2..c5 of the ResNet to P2 at stride 4 or, halved, to F at stride 8.

    Of fewer than four `inputs` it is made of as many of the finest stages alone.

    `unread_smooth2` keeps the parameters of a convolution on p3 that the released network holds
    and runs although nothing reads its result. We hold them, frozen, for the official parameter
    count and checkpoints, and never run it.
    """

    def __init__(
        self,
        inputs: Sequence[int],
        channels: int,
        halve: bool = True,
        unread_smooth2: bool = False,
    ) -> None:
        super().__init__()
        self.halve = halve
        self.laterals = nn.ModuleList(nn.Conv2d(c, channels, 1) for c in inputs)
        self.smooth = nn.Conv2d(channels, channels, 3, padding=1)
        if unread_smooth2:
            self.smooth2 = nn.Conv2d(channels, channels, 3, padding=1).requires_grad_(False)

    def forward(self, stages: list[Float[Tensor, "B _ _ _"]]) -> Float[Tensor, "B C h w"]:
        """[c2, c3, c4, c5] to P2, of c2's size, or to F, half of it."""
        p = self.merge(stages)
        return smooth_then_halve(p, self.smooth) if self.halve else self.smooth(p)

    def merge(self, stages: list[Float[Tensor, "B _ _ _"]]) -> Float[Tensor, "B C H W"]:
        """All stages on c2's grid, not yet smoothed."""
        finer_to_coarser = zip(self.laterals, stages[: len(self.laterals)], strict=True)
        *finer, coarsest = [lateral(stage) for lateral, stage in finer_to_coarser]
        p = coarsest
        for lateral in reversed(finer):
            p = F.interpolate(p, size=lateral.shape[-2:], mode="bilinear") + lateral
        return p


def smooth_then_halve(x: Float[Tensor, "B C H W"], smooth: nn.Conv2d) -> Float[Tensor, "B C h w"]:
    """`avg_pool2d(smooth(x), 2)` for a 3×3 convolution with padding 1, in the cheaper order.

    Output cell i averages the convolution at 2i and 2i+1. Averaging x over pairs (j, j+1) first,
    for j from −1 because the zero padding takes part, leaves one convolution at 2i.
    """
    pairs = F.avg_pool2d(x, kernel_size=2, stride=1, padding=1)  # B C H+1 W+1
    return F.conv2d(pairs, smooth.weight, smooth.bias, stride=2)
