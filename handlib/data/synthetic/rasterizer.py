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
        corners = faces[self.face]
        attribute = attribute.astype(np.float32, copy=False)
        value = attribute[corners[:, 0]] * self.weights[:, :1]
        value += attribute[corners[:, 1]] * self.weights[:, 1:2]
        value += attribute[corners[:, 2]] * self.weights[:, 2:]
        return value

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
    corners, kept = _project_front_faces(vertices, faces, intrinsics)
    edges, inverse_depth = _edge_functions(corners)
    triangle, row, first, count = _spans(corners, edges, height, width)
    column = _running_index(first, count)
    pixel = np.repeat(row * width, count) + column
    slope, step, offset = inverse_depth.T
    start = (offset[triangle] + step[triangle] * row).astype(np.float32)
    nearness = np.repeat(start, count) + np.repeat(slope[triangle], count) * column
    winner = _nearest(pixel, nearness.astype(np.float32, copy=False), height * width)
    triangle = np.repeat(triangle, count)[winner]
    pixel, nearness = pixel[winner], nearness[winner]
    weights = _weights(edges[triangle], corners[triangle], pixel, width, nearness)
    return Fragments(pixel, kept[triangle], weights, 1 / nearness)


def _project_front_faces(
    vertices: Float[np.ndarray, "V 3"],
    faces: Int[np.ndarray, "F 3"],
    intrinsics: Float[np.ndarray, "3 3"],
) -> tuple[Float32[np.ndarray, "T 3 3"], Int[np.ndarray, " T"]]:
    """Corners (x, y in pixels, 1/z) of the triangles that face the camera, and their indices."""
    inverse = 1 / np.maximum(vertices[:, 2], NEAR)
    points = np.empty((len(vertices), 3), np.float32)
    points[:, 0] = intrinsics[0, 0] * vertices[:, 0] * inverse + intrinsics[0, 2]
    points[:, 1] = intrinsics[1, 1] * vertices[:, 1] * inverse + intrinsics[1, 2]
    points[:, 2] = inverse
    x, y = points[:, 0][faces], points[:, 1][faces]
    area = (x[:, 1] - x[:, 0]) * (y[:, 2] - y[:, 0])
    area -= (x[:, 2] - x[:, 0]) * (y[:, 1] - y[:, 0])
    # y points down in the image, so counter-clockwise from outside means a negative area.
    front = (area < -1e-6) & (vertices[:, 2] > NEAR)[faces].all(1)
    kept = np.flatnonzero(front)
    return points[faces[kept]], kept


def _edge_functions(
    corners: Float32[np.ndarray, "T 3 3"],
) -> tuple[Float32[np.ndarray, "T 3 3"], Float32[np.ndarray, "T 3"]]:
    """Per triangle the three barycentric weights and 1/z as functions a x + b y + c of the pixel.

    Weights are relative to the first corner, c would lose the small differences in float32.
    """
    x, y, inverse = corners[..., 0], corners[..., 1], corners[..., 2]
    dx, dy = x[:, 1:] - x[:, :1], y[:, 1:] - y[:, :1]
    scale = 1 / (dx[:, 0] * dy[:, 1] - dx[:, 1] * dy[:, 0])
    edges = np.zeros((len(corners), 3, 3), np.float32)
    edges[:, 1, 0], edges[:, 1, 1] = dy[:, 1] * scale, -dx[:, 1] * scale
    edges[:, 2, 0], edges[:, 2, 1] = -dy[:, 0] * scale, dx[:, 0] * scale
    edges[:, 0] = -edges[:, 1] - edges[:, 2]
    edges[:, 0, 2] = 1
    plane = (edges * inverse[:, :, None]).sum(1)  # T 3
    plane[:, 2] -= plane[:, 0] * x[:, 0] + plane[:, 1] * y[:, 0]
    return edges, plane


def _spans(
    corners: Float32[np.ndarray, "T 3 3"],
    edges: Float32[np.ndarray, "T 3 3"],
    height: int,
    width: int,
) -> tuple[Int[np.ndarray, " S"], ...]:
    """Non-empty runs of covered pixels: triangle, row, first column, number of columns."""
    y = corners[..., 1]
    top = np.clip(np.ceil(y.min(1)), 0, height).astype(np.int32)
    bottom = np.clip(np.floor(y.max(1)) + 1, 0, height).astype(np.int32)
    rows = np.maximum(bottom - top, 0)
    triangle = np.repeat(np.arange(len(rows), dtype=np.int32), rows)
    row = _running_index(top, rows)
    left, right = _crossings(corners, edges, triangle, row)
    first = np.clip(np.ceil(left), 0, width).astype(np.int32)
    count = np.clip(np.floor(right) + 1, 0, width).astype(np.int32) - first
    full = np.flatnonzero(count > 0)
    return triangle[full], row[full], first[full], count[full]


def _crossings(
    corners: Float32[np.ndarray, "T 3 3"],
    edges: Float32[np.ndarray, "T 3 3"],
    triangle: Int[np.ndarray, " R"],
    row: Int[np.ndarray, " R"],
) -> tuple[Float32[np.ndarray, " R"], Float32[np.ndarray, " R"]]:
    """Where each row enters and leaves its triangle."""
    dy = row - corners[:, 0, 1][triangle]
    left = np.full(len(row), -np.inf, np.float32)
    right = np.full(len(row), np.inf, np.float32)
    for k in range(3):
        slope = edges[:, k, 0]
        level = np.abs(slope) < 1e-12
        safe = np.where(level, np.float32(1), slope)
        at = -((edges[:, k, 1] / safe)[triangle] * dy + (edges[:, k, 2] / safe)[triangle])
        # A level edge bounds no column: its rows were cut to the triangle's height already.
        rising, falling = (slope > 0) & ~level, (slope < 0) & ~level
        np.maximum(left, np.where(rising[triangle], at, -np.inf), out=left)
        np.minimum(right, np.where(falling[triangle], at, np.inf), out=right)
    origin = corners[:, 0, 0][triangle]
    return left + origin, right + origin


def _running_index(first: Int[np.ndarray, " S"], count: Int[np.ndarray, " S"]) -> np.ndarray:
    """first[0], first[0] + 1, ..., count[0] numbers, then those of first[1], ..."""
    total = int(count.sum())
    before = np.cumsum(count) - count
    return np.arange(total, dtype=np.int32) + np.repeat((first - before).astype(np.int32), count)


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


def _weights(
    edges: Float32[np.ndarray, "P 3 3"],
    corners: Float32[np.ndarray, "P 3 3"],
    pixel: Int[np.ndarray, " P"],
    width: int,
    nearness: Float32[np.ndarray, " P"],
) -> Float32[np.ndarray, "P 3"]:
    y, x = np.divmod(pixel, width)
    dx = (x - corners[:, 0, 0]).astype(np.float32)
    dy = (y - corners[:, 0, 1]).astype(np.float32)
    weights = edges[:, :, 0] * dx[:, None] + edges[:, :, 1] * dy[:, None] + edges[:, :, 2]
    weights *= corners[:, :, 2] / nearness[:, None]
    np.clip(weights, 0, 1, out=weights)
    return weights / weights.sum(1, keepdims=True)
