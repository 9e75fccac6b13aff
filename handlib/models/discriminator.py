"""Deformer's motion discriminator (Fu et al. 2023, section 3.4): is this how a hand moves?

A recurrent network reads a window of finger poses, attention picks the telling moments, and one
number judges: towards 1 for recorded motion, towards 0 for the network's.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from handlib.hands.rotations import rotmat_to_axis_angle
from handlib.models.record import tap

MOTION_INPUTS = 46  # the side, and 15 finger joints in axis-angle; no wrist (D13)


class MotionDiscriminator(nn.Module):
    """(B, T, 46) to one score a window; the defaults are the released ones, 11,692,034 numbers.

    Input: 0 for a right and 1 for a left hand, then 45 finger angles in radians, MANO's order.
    """

    def __init__(self, width: int = 1024, layers: int = 2, dropout: float = 0.2) -> None:
        super().__init__()
        self.gru = nn.GRU(MOTION_INPUTS, width, layers, batch_first=True)
        self.attention = nn.Sequential(
            *(nn.Linear(width, width), nn.Tanh(), nn.Dropout(dropout)),
            *(nn.Linear(width, width), nn.Tanh(), nn.Dropout(dropout)),
            *(nn.Linear(width, 1), nn.Tanh(), nn.Dropout(dropout)),
        )
        self.score = nn.Linear(width, 1)
        for layer in self.attention:
            if isinstance(layer, nn.Linear):
                nn.init.uniform_(layer.weight, -0.1, 0.1)
                nn.init.constant_(layer.bias, 0.01)

    @classmethod
    def course(cls) -> "MotionDiscriminator":
        """A quarter as wide, 760,322 numbers: enough for windows of seven synthetic frames."""
        return cls(width=256)

    def forward(self, motion: Float[Tensor, "B T 46"]) -> Float[Tensor, "B 1"]:
        states, _ = self.gru(motion)  # B T width
        attention = tap(self, "attention", self.attention(states).softmax(dim=1))  # B T 1
        return self.score((attention * states).sum(dim=1))


def motion_input(
    pose: Float[Tensor, "B T 16 3 3"], left: Bool[Tensor, " B"] | None = None
) -> Float[Tensor, "B T 46"]:
    """Poses as the discriminator reads them; without `left` all hands are right ones."""
    fingers = rotmat_to_axis_angle(pose[:, :, 1:]).flatten(2)  # B T 45
    side = torch.zeros_like(fingers[..., :1])
    if left is not None:
        side = side + left.to(fingers)[:, None, None]
    return torch.cat([side, fingers], dim=-1)
