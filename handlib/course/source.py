"""From a notebook's source (jupytext percent) to the notebook, with the generated cells filled in.

A Markdown cell of the source may hold one of four marks, which are replaced by text made from the
notebook's metadata and the course's tables: `{{ header }}`, `{{ quiz }}`, `{{ course_map }}` and
`{{ paper_against_code }}`. So each fact is written down once and readable without a kernel. In
Korean the prose is translated first (`handlib/course/translation.py`). In the rest the first use
of each term of the glossary, and each title under References, becomes a link to the pages in
`notebooks/reference`.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from handlib.course import (
    bibliography,
    contract,
    course_map,
    glossary,
    paper_against_code,
    quiz,
    translation,
)
from handlib.course.contract import Contract
from handlib.course.language import Language

PAGES = {
    "Glossary · 용어": "glossary",
    "Symbols": "symbols",
    "Bibliography": "bibliography",
    "Paper against code": "paper_against_code",
}


def read_source(path: Path, language: Language = "en") -> Any:
    """The notebook node of the source at `path`, marks filled in, no outputs."""
    import jupytext  # a maintainer's dependency: learners open the finished notebooks

    notebook = jupytext.read(path)
    promise = Contract.from_metadata(notebook.metadata)
    if language == "ko":
        table = translation.load(path)
        translation.translate(notebook, table)
        said = {name: table.get(name, name) for name in (promise.prerequisites, promise.data)}
        promise = replace(
            promise, prerequisites=said[promise.prerequisites], data=said[promise.data]
        )
    fill = {
        "header": lambda: contract.to_markdown(promise, navigation(path, language), language),
        "quiz": lambda: quiz.to_markdown(quiz.load_quiz(promise.number), language),
        "paper_against_code": lambda: paper_against_code.to_markdown(
            paper_against_code.rows(promise.number), language
        ),
        "course_map": lambda: course_map.to_markdown(here(path.parent), language),
    }
    cells = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    linked = glossary.link_first_uses([cell.source for cell in cells], promise.number)
    for cell, prose in zip(cells, linked, strict=True):
        cell.source = bibliography.link_titles(prose)
        for mark, text in fill.items():
            if f"{{{{ {mark} }}}}" in cell.source:
                cell.source = cell.source.replace(f"{{{{ {mark} }}}}", text())
    return notebook


def navigation(path: Path, language: Language = "en") -> str:
    """Links to the notebooks before and after the source at `path`, and to the reference pages."""
    stems = list(here(path.parent).values())
    place = stems.index(path.stem)
    before = [f"← {_link(stem, language)}" for stem in stems[:place][-1:]]
    after = [f"{_link(stem, language)} →" for stem in stems[place + 1 :][:1]]
    pages = " · ".join(f"[{name}](reference/{file}.md)" for name, file in PAGES.items())
    return " · ".join([*before, *after]) + f"\n\n{pages}"


def here(folder: Path) -> dict[str, str]:
    """The names of all sources in `folder`, in order, by their number."""
    return {p.stem[:2]: p.stem for p in sorted(folder.glob("[0-9][0-9]_*.py"))}


def _link(stem: str, language: Language) -> str:
    number, *words = stem.split("_")
    title = " ".join(words).capitalize()
    if language == "ko":
        title = next(entry.title.ko for entry in course_map.entries() if entry.number == number)
    return f"[{number} {title}]({stem}.ipynb)"
