"""A row of a study's result file: what was measured of one network, and beside another's.

Errors are millimetres, accelerations millimetres per frame².
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from handlib.experiments.evidence import (
    Groups,
    hidden_from,
    mean_with_interval,
    millimetres,
    occlusion_table,
    spread,
)
from handlib.metrics import OCCLUSION_BINS
from handlib.training import Scores

HIDDEN = OCCLUSION_BINS[-2]  # from this hidden share on a frame counts as hidden most
ERRORS = ("root_aligned", "procrustes", "acceleration")
GAINS = ("gain", "gain_all", "gain_procrustes", "gain_acceleration")
DIGITS = 3  # of a study's own measures


def clip_of_each(runs: Sequence[range]) -> list[int]:
    """The clip of every window."""
    return [clip for clip, frames in enumerate(runs) for _ in frames]


def errors(
    scores: Scores, reference: Scores, clip: list[int], groups: Groups | None = None
) -> dict[str, Any]:
    """Means, by occlusion, and what they lie below those of `reference`.

    groups: what intervals are drawn over, for each window, else clips.
    """
    less = {
        name: 1000 * (getattr(reference, name) - getattr(scores, name))
        for name in ERRORS
        if getattr(scores, name) is not None
    }
    drawn: Sequence[Any] = groups or clip
    hidden = less["root_aligned"].where(hidden_from(HIDDEN, scores), torch.nan)
    gains = {
        "gain": _gain(hidden, drawn),
        "gain_all": _gain(less["root_aligned"], drawn),
        "gain_procrustes": _gain(less["procrustes"], drawn),
    }
    if "acceleration" in less:
        inner = [i for i, after in enumerate(clip[2:]) if clip[i] == after]
        gains["gain_acceleration"] = _gain(less["acceleration"], [drawn[i] for i in inner])
    return millimetres(scores.means()) | {"by_occlusion": occlusion_table(scores)} | gains


def _gain(values: Tensor, groups: Groups) -> dict[str, Any]:
    return {"frames": int(values.isfinite().sum())} | mean_with_interval(values, groups)


def measures(
    measured: dict[str, Tensor], reference: dict[str, Tensor], clip: list[int]
) -> dict[str, Any]:
    """Of each measure its mean, and what it lies below that of `reference`, `less`."""
    return {
        name: _summary(values, clip) | _less(values, reference.get(name), clip)
        for name, values in measured.items()
    }


def _less(values: Tensor, reference: Tensor | None, clip: list[int]) -> dict[str, Any]:
    if reference is None or reference.shape != values.shape:
        return {}
    return {"less": _summary(reference - values, clip)}


def _summary(values: Tensor, clip: list[int]) -> dict[str, Any]:
    """Count, mean and interval; lists of them for rows of several numbers."""
    if values.ndim == 2:
        columns = [_summary(column, clip) for column in values.T]
        return {name: [column[name] for column in columns] for name in columns[0]}
    groups = clip if len(values) == len(clip) else None  # else one for each clip
    count = int(values.isfinite().sum())
    return {"count": count} | mean_with_interval(values, groups, DIGITS)


def spread_of(runs: list[dict[str, Any]], network: str) -> dict[str, Any]:
    """Mean, smallest and largest over the seeds of what a network's rows hold."""
    mine = [row for row in runs if row["network"] == network]
    columns = {name: [row[name] for row in mine] for name in ERRORS if name in mine[0]}
    columns["hidden"] = [row["by_occlusion"][-1]["root_aligned"] for row in mine]
    columns |= {name: [row[name]["mean"] for row in mine] for name in GAINS if name in mine[0]}
    own = {
        name: spread([row["measures"][name]["mean"] for row in mine], DIGITS)
        for name, found in mine[0]["measures"].items()
        if not isinstance(found["mean"], list)
    }
    return {name: spread(values) for name, values in columns.items()} | own
