"""Who and what appears in a scene: owners of hands, finger poses, things; each split its own."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float, Float32
from scipy.spatial.transform import Rotation
from torch import Tensor

from handlib.data.synthetic import materials
from handlib.data.synthetic.objects import KINDS, SPLITS, EverydayObject, Split, instance
from handlib.data.synthetic.scene import PlacedThing
from handlib.hands.pose_prior import load_corpus

Generator = np.random.Generator

SLEEVES = ("white", "grey", "black", "blue", "brown", "teal", "red")
LARGE_KINDS = ("box", "bowl", "bottle", "mug", "phone", "can", "ball")
_PERSON_SEED = 0x9E0B1E


@dataclass(frozen=True)
class Person:
    """A hand's owner."""

    name: str
    betas: Float[Tensor, "10"]
    back: Float[np.ndarray, "3"]
    palm: Float[np.ndarray, "3"]


@lru_cache(maxsize=1024)
def person(split: Split, number: int) -> Person:
    """Owner `number` of a split's hands."""
    rng = np.random.default_rng((_PERSON_SEED, SPLITS.index(split), number))
    betas = np.clip(rng.normal(0, 0.8, 10), -2, 2).astype(np.float32)
    return Person(f"{split}-{number}", torch.from_numpy(betas), *materials.skin_colour(rng))


@lru_cache(maxsize=3)
def corpus(split: Split) -> Float32[np.ndarray, "N 15 3"]:
    """The split's finger poses."""
    return load_corpus(split).numpy()


def draw_thing(
    rng: Generator, split: Split, instances: int, kinds: tuple[str, ...] = tuple(KINDS)
) -> EverydayObject:
    """One of the split's `instances` objects of one of the kinds."""
    kind = kinds[rng.integers(len(kinds))]
    return instance(split, kind, int(rng.integers(instances)))


def tinted(rng: Generator, share: float, owner: Person, placed: PlacedThing) -> PlacedThing:
    """The thing as it is or, for a share of all things, in the colour of the owner's skin."""
    if rng.random() >= share:
        return placed
    luminance = placed.thing.texels.mean(1, keepdims=True)
    contrast = np.clip(luminance / luminance.mean(), 0.1, 4) ** 0.35
    skin = owner.back + rng.uniform(0, 1) * (owner.palm - owner.back)
    texels = (skin * contrast * rng.uniform(0.8, 1.2)).astype(np.float32)
    return PlacedThing(placed.thing, placed.rotation, placed.position, texels)


def any_rotation(rng: Generator) -> Float[np.ndarray, "3 3"]:
    """All rotations are equally likely."""
    return Rotation.from_quat(rng.normal(size=4)).as_matrix()
