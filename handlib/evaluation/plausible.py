"""Are these hands, as the file claims? Unit, camera frame, position and joint order of 21 joints.

The limits are wide: they are to find a file in the wrong convention, not a bad prediction. Unit,
order and position are judged by medians, which a few failed predictions do not move.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from handlib.evaluation.stacking import count_and_first
from handlib.hands.skeleton import BONES, FINGER_JOINTS, FINGERS, JOINT_NAMES, TO_COMMON

METRES = {"metres": 1.0, "centimetres": 0.01, "millimetres": 0.001}
REACH = (0.08, 0.3)  # metres from the wrist to the farthest joint
AT_THE_ORIGIN = 0.05  # metres; no camera sees a hand so near
# Shares of the total length of all bones; those of a hand do not change with pose or unit.
FROM_THE_WRIST = (0.07, 0.18)
OTHER_BONES = (0.008, 0.08)
BENT = 0.2  # sine of the angle between the fingers and the palm


@dataclass(frozen=True)
class Convention:
    """What a submission's joints must be given in.

    side: the hand of all images, None where there are both. forward: the sign of z before the
    camera.
    """

    unit: Literal["metres", "millimetres"]
    frame: Literal["OpenCV", "OpenGL"]
    order: Literal["common", "HO-3D"]
    side: Literal["right"] | None = None

    @property
    def forward(self) -> int:
        return 1 if self.frame == "OpenCV" else -1


def hand_faults(joints: Float[np.ndarray, "N 21 3"], claim: Convention) -> list[str]:
    """What speaks against these joints being in `claim`; no hands, no faults.

    joints: as in the file; hands that are not finite are left out.
    """
    numbers = np.flatnonzero(np.isfinite(joints).all((1, 2)))
    moving = np.ptp(joints[numbers], axis=1).any(-1)
    points, numbers = numbers[~moving], numbers[moving]
    faults = []
    if len(points):
        faults.append(
            f"{count_and_first(points, 'hands')}, have all joints in one point: no prediction?"
        )
    if len(numbers):
        hands = joints[numbers]
        faults += _unit_fault(hands, claim)
        faults += _place_faults(hands, numbers, claim)
        faults += _order_faults(hands, claim) or _mirror_faults(hands, claim)
    return faults


def likely_unit(joints: Float[np.ndarray, "N 21 3"]) -> str | None:
    """The unit in which these hands have the size of hands."""
    reach = median_reach(joints)
    fitting = [unit for unit, metres in METRES.items() if REACH[0] <= reach * metres <= REACH[1]]
    return fitting[0] if fitting else None


def median_reach(joints: Float[np.ndarray, "N 21 3"]) -> float:
    """From the wrist, which is first in every order, to the farthest joint."""
    return float(np.median(np.linalg.norm(joints - joints[:, :1], axis=-1).max(1)))


def _unit_fault(hands: np.ndarray, claim: Convention) -> list[str]:
    unit = likely_unit(hands)
    if unit == claim.unit:
        return []
    low, high = (limit / METRES[claim.unit] for limit in REACH)
    guess = f"probably {unit}" if unit else "no unit fits"
    return [
        f"expected {claim.unit}, in which hands reach {low:g} to {high:g} from the wrist; "
        f"found {median_reach(hands):.4g} (median), {guess}"
    ]


def _place_faults(hands: np.ndarray, numbers: np.ndarray, claim: Convention) -> list[str]:
    scale = METRES[likely_unit(hands) or claim.unit]
    if np.median(np.linalg.norm(hands[:, 0], axis=-1)) * scale < AT_THE_ORIGIN:
        return ["the wrists lie at the origin: add the wrist's position in the camera's frame"]
    behind = numbers[claim.forward * hands[..., 2].mean(1) <= 0]
    sign = "negative" if claim.forward < 0 else "positive"
    if len(behind) == len(hands):
        other = "OpenCV" if claim.frame == "OpenGL" else "OpenGL"
        return [
            f"expected the {claim.frame} frame, in which z is {sign} before the camera; found "
            f"every hand behind it, probably the {other} frame: change the signs of y and z"
        ]
    if len(behind):
        which = count_and_first(behind, "hands")
        return [f"{which}, are behind the camera: in the {claim.frame} frame z must be {sign}"]
    return []


def _order_faults(hands: np.ndarray, claim: Convention) -> list[str]:
    """The right order has the shortest bones: any other joins joints of different fingers."""
    bones = {name: _bone_lengths(hands[:, list(order)]) for name, order in TO_COMMON.items()}
    best = min(bones, key=lambda name: float(bones[name].sum()))
    if bones[best].sum() < 0.95 * bones[claim.order].sum():
        return [
            f"expected the {claim.order} joint order, found bones that are shorter in the {best} "
            "order: permute the joints (handlib.hands.skeleton)"
        ]
    shares = bones[claim.order] / bones[claim.order].sum()
    thumb = FINGER_JOINTS["thumb"]
    wrong = []
    for share, (parent, child) in zip(shares, BONES, strict=True):
        low, high = FROM_THE_WRIST if parent == 0 and child not in thumb else OTHER_BONES
        if not low <= share <= high:
            wrong.append(
                f"{JOINT_NAMES[parent]} to {JOINT_NAMES[child]} is {share:.1%} of all bones "
                f"({low:.1%} to {high:.1%})"
            )
    if not wrong:
        return []
    return [
        f"implausible bones, {len(wrong)} of {len(BONES)}: {'; '.join(wrong[:3])}; "
        f"are the joints in the {claim.order} order?"
    ]


def _mirror_faults(hands: np.ndarray, claim: Convention) -> list[str]:
    """The fingers of a right hand bend to one side of its palm, those of its mirror image not."""
    common = hands[:, list(TO_COMMON[claim.order])]
    bases, tips = ([FINGER_JOINTS[name][end] for name in FINGERS[1:]] for end in (0, -1))
    spokes = common[:, bases] - common[:, :1]
    out_of_the_palm = np.cross(spokes[:, 0], spokes[:, -1])
    bend = (common[:, tips] - common[:, bases]).mean(1)
    lengths = np.linalg.norm(out_of_the_palm, axis=-1) * np.linalg.norm(bend, axis=-1)
    sines = (out_of_the_palm * bend).sum(-1) / lengths.clip(np.finfo(float).tiny)
    if claim.side is None or np.median(sines) > -BENT:
        return []
    return [
        f"expected {claim.side} hands, found fingers that bend away from the palm, as in their "
        "mirror image: between camera frames the signs of both y and z change"
    ]


def _bone_lengths(joints: np.ndarray) -> np.ndarray:
    parents, children = (list(ends) for ends in zip(*BONES, strict=True))
    return np.median(np.linalg.norm(joints[:, children] - joints[:, parents], axis=-1), axis=0)
