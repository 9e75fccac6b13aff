"""Hands that hold things: the object is pushed against the palm, then every finger closes on it.

Fingers close one by one along a path of poses until their skin touches the object's signed
distance field, first at the knuckles, then at the middle and last joints, so the flexion fits
the object's size as in a real wrap grasp. No contact forces, no finger against finger.

Hand frame of MANO's right hand at rest: fingers along -x, palm facing -y, thumb on the +z side.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from handlib.data.synthetic.objects import EverydayObject
from handlib.data.synthetic.solids import cross
from handlib.hands.hand_model import HandModel
from handlib.hands.pose_prior import load_named_poses, pose_from_motions

LEVELS = 8
"""Poses along a closing path; contact is interpolated between two of them, to about 1 mm."""

_PALM_OUT = np.array([0.0, -1.0, 0.0])
_THUMB = 4  # in MANO's order of fingers
_FLEXION, _ABDUCTION = 0, 1


@dataclass(frozen=True)
class Grasp:
    """Finger angles, and where the object is in the hand's rest frame (metres)."""

    fingers: Float[np.ndarray, "15 3"]
    rotation: Float[np.ndarray, "3 3"]
    position: Float[np.ndarray, "3"]


def grasp(
    rng: np.random.Generator, hand: HandModel, betas: Float[Tensor, "10"], thing: EverydayObject
) -> Grasp:
    """Put `thing` into the hand of this shape and close the fingers on it."""
    if thing.kind == "pen" and rng.random() < 0.7:
        return _pinch(rng, hand, betas, thing)
    return _wrap(rng, hand, betas, thing)


def _wrap(
    rng: np.random.Generator, hand: HandModel, betas: Float[Tensor, "10"], thing: EverydayObject
) -> Grasp:
    knuckles, rest = _closing_motions(rng)
    path = pose_from_motions(torch.from_numpy(knuckles)).numpy()
    vertices = _skin(hand, betas, path)
    rotation = _wrap_rotation(rng, thing)
    position = _push(rng, vertices[0, ::2], rotation, thing)
    finger, phalanx = _finger_of_vertex(hand)

    def reach(skin: np.ndarray, used: np.ndarray) -> np.ndarray:
        local = (skin[:, used] - position) @ rotation
        return thing.distance(local.reshape(-1, 3)).reshape(len(skin), -1)

    touching = (finger >= 0) & (np.arange(len(finger)) % 2 == 0)  # every other vertex will do
    first = _contact(reach(vertices, touching), finger[touching], 0.0)
    bent = _along(knuckles, first)
    ends = bent + (rest - bent) * np.linspace(0, 1, LEVELS)[:, None, None]
    ends[:, ::3] = bent[::3]
    path = pose_from_motions(torch.from_numpy(ends.astype(np.float32))).numpy()
    touching &= phalanx > 0
    gap = reach(_skin(hand, betas, path), touching)
    second = _contact(gap, finger[touching], -0.001)
    fingers = _along(path, second)
    return Grasp(fingers.astype(np.float32), rotation, position)


def _closing_motions(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Joint motions while the knuckles close, and the limits of the joints after them."""
    opened, closed, rest = np.zeros((3, 15, 3), np.float32)
    opened[0::3, _FLEXION], closed[0::3, _FLEXION] = 0.05, rng.uniform(1.15, 1.4, 5)
    opened[1::3, _FLEXION], closed[1::3, _FLEXION] = 0.12, rng.uniform(0.45, 0.75)
    opened[2::3, _FLEXION], closed[2::3, _FLEXION] = 0.08, rng.uniform(0.2, 0.35)
    spread = rng.uniform(-0.02, 0.12)
    opened[[0, 6, 9], _ABDUCTION] = closed[[0, 6, 9], _ABDUCTION] = spread
    thumb = slice(3 * _THUMB, 3 * _THUMB + 3)
    opened[thumb] = [[-0.20, 0.95, 0.10], [0.0, 0, 0], [0.1, 0, 0]]
    abduction = float(rng.uniform(0.25, 0.45))
    closed[thumb] = np.array([[0.45, abduction, 0.20], [0.6, 0, 0], [0.6, 0, 0]])
    rest[1::3, _FLEXION], rest[2::3, _FLEXION] = 1.70, rng.uniform(0.8, 1.1)
    rest[thumb, _FLEXION] = 0, 0.9, 1.1
    t = np.linspace(0, 1, LEVELS, dtype=np.float32)[:, None, None]
    return opened + (closed - opened) * t, rest


def _wrap_rotation(rng: np.random.Generator, thing: EverydayObject) -> np.ndarray:
    """The object's axes in the hand frame."""
    if thing.grip == "cup":
        tilt = np.append(rng.normal(0, 0.12, 2), 1)
        axis = np.array([tilt[0], -tilt[2], tilt[1]])
        reference = np.array([1.0, 0, 0])
    else:
        slant = rng.uniform(-0.1, 0.5)  # a bar lies obliquely, further out at the index finger
        axis = np.array([-np.sin(slant), rng.normal(0, 0.08), np.cos(slant)])
        axis *= rng.choice([-1.0, 1.0])
        reference = _PALM_OUT
    axis /= np.linalg.norm(axis)
    across = cross(reference, axis)
    across /= np.linalg.norm(across)
    out = cross(axis, across)
    turn = _turn(rng, thing.kind)
    x = np.cos(turn) * across + np.sin(turn) * out
    return np.stack([x, cross(axis, x), axis], 1)


def _turn(rng: np.random.Generator, kind: str) -> float:
    """The object's turn about its long axis; at 90 degrees its x points out of the palm."""
    if kind == "mug":
        return np.pi / 2 + rng.uniform(-0.9, 0.9)  # the handle away from the palm
    if kind == "phone":
        return np.pi + rng.normal(0, 0.1)  # the screen out of the palm
    if kind == "box":
        return rng.integers(2) * np.pi + rng.normal(0, 0.1)  # the thin way between the fingers
    return rng.uniform(0, 2 * np.pi)


def _push(
    rng: np.random.Generator, skin: np.ndarray, rotation: np.ndarray, thing: EverydayObject
) -> np.ndarray:
    """Move the object along the palm's normal until it touches the open hand."""
    width = np.ptp(thing.mesh.vertices[:, 0]) / 2 if thing.kind == "phone" else thing.girth
    # Thin bars lie at the roots of the fingers, thick things nearer to the middle of the palm.
    x = -0.006 + 0.5 * min(width, 0.045) + rng.uniform(-0.006, 0.006)
    position = np.array([x, 0, rng.uniform(-0.020, 0.005)])
    position += rotation[:, 2] * rng.uniform(-0.15, 0.15) * min(thing.radius, 0.08)
    position += _PALM_OUT * (thing.radius + 0.10)
    for _ in range(24):  # sphere tracing: the gap is a safe step
        gap = thing.distance((skin - position) @ rotation).min()
        if gap < 0.0006:
            break
        position = position - _PALM_OUT * gap
    return position


def _pinch(
    rng: np.random.Generator, hand: HandModel, betas: Float[Tensor, "10"], thing: EverydayObject
) -> Grasp:
    """Thumb and index finger close on a thin bar that rests on the web between them."""
    pinch = load_named_poses()["pinch"][1:].numpy()
    pinch = pinch * (1 + rng.normal(0, 0.08, (15, 1)))
    share = np.ones((LEVELS, 15, 1))
    moving = [0, 1, 2, *range(3 * _THUMB, 3 * _THUMB + 3)]
    share[:, moving] = np.linspace(0.55, 1.05, LEVELS)[:, None, None]
    path = (pinch * share).astype(np.float32)
    output = hand(_full_pose(path), betas.expand(LEVELS, 10))
    joints = output.joints[-1].numpy()
    thumb_tip, knuckle, index_tip = joints[4], joints[5], joints[8]
    hold = (thumb_tip + index_tip) / 2 + 0.25 * (joints[7] - index_tip)
    web = knuckle + np.array([0.012, 0.004, 0.014])
    axis = (web - hold) / np.linalg.norm(web - hold)
    across = cross(axis, _PALM_OUT)
    across /= np.linalg.norm(across)
    rotation = np.stack([across, cross(axis, across), axis], 1)
    position = hold + axis * rng.uniform(0.03, 0.045)
    finger, _ = _finger_of_vertex(hand)
    used = np.isin(finger, (0, _THUMB))
    local = (output.vertices.numpy()[:, used] - position) @ rotation
    gap = thing.distance(local.reshape(-1, 3)).reshape(LEVELS, -1)
    level = _contact(gap, finger[used], -0.0005)
    return Grasp(_along(path, level).astype(np.float32), rotation, position)


def _full_pose(fingers: Float[np.ndarray, "K 15 3"]) -> Float[Tensor, "K 16 3"]:
    return torch.nn.functional.pad(torch.from_numpy(fingers), (0, 0, 1, 0))


def _skin(
    hand: HandModel, betas: Float[Tensor, "10"], fingers: Float[np.ndarray, "K 15 3"]
) -> Float[np.ndarray, "K V 3"]:
    return hand(_full_pose(fingers), betas.expand(len(fingers), 10)).vertices.numpy()


@lru_cache(maxsize=4)
def _finger_of_vertex(hand: HandModel) -> tuple[np.ndarray, np.ndarray]:
    """Finger in MANO's order (-1: palm) and phalanx from the base (0..2) of every vertex."""
    joint = hand.skinning_weights.argmax(1).numpy()
    return (joint - 1) // 3, (joint - 1) % 3


def _contact(
    gap: Float[np.ndarray, "K N"], finger: np.ndarray, margin: float
) -> Float[np.ndarray, "5"]:
    """The level 0..K-1, a fraction, at which each finger's nearest skin reaches `margin`."""
    levels = np.full(5, len(gap) - 1.0)
    for k in np.unique(finger):
        nearest = gap[:, finger == k].min(1)
        hits = np.flatnonzero(nearest < margin)
        if len(hits) and hits[0] == 0:
            levels[k] = 0
        elif len(hits):
            before, after = nearest[hits[0] - 1], nearest[hits[0]]
            levels[k] = hits[0] - 1 + (before - margin) / (before - after)
    return levels


def _along(path: Float[np.ndarray, "K 15 3"], level: Float[np.ndarray, "5"]) -> np.ndarray:
    """Every finger at its own level of the path."""
    level = np.repeat(level, 3)
    low = np.minimum(level.astype(int), len(path) - 2)
    t = (level - low)[:, None]
    joint = np.arange(15)
    return ((1 - t) * path[low, joint] + t * path[low + 1, joint]).astype(np.float32)
