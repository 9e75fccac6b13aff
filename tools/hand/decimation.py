"""Quadric edge-collapse decimation (Garland and Heckbert 1997) of a disc to an exact face count.

Against the paper: boundary edges add planes perpendicular to the surface, collapsing needs the
link condition and well-shaped, unflipped triangles, marked vertices never move, and long edges
cost a little extra so that flat regions stay evenly meshed. An exact count and fixed fingertips
are why no library does this here.
"""

import heapq
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from .mesh import boundary_loop, face_normals


@dataclass(frozen=True)
class DecimationConfig:
    """Weights and limits of the collapse, tuned on the one mesh they serve."""

    length_penalty: float = 3e-3  # times edge length^4: without it flat palms turn into fans
    boundary_stiffness: float = 20.0  # keeps the wrist rim in its plane
    maximum_valence: int = 9
    minimum_cosine: float = 0.3  # between a face's normals before and after
    minimum_shape: float = 0.12  # doubled area over the longest edge squared


class EdgeCollapse:
    """State of one decimation: positions, faces, quadrics and the heap of candidate edges."""

    def __init__(
        self,
        vertices: Float[np.ndarray, "V 3"],
        faces: Int[np.ndarray, "F 3"],
        protected: set[int],
        importance: Float[np.ndarray, "V"],
        config: DecimationConfig | None = None,
    ) -> None:
        self.config = config or DecimationConfig()
        self.positions = vertices.copy()
        self.faces: dict[int, list[int]] = {i: list(map(int, f)) for i, f in enumerate(faces)}
        self.faces_of: list[set[int]] = [set() for _ in vertices]
        for i, face in self.faces.items():
            for vertex in face:
                self.faces_of[vertex].add(i)
        self.boundary = set(boundary_loop(faces))
        self.protected = protected
        self.importance = importance.copy()
        self.quadrics = self._quadrics(faces)
        self.version = [0] * len(vertices)
        self.heap: list[tuple[float, int, int, int, int, tuple[float, ...]]] = []

    def run(self, target: int) -> tuple[Float[np.ndarray, "V 3"], Int[np.ndarray, "F 3"]]:
        """Collapse inner edges, cheapest first, until `target` faces are left."""
        for vertex in range(len(self.positions)):
            self._push_edges(vertex, above=vertex)
        while len(self.faces) > target:
            if not self.heap:
                raise ValueError(f"stuck at {len(self.faces)} faces, {target} wanted")
            _, a, b, version_a, version_b, place = heapq.heappop(self.heap)
            fresh = (self.version[a], self.version[b]) == (version_a, version_b)
            if fresh and self._allowed(a, b, np.array(place)):
                self._collapse(a, b, np.array(place))
        used = sorted({vertex for face in self.faces.values() for vertex in face})
        local = {vertex: i for i, vertex in enumerate(used)}
        faces = [[local[vertex] for vertex in face] for face in self.faces.values()]
        return self.positions[used], np.array(faces)

    def _quadrics(self, faces: Int[np.ndarray, "F 3"]) -> Float[np.ndarray, "V 4 4"]:
        quadrics = np.zeros((len(self.positions), 4, 4))
        for face, normal in zip(faces, face_normals(self.positions, faces), strict=True):
            area = np.linalg.norm(normal)
            quadric = _plane(normal, self.positions[face[0]]) * area
            quadrics[face] += quadric * self.importance[face, None, None]
        loop = boundary_loop(faces)
        for a, b in zip(loop, loop[1:] + loop[:1], strict=True):
            (face,) = self.faces_of[a] & self.faces_of[b]
            x, y, z = self.positions[self.faces[face]]
            side = self.positions[b] - self.positions[a]
            wall = _plane(np.cross(side, np.cross(y - x, z - x)), self.positions[a])
            quadrics[[a, b]] += wall * (side @ side) * self.config.boundary_stiffness
        return quadrics

    def _neighbours(self, vertex: int) -> set[int]:
        ring = {v for face in self.faces_of[vertex] for v in self.faces[face]}
        return ring - {vertex}

    def _push_edges(self, vertex: int, above: int = -1) -> None:
        for other in self._neighbours(vertex):
            if other > above:
                self._push(min(vertex, other), max(vertex, other))

    def _push(self, a: int, b: int) -> None:
        if {a, b} <= self.protected or {a, b} <= self.boundary:
            return
        place = self._best_place(a, b)
        point = np.append(place, 1)
        squared = ((self.positions[a] - self.positions[b]) ** 2).sum()
        weight = (self.importance[a] + self.importance[b]) / 2
        cost = point @ (self.quadrics[a] + self.quadrics[b]) @ point
        cost += self.config.length_penalty * weight * squared**2
        entry = (float(cost), a, b, self.version[a], self.version[b], tuple(place))
        heapq.heappush(self.heap, entry)

    def _best_place(self, a: int, b: int) -> Float[np.ndarray, "3"]:
        """Where the merged vertex goes: a fixed end, or the quadric's minimum near the middle."""
        for end in (a, b):
            if end in self.protected or end in self.boundary:
                return self.positions[end]
        quadric = self.quadrics[a] + self.quadrics[b]
        middle = (self.positions[a] + self.positions[b]) / 2
        pull = 1e-3 * np.trace(quadric[:3, :3]) + 1e-16
        place = np.linalg.solve(quadric[:3, :3] + pull * np.eye(3), pull * middle - quadric[:3, 3])
        length = np.linalg.norm(self.positions[a] - self.positions[b])
        return middle if np.linalg.norm(place - middle) > 2 * length else place

    def _allowed(self, a: int, b: int, place: Float[np.ndarray, "3"]) -> bool:
        shared = self.faces_of[a] & self.faces_of[b]
        ring_a, ring_b = self._neighbours(a), self._neighbours(b)
        if len(shared) != 2 or len(ring_a & ring_b) != 2:
            return False
        if len(ring_a | ring_b) - 2 > self.config.maximum_valence:
            return False
        pairs = [(v, f) for v in (a, b) for f in self.faces_of[v] - shared]
        return all(self._stays_good(face, vertex, place) for vertex, face in pairs)

    def _stays_good(self, face: int, vertex: int, place: Float[np.ndarray, "3"]) -> bool:
        old = self.positions[self.faces[face]]
        new = np.where(np.array(self.faces[face])[:, None] == vertex, place, old)
        old_normal, old_shape = _normal_and_shape(old)
        new_normal, new_shape = _normal_and_shape(new)
        bound = np.clip(0.9 * old_shape, self.config.minimum_shape, 2 * self.config.minimum_shape)
        lengths = np.linalg.norm(old_normal) * np.linalg.norm(new_normal)
        upright = old_normal @ new_normal >= self.config.minimum_cosine * lengths
        return bool(upright and new_shape >= bound)

    def _collapse(self, a: int, b: int, place: Float[np.ndarray, "3"]) -> None:
        """Merge b into a and refresh every edge around."""
        for face in self.faces_of[a] & self.faces_of[b]:
            for vertex in self.faces.pop(face):
                self.faces_of[vertex].discard(face)
        for face in self.faces_of[b]:
            self.faces[face] = [a if v == b else v for v in self.faces[face]]
        self.faces_of[a] |= self.faces_of[b]
        self.faces_of[b] = set()
        self.positions[a] = place
        self.quadrics[a] += self.quadrics[b]
        self.importance[a] = max(self.importance[a], self.importance[b])
        for group in (self.protected, self.boundary):
            if b in group:
                group.remove(b)
                group.add(a)
        self.version[b] = -1
        ring = self._neighbours(a) | {a}
        for vertex in ring:
            self.version[vertex] += 1
        edges = {(min(v, u), max(v, u)) for v in ring for u in self._neighbours(v)}
        for edge in sorted(edges):
            self._push(*edge)


def shorten_boundary(
    vertices: Float[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"], length: int
) -> tuple[Float[np.ndarray, "V 3"], Int[np.ndarray, "F 3"]]:
    """Merge evenly spaced boundary edges to their middles until `length` are left.

    Raises:
        ValueError: more than every second edge would have to go; neighbours cannot both merge.
    """
    vertices, faces = vertices.copy(), faces.copy()
    loop = boundary_loop(faces)
    surplus = len(loop) - length
    if surplus > len(loop) // 2:
        raise ValueError(f"cannot shorten {len(loop)} boundary edges to {length} in one go")
    for k in range(surplus):
        start = k * len(loop) // surplus
        a, b = loop[start], loop[(start + 1) % len(loop)]
        vertices[a] = (vertices[a] + vertices[b]) / 2
        faces[faces == b] = a
    distinct = (faces != np.roll(faces, 1, axis=1)).all(1)
    return vertices, faces[distinct]


def _plane(
    normal: Float[np.ndarray, "3"], point: Float[np.ndarray, "3"]
) -> Float[np.ndarray, "4 4"]:
    normal = normal / max(np.linalg.norm(normal), 1e-30)
    plane = np.append(normal, -normal @ point)
    return np.outer(plane, plane)


def _normal_and_shape(corners: Float[np.ndarray, "3 3"]) -> tuple[Float[np.ndarray, "3"], float]:
    normal = np.cross(corners[1] - corners[0], corners[2] - corners[0])
    longest = ((corners - np.roll(corners, 1, axis=0)) ** 2).sum(1).max()
    return normal, float(np.linalg.norm(normal) / max(longest, 1e-30))
