"""FIT, the feature injecting transformer (HandOccNet, section 3.3).

Queries are the secondary features F_s (behind the occluder), keys and values the primary ones F_p
(on the hand): what the visible hand tells is written where the hand is hidden.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from handlib.models.block import AttentionBlock


class ConcatMerge(nn.Module):
    """The released code's F_FIT: convolutions over [F_p, injected] side by side (H10)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(2 * channels, channels, 3, padding=1)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.skip = nn.Conv2d(2 * channels, channels, 1)

    def forward(
        self, primary: Float[Tensor, "B C h w"], injected: Float[Tensor, "B C h w"]
    ) -> Float[Tensor, "B C h w"]:
        both = torch.cat([primary, injected], dim=1)  # B 2C h w
        return self.conv2(F.relu(self.conv1(both), inplace=True)) + self.skip(both)


class ResidualMerge(nn.Module):
    """The paper's F_FIT: F_p plus what was injected (H10)."""

    def forward(
        self, primary: Float[Tensor, "B C h w"], injected: Float[Tensor, "B C h w"]
    ) -> Float[Tensor, "B C h w"]:
        return primary + injected


class FIT(nn.Module):
    """(F_p, F_s) to F_FIT. Each block refines the query; the key stays F_p throughout."""

    def __init__(self, blocks: list[AttentionBlock], merge: ConcatMerge | ResidualMerge) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.merge = merge

    def forward(
        self, primary: Float[Tensor, "B C h w"], secondary: Float[Tensor, "B C h w"]
    ) -> Float[Tensor, "B C h w"]:
        injected = secondary
        for block in self.blocks:
            injected = block(injected, primary)
        return self.merge(primary, injected)
