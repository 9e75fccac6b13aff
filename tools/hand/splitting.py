"""Split a pose corpus by whole clusters so that no test pose has a close relative in training."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.cluster.vq import kmeans2

from .skinning import rotation_matrices

TRAIN, VALIDATION, TEST = range(3)
CLUSTERS = 48
GROUP = 8  # divides CLUSTERS; one cluster of each group is tested on, one validated on
# Mean over the 15 joints of the angle between two poses; closer ones count as relatives.
RELATIVE = np.radians(6.0)


@dataclass(frozen=True)
class SplitCorpus:
    """Poses (N,15,3) with cluster and split; and how many near relatives were left out."""

    poses: Float[np.ndarray, "N 15 3"]
    cluster: Int[np.ndarray, "N"]
    split: Int[np.ndarray, "N"]
    near_before: float
    near_after: float
    left_out: int


def split_by_cluster(poses: Float[np.ndarray, "N 15 3"], rng: np.random.Generator) -> SplitCorpus:
    """k-means on the axis-angles, whole clusters to the splits, borders thinned out.

    Validation and test poses within `RELATIVE` of a training pose, and test poses that near a
    validation pose, are dropped.
    """
    flat = poses.reshape(len(poses), -1)
    _, labels = kmeans2(flat, CLUSTERS, minit="++", seed=rng)
    _, labels = np.unique(labels, return_inverse=True)
    split = _assign(flat, labels, rng)
    near_before = float((nearest(poses[split == TEST], poses[split == TRAIN]) < RELATIVE).mean())
    keep = np.ones(len(poses), bool)
    for held_out, others in ((VALIDATION, (TRAIN,)), (TEST, (TRAIN, VALIDATION))):
        rows = np.flatnonzero(split == held_out)
        relatives = nearest(poses[rows], poses[np.isin(split, others)]) < RELATIVE
        keep[rows[relatives]] = False
    poses, labels, split = poses[keep], labels[keep], split[keep]
    near_after = float((nearest(poses[split == TEST], poses[split == TRAIN]) < RELATIVE).mean())
    return SplitCorpus(poses, labels, split, near_before, near_after, int((~keep).sum()))


def nearest(
    poses: Float[np.ndarray, "N 15 3"], others: Float[np.ndarray, "M 15 3"]
) -> Float[np.ndarray, "N"]:
    """Smallest mean joint angle (radians) from each pose to any of the others."""
    matrices = rotation_matrices(others).reshape(len(others), 15, 9)
    closest = []
    for pose in rotation_matrices(poses).reshape(len(poses), 15, 9):
        cosine = (np.einsum("mjk,jk->mj", matrices, pose) - 1) / 2
        closest.append(np.arccos(np.clip(cosine, -1, 1)).mean(1).min())
    return np.array(closest)


def _assign(
    poses: Float[np.ndarray, "N 45"], labels: Int[np.ndarray, "N"], rng: np.random.Generator
) -> Int[np.ndarray, "N"]:
    """Of every eight clusters about equally far from the mean pose, one tests, one validates.

    Drawn at random instead, a dozen held-out clusters can all be near the mean, and the mean pose
    is then a better guess on one split than on another.
    """
    distance = np.linalg.norm(poses - poses.mean(0), axis=1)
    order = np.argsort(np.bincount(labels, distance) / np.bincount(labels))
    split = np.full(len(labels), TRAIN)
    for start in range(0, len(order), GROUP):
        test, validation = rng.choice(order[start : start + GROUP], 2, replace=False)
        split[labels == test] = TEST
        split[labels == validation] = VALIDATION
    return split
