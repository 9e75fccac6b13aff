"""MANO parameters from one vector (HandOccNet, section 3.5).

The pose is regressed in 6D (Zhou et al. 2019), two columns of each rotation matrix, which unlike
an axis-angle has no jump.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from handlib.hands.rotations import rot6d_to_rotmat
from handlib.hands.skeleton import MANO_JOINT_NAMES
from handlib.models.conv_norm import LEAKY_SLOPE

POSE_JOINTS = len(MANO_JOINT_NAMES)
SHAPE_COMPONENTS = 10


class ManoHead(nn.Module):
    """Encoding to pose θ, as rotation matrices, and shape β."""

    def __init__(self, inputs: int, widths: tuple[int, int]) -> None:
        super().__init__()
        self.hidden1 = nn.Linear(inputs, widths[0])
        self.hidden2 = nn.Linear(widths[0], widths[1])
        self.pose = nn.Linear(widths[1], 6 * POSE_JOINTS)
        self.shape = nn.Linear(widths[1], SHAPE_COMPONENTS)

    def forward(
        self, encoding: Float[Tensor, "B E"]
    ) -> tuple[Float[Tensor, "B 16 3 3"], Float[Tensor, "B 10"]]:
        """Rotation matrices of MANO's 16 joints, wrist first, in its order; and β."""
        h = F.leaky_relu(self.hidden1(encoding), LEAKY_SLOPE)
        h = F.leaky_relu(self.hidden2(h), LEAKY_SLOPE)
        pose6d = self.pose(h).float().unflatten(1, (POSE_JOINTS, 6))  # B 16 6
        with torch.autocast(h.device.type, enabled=False):
            return rot6d_to_rotmat(pose6d), self.shape(h.float())
