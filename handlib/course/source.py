"""From a notebook's source (jupytext percent) to the notebook, with the generated cells filled in.

A Markdown cell of the source may hold one of four marks, which are replaced by text made from the
notebook's metadata and the course's tables: `{{ header }}`, `{{ quiz }}`, `{{ course_map }}` and
`{{ paper_against_code }}`. So each fact is written down once and readable without a kernel.
In Korean the prose is translated first (`handlib/course/translation.py`).
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from handlib.course import contract, course_map, paper_against_code, quiz, translation
from handlib.course.contract import Contract
from handlib.course.language import Language


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
        "course_map": lambda: course_map.to_markdown({s[:2]: s for s in _stems(path)}, language),
    }
    for cell in notebook.cells:
        for mark, text in fill.items():
            if cell.cell_type == "markdown" and f"{{{{ {mark} }}}}" in cell.source:
                cell.source = cell.source.replace(f"{{{{ {mark} }}}}", text())
    return notebook


def navigation(path: Path, language: Language = "en") -> str:
    """Links to the notebooks before and after the source at `path`."""
    stems = _stems(path)
    here = stems.index(path.stem)
    before = [f"← {_link(stem, language)}" for stem in stems[:here][-1:]]
    after = [f"{_link(stem, language)} →" for stem in stems[here + 1 :][:1]]
    return " · ".join([*before, *after])


def _stems(path: Path) -> list[str]:
    """The names of all sources beside `path`, in order."""
    return sorted(p.stem for p in path.parent.glob("[0-9][0-9]_*.py"))


def _link(stem: str, language: Language) -> str:
    number, *words = stem.split("_")
    title = " ".join(words).capitalize()
    if language == "ko":
        title = next(entry.title.ko for entry in course_map.entries() if entry.number == number)
    return f"[{number} {title}]({stem}.ipynb)"
