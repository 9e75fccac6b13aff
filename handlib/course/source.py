"""From a notebook's source (jupytext percent) to the notebook, with the generated cells filled in.

A Markdown cell of the source may hold one of four marks, which are replaced by text made from the
notebook's metadata and the course's tables: `{{ header }}`, `{{ quiz }}`, `{{ course_map }}` and
`{{ paper_against_code }}`. So each fact is written down once and readable without a kernel.
"""

from pathlib import Path
from typing import Any

from handlib.course import contract, course_map, paper_against_code, quiz
from handlib.course.contract import Contract


def read_source(path: Path) -> Any:
    """The notebook node of the source at `path`, marks filled in, no outputs."""
    import jupytext  # a maintainer's dependency: learners open the finished notebooks

    notebook = jupytext.read(path)
    promise = Contract.from_metadata(notebook.metadata)
    fill = {
        "header": lambda: contract.to_markdown(promise, navigation(path)),
        "quiz": lambda: quiz.to_markdown(quiz.load_quiz(promise.number)),
        "paper_against_code": lambda: paper_against_code.to_markdown(
            paper_against_code.rows(promise.number)
        ),
        "course_map": lambda: course_map.to_markdown({s[:2]: s for s in _stems(path)}),
    }
    for cell in notebook.cells:
        for mark, text in fill.items():
            if cell.cell_type == "markdown" and f"{{{{ {mark} }}}}" in cell.source:
                cell.source = cell.source.replace(f"{{{{ {mark} }}}}", text())
    return notebook


def navigation(path: Path) -> str:
    """Links to the notebooks before and after the source at `path`."""
    stems = _stems(path)
    here = stems.index(path.stem)
    before = f"← [{_label(stems[here - 1])}]({stems[here - 1]}.ipynb)" if here else ""
    after = (
        f"[{_label(stems[here + 1])}]({stems[here + 1]}.ipynb) →" if here + 1 < len(stems) else ""
    )
    return " · ".join(link for link in (before, after) if link)


def _stems(path: Path) -> list[str]:
    """The names of all sources beside `path`, in order."""
    return sorted(p.stem for p in path.parent.glob("[0-9][0-9]_*.py"))


def _label(stem: str) -> str:
    number, *words = stem.split("_")
    return f"{number} {' '.join(words).capitalize()}"
