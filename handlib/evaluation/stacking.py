"""Samples out of a file that may hold anything: one array, and what is wrong with each sample."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float


def stack(
    samples: Sequence[Any], points: int, what: str
) -> tuple[Float[np.ndarray, "N P 3"], list[str]]:
    """Samples of `points` points as one array, NaN where one is unusable, and the faults.

    what: the word for them in the messages. Each kind of fault is named once, with how many
    samples have it and which is the first.
    """
    stacked = np.full((len(samples), points, 3), np.nan)
    found: defaultdict[str, list[int]] = defaultdict(list)
    for number, sample in enumerate(samples):
        array = _array(sample, points)
        if isinstance(array, str):
            found[array].append(number)
        else:
            stacked[number] = array
    return stacked, [
        f"{what}: expected {points}×3 finite numbers, found {problem} in "
        f"{count_and_first(numbers, 'hands')}"
        for problem, numbers in found.items()
    ]


def count_and_first(numbers: Sequence[int] | np.ndarray, what: str) -> str:
    """How many, and which comes first; hands are counted from 0."""
    return f"{len(numbers):,} {what}, first {what.removesuffix('s')} {numbers[0]}"


def listed(path: Path) -> list[str]:
    """The lines of a text file, without the empty ones.

    Raises:
        FileNotFoundError: there is no such file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; expected one name a line")
    return path.read_text().split()


def _array(sample: Any, points: int) -> np.ndarray | str:
    """The sample's numbers, or what it is instead."""
    try:
        array = np.asarray(sample)
    except ValueError:
        return "rows of different lengths"
    if array.shape != (points, 3):
        return f"the shape {'×'.join(map(str, array.shape)) or 'of a single value'}"
    if array.dtype.kind not in "fiu":
        return "something that is no number"
    return array if np.isfinite(array).all() else "NaN or infinity"
