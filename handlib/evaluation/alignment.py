"""Procrustes alignment: take position, rotation and scale off an error."""

import torch
from jaxtyping import Float
from torch import Tensor

OFFICIAL_EPSILON = 1e-8
"""What the scripts of HO-3D, FreiHAND and DexYCB add to a hand's size before they divide by it."""


def procrustes_align(
    source: Float[Tensor, "B N 3"],
    target: Float[Tensor, "B N 3"],
    reflection: bool = False,
    epsilon: float = 0.0,
) -> Float[Tensor, "B N 3"]:
    """Move `source` onto `target` by the best similarity transform (Umeyama 1991).

    Minimises the squared distance over rotation, scale and position, sample by sample.
    With `reflection` the rotation may be a mirroring, as in the official HO-3D script.
    `epsilon` is added to the Frobenius norm of the centred source, whose square divides the
    scale: with `OFFICIAL_EPSILON`, rounding noise is not blown up to a hand.
    A source that is a single point is moved to the target's mean.
    """
    source_mean, target_mean = source.mean(1, keepdim=True), target.mean(1, keepdim=True)
    x, y = (source - source_mean).double(), (target - target_mean).double()
    u, singular, vt = torch.linalg.svd(y.mT @ x)  # B 3 3, y ≈ scale · rotation · x
    signs = torch.ones_like(singular)
    if not reflection:
        signs[:, -1] = torch.linalg.det(u @ vt).sign()  # the weakest axis gives way
    rotation = (u * signs[:, None]) @ vt
    spread = (x.square().sum((1, 2)).sqrt() + epsilon).square()
    scale = (singular * signs).sum(-1) / spread.clamp_min(torch.finfo(torch.float64).tiny)
    aligned = scale[:, None, None] * x @ rotation.mT
    return aligned.to(source.dtype) + target_mean
