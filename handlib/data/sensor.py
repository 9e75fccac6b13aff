"""What a camera does to a picture after the lens: noise of its sensor, and JPEG's compression."""

import io
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from PIL import Image
from torch import Generator, Tensor


@dataclass(frozen=True)
class SensorChanges:
    """The amounts for each of B images.

    noise: standard deviation in an image of 0..1. quality: JPEG's, 1 to 100; above 100 for no
    compression. seed: of the noise.
    """

    noise: Float[Tensor, " B"]
    quality: Int[Tensor, " B"]
    seed: Int[Tensor, " B"]

    def repeat(self, times: int) -> "SensorChanges":
        """Every amount `times` times in a row, with noise that differs: frames of one camera."""
        noise, quality, seed = (
            amount.repeat_interleave(times, 0) for amount in (self.noise, self.quality, self.seed)
        )
        return SensorChanges(noise, quality, seed + torch.arange(times).repeat(len(self.seed)))


def photograph(
    image: Float[Tensor, "B 3 H W"], changes: SensorChanges
) -> Float[Tensor, "B 3 H W"]:
    """Add noise, then compress; RGB in 0..1."""
    taken = []
    for one, noise, quality, seed in zip(
        image.cpu(),
        changes.noise.tolist(),
        changes.quality.tolist(),
        changes.seed.tolist(),
        strict=True,
    ):
        grain = torch.randn(one.shape, generator=Generator().manual_seed(seed))
        taken.append(compress((one + noise * grain).clamp(0, 1), quality))
    return torch.stack(taken).to(image)


def compress(image: Float[Tensor, "3 H W"], quality: int) -> Float[Tensor, "3 H W"]:
    """Through JPEG and back; a quality above 100 leaves the image as it is."""
    if quality > 100:
        return image
    pixels = (255 * image).round().byte().permute(1, 2, 0).numpy()
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    with Image.open(file) as decoded:
        return torch.from_numpy(np.array(decoded)).permute(2, 0, 1) / 255
