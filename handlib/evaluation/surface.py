"""F-score of a surface given by its vertices (Knapitsch et al., "Tanks and Temples", 2017)."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from jaxtyping import Float
from scipy.spatial import cKDTree
from torch import Tensor


def f_score(
    predicted: Float[Tensor, "B N 3"], target: Float[Tensor, "B M 3"], threshold: float
) -> Float[Tensor, " B"]:
    """Harmonic mean of precision and recall at `threshold` metres; F@5 is `threshold=0.005`.

    Precision is the share of predicted vertices that are nearer than `threshold` to a vertex of
    the target, recall the other way round. Nothing counts which vertex it is; 0 where neither
    surface comes near the other. In double precision on the CPU, wherever the vertices are.
    """
    return f_scores(predicted, target, (threshold,))[:, 0]


def f_scores(
    predicted: Float[Tensor, "B N 3"], target: Float[Tensor, "B M 3"], thresholds: Sequence[float]
) -> Float[Tensor, "B K"]:
    """`f_score` at K thresholds, for the price of the largest."""
    surfaces = predicted.double().cpu().numpy(), target.double().cpu().numpy()
    limits = np.asarray(thresholds)
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:  # SciPy's trees release the GIL
        scores = list(pool.map(lambda one, other: _f_of_one(one, other, limits), *surfaces))
    return torch.from_numpy(np.array(scores).reshape(-1, len(limits)))


def _f_of_one(predicted: np.ndarray, target: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Trees with cheap splits: each is asked once only, so a balanced one does not pay."""
    farthest = limits.max()
    trees = [
        cKDTree(points, balanced_tree=False, compact_nodes=False) for points in (predicted, target)
    ]
    to_target, _ = trees[1].query(predicted, distance_upper_bound=farthest)
    to_predicted, _ = trees[0].query(target, distance_upper_bound=farthest)
    precision = (np.asarray(to_target)[:, None] < limits).mean(0)
    recall = (np.asarray(to_predicted)[:, None] < limits).mean(0)
    total = precision + recall
    return np.divide(2 * precision * recall, total, out=np.zeros_like(total), where=total > 0)
