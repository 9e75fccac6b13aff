"""Motions that are wrong in one known way, to ask a discriminator what it can tell.

All take (B, T, 46) as the discriminator reads it: the side, which stays, and 45 finger angles.
"""

import torch
from jaxtyping import Float
from torch import Generator, Tensor

JITTER = 0.1  # radians, of every angle in every frame

Motion = Float[Tensor, "B T 46"]


def jittered(motion: Motion, noise: Generator, radians: int | float = JITTER) -> Motion:
    """Normal noise of that size on every angle, drawn anew in every frame."""
    return _moved(motion, radians * torch.randn(motion.shape, generator=noise))


def displaced(motion: Motion, noise: Generator, radians: int | float = JITTER) -> Motion:
    """Normal noise of that size on every angle, the same in all frames of a window."""
    once = torch.randn(motion[:, :1].shape, generator=noise)
    return _moved(motion, radians * once.expand_as(motion))


def shuffled(motion: Motion, noise: Generator) -> Motion:
    """The same frames in another order, one for each window."""
    order = torch.rand(motion.shape[:2], generator=noise).argsort(1)
    return motion.gather(1, order[..., None].expand_as(motion))


def frozen(motion: Motion) -> Motion:
    """The frame in the middle, T times."""
    middle = motion.shape[1] // 2
    return motion[:, middle : middle + 1].expand_as(motion).clone()


def _moved(motion: Motion, noise: Motion) -> Motion:
    return torch.cat([motion[..., :1], (motion + noise)[..., 1:]], -1)  # the side stays
