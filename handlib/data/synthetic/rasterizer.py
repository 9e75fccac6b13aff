"""A z-buffer for triangle meshes in NumPy: which surface each pixel sees.

Back faces are culled, each triangle is filled row by row between its two exact crossings (so no
pixel outside it is ever touched), and attributes are interpolated perspective-correctly for the
winners only. About 1.3 ms for a hand and an object at 128 pixels on one core.

Pixel (0, 0) is the centre of the top-left pixel; camera frame as in `handlib.data.camera`.
Meshes are closed and their triangles counter-clockwise seen from outside.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int

NEAR = 0.02
"""Metres; a triangle with a corner nearer than this is dropped, there is no clipping."""


@dataclass(frozen=True)
class Fragments:
    """The nearest surface of every covered pixel, P of them in image order.

    pixel: row * width + column. face: index of the triangle.
    weights: perspective-correct barycentric weights of its three corners.
    depth: z in metres.
    """

    pixel: Int[np.ndarray, " P"]
    face: Int[np.ndarray, " P"]
    weights: Float32[np.ndarray, "P 3"]
    depth: Float32[np.ndarray, " P"]

    def interpolate(
        self, attribute: Float[np.ndarray, "V C"], faces: Int[np.ndarray, "F 3"]
    ) -> Float32[np.ndarray, "P C"]:
        """A vertex attribute at every covered pixel."""
        per_face = attribute.astype(np.float32, copy=False)[faces].reshape(len(faces), -1)
        width = attribute.shape[1]
        corners = per_face.take(self.face, 0).reshape(len(self.face), 3, width)  # P 3 C
        return np.einsum("pkc,pk->pc", corners, self.weights)

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
    triangles, kept = _front_faces(vertices, faces, intrinsics)
    triangle, row, first, count = _spans(triangles, height, width)
    column = _running_index(first, count)
    pixel = np.repeat(row * width, count) + column
    slope, step, offset = triangles.inverse_depth_plane()
    start = offset[triangle] + step[triangle] * row.astype(np.float32)
    nearness = np.repeat(start, count)
    nearness += np.repeat(slope[triangle], count) * column.astype(np.float32)
    winner = _nearest(pixel, nearness, height * width)
    triangle = np.repeat(triangle, count)[winner]
    pixel, nearness = pixel[winner], nearness[winner]
    weights = triangles.weights(triangle, pixel, width, nearness)
    return Fragments(pixel, kept[triangle], weights, 1 / nearness)


@dataclass(frozen=True)
class _Triangles:
    """T triangles in the image, one row per corner: NumPy is fast along T, not along 3.

    Barycentric weight k of pixel (x, y) is [k = 0] + a[k] (x - x[0]) + b[k] (y - y[0]); relative
    to the first corner, since float32 would lose small differences of large coordinates.
    """

    x: Float32[np.ndarray, "3 T"]
    y: Float32[np.ndarray, "3 T"]
    inverse: Float32[np.ndarray, "3 T"]  # 1/z
    a: Float32[np.ndarray, "3 T"]
    b: Float32[np.ndarray, "3 T"]

    def inverse_depth_plane(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """1/z as slope x + step y + offset, exact in perspective."""
        slope = sum(self.a[k] * self.inverse[k] for k in range(3))
        step = sum(self.b[k] * self.inverse[k] for k in range(3))
        return slope, step, self.inverse[0] - slope * self.x[0] - step * self.y[0]

    def weights(
        self,
        triangle: Int[np.ndarray, " P"],
        pixel: Int[np.ndarray, " P"],
        width: int,
        nearness: Float32[np.ndarray, " P"],
    ) -> Float32[np.ndarray, "P 3"]:
        """Perspective-correct weights of pixels whose 1/z is `nearness`."""
        row, column = np.divmod(pixel, width)
        dx = column.astype(np.float32) - self.x[0][triangle]
        dy = row.astype(np.float32) - self.y[0][triangle]
        weights = np.empty((len(pixel), 3), np.float32)
        for k in (1, 2):
            flat = self.a[k][triangle] * dx + self.b[k][triangle] * dy
            weights[:, k] = np.clip(flat * self.inverse[k][triangle] / nearness, 0, 1)
        weights[:, 0] = np.maximum(1 - weights[:, 1] - weights[:, 2], 0)
        return weights


def _front_faces(
    vertices: Float[np.ndarray, "V 3"],
    faces: Int[np.ndarray, "F 3"],
    intrinsics: Float[np.ndarray, "3 3"],
) -> tuple[_Triangles, Int[np.ndarray, " T"]]:
    """The triangles that face the camera, and their indices."""
    inverse = 1 / np.maximum(vertices[:, 2], NEAR)
    u = intrinsics[0, 0] * vertices[:, 0] * inverse + intrinsics[0, 2]
    v = intrinsics[1, 1] * vertices[:, 1] * inverse + intrinsics[1, 2]
    corners = faces.T
    x, y = u.astype(np.float32)[corners], v.astype(np.float32)[corners]
    area = (x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0])
    before = vertices[:, 2] > NEAR
    # y points down in the image, so counter-clockwise from outside means a negative area.
    front = (area < -1e-6) & before[corners[0]] & before[corners[1]] & before[corners[2]]
    kept = np.flatnonzero(front)
    x, y, scale = x[:, kept], y[:, kept], 1 / area[kept]
    a, b = np.empty_like(x), np.empty_like(x)
    a[1], b[1] = (y[2] - y[0]) * scale, (x[0] - x[2]) * scale
    a[2], b[2] = (y[0] - y[1]) * scale, (x[1] - x[0]) * scale
    a[0], b[0] = -a[1] - a[2], -b[1] - b[2]
    return _Triangles(x, y, inverse.astype(np.float32)[corners[:, kept]], a, b), kept


def _spans(triangles: _Triangles, height: int, width: int) -> tuple[Int[np.ndarray, " S"], ...]:
    """Non-empty runs of covered pixels: triangle, row, first column, number of columns."""
    y = triangles.y
    low, high = np.minimum(y[0], y[1]), np.maximum(y[0], y[1])
    top = np.clip(np.ceil(np.minimum(low, y[2])), 0, height).astype(np.int32)
    bottom = np.clip(np.floor(np.maximum(high, y[2])) + 1, 0, height).astype(np.int32)
    rows = np.maximum(bottom - top, 0)
    triangle = np.repeat(np.arange(len(rows), dtype=np.int32), rows)
    row = _running_index(top, rows)
    left, right = _crossings(triangles, triangle, row)
    first = np.clip(np.ceil(left), 0, width).astype(np.int32)
    count = np.clip(np.floor(right) + 1, 0, width).astype(np.int32) - first
    full = np.flatnonzero(count > 0)
    return triangle[full], row[full], first[full], count[full]


def _crossings(
    triangles: _Triangles, triangle: Int[np.ndarray, " R"], row: Int[np.ndarray, " R"]
) -> tuple[Float32[np.ndarray, " R"], Float32[np.ndarray, " R"]]:
    """Where each row enters and leaves its triangle: each weight is positive on one side."""
    dy = row.astype(np.float32) - triangles.y[0][triangle]
    left = np.full(len(row), -np.inf, np.float32)
    right = np.full(len(row), np.inf, np.float32)
    for k in range(3):
        slope = triangles.a[k]
        # A level edge bounds no column: its rows were cut to the triangle's height already.
        level = np.abs(slope) < 1e-12
        inverse = 1 / np.where(level, np.float32(1), slope)
        at = (-triangles.b[k] * inverse)[triangle] * dy
        if k == 0:
            at -= inverse[triangle]
        rising = np.where(level | (slope < 0), np.float32(-np.inf), np.float32(0))
        falling = np.where(level | (slope > 0), np.float32(np.inf), np.float32(0))
        np.maximum(left, at + rising[triangle], out=left)
        np.minimum(right, at + falling[triangle], out=right)
    origin = triangles.x[0][triangle]
    return left + origin, right + origin


def _running_index(first: Int[np.ndarray, " S"], count: Int[np.ndarray, " S"]) -> np.ndarray:
    """first[0], first[0] + 1, ..., count[0] numbers, then those of first[1], ..."""
    before = np.cumsum(count, dtype=np.int32) - count
    total = int(count.sum())
    return np.arange(total, dtype=np.int32) + np.repeat(first - before, count)


def _nearest(
    pixel: Int[np.ndarray, " N"], nearness: Float32[np.ndarray, " N"], pixels: int
) -> Int[np.ndarray, " P"]:
    """Index of the winning fragment of every covered pixel."""
    buffer = np.zeros(pixels, np.float32)
    np.maximum.at(buffer, pixel, nearness)
    candidates = np.flatnonzero(nearness == buffer[pixel])
    winner = np.full(pixels, -1, np.int32)
    winner[pixel[candidates]] = candidates
    return winner[winner >= 0]
