"""Effects one below the other, each with its interval and what a paper prints for it."""

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.figure import Figure

from handlib.viz import theme


class Line(NamedTuple):
    """One effect. group: lines of one group stand together; printed: the paper's own effect."""

    group: str
    label: str
    mean: float
    interval: tuple[float, float] | None
    printed: float | None


def forest(lines: Sequence[Line], unit: str) -> Figure:
    """A row a line, zero drawn; groups are parted by thin lines, printed effects are diamonds.

    Raises:
        ValueError: there is nothing to draw.
    """
    if not lines:
        raise ValueError("lines: expected at least one effect to draw, found none")
    fig = theme.figure(9, 0.27 * len(lines) + 0.8)
    ax = fig.subplots()
    ax.axvline(0, color=theme.INK, linewidth=0.8)
    for row, line in enumerate(lines):
        if line.interval is not None:
            ax.hlines(row, *line.interval, color=theme.BLUE, linewidth=1.6)
        ax.plot(line.mean, row, "o", color=theme.BLUE, markersize=5, gid="measured")
        if row == 0 or lines[row - 1].group != line.group:
            ax.axhline(row - 0.5, color="#dddddd", linewidth=0.8)
        if line.printed is not None:
            ax.plot(line.printed, row, "D", color=theme.ORANGE, markersize=5, gid="printed")
    ax.set_yticks(range(len(lines)), [f"{line.group}: {line.label}" for line in lines])
    ax.tick_params(axis="y", length=0, labelsize=8)
    ax.set_ylim(len(lines) - 0.4, -0.6)
    ax.set_xlabel(f"effect ({unit}), positive as claimed")
    return fig
