"""Errors of joints and vertices, one number a sample: as they stand, at the root, after PA."""

import torch
from jaxtyping import Float
from torch import Tensor

from handlib.evaluation.alignment import procrustes_align


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


def pck(errors: Float[Tensor, "*shape"], thresholds: Float[Tensor, " K"]) -> Float[Tensor, " K"]:
    """Share of the errors that are at most each threshold (percentage of correct keypoints)."""
    ordered = errors.flatten().double().sort().values
    count = torch.searchsorted(ordered, thresholds.double(), right=True)
    return (count.double() / ordered.numel()).to(thresholds.dtype)


def pck_auc(errors: Float[Tensor, "*shape"], limit: float = 0.05, steps: int = 100) -> float:
    """Area under the PCK curve from 0 to `limit` metres, as a fraction of its greatest value.

    `errors` are distances in metres, such as those of `joint_errors`. Trapezoidal rule over
    `steps` thresholds, both ends included: HO-3D's, FreiHAND's and DexYCB's.
    """
    thresholds = torch.linspace(0, limit, steps, dtype=torch.float64)
    return (torch.trapezoid(pck(errors.cpu(), thresholds), thresholds) / limit).item()
