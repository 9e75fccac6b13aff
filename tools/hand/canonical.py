"""Bring a MakeHuman hand into MANO's rest pose: flat, wrist at +x, thumb at +z, palm at -y.

Each finger's first bone is turned into the palm plane with its spread kept, the phalanges are
straightened, the thumb is raised half-way; all by dual-quaternion skinning, at most about 20
degrees a joint.
"""

import numpy as np
from jaxtyping import Float

from .extraction import Anatomy
from .rig import FINGER_CHAINS, FINGERS, TIP_PARENTS
from .skinning import dual_quaternion_blend, joint_transforms, rotation_between, unit

# MakeHuman puts the thumb's root joint about 4 cm from the wrist, inside the thenar muscle.
# Moved, in metres for a 100 mm palm, proximally, palmarly and ulnarly until opposition looked
# right: tuned by eye and by reach, not taken from anatomical data.
THUMB_ROOT_SHIFT = np.array([0.009, -0.006, -0.004])
REFERENCE_PALM = 0.1
THUMB_RAISE = 0.5
THUMB_STRAIGHTEN = 0.6


def to_rest_pose(hand: Anatomy, weights: Float[np.ndarray, "V 16"]) -> Anatomy:
    """The hand in the canonical frame and rest pose, wrist joint at the origin."""
    hand = _in_hand_frame(hand)
    rotations, translations = joint_transforms(_straightening(hand), hand.joints)
    tips = [
        rotations[parent] @ tip + translations[parent]
        for parent, tip in zip(TIP_PARENTS, hand.tips, strict=True)
    ]
    joints = np.einsum("jab,jb->ja", rotations, hand.joints) + translations
    vertices = dual_quaternion_blend(hand.vertices, weights, rotations, translations)
    return Anatomy(vertices, joints, np.stack(tips))


def _in_hand_frame(hand: Anatomy) -> Anatomy:
    """Rotate and shift so that the fingers point to -x and the thumb side is +z."""
    joints = hand.joints
    forward = unit(joints[FINGER_CHAINS["middle"][0]] - joints[0])
    across = joints[FINGER_CHAINS["index"][0]] - joints[FINGER_CHAINS["little"][0]]
    across = unit(across - forward * (across @ forward))
    frame = np.stack([-forward, np.cross(across, -forward), across])

    def place(points: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "N 3"]:
        return (points - joints[0]) @ frame.T

    placed = place(joints)
    palm = np.linalg.norm(placed[FINGER_CHAINS["middle"][0]])
    placed[FINGER_CHAINS["thumb"][0]] += THUMB_ROOT_SHIFT * palm / REFERENCE_PALM
    return Anatomy(place(hand.vertices), placed, place(hand.tips))


def _straightening(hand: Anatomy) -> Float[np.ndarray, "16 3 3"]:
    local = np.tile(np.eye(3), (16, 1, 1))
    for finger, tip in zip(FINGERS, hand.tips, strict=True):
        chain = list(FINGER_CHAINS[finger])
        bones = np.diff(np.concatenate([hand.joints[chain], tip[None]]), axis=0)
        turns = _thumb_turns(bones) if finger == "thumb" else _finger_turns(bones)
        previous = np.eye(3)
        for joint, turn in zip(chain, turns, strict=True):
            local[joint] = previous.T @ turn
            previous = turn
    return local


def _finger_turns(bones: Float[np.ndarray, "3 3"]) -> list[Float[np.ndarray, "3 3"]]:
    """World rotations that lay all three phalanges along the first one's heading in the palm."""
    heading = bones[0] * [1, 0, 1]
    turns: list[Float[np.ndarray, "3 3"]] = []
    turn = np.eye(3)
    for bone in bones:
        turn = rotation_between(turn @ bone, heading) @ turn
        turns.append(turn)
    return turns


def _thumb_turns(bones: Float[np.ndarray, "3 3"]) -> list[Float[np.ndarray, "3 3"]]:
    first = rotation_between(bones[0], bones[0] * [1, 0, 1], THUMB_RAISE)
    second = rotation_between(first @ bones[1], first @ bones[0], THUMB_STRAIGHTEN) @ first
    third = rotation_between(second @ bones[2], second @ bones[1], THUMB_STRAIGHTEN) @ second
    return [first, second, third]
