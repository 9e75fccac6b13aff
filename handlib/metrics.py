"""Scores of a predicted hand: errors of joints, alignments, and tables by occlusion.

Everything takes and returns metres. The alignments follow the common protocol (Zimmermann and
Brox 2017, FreiHAND): root alignment takes off the position, Procrustes alignment position,
rotation and scale. Against the official HO-3D and DexYCB scripts we forbid mirrored alignments
by default: there a left hand predicted for a right one scores zero; `reflection=True` is theirs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

OCCLUSION_BINS = (0.0, 0.05, 0.25, 0.5, 0.75, 1.0)


def joint_errors(
    predicted: Float[Tensor, "B N 3"], target: Float[Tensor, "B N 3"]
) -> Float[Tensor, "B N"]:
    """Euclidean distance of each point to its counterpart."""
    return (predicted - target).norm(dim=-1)


def mpjpe(
    predicted: Float[Tensor, "B N 3"], target: Float[Tensor, "B N 3"]
) -> Float[Tensor, " B"]:
    """Mean per-joint position error of each sample, as the points stand."""
    return joint_errors(predicted, target).mean(-1)


def root_aligned_mpjpe(
    predicted: Float[Tensor, "B N 3"], target: Float[Tensor, "B N 3"], root: int = 0
) -> Float[Tensor, " B"]:
    """MPJPE after point `root` (the wrist) of both is moved to the origin."""
    return mpjpe(predicted - predicted[:, root : root + 1], target - target[:, root : root + 1])


def pa_mpjpe(
    predicted: Float[Tensor, "B N 3"], target: Float[Tensor, "B N 3"], reflection: bool = False
) -> Float[Tensor, " B"]:
    """MPJPE after Procrustes alignment: what is left is the error of the articulation."""
    return mpjpe(procrustes_align(predicted, target, reflection), target)


def procrustes_align(
    source: Float[Tensor, "B N 3"], target: Float[Tensor, "B N 3"], reflection: bool = False
) -> Float[Tensor, "B N 3"]:
    """Move `source` onto `target` by the best similarity transform (Umeyama 1991).

    Minimises the squared distance over rotation, scale and position, sample by sample.
    With `reflection` the rotation may be a mirroring, as in the official HO-3D script.
    A source that is a single point is moved to the target's mean.
    """
    source_mean, target_mean = source.mean(1, keepdim=True), target.mean(1, keepdim=True)
    x, y = (source - source_mean).double(), (target - target_mean).double()
    u, singular, vt = torch.linalg.svd(y.mT @ x)  # B 3 3, y ≈ scale · rotation · x
    signs = torch.ones_like(singular)
    if not reflection:
        signs[:, -1] = torch.linalg.det(u @ vt).sign()  # the weakest axis gives way
    rotation = (u * signs[:, None]) @ vt
    spread = x.square().sum((1, 2)).clamp_min(torch.finfo(torch.float64).tiny)
    scale = (singular * signs).sum(-1) / spread
    aligned = scale[:, None, None] * x @ rotation.mT
    return aligned.to(source.dtype) + target_mean


@dataclass(frozen=True)
class OcclusionBin:
    """Mean error of the samples whose occlusion lies in [low, high), the last bin closed."""

    low: float
    high: float
    count: int
    mean: float


def by_occlusion(
    errors: Float[Tensor, " N"],
    occlusion: Float[Tensor, " N"],
    bins: Sequence[float] = OCCLUSION_BINS,
) -> list[OcclusionBin]:
    """Mean error in each bin of occlusion (share of the hand's pixels that are hidden, 0..1).

    An empty bin has the mean NaN.

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
        OcclusionBin(low, high, int((index == i).sum()), errors[index == i].mean().item())
        for i, (low, high) in enumerate(zip(bins[:-1], bins[1:], strict=True))
    ]
