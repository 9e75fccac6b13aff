"""An experiment's result file as rows: what was measured of which network, seed by seed.

A row is `{"seed", "network", ...}`; a path names one of its measurements, ("root_aligned",) or
("gain", "hidden"). A measurement is a number, or `{"mean": ..., "interval": [low, high], ...}`.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

Row = Mapping[str, Any]
Path = tuple[str, ...]

ALONE = "handoccnet"  # what a result trains whose rows name no network
_NAMES = {"handoccnet": "HandOccNet", "deformer": "Deformer", "fit": "FIT", "set": "SET"}
_NOT_SAID = {"seed", "network", "minutes", "by_occlusion"}


@dataclass(frozen=True)
class Measured:
    """One seed's number and, where it is a mean of many, its 95 % interval."""

    mean: float
    interval: tuple[float, float] | None = None


def rows(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of a result file, each with its `network` and `seed`.

    Raises:
        ValueError: the result has neither `runs` nor `reach`, or none in it.
    """
    if result.get("runs"):
        return [{"network": ALONE} | row for row in result["runs"]]
    groups = result.get("reach")
    if not groups:
        raise ValueError(
            "result: expected `runs` (rows of seed, network, errors) or `reach` as "
            f"`handlib experiment` writes them, found {sorted(result)}"
        )
    return [{"network": group["network"]} | row for group in groups for row in seeded(group)]


def seeded(group: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The `runs` of a group whose rows are in the order of their seeds."""
    return [{"seed": seed} | run for seed, run in enumerate(group["runs"])]


def networks(table: Sequence[Row]) -> list[str]:
    """Their names, in the order of the rows."""
    return list(dict.fromkeys(row["network"] for row in table))


def label(name: str) -> str:
    """A network's name for people: `fit_without_set` is FIT without SET, `F_p alone` itself."""
    if not name.islower():
        return name
    return " ".join(_NAMES.get(word, word) for word in name.split("_"))


def measured(table: Sequence[Row], path: Path) -> dict[str, list[Measured]]:
    """What `path` names, by network; all that are finite, one a seed.

    A last key that ends in "." stands for all keys that begin with it: ("maps", "gate.") are the
    gates of all heads. A network may lack the measurement, as the backbone lacks a gate.

    Raises:
        ValueError: all networks lack it.
    """
    every = [(row["network"], list(_at(row, path))) for row in table]
    if not any(found for _, found in every):
        here = sorted("/".join(path) for path in {path for row in table for path, _ in _walk(row)})
        raise ValueError(f"path: no row has {'/'.join(path)!r}; there are {', '.join(here)}")
    by_network: dict[str, list[Measured]] = {name: [] for name in networks(table)}
    for name, found in every:
        by_network[name] += [one for one in found if math.isfinite(one.mean)]
    return by_network


def numbers(table: Sequence[Row]) -> dict[str, str]:
    """Every measurement in words for an alt text, mean over the seeds network by network.

    By the path's keys, joined by "_" so that a caption can ask for them: `{gain_hidden}`.
    """
    paths = dict.fromkeys(path for row in table for path, _ in _walk(row))
    return {_placeholder(path): in_words(measured(table, path)) for path in paths}


def in_words(found: Mapping[str, Sequence[Measured]]) -> str:
    """Mean over the seeds of each network that has any."""
    means = {name: fmean(one.mean for one in seeds) for name, seeds in found.items() if seeds}
    return ", ".join(f"{label(name)} {number(mean)}" for name, mean in means.items())


def number(value: float, among: float | None = None) -> str:
    """With the digits that a reader can use: 29.3, 2.81, 0.678, 0.0003.

    among: the largest number beside it, which then says how many there are.
    """
    if value == 0 and among is None:
        return "0"
    size = abs(value if among is None else among)
    digits = next((d for d, least in enumerate((10, 1, 0.01), start=1) if size >= least), 4)
    return f"{value:z.{digits}f}".replace("-", "\N{MINUS SIGN}")


def _placeholder(path: Path) -> str:
    return "_".join(path).replace(".", "_").replace(" ", "_")


def _measure(value: Any) -> Measured | None:
    if isinstance(value, Mapping) and "mean" in value:
        mean, interval = value["mean"], value.get("interval")
        if not isinstance(mean, int | float):
            return None  # of several columns, or of nothing that could be measured
        if interval is None or None in interval or not all(map(math.isfinite, interval)):
            return Measured(mean)
        return Measured(mean, tuple(interval))
    return Measured(value) if isinstance(value, int | float) else None


def _at(row: Row, path: Path) -> Iterator[Measured]:
    inner: Any = row
    for key in path[:-1]:
        inner = inner.get(key, {}) if isinstance(inner, Mapping) else {}
    if not isinstance(inner, Mapping):
        return
    last = path[-1]
    for key, value in inner.items():
        if key == last or (last.endswith(".") and key.startswith(last)):
            one = _measure(value)
            if one is not None:
                yield one


def _walk(row: Row, before: Path = ()) -> Iterator[tuple[Path, Measured]]:
    for key, value in row.items():
        if key in _NOT_SAID:
            continue
        one = _measure(value)
        if one is not None:
            yield (*before, key), one
        elif isinstance(value, Mapping) and "mean" not in value:
            yield from _walk(value, (*before, key))
