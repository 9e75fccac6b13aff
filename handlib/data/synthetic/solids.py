"""The solids that objects are built from: each has a mesh to draw and a distance to grasp by.

Object frame: metres, the long axis is z. Distances are signed (negative inside) and those of the
filled outer hull, so a hand never closes through the thin wall of a cup.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Float32, Int32


@dataclass(frozen=True)
class Mesh:
    """Closed triangles, counter-clockwise from outside, with normals and texture coordinates."""

    vertices: Float32[np.ndarray, "V 3"]
    normals: Float32[np.ndarray, "V 3"]
    uv: Float32[np.ndarray, "V 2"]
    faces: Int32[np.ndarray, "F 3"]

    def moved(
        self, rotation: Float[np.ndarray, "3 3"], translation: Float[np.ndarray, "3"]
    ) -> "Mesh":
        """The mesh rotated about its origin, then shifted."""
        vertices = self.vertices @ rotation.T + translation
        return replace(
            self,
            vertices=vertices.astype(np.float32),
            normals=(self.normals @ rotation.T).astype(np.float32),
        )


def join(meshes: Sequence[Mesh]) -> Mesh:
    """Several meshes as one."""
    offsets = np.cumsum([0] + [len(mesh.vertices) for mesh in meshes[:-1]])
    faces = [mesh.faces + offset for mesh, offset in zip(meshes, offsets, strict=True)]
    return Mesh(
        np.concatenate([mesh.vertices for mesh in meshes]),
        np.concatenate([mesh.normals for mesh in meshes]),
        np.concatenate([mesh.uv for mesh in meshes]),
        np.concatenate(faces).astype(np.int32),
    )


def cross(a: Float[np.ndarray, "3 *n"], b: Float[np.ndarray, "3 *n"]) -> np.ndarray:
    """As np.cross along the first axis; for a few vectors that takes several times as long."""
    return a[[1, 2, 0]] * b[[2, 0, 1]] - a[[2, 0, 1]] * b[[1, 2, 0]]


@dataclass(frozen=True)
class Revolved:
    """A profile (radius, z), listed from the bottom of the axis to its top, turned about z.

    A profile that goes up outside and down inside again makes a vessel. Corners sharper than
    about 35 degrees stay sharp.
    """

    profile: Float[np.ndarray, "N 2"]
    sections: int = 24

    def mesh(self) -> Mesh:
        """u runs round the axis, v along z from the lowest point to the highest."""
        profile = np.asarray(self.profile, float)
        tangent = np.diff(profile, axis=0)
        normal = np.stack([tangent[:, 1], -tangent[:, 0]], 1)
        normal /= np.linalg.norm(normal, axis=1, keepdims=True)
        points = np.repeat(profile, 2, axis=0)[1:-1]  # both ends of every segment
        normals = np.repeat(normal, 2, axis=0)
        smooth = np.flatnonzero((normal[1:] * normal[:-1]).sum(1) > 0.82)
        mean = normal[smooth] + normal[smooth + 1]
        mean /= np.linalg.norm(mean, axis=1, keepdims=True)
        normals[2 * smooth + 1] = normals[2 * smooth + 2] = mean
        turn = np.linspace(0, 2 * np.pi, self.sections + 1)
        circle = np.stack([np.cos(turn), np.sin(turn)], 1)
        vertices, mesh_normals = (_revolve(rows, circle) for rows in (points, normals))
        low, high = profile[:, 1].min(), profile[:, 1].max()
        v = np.repeat((points[:, 1] - low) / (high - low), len(turn))
        uv = np.stack([np.tile(turn / (2 * np.pi), len(points)), v], 1)
        faces = _strips(np.arange(0, len(points), 2), len(turn))
        return _mesh(vertices, mesh_normals, uv, faces)

    def distance(self, points: Float[np.ndarray, "P 3"]) -> Float[np.ndarray, " P"]:
        """To the filled hull of the profile, which has to be star-shaped along z."""
        outer = self.profile[: int(np.argmax(self.profile[:, 1])) + 1]
        radius = np.hypot(points[:, 0], points[:, 1])
        rim = np.array([[0, outer[0, 1]], *outer, [0, outer[-1, 1]]])
        gap = _polyline_distance([radius, points[:, 2]], rim)
        wall = np.interp(points[:, 2], outer[:, 1], outer[:, 0])
        inside = (radius < wall) & (points[:, 2] > outer[0, 1]) & (points[:, 2] < outer[-1, 1])
        return np.where(inside, -gap, gap)


@dataclass(frozen=True)
class RoundedBox:
    """A box with rounded edges; `half` are its half extents with the rounding."""

    half: Float[np.ndarray, "3"]
    radius: float

    def mesh(self) -> Mesh:
        """Texture coordinates: six faces in a 3 x 2 atlas, faces +-x, +-y, +-z."""
        core = self.half - self.radius
        lattice = [
            _box_side(core, self.radius, axis, sign) for axis in range(3) for sign in (1, -1)
        ]
        offset = len(lattice[0][0])
        normals = np.concatenate([side[1] for side in lattice])
        vertices = np.concatenate([side[0] for side in lattice]) + self.radius * normals
        uv = np.concatenate(
            [(side[2] + [k // 2, k % 2]) / [3, 2] for k, side in enumerate(lattice)]
        )
        faces = np.concatenate([side[3] + k * offset for k, side in enumerate(lattice)])
        return _mesh(vertices, normals, uv, faces)

    def distance(self, points: Float[np.ndarray, "P 3"]) -> Float[np.ndarray, " P"]:
        """Exact."""
        q = np.abs(points) - (self.half - self.radius)
        outside = np.linalg.norm(np.maximum(q, 0), axis=1)
        return outside + np.minimum(q.max(1), 0) - self.radius


@dataclass(frozen=True)
class Tube:
    """A bent rod with round ends: points of its middle line and the radius at each."""

    line: Float[np.ndarray, "N 3"]
    radii: Float[np.ndarray, " N"]
    sections: int = 14
    flattening: float = 0.0
    """Share by which five faint edges are pressed in (a banana)."""

    def mesh(self) -> Mesh:
        """u runs round the rod, v along it."""
        line, radii, lean = _rounded_ends(self.line, self.radii)
        side, up, tangent = _frames(line)
        turn = np.linspace(0, 2 * np.pi, self.sections + 1)
        ripple = 1 - self.flattening * (0.5 - 0.5 * np.cos(5 * turn))
        around = np.cos(turn)[:, None] * side[:, None] + np.sin(turn)[:, None] * up[:, None]
        vertices = line[:, None] + (radii[:, None] * ripple)[..., None] * around
        normals = np.cos(lean)[:, None, None] * around
        normals = normals + (np.sin(lean)[:, None] * tangent)[:, None]
        v = np.repeat(np.linspace(0, 1, len(line)), len(turn))
        uv = np.stack([np.tile(turn / (2 * np.pi), len(line)), v], 1)
        faces = _strips(np.arange(len(line) - 1), len(turn))
        return _mesh(vertices.reshape(-1, 3), normals.reshape(-1, 3), uv, faces)

    def distance(self, points: Float[np.ndarray, "P 3"]) -> Float[np.ndarray, " P"]:
        """To round cones along the line, taken as spheres swept with the local radius."""
        used = np.flatnonzero(np.ptp(self.line, axis=0) > 0)  # a flat bend needs two axes only
        around = np.delete(np.arange(3), used)
        across = np.square(points[:, around] - self.line[0, around]).sum(1)
        flat = [points[:, axis] for axis in used]
        return _polyline_distance(flat, self.line[:, used], across, self.radii)


def _mesh(vertices: np.ndarray, normals: np.ndarray, uv: np.ndarray, faces: np.ndarray) -> Mesh:
    return Mesh(
        vertices.astype(np.float32),
        normals.astype(np.float32),
        uv.astype(np.float32),
        faces.astype(np.int32),
    )


def _revolve(rows: Float[np.ndarray, "N 2"], circle: Float[np.ndarray, "C 2"]) -> np.ndarray:
    planar = rows[:, None, :1] * circle
    height = np.broadcast_to(rows[:, None, 1:], (*planar.shape[:2], 1))
    return np.concatenate([planar, height], 2).reshape(-1, 3)


def _strips(rows: np.ndarray, columns: int) -> np.ndarray:
    """Triangles between each of `rows` and the next row of a lattice with `columns` columns."""
    a = (rows[:, None] * columns + np.arange(columns - 1)).ravel()
    b, c, d = a + 1, a + columns, a + columns + 1
    return np.concatenate([np.stack([a, b, d], 1), np.stack([a, d, c], 1)])


def _polyline_distance(
    points: Sequence[np.ndarray],
    line: Float[np.ndarray, "N D"],
    across: np.ndarray | float = 0.0,
    radii: np.ndarray | None = None,
) -> Float[np.ndarray, " P"]:
    """Distance of points, given by axis, to a line of the local radius (default 0).

    `across` is their squared distance from the line's plane.
    """
    step = np.diff(line, axis=0)
    square_length = np.array([s @ s for s in step])
    used = square_length > 0
    start, step = line[:-1][used].T[..., None], step[used].T[..., None]  # D K 1
    offset = [axis - s for axis, s in zip(points, start, strict=True)]  # each K P
    slope = step / square_length[used, None]
    along = sum(d * s for d, s in zip(offset, slope, strict=True)).clip(0, 1)
    square = sum((d - along * s) ** 2 for d, s in zip(offset, step, strict=True)) + across
    if radii is None:
        return np.sqrt(square.min(0)).astype(np.float32)
    radius = radii[:-1][used, None] + along * np.diff(radii)[used, None]
    return (np.sqrt(square) - radius).min(0).astype(np.float32)


def _box_side(
    core: Float[np.ndarray, "3"], radius: float, axis: int, sign: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """One face of a rounded box: points of the inner core, normals, texture 0..1, triangles."""
    second, third = ((axis + 1) % 3, (axis + 2) % 3)[::sign]
    angle = np.tan(np.linspace(-np.pi / 4, np.pi / 4, 5))
    bend = np.concatenate([angle[:3], angle[2:]])  # the flat middle between two rounded edges
    edge = np.repeat([-1.0, 1.0], 3)
    p, q = np.meshgrid(np.arange(6), np.arange(6))
    inner, normal = np.zeros((36, 3)), np.zeros((36, 3))
    inner[:, axis], normal[:, axis] = sign * core[axis], sign
    uv = np.empty((36, 2))
    for column, (along, lattice) in enumerate(((second, p.ravel()), (third, q.ravel()))):
        inner[:, along] = edge[lattice] * core[along]
        normal[:, along] = bend[lattice]
        uv[:, column] = (inner[:, along] + radius * bend[lattice]) / (core[along] + radius)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    return inner, normal, 0.5 + 0.49 * uv, _strips(np.arange(5), 6)


def _rounded_ends(
    line: Float[np.ndarray, "N 3"], radii: Float[np.ndarray, " N"]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The middle line with half spheres at both ends, radii and lean of the normals along it."""
    dome = np.radians([90, 60, 30])
    first, last = line[0] - line[1], line[-1] - line[-2]
    first, last = first / np.linalg.norm(first), last / np.linalg.norm(last)
    low = line[0] + radii[0] * np.sin(dome)[:, None] * first
    high = line[-1] + radii[-1] * np.sin(dome[::-1])[:, None] * last
    round_radii = [radii[0] * np.cos(dome), radii, radii[-1] * np.cos(dome[::-1])]
    length = np.append(0, np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1)))
    lean = -np.arctan(np.gradient(np.asarray(radii, float), length))
    return (
        np.concatenate([low, line, high]),
        np.concatenate(round_radii),
        np.concatenate([-dome, lean, dome[::-1]]),
    )


def _frames(line: Float[np.ndarray, "N 3"]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two directions across a line in one plane or nearly so, and its tangents."""
    tangent = np.gradient(line, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    across = np.eye(3)[np.argmin(np.abs(tangent).max(0))]  # the axis the line never runs along
    side = np.cross(across, tangent)
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    return side, np.cross(tangent, side), tangent
