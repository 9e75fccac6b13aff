"""Measures and small operations on triangle meshes: boundary, edges, normals, quality."""

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float, Int


def boundary_loop(faces: Int[np.ndarray, "F 3"]) -> list[int]:
    """The vertices of the single open boundary, in the order of the faces' half-edges.

    Raises:
        ValueError: the surface has no boundary or more than one.
    """
    half_edges = {(int(a), int(b)) for face in faces for a, b in _sides(face)}
    following = {a: b for a, b in half_edges if (b, a) not in half_edges}
    if not following:
        raise ValueError("the mesh is closed: expected one open boundary")
    loop = [min(following)]
    while (ahead := following[loop[-1]]) != loop[0]:
        loop.append(ahead)
    if len(loop) != len(following):
        raise ValueError(
            f"expected one boundary loop, found more: {len(loop)} of {len(following)}"
        )
    return loop


def unique_edges(faces: Int[np.ndarray, "F 3"]) -> Int[np.ndarray, "E 2"]:
    """Undirected edges, each once."""
    sides = np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1).reshape(-1, 2)
    return np.unique(np.sort(sides, axis=1), axis=0)


def averaging_matrix(faces: Int[np.ndarray, "F 3"], size: int) -> sp.csr_matrix:
    """Rows that average a vertex's neighbours; boundary vertices keep their place."""
    a, b = unique_edges(faces).T
    ones = np.ones(2 * len(a))
    graph = sp.csr_matrix((ones, (np.r_[a, b], np.r_[b, a])), shape=(size, size))
    fixed = np.zeros(size)
    fixed[boundary_loop(faces)] = 1
    rows = sp.diags((1 - fixed) / graph.sum(1).A1) @ graph
    return (rows + sp.diags(fixed)).tocsr()


def face_normals(
    vertices: Float[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"]
) -> Float[np.ndarray, "F 3"]:
    """Normals of length twice the face's area, outward for the hand's winding."""
    a, b, c = vertices[faces.T]
    return np.cross(b - a, c - a)


def vertex_normals(
    vertices: Float[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"]
) -> Float[np.ndarray, "V 3"]:
    """Area-weighted unit normals."""
    per_corner = np.repeat(face_normals(vertices, faces), 3, axis=0)
    corners = faces.ravel()
    normals = np.stack([np.bincount(corners, c, len(vertices)) for c in per_corner.T], axis=1)
    return normals / np.linalg.norm(normals, axis=1, keepdims=True)


def quality(
    vertices: Float[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"]
) -> Float[np.ndarray, "F"]:
    """4 sqrt(3) area / sum of squared edges: 1 for an equilateral triangle, 0 for a needle."""
    corners = vertices[faces]
    squared = ((corners - np.roll(corners, -1, axis=1)) ** 2).sum((1, 2))
    doubled_area = np.linalg.norm(face_normals(vertices, faces), axis=1)
    return 2 * np.sqrt(3) * doubled_area / np.maximum(squared, 1e-30)


def _sides(face: Int[np.ndarray, "3"]) -> list[tuple[int, int]]:
    a, b, c = (int(v) for v in face)
    return [(a, b), (b, c), (c, a)]
