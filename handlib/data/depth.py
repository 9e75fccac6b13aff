"""Depth images of the recorded data sets, to metres."""

from pathlib import Path

import numpy as np
from jaxtyping import Float32

from handlib.data.files import read_image

HO3D_DEPTH_UNIT = 0.00012498664727900177  # metres, of the released reader


def read_ho3d_depth(path: Path) -> Float32[np.ndarray, "H W"]:
    """HO-3D's depth in metres, 0 where unknown: 16 bits over two channels of a colour image."""
    channels = np.asarray(read_image(path), np.uint16)  # NumPy 2 would not let a uint8 grow
    return (channels[..., 0] + 256 * channels[..., 1]) * np.float32(HO3D_DEPTH_UNIT)


def read_millimetre_depth(path: Path) -> Float32[np.ndarray, "H W"]:
    """Depth in metres of a 16-bit image of millimetres, 0 where unknown: DexYCB and FPHA."""
    image = read_image(path, mode=None)
    if image.mode not in ("I;16", "I;16B", "I"):
        raise ValueError(f"{path}: expected a 16-bit image of millimetres, found {image.mode}")
    return np.asarray(image, np.float32) / 1000
