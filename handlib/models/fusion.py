"""Dynamic fusion (Deformer, section 3.3, eq. 1 to 3): every frame's guess of every other frame.

Frame i knows its own pose θ_i and, for each frame k, how the hand moves on to k+1 (forward, f_k)
and back to k−1 (backward, b_k). Adding motions up carries its pose to frame j:

    θ_{i→j} = θ_i + Σ_{k=i}^{j−1} f_k   for i < j          (eq. 1)
    θ_{i→j} = θ_i + Σ_{k=j+1}^{i} b_k   for i > j          (eq. 2; printed with k=j..i−1: D6)
    θ̂_j    = Σ_i c_i · θ_{i→j},  Σ_i c_i = 1              (eq. 3)

Every sum is a difference of two running sums, so all pairs cost two cumulative sums. Poses are
added up as the paper writes it, in axis-angle; as released, in 6D (D5); or composed on SO(3).
"""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from handlib.hands.rotations import (
    axis_angle_to_rotmat,
    rot6d_to_rotmat,
    rotmat_to_axis_angle,
)

Space = Literal["rot6d", "axis_angle", "so3"]
MOTION_NUMBERS: dict[Space, int] = {"rot6d": 6, "axis_angle": 3, "so3": 3}
_POLAR_STEPS = 12  # within 1e-5 for two rotations up to 176° apart


def warp(
    pose: Float[Tensor, "B T *n"],
    forward: Float[Tensor, "B T *n"],
    backward: Float[Tensor, "B T *n"],
    index_slip: bool = False,
) -> Float[Tensor, "B T T *n"]:
    """θ_{i→j} at [:, i, j] for every pair of frames, in a space where poses add up.

    The last forward and the first backward motion lead out of the window and take no part.
    `index_slip` sums the backward motions as eq. 2 is printed, k = j..i−1: b_i, which leaves
    frame i, is missing, and b_j, which leaves j, comes in (D6).
    """
    before = _running_sum(forward)  # Σ_{k<j} f_k
    after = _running_sum(backward)  # Σ_{k<j} b_k
    if not index_slip:
        after = after + backward  # Σ_{k≤j} b_k
    onward = before[:, None] - before[:, :, None]  # i j
    back = after[:, :, None] - after[:, None]
    moved = torch.where(_later(pose), onward, back)
    return pose[:, :, None] + moved


def guesses_of_middle(
    pose: Float[Tensor, "B T *n"],
    forward: Float[Tensor, "B T *n"],
    backward: Float[Tensor, "B T *n"],
) -> Float[Tensor, "B T *n"]:
    """θ_{i→T//2}: what every frame says of the one in the middle."""
    return warp(pose, forward, backward)[:, :, pose.shape[1] // 2]


def warp_rotations(
    pose: Float[Tensor, "B T *n 3 3"],
    forward: Float[Tensor, "B T *n 3 3"],
    backward: Float[Tensor, "B T *n 3 3"],
) -> Float[Tensor, "B T T *n 3 3"]:
    """The same by composing rotations: R_{i→j} = f_{j−1} ··· f_i · R_i, and likewise backward.

    A product over a range is a quotient of two running products, P_j · P_iᵀ.
    """
    before = _running_product(forward)  # P_j = f_{j−1} ··· f_0
    after = _running_product(backward.flip(1)).flip(1)  # Q_j = b_{j+1} ··· b_{T−1}
    onward = before[:, None] @ before[:, :, None].mT
    back = after[:, None] @ after[:, :, None].mT
    return torch.where(_later(pose), onward, back) @ pose[:, :, None]


def fuse(
    pose: Float[Tensor, "B T 16 3 3"],
    pose6d: Float[Tensor, "B T 16 6"],
    forward: Float[Tensor, "B T 16 m"],
    backward: Float[Tensor, "B T 16 m"],
    weights: Float[Tensor, "B T"],
    space: Space = "rot6d",
    index_slip: bool = False,
) -> Float[Tensor, "B T 16 3 3"]:
    """θ̂_j for every frame j: the weighted mean of all frames' guesses, as rotation matrices.

    `pose` and `pose6d` are the same poses twice, motions are in `space`: m is 6 for "rot6d" and
    3, a rotation vector, for the others.
    """
    if space == "so3":
        steps = axis_angle_to_rotmat(forward), axis_angle_to_rotmat(backward)
        return mean_rotation(warp_rotations(pose, *steps), weights)
    start = pose6d if space == "rot6d" else rotmat_to_axis_angle(pose)
    warped = warp(start, forward, backward, index_slip)  # B T T 16 m
    mean = torch.einsum("bi,bijnm->bjnm", weights, warped)
    return rot6d_to_rotmat(mean) if space == "rot6d" else axis_angle_to_rotmat(mean)


def move(
    pose: Float[Tensor, "B T 16 3 3"],
    pose6d: Float[Tensor, "B T 16 6"],
    motion: Float[Tensor, "B T 16 m"],
    space: Space = "rot6d",
) -> Float[Tensor, "B T 16 3 3"]:
    """One step: each frame's pose carried along its own motion."""
    match space:
        case "rot6d":
            return rot6d_to_rotmat(pose6d + motion)
        case "axis_angle":
            return axis_angle_to_rotmat(rotmat_to_axis_angle(pose) + motion)
        case "so3":
            return axis_angle_to_rotmat(motion) @ pose


def mean_rotation(
    rotations: Float[Tensor, "B T *n 3 3"], weights: Float[Tensor, "B T"]
) -> Float[Tensor, "B *n 3 3"]:
    """The rotation nearest to the weighted sum, in the entries of the matrices (chordal mean).

    Its polar factor, by Newton's iteration (Björck and Bowie 1971): products only, so that the
    gradient stays finite where a singular value decomposition's does not, at equal rotations.
    Guesses that cancel each other, nearly a half turn apart, have no mean, here as anywhere.
    """
    shape = (*weights.shape, *(1,) * (rotations.ndim - 2))
    mean = (weights.reshape(shape) * rotations).sum(dim=1)
    for _ in range(_POLAR_STEPS):
        mean = 1.5 * mean - 0.5 * mean @ mean.mT @ mean
    return mean


def _running_sum(x: Float[Tensor, "B T *n"]) -> Float[Tensor, "B T *n"]:
    """At j the sum of everything before j."""
    return x.cumsum(dim=1) - x


def _running_product(steps: Float[Tensor, "B T *n 3 3"]) -> Float[Tensor, "B T *n 3 3"]:
    """At j the product of everything before j, the latest on the left."""
    product = torch.eye(3).to(steps).expand_as(steps[:, 0])
    products = [product]
    for step in steps[:, :-1].unbind(1):
        product = step @ product
        products.append(product)
    return torch.stack(products, dim=1)


def _later(pose: Float[Tensor, "B T *n"]) -> Tensor:
    """Where j ≥ i, shaped to choose among warped poses."""
    frames = torch.arange(pose.shape[1], device=pose.device)
    return (frames >= frames[:, None]).reshape(len(frames), len(frames), *(1,) * (pose.ndim - 2))
