"""How well a score tells two groups apart, and how much a linear reading finds in features."""

import torch
from jaxtyping import Bool, Float
from scipy.stats import rankdata
from torch import Tensor


def roc_auc(scores: Float[Tensor, " N"], positive: Bool[Tensor, " N"]) -> float:
    """Area under the ROC curve: how often a positive scores higher than a negative.

    0.5 is chance, 1 a perfect order; equal scores count one half. By the ranks' sum (Mann and
    Whitney 1947), so no threshold is chosen. NaN if one of the groups is empty.
    """
    count = int(positive.sum())
    others = len(positive) - count
    if not count or not others:
        return float("nan")
    ranks = rankdata(scores.detach().cpu().numpy())[positive.cpu().numpy()].sum()
    return float((ranks - count * (count + 1) / 2) / (count * others))


def ridge_probe(
    features: Float[Tensor, "N D"],
    targets: Float[Tensor, "N K"],
    unseen: Float[Tensor, "M D"],
    strength: int | float = 1.0,
) -> Float[Tensor, "M K"]:
    """What a ridge regression, fitted to N samples in closed form, says of M others.

    Features are standardised by the N samples' mean and spread, so that a feature's scale does
    not decide how much it is used; the mean of the targets is not shrunk.

    Args:
        strength: of the penalty on squared weights, for standardised features.

    Raises:
        ValueError: the strength is not positive.
    """
    if strength <= 0:
        raise ValueError(f"strength: expected a number above 0, found {strength}")
    mean, level = features.mean(0), targets.mean(0)
    spread = features.std(0, correction=0)
    spread = torch.where(spread > 0, spread, 1)  # a constant feature says nothing
    x = (features - mean) / spread
    penalty = strength * torch.eye(x.shape[1], dtype=x.dtype, device=x.device)
    weights = torch.linalg.solve(x.T @ x + penalty, x.T @ (targets - level))
    return (unseen - mean) / spread @ weights + level
