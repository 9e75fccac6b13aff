"""The part of the scene that each token lies on: visible hand, hidden hand or background."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

REGIONS = ("visible hand", "hidden hand", "background")


def to_grid(mask: Bool[Tensor, "*B H W"], side: int) -> Float[Tensor, "*B side side"]:
    """The share of each token's pixels that a mask covers, 0..1."""
    pixels = mask.float().reshape(-1, 1, *mask.shape[-2:])  # B 1 H W
    shares = torch.nn.functional.adaptive_avg_pool2d(pixels, side)  # B 1 side side
    return shares.reshape(*mask.shape[:-2], side, side)


def token_regions(
    visible: Bool[Tensor, "B H W"], amodal: Bool[Tensor, "B H W"], side: int
) -> dict[str, Bool[Tensor, "B N"]]:
    """The region of each of N = side² tokens, row by row.

    A token belongs to the visible or the hidden hand when that covers at least half of it, to the
    background when no hand is in it at all; tokens on a border belong to none.
    """
    seen, hand = to_grid(visible, side).flatten(1), to_grid(amodal, side).flatten(1)  # B N
    return {
        "visible hand": seen >= 0.5,
        "hidden hand": hand - seen >= 0.5,
        "background": hand == 0,
    }


def mean_over(values: Float[Tensor, "B N"], region: Bool[Tensor, "B N"]) -> Float[Tensor, " B"]:
    """Each image's mean over the tokens of a region; NaN where it has none."""
    return (values * region).sum(1) / region.sum(1)
