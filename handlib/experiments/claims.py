"""What the two papers say, beside the effect that the course measured, and a verdict by one rule.

`course/texts/claims.yaml` holds the claims and names the measurements; the numbers come from the
result files. An effect is positive where it is as claimed. Every seed has one, with its 95 %
interval over test images or clips where the file has it. Of a difference between two entries of a
file no interval is known: there all seeds together get one, Student's t. The verdict:

    shown       the intervals of all seeds lie above zero
    reversed    they all lie below zero
    not shown   anything else, also with a single seed and no interval
    not measured    there is no result file yet, or it lacks this measurement
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, Literal, NamedTuple

from scipy import stats

from handlib.course import texts
from handlib.course.paper_tables import paper_tables
from handlib.course.text import Text
from handlib.experiments.evidence import FOLDER, load_evidence
from handlib.viz.evidence_rows import Measured, measured, rows

Verdict = Literal["shown", "reversed", "not shown", "not measured"]
Keys = tuple[str, ...]
LEVEL = 0.95


@dataclass(frozen=True)
class Source:
    """Where one effect of a claim is read: sign · (value − minus).

    evidence: the experiment. minus: a number, another network's name, or another path. printed:
    the nearest that the paper's own tables have, in millimetres, None if they have none.
    """

    evidence: str
    network: str
    path: Keys
    what: Text
    unit: str
    sign: int = 1
    minus: float | str | Keys = 0.0
    printed: float | None = None


@dataclass(frozen=True)
class Claim:
    """What a paper claims, and where this course teaches it."""

    id: str
    paper: str
    section: str
    notebook: str
    claim: Text
    measured: tuple[Source, ...]


@dataclass(frozen=True)
class Effect:
    """What a source found, in its unit; positive is as claimed.

    seeds: one number a seed (of maps with several heads, one a seed and head). low, high: ends of
    the seeds' 95 % intervals, the outermost ones; None where there is none.
    """

    seeds: tuple[float, ...]
    low: float | None
    high: float | None

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return fmean(self.seeds)

    @property
    def verdict(self) -> Verdict:
        """By the rule at the head of this file."""
        if self.low is None or self.high is None:
            return "not shown"
        return "shown" if self.low > 0 else "reversed" if self.high < 0 else "not shown"


class Finding(NamedTuple):
    """A claim, one of its sources, and the effect; None where nothing was measured."""

    claim: Claim
    source: Source
    effect: Effect | None

    @property
    def verdict(self) -> Verdict:
        """The effect's, or that there is none."""
        return self.effect.verdict if self.effect else "not measured"


@cache
def claims() -> tuple[Claim, ...]:
    """All claims, HandOccNet's first."""
    return tuple(_claim(entry) for entry in texts.load("claims"))


def findings(folder: Path | str = FOLDER) -> list[Finding]:
    """Every source of every claim with what the result files in `folder` say of it."""
    results = {name: _result(name, folder) for name in {s.evidence for s in _sources()}}
    return [
        Finding(claim, source, effect(source, results[source.evidence]))
        for claim in claims()
        for source in claim.measured
    ]


def effect(source: Source, result: Mapping[str, Any] | None) -> Effect | None:
    """The effect in a result file; None without a file, and if it lacks the measurement."""
    if result is None:
        return None
    table = rows(result)
    found = _of(table, source.network, source.path)
    if isinstance(source.minus, float):
        shifted = [_moved(one, source.sign, source.minus) for one in found]
        return _together(shifted) if shifted else None
    network, path = source.network, source.path
    if isinstance(source.minus, str):
        network = source.minus
    else:
        path = source.minus
    other = _of(table, network, path)
    if not found or len(found) != len(other):
        return None
    pairs = zip(found, other, strict=True)
    return _over_seeds([source.sign * (one.mean - less.mean) for one, less in pairs])


def _claim(entry: dict[str, Any]) -> Claim:
    return Claim(
        id=entry["id"],
        paper=entry["paper"],
        section=entry["section"],
        notebook=entry["notebook"],
        claim=Text(entry["claim"], entry["claim_ko"]),
        measured=tuple(_source(one) for one in entry["measured"]),
    )


def _source(entry: dict[str, Any]) -> Source:
    return Source(
        evidence=entry["in"],
        network=entry["network"],
        path=tuple(entry["path"]),
        what=Text(entry["what"], entry["what_ko"]),
        unit=entry["unit"],
        sign=entry.get("sign", 1),
        minus=_minus(entry.get("minus", 0)),
        printed=_printed(entry.get("printed")),
    )


def _minus(value: Any) -> float | str | Keys:
    if isinstance(value, list):
        return tuple(value)
    return value if isinstance(value, str) else float(value)


def _printed(entry: dict[str, str] | None) -> float | None:
    if entry is None:
        return None
    column = paper_tables()[entry["table"]].column(entry["column"])
    return column[entry["worse"]] - column[entry["better"]]


def _sources() -> list[Source]:
    return [source for claim in claims() for source in claim.measured]


def _result(name: str, folder: Path | str) -> dict[str, Any] | None:
    try:
        return load_evidence(name, folder)
    except FileNotFoundError:
        return None


def _of(table: Sequence[Mapping[str, Any]], network: str, path: Keys) -> list[Measured]:
    """One network's measurements, a seed after the other; none if it lacks them."""
    mine = [row for row in table if row["network"] == network]
    try:
        return measured(mine, path).get(network, [])
    except ValueError:
        return []


def _moved(one: Measured, sign: int, minus: float) -> Measured:
    mean = sign * (one.mean - minus)
    if one.interval is None:
        return Measured(mean)
    low, high = sorted(sign * (end - minus) for end in one.interval)
    return Measured(mean, (low, high))


def _together(seeds: Sequence[Measured]) -> Effect:
    means = tuple(seed.mean for seed in seeds)
    intervals = [seed.interval for seed in seeds if seed.interval is not None]
    if len(intervals) < len(seeds):
        return _over_seeds(means)
    return Effect(means, min(low for low, _ in intervals), max(high for _, high in intervals))


def _over_seeds(means: Sequence[float]) -> Effect:
    if len(means) < 2:
        return Effect(tuple(means), None, None)
    t = float(stats.t.ppf((1 + LEVEL) / 2, len(means) - 1))
    half = t * stdev(means) / len(means) ** 0.5
    return Effect(tuple(means), fmean(means) - half, fmean(means) + half)
