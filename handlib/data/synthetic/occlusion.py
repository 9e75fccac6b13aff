"""Occlusion that is aimed at: put a thing in front of the hand so that it hides a given share.

All on a small raster: the thing's silhouette is drawn once, and a bisection slides it over the
hand until the hidden share is right.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from handlib.data.synthetic.objects import EverydayObject
from handlib.data.synthetic.rasterizer import depth_map

_NEAREST = 0.07
"""Metres between the camera and the nearest point of anything."""


@dataclass(frozen=True)
class SmallView:
    """A hand on a small raster: the whole of it, and what can be seen of it so far."""

    intrinsics: Float[np.ndarray, "3 3"]
    amodal: Bool[np.ndarray, "S S"]
    visible: Bool[np.ndarray, "S S"]

    @property
    def hidden(self) -> float:
        """Share of the hand that is hidden."""
        return 1 - float(self.visible.sum()) / max(int(self.amodal.sum()), 1)


def shrink(
    intrinsics: Float[np.ndarray, "3 3"], size: int, small: int
) -> Float[np.ndarray, "3 3"]:
    """The camera of the same image at another resolution."""
    scale = small / size
    result = intrinsics * scale
    result[:2, 2] += 0.5 * scale - 0.5
    result[2, 2] = 1
    return result


def cover(
    rng: np.random.Generator,
    thing: EverydayObject,
    rotation: Float[np.ndarray, "3 3"],
    view: SmallView,
    depth: float,
    target: float,
) -> Float[np.ndarray, "3"]:
    """Where the turned thing has to be, before the hand, to bring the hidden share to `target`.

    `depth` is its farthest distance in metres. A thing that is too small to hide enough comes
    nearer to the camera, as near as it can be.
    """
    centre = np.array(np.nonzero(view.amodal)).mean(1)[::-1]  # column and row
    seen = np.array(np.nonzero(view.visible))[::-1]
    total = int(view.amodal.sum())
    wanted = int(view.visible.sum()) - (1 - target) * total
    silhouette, hides = _silhouette(thing, rotation, view, depth, centre), 0
    for _ in range(6):
        hides = _hidden(silhouette, seen, np.zeros(2))
        nearer = max(0.8 * depth, _NEAREST + thing.radius)
        if hides >= wanted or nearer >= depth:
            break
        depth = nearer
        silhouette = _silhouette(thing, rotation, view, depth, centre)
    turn = rng.uniform(0, 2 * np.pi)
    direction = np.array([np.cos(turn), np.sin(turn)])
    near, far = 0.0, 1.5 * len(view.amodal)
    for _ in range(9):
        middle = (near + far) / 2
        enough = _hidden(silhouette, seen, middle * direction) >= wanted
        near, far = (middle, far) if enough else (near, middle)
    pixel = np.append(centre + near * direction, 1)
    return np.linalg.solve(view.intrinsics, pixel) * depth


def _silhouette(
    thing: EverydayObject,
    rotation: Float[np.ndarray, "3 3"],
    view: SmallView,
    depth: float,
    centre: Float[np.ndarray, "2"],
) -> Bool[np.ndarray, "T T"]:
    """The thing's outline on a raster three times as wide, itself in line with `centre`."""
    small = len(view.amodal)
    wide = view.intrinsics.copy()
    wide[:2, 2] += small
    ray = np.linalg.solve(view.intrinsics, np.append(centre, 1))
    vertices = thing.mesh.vertices @ rotation.T + ray * depth
    return np.isfinite(depth_map(vertices, thing.mesh.faces, wide, 3 * small))


def _hidden(
    silhouette: Bool[np.ndarray, "T T"],
    seen: Int[np.ndarray, "2 N"],
    shift: Float[np.ndarray, "2"],
) -> int:
    """Visible hand pixels under the silhouette moved by `shift` pixels."""
    size = len(silhouette)
    at = np.rint(seen - shift[:, None]).astype(int) + size // 3
    column, row = at[:, ((at >= 0) & (at < size)).all(0)]
    return int(np.count_nonzero(silhouette[row, column]))
