"""Carry shapes and weights from the full-resolution hand to the 778-vertex one, and number it.

The 778 vertices are numbered so that the fingertip vertices of every published toolchain lie on
our fingertips; the rest is ordered by body part.
"""

import numpy as np
import scipy.sparse as sp
import trimesh
from jaxtyping import Float, Int
from scipy.spatial import cKDTree

from .mesh import unique_edges

CANDIDATES = 40


def closest_points(
    points: Float[np.ndarray, "P 3"],
    vertices: Float[np.ndarray, "V 3"],
    faces: Int[np.ndarray, "F 3"],
) -> tuple[Float[np.ndarray, "P 3"], Int[np.ndarray, "P"], Float[np.ndarray, "P"]]:
    """Nearest surface points, their faces and distances, among the 40 nearest face centres."""
    triangles = vertices[faces]
    _, near = cKDTree(triangles.mean(1)).query(points, CANDIDATES)
    repeated = np.repeat(points, CANDIDATES, axis=0)
    found = trimesh.triangles.closest_point(triangles[near.ravel()], repeated)
    found = found.reshape(len(points), CANDIDATES, 3)
    distance = np.linalg.norm(found - points[:, None], axis=2)
    best = distance.argmin(1)
    rows = np.arange(len(points))
    return found[rows, best], near[rows, best], distance[rows, best]


def barycentric_matrix(
    points: Float[np.ndarray, "P 3"],
    vertices: Float[np.ndarray, "V 3"],
    faces: Int[np.ndarray, "F 3"],
) -> sp.csr_matrix:
    """Sparse (P,V): each point as a convex combination of the corners of its nearest face."""
    nearest, face, _ = closest_points(points, vertices, faces)
    weights = trimesh.triangles.points_to_barycentric(vertices[faces[face]], nearest)
    weights = np.clip(weights, 0, None)
    weights /= weights.sum(1, keepdims=True)
    rows = np.repeat(np.arange(len(points)), 3)
    entries = (weights.ravel(), (rows, faces[face].ravel()))
    return sp.csr_matrix(entries, shape=(len(points), len(vertices)))


def numbering(
    vertices: Float[np.ndarray, "V 3"],
    faces: Int[np.ndarray, "F 3"],
    weights: Float[np.ndarray, "V 16"],
    reserved: list[tuple[int, list[int]]],
) -> Int[np.ndarray, "V"]:
    """order[new id] = old id.

    `reserved` lists, per finger, the old id of the tip vertex and the new ids wanted there: the
    first goes to the tip itself, the others to its nearest neighbours on the mesh.
    """
    order = np.full(len(vertices), -1)
    for tip, ids in reserved:
        order[ids] = _tip_neighbourhood(vertices, faces, tip, len(ids))
    taken = order[order >= 0]
    rest = np.setdiff1d(np.arange(len(vertices)), taken)
    part = weights[rest].argmax(1)
    order[order < 0] = rest[np.lexsort((vertices[rest, 0], part))]
    return order


def _tip_neighbourhood(
    vertices: Float[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"], tip: int, count: int
) -> Int[np.ndarray, "K"]:
    edges = unique_edges(faces)
    ring = np.unique(edges[(edges == tip).any(1)])
    distance = np.linalg.norm(vertices[ring] - vertices[tip], axis=1)
    return ring[np.argsort(distance, kind="stable")][:count]
