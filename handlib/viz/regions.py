"""What each token lies on: visible hand, hidden hand or background, and which finger."""

import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from handlib.hands.skeleton import FINGERS, MANO_JOINT_NAMES

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


def finger_shares(parts: UInt8[Tensor, "B H W"], side: int) -> Float[Tensor, "B 5 N"]:
    """The share of each token's pixels on each finger, thumb to little; the palm is none.

    Args:
        parts: as in `HandMasks`, 1 + the MANO joint that moves this skin; `parts * visible`
            counts what is seen alone.
    """

    def on(finger: str) -> Bool[Tensor, "B H W"]:
        joints = [i for i, name in enumerate(MANO_JOINT_NAMES) if name.startswith(finger)]
        return torch.isin(parts, torch.tensor([1 + i for i in joints], dtype=parts.dtype))

    return torch.stack([to_grid(on(finger), side).flatten(1) for finger in FINGERS], dim=1)


def mean_over(values: Float[Tensor, "B N"], region: Bool[Tensor, "B N"]) -> Float[Tensor, " B"]:
    """Each image's mean over the tokens of a region; NaN where it has none."""
    return (values * region).sum(1) / region.sum(1)
