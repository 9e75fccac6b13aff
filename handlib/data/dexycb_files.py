"""Where DexYCB keeps the files of a frame, and how each is read."""

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, UInt8
from scipy.spatial import ConvexHull
from torch import Tensor

from handlib.data.dexycb_index import ADVICE, SERIALS
from handlib.data.files import DataFileError, array_of, existing, read_npz, read_text, read_yaml

HAND = 255  # in `seg`; objects are 1 to 21
SIZE = (640, 480)
"""Width and height of the images and of `seg`."""

YCB = (
    *("002_master_chef_can", "003_cracker_box", "004_sugar_box", "005_tomato_soup_can"),
    *("006_mustard_bottle", "007_tuna_fish_can", "008_pudding_box", "009_gelatin_box"),
    *("010_potted_meat_can", "011_banana", "019_pitcher_base", "021_bleach_cleanser"),
    *("024_bowl", "025_mug", "035_power_drill", "036_wood_block", "037_scissors"),
    *("040_large_marker", "051_large_clamp", "052_extra_large_clamp", "061_foam_brick"),
)
"""Names of the objects 1 to 21."""


class DexYCBFiles(NamedTuple):
    """The files of a data set, there or not, by the frames' names (`DexYCB.name`)."""

    root: Path

    def image(self, name: str) -> Path:
        """The colour image."""
        return self._file(name, "color_", ".jpg")

    def depth(self, name: str) -> Path:
        """The depth image."""
        return self._file(name, "aligned_depth_to_color_", ".png")

    def labels(self, name: str) -> Path:
        """The labels, the segmentation among them."""
        return self._file(name, "labels_", ".npz")

    def _file(self, name: str, prefix: str, suffix: str) -> Path:
        folder, frame = name.rsplit("/", 1)
        return self.root / folder / f"{prefix}{frame}{suffix}"


def read_labels(path: Path, grasped: int) -> dict[str, np.ndarray]:
    """`pose_m` (1, 51), `joint_3d` (1, 21, 3), and `grasped` (3, 4): the object at hand's pose.

    grasped: its place in the sequence's `ycb_ids`.

    Raises:
        FileNotFoundError, DataFileError: no such file, or one that cannot be read.
    """
    arrays = read_npz(path, ["pose_m", "joint_3d", "pose_y"])
    poses = arrays["pose_y"]
    shape = (max(len(poses), grasped + 1) if poses.ndim else grasped + 1, 3, 4)
    return {
        "pose_m": array_of(arrays, "pose_m", (1, 51), path),
        "joint_3d": array_of(arrays, "joint_3d", (1, 21, 3), path),
        "grasped": array_of(arrays, "pose_y", shape, path)[grasped],
    }


def read_segments(path: Path) -> UInt8[np.ndarray, "480 640"]:
    """What each pixel shows: 0 nothing, 1 to 21 an object, `HAND` the hand.

    Raises:
        FileNotFoundError, DataFileError: no such file, or one that cannot be read.
    """
    segments = read_npz(path, ["seg"])["seg"]
    if segments.shape != SIZE[::-1] or segments.dtype != np.uint8:
        raise DataFileError(
            f"{path}: expected 'seg' with shape {SIZE[::-1]} of uint8, found {segments.shape} of "
            f"{segments.dtype}. Unpack the data set's archive again."
        )
    return segments


@lru_cache(maxsize=len(YCB))
def hull(root: Path, ycb: int) -> Float[Tensor, "M 3"]:
    """Corners of the object's convex hull, metres: its box in any image is that of the mesh.

    Raises:
        FileNotFoundError, DataFileError: no mesh, or one that cannot be read.
    """
    path = root / "models" / YCB[ycb - 1] / "textured_simple.obj"
    existing(path, "the object's mesh", f'crop="handoccnet" needs none. {ADVICE}')
    lines = [
        line.split()[1:4] for line in read_text(path, "a mesh").splitlines() if line[:2] == "v "
    ]
    try:
        points = np.array(lines, np.float32).reshape(-1, 3)
        return torch.from_numpy(points[ConvexHull(points).vertices])
    except (ValueError, RuntimeError) as error:  # Qhull's is the latter
        raise DataFileError(f"{path}: expected vertices of a mesh, but {error}") from error


@lru_cache(maxsize=len(SERIALS))
def intrinsics_of(root: Path, serial: str) -> Float[Tensor, "3 3"]:
    """Of a colour camera.

    Raises:
        FileNotFoundError, DataFileError: no calibration, or one that cannot be read.
    """
    path = root / "calibration" / "intrinsics" / f"{serial}_640x480.yml"
    existing(path, "a camera's intrinsics", ADVICE)
    colour = read_yaml(path).get("color")
    colour = colour if isinstance(colour, dict) else {}
    fx, fy, cx, cy = (float(array_of(colour, key, (), path)) for key in ("fx", "fy", "ppx", "ppy"))
    return torch.tensor([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
