"""How much of a posed hand is inside itself: winding numbers at its own vertices.

A vertex counts as inside when the closed mesh winds around the point just above it. The number is
counted as signed crossings of one ray with the surface, which for a closed mesh equals the
generalized winding number (Jacobson et al. 2013) at a fraction of its cost.
"""

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial.transform import Rotation

from .mesh import boundary_loop, vertex_normals

# Lifting a vertex off its own skin by 10 micrometres takes its own faces out of the count.
LIFT = 1e-5
# Any direction that lines up with no edge of the mesh; fixed, for reproducibility.
RAY_FRAME = Rotation.from_euler("xyz", (1.234, 0.567, 0.891)).as_matrix()


class SelfIntersection:
    """Counts inside vertices of hands that share one topology, whose wrist it closes once."""

    def __init__(self, faces: Int[np.ndarray, "F 3"], size: int) -> None:
        self.faces = faces
        self.rim = np.array(boundary_loop(faces))
        centre = np.full(len(self.rim), size)
        fan = np.stack([np.roll(self.rim, -1), self.rim, centre], axis=1)
        self.closed = np.vstack([faces, fan])

    def inside(self, vertices: Float[np.ndarray, "V 3"]) -> Bool[np.ndarray, "V"]:
        """Which vertices lie inside the hand's own volume."""
        lifted = vertices + LIFT * vertex_normals(vertices, self.faces)
        watertight = np.vstack([vertices, vertices[self.rim].mean(0)])
        return winding_numbers(lifted, watertight, self.closed) > 0

    def count(self, vertices: Float[np.ndarray, "V 3"]) -> int:
        """Number of inside vertices."""
        return int(self.inside(vertices).sum())


def winding_numbers(
    points: Float[np.ndarray, "P 3"],
    vertices: Float[np.ndarray, "V 3"],
    faces: Int[np.ndarray, "F 3"],
) -> Int[np.ndarray, "P"]:
    """Winding number of a closed, outward-facing mesh around each point."""
    points = points @ RAY_FRAME.T
    corners = (vertices @ RAY_FRAME.T)[faces]  # F 3 3
    low, high = corners.min(1), corners.max(1)
    near = high[:, 2] > points[:, None, 2]
    for axis in (0, 1):
        near &= (low[:, axis] <= points[:, None, axis]) & (high[:, axis] >= points[:, None, axis])
    point, face = np.nonzero(near)
    crossings = _signed_crossings(points[point], corners[face])
    return np.rint(np.bincount(point, crossings, len(points))).astype(int)


def _signed_crossings(
    points: Float[np.ndarray, "K 3"], corners: Float[np.ndarray, "K 3 3"]
) -> Float[np.ndarray, "K"]:
    """+1 where the ray from the point along +z leaves through the triangle, -1 where it enters."""
    a, b, c = corners.transpose(1, 0, 2) - points
    sides = np.stack([_cross_z(b, c), _cross_z(c, a), _cross_z(a, b)])
    facing = np.sign(sides.sum(0))
    hit = (sides > 0).all(0) | (sides < 0).all(0)
    height = (sides * np.stack([a[:, 2], b[:, 2], c[:, 2]])).sum(0) * facing
    return np.where(hit & (height > 0), facing, 0.0)


def _cross_z(a: Float[np.ndarray, "K 3"], b: Float[np.ndarray, "K 3"]) -> Float[np.ndarray, "K"]:
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
