"""A z-buffer for triangle meshes in NumPy: which surface each pixel sees.

Back faces are culled, each triangle is filled row by row between its two exact crossings (so no
pixel outside it is ever touched), and attributes are interpolated perspective-correctly for the
winners only. About 0.8 ms for a hand and an object at 128 pixels on one core.

Pixel (0, 0) is the centre of the top-left pixel; camera frame as in `handlib.data.camera`.
Meshes are closed and their triangles counter-clockwise seen from outside.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

NEAR = 0.02
"""Metres; a triangle with a corner nearer than this is dropped, there is no clipping."""


@dataclass(frozen=True)
class Fragments:
    """The nearest surface of every covered pixel, P of them in image order.

    pixel: row * width + column. nearness: 1/z. triangle: number among `triangles`.
    """

    pixel: Int[np.ndarray, " P"]
    nearness: Float32[np.ndarray, " P"]
    triangle: Int[np.ndarray, " P"]
    triangles: "_Triangles"
    width: int

    @property
    def depth(self) -> Float32[np.ndarray, " P"]:
        """z in metres."""
        return 1 / self.nearness

    @property
    def face(self) -> Int[np.ndarray, " P"]:
        """Index of the triangle in the mesh."""
        return self.triangles.face.take(self.triangle)

    @property
    def weights(self) -> Float32[np.ndarray, "3 P"]:
        """Perspective-correct barycentric weights of the triangle's three corners."""
        row = self.pixel // self.width
        column = self.pixel - row * self.width
        return self.triangles.weights(self.triangle, row, column, self.nearness)

    def where(self, used: Bool[np.ndarray, " P"]) -> "Fragments":
        """Only those marked `used`."""
        pixel, nearness, triangle = self.pixel[used], self.nearness[used], self.triangle[used]
        return Fragments(pixel, nearness, triangle, self.triangles, self.width)

    def interpolate(
        self, attribute: Float[np.ndarray, "V C"], faces: Int[np.ndarray, "F 3"]
    ) -> Float32[np.ndarray, "P C"]:
        """A vertex attribute at every covered pixel."""
        # In planes: NumPy is fast along P, not along 3 or C.
        corners = attribute.astype(np.float32, copy=False).T.take(faces.T, 1)  # C 3 F
        return np.einsum("ckp,kp->cp", corners.take(self.face, 2), self.weights).T

    def depth_map(self, height: int, width: int) -> Float32[np.ndarray, "H W"]:
        """Depth as an image, infinite where nothing is seen."""
        image = np.full(height * width, np.inf, np.float32)
        image[self.pixel] = self.depth
        return image.reshape(height, width)


def rasterize(
    vertices: Float[np.ndarray, "V 3"],
    faces: Int[np.ndarray, "F 3"],
    intrinsics: Float[np.ndarray, "3 3"],
    height: int,
    width: int,
) -> Fragments:
    """See `vertices` (metres, camera frame) through a pinhole camera without skew."""
    triangles = _front_faces(vertices, faces, intrinsics)
    spans, pixel, nearness = _fill(triangles, height, width)
    buffer = _z_buffer(pixel, nearness, height * width)
    winners = np.flatnonzero(nearness == buffer.take(pixel))
    winner = np.empty(height * width, np.intp)
    winner[pixel.take(winners)] = winners
    covered = np.flatnonzero(buffer > 0)
    triangle = spans.triangle.repeat(spans.length).take(winner.take(covered))
    return Fragments(covered, buffer.take(covered), triangle, triangles, width)


def depth_map(
    vertices: Float[np.ndarray, "V 3"],
    faces: Int[np.ndarray, "F 3"],
    intrinsics: Float[np.ndarray, "3 3"],
    size: int,
) -> Float32[np.ndarray, "S S"]:
    """The depth map of `rasterize` on a square image, at a lower price: nothing else is kept."""
    triangles = _front_faces(vertices, faces, intrinsics)
    _, pixel, nearness = _fill(triangles, size, size)
    buffer = _z_buffer(pixel, nearness, size * size)
    depth = np.full(size * size, np.inf, np.float32)
    np.divide(1, buffer, out=depth, where=buffer > 0)
    return depth.reshape(size, size)


@dataclass(frozen=True)
class _Triangles:
    """T triangles in the image, one row per corner: NumPy is fast along T, not along 3.

    Barycentric weight k of pixel (x, y) is [k = 0] + a[k] (x - x[0]) + b[k] (y - y[0]); relative
    to the first corner, since float32 would lose small differences of large coordinates.
    """

    face: Int[np.ndarray, " T"]
    x: Float32[np.ndarray, "3 T"]
    y: Float32[np.ndarray, "3 T"]
    inverse: Float32[np.ndarray, "3 T"]  # 1/z
    a: Float32[np.ndarray, "3 T"]
    b: Float32[np.ndarray, "3 T"]

    def inverse_depth_plane(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """1/z as slope x + step y + offset, exact in perspective."""
        slope = (self.a * self.inverse).sum(0)
        step = (self.b * self.inverse).sum(0)
        return slope, step, self.inverse[0] - slope * self.x[0] - step * self.y[0]

    def weights(
        self,
        triangle: Int[np.ndarray, " P"],
        row: Int[np.ndarray, " P"],
        column: Int[np.ndarray, " P"],
        nearness: Float32[np.ndarray, " P"],
    ) -> Float32[np.ndarray, "3 P"]:
        """Perspective-correct weights of pixels whose 1/z is `nearness`."""
        dx = column.astype(np.float32) - self.x[0].take(triangle)
        dy = row.astype(np.float32) - self.y[0].take(triangle)
        weights = np.empty((3, len(triangle)), np.float32)
        for k in (1, 2):
            flat = self.a[k].take(triangle) * dx + self.b[k].take(triangle) * dy
            np.clip(flat * self.inverse[k].take(triangle) / nearness, 0, 1, out=weights[k])
        weights[0] = np.maximum(1 - weights[1] - weights[2], 0)
        return weights


def _front_faces(
    vertices: Float[np.ndarray, "V 3"],
    faces: Int[np.ndarray, "F 3"],
    intrinsics: Float[np.ndarray, "3 3"],
) -> _Triangles:
    """The triangles that face the camera."""
    inverse = 1 / np.maximum(vertices[:, 2], NEAR)
    u = intrinsics[0, 0] * vertices[:, 0] * inverse + intrinsics[0, 2]
    v = intrinsics[1, 1] * vertices[:, 1] * inverse + intrinsics[1, 2]
    u[vertices[:, 2] <= NEAR] = np.nan  # so is the area then, and no comparison with it is true
    corners = faces.T.astype(np.intp)
    x, y = u.astype(np.float32).take(corners), v.astype(np.float32).take(corners)
    area = (x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0])
    # y points down in the image, so counter-clockwise from outside means a negative area.
    front = np.flatnonzero(area < -1e-6)
    x, y, scale = x.take(front, 1), y.take(front, 1), 1 / area.take(front)
    a, b = np.empty_like(x), np.empty_like(x)
    a[1], b[1] = (y[2] - y[0]) * scale, (x[0] - x[2]) * scale
    a[2], b[2] = (y[0] - y[1]) * scale, (x[1] - x[0]) * scale
    a[0], b[0] = -a[1] - a[2], -b[1] - b[2]
    inverse = inverse.astype(np.float32).take(corners.take(front, 1))
    return _Triangles(front, x, y, inverse, a, b)


class _Spans(NamedTuple):
    """Runs of covered pixels: triangle, row, first column, number of columns."""

    triangle: Int[np.ndarray, " S"]
    row: Int[np.ndarray, " S"]
    first: Int[np.ndarray, " S"]
    length: Int[np.ndarray, " S"]


def _fill(
    triangles: _Triangles, height: int, width: int
) -> tuple[_Spans, Int[np.ndarray, " N"], Float32[np.ndarray, " N"]]:
    """The spans, and pixel and 1/z of all that they cover, hidden or not."""
    spans = _spans(triangles, height, width)
    triangle, row, first, count = spans
    column = _running_index(first, count)
    pixel = (row * width).repeat(count) + column
    slope, step, offset = triangles.inverse_depth_plane()
    start = offset.take(triangle) + step.take(triangle) * row.astype(np.float32)
    nearness = start.repeat(count)
    nearness += slope.take(triangle).repeat(count) * column.astype(np.float32)
    return spans, pixel, nearness


def _spans(triangles: _Triangles, height: int, width: int) -> _Spans:
    top = np.ceil(triangles.y.min(0)).clip(0, height).astype(np.intp)
    bottom = (np.floor(triangles.y.max(0)) + 1).clip(0, height).astype(np.intp)
    rows = np.maximum(bottom - top, 0)
    row = _running_index(top, rows)
    left, right = _crossings(triangles, rows, row)
    first = np.ceil(left).clip(0, width).astype(np.intp)
    count = (np.floor(right) + 1).clip(0, width).astype(np.intp) - first
    triangle = np.arange(len(rows)).repeat(rows)
    full = np.flatnonzero(count > 0)
    return _Spans(triangle.take(full), row.take(full), first.take(full), count.take(full))


def _crossings(
    triangles: _Triangles, rows: Int[np.ndarray, " T"], row: Int[np.ndarray, " R"]
) -> tuple[Float32[np.ndarray, " R"], Float32[np.ndarray, " R"]]:
    """Where each row enters and leaves its triangle: each weight is positive on one side.

    rows: number of rows of each triangle. row: all of them.
    """
    # A level edge bounds no column: its rows were cut to the triangle's height already.
    rising, falling = triangles.a >= 1e-12, triangles.a <= -1e-12
    inverse = 1 / np.where(rising | falling, triangles.a, np.float32(1))
    from_left = np.where(rising, np.float32(0), np.float32(-np.inf))
    from_right = np.where(falling, np.float32(0), np.float32(np.inf))
    from_left[0] -= inverse[0]
    from_right[0] -= inverse[0]
    dy = row.astype(np.float32) - triangles.y[0].repeat(rows)
    at = (-triangles.b * inverse).repeat(rows, 1) * dy
    origin = triangles.x[0].repeat(rows)
    left = (at + from_left.repeat(rows, 1)).max(0) + origin
    right = (at + from_right.repeat(rows, 1)).min(0) + origin
    return left, right


def _running_index(first: Int[np.ndarray, " S"], count: Int[np.ndarray, " S"]) -> np.ndarray:
    """first[0], first[0] + 1, ..., count[0] numbers, then those of first[1], ..."""
    end = np.cumsum(count)
    total = int(end[-1]) if len(end) else 0
    return np.arange(total) + (first - (end - count)).repeat(count)


def _z_buffer(
    pixel: Int[np.ndarray, " N"], nearness: Float32[np.ndarray, " N"], pixels: int
) -> Float32[np.ndarray, " pixels"]:
    """The largest 1/z at every pixel, 0 where there is none."""
    buffer = np.zeros(pixels, np.float32)
    np.maximum.at(buffer, pixel, nearness)
    return buffer
