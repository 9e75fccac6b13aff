"""One measurement of several networks into given axes: seeds as marks, errors as lines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from matplotlib.axes import Axes

from handlib.viz import theme
from handlib.viz.evidence_rows import Measured, Path, Row, label, measured, networks, number

Styles = Mapping[str, tuple[str, str]]  # colour and marker by network

ERROR = {"root_aligned": "root-aligned error", "procrustes": "Procrustes-aligned error"}
_MARKERS = "osD^vP"


@dataclass(frozen=True)
class Panel:
    """One measurement of all networks: what, its axis label, and the line that it is held against.

    reference: what the same network's number would be by chance, or if nothing were gained.
    """

    path: Path
    label: str
    reference: float | None = None
    log: bool = False


@dataclass(frozen=True)
class Lines:
    """Errors by the hidden share; `networks`: which, None = all (at most six).

    against: a network; drawn is then what each error lies below its error, of the same seed.
    """

    networks: Sequence[str] | None = None
    against: str | None = None
    column: str = "root_aligned"


def dots(ax: Axes, table: Sequence[Row], panel: Panel, styles: Styles | None = None) -> None:
    """One panel: each network's seeds with their intervals, and the mean over the seeds.

    Raises:
        ValueError: no row has what `panel.path` names.
    """
    found = measured(table, panel.path)
    styles = styles or styles_of(list(found), None)
    if panel.reference is not None:
        ax.axvline(panel.reference, color=theme.INK, linewidth=0.8, linestyle=":")
    if panel.log:
        ax.set_xscale("log")
    for place, (name, seeds) in enumerate(found.items()):
        _network(ax, place, name, seeds, styles[name])
    _means(ax, found, panel.log)
    ax.set_yticks(range(len(found)), [label(name) for name in found])
    ax.set_ylim(len(found) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel(panel.label)
    ax.grid(axis="y", color="#eeeeee")
    ax.set_axisbelow(True)


def _network(
    ax: Axes, place: int, name: str, seeds: Sequence[Measured], style: tuple[str, str]
) -> None:
    colour, marker = style
    means = [seed.mean for seed in seeds]
    around = np.linspace(-0.22, 0.22, len(seeds)) if len(seeds) > 1 else np.zeros(len(seeds))
    for y, seed in zip(place + around, seeds, strict=True):
        if seed.interval is not None:
            ax.hlines(y, *seed.interval, color=colour, linewidth=1.2, gid=f"{name} interval")
    ax.plot(means, place + around, marker, color=colour, markersize=4.5, gid=f"{name} seeds")


def _means(ax: Axes, found: Mapping[str, Sequence[Measured]], each_its_digits: bool) -> None:
    """A tick at the mean over the seeds, and its number right of the axes; "–" without any."""
    means = {name: fmean(s.mean for s in seeds) for name, seeds in found.items() if seeds}
    largest = None if each_its_digits else max(map(abs, means.values()), default=0)
    for place, name in enumerate(found):
        text = number(means[name], largest) if name in means else "–"
        at = (1.02, place)
        ax.annotate(text, at, xycoords=("axes fraction", "data"), va="center", fontsize=9)
        if name in means:
            (tick,) = ax.plot([means[name]], [place], "|", color=theme.INK, gid=f"{name} mean")
            tick.set(markersize=15, markeredgewidth=1.6)


def occlusion_lines(
    ax: Axes, table: Sequence[Row], lines: Lines, styles: Styles | None = None
) -> None:
    """Mean over the seeds by the hidden share, one line a network; the band spans the seeds.

    Bins without an image are left out.

    Raises:
        ValueError: a network that `lines` names is not there, or rows lack `by_occlusion`.
    """
    names = networks(table)
    drawn = list(lines.networks or names)
    for name in (*drawn, *([lines.against] if lines.against else [])):
        if name not in names:
            raise ValueError(f"lines: no row of network {name!r}, there are {', '.join(names)}")
    styles = styles or styles_of(names, lines)
    errors = {name: _errors(table, name, lines.column) for name in names}
    bins = [i for i, bin in enumerate(table[0]["by_occlusion"]) if bin["count"]]
    for name in drawn:
        values = errors[name][:, bins]  # seeds, bins
        if lines.against:
            values = errors[lines.against][:, bins] - values
        colour, marker = styles[name]
        places = np.arange(len(bins))
        ax.fill_between(
            places, values.min(0), values.max(0), color=colour, alpha=0.14, linewidth=0
        )
        ax.plot(places, values.mean(0), marker=marker, color=colour, label=label(name), gid=name)
    ticks = [_share(table[0]["by_occlusion"][i]) for i in bins]
    ax.set_xlabel("hidden share of the hand, number of images")
    ax.set_ylabel(f"{ERROR[lines.column]} (mm)")
    if lines.against:
        own = errors[lines.against][:, bins].mean(0)
        ticks = [f"{tick}\n{number(error)} mm" for tick, error in zip(ticks, own, strict=True)]
        over = label(lines.against)
        ax.axhline(0, color=theme.INK, linewidth=0.8, linestyle=":")
        ax.set_xlabel(f"hidden share of the hand, number of images, error of {over}")
        ax.set_ylabel(f"{ERROR[lines.column]},\nbelow that of {over} (mm)")
    ax.set_xticks(range(len(bins)), ticks)
    if len(drawn) > 1:
        ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))


def _share(bin: Mapping[str, float]) -> str:
    return f"{100 * bin['low']:.0f}–{bin['high']:.0%}\n{bin['count']:,}"


def _errors(table: Sequence[Row], network: str, column: str) -> np.ndarray:
    mine = [row.get("by_occlusion") for row in table if row["network"] == network]
    if not all(mine):
        raise ValueError(f"by_occlusion: a row of {network!r} has none, or an empty one")
    if column not in ERROR:
        raise ValueError(f"column: expected one of {', '.join(ERROR)}, found {column!r}")
    return np.array([[bin[column] for bin in bins or ()] for bins in mine], dtype=float)


def styles_of(names: Sequence[str], lines: Lines | None) -> dict[str, tuple[str, str]]:
    """Networks that have a line keep its colour everywhere; without lines all look the same."""
    if lines is None:
        return dict.fromkeys(names, (theme.BLUE, "o"))
    drawn = list(lines.networks or names)
    if len(drawn) > len(_MARKERS):
        raise ValueError(
            f"lines: {len(drawn)} networks are more than {len(_MARKERS)} lines, which is what "
            "can be told apart: choose by Lines(networks=...)"
        )
    styles = dict.fromkeys(names, (theme.MUTED, "o"))
    return styles | dict(zip(drawn, zip(theme.PALETTE, _MARKERS, strict=True), strict=False))
