"""maxMSE (Deformer, section 3.4): a squared error that weighs each point by its own error.

An ordinary mean lets 700 easy vertices of the palm outvote the few of a fingertip that is far off.
With e_i = |x̂_i − x_i|², maxMSE is Σ w_i·e_i with w_i = e_i / Σ_k e_k: the mean of the errors under
the errors themselves. It lies between their mean and their largest.
"""

import torch
from jaxtyping import Float
from torch import Tensor


def squared_errors(
    predicted: Float[Tensor, "*batch P D"], target: Float[Tensor, "*batch P D"]
) -> Float[Tensor, "*batch P"]:
    """e_i, the squared distance of each point."""
    return (predicted - target).square().sum(dim=-1)


def max_mse_weights(errors: Float[Tensor, "*batch P"]) -> Float[Tensor, "*batch P"]:
    """w_i = e_i / Σ_k e_k; zero for all where every error is zero."""
    return errors / errors.sum(dim=-1, keepdim=True).clamp(min=torch.finfo(errors.dtype).tiny)


def max_mse(
    predicted: Float[Tensor, "*batch P D"],
    target: Float[Tensor, "*batch P D"],
    detach: bool = False,
) -> Float[Tensor, ""]:
    """Σ w_i·e_i of the P points of each sample, then the mean over samples.

    In the units of the points, squared. Where all errors are equal it is D times the mean squared
    error over coordinates, as e_i sums over them.

    The released code lets the gradient flow through the weights and gives NaN where all errors
    are zero (D16). Here zero errors give zero. With `detach` the weights are taken as given: every
    point is pulled towards its target, w_i times as hard as by e_i alone. Without, the slope along
    e_i is (2·e_i − maxMSE) / Σe: a point whose error is below half of maxMSE is pushed away.
    """
    errors = squared_errors(predicted, target)
    weights = max_mse_weights(errors.detach() if detach else errors)
    return (weights * errors).sum(dim=-1).mean()
