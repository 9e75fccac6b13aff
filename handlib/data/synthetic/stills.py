"""One synthetic image as a function of (split, seed, index), whoever asks and in which order."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8

from handlib.data.synthetic.composition import compose
from handlib.data.synthetic.config import StillsConfig
from handlib.data.synthetic.objects import SPLITS, Split
from handlib.data.synthetic.render import Picture, render
from handlib.data.synthetic.scene import Scene
from handlib.data.synthetic.views import Posed
from handlib.hands.hand_model import HandModel

_IMAGE_SEED = 0x57111
_CURVE_STEPS = 4096


@dataclass(frozen=True)
class Still:
    """A finished image with its labels as arrays, and the scene it was rendered from."""

    image: UInt8[np.ndarray, "S S 3"]
    picture: Picture
    posed: Posed
    identity: str
    scene: Scene

    @property
    def occlusion(self) -> float:
        """Hidden hand pixels over amodal hand pixels."""
        return 1 - float(self.picture.visible.sum()) / max(int(self.picture.amodal.sum()), 1)


@torch.inference_mode()
def make_still(
    split: Split, seed: int, index: int, size: int, config: StillsConfig, hand: HandModel
) -> Still:
    """Render image `index` of a split."""
    rng = np.random.default_rng((_IMAGE_SEED, SPLITS.index(split), seed, index))
    scene, posed, owner = compose(rng, split, size, config, hand)
    picture = render(scene)
    image = develop(rng, picture.light)
    return Still(image, picture, posed, owner.name, scene)


def develop(
    rng: np.random.Generator, light: Float[np.ndarray, "H W 3"]
) -> UInt8[np.ndarray, "H W 3"]:
    """Exposure, white balance, a slightly soft lens, noise of photons and sensor, sRGB."""
    balance, softness = meter(rng, light)
    screen = expose(light, balance, softness)
    grain = rng.standard_normal(light.shape, np.float32) * np.float32(rng.uniform(0.4, 3.0))
    return quantise(screen + grain)


def meter(
    rng: np.random.Generator, light: Float[np.ndarray, "H W 3"]
) -> tuple[Float[np.ndarray, "3"], float]:
    """Draw the camera's factor for each channel, set to this light, and how soft its lens is."""
    level = np.percentile(light[::4, ::4].mean(2), 80)
    exposure = np.clip(rng.uniform(0.30, 0.65) / max(level, 0.02), 0.5, 2.5)
    balance = exposure * (1 + rng.normal(0, 0.03, 3))
    return balance, rng.uniform(0.0, 0.22)


def expose(
    light: Float[np.ndarray, "H W 3"], balance: Float[np.ndarray, "3"], softness: float
) -> Float32[np.ndarray, "H W 3"]:
    """Screen values 0..255 without noise."""
    planes = np.ascontiguousarray(light.transpose(2, 0, 1))  # NumPy is slow along 3 colours
    soft = _lens(planes, softness) * balance.astype(np.float32)[:, None, None]
    step = (soft * (_CURVE_STEPS - 1)).clip(0, _CURVE_STEPS - 1).astype(int)
    return _tone_curve().take(step).transpose(1, 2, 0)


def quantise(screen: Float32[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "H W 3"]:
    """To the nearest whole values."""
    return np.clip(screen + 0.5, 0, 255).astype(np.uint8, order="C")


def _lens(image: Float[np.ndarray, "3 H W"], share: float) -> Float32[np.ndarray, "3 H W"]:
    """Each pixel gives `share` of its light to its neighbours, along rows and columns."""
    for _ in range(2):
        before = np.concatenate([image[:, :1], image[:, :-1]], 1)
        after = np.concatenate([image[:, 1:], image[:, -1:]], 1)
        image = (1 - share) * image + 0.5 * share * (before + after)
        image = image.transpose(0, 2, 1)
    return image.astype(np.float32, copy=False)


@lru_cache(maxsize=1)
def _tone_curve() -> np.ndarray:
    """sRGB values 0..255 of linear light, with a soft shoulder in the highlights."""
    light = np.linspace(0, 1, _CURVE_STEPS)
    screen = np.where(light < 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return (255 * screen).astype(np.float32)
