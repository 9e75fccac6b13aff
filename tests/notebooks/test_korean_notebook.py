"""A Korean notebook runs to its end, as `make course LANG=ko` would run it, and shows Korean."""

import os
import re
import subprocess
import sys

import execute_course
import nbformat
import notebook_tests
import pytest
from nbformat import NotebookNode

NAME = "13_dynamic_fusion"  # the quickest
MAKE = (
    "import sys, pathlib, execute_course as e; e.rewrite(*map(pathlib.Path, sys.argv[1:]), 'ko')"
)
OWN = {
    "OMP_NUM_THREADS": "1",  # as the tests beside it
    # A picture with Hangul in it would show boxes: the figures' font has no such glyphs.
    "PYTHONWARNINGS": "error:Glyph:UserWarning",
}
HANGUL = re.compile("[가-힣]")


@pytest.fixture(scope="module")
def korean(tmp_path_factory: pytest.TempPathFactory) -> NotebookNode:
    target = tmp_path_factory.mktemp("ko") / f"{NAME}.ipynb"
    paths = [execute_course.SOURCES / f"{NAME}.py", target]
    environment = os.environ | notebook_tests.environment() | OWN
    subprocess.run([sys.executable, "-c", MAKE, *paths], env=environment, check=True)
    return nbformat.read(target, as_version=4)


@pytest.fixture(scope="module")
def english() -> NotebookNode:
    return nbformat.read(execute_course.TARGETS["en"] / f"{NAME}.ipynb", as_version=4)


def code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def html(notebook: NotebookNode) -> str:
    outputs = [output for cell in code(notebook) for output in cell.outputs]
    return "\n".join(output.get("data", {}).get("text/html", "") for output in outputs)


def test_every_cell_was_run_without_error(korean: NotebookNode) -> None:
    cells = code(korean)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    kinds = {output.output_type for cell in cells for output in cell.outputs}
    assert kinds and "error" not in kinds


def test_it_computes_the_same(korean: NotebookNode, english: NotebookNode) -> None:
    for there, here in zip(code(english), code(korean), strict=True):
        if "nbval-check-output" in tags(there):
            assert here.outputs == there.outputs, here.source


def test_it_shows_as_many_figures_each_with_a_korean_caption_alone(
    korean: NotebookNode, english: NotebookNode
) -> None:
    captions = re.findall("<figcaption>(.*?)</figcaption>", html(korean), re.DOTALL)
    assert len(captions) == html(english).count("<figcaption>") > 0
    for caption in captions:
        assert caption.startswith('<span lang="ko">') and caption.endswith("</span>")
        assert caption.count("<span") == 1 and HANGUL.search(caption)


def test_checks_speak_korean(korean: NotebookNode) -> None:
    for cell in code(korean):
        if {"check", "solution"} & set(tags(cell)):
            assert HANGUL.search(cell.outputs[-1].data["text/plain"]), cell.source
