"""A row of an image study's result file: what was measured of one network, and beside another.

Errors are millimetres, those of joints in the image pixels.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from handlib.evaluation.map_scores import MapScore
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

HIDDEN = OCCLUSION_BINS[-3]  # from this hidden share on an image counts as hidden most
ERRORS = ("root_aligned", "procrustes")


def errors(scores: Scores, beside: Scores, groups: Groups | None = None) -> dict[str, Any]:
    """Means, by occlusion, and what the root-aligned error lies below that of `beside`, `gain`.

    groups: what intervals are drawn over, for each image, else images.
    """
    gains = 1000 * (beside.root_aligned - scores.root_aligned)
    hidden = gains.where(hidden_from(HIDDEN, scores), torch.nan)
    return millimetres(scores.means()) | {
        "by_occlusion": occlusion_table(scores),
        "gain": {"all": _mean(gains, groups), "hidden": _mean(hidden, groups)},
    }


def joints_row(joints: Mapping[str, Tensor], beside: Mapping[str, Tensor]) -> dict[str, Any]:
    """Errors in the image, as `joint_errors` has them, and what they lie below the other's."""
    return {
        "joints_px": {which: _mean(distances) for which, distances in joints.items()},
        "gain_px": {which: _mean(beside[which] - joints[which]) for which in joints},
    }


def shown(maps: Mapping[str, MapScore]) -> dict[str, dict[str, Any]]:
    """For a result file: to the thousandth, without what no image could tell."""
    return {
        name: {
            "mean": round(score.mean, 3),
            "interval": [round(score.low, 3), round(score.high, 3)],
            "images": score.images,
        }
        for name, score in maps.items()
        if score.images
    }


def spread_of(runs: list[dict[str, Any]], network: str) -> dict[str, Any]:
    """Mean, smallest and largest over the seeds of what a network's rows hold."""
    mine = [row for row in runs if row["network"] == network]
    columns: dict[str, list[float]] = {name: [row[name] for row in mine] for name in ERRORS}
    for which in ("all", "hidden"):
        columns[f"gain_{which}"] = [row["gain"][which]["mean"] for row in mine]
    for which in ("hidden", "visible"):
        columns[f"joints_px_{which}"] = [row["joints_px"][which]["mean"] for row in mine]
    return {name: spread(values) for name, values in columns.items()}


def _mean(values: Tensor, groups: Groups | None = None) -> dict[str, Any]:
    return {"images": int(values.isfinite().sum())} | mean_with_interval(values, groups)
