"""Sine positions of Deformer's transformers, in the plane and in time (Vaswani et al., DETR).

A place in 0..2π is written as sines and cosines of falling frequency, from 1 down to 1/10000, so
that a dot product of two codes falls with their distance. Nothing here is learned.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor


def sine_positions_1d(length: int, channels: int) -> Float[Tensor, "{length} {channels}"]:
    """Codes of the times 1..T, scaled to 0..2π over the window."""
    return _sines(_scaled(length), channels)


def sine_positions_2d(
    height: int, width: int, channels: int
) -> Float[Tensor, "{height*width} {channels}"]:
    """Codes of a map's cells, row by row: half of the channels tell y, the other half x."""
    y = _sines(_scaled(height), channels // 2)[:, None].expand(-1, width, -1)
    x = _sines(_scaled(width), channels // 2)[None].expand(height, -1, -1)
    return torch.cat([y, x], dim=-1).flatten(0, 1)


def _scaled(count: int) -> Float[Tensor, " {count}"]:
    return torch.arange(1, count + 1) / (count + 1e-6) * 2 * math.pi


def _sines(place: Float[Tensor, " N"], channels: int) -> Float[Tensor, "N {channels}"]:
    """sin, cos, sin, cos, ...: a pair for each of channels / 2 frequencies."""
    pair = torch.arange(channels // 2)
    angle = place[:, None] / 10_000 ** (2 * pair / channels)  # N channels/2
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)
