"""The seminar that is written is a notebook of slides, and each has the figure that it names."""

import json
import re
from pathlib import Path

import nbformat
import pytest
from nbconvert import SlidesExporter

from handlib import viz
from handlib.course.seminar import Slide, slides, stored_figure, write_seminar
from handlib.course.text import Text
from handlib.experiments.catalogue import EXPERIMENTS

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
SLIDES = slides()
BROUGHT = {"fusion", "beside", "claims"}  # by notebook 17, which draws them


@pytest.fixture
def picture():
    fig = viz.theme.figure(1, 1)
    fig.subplots().plot([0, 1])
    return viz.show(fig, "a [rising] line", "It rises.", "올라갑니다.")


def slide(figure=None):
    both = Text("Title", "제목")
    return Slide("one", both, Text("- a point", "- 요점"), Text("Why?", "왜입니까?"), figure)


@pytest.fixture
def folder(tmp_path, picture):
    """A course of one notebook with two figures in one cell."""
    html = picture._repr_html_() * 2
    output = nbformat.v4.new_output("display_data", {"text/html": html})
    cells = [
        nbformat.v4.new_markdown_cell('caption("rise")'),
        nbformat.v4.new_code_cell('viz.show(fig, **caption("rise"))', outputs=[output]),
        nbformat.v4.new_code_cell("print(1)"),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "05_small.ipynb")
    return tmp_path


def test_a_figure_comes_back_as_it_was_shown(folder, picture):
    assert stored_figure(folder, "05", 'caption("rise")') == picture


def test_a_figure_that_is_not_there_is_named(folder):
    with pytest.raises(ValueError, match=r"05_small.ipynb.*'print\(1\)'"):
        stored_figure(folder, "05", "print(1)")
    with pytest.raises(FileNotFoundError, match="notebook 06"):
        stored_figure(folder, "06", "x")


@pytest.mark.parametrize("language", ["en", "ko"])
def test_slides_notes_and_pictures(folder, picture, language):
    chosen = [slide(("05", "caption")), slide(), slide()]
    out = folder / "out"
    files = write_seminar(out, folder, language, {}, chosen)
    assert [path.name for path in files] == ["seminar.ipynb", "01_one.png"]
    assert files[1].read_bytes() == picture.png
    seminar = nbformat.read(files[0], as_version=4)
    nbformat.validate(seminar)
    kinds = [cell.metadata.slideshow.slide_type for cell in seminar.cells]
    assert kinds == ["slide", "notes"] * 3
    title = "## Title" if language == "en" else "## 제목"
    assert seminar.cells[0].source.startswith(title)
    assert "![a (rising) line](01_one.png)" in seminar.cells[0].source
    assert "![" not in seminar.cells[2].source


def test_own_figures_take_the_place_of_stored_ones(folder, picture):
    files = write_seminar(folder / "out", folder, figures={"one": picture}, chosen=[slide()])
    assert files[1].read_bytes() == picture.png


def test_a_presenters_words_are_not_written_over(folder):
    write_seminar(folder / "out", folder, chosen=[slide()])
    with pytest.raises(FileExistsError, match="your own slides"):
        write_seminar(folder / "out", folder, chosen=[slide()])


def test_it_exports_to_slides(folder):
    (file,) = write_seminar(folder / "out", folder, chosen=[slide(), slide()])
    html, _ = SlidesExporter().from_filename(str(file))
    assert len(re.findall(r"<section(?=>)", html)) >= 4 and '<aside class="notes">' in html


@pytest.mark.parametrize("one", SLIDES, ids=lambda s: s.id)
def test_every_slide_finds_its_figure(one):
    if one.figure is None:
        assert one.id in BROUGHT | {"outline", "end"}
        return
    where, what = one.figure
    if where == "evidence":
        assert what in EXPERIMENTS
        return
    (path,) = NOTEBOOKS.glob(f"{where}_*.ipynb")
    cells = [c for c in json.loads(path.read_text())["cells"] if c["cell_type"] == "code"]
    texts = ["".join(cell["source"]) for cell in cells]
    assert any(what in text for text in texts)
    assert stored_figure(NOTEBOOKS, where, what).png.startswith(b"\x89PNG")


def test_slides_are_in_both_languages():
    assert len({one.id for one in SLIDES}) == len(SLIDES)
    for one in SLIDES:
        for text in (one.points, one.question):
            assert not re.search("[가-힣]", text.en)
        assert one.question.ko.endswith("까?") and re.search("[가-힣]", one.question.ko)
        assert one.points.en.count("\n") == one.points.ko.count("\n")
        assert (
            re.findall(r"\$[^$]+\$", one.points.en).sort()
            == re.findall(r"\$[^$]+\$", one.points.ko).sort()
        )
