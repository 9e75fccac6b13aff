"""Natural hand poses that come with the hand: named ones, a corpus, joint axes and their limits.

All are full joint angles of the right hand in radians, measured from the flat rest pose; nothing
has to be added to them. For the left hand turn (x, y, z) into (x, -y, -z).
"""

import json
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from handlib.hands.rotations import axis_angle_to_rotmat, rotmat_to_axis_angle

MOTIONS = ("flexion", "abduction", "twist")
"""A joint's three axes: towards the palm, away from the middle finger, about the bone."""

SPLITS = {"train": 0, "val": 1, "test": 2}


@cache
def _document() -> dict[str, Any]:
    return json.loads((files("handlib") / "assets" / "poses.json").read_text("utf-8"))


def _by_joint_and_motion(section: str) -> Tensor:
    finger_joints = _document()["joints"][1:]
    table = _document()[section]
    return torch.tensor([[table[joint][motion] for motion in MOTIONS] for joint in finger_joints])


def load_named_poses() -> dict[str, Float[Tensor, "16 3"]]:
    """Poses such as "fist" or "pinch" as axis-angles in MANO order, the wrist at zero."""
    return {name: torch.tensor(pose) for name, pose in _document()["poses"].items()}


def load_corpus(split: Literal["train", "val", "test"]) -> Float[Tensor, "N 15 3"]:
    """Finger poses as axis-angles in MANO order, without the wrist.

    The splits hold whole clusters, so no test pose has a near twin in training.
    """
    with (
        (files("handlib") / "assets" / "corpus.npz").open("rb") as file,
        np.load(file, allow_pickle=False) as corpus,
    ):
        return torch.from_numpy(corpus["axis_angle"][corpus["split"] == SPLITS[split]])


def joint_axes() -> Float[Tensor, "15 3 3"]:
    """Unit axes [joint, motion, xyz] in the rest frame; positive angles do what MOTIONS says."""
    return _by_joint_and_motion("axes")


def joint_limits() -> Float[Tensor, "15 3 2"]:
    """Lowest and highest angle [joint, motion, end] in radians."""
    return _by_joint_and_motion("limits")


def pose_from_motions(angles: Float[Tensor, "*batch 15 3"]) -> Float[Tensor, "*batch 15 3"]:
    """Axis-angles out of flexion, abduction and twist (radians) of each finger joint.

    R = exp(flexion) exp(abduction) exp(twist), as in the ISB joint coordinate system: the sideways
    motion stays sideways for a bent finger.
    """
    vectors = angles[..., None] * joint_axes().to(angles)  # ... 15 motion xyz
    flexion, abduction, twist = axis_angle_to_rotmat(vectors).unbind(-3)
    return rotmat_to_axis_angle(flexion @ abduction @ twist)


def motions_from_pose(pose: Float[Tensor, "*batch 15 3"]) -> Float[Tensor, "*batch 15 3"]:
    """Inverse of `pose_from_motions`: flexion, abduction and twist of axis-angles.

    Unique for abductions below a right angle, beyond which no finger reaches.
    """
    axes = joint_axes().to(pose)
    turned = axes @ axis_angle_to_rotmat(pose) @ axes.mT  # in the frame of the three axes
    flexion = torch.atan2(-turned[..., 1, 2], turned[..., 2, 2])
    abduction = torch.asin(turned[..., 0, 2].clamp(-1, 1))
    twist = torch.atan2(-turned[..., 0, 1], turned[..., 0, 0])
    # Seen from a left-handed frame every rotation turns the other way.
    hand = torch.linalg.det(axes)[:, None]
    return hand * torch.stack([flexion, abduction, twist], -1)
