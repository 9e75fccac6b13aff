"""From the 1649-vertex hand to MANO's topology: 778 vertices, 1538 faces, a rim of 16 edges.

For a disc V = 1 + (F + B) / 2, so 1538 faces and 16 boundary edges force 778 vertices.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float, Int

from .decimation import EdgeCollapse, shorten_boundary
from .extraction import Anatomy
from .mesh import quality
from .remeshing import improve
from .rig import FINGER_CHAINS, FINGERS, tip_vertex_ids
from .skinning import unit
from .transfer import barycentric_matrix, numbering

FACES = 1538
RIM = 16
# How much dearer a collapse is on the fingers, which bend and carry the silhouette.
FINGER_IMPORTANCE = 2.5
# A tip lies far along its bone; off the bone's axis counts against it.
OFF_AXIS_PENALTY = 0.35


@dataclass(frozen=True)
class Topology:
    """The low-resolution mesh and the map onto it from any full-resolution hand."""

    faces: Int[np.ndarray, "1538 3"]
    transfer: sp.csr_matrix  # (778, full-resolution vertices)
    skin_weights: Float[np.ndarray, "778 16"]
    shape_quality: Float[np.ndarray, "1538"]


def reduce(
    hand: Anatomy, faces: Int[np.ndarray, "F 3"], weights: Float[np.ndarray, "V 16"]
) -> Topology:
    """Decimate a hand in rest pose, mend its triangles and number its vertices."""
    tips = [fingertip(hand, weights, finger) for finger in FINGERS]
    importance = 1 + FINGER_IMPORTANCE * np.clip(1 - 1.2 * weights[:, 0], 0, 1)
    vertices, coarse = shorten_boundary(hand.vertices, faces, RIM)
    vertices, coarse = EdgeCollapse(vertices, coarse, set(tips), importance).run(FACES)
    low_tips = [_nearest(vertices, hand.vertices[tip]) for tip in tips]
    vertices, coarse = improve(vertices, coarse, (hand.vertices, faces), low_tips)
    transfer = barycentric_matrix(vertices, hand.vertices, faces)
    low_weights = transfer @ weights
    reserved = list(zip(low_tips, tip_vertex_ids(), strict=True))
    order = numbering(vertices, coarse, low_weights, reserved)
    coarse = np.argsort(order)[coarse]
    transfer = transfer[order]
    shape = quality(transfer @ hand.vertices, coarse)
    return Topology(coarse, transfer, low_weights[order], shape)


def fingertip(hand: Anatomy, weights: Float[np.ndarray, "V 16"], finger: str) -> int:
    """The vertex furthest along the distal phalanx, near its axis."""
    last = FINGER_CHAINS[finger][-1]
    axis = unit(hand.tips[FINGERS.index(finger)] - hand.joints[last])
    phalanx = np.flatnonzero(weights[:, last] > 0.9)
    along, across = along_and_across(hand.vertices[phalanx] - hand.joints[last], axis)
    return int(phalanx[np.argmax(along - OFF_AXIS_PENALTY * across)])


def along_and_across(
    points: Float[np.ndarray, "N 3"], axis: Float[np.ndarray, "3"]
) -> tuple[Float[np.ndarray, "N"], Float[np.ndarray, "N"]]:
    """Height along a unit axis and distance from it."""
    along = points @ axis
    return along, np.linalg.norm(points - along[:, None] * axis, axis=1)


def _nearest(vertices: Float[np.ndarray, "V 3"], point: Float[np.ndarray, "3"]) -> int:
    return int(np.argmin(np.linalg.norm(vertices - point, axis=1)))
