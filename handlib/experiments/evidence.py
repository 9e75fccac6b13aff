"""The result files that a checkout of the course ships: what the experiments found."""

import json
import math
import os
import platform
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from handlib.evaluation.bootstrap import mean_interval
from handlib.training.evaluate import Scores

Groups = Sequence[str] | Sequence[int]
"""What each sample belongs to, as in `mean_interval`."""

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


def millimetres(metres: Mapping[str, float]) -> dict[str, Any]:
    """For people: millimetres, to the hundredth; None where nothing was measured."""
    return {name: rounded(1000 * value) for name, value in metres.items()}


def rounded(value: float, digits: int = 2) -> float | None:
    """None for NaN, which JSON does not know."""
    return None if math.isnan(value) else round(value, digits) + 0.0  # no -0.0


def spread(values: Sequence[float | None], digits: int = 2) -> dict[str, Any]:
    """Mean over the seeds, smallest and largest; seeds without a value do not count."""
    known = [value for value in values if value is not None]
    if not known:
        return {"mean": None, "min": None, "max": None}
    mean = round(statistics.fmean(known), digits)
    return {"mean": mean, "min": min(known), "max": max(known)}


def mean_with_interval(
    values: Float[Tensor, " N"], groups: Groups | None = None, digits: int = 2
) -> dict[str, Any]:
    """Mean and its 95 % interval, to the hundredth; `groups` as in `mean_interval`.

    NaN is left out, as there; both are None where nothing is left.
    """
    if values.isnan().all():
        return {"mean": None, "interval": None}
    interval = [rounded(end, digits) for end in mean_interval(values, groups)]
    return {"mean": rounded(values.nanmean().item(), digits), "interval": interval}


def occlusion_table(scores: Scores) -> list[dict[str, Any]]:
    """The rows of `Scores.table`, their errors in millimetres, None in an empty bin."""
    errors = ("root_aligned", "procrustes")
    return [row | millimetres({name: row[name] for name in errors}) for row in scores.table()]


def hidden_from(share: float, scores: Scores) -> Bool[Tensor, " N"]:
    """Which samples are hidden by `share` or more; none of a set that does not tell."""
    if scores.occlusion is None:
        return torch.zeros(len(scores.root_aligned), dtype=torch.bool)
    return scores.occlusion >= share


def spread_table(result: Mapping[str, Any], columns: Mapping[str, str], digits: int = 1) -> str:
    """A line a network: mean over the seeds and, in brackets, smallest to largest.

    columns: what stands above each, and its name in the result's `spread`. A network without it
    has a dash.

    Raises:
        KeyError: no network has one of the columns.
    """
    rows = [("", *columns)]
    for name, found in result["spread"].items():
        rows.append((name, *(_cell(found.get(key), digits) for key in columns.values())))
    for header, key in columns.items():
        if not any(key in found for found in result["spread"].values()):
            known = sorted(set().union(*result["spread"].values()))
            raise KeyError(f"{header}: expected one of {', '.join(known)}, found {key!r}")
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(_line(row, widths) for row in rows)


def _cell(found: Mapping[str, Any] | None, digits: int) -> str:
    if found is None or found["mean"] is None:
        return "–"
    mean, low, high = (f"{found[key]:z.{digits}f}" for key in ("mean", "min", "max"))
    return f"{mean} ({low} to {high})"


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = zip(row, widths, strict=True)
    return "  ".join([f"{first[0]:{first[1]}}", *(f"{cell:>{width}}" for cell, width in rest)])


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
