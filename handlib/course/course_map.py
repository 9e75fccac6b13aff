"""The course's notebooks, what each builds and what it needs, as a table in a notebook."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from handlib.course import texts
from handlib.course.language import Language
from handlib.course.text import Text

_HEAD = Text(
    "| # | notebook | builds | builds on |", "| # | 노트북 | 만드는 것 | 먼저 볼 노트북 |"
)


@dataclass(frozen=True)
class Entry:
    """One notebook of the course, here already or to come.

    part: "Hand", "HandOccNet" or "Deformer". needs: the numbers that it builds on directly.
    """

    number: str
    title: Text
    builds: Text
    shows: str
    part: str
    needs: tuple[str, ...]


def entries() -> tuple[Entry, ...]:
    """All notebooks, in order."""
    return tuple(_entry(fields) for fields in texts.load("course"))


def _entry(fields: dict[str, Any]) -> Entry:
    said = {name: Text(fields.pop(name), fields.pop(f"{name}_ko")) for name in ("title", "builds")}
    return Entry(**{**fields, **said, "needs": tuple(fields["needs"])})


def to_markdown(here: Mapping[str, str], language: Language = "en") -> str:
    """The course as a Markdown table, with links to the notebooks that are here.

    Args:
        here: file name without suffix, by number.
    """
    head = _HEAD.of(language) + "\n|---|---|---|---|"
    lines = (_line(entry, here.get(entry.number), language) for entry in entries())
    return "\n".join([head, *lines])


def notebook_link(number: str, here: Mapping[str, str]) -> str:
    """A notebook's number as a link from a page in `reference/`, if the notebook is here."""
    return f"[{number}](../{here[number]}.ipynb)" if number in here else f"{number} (to come)"


def _line(entry: Entry, stem: str | None, language: Language) -> str:
    title, builds = entry.title.of(language), entry.builds.of(language)
    title = f"**[{title}]({stem}.ipynb)**" if stem else f"*{title}*"
    return f"| {entry.number} | {title} | {builds} | {', '.join(entry.needs) or '–'} |"
