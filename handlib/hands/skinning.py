"""Linear blend skinning with its gradient in closed form.

Loper et al., "SMPL", TOG 2015, eq. 1 to 4: vertex v goes to sum_j w_vj (R_j v + t_j). The weights
belong to the file, so they get no gradient. Against plain tensor code:

- The batch is the last dimension, so that every product runs along it, unbroken. Tensors that lie
  in memory this way, as `forward_kinematics` makes them, are taken without a copy.
- The blended transforms, twelve numbers a vertex and by far the largest array, are formed for a
  few vertices at a time, and again for the gradient instead of being kept: they never leave the
  processor's cache, and the system need not hand out fresh memory, which costs more than the sums.
"""

from math import ceil
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

# So many numbers of blended transforms, 2 MB, stay in the cache. A GPU takes all vertices at once.
_NUMBERS_AT_ONCE = 2**19


def skin(
    transforms: Float[Tensor, "B J 3 4"],
    points: Float[Tensor, "B 3 V"],
    weights: Float[Tensor, "V J"],
) -> Float[Tensor, "B V 3"]:
    """Move points, given as planes of x, y and z, by the weighted mean of the joints' transforms.

    transforms: [R | t], metres. weights: of the file, no gradient. Fastest with transforms and
    points whose batch dimension has stride 1.
    """
    none = torch.empty(0, dtype=torch.long, device=points.device)
    return skin_and_pick(transforms, points, weights, none)[0]


def skin_and_pick(
    transforms: Float[Tensor, "B J 3 4"],
    points: Float[Tensor, "B 3 V"],
    weights: Float[Tensor, "V J"],
    picked: Int[Tensor, "P"],
) -> tuple[Float[Tensor, "B V 3"], Float[Tensor, "B P 3"]]:
    """`skin`, and some of the moved points once more.

    Taken by `vertices[:, picked]`, a few points would make autograd fill and add arrays as large
    as all vertices.
    """
    columns = transforms.permute(1, 3, 2, 0).contiguous()  # of R, then t: J 4 3 B
    return _Skinning.apply(columns, points.permute(2, 1, 0).contiguous(), weights, picked)


class _Skinning(torch.autograd.Function):
    """Transforms as columns (J,4,3,B), points (V,3,B), weights (V,J) -> vertices (B,V,3)."""

    @staticmethod
    def forward(ctx: Any, columns: Tensor, points: Tensor, weights: Tensor, picked: Tensor) -> Any:
        ctx.save_for_backward(columns, points, weights, picked)
        moved = points.new_empty(points.shape[2], len(points), 3)
        for part in _parts(points):
            blended = _blend(columns, weights[part])
            moved[:, part] = _move(blended, points[part]).permute(2, 0, 1)
        return moved, moved[:, picked]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, of_picked: Tensor) -> tuple[Tensor | None, ...]:
        columns, points, weights, picked = ctx.saved_tensors
        if torch.is_grad_enabled():  # second derivatives are asked for
            whole = gradient.index_add(1, picked, of_picked)
            return *_differentiable_gradient(columns, points, weights, whole), None, None
        for_columns, for_points = torch.zeros_like(columns), torch.empty_like(points)

        def pull(part: slice | Tensor, gradient: Tensor, out: Tensor) -> None:
            pulls = _outer(points[part], gradient)
            for_columns.flatten(1).addmm_(weights[part].T, pulls.flatten(1))
            _turn_back(_blend(columns[:, :3], weights[part]), pulls[:, 3], out)

        for part in _parts(points):
            pull(part, gradient[:, part], out=for_points[part])
        for_picked = for_points[picked]
        pull(picked, of_picked, out=for_picked)
        for_points.index_add_(0, picked, for_picked)
        return for_columns, for_points, None, None


def _parts(points: Tensor) -> list[slice]:
    """Slices of about equal size along the vertices."""
    vertices, _, batch = points.shape
    numbers = 12 * vertices * batch if points.device.type == "cpu" else 0
    size = ceil(vertices / max(ceil(numbers / _NUMBERS_AT_ONCE), 1))
    return [slice(start, start + size) for start in range(0, vertices, size)]


def _blend(columns: Tensor, weights: Tensor) -> Tensor:
    """Each vertex's own transform, n 4 3 B (n 3 3 B of rotations alone)."""
    return (weights @ columns.flatten(1)).unflatten(1, columns.shape[1:])


def _move(blended: Tensor, points: Tensor) -> Tensor:
    """R p + t, in the memory of t."""
    moved = blended[:, 3]
    for axis in range(3):
        moved.addcmul_(blended[:, axis], points[:, axis, None])
    return moved


def _outer(points: Tensor, gradient: Tensor) -> Tensor:
    """What pulls at each vertex's own transform: gradient x [point, 1], as n 4 3 B."""
    pulls = points.new_empty(len(points), 4, *points.shape[1:])
    pulls[:, 3] = gradient.permute(1, 2, 0)
    torch.mul(points[:, :, None], pulls[:, 3:], out=pulls[:, :3])
    return pulls


def _turn_back(rotations: Tensor, gradient: Tensor, out: Tensor) -> None:
    """Gradient of the points: each vertex's own rotation, transposed, on the gradient."""
    torch.mul(rotations[:, :, 0], gradient[:, 0, None], out=out)
    for row in (1, 2):
        out.addcmul_(rotations[:, :, row], gradient[:, row, None])


def _differentiable_gradient(
    columns: Tensor, points: Tensor, weights: Tensor, gradient: Tensor
) -> tuple[Tensor, Tensor]:
    """The same gradient by operations that autograd can follow, all vertices at once."""
    turned = torch.einsum("bvr,vcb,vj->jcrb", gradient, points, weights)
    shifted = torch.einsum("bvr,vj->jrb", gradient, weights)
    for_points = torch.einsum("bvr,vj,jcrb->vcb", gradient, weights, columns[:, :3])
    return torch.cat([turned, shifted[:, None]], dim=1), for_points
