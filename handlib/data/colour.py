"""Brightness, saturation, hue, contrast and blur of a batch of images, each with its own amount.

The words mean what they mean in Pillow: brightness, saturation and contrast mix a picture with
black, with its own grey and with its mean grey (factor 1 keeps it, 0 leaves the other one alone),
and whatever leaves 0..1 is cut.
"""

import math
from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

_LUMA = (0.299, 0.587, 0.114)  # of R, G, B in grey: ITU-R BT.601
_SMALLEST_SIGMA = 1e-3  # pixels: below, a Gaussian is one pixel wide and would divide by zero


@dataclass(frozen=True)
class ColourChanges:
    """The amounts for each of B images.

    brightness, saturation, contrast: factors. hue: turns of the colour circle. blur: standard
    deviation in pixels.
    """

    brightness: Float[Tensor, " B"]
    saturation: Float[Tensor, " B"]
    hue: Float[Tensor, " B"]
    contrast: Float[Tensor, " B"]
    blur: Float[Tensor, " B"]

    def repeat(self, times: int) -> "ColourChanges":
        """Every amount `times` times in a row."""
        amounts = (getattr(self, field.name) for field in fields(self))
        return ColourChanges(*(amount.repeat_interleave(times, 0) for amount in amounts))


def recolour(image: Float[Tensor, "B 3 H W"], changes: ColourChanges) -> Float[Tensor, "B 3 H W"]:
    """Brightness, saturation, hue, contrast, then blur, on RGB in 0..1."""
    image = brighten(image, changes.brightness)
    image = saturate(image, changes.saturation)
    image = turn_hue(image, changes.hue)
    image = change_contrast(image, changes.contrast)
    return gaussian_blur(image, changes.blur)


def brighten(
    image: Float[Tensor, "B 3 H W"], factor: Float[Tensor, " B"]
) -> Float[Tensor, "B 3 H W"]:
    """Every channel times the factor."""
    return _mix(torch.zeros_like(image), image, factor)


def saturate(
    image: Float[Tensor, "B 3 H W"], factor: Float[Tensor, " B"]
) -> Float[Tensor, "B 3 H W"]:
    """Away from each pixel's own grey."""
    return _mix(_grey(image), image, factor)


def change_contrast(
    image: Float[Tensor, "B 3 H W"], factor: Float[Tensor, " B"]
) -> Float[Tensor, "B 3 H W"]:
    """Away from the image's mean grey."""
    return _mix(_grey(image).mean((-2, -1), keepdim=True), image, factor)


def turn_hue(
    image: Float[Tensor, "B 3 H W"], turns: Float[Tensor, " B"]
) -> Float[Tensor, "B 3 H W"]:
    """Along the colour circle of HSV, 1 once around; greys stay."""
    value, chroma = image.amax(1), image.amax(1) - image.amin(1)  # B H W
    hue = _hue(image, value, chroma) + 6 * _each(turns, image)[:, 0]
    offsets = torch.tensor([5.0, 3.0, 1.0]).to(image)  # of R, G and B, in sixths
    sixths = (hue[:, None] + offsets[:, None, None]) % 6
    distance = torch.minimum(sixths, 4 - sixths).clamp(0, 1)
    return value[:, None] - chroma[:, None] * distance


def gaussian_blur(
    image: Float[Tensor, "B 3 H W"], sigma: Float[Tensor, " B"]
) -> Float[Tensor, "B 3 H W"]:
    """Standard deviation in pixels, cut at four of the largest; the edge goes on outside."""
    radius = max(1, math.ceil(4 * sigma.max().item()))
    offset = torch.arange(-radius, radius + 1).to(image)
    spread = sigma.to(image).clamp_min(_SMALLEST_SIGMA)[:, None]
    kernel = (-0.5 * (offset / spread).square()).softmax(-1)  # B K
    kernel = kernel.repeat_interleave(3, 0)[:, None, None]  # 3B 1 1 K
    rows = F.pad(image.flatten(0, 1)[None], [radius] * 4, mode="replicate")  # 1 3B H W
    rows = F.conv2d(rows, kernel, groups=len(kernel))
    return F.conv2d(rows, kernel.mT, groups=len(kernel)).reshape(image.shape)


def _hue(
    image: Float[Tensor, "B 3 H W"], value: Float[Tensor, "B H W"], chroma: Float[Tensor, "B H W"]
) -> Float[Tensor, "B H W"]:
    """In sixths of the colour circle; greys have none and get 0."""
    red, green, blue = image.unbind(1)
    base = torch.where(
        value == red,
        green - blue,
        torch.where(value == green, blue - red, red - green),
    ) / torch.where(chroma > 0, chroma, 1)
    return base + torch.where(value == red, 0, torch.where(value == green, 2, 4))


def _grey(image: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B 1 H W"]:
    weights = torch.tensor(_LUMA).to(image)
    return (image * weights[:, None, None]).sum(1, keepdim=True)


def _mix(
    other: Float[Tensor, "B c h w"], image: Float[Tensor, "B 3 H W"], factor: Float[Tensor, " B"]
) -> Float[Tensor, "B 3 H W"]:
    return torch.lerp(other, image, _each(factor, image)).clamp(0, 1)


def _each(amount: Float[Tensor, " B"], image: Float[Tensor, "B 3 H W"]) -> Tensor:
    """One number for each image, on its device, shaped to meet it."""
    return amount.to(image)[:, None, None, None]
