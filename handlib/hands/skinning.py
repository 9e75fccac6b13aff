"""Linear blend skinning with its gradient in closed form.

Loper et al., "SMPL", TOG 2015, eq. 1 to 4: vertex v goes to sum_j w_vj (R_j v + t_j). The weights
belong to the file, so they get no gradient. Against plain tensor code:

- The batch is the last dimension, so that every product runs along it, unbroken. Tensors that lie
  in memory this way, as `forward_kinematics` makes them, are taken without a copy.
- The blended transforms, twelve numbers a vertex and by far the largest array, are formed for a
  few vertices at a time, and again for the gradient instead of being kept: they never leave the
  processor's cache, and the system need not hand out fresh memory, which costs more than the sums.
"""

from collections.abc import Iterator
from math import ceil
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

# So many numbers of blended transforms, 4 MB, stay in the cache. A GPU takes all vertices at once.
_NUMBERS_AT_ONCE = 2**20


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
        vertices = points.new_empty(points.shape[2], len(points), 3)
        for part, blended in _parts(points, numbers=4):
            _blend(columns, weights[part], out=blended)
            vertices[:, part] = _move(blended, points[part]).permute(2, 0, 1)
        return vertices, vertices[:, picked]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, of_picked: Tensor) -> tuple[Tensor | None, ...]:
        columns, points, weights, picked = ctx.saved_tensors
        if torch.is_grad_enabled():  # second derivatives are asked for
            whole = gradient.index_add(1, picked, of_picked)
            return *_differentiable_gradient(columns, points, weights, whole), None, None
        # A copy even of one hand, where contiguous() would hand back the caller's gradient.
        pulls = torch.empty_like(points).copy_(gradient.permute(1, 2, 0))
        pulls.index_add_(0, picked, of_picked.permute(1, 2, 0))
        for_columns, for_points = torch.empty_like(columns), torch.empty_like(points)
        for_columns[:, 3] = (weights.T @ pulls.flatten(1)).view_as(columns[:, 3])
        for_rotations = torch.zeros_like(columns[:, :3]).flatten(1)
        for part, room in _parts(points, numbers=3):
            # What pulls at each vertex's own rotation: gradient x point.
            torch.mul(points[part, :, None], pulls[part, None], out=room)
            for_rotations.addmm_(weights[part].T, room.flatten(1))
            _blend(columns[:, :3], weights[part], out=room)
            _turn_back(room, pulls[part], out=for_points[part])
        for_columns[:, :3] = for_rotations.view_as(columns[:, :3])
        return for_columns, for_points, None, None


def _parts(points: Tensor, numbers: int) -> Iterator[tuple[slice, Tensor]]:
    """Slices of about equal size along the vertices, each with the same room: n numbers 3 B."""
    vertices, _, batch = points.shape
    total = 12 * vertices * batch if points.device.type == "cpu" else 0
    size = ceil(vertices / max(ceil(total / _NUMBERS_AT_ONCE), 1))
    room = points.new_empty(size, numbers, 3, batch)
    for start in range(0, vertices, size):
        stop = min(start + size, vertices)
        yield slice(start, stop), room[: stop - start]


def _blend(columns: Tensor, weights: Tensor, out: Tensor) -> None:
    """Each vertex's own transform, n 4 3 B (n 3 3 B of rotations alone)."""
    torch.mm(weights, columns.flatten(1), out=out.flatten(1))


def _move(blended: Tensor, points: Tensor) -> Tensor:
    """R p + t, in the memory of t."""
    moved = blended[:, 3]
    for axis in range(3):
        moved.addcmul_(blended[:, axis], points[:, axis, None])
    return moved


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
