"""Images as files: always the same bytes for the same pixels."""

from pathlib import Path

import numpy as np
from jaxtyping import UInt8, UInt16
from PIL import Image


def save_image(path: Path, pixels: UInt8[np.ndarray, "H W 3"] | UInt16[np.ndarray, "H W"]) -> None:
    """PNG or JPEG, as the suffix says; JPEG with full-size colour, so that edges stay sharp."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".png":
        Image.fromarray(pixels).save(path, "PNG", compress_level=3)
    else:
        Image.fromarray(pixels).save(path, "JPEG", quality=95, subsampling=0)


def millimetres(depth: np.ndarray) -> UInt16[np.ndarray, "H W"]:
    """Of a depth in metres."""
    return np.rint(1000 * depth).clip(0, 2**16 - 1).astype(np.uint16)
