"""Forward kinematics, linear blend skinning and dual-quaternion skinning in NumPy.

Conventions are MANO's: the world frame of the rest pose is every joint's local frame, and a
joint's transform is x -> G x + t. Leading dimensions are batches.
"""

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from .rig import PARENTS


def rotation_matrices(axis_angle: Float[np.ndarray, "*B 3"]) -> Float[np.ndarray, "*B 3 3"]:
    """Rotation vectors in radians to matrices."""
    flat = Rotation.from_rotvec(axis_angle.reshape(-1, 3)).as_matrix()
    return flat.reshape(*axis_angle.shape, 3)


def rotation_between(
    start: Float[np.ndarray, "3"], end: Float[np.ndarray, "3"], fraction: float = 1.0
) -> Float[np.ndarray, "3 3"]:
    """The smallest rotation that takes direction `start` towards `end`, done to a fraction."""
    axis = np.cross(unit(start), unit(end))
    sine = np.linalg.norm(axis)
    angle = np.arctan2(sine, unit(start) @ unit(end)) * fraction
    return Rotation.from_rotvec(axis / max(sine, 1e-12) * angle).as_matrix()


def unit(vector: Float[np.ndarray, "*B 3"]) -> Float[np.ndarray, "*B 3"]:
    """The vector divided by its length."""
    return vector / np.linalg.norm(vector, axis=-1, keepdims=True)


def joint_transforms(
    local: Float[np.ndarray, "*B 16 3 3"], rest_joints: Float[np.ndarray, "16 3"]
) -> tuple[Float[np.ndarray, "*B 16 3 3"], Float[np.ndarray, "*B 16 3"]]:
    """Chain the local rotations: G (..,16,3,3) and t (..,16,3) with x -> G x + t."""
    rotations = [local[..., 0, :, :]]
    positions = [np.broadcast_to(rest_joints[0], local.shape[:-3] + (3,))]
    for joint, parent in enumerate(PARENTS[1:], start=1):
        rotations.append(rotations[parent] @ local[..., joint, :, :])
        bone = rotations[parent] @ (rest_joints[joint] - rest_joints[parent])
        positions.append(positions[parent] + bone)
    chained = np.stack(rotations, axis=-3)
    moved = np.stack(positions, axis=-2)
    return chained, moved - np.einsum("...jab,jb->...ja", chained, rest_joints)


def linear_blend(
    vertices: Float[np.ndarray, "V 3"],
    weights: Float[np.ndarray, "V 16"],
    rotations: Float[np.ndarray, "16 3 3"],
    translations: Float[np.ndarray, "16 3"],
) -> Float[np.ndarray, "V 3"]:
    """Linear blend skinning."""
    blended = np.einsum("vj,jab->vab", weights, rotations)
    return np.einsum("vab,vb->va", blended, vertices) + weights @ translations


def dual_quaternion_blend(
    vertices: Float[np.ndarray, "V 3"],
    weights: Float[np.ndarray, "V 16"],
    rotations: Float[np.ndarray, "16 3 3"],
    translations: Float[np.ndarray, "16 3"],
) -> Float[np.ndarray, "V 3"]:
    """Dual-quaternion skinning (Kavan et al. 2007): keeps volume where linear blending shrinks."""
    real = Rotation.from_matrix(rotations).as_quat()[:, [3, 0, 1, 2]]
    for joint, parent in enumerate(PARENTS[1:], start=1):
        # q and -q are one rotation but blend differently: take the parent's hemisphere.
        if real[joint] @ real[parent] < 0:
            real[joint] *= -1
    pure = np.concatenate([np.zeros((16, 1)), translations], axis=1)
    dual = 0.5 * _quaternion_product(pure, real)
    blended, offset = weights @ real, weights @ dual
    length = np.linalg.norm(blended, axis=1, keepdims=True)
    blended, offset = blended / length, offset / length
    offset -= blended * (blended * offset).sum(1, keepdims=True)
    moved = 2 * _quaternion_product(offset, blended * [1, -1, -1, -1])[:, 1:]
    turned = Rotation.from_quat(blended[:, [1, 2, 3, 0]]).apply(vertices)
    return turned + moved


def _quaternion_product(
    a: Float[np.ndarray, "N 4"], b: Float[np.ndarray, "N 4"]
) -> Float[np.ndarray, "N 4"]:
    scalar = a[:, :1] * b[:, :1] - (a[:, 1:] * b[:, 1:]).sum(1, keepdims=True)
    vector = a[:, :1] * b[:, 1:] + b[:, :1] * a[:, 1:] + np.cross(a[:, 1:], b[:, 1:])
    return np.concatenate([scalar, vector], axis=1)
