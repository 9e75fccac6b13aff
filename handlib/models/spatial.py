"""Deformer's spatial transformer (Fu et al. 2023, section 3.1): the hand in one frame.

An encoder lets every cell of the hand's features ask every other; joint heatmaps are read off its
memory; a decoder with one learned query gathers the frame into one vector.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from handlib.models.heatmap import JOINTS, soft_argmax, spatial_softmax
from handlib.models.positions import sine_positions_2d
from handlib.models.record import tap
from handlib.models.transformer import Decoder, Encoder


@dataclass(frozen=True)
class FrameFeatures:
    """What the spatial transformer says of N frames."""

    feature: Float[Tensor, "N C"]  # F⁺: the frame in one vector
    joints_img: Float[Tensor, "N 21 2"]  # (u, v) as fractions of the hand box
    heatmaps: Float[Tensor, "N 21 h w"]  # over the hand box; each sums to 1


class SpatialTransformer(nn.Module):
    """Hand features on `cells`² tokens to one vector and 21 heatmaps a frame.

    `joint_skip` hands the heatmaps to the decoder beside the memory, as the paper draws it; the
    released decoder sees the memory alone (D8).
    """

    def __init__(
        self,
        cells: int,
        channels: int,
        heads: int,
        hidden: int,
        depth: int,
        dropout: float,
        joint_skip: bool = False,
    ) -> None:
        super().__init__()
        positions = sine_positions_2d(cells, cells, channels)
        self.register_buffer("positions", positions, persistent=False)
        self.encoder = Encoder(depth, channels, heads, hidden, dropout)
        self.joints = JointScores(channels)
        self.temperature = nn.Parameter(torch.ones(JOINTS, 1))
        self.skip = nn.Linear(channels + JOINTS, channels) if joint_skip else None
        self.decoder = Decoder(depth, channels, heads, hidden, dropout)

    positions: Tensor

    def forward(self, hand: Float[Tensor, "N C h w"]) -> FrameFeatures:
        """`hand`: the features inside each frame's hand box."""
        memory = self.encoder(hand.flatten(2).mT, self.positions)  # N h·w C
        tap(self, "memory", memory)
        scores = self.joints(memory).float().mT.unflatten(2, hand.shape[2:])  # N 21 h w
        heatmaps = tap(self, "heatmaps", spatial_softmax(scores * self.temperature[..., None]))
        if self.skip is not None:
            memory = self.skip(torch.cat([memory, heatmaps.flatten(2).mT], dim=-1))
        feature = tap(self, "feature", self.decoder(memory, self.positions)[:, 0])
        return FrameFeatures(feature, tap(self, "joints_img", soft_argmax(heatmaps)), heatmaps)


class JointScores(nn.Module):
    """Each token by itself: a score for each joint."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.hidden1 = nn.Linear(channels, channels)
        self.hidden2 = nn.Linear(channels, channels)
        self.score = nn.Linear(channels, JOINTS)

    def forward(self, x: Float[Tensor, "N T C"]) -> Float[Tensor, "N T 21"]:
        return self.score(F.relu(self.hidden2(F.relu(self.hidden1(x)))))
