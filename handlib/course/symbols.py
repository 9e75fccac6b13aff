"""The symbols of both papers and of the notebooks, each with its name in the library."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from handlib.course import texts
from handlib.course.course_map import notebook_link
from handlib.course.text import Text


@dataclass(frozen=True)
class Symbol:
    """One symbol.

    paper: "MANO", "HandOccNet", "Deformer" or "course"; where: its section or equation.
    code: a dotted name below `handlib`, or `maps["name"]` as `record` keeps it, or "".
    """

    symbol: str  # as plain text has it
    tex: str
    shape: str
    meaning: Text
    paper: str
    notebook: str
    where: str = ""
    code: str = ""


@cache
def symbols() -> tuple[Symbol, ...]:
    """All symbols, in the table's order: by paper, then as they are introduced."""
    return tuple(_symbol(entry) for entry in texts.load("symbols"))


def _symbol(entry: dict) -> Symbol:
    meaning = Text(entry.pop("meaning"), entry.pop("meaning_ko"))
    return Symbol(**entry, meaning=meaning)


def to_markdown(here: Mapping[str, str]) -> str:
    """One table for each paper; `here` holds the notebooks' file names by number."""
    papers = dict.fromkeys(symbol.paper for symbol in symbols())
    return "\n\n".join(_table(paper, here) for paper in papers)


def _table(paper: str, here: Mapping[str, str]) -> str:
    head = (
        "| symbol | shape | meaning | where | in `handlib` | notebook |\n|---|---|---|---|---|---|"
    )
    rows = [_row(symbol, here) for symbol in symbols() if symbol.paper == paper]
    return "\n".join([f"## {paper}\n", head, *rows])


def _row(symbol: Symbol, here: Mapping[str, str]) -> str:
    shape = f"`{symbol.shape}`" if symbol.shape else "–"
    code = f"`{symbol.code}`" if symbol.code else "–"
    cells = (
        f"${symbol.tex}$",
        shape,
        f"{symbol.meaning.en}<br>{symbol.meaning.ko}",
        symbol.where or "–",
        code,
        notebook_link(symbol.notebook, here),
    )
    return f"| {' | '.join(cells)} |"
