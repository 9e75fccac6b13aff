"""Linear blend skinning with its gradient in closed form.

Loper et al., "SMPL", TOG 2015, eq. 1 to 4: vertex v goes to sum_j w_vj (R_j v + t_j). The weights
belong to the file, so they get no gradient. Coordinates are kept as planes, one coordinate of all
vertices after the other, in both directions: left to autograd, the backward pass walks the
incoming gradient with a stride of three numbers and takes several times as long.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable


class _Skinning(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, transforms: Tensor, points: Tensor, weights: Tensor) -> Tensor:
        by_entry = transforms.permute(0, 2, 3, 1).flatten(0, 2)  # B*12 J
        blended = (by_entry @ weights.T).unflatten(0, (-1, 3, 4))  # B 3 4 V
        moved = blended[:, :, 3].clone()  # B 3 V
        for axis in range(3):
            moved.addcmul_(blended[:, :, axis], points[:, None, axis])
        ctx.save_for_backward(blended, points, weights)
        return moved.transpose(1, 2).contiguous()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        blended, points, weights = ctx.saved_tensors
        planes = gradient.transpose(1, 2).contiguous()[:, :, None]  # B 3 1 V
        homogeneous = torch.cat([points, torch.ones_like(points[:, :1])], dim=1)  # B 4 V
        by_entry = (planes * homogeneous[:, None]).flatten(0, 2) @ weights  # B*12 J
        for_transforms = by_entry.unflatten(0, (-1, 3, 4)).permute(0, 3, 1, 2)
        for_points = torch.zeros_like(points)
        for axis in range(3):
            for_points.addcmul_(blended[:, axis, :3], planes[:, axis])
        return for_transforms, for_points, None


def skin(
    transforms: Float[Tensor, "B J 3 4"],
    points: Float[Tensor, "B 3 V"],
    weights: Float[Tensor, "V J"],
) -> Float[Tensor, "B V 3"]:
    """Move points, given as planes of x, y and z, by the weighted mean of the joints' transforms.

    transforms: [R | t], metres. weights: fixed, no gradient. The gradient is differentiable once.
    """
    return _Skinning.apply(transforms, points, weights)
