"""The hand itself: rotations, skeleton, the MANO-format model, pose prior."""

from handlib.hands.hand_model import HandModel, HandOutput, load_hand
from handlib.hands.mano_data import ManoData, ManoFileError
from handlib.hands.mano_file import read_mano_file

__all__ = [
    "HandModel",
    "HandOutput",
    "ManoData",
    "ManoFileError",
    "load_hand",
    "read_mano_file",
]
