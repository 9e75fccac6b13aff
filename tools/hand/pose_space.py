"""MANO's pose space: mean, 45 principal components and coefficients of the training poses."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from .articulation import FLEXION, Articulation

# Rows of `hands_coeffs` in a MANO file.
COEFFICIENT_ROWS = 1554


@dataclass(frozen=True)
class PoseSpace:
    """`hands_mean`, `hands_components` (orthonormal rows) and `hands_coeffs`."""

    mean: Float[np.ndarray, "45"]
    components: Float[np.ndarray, "45 45"]
    coefficients: Float[np.ndarray, "1554 45"]
    explained: Float[np.ndarray, "45"]


def fit_pose_space(
    poses: Float[np.ndarray, "N 15 3"], articulation: Articulation, rng: np.random.Generator
) -> PoseSpace:
    """PCA of axis-angles. A component's sign closes the hand; the first is opening to closing."""
    flat = poses.reshape(len(poses), 45)
    mean = flat.mean(0)
    _, singular, components = np.linalg.svd(flat - mean, full_matrices=False)
    closing = (components.reshape(45, 15, 3) * articulation.axes[:, FLEXION]).sum((1, 2))
    components = components * np.where(closing < 0, -1, 1)[:, None]
    rows = np.sort(rng.choice(len(poses), COEFFICIENT_ROWS, replace=False))
    coefficients = (flat[rows] - mean) @ components.T
    return PoseSpace(mean, components, coefficients, singular**2 / (singular**2).sum())
