"""Mend badly shaped triangles after decimation: edge flips and tangential relaxation in turn."""

import numpy as np
from jaxtyping import Float, Int

from .mesh import averaging_matrix, boundary_loop, quality
from .transfer import closest_points

MAXIMUM_FOLD = np.radians(25)  # flip only where both triangle pairs are this flat
ROUNDS = 8
STEP = 0.5


def improve(
    vertices: Float[np.ndarray, "V 3"],
    faces: Int[np.ndarray, "F 3"],
    surface: tuple[Float[np.ndarray, "U 3"], Int[np.ndarray, "G 3"]],
    fixed: list[int],
) -> tuple[Float[np.ndarray, "V 3"], Int[np.ndarray, "F 3"]]:
    """Raise the worst qualities; vertices slide on `surface`, `fixed` and the boundary stay."""
    held = np.zeros(len(vertices), bool)
    held[fixed] = True
    held[boundary_loop(faces)] = True
    for _ in range(ROUNDS):
        faces = flip_edges(vertices, faces)
        vertices = _relax(vertices, faces, surface, held)
    return vertices, flip_edges(vertices, faces)


def flip_edges(
    vertices: Float[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"]
) -> Int[np.ndarray, "F 3"]:
    """Flip edges of nearly flat pairs while the worse triangle of a pair gets better."""
    faces = faces.copy()
    for _ in range(10):
        if not _flip_once(vertices, faces):
            break
    return faces


def _flip_once(vertices: Float[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"]) -> bool:
    owner = {
        (int(face[k]), int(face[(k + 1) % 3])): i for i, face in enumerate(faces) for k in range(3)
    }
    touched: set[int] = set()
    for (a, b), i in list(owner.items()):
        j = owner.get((b, a))
        if j is None or a > b or {i, j} & touched:
            continue
        x, y = _opposite(faces[i], a, b), _opposite(faces[j], a, b)
        if (x, y) in owner or (y, x) in owner:
            continue
        old, new = np.array([[a, b, x], [b, a, y]]), np.array([[a, y, x], [y, b, x]])
        if _better(vertices, old, new):
            faces[[i, j]] = new
            owner[(x, y)] = i
            touched |= {i, j}
    return bool(touched)


def _opposite(face: Int[np.ndarray, "3"], a: int, b: int) -> int:
    return next(int(vertex) for vertex in face if vertex not in (a, b))


def _better(
    vertices: Float[np.ndarray, "V 3"], old: Int[np.ndarray, "2 3"], new: Int[np.ndarray, "2 3"]
) -> bool:
    before, after = quality(vertices, old).min(), quality(vertices, new).min()
    if after <= before * 1.02:
        return False
    corners = vertices[np.concatenate([old, new])]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-30)
    cosines = normals[2:] @ normals.T
    return bool(cosines[0, 3] > np.cos(MAXIMUM_FOLD) and cosines[:, :2].min() > 0.7)


def _relax(
    vertices: Float[np.ndarray, "V 3"],
    faces: Int[np.ndarray, "F 3"],
    surface: tuple[Float[np.ndarray, "U 3"], Int[np.ndarray, "G 3"]],
    held: np.ndarray,
) -> Float[np.ndarray, "V 3"]:
    """Slide vertices towards their neighbours' mean where that improves their worst triangle."""
    towards = averaging_matrix(faces, len(vertices)) @ vertices
    wanted, _, _ = closest_points(vertices + STEP * (towards - vertices), *surface)
    vertices = vertices.copy()
    for vertex in np.flatnonzero(~held):
        around = faces[(faces == vertex).any(1)]
        before = quality(vertices, around).min()
        if before > 0.5:
            continue
        old = vertices[vertex].copy()
        vertices[vertex] = wanted[vertex]
        if quality(vertices, around).min() <= before:
            vertices[vertex] = old
    return vertices
