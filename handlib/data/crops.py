"""The square that a network sees of a recorded image: the two papers' crops, and any size.

Both released codes read the crop as a box, which they clamp to the image (HandOccNet) or clip at
the size of the wrong image (Deformer). Here a crop may reach beyond the image: there it is black.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32
from PIL import Image
from torch import Tensor

from handlib.data.camera import SquareCrop

HAND_MARGIN = 1.5  # of both papers, times the box of the joints


@dataclass(frozen=True)
class CropPreset:
    """How a paper cuts its images.

    resolution: side of the crop in pixels. with_object: whether the crop holds the object, too.
    """

    resolution: int
    with_object: bool


CROPS = {
    "handoccnet": CropPreset(resolution=256, with_object=False),
    "deformer": CropPreset(resolution=512, with_object=True),
}


def crop_preset(name: str | None, resolution: int | None) -> CropPreset | None:
    """The preset with another resolution, if one is given; None for whole images.

    Raises:
        ValueError: an unknown name, or a resolution for whole images.
    """
    if name is None:
        if resolution is not None:
            raise ValueError(
                f"resolution: whole images (crop=None) keep their size, found {resolution}; "
                f"choose a crop: {', '.join(CROPS)}"
            )
        return None
    if name not in CROPS:
        raise ValueError(f"crop: expected {', '.join(CROPS)} or None, found {name!r}")
    if resolution is not None and resolution < 1:
        raise ValueError(f"resolution: expected at least 1 pixel, found {resolution}")
    preset = CROPS[name]
    return CropPreset(resolution or preset.resolution, preset.with_object)


def square_around(
    hand: Float[Tensor, "N 2"],
    thing: Float[Tensor, "M 2"] | None = None,
    thing_margin: float = 1.0,
) -> SquareCrop:
    """The square around 1.5 times the box of the hand's points, as HandOccNet cuts it.

    With the points of a thing, as Deformer: the square around both boxes, each widened on its own.
    """
    if thing is None:
        return SquareCrop.around(hand, HAND_MARGIN)
    boxes = [_widened(hand, HAND_MARGIN), _widened(thing, thing_margin)]
    return SquareCrop.around(torch.cat(boxes), margin=1.0)


def cut_image(image: Image.Image, crop: SquareCrop, resolution: int) -> Float32[Tensor, "3 S S"]:
    """The crop, resized with a filter as wide as a pixel of the coarser image."""
    left, top = crop.x - crop.side / 2, crop.y - crop.side / 2
    # A few more pixels on all sides, for the filter; Pillow fills what is outside with black.
    rim = 2 + math.ceil(crop.side / resolution)
    x, y = math.floor(left) - rim, math.floor(top) - rim
    reach = math.ceil(crop.side) + 2 * rim + 1
    region = image.crop((x, y, x + reach, y + reach))
    # Pillow measures boxes from a pixel's corner, we from the centre of the first pixel.
    box = (left + 0.5 - x, top + 0.5 - y, left + 0.5 - x + crop.side, top + 0.5 - y + crop.side)
    size = (resolution, resolution)
    return to_tensor(region.resize(size, Image.Resampling.BILINEAR, box=box))


def cut_mask(
    mask: Bool[np.ndarray, "h w"],
    width: int,
    affine: Float[np.ndarray, "3 3"],
    rows: int,
    columns: int,
) -> Bool[np.ndarray, "rows columns"]:
    """The mask of an image `width` pixels wide, itself of any size, at the crop's pixel centres.

    affine: pixels of the image to pixels of the crop. What is outside the image is False.
    """
    scale = mask.shape[1] / width
    x = ((np.arange(columns) - affine[0, 2]) / affine[0, 0] + 0.5) * scale - 0.5
    y = ((np.arange(rows) - affine[1, 2]) / affine[1, 1] + 0.5) * scale - 0.5
    column, row = np.rint(x).astype(int), np.rint(y).astype(int)
    inside_x, inside_y = (column >= 0) & (column < mask.shape[1]), (row >= 0) & (row < len(mask))
    picked = mask[row.clip(0, len(mask) - 1)][:, column.clip(0, mask.shape[1] - 1)]
    return picked & inside_y[:, None] & inside_x


def to_tensor(image: Image.Image) -> Float32[Tensor, "3 H W"]:
    """RGB, 0..1."""
    pixels = np.asarray(image).transpose(2, 0, 1)
    return torch.from_numpy(pixels * np.float32(1 / 255))


def _widened(points: Float[Tensor, "N 2"], factor: float) -> Float[Tensor, "2 2"]:
    """The two corners of the points' box, `factor` times as wide and as high."""
    low, high = points.amin(0), points.amax(0)
    centre, half = (low + high) / 2, (high - low) * factor / 2
    return torch.stack([centre - half, centre + half])
