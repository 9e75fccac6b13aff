"""The 16-joint rig: MakeHuman's bones and joint cubes under MANO's joint order.

Orders, names and fingertip vertex ids come from `handlib.hands.skeleton`; fingertips are always
stored thumb to little.
"""

from handlib.hands.skeleton import FINGERS, FINGERTIPS, MANO_FINGERS, MANO_JOINT_NAMES, PARENTS

__all__ = ["FINGERS", "MANO_JOINT_NAMES", "PARENTS"]

# MANO's order gives each finger three consecutive joints after the wrist.
FINGER_CHAINS = {
    finger: tuple(range(1 + 3 * k, 4 + 3 * k)) for k, finger in enumerate(MANO_FINGERS)
}
TIP_PARENTS = tuple(FINGER_CHAINS[finger][-1] for finger in FINGERS)
MIDDLE_TIP = FINGERS.index("middle")

_MAKEHUMAN_DIGIT = {"thumb": 1, "index": 2, "middle": 3, "ring": 4, "little": 5}
_WRIST_BONES = ("wrist", "lowerarm01", "lowerarm02", *(f"metacarpal{i}" for i in range(1, 5)))


def joint_cubes() -> list[str]:
    """Names of the MakeHuman joint cubes in MANO's joint order."""
    names = ["joint-r-hand"]
    for finger in MANO_FINGERS:
        names += [f"joint-r-finger-{_MAKEHUMAN_DIGIT[finger]}-{k}" for k in (1, 2, 3)]
    return names


def tip_cubes() -> list[str]:
    """Names of the cubes at the five fingertips."""
    return [f"joint-r-finger-{_MAKEHUMAN_DIGIT[finger]}-4" for finger in FINGERS]


def bone_to_joint() -> dict[str, int]:
    """MakeHuman bone (right side) -> MANO joint; carpus, metacarpals and forearm move as one."""
    bones = {f"{bone}.R": 0 for bone in _WRIST_BONES}
    for finger, chain in FINGER_CHAINS.items():
        for k, joint in enumerate(chain, start=1):
            bones[f"finger{_MAKEHUMAN_DIGIT[finger]}-{k}.R"] = joint
    return bones


def tip_vertex_ids() -> list[list[int]]:
    """Per finger every vertex id that some toolchain calls its tip; the exact tip comes first."""
    conventions = [FINGERTIPS["manopth"]["right"]]
    conventions += [tips[side] for tips in FINGERTIPS.values() for side in ("right", "left")]
    return [list(dict.fromkeys(ids)) for ids in zip(*conventions, strict=True)]
