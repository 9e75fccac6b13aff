"""The pinhole camera: projection, crops and pixel conventions.

OpenCV frame (x right, y down, z forward), metres. Pixel (0, 0) is the CENTRE of the top-left
pixel, so an image of width W spans -0.5 .. W - 0.5.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def project(
    points: Float[Tensor, "*batch N 3"], intrinsics: Float[Tensor, "*batch 3 3"]
) -> Float[Tensor, "*batch N 2"]:
    """Pixels of points in metres; points need z > 0."""
    homogeneous = points @ intrinsics.mT
    return homogeneous[..., :2] / homogeneous[..., 2:]


def unproject(
    pixels: Float[Tensor, "*batch N 2"],
    depth: Float[Tensor, "*batch N"],
    intrinsics: Float[Tensor, "*batch 3 3"],
) -> Float[Tensor, "*batch N 3"]:
    """The points in metres that project to `pixels` and have z = `depth`."""
    ones = torch.ones_like(pixels[..., :1])
    rays = torch.linalg.solve(intrinsics, torch.cat([pixels, ones], -1).mT).mT
    return rays * depth[..., None]


def normalise_pixels(pixels: Float[Tensor, "*batch 2"], size: int) -> Float[Tensor, "*batch 2"]:
    """Pixels of a square image to 0..1 from edge to edge, the papers' joints_img."""
    return (pixels + 0.5) / size


def denormalise_pixels(unit: Float[Tensor, "*batch 2"], size: int) -> Float[Tensor, "*batch 2"]:
    """Inverse of `normalise_pixels`."""
    return unit * size - 0.5


def mask_at(mask: Bool[Tensor, "B H W"], pixels: Float[Tensor, "B N 2"]) -> Bool[Tensor, "B N"]:
    """What the mask says at each pixel, outside the image at the nearest one inside."""
    height, width = mask.shape[1:]
    x, y = pixels.round().long().unbind(-1)
    image = torch.arange(len(mask), device=mask.device)[:, None]
    return mask[image, y.clamp(0, height - 1), x.clamp(0, width - 1)]


def transform_pixels(
    pixels: Float[Tensor, "*batch 2"], affine: Float[Tensor, "3 3"]
) -> Float[Tensor, "*batch 2"]:
    """Apply an affine map of pixels, such as `SquareCrop.affine`."""
    return pixels @ affine[:2, :2].mT + affine[:2, 2]


def square_boxes(
    pixels: Float[Tensor, "*batch N 2"], margin: float = 1.5
) -> Float[Tensor, "*batch 4"]:
    """Square boxes (x1, y1, x2, y2) around points, `margin` times as large as their extent.

    Corners are pixels like the points; a box may reach beyond the image.
    """
    low, high = pixels.amin(-2), pixels.amax(-2)
    centre = (low + high) / 2
    half = margin / 2 * (high - low).amax(-1, keepdim=True)
    return torch.cat([centre - half, centre + half], -1)


@dataclass(frozen=True)
class SquareCrop:
    """A square cut out of an image: centre and side in pixels of that image."""

    x: float
    y: float
    side: float

    @classmethod
    def around(cls, pixels: Float[Tensor, "N 2"], margin: float = 1.5) -> "SquareCrop":
        """The square around a hand's points, `margin` times as large as their longer extent.

        Raises:
            ValueError: the points have no extent.
        """
        low, high = pixels.amin(0), pixels.amax(0)
        extent = float((high - low).max())
        if extent <= 0:
            raise ValueError(
                f"pixels: {len(pixels)} points with no extent around {low.tolist()}; "
                "a crop needs at least two different points"
            )
        x, y = ((low + high) / 2).tolist()
        return cls(x, y, margin * extent)

    def affine(self, size: int) -> Float[Tensor, "3 3"]:
        """Pixels of the image to pixels of the crop resized to `size`.

        Left of `intrinsics` it gives the crop's camera: K' = A K.
        """
        scale = size / self.side
        # Edge to edge, not centre to centre: the crop's left edge, x - side/2, goes to -0.5.
        shift_x = (self.side / 2 - self.x) * scale - 0.5
        shift_y = (self.side / 2 - self.y) * scale - 0.5
        return torch.tensor([[scale, 0, shift_x], [0, scale, shift_y], [0, 0, 1]])
