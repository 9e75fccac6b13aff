"""The clip of the notebooks on motion: a right hand that closes, without a camera or an object."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from handlib.data.synthetic.trajectories import minimum_jerk
from handlib.hands.pose_prior import load_named_poses
from handlib.viz.hand_explorer import upright


def way_done(frames: int) -> Float[Tensor, " T"]:
    """Share of a minimum-jerk way that is done in each frame, 0 in the first, 1 in the last."""
    return torch.from_numpy(minimum_jerk(np.linspace(0, 1, frames))).float()


def closing_hand(frames: int, turn: float = -35.0) -> Float[Tensor, "T 16 3"]:
    """From the named pose "spread" to "grasp", fingers up, as axis-angles in MANO order.

    Each finger joint's vector goes straight from one pose to the other, the wrist stays.

    Args:
        turn: degrees about the vertical axis, as in `upright`.
    """
    poses = load_named_poses()
    path = torch.lerp(poses["spread"], poses["grasp"], way_done(frames)[:, None, None])
    path[:, 0] = upright(turn)
    return path
