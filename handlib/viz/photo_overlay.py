"""A hand's mesh drawn over a photo, in the photo's own pixels."""

import numpy as np
from jaxtyping import Float, Int
from PIL import Image

from handlib.viz.hand import render_hand

_FINEST = 1024  # pixels along a drawn hand; of larger ones the drawing is enlarged
_RIM = 2


def overlay(
    image: Image.Image,
    vertices: Float[np.ndarray, "V 3"],
    faces: Int[np.ndarray, "F 3"],
    intrinsics: Float[np.ndarray, "3 3"],
    opacity: float = 0.85,
) -> Image.Image:
    """The photo with the hand over it, of the photo's size.

    vertices: metres in the photo's OpenCV camera frame, all before the camera.
    """
    homogeneous = vertices @ intrinsics.T
    pixels = homogeneous[:, :2] / homogeneous[:, 2:]
    last = np.array(image.size) - 1
    low = np.floor(pixels.min(0) - _RIM).clip(0, last).astype(int)
    high = np.ceil(pixels.max(0) + _RIM).clip(0, last).astype(int)
    side = int((high - low).max()) + 1
    size = min(side, _FINEST)
    rgba = render_hand(vertices, faces, _zoomed(intrinsics, low, size / side), size)
    rgba[..., 3] *= opacity
    drawn = Image.fromarray((255 * rgba.clip(0, 1)).round().astype(np.uint8))
    if size < side:
        drawn = drawn.resize((side, side), Image.Resampling.BICUBIC)
    canvas = Image.new("RGBA", image.size)
    canvas.paste(drawn, tuple(low.tolist()))
    return Image.alpha_composite(image.convert("RGBA"), canvas).convert("RGB")


def _zoomed(
    intrinsics: Float[np.ndarray, "3 3"], corner: Int[np.ndarray, "2"], scale: float
) -> Float[np.ndarray, "3 3"]:
    """The camera of a part of the image that begins at pixel `corner`, resized edge to edge."""
    camera = intrinsics.astype(float)
    camera[:2, 2] -= corner - 0.5
    camera[:2] *= scale
    camera[:2, 2] -= 0.5
    return camera
