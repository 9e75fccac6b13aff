"""A seminar to begin with: slides on both papers as a notebook that its presenter goes on editing.

`texts/seminar.yaml` has the slides: title, points, a question that the audience may ask, and where
the figure is found, a cell of a stored notebook or an experiment's result. What `write_seminar`
leaves is an ordinary notebook with `slideshow` metadata, for `jupyter nbconvert --to slides`, and
its figures as PNG files, for any other program.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat

from handlib.atomic import replacing
from handlib.course import texts
from handlib.course.language import Language
from handlib.course.text import Text
from handlib.experiments.catalogue import illustration
from handlib.experiments.evidence import load_evidence
from handlib.viz.display import Illustration, illustrations_in

NOTEBOOK = "seminar.ipynb"
_QUESTION = Text("A question to expect:", "예상 질문:")
_SOURCE = Text("Notebook", "노트북")


@dataclass(frozen=True)
class Slide:
    """One slide. figure: (notebook, text of its cell), ("evidence", experiment), or None where
    there is none, or where whoever writes the seminar brings it."""

    id: str
    title: Text
    points: Text
    question: Text
    figure: tuple[str, str] | None


def slides() -> tuple[Slide, ...]:
    """All slides, in the order of the seminar."""
    return tuple(
        Slide(
            id=entry["id"],
            title=Text(entry["title"], entry["title_ko"]),
            points=Text(entry["points"], entry["points_ko"]),
            question=Text(entry["question"], entry["question_ko"]),
            figure=tuple(entry["figure"]) if "figure" in entry else None,
        )
        for entry in texts.load("seminar")
    )


def write_seminar(
    folder: Path,
    notebooks: Path,
    language: Language = "en",
    figures: Mapping[str, Illustration] | None = None,
    chosen: Sequence[Slide] | None = None,
) -> list[Path]:
    """Write FOLDER/seminar.ipynb and a PNG for each slide that has a figure; returns the files.

    notebooks: the folder of the executed course, from which figures are taken as they are stored.
    figures: by the slide's id, in place of its own. chosen: default all slides.

    Raises:
        FileExistsError: there is a seminar already, perhaps with its presenter's own words.
        FileNotFoundError, ValueError: a figure's notebook is not there, or has no such figure.
    """
    target = folder / NOTEBOOK
    if target.exists():
        raise FileExistsError(
            f"{target}: expected no such file, found one, perhaps with your own slides; give "
            "another folder, or move it away"
        )
    folder.mkdir(parents=True, exist_ok=True)
    seminar, written = nbformat.v4.new_notebook(), []
    for number, slide in enumerate(slides() if chosen is None else chosen, start=1):
        picture = (figures or {}).get(slide.id) or _figure(slide, notebooks)
        lines = [f"## {slide.title.of(language)}", slide.points.of(language).strip()]
        if picture is not None:
            path = folder / f"{number:02}_{slide.id}.png"
            with replacing(path) as temporary:
                temporary.write_bytes(picture.png)
            written.append(path)
            lines.append(f"![{_one_line(picture.alt)}]({path.name})")
        notes = [f"{_QUESTION.of(language)} {slide.question.of(language)}"]
        if slide.figure is not None and slide.figure[0] != "evidence":
            notes.append(f"{_SOURCE.of(language)} {slide.figure[0]}")
        seminar.cells += [_cell("slide", lines), _cell("notes", notes)]
    for cell_number, cell in enumerate(seminar.cells):
        cell.id = f"slide-{cell_number}"
    with replacing(target) as temporary:
        temporary.write_text(nbformat.writes(seminar) + "\n", encoding="utf-8")
    return [target, *written]


def stored_figure(notebooks: Path, number: str, text: str) -> Illustration:
    """The first figure in the outputs of the code cell of notebook `number` that holds `text`.

    Raises:
        FileNotFoundError: no such notebook in the folder.
        ValueError: no cell holds the text, or it has no figure.
    """
    paths = sorted(notebooks.glob(f"{number}_*.ipynb"))
    if not paths:
        raise FileNotFoundError(
            f"{notebooks}: expected notebook {number}, found none; give the folder `notebooks` of "
            "a checkout of the course"
        )
    for cell in json.loads(paths[0].read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code" and text in "".join(cell["source"]):
            pages = ("".join(out.get("data", {}).get("text/html", "")) for out in cell["outputs"])
            for picture in (one for page in pages for one in illustrations_in(page)):
                return picture
    raise ValueError(
        f"{paths[0].name}: expected a cell with {text!r} and a figure, found none; run the "
        "notebook and save it"
    )


def _figure(slide: Slide, notebooks: Path) -> Illustration | None:
    """None also where the experiment has no result yet."""
    if slide.figure is None:
        return None
    where, what = slide.figure
    if where != "evidence":
        return stored_figure(notebooks, where, what)
    try:
        return illustration(what, load_evidence(what))
    except FileNotFoundError:
        return None


def _cell(kind: str, lines: list[str]) -> nbformat.NotebookNode:
    metadata = {"slideshow": {"slide_type": kind}}
    return nbformat.v4.new_markdown_cell("\n\n".join(lines), metadata=metadata)


def _one_line(alt: str) -> str:
    return " ".join(alt.replace("[", "(").replace("]", ")").split())
