"""The hand itself: rotations, skeleton, the MANO-format model, pose prior."""

from handlib.hands.hand_model import HandModel, HandOutput, load_hand
from handlib.hands.hand_pair import HandPair, load_hand_pair
from handlib.hands.mano_data import ManoData, ManoFileError
from handlib.hands.mano_file import read_mano_file
from handlib.hands.pose_prior import (
    joint_axes,
    joint_limits,
    load_corpus,
    load_named_poses,
    motions_from_pose,
    pose_from_motions,
)

__all__ = [
    "HandModel",
    "HandOutput",
    "HandPair",
    "ManoData",
    "ManoFileError",
    "joint_axes",
    "joint_limits",
    "load_corpus",
    "load_hand",
    "load_hand_pair",
    "load_named_poses",
    "motions_from_pose",
    "pose_from_motions",
    "read_mano_file",
]
