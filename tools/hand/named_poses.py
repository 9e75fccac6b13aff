"""Hand poses with a name, authored as compact angles in degrees and finished by contact IK."""

import numpy as np
from jaxtyping import Float

from .contact import THUMB_BLOCK, Contacts

# Index, middle, ring, little: MCP, PIP, DIP flexion, spread. Thumb: CMC flexion, abduction,
# pronation, MCP, IP flexion.
CURLED = {"index": (68, 98, 44, 0), "middle": (73, 96, 46, 0), "ring": (73, 96, 46, 0),
          "little": (70, 92, 44, -3)}  # fmt: skip
STRAIGHT = (2, 4, 2, 0)
MIDDLE_FLEXIONS = np.arange(4, 7)
# The fist's thumb stays this far from the palm, else the index fingertip ends up inside it.
ALL_BUT_ABDUCTION = THUMB_BLOCK[[0, 2, 3, 4]]
TUCKED_THUMB = (22, 36, 10, 40, 52)
OPEN_THUMB = (-12, -6, 0, -5, -10)


def named_poses(contacts: Contacts) -> dict[str, Float[np.ndarray, "21"]]:
    """Every named pose as compact angles in degrees."""
    poses = _authored()
    for name, finger in {"pinch": "index", "ok": "index", "little_touch": "little"}.items():
        poses[name] = contacts.pinch(poses[name], finger)
    over_fist = (contacts.pad("thumb", 2, 0.55), contacts.pad("middle", 1, 0.8, "dorsal"))
    poses["fist"] = contacts.touch(poses["fist"], [over_fist], ALL_BUT_ABDUCTION)
    over = {"point": "middle", "horns": "middle", "peace": "ring", "three": "little"}
    for name, finger in over.items():
        poses[name] = contacts.thumb_over(poses[name], finger)
    poses["tripod"] = _tripod(contacts, poses["tripod"])
    key = (contacts.pad("thumb", 2, 0.6), contacts.pad("index", 1, 0.6, "radial"))
    poses["key_grip"] = contacts.touch(poses["key_grip"], [key], THUMB_BLOCK)
    return poses


def _compose(
    index: tuple[float, ...] | str = "curled",
    middle: tuple[float, ...] | str = "curled",
    ring: tuple[float, ...] | str = "curled",
    little: tuple[float, ...] | str = "curled",
    thumb: tuple[float, ...] = TUCKED_THUMB,
) -> Float[np.ndarray, "21"]:
    fingers = {"index": index, "middle": middle, "ring": ring, "little": little}
    rows = [CURLED[name] if value == "curled" else value for name, value in fingers.items()]
    return np.concatenate([*rows, thumb]).astype(float)


def _authored() -> dict[str, Float[np.ndarray, "21"]]:
    pose = _compose
    zero = (0, 0, 0, 0)
    return {
        "flat": pose(zero, zero, zero, zero, (0, 0, 0, 0, 0)),
        "relaxed": pose((18, 28, 15, 0), (22, 32, 18, 0), (25, 36, 20, 0), (28, 36, 20, 0),
                        (5, 15, 0, 12, 12)),
        "spread": pose((-6, 0, 0, 10), (-6, 0, 0, 0), (-6, 0, 0, 9), (-6, 0, 0, 14),
                       (-14, -5, 0, -5, -8)),
        "closed_flat": pose((0, 0, 0, -6), zero, (0, 0, 0, -6), (0, 0, 0, -8), (14, -5, 0, 10, 5)),
        "fist": pose(thumb=(18, 26, 0, 45, 28)),
        "point": pose(index=STRAIGHT),
        "peace": pose(index=(2, 3, 2, 9), middle=(2, 3, 2, -7), thumb=(22, 40, 10, 45, 52)),
        "three": pose((2, 3, 2, 6), STRAIGHT, (2, 5, 2, 5), thumb=(24, 40, 10, 45, 50)),
        "thumbs_up": pose(thumb=OPEN_THUMB),
        "shaka": pose(little=(0, 2, 0, 12), thumb=(-14, -8, 0, -5, -10)),
        "horns": pose(index=STRAIGHT, little=(0, 2, 0, 4)),
        "gun": pose(index=STRAIGHT, middle=(2, 4, 2, 0), thumb=OPEN_THUMB),
        "pinch": pose((50, 52, 30, 2), (25, 30, 15, 0), (15, 22, 12, 0), (8, 15, 8, 4),
                      (14, 45, 10, 22, 22)),
        "ok": pose((55, 62, 36, 2), (8, 12, 8, 2), (2, 6, 4, 4), (-4, 4, 2, 8),
                   (18, 48, 15, 24, 24)),
        "tripod": pose((48, 46, 25, 0), (50, 50, 28, 0), (55, 62, 35, 0), (58, 65, 35, 0),
                       (14, 42, 12, 22, 22)),
        "little_touch": pose((5, 8, 4, 0), (8, 10, 6, 0), (25, 30, 15, 0), (60, 60, 30, 0),
                             (30, 50, 25, 30, 30)),
        "grasp": pose((38, 42, 25, 3), (40, 44, 27, 0), (42, 46, 28, 3), (44, 46, 28, 6),
                      (5, 45, 10, 15, 18)),
        "hook": pose((5, 92, 52, 0), (5, 94, 54, 0), (5, 94, 54, 0), (5, 90, 50, 0),
                     (5, 10, 0, 10, 10)),
        "claw": pose((-12, 62, 42, 5), (-12, 64, 44, 0), (-12, 64, 44, 5), (-12, 60, 42, 8),
                     (-6, 28, 0, 12, 45)),
        "tabletop": pose((80, 5, 5, 0), (80, 5, 5, 0), (80, 5, 5, 0), (78, 5, 5, 0),
                         (5, 30, 5, 10, 5)),
        "key_grip": pose((55, 72, 38, 0), (60, 78, 42, 0), (64, 80, 42, 0), (66, 80, 42, 0),
                         (18, 5, 0, 15, 15)),
        "beak": pose((52, 30, 18, -4), (54, 30, 18, 0), (54, 30, 18, -3), (54, 30, 18, -5),
                     (18, 46, 15, 18, 10)),
    }  # fmt: skip


def _tripod(contacts: Contacts, compact: Float[np.ndarray, "21"]) -> Float[np.ndarray, "21"]:
    """A pen's grip: index pad on the thumb's tip half, middle finger's flank just below."""
    compact = contacts.pinch(compact, "index")
    middle = (contacts.pulp("middle"), contacts.pad("thumb", 2, 0.3))
    return contacts.touch(compact, [middle], MIDDLE_FLEXIONS)
