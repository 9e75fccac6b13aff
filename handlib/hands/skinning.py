"""Linear blend skinning with its gradient in closed form.

Loper et al., "SMPL", TOG 2015, eq. 1 to 4: vertex v goes to sum_j w_vj (R_j v + t_j). The weights
belong to the file, so they get no gradient. Against plain tensor code: coordinates are kept as
planes, one coordinate of all vertices after the other, and the blended transforms, the largest
array by far, are formed for a few samples at a time and again for the gradient instead of being
kept. Left to autograd, the backward pass takes several times as long.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

# So many samples' blended transforms stay in a core's cache. A GPU takes the batch at once.
_SAMPLES_AT_ONCE = 32


def skin(
    transforms: Float[Tensor, "B J 3 4"],
    points: Float[Tensor, "B 3 V"],
    weights: Float[Tensor, "V J"],
) -> Float[Tensor, "B V 3"]:
    """Move points, given as planes of x, y and z, by the weighted mean of the joints' transforms.

    transforms: [R | t], metres. weights: of the file, no gradient.
    """
    return _Skinning.apply(transforms, points, weights)


class _Skinning(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, transforms: Tensor, points: Tensor, weights: Tensor) -> Tensor:
        ctx.save_for_backward(transforms, points, weights)
        moved = points.new_empty(len(points), points.shape[2], 3)
        for part in _parts(points):
            moved[part] = _move(transforms[part], points[part], weights).transpose(1, 2)
        return moved

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        transforms, points, weights = ctx.saved_tensors
        for_transforms, for_points = torch.empty_like(transforms), torch.empty_like(points)
        for part in _parts(points):
            planes = gradient[part].transpose(1, 2).contiguous()  # B 3 V
            for_transforms[part] = _outer(planes, points[part], weights)
            for_points[part] = _turn_back(transforms[part], planes, weights)
        return for_transforms, for_points, None


def _parts(batch: Tensor) -> list[slice]:
    size = _SAMPLES_AT_ONCE if batch.device.type == "cpu" else max(len(batch), 1)
    return [slice(start, start + size) for start in range(0, len(batch), size)]


def _blend(transforms: Tensor, weights: Tensor) -> Tensor:
    """Each vertex's own transform, planes B 3 4 V (B 3 3 V of rotations alone)."""
    by_entry = transforms.permute(0, 2, 3, 1)  # B 3 4 J
    return (by_entry.flatten(0, 2) @ weights.T).unflatten(0, by_entry.shape[:3])


def _move(transforms: Tensor, points: Tensor, weights: Tensor) -> Tensor:
    *columns, moved = _blend(transforms, weights).unbind(2)  # each B 3 V
    for column, coordinate in zip(columns, points[:, None].unbind(2), strict=True):
        moved = torch.addcmul(moved, column, coordinate)
    return moved


def _outer(planes: Tensor, points: Tensor, weights: Tensor) -> Tensor:
    """Gradient of the transforms: the weighted sum over vertices of gradient x [point, 1]."""
    turned = (planes[:, :, None] * points[:, None]).flatten(0, 2) @ weights  # B*9 J
    shifted = planes.flatten(0, 1) @ weights  # B*3 J
    turned, shifted = turned.unflatten(0, (-1, 3, 3)), shifted.unflatten(0, (-1, 3, 1))
    return torch.cat([turned, shifted], dim=2).permute(0, 3, 1, 2)  # B J 3 4


def _turn_back(transforms: Tensor, planes: Tensor, weights: Tensor) -> Tensor:
    """Gradient of the points: each vertex's own rotation, transposed, on the gradient."""
    rows = _blend(transforms[..., :3], weights).unbind(1)  # each B 3 V
    first, *others = zip(rows, planes[:, None].unbind(2), strict=True)
    gradient = first[0] * first[1]
    for row, plane in others:
        gradient = torch.addcmul(gradient, row, plane)
    return gradient
