"""The notebooks of the course as boxes, and what each builds on as arrows."""

import textwrap
from collections.abc import Collection, Iterable

from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from handlib.course.course_map import Entry
from handlib.viz import theme

_ROWS = {"Hand": 0, "HandOccNet": 1, "Deformer": 2}
_COLOUR = {"Hand": theme.GREEN, "HandOccNet": theme.BLUE, "Deformer": theme.VERMILION}
_WIDTH, _HEIGHT = 0.84, 0.62


def draw_course_map(ax: Axes, course: Iterable[Entry], here: Collection[str]) -> None:
    """One row for each part, in reading order; the notebooks that are `here` are filled."""
    course = tuple(course)
    places = _places(course)
    for entry in course:
        _box(ax, entry, places[entry.number], entry.number in here)
        for needed in entry.needs:
            _arrow(ax, places[needed], places[entry.number])
    for part, row in _ROWS.items():
        text = ax.text(-0.55, row, part, ha="right", va="center", rotation=90)
        text.set(color=_COLOUR[part], weight="bold")
    ax.set(xlim=(-0.75, max(x for x, _ in places.values()) + 0.45), ylim=(2.4, -0.4))
    ax.set_axis_off()


def _places(course: tuple[Entry, ...]) -> dict[str, tuple[float, float]]:
    """Column and row of each notebook; the first one is the way in, left of all rows."""
    places: dict[str, tuple[float, float]] = {}
    columns = dict.fromkeys(_ROWS, 0)
    for entry in course:
        columns[entry.part] += 1
        places[entry.number] = (columns[entry.part] - 1.0, float(_ROWS[entry.part]))
    return places


def _box(ax: Axes, entry: Entry, place: tuple[float, float], here: bool) -> None:
    x, y = place
    colour = _COLOUR[entry.part]
    ax.add_patch(
        FancyBboxPatch(
            (x - _WIDTH / 2, y - _HEIGHT / 2),
            _WIDTH,
            _HEIGHT,
            boxstyle="round,pad=0,rounding_size=0.06",
            facecolor=colour if here else theme.PAPER,
            edgecolor=colour,
            linewidth=1.5,
        )
    )
    text = f"{entry.number}\n" + textwrap.fill(entry.title.en.partition(":")[0], 15)
    ink = theme.PAPER if here else theme.INK
    ax.text(x, y, text, color=ink, fontsize=7.5, ha="center", va="center", linespacing=1.15)


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Straight to the neighbour or down to the next row; over the notebooks between in an arc."""
    (x0, y0), (x1, y1) = start, end
    half, arc = _HEIGHT / 2, y0 == y1 and x1 - x0 > 1
    if y1 > y0:
        tail, head = (x0, y0 + half), (x1, y1 - half)
    elif arc:
        tail, head = (x0, y0 - half), (x1, y1 - half)
    else:
        tail, head = (x0 + _WIDTH / 2, y0), (x1 - _WIDTH / 2, y1)
    ax.add_patch(
        FancyArrowPatch(
            tail,
            head,
            arrowstyle="-|>",
            mutation_scale=9,
            color=theme.MUTED,
            linewidth=1.1,
            connectionstyle="arc3,rad=-0.2" if arc else "arc3",
            zorder=0,
        )
    )
