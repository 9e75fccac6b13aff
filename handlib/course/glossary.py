"""The words of the course in English and Korean, and the links to them in the notebooks.

A notebook's source stays plain prose: when the notebook is made, the first use of each term in it
becomes a link to the term's place in `notebooks/reference/glossary.md`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from handlib.course import texts
from handlib.course.course_map import notebook_link
from handlib.course.text import Text

PAGE = "reference/glossary.md"
# What is no running prose: code, formulas, links, tags, headings, rows of tables, marks, and what
# is folded away.
_NO_PROSE = re.compile(
    r"(```.*?```|<details>.*?</details>|`[^`]*`|\$\$.*?\$\$|\$[^$]*\$|\[[^\]]*\]\([^)]*\)"
    r"|</?[a-z][^>]*>|^#.*?$|^\|.*?$|\{\{.*?\}\})",
    re.MULTILINE | re.DOTALL,
)
_CLOSING = re.compile(r"^## (?:요약|References)$", re.MULTILINE)


@dataclass(frozen=True)
class Term:
    """One entry. name_ko is what Korean labs write, often the English word.

    also: other forms that stand for it in prose, such as its plural.
    notebook: where it is taught.
    everyday: a common word, too, so it is a term only from that notebook on.
    """

    name: str
    name_ko: str
    meaning: Text
    notebook: str
    also: tuple[str, ...] = ()
    everyday: bool = False

    @property
    def anchor(self) -> str:
        """Its place on the page: "F-score" is at #f-score."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")

    @property
    def forms(self) -> tuple[str, ...]:
        """All spellings; an initial capital is no other spelling."""
        return (self.name, *self.also)


@cache
def terms() -> tuple[Term, ...]:
    """All terms, in the alphabet's order.

    Raises:
        ValueError: two terms share a spelling.
    """
    table = [_term(entry) for entry in texts.load("glossary")]
    forms = [form.lower() for term in table for form in term.forms]
    twice = sorted({form for form in forms if forms.count(form) > 1})
    if twice:
        raise ValueError(f"glossary.yaml: {twice} stand for more than one term")
    return tuple(sorted(table, key=lambda term: term.name.lower()))


def _term(entry: dict) -> Term:
    meaning = Text(entry.pop("meaning"), entry.pop("meaning_ko"))
    return Term(**{**entry, "also": tuple(entry.get("also", ()))}, meaning=meaning)


def link_first_uses(cells: Iterable[str], number: str) -> list[str]:
    """The Markdown cells of notebook `number` with each term's first use made a link.

    Headings, tables, code, formulas and folded hints stay as they are, and so does all that
    follows the headings 요약 and References.
    """
    waiting = {
        form: term
        for term in terms()
        if not term.everyday or term.notebook <= number
        for form in term.forms
    }
    spelling = _any_of(waiting)
    linked: set[Term] = set()

    def link(match: re.Match) -> str:
        found = " ".join(match[0].split())
        term = waiting.get(found) or waiting[found[0].lower() + found[1:]]
        if term in linked:
            return match[0]
        linked.add(term)
        return f"[{match[0]}]({PAGE}#{term.anchor})"

    result, closed = [], False
    for cell in cells:
        closing = _CLOSING.search(cell)
        end = 0 if closed else closing.start() if closing else len(cell)
        closed = closed or closing is not None
        parts = _NO_PROSE.split(cell[:end])
        parts[::2] = [spelling.sub(link, prose) for prose in parts[::2]]
        result.append("".join(parts) + cell[end:])
    return result


def _any_of(forms: Iterable[str]) -> re.Pattern:
    """Matches any form as whole words, the longest where several begin, over a line's end too."""
    longest_first = sorted(forms, key=len, reverse=True)
    spellings = "|".join(_spelling(form) for form in longest_first)
    return re.compile(rf"(?<![\w@-])(?:{spellings})(?![\w-])")


def _spelling(form: str) -> str:
    first = f"[{form[0]}{form[0].upper()}]" if form.islower() else re.escape(form[0])
    return first + re.escape(form[1:]).replace(r"\ ", r"\s+")


def to_markdown(here: Mapping[str, str]) -> str:
    """The glossary as a page of headings; `here` holds the notebooks' file names by number."""
    return "\n\n".join(_entry(term, here) for term in terms())


def _entry(term: Term, here: Mapping[str, str]) -> str:
    korean = f" · {term.name_ko}" if term.name_ko != term.name else ""
    where = f"Notebook {notebook_link(term.notebook, here)}."
    return (
        f'### <a id="{term.anchor}"></a>{term.name}{korean}\n\n'
        f"{term.meaning.en} {where}\n\n{term.meaning.ko}"
    )
