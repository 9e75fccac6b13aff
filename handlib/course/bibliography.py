"""The works that the notebooks cite, and the links from a notebook's references to them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from handlib.course import texts
from handlib.course.course_map import notebook_link

PAGE = "reference/bibliography.md"
_REFERENCES = re.compile(r"^## References$", re.MULTILINE)


@dataclass(frozen=True)
class Work:
    """One cited work. software: it is cited by its plain name, not by a title in italics."""

    key: str
    authors: str
    title: str
    venue: str
    year: int | None = None
    link: str = ""
    software: bool = False

    @property
    def names(self) -> tuple[str, str]:
        """The title, and what stands before its colon."""
        return self.title, self.title.split(":")[0]


@cache
def works() -> tuple[Work, ...]:
    """All works, by first author and year."""
    return tuple(Work(**entry) for entry in texts.load("bibliography"))


def link_titles(cell: str) -> str:
    """The Markdown cell with the titles under its heading References made links.

    A title that is not in the table stays as it is; the tests name it.
    """
    heading = _REFERENCES.search(cell)
    if not heading:
        return cell
    titles = {name: work for work in works() if not work.software for name in work.names}
    software = {work.title: work for work in works() if work.software}

    def link(match: re.Match) -> str:
        found = " ".join(match[0].strip("*.").split())
        work = titles.get(found) if match[0].startswith("*") else software[found]
        if work is None:
            return match[0]
        return re.sub(r"[^*]+", rf"[\g<0>]({PAGE}#{work.key})", match[0], count=1)

    plain = "|".join(map(re.escape, software))
    pattern = rf"\*[^*]+\*|(?<![\w/])(?:{plain})(?![\w/])"
    return cell[: heading.end()] + re.sub(pattern, link, cell[heading.end() :])


def to_markdown(here: Mapping[str, str], cited: Mapping[str, str]) -> str:
    """The works as a list.

    Args:
        here: the notebooks' file names, by number.
        cited: the notebooks' text with links from `link_titles`, by number.
    """
    return "\n".join(_line(work, here, cited) for work in works())


def _line(work: Work, here: Mapping[str, str], cited: Mapping[str, str]) -> str:
    citing = [number for number, text in cited.items() if f"({PAGE}#{work.key})" in text]
    where = ", ".join(notebook_link(number, here) for number in citing)
    title = work.title if work.software else f"*{work.title}*"
    published = " ".join(str(part) for part in (work.venue, work.year) if part)
    link = f" <{work.link}>" if work.link else ""
    text = f"{work.authors.rstrip('.')}. {title}. {published}.{link} Cited in {where}."
    return f'- <a id="{work.key}"></a>{text}'
