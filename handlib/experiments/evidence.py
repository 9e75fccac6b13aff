"""The result files that a checkout of the course ships: what the experiments found."""

import json
import os
import platform
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from handlib.evaluation.bootstrap import mean_interval
from handlib.training.evaluate import Scores

FOLDER = Path(__file__).resolve().parents[2] / "figures" / "evidence"


def load_evidence(name: str, folder: Path | str = FOLDER) -> dict[str, Any]:
    """The newest result of `handlib experiment NAME` that was committed.

    Raises:
        FileNotFoundError: there is none; the message says how to make it.
    """
    path = Path(folder) / f"{name}.json"
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} does not exist: work in a checkout of the course, "
            f"or make it with `handlib experiment {name}`"
        )
    return json.loads(path.read_text(encoding="utf-8"))


def millimetres(metres: Mapping[str, float]) -> dict[str, float]:
    """For people: millimetres, to the hundredth."""
    return {name: round(1000 * value, 2) for name, value in metres.items()}


def spread(values: Sequence[float]) -> dict[str, float]:
    """Mean over the seeds, smallest and largest."""
    return {"mean": round(statistics.fmean(values), 2), "min": min(values), "max": max(values)}


def mean_with_interval(
    values: Float[Tensor, " N"], groups: Sequence[int] | None = None
) -> dict[str, Any]:
    """Mean and its 95 % interval, to the hundredth; `groups` as in `mean_interval`."""
    interval = mean_interval(values, groups)
    return {
        "mean": round(values.mean().item(), 2),
        "interval": [round(end, 2) for end in interval],
    }


def occlusion_table(scores: Scores) -> list[dict[str, float]]:
    """The rows of `Scores.table`, their errors in millimetres."""
    errors = ("root_aligned", "procrustes")
    return [row | millimetres({name: row[name] for name in errors}) for row in scores.table()]


def origin(command: str) -> dict[str, str]:
    """What made a result: the command, the source's commit, the machine."""
    return {"command": command, "commit": commit(), "machine": machine()}


def machine() -> str:
    """What it ran on."""
    return f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}"


def commit() -> str:
    """The source's commit, "unknown" outside a checkout."""
    asked = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
    )
    return asked.stdout.strip() or "unknown"
