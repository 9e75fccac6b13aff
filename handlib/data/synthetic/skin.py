"""The hand and the forearm as surfaces to draw: closed wrist, part labels, skin colours.

The hand's mesh ends in an open loop of 16 edges at the wrist; sixteen triangles close it. The
forearm is drawn but is no part of any hand mask, as in HO-3D's and DexYCB's annotations.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Float32, Int, Int32, UInt8

from handlib.data.synthetic.materials import smooth_noise
from handlib.data.synthetic.solids import Mesh, cross
from handlib.hands.hand_model import HandModel
from handlib.hands.pose_prior import MOTIONS, joint_axes

_DORSAL = MOTIONS.index("abduction")  # this axis leaves the back of every finger


@dataclass(frozen=True, eq=False)  # hashed by identity, for caches
class HandSurface:
    """What does not change with the pose.

    faces: the model's and then the cap's; the cap's middle is an extra vertex, the last one.
    wrist: the loop of boundary vertices in order.
    face_part: 1 + the MANO joint that moves the triangle. joint: likewise, without the 1, of
    the vertices.
    dorsal: per vertex -1 (palm) .. 1 (back of the hand).
    """

    faces: Int32[np.ndarray, "F 3"]
    wrist: Int[np.ndarray, " W"]
    face_part: UInt8[np.ndarray, " F"]
    dorsal: Float32[np.ndarray, " V"]
    joint: Int[np.ndarray, " V"]

    def close(self, vertices: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "V 3"]:
        """The model's vertices and the middle of the wrist."""
        return np.concatenate([vertices, vertices[self.wrist].mean(0, keepdims=True)])

    def normals(self, vertices: Float[np.ndarray, "V 3"]) -> Float32[np.ndarray, "V 3"]:
        """Of the skin alone: the cap would bend them at the wrist, where the forearm goes on."""
        return vertex_normals(vertices, self.faces[: -len(self.wrist)])


@lru_cache(maxsize=4)
def hand_surface(hand: HandModel) -> HandSurface:
    """Close the wrist of `hand` and label its triangles."""
    faces = hand.faces.numpy()
    loop = _boundary(faces)
    middle = len(hand.template)
    cap = np.stack([np.roll(loop, -1), loop, np.full(len(loop), middle)], 1)
    joint = np.append(hand.skinning_weights.argmax(1).numpy(), 0)
    closed = np.concatenate([faces, cap]).astype(np.int32)
    # A triangle across two parts goes to the part that two of its corners have.
    part = np.median(joint[closed], axis=1).astype(np.uint8) + 1
    back = np.concatenate([[[0.0, 1, 0]], joint_axes()[:, _DORSAL].numpy()])
    back[:, :] *= np.sign(back[:, 1:2])  # on the little and ring fingers the axis points down
    template = np.concatenate([hand.template.numpy(), np.zeros((1, 3), np.float32)])
    template[middle] = template[loop].mean(0)
    dorsal = (vertex_normals(template, faces) * back[joint]).sum(1)
    return HandSurface(closed, loop, part, dorsal.astype(np.float32), joint)


def _boundary(faces: Int[np.ndarray, "F 3"]) -> Int[np.ndarray, " W"]:
    """The open edge's vertices, following its triangles' direction."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    inner = {(int(b), int(a)) for a, b in edges}
    following = {int(a): int(b) for a, b in edges if (int(a), int(b)) not in inner}
    loop = [min(following)]
    while following[loop[-1]] != loop[0]:
        loop.append(following[loop[-1]])
    return np.array(loop)


def vertex_normals(
    vertices: Float[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"]
) -> Float32[np.ndarray, "V 3"]:
    """Unit normals, the mean of the neighbouring triangles' weighted by area."""
    corners = faces.T.astype(np.intp)
    a, b, c = vertices.T.take(corners, 1).swapaxes(0, 1)  # each xyz F
    face_normals = cross(b - a, c - a)
    normals = np.empty(vertices.shape, np.float32)
    for axis in range(3):
        weights = np.tile(face_normals[axis], 3)
        normals[:, axis] = np.bincount(corners.ravel(), weights, len(vertices))
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return normals / np.maximum(length, np.float32(1e-12))


def paint(
    rng: np.random.Generator,
    surface: HandSurface,
    back: Float[np.ndarray, "3"],
    palm: Float[np.ndarray, "3"],
) -> Float32[np.ndarray, "V 3"]:
    """Skin colour of every vertex: palm and back, redder finger ends, paler nails, mottling."""
    t, warm, nail = _skin_zones(surface)
    colour = back + (palm - back) * t * t * (3 - 2 * t)
    colour = colour * (1 + warm * rng.uniform(0.3, 1) * np.array([0.05, -0.10, -0.09]))
    colour[nail] = 0.6 * colour[nail] + 0.4 * palm * [1.05, 0.95, 0.95]
    mottle = smooth_noise(rng, len(colour), 1, 60)
    return (colour * (1 + 0.035 * mottle)).astype(np.float32)


@lru_cache(maxsize=4)
def _skin_zones(surface: HandSurface) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each vertex: from back 0 to palm 1, from pale 0 to red 1, and whether it is a nail."""
    palm = np.clip(0.5 - 0.9 * surface.dorsal, 0, 1)[:, None]
    last = (surface.joint > 0) & (surface.joint % 3 == 0)
    warm = np.where(last, 1.0, np.where(surface.joint > 0, 0.35, 0.0))[:, None]
    return palm, warm, last & (surface.dorsal > 0.75)


@dataclass(frozen=True)
class Forearm:
    """A forearm from the wrist on, and the colour of each of its vertices."""

    mesh: Mesh
    colour: Float32[np.ndarray, "V 3"]


@dataclass(frozen=True)
class ArmStyle:
    """How a forearm leaves its hand.

    bend: turns it away from the hand's own direction (camera frame, as a share of its length).
    cuff: metres from the wrist to the sleeve, inf without one. sleeve: its colour.
    """

    bend: Float[np.ndarray, "3"]
    cuff: float
    sleeve: Float[np.ndarray, "3"]


def draw_arm(rng: np.random.Generator, sleeve: Float[np.ndarray, "3"]) -> ArmStyle:
    """A slight bend; half of all arms are bare."""
    bend = rng.normal(0, 0.15, 3)
    return ArmStyle(bend, rng.uniform(0.01, 0.06) if rng.random() < 0.5 else np.inf, sleeve)


def arm_direction(
    vertices: Float[np.ndarray, "*T V 3"], surface: HandSurface
) -> Float[np.ndarray, "*T 3"]:
    """From the palm through the wrist, a unit vector."""
    ring = vertices[..., surface.wrist, :]
    start = ring.mean(-2) - vertices[..., surface.joint == 0, :].mean(-2)
    return start / np.linalg.norm(start, axis=-1, keepdims=True)


ARM_STEPS = (0.0, 0.015, 0.03, 0.05, 0.08, 0.12, 0.17, 0.23, 0.30)
"""Metres from the wrist to the rings of the forearm."""


def forearm(
    vertices: Float[np.ndarray, "V 3"],
    normals: Float32[np.ndarray, "V 3"],
    surface: HandSurface,
    skin: Float32[np.ndarray, "V 3"],
    style: ArmStyle,
    steps: tuple[float, ...] = ARM_STEPS,
) -> Forearm:
    """A tube from the wrist's loop along the arm, bare or in a sleeve from some point on."""
    ring = vertices[surface.wrist]
    centre = ring.mean(0)
    start = arm_direction(vertices, surface)
    offset, centres, widths = ring - centre, [centre], [1.0]
    for last, step in pairwise(steps):
        along = start + style.bend * min(step / 0.08, 1)
        along /= np.linalg.norm(along)
        centre = centre + along * (step - last)
        centres.append(centre)
        widths.append((1 + 1.1 * step) * (1.14 if step > style.cuff else 1.0))
    rings = np.array(centres)[:, None] + np.array(widths)[:, None, None] * offset
    rings[0] = ring
    covered = np.array(steps) > style.cuff
    colours = np.where(covered[:, None, None], style.sleeve, skin[surface.wrist])
    arm = _loft(rings, colours)
    arm.mesh.normals[: len(ring)] = normals[surface.wrist]  # no seam
    return arm


def _loft(rings: Float[np.ndarray, "K W 3"], colours: Float[np.ndarray, "K W 3"]) -> Forearm:
    faces = _tube(*rings.shape[:2])
    vertices = rings.reshape(-1, 3).astype(np.float32)
    normals = vertex_normals(vertices, faces)
    uv = np.zeros((len(vertices), 2), np.float32)
    return Forearm(Mesh(vertices, normals, uv, faces), colours.reshape(-1, 3).astype(np.float32))


@lru_cache(maxsize=4)
def _tube(levels: int, around: int) -> Int32[np.ndarray, "F 3"]:
    """Triangles between rings of `around` vertices each."""
    a = np.arange((levels - 1) * around)
    b = a - a % around + (a + 1) % around
    return np.concatenate(
        [np.stack([a, a + around, b], 1), np.stack([b, a + around, b + around], 1)]
    ).astype(np.int32)
