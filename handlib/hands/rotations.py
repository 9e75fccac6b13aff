"""Rotations as matrices, axis-angle vectors, 6D vectors and quaternions, differentiable.

Matrices (..., 3, 3) act on column vectors. Axis-angle (..., 3) is axis times angle in radians,
returned with an angle in [0, pi]. Quaternions (..., 4) are wxyz, returned with w >= 0. 6D
(..., 6) is the first two columns (Zhou et al., "On the Continuity of Rotation Representations in
Neural Networks", CVPR 2019, section 5).

Every conversion between a matrix and an axis-angle vector goes through a quaternion, which is
smooth at angles 0 and pi; that leaves one removable 0/0, at angle 0, replaced by its series, so
values are exact and gradients finite at both ends. (The released networks' conversion yields NaN
there and sets it to zero.)
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

# Squared half angle below which two terms of a series are exact to double precision.
_SMALL = 1e-8


def axis_angle_to_quaternion(axis_angle: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 4"]:
    """Unit quaternion, wxyz, of axis times angle in radians (any angle)."""
    half = axis_angle / 2
    square = half.square().sum(-1, keepdim=True)
    small = square < _SMALL
    angle = torch.where(small, torch.ones_like(square), square).sqrt()
    sinc = torch.where(small, 1 - square / 6, angle.sin() / angle)
    cosine = torch.where(small, 1 - square / 2, angle.cos())
    return torch.cat([cosine, sinc * half], dim=-1)


def quaternion_to_axis_angle(quaternion: Float[Tensor, "*batch 4"]) -> Float[Tensor, "*batch 3"]:
    """Axis times angle, the angle in [0, pi] radians, of a quaternion wxyz of any length but 0."""
    scalar, vector = _upper_half(quaternion).split([1, 3], dim=-1)
    square = vector.square().sum(-1, keepdim=True)
    # Compared with the scalar, so that the length of the quaternion plays no part.
    small = square < _SMALL * scalar.square()
    length = torch.where(small, torch.ones_like(square), square).sqrt()
    safe_scalar = torch.where(small, scalar, torch.ones_like(scalar))
    series = (1 - square / safe_scalar.square() / 3) / safe_scalar
    half_angle_per_length = torch.where(small, series, torch.atan2(length, scalar) / length)
    return 2 * half_angle_per_length * vector


def quaternion_to_rotmat(quaternion: Float[Tensor, "*batch 4"]) -> Float[Tensor, "*batch 3 3"]:
    """Rotation matrix of a quaternion wxyz of any length but 0."""
    return _unit_quaternion_to_rotmat(F.normalize(quaternion, dim=-1))


def rotmat_to_quaternion(rotmat: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch 4"]:
    """Unit quaternion, wxyz with w >= 0, of a rotation matrix.

    The symmetric matrix 4 q q^T is linear in the rotation matrix. Its row with the largest
    diagonal entry, normalised, is q: that entry is at least 1, so no square root or quotient
    comes near its singularity.
    """
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = (row.unbind(-1) for row in rotmat.unbind(-2))
    rows = [
        torch.stack([1 + xx + yy + zz, zy - yz, xz - zx, yx - xy], dim=-1),
        torch.stack([zy - yz, 1 + xx - yy - zz, xy + yx, xz + zx], dim=-1),
        torch.stack([xz - zx, xy + yx, 1 - xx + yy - zz, yz + zy], dim=-1),
        torch.stack([yx - xy, xz + zx, yz + zy, 1 - xx - yy + zz], dim=-1),
    ]
    outer = torch.stack(rows, dim=-2)  # ... 4 4
    largest = outer.diagonal(dim1=-2, dim2=-1).argmax(-1)[..., None, None]
    row = outer.take_along_dim(largest, dim=-2).squeeze(-2)
    return _upper_half(F.normalize(row, dim=-1))


def axis_angle_to_rotmat(axis_angle: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3 3"]:
    """Rotation matrix of axis times angle in radians (Rodrigues' formula)."""
    return _unit_quaternion_to_rotmat(axis_angle_to_quaternion(axis_angle))


def rotmat_to_axis_angle(rotmat: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch 3"]:
    """Axis times angle, the angle in [0, pi] radians; at pi either sign of the axis is right."""
    return quaternion_to_axis_angle(rotmat_to_quaternion(rotmat))


def mirrored_turn(axis_angle: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3"]:
    """The turn seen in a mirror, diag(-1, 1, 1): (x, y, z) becomes (x, -y, -z)."""
    return axis_angle * axis_angle.new_tensor([1.0, -1.0, -1.0])


def rot6d_to_rotmat(rot6d: Float[Tensor, "*batch 6"]) -> Float[Tensor, "*batch 3 3"]:
    """Gram-Schmidt: the first and the last three numbers become columns 1 and 2 of the matrix.

    Their lengths are free. Two parallel vectors, or a zero one, span no plane: the matrix is then
    finite, but not a rotation.
    """
    first, second = rot6d.split(3, dim=-1)
    first = F.normalize(first, dim=-1)
    second = F.normalize(second - (first * second).sum(-1, keepdim=True) * first, dim=-1)
    third = torch.linalg.cross(first, second, dim=-1)
    return torch.stack([first, second, third], dim=-1)


def rotmat_to_rot6d(rotmat: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch 6"]:
    """The first two columns, one after the other."""
    return rotmat[..., :2].transpose(-1, -2).flatten(-2)


def _unit_quaternion_to_rotmat(q: Float[Tensor, "*batch 4"]) -> Float[Tensor, "*batch 3 3"]:
    """R = I + 2 w [u] + 2 [u]^2, where [u] a is the cross product of the vector part and a."""
    w, x, y, z = (2**0.5 * q).unbind(-1)  # so that every product below is twice that of q
    xx, yy, zz = x * x, y * y, z * z
    xy, xz, yz = x * y, x * z, y * z
    wx, wy, wz = w * x, w * y, w * z
    entries = [1 - yy - zz, xy - wz, xz + wy]
    entries += [xy + wz, 1 - xx - zz, yz - wx]
    entries += [xz - wy, yz + wx, 1 - xx - yy]
    return torch.stack(entries, dim=-1).unflatten(-1, (3, 3))


def _upper_half(quaternion: Float[Tensor, "*batch 4"]) -> Float[Tensor, "*batch 4"]:
    """The one of q and -q, the same rotation, that has w >= 0."""
    return torch.where(quaternion[..., :1] < 0, -quaternion, quaternion)
