"""The hand's joints: every order, tree and fingertip vertex set in use, by name.

No other file holds an index list. "Common order" is wrist, then thumb, index, middle, ring and
little finger, each from base to tip (21 joints); "MANO order" is the 16 joints of a MANO file:
wrist, index, middle, little, ring, thumb, without tips. A permutation `A_TO_B` is used as
`b = a[..., A_TO_B, :]`.
"""

from types import MappingProxyType
from typing import Literal

Side = Literal["right", "left"]

FINGERS = ("thumb", "index", "middle", "ring", "little")
MANO_FINGERS = ("index", "middle", "little", "ring", "thumb")

_SEGMENTS = ("mcp", "pip", "dip", "tip")
_THUMB_SEGMENTS = ("cmc", "mcp", "ip", "tip")


def _finger_joint_names(finger: str) -> tuple[str, ...]:
    segments = _THUMB_SEGMENTS if finger == "thumb" else _SEGMENTS
    return tuple(f"{finger}_{segment}" for segment in segments)


JOINT_NAMES = ("wrist", *(name for finger in FINGERS for name in _finger_joint_names(finger)))
MANO_JOINT_NAMES = (
    "wrist",
    *(name for finger in MANO_FINGERS for name in _finger_joint_names(finger)[:3]),
)

# MANO's kinematic tree (row 0 of `kintree_table`), MANO order; the root has no parent.
PARENTS = (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 0, 10, 11, 0, 13, 14)

FINGER_JOINTS = MappingProxyType(
    {
        "thumb": (1, 2, 3, 4),
        "index": (5, 6, 7, 8),
        "middle": (9, 10, 11, 12),
        "ring": (13, 14, 15, 16),
        "little": (17, 18, 19, 20),
    }
)
"""Four joints of each finger, base to tip, common order."""

BONES = tuple(
    bone
    for joints in FINGER_JOINTS.values()
    for bone in zip((0, *joints[:3]), joints, strict=True)
)
"""The 20 bones as (parent, child), common order."""

COMMON_FROM_MANO_TIPS = (
    *(0, 13, 14, 15, 16),
    *(1, 2, 3, 17),
    *(4, 5, 6, 18),
    *(10, 11, 12, 19),
    *(7, 8, 9, 20),
)
"""Common order out of [16 MANO joints, 5 tips thumb to little]."""

HO3D_TO_COMMON = COMMON_FROM_MANO_TIPS
"""HO-3D's 21 joints are MANO's 16 followed by the tips, thumb to little."""

FPHA_TO_COMMON = (0, 1, 6, 7, 8, 2, 9, 10, 11, 3, 12, 13, 14, 4, 15, 16, 17, 5, 18, 19, 20)
"""FPHA lists the wrist, the five base joints, then three joints of each finger."""

COMMON_OF_MANO = (0, 5, 6, 7, 9, 10, 11, 17, 18, 19, 13, 14, 15, 1, 2, 3)
"""Index in the common order of each of MANO's 16 joints."""

MANO_JOINT_OF_COMMON = (
    *(0, 13, 14, 15, 15),
    *(1, 2, 3, 3),
    *(4, 5, 6, 6),
    *(10, 11, 12, 12),
    *(7, 8, 9, 9),
)
"""MANO joint whose rotation carries each common joint; a tip moves with its finger's last."""


def inverse(permutation: tuple[int, ...]) -> tuple[int, ...]:
    """The permutation that undoes this one: `inverse(HO3D_TO_COMMON)` is common to HO-3D."""
    return tuple(sorted(range(len(permutation)), key=permutation.__getitem__))


COMMON_TO_HO3D = inverse(HO3D_TO_COMMON)
COMMON_TO_FPHA = inverse(FPHA_TO_COMMON)

TO_COMMON = MappingProxyType(
    {"common": tuple(range(21)), "HO-3D": HO3D_TO_COMMON, "FPHA": FPHA_TO_COMMON}
)
"""Every order of 21 joints, by name, with the permutation to the common one."""


def _both_sides(tips: tuple[int, ...]) -> MappingProxyType[str, tuple[int, ...]]:
    return MappingProxyType({"right": tips, "left": tips})


FINGERTIPS = MappingProxyType(
    {
        # manopth, manotorch, DexYCB's labels, HandOccNet. The middle tip differs on the left.
        "manopth": MappingProxyType(
            {"right": (745, 317, 444, 556, 673), "left": (745, 317, 445, 556, 673)}
        ),
        # HO-3D's released labels, Semi-Hand-Object, Deformer on HO-3D.
        "ho3d": _both_sides((728, 353, 442, 576, 694)),
        # smplx's own vertex ids.
        "smplx": _both_sides((744, 320, 443, 554, 671)),
        # HO-3D's drawing script; not for metrics.
        "ho3d_setup": _both_sides((744, 333, 444, 555, 672)),
        # HOnnotate's older script.
        "honnotate": _both_sides((745, 320, 444, 555, 657)),
    }
)
"""Vertices of the five tips, thumb to little, by toolchain and by side of the MANO file."""
