"""MANO's joint regressor: convex weights on nearby vertices, right for every shape."""

import numpy as np
import scipy.optimize
from jaxtyping import Float, Int

from .rig import PARENTS
from .shape_space import ShapeSpace

SUPPORT = 40  # vertices a finger joint may use: the nearest among those its bones move
WRIST_SLAB = 0.02  # metres to either side of the wrist joint


def joint_regressor(
    space: ShapeSpace, weights: Float[np.ndarray, "778 16"]
) -> Float[np.ndarray, "16 778"]:
    """Non-negative rows that sum to 1."""
    regressor = np.zeros((len(PARENTS), len(space.template)))
    for joint in range(len(PARENTS)):
        support = _support(space, weights, joint)
        regressor[joint, support] = _convex_weights(space, joint, support)
    return regressor


def regressor_errors(
    space: ShapeSpace, regressor: Float[np.ndarray, "16 778"]
) -> tuple[float, float]:
    """Largest joint error in metres: on the template, and per unit of any beta."""
    template = np.linalg.norm(regressor @ space.template - space.joints, axis=1)
    moved = np.einsum("jv,vck->jck", regressor, space.directions) - space.joint_directions
    return float(template.max()), float(np.linalg.norm(moved, axis=1).max())


def _support(
    space: ShapeSpace, weights: Float[np.ndarray, "778 16"], joint: int
) -> Int[np.ndarray, "S"]:
    offset = space.template - space.joints[joint]
    parent = PARENTS[joint]
    if parent < 0:
        return np.flatnonzero(np.abs(offset[:, 0]) < WRIST_SLAB)
    # A finger's root is found among its own vertices, else the whole palm would qualify.
    moved = weights[:, joint] > 0.02 if parent == 0 else weights[:, [joint, parent]].sum(1) > 0.3
    moved_ids = np.flatnonzero(moved)
    nearest = np.argsort(np.linalg.norm(offset[moved_ids], axis=1), kind="stable")
    return np.sort(moved_ids[nearest[:SUPPORT]])


def _convex_weights(
    space: ShapeSpace, joint: int, support: Int[np.ndarray, "S"]
) -> Float[np.ndarray, "S"]:
    """Non-negative least squares over template and directions, in millimetres.

    The last rows ask for sum 1 and, gently, for weights spread over the whole support.
    """
    basis = [space.template[support].T, *space.directions[support].transpose(2, 1, 0)]
    wanted = [space.joints[joint], *space.joint_directions[joint].T]
    count = len(support)
    matrix = np.vstack([1e3 * np.vstack(basis), 1e4 * np.ones((1, count)), 0.8 * np.eye(count)])
    target = np.r_[1e3 * np.concatenate(wanted), 1e4, np.full(count, 0.8 / count)]
    weights, _ = scipy.optimize.nnls(matrix, target)
    return weights / weights.sum()
