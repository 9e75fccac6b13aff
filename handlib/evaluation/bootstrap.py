"""How sure a mean error is: bootstrap confidence intervals (Efron 1979)."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from torch import Tensor


def mean_interval(
    errors: Float[Tensor, " N"],
    groups: Sequence[str] | Sequence[int] | None = None,
    level: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean; (NaN, NaN) without errors.

    NaN stands for what could not be measured, such as a region that an image lacks: left out.
    groups: what each sample belongs to, such as its sequence. Frames of one video resemble each
    other, and an interval that takes them for independent is too narrow; with `groups`, whole
    groups are drawn.
    """
    values = errors.double().cpu().numpy()
    known = ~np.isnan(values)
    if not known.any():
        return float("nan"), float("nan")
    index = np.arange(len(values)) if groups is None else np.asarray(groups)
    index, values = np.unique(index[known], return_inverse=True)[1], values[known]
    sums, counts = np.bincount(index, values), np.bincount(index)
    rng = np.random.default_rng(seed)
    draws = (rng.integers(len(sums), size=len(sums)) for _ in range(resamples))
    means = [sums[draw].sum() / counts[draw].sum() for draw in draws]
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
