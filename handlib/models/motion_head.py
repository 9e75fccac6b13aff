"""Each frame's pose, motions and confidence from its temporal feature (Deformer, section 3.3)."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from handlib.models.conv_norm import LEAKY_SLOPE
from handlib.models.fusion import MOTION_NUMBERS, Space
from handlib.models.heatmap import JOINTS
from handlib.models.mano_head import POSE_JOINTS, SHAPE_COMPONENTS


class Motions(NamedTuple):
    """Of B windows of T frames."""

    pose6d: Float[Tensor, "B T 16 6"]  # θ of each frame
    forward: Float[Tensor, "B T 16 m"]  # f: from this frame to the next
    backward: Float[Tensor, "B T 16 m"]  # b: from this frame to the one before
    confidence: Float[Tensor, "B T"]  # c before the softmax


class MotionHead(nn.Module):
    """F⁺⁺ and the frame's 21 image joints to `Motions`; the window's vector to one β."""

    def __init__(self, channels: int, widths: tuple[int, int], space: Space) -> None:
        super().__init__()
        self.hidden1 = nn.Linear(channels + 2 * JOINTS, widths[0])
        self.hidden2 = nn.Linear(widths[0], widths[1])
        self.pose = nn.Linear(widths[1], 6 * POSE_JOINTS)
        self.forward_motion = nn.Linear(widths[1], MOTION_NUMBERS[space] * POSE_JOINTS)
        self.backward_motion = nn.Linear(widths[1], MOTION_NUMBERS[space] * POSE_JOINTS)
        self.confidence = nn.Linear(widths[1], 1)
        self.shape = nn.Linear(channels, SHAPE_COMPONENTS)

    def forward(
        self, features: Float[Tensor, "B T C"], joints_img: Float[Tensor, "B T 21 2"]
    ) -> Motions:
        h = torch.cat([features, joints_img.flatten(2)], dim=-1)
        h = F.leaky_relu(self.hidden1(h), LEAKY_SLOPE)
        h = F.leaky_relu(self.hidden2(h), LEAKY_SLOPE)
        pose, forward, backward = (
            layer(h).float().unflatten(2, (POSE_JOINTS, -1))
            for layer in (self.pose, self.forward_motion, self.backward_motion)
        )
        return Motions(pose, forward, backward, self.confidence(h).float().squeeze(-1))
