"""Anatomical axes, joint limits and angles of the 15 finger joints.

A joint's rotation is flexion, then abduction, then twist about axes carried along:
R = exp(flexion) exp(abduction) exp(twist), the order of the ISB joint coordinate system (Wu et al.
2005). Positive flexion closes towards the palm, positive abduction spreads away from the middle
finger (the middle finger: towards the thumb), twist is about the bone. The axes of a joint are
orthonormal and given in the rest frame.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial.transform import Rotation

from .extraction import Anatomy
from .rig import FINGER_CHAINS, FINGERS, MANO_JOINT_NAMES
from .skinning import unit

FLEXION, ABDUCTION, TWIST = range(3)
SPREAD_SIGN = {"thumb": 1, "index": 1, "middle": 1, "ring": -1, "little": -1}

# Degrees: flexion, abduction, twist. Active ranges of an adult, rounded; distal joints get a
# little abduction and twist because soft tissue gives.
LIMITS = {
    "mcp": ((-25, 95), (-22, 25), (-10, 10)),
    "pip": ((-5, 112), (-4, 4), (-5, 5)),
    "dip": ((-8, 80), (-4, 4), (-5, 5)),
    "thumb_cmc": ((-25, 55), (-20, 65), (-25, 50)),
    "thumb_mcp": ((-20, 65), (-8, 8), (-8, 8)),
    "thumb_ip": ((-20, 85), (-4, 4), (-5, 5)),
}

COMPACT_SIZE = 21


@dataclass(frozen=True)
class Articulation:
    """Axes (15,3,3) as rows flexion, dorsal, bone, and limits (15,3,2) in radians, MANO order.

    The dorsal row times `spread` is the abduction axis.
    """

    axes: Float[np.ndarray, "15 3 3"]
    spread: Float[np.ndarray, "15"]
    limits: Float[np.ndarray, "15 3 2"]

    def pose(self, angles: Float[np.ndarray, "*B 15 3"]) -> Float[np.ndarray, "*B 15 3"]:
        """Joint angles in radians to axis-angle."""
        signed = angles * np.stack([np.ones(15), self.spread, np.ones(15)], axis=-1)
        steps = [
            Rotation.from_rotvec((signed[..., k, None] * self.axes[:, k]).reshape(-1, 3))
            for k in (FLEXION, ABDUCTION, TWIST)
        ]
        return (steps[0] * steps[1] * steps[2]).as_rotvec().reshape(angles.shape)

    def angles(self, axis_angle: Float[np.ndarray, "*B 15 3"]) -> Float[np.ndarray, "*B 15 3"]:
        """The inverse of `pose`."""
        matrices = Rotation.from_rotvec(axis_angle.reshape(-1, 3)).as_matrix()
        frames = np.tile(self.axes, (len(matrices) // 15, 1, 1))
        local = Rotation.from_matrix(frames @ matrices @ frames.transpose(0, 2, 1))
        angles = local.as_euler("XYZ").reshape(axis_angle.shape)
        angles[..., ABDUCTION] *= self.spread
        return angles

    def clip(self, angles: Float[np.ndarray, "*B 15 3"]) -> Float[np.ndarray, "*B 15 3"]:
        """The nearest angles within the limits."""
        return np.clip(angles, self.limits[..., 0], self.limits[..., 1])


def build_articulation(
    joints: Float[np.ndarray, "16 3"],
    tips: Float[np.ndarray, "5 3"],
    nails: dict[str, Float[np.ndarray, "3"]],
) -> Articulation:
    """Axes from the bones and the nails' normals.

    A finger's dorsal direction lies half-way between the back of the hand and its nail; the thumb
    follows its nail alone, being turned against the palm.
    """
    axes, spread, limits = np.zeros((15, 3, 3)), np.ones(15), np.zeros((15, 3, 2))
    for finger, tip in zip(FINGERS, tips, strict=True):
        chain = list(FINGER_CHAINS[finger])
        bones = unit(np.diff(np.vstack([joints[chain], tip]), axis=0))
        nail = nails[finger]
        dorsal = nail if finger == "thumb" else unit(nail + [0, 1, 0])
        for joint, bone in zip(chain, bones, strict=True):
            up = unit(dorsal - bone * (bone @ dorsal))
            axes[joint - 1] = [np.cross(up, bone), up, bone]
            spread[joint - 1] = SPREAD_SIGN[finger]
            limits[joint - 1] = np.radians(LIMITS[_joint_type(joint)])
    return Articulation(axes, spread, limits)


def nail_normal(
    hand: Anatomy,
    faces: Int[np.ndarray, "F 3"],
    weights: Float[np.ndarray, "V 16"],
    finger: str,
) -> Float[np.ndarray, "3"]:
    """Mean normal of the largest nearly flat patch on the distal phalanx's dorsal side."""
    last = FINGER_CHAINS[finger][-1]
    bone = unit(hand.tips[FINGERS.index(finger)] - hand.joints[last])
    # Without a preferred side the largest flat patch may be a flank of the finger.
    side = np.array([-0.3, 0.45, 0.8]) if finger == "thumb" else np.array([0, 1.0, 0])
    side = unit(side - bone * (side @ bone))
    patch = faces[weights[faces, last].mean(1) > 0.9]
    a, b, c = hand.vertices[patch.T]
    normals = np.cross(b - a, c - a)
    areas = np.linalg.norm(normals, axis=1)
    normals = normals / areas[:, None]
    facing = (normals @ side > 0.55) & (np.abs(normals @ bone) < 0.6)
    normals, areas = normals[facing], areas[facing]
    alike = normals @ normals.T > 0.95
    members = alike[np.argmax(alike @ areas)]
    mean = areas[members] @ normals[members]
    return unit(mean - bone * (mean @ bone))


def expand(compact: Float[np.ndarray, "*B 21"]) -> Float[np.ndarray, "*B 15 3"]:
    """Compact angles in degrees to all 45 in radians.

    Index, middle, ring, little: MCP, PIP, DIP flexion, spread; thumb: CMC flexion, abduction,
    pronation, MCP and IP flexion.
    """
    angles = np.zeros((*compact.shape[:-1], 15, 3))
    for k, finger in enumerate(("index", "middle", "ring", "little")):
        rows = np.array(FINGER_CHAINS[finger]) - 1
        angles[..., rows, FLEXION] = compact[..., 4 * k : 4 * k + 3]
        angles[..., rows[0], ABDUCTION] = compact[..., 4 * k + 3]
    root, middle, last = (joint - 1 for joint in FINGER_CHAINS["thumb"])
    angles[..., root, :] = compact[..., 16:19]
    angles[..., middle, FLEXION] = compact[..., 19]
    angles[..., last, FLEXION] = compact[..., 20]
    return np.radians(angles)


def _joint_type(joint: int) -> str:
    name = MANO_JOINT_NAMES[joint]
    return name if name in LIMITS else name.rpartition("_")[2]
