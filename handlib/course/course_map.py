"""The course's notebooks, what each builds and what it needs, as a table in a notebook."""

from collections.abc import Mapping
from dataclasses import dataclass

from handlib.course import texts


@dataclass(frozen=True)
class Entry:
    """One notebook of the course, here already or to come.

    part: "Hand", "HandOccNet" or "Deformer". needs: the numbers that it builds on directly.
    """

    number: str
    title: str
    builds: str
    shows: str
    part: str
    needs: tuple[str, ...]


def entries() -> tuple[Entry, ...]:
    """All notebooks, in order."""
    table = texts.load("course")
    return tuple(Entry(**{**entry, "needs": tuple(entry["needs"])}) for entry in table)


def to_markdown(here: Mapping[str, str]) -> str:
    """The course as a Markdown table, with links to the notebooks that are here.

    Args:
        here: file name without suffix, by number.
    """
    head = "| # | notebook | builds | builds on |\n|---|---|---|---|"
    return "\n".join([head, *(_line(entry, here.get(entry.number)) for entry in entries())])


def notebook_link(number: str, here: Mapping[str, str]) -> str:
    """A notebook's number as a link from a page in `reference/`, if the notebook is here."""
    return f"[{number}](../{here[number]}.ipynb)" if number in here else f"{number} (to come)"


def _line(entry: Entry, stem: str | None) -> str:
    title = f"**[{entry.title}]({stem}.ipynb)**" if stem else f"*{entry.title}*"
    return f"| {entry.number} | {title} | {entry.builds} | {', '.join(entry.needs) or '–'} |"
