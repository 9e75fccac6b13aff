"""Pairs of point sets that can be scored: what every protocol asks of its input."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

Points = Tensor | np.ndarray


def pair(what: str, gt: Points, predicted: Points, count: int | None = None) -> list[Tensor]:
    """Ground truth and prediction as tensors (N,P,3) on the CPU, in their own precision.

    what: "joints" or "vertices", for the messages. count: how many points a sample must have.

    Raises:
        ValueError: no sample, other shapes than (N,P,3), two different ones, NaN or infinity.
    """
    found = {
        f"gt_{what}": torch.as_tensor(gt).cpu(),
        f"pred_{what}": torch.as_tensor(predicted).cpu(),
    }
    expected = f"(N,{count or 'P'},3) with N at least 1"
    for name, points in found.items():
        shape = tuple(points.shape)
        if len(shape) != 3 or not shape[0] or shape[2] != 3 or shape[1] != (count or shape[1]):
            raise ValueError(f"{name}: expected the shape {expected}, found {shape}")
    truth, guess = found.values()
    if truth.shape != guess.shape:
        raise ValueError(
            f"pred_{what}: expected the shape of gt_{what}, {tuple(truth.shape)}, "
            f"found {tuple(guess.shape)}; score the same samples with the same points"
        )
    for name, points in found.items():
        broken = ~points.isfinite().all(2).all(1)
        if broken.any():
            raise ValueError(
                f"{name}: expected finite numbers, found NaN or infinity in {int(broken.sum())} "
                f"samples, first in sample {int(broken.nonzero()[0])}; leave these out on purpose"
            )
    return [truth, guess]


def chunks(size: int, *points: Tensor) -> Iterator[list[Tensor]]:
    """A few samples at a time in double precision, so that large sets need little memory."""
    for parts in zip(*(tensor.split(size) for tensor in points), strict=True):
        yield [part.double() for part in parts]
