"""Where a model errs: tables by joint and by occlusion, with 95 % bootstrap intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from handlib.evaluation.bootstrap import mean_interval
from handlib.hands.skeleton import JOINT_NAMES

OCCLUSION_BINS = (0.0, 0.05, 0.25, 0.5, 0.75, 1.0)

Groups = Sequence[str] | Sequence[int]


@dataclass(frozen=True)
class JointRow:
    """Mean error of one joint and the 95 % interval of that mean."""

    name: str
    mean: float
    interval: tuple[float, float]


def by_joint(errors: Float[Tensor, "N 21"], groups: Groups | None = None) -> list[JointRow]:
    """Mean error of each joint, common order; `groups` as in `mean_interval`."""
    return [
        JointRow(name, column.mean().item(), mean_interval(column, groups))
        for name, column in zip(JOINT_NAMES, errors.T, strict=True)
    ]


@dataclass(frozen=True)
class OcclusionBin:
    """Mean error of the samples whose occlusion lies in [low, high), the last bin closed.

    interval: the 95 % bootstrap interval of the mean.
    """

    low: float
    high: float
    count: int
    mean: float
    interval: tuple[float, float]


def by_occlusion(
    errors: Float[Tensor, " N"],
    occlusion: Float[Tensor, " N"],
    bins: Sequence[float] = OCCLUSION_BINS,
    groups: Groups | None = None,
) -> list[OcclusionBin]:
    """Mean error in each bin of occlusion (share of the hand's pixels that are hidden, 0..1).

    An empty bin has the mean NaN. `groups` as in `mean_interval`.

    Raises:
        ValueError: an occlusion lies outside the bins, so a sample would be left out.
    """
    edges = torch.tensor(bins, dtype=occlusion.dtype)
    outside = ~((occlusion >= edges[0]) & (occlusion <= edges[-1]))
    if outside.any():
        raise ValueError(
            f"occlusion: expected shares from {bins[0]} to {bins[-1]}, "
            f"found {occlusion[outside][0].item():.4g}; widen `bins` or mend the data"
        )
    index = torch.bucketize(occlusion, edges[1:-1], right=True)
    return [
        _bin(low, high, errors, index == i, groups)
        for i, (low, high) in enumerate(zip(bins[:-1], bins[1:], strict=True))
    ]


def _bin(
    low: float, high: float, errors: Tensor, inside: Tensor, groups: Groups | None
) -> OcclusionBin:
    chosen = errors[inside]
    members = None if groups is None else [groups[i] for i in inside.nonzero()[:, 0].tolist()]
    interval = mean_interval(chosen, members)
    return OcclusionBin(low, high, len(chosen), chosen.mean().item(), interval)
