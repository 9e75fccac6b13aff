"""The notebooks as they lie in the repository: made from their sources, complete, and small."""

import re
from html import unescape
from pathlib import Path

import execute_course
import nbformat
import pytest
from nbformat import NotebookNode

from handlib.course import texts
from handlib.course.contract import Contract
from handlib.course.source import read_source

ROOT = Path(__file__).resolve().parents[2]
STORED = sorted((ROOT / "notebooks").glob("*.ipynb"))
SOURCES = sorted((ROOT / "notebooks" / "src").glob("*.py"))
LARGEST_BYTES = 1_500_000
WORDS = re.compile(r'\salt="[^"]*"|<figcaption>.*?</figcaption>', re.DOTALL)
LOCAL_TRACE = re.compile(r"\bat 0x[0-9a-f]{6,}|/(?:home|root|tmp|Users)/\w")

each_notebook = pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)


def read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def test_every_source_has_its_notebook_and_the_other_way_round() -> None:
    assert [path.stem for path in SOURCES] == [path.stem for path in STORED]


@each_notebook
def test_agrees_with_its_source(path: Path) -> None:
    source = execute_course.normalised(read_source(path.parent / "src" / f"{path.stem}.py"))
    stored = read(path)
    assert stored.metadata == source.metadata, "run `make course`"
    for there, here in zip(source.cells, stored.cells, strict=True):
        again = "make course" if there.cell_type == "code" else "make text"
        assert here.source == there.source, f"run `{again}`"
        assert (here.cell_type, here.metadata, here.id) == (
            there.cell_type,
            there.metadata,
            there.id,
        )


@each_notebook
def test_was_run_from_top_to_bottom_without_error(path: Path) -> None:
    cells = [cell for cell in read(path).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        failed = any(output.output_type == "error" for output in cell.outputs)
        assert failed == ("raises-exception" in cell.metadata.get("tags", []))


@each_notebook
def test_declares_its_contract(path: Path) -> None:
    assert Contract.from_metadata(read(path).metadata).number == path.stem[:2]


@each_notebook
def test_is_small_and_holds_no_widget_state(path: Path) -> None:
    assert path.stat().st_size < LARGEST_BYTES
    notebook = read(path)
    assert "widgets" not in notebook.metadata
    kinds = {
        kind
        for cell in notebook.cells
        for out in cell.get("outputs", [])
        for kind in out.get("data", {})
    }
    assert execute_course.WIDGET_VIEW not in kinds


@each_notebook
def test_every_picture_has_words(path: Path) -> None:
    """JupyterLab drops the words of a bare image output, so a figure is stored as HTML."""
    for cell in read(path).cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            assert not any(kind.startswith("image/") for kind in data), cell.source
            for image in re.findall(r"<img[^>]*>", data.get("text/html", "")):
                assert re.search(r'\salt="[^"]*\w', image), cell.source


def words_of_figures(notebook: NotebookNode) -> str:
    """What the stored outputs say in HTML, a figure's alt text and captions in their order."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    html = "\n".join(output.get("data", {}).get("text/html", "") for output in outputs)
    return unescape(re.sub(r'src="data:[^"]*"', "", html))


@each_notebook
def test_figures_have_todays_words(path: Path) -> None:
    """A caption that was changed after the run; numbers are what the run filled in."""
    words = words_of_figures(read(path))
    for parts in texts.load(f"captions_{path.stem[:2]}").values():
        for said in parts.values():
            pieces = re.split(r"\{[^}]*\}", said)
            pattern = ".*?".join(map(re.escape, pieces))
            assert re.search(pattern, words, re.DOTALL), f"run `make course`: {said}"


@each_notebook
def test_no_alt_text_or_caption_shows_an_array_as_python_does(path: Path) -> None:
    """A screen reader reads it out; `.tolist()` gives the numbers alone."""
    for cell in read(path).cells:
        for output in cell.get("outputs", []):
            html = output.get("data", {}).get("text/html", "")
            for words in WORDS.findall(html):
                assert not re.search(r"\b(?:array|tensor)\(", words), words


@each_notebook
def test_outputs_hold_nothing_of_the_machine(path: Path) -> None:
    for cell in read(path).cells:
        for output in cell.get("outputs", []):
            text = output.get("text", "") + str(output.get("data", {}).get("text/plain", ""))
            assert not LOCAL_TRACE.search(text), f"cell {cell.execution_count}: {text[:200]}"
