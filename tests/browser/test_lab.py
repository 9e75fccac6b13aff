"""The course in JupyterLab in a real browser: all runs, widgets move, nothing is fetched."""

from pathlib import Path

import nbformat
import pytest
from lab_page import LabPage, save
from playwright.sync_api import expect

from handlib.course.glossary import link_first_uses

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
START_UP_SECONDS = 60
IN_EDITIONS = NOTEBOOKS / "13_dynamic_fusion.ipynb"


def declared_minutes(path: Path) -> float:
    return nbformat.read(path, as_version=4).metadata["handlib"]["minutes"]


# Some train for minutes: they are opened, and what they draw is tested where it is drawn.
LONG = [path for path in sorted(NOTEBOOKS.glob("*.ipynb")) if declared_minutes(path) > 3]
OPENED = [path for path in sorted(NOTEBOOKS.glob("*.ipynb")) if path not in LONG]

WIDGETS = """
import matplotlib.pyplot as plt
from ipywidgets import interact

@interact(height=(0, 10))
def draw(height=3):
    plt.bar([0], [height])
    plt.ylim(0, 10)
    plt.show()
"""
PLOTLY = """
import plotly.graph_objects as go
from ipywidgets import IntSlider, VBox

figure = go.FigureWidget(data=[go.Bar(y=[1, 2, 3])])
slider = IntSlider(value=3, min=0, max=10)
slider.observe(lambda change: figure.data[0].update(y=[1, 2, change["new"]]), "value")
VBox([slider, figure])
"""
DEAF = """
import matplotlib.pyplot as plt
from ipywidgets import IntSlider
plt.plot([0, 1])
plt.show()
IntSlider()
"""
OUTSIDE = "from IPython.display import HTML\nHTML('<img src=\"http://192.0.2.1/a.png\">')"


@pytest.mark.parametrize("path", OPENED, ids=lambda path: path.stem)
def test_notebook_runs_and_its_widgets_move(lab_page: LabPage, path: Path) -> None:
    lab_page.open(path.name)
    lab_page.run_all(seconds=START_UP_SECONDS + 120 * declared_minutes(path))
    assert lab_page.errors() == []
    for cell in lab_page.cells_with_sliders():
        assert lab_page.slider_changes_figure(cell)
    lab_page.screenshots(path.stem)
    assert lab_page.outside == []


@pytest.mark.parametrize(("edition", "verdicts"), [("student", 4), ("teacher", 8)])
def test_an_edition_opens_and_runs(lab_page: LabPage, edition: str, verdicts: int) -> None:
    """Four exercises, each with a box below its stub, and one below each solution."""
    lab_page.open(f"{edition}/{IN_EDITIONS.name}")
    lab_page.run_all(seconds=START_UP_SECONDS + 120 * declared_minutes(IN_EDITIONS))
    assert lab_page.errors() == []
    boxes = lab_page.page.locator(".jp-OutputArea div[role=status]")
    expect(boxes.filter(has_text="Exercise 13.")).to_have_count(verdicts)
    expect(boxes.filter(has_text="not done yet")).to_have_count(4)
    solutions = lab_page.page.locator(".jp-CodeCell .jp-InputArea-editor:visible")
    expect(solutions.filter(has_text="_solution(")).to_have_count(verdicts - 4)
    lab_page.screenshots(f"{edition}_{IN_EDITIONS.stem}")
    assert lab_page.outside == []


@pytest.mark.parametrize("path", LONG, ids=lambda path: path.stem)
def test_a_long_notebook_opens_as_it_is_stored(lab_page: LabPage, path: Path) -> None:
    lab_page.open(path.name)
    assert lab_page.errors() == []
    assert lab_page.page.locator(".jp-OutputArea img").first.is_visible()
    lab_page.screenshots(path.stem)
    assert lab_page.outside == []


def test_moved_slider_redraws_matplotlib_and_plotly(lab_page: LabPage) -> None:
    save(lab_page.server.folder, "widgets.ipynb", WIDGETS, PLOTLY)
    lab_page.open("widgets.ipynb")
    lab_page.run_all(seconds=60)
    assert lab_page.errors() == []
    moved = [lab_page.slider_changes_figure(cell) for cell in lab_page.cells_with_sliders()]
    assert moved == [True, True]
    assert lab_page.outside == []


def test_a_word_of_the_glossary_opens_at_its_entry(lab_page: LabPage) -> None:
    save(lab_page.server.folder, "word.ipynb", "print('a word')")
    path = lab_page.server.folder / "word.ipynb"
    notebook = nbformat.read(path, as_version=4)
    (linked,) = link_first_uses(["The softmax."], "06")
    notebook.cells.append(nbformat.v4.new_markdown_cell(linked))
    nbformat.write(notebook, path)
    lab_page.open(path.name)
    lab_page.page.get_by_role("link", name="softmax", exact=True).click()
    entry = lab_page.page.locator(".jp-MarkdownViewer h3", has_text="softmax")
    expect(entry).to_be_in_viewport()
    assert lab_page.outside == []


def test_faults_are_seen(lab_page: LabPage, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the tests above look for is found where it is: else they could not fail."""
    monkeypatch.setattr("lab_page.SLIDER_SECONDS", 3)
    save(lab_page.server.folder, "faults.ipynb", DEAF, OUTSIDE, "print('fine')")
    lab_page.open("faults.ipynb")
    lab_page.run_all(seconds=60)
    (deaf,) = lab_page.cells_with_sliders()
    assert not lab_page.slider_changes_figure(deaf)
    assert set(lab_page.outside) == {"http://192.0.2.1/a.png"}
    save(lab_page.server.folder, "error.ipynb", "1 / 0")
    lab_page.open("error.ipynb")
    lab_page.run_all(seconds=60)
    assert "ZeroDivisionError" in lab_page.errors()[0]
