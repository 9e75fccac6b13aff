"""MANO's shape space: principal components of a population of hands in rest pose.

`shapedirs` are components times their standard deviations, so that betas are standard normal.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float

from .extraction import Anatomy
from .population import hand_length

COMPONENTS = 10


@dataclass(frozen=True)
class ShapeSpace:
    """Template, shape directions and joints, centred on the template's mean vertex, in metres."""

    template: Float[np.ndarray, "778 3"]
    directions: Float[np.ndarray, "778 3 10"]
    joints: Float[np.ndarray, "16 3"]
    joint_directions: Float[np.ndarray, "16 3 10"]
    tips: Float[np.ndarray, "5 3"]
    explained: Float[np.ndarray, "10"]
    residual: float  # root mean square distance of the samples' vertices, metres
    lengths: Float[np.ndarray, "N"]  # of the population's hands, metres


def fit_shape_space(hands: list[Anatomy], transfer: sp.csr_matrix) -> ShapeSpace:
    """PCA over the transferred vertices; joints follow linearly by least squares.

    A component's sign makes hands longer; where length says little, its largest entry is
    positive.
    """
    lengths = np.array([hand_length(hand) for hand in hands])
    shapes = np.stack([transfer @ hand.vertices for hand in hands])
    mean = shapes.mean(0)
    flat = (shapes - mean).reshape(len(hands), -1)
    left, singular, components = np.linalg.svd(flat, full_matrices=False)
    deviations = singular[:COMPONENTS] / np.sqrt(len(hands) - 1)
    betas = left[:, :COMPONENTS] * np.sqrt(len(hands) - 1)
    signs = _signs(betas, components[:COMPONENTS], lengths)
    betas *= signs
    directions = components[:COMPONENTS] * (signs * deviations)[:, None]
    residual = flat - betas @ directions
    joints, joint_directions = _linear_joints(betas, hands)
    origin = mean.mean(0)
    return ShapeSpace(
        template=mean - origin,
        directions=directions.reshape(COMPONENTS, -1, 3).transpose(1, 2, 0),
        joints=joints - origin,
        joint_directions=joint_directions,
        tips=np.mean([hand.tips for hand in hands], axis=0) - origin,
        explained=singular[:COMPONENTS] ** 2 / (singular**2).sum(),
        residual=float(np.sqrt((residual**2).sum(1).mean() / len(mean))),
        lengths=lengths,
    )


def _signs(
    betas: Float[np.ndarray, "N 10"],
    components: Float[np.ndarray, "10 D"],
    lengths: Float[np.ndarray, "N"],
) -> Float[np.ndarray, "10"]:
    correlation = np.array([np.corrcoef(column, lengths)[0, 1] for column in betas.T])
    largest = components[np.arange(len(components)), np.abs(components).argmax(1)]
    return np.where(np.abs(correlation) > 0.1, np.sign(correlation), np.sign(largest))


def _linear_joints(
    betas: Float[np.ndarray, "N 10"], hands: list[Anatomy]
) -> tuple[Float[np.ndarray, "16 3"], Float[np.ndarray, "16 3 10"]]:
    joints = np.stack([hand.joints for hand in hands])
    design = np.column_stack([np.ones(len(hands)), betas])
    solution, *_ = np.linalg.lstsq(design, joints.reshape(len(hands), -1), rcond=None)
    return solution[0].reshape(16, 3), solution[1:].reshape(COMPONENTS, 16, 3).transpose(1, 2, 0)
