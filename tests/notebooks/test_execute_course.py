"""`make course` on a small source: deterministic, and without what an execution leaves behind."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import execute_course
import nbformat
import notebook_tests
import pytest

SOURCE = """\
# ---
# jupyter:
#   handlib:
#     number: "99"
#     title: A small notebook
#     title_ko: 작은 노트북
#     summary: It runs.
#     summary_ko: 실행됩니다.
#     objectives: [to run]
#     objectives_ko: [실행하기]
#     prerequisites: none
#     minutes_to_do: 1
#     minutes: 1
#     memory_mb: 600
#     data: none
#     seed: 0
# ---

# %% [markdown]
# {{ header }}

# %% tags=["nbval-check-output"]
print("one")
print("two")

# %%
import sys

from ipywidgets import IntSlider
from tqdm.auto import tqdm

for step in tqdm(range(3)):
    print(step, file=sys.stderr)
for step in tqdm(iter(range(2)), desc="read, once", unit=" frames"):
    pass
IntSlider()

# %%
import matplotlib.pyplot as plt

plt.plot([1, 2])
plt.show()

# %%
twice = 2

# %%
twice = 2
"""
MAKE = "import sys, pathlib, execute_course as e; e.rewrite(*map(pathlib.Path, sys.argv[1:]))"


def make(source: Path, target: Path) -> bytes:
    environment = os.environ | notebook_tests.environment()
    subprocess.run([sys.executable, "-c", MAKE, source, target], env=environment, check=True)
    return target.read_bytes()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    folder = tmp_path_factory.mktemp("course")
    source = folder / "99_small.py"
    source.write_text(SOURCE, encoding="utf-8")
    return make(source, folder / "99_small.ipynb"), make(source, folder / "99_small.ipynb")


def test_second_execution_is_byte_identical(made: tuple[bytes, bytes]) -> None:
    assert made[0] == made[1]


def test_stores_outputs_and_no_remains(made: tuple[bytes, bytes]) -> None:
    notebook = nbformat.reads(made[0].decode(), as_version=4)
    nbformat.validate(notebook)
    header, printed, widget, picture, *same = notebook.cells
    assert header.source.startswith("# 99 A small notebook")
    assert [output.text for output in printed.outputs] == ["one\ntwo\n"]
    assert printed.metadata.tags == ["nbval-check-output"]
    assert [output.data["text/plain"] for output in widget.outputs] == [execute_course.INTERACTIVE]
    assert "image/png" in picture.outputs[0].data
    assert same[0].id != same[1].id
    assert set(notebook.metadata) == {"handlib", "kernelspec", "language_info"}
    assert not any("execution" in cell.metadata for cell in notebook.cells)


def test_the_korean_notebook_can_be_written_without_running_it(tmp_path: Path) -> None:
    source, target = tmp_path / "99_small.py", tmp_path / "ko" / "99_small.ipynb"
    source.write_text(SOURCE, encoding="utf-8")
    source.with_suffix(".ko.yaml").write_text("- {en: none, ko: 없음}\n", encoding="utf-8")
    execute_course.rewrite(source, target, "ko", run=False)
    notebook = nbformat.read(target, as_version=4)
    nbformat.validate(notebook)
    header, *code = notebook.cells
    assert header.source.startswith("# 99 작은 노트북\n") and "| 없음 | 1분 |" in header.source
    assert not any(cell.outputs for cell in code)


def test_korean_notebooks_have_the_pages_that_they_link_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(execute_course.TARGETS, "ko", tmp_path)
    monkeypatch.setattr(os, "environ", dict(os.environ))  # `main` sets some for the kernels
    arguments = ["execute_course.py", "14_maxmse", "--language", "ko", "--no-execute"]
    monkeypatch.setattr(sys, "argv", arguments)
    assert execute_course.main() == 0
    notebook = nbformat.read(tmp_path / "14_maxmse.ipynb", as_version=4)
    links = {
        link for cell in notebook.cells for link in re.findall(r"\]\((\w+/[^)#]+)", cell.source)
    }
    assert len(links) > 3
    for link in links:
        assert (tmp_path / link).exists(), link


def test_ids_follow_the_cells_not_their_place(made: tuple[bytes, bytes]) -> None:
    cells = json.loads(made[0])["cells"]
    notebook = nbformat.reads(made[0].decode(), as_version=4)
    notebook.cells = notebook.cells[1:]
    moved = execute_course.normalised(notebook)
    assert [cell.id for cell in moved.cells] == [cell["id"] for cell in cells[1:]]
