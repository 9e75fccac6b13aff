"""`make text`: new words come in, outputs stay, and changed code is refused."""

import sys

import execute_course
import nbformat
import pytest
import refresh_text
from nbformat.v4 import new_output

TEXT = """\
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
#
# Words.

# %%
print("one")

# %%
print("two")
"""


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A folder with one source and its notebook, as if it had been run."""
    (tmp_path / "src").mkdir()
    source, stored = tmp_path / "src" / "99_small.py", tmp_path / "99_small.ipynb"
    source.write_text(TEXT, encoding="utf-8")
    notebook = execute_course.normalised(refresh_text.read_source(source))
    for count, cell in enumerate((c for c in notebook.cells if c.cell_type == "code"), start=1):
        cell.execution_count = count
        cell.outputs = [new_output("stream", text=f"output {count}\n")]
    execute_course.write(notebook, stored)
    monkeypatch.setattr(refresh_text, "SOURCES", tmp_path / "src")
    monkeypatch.setattr(sys, "argv", ["refresh_text.py"])
    return source, stored


def test_new_words_come_in_and_outputs_stay(course):
    source, stored = course
    before = nbformat.read(stored, as_version=4)
    source.write_text(TEXT.replace("Words.", "Other words."), encoding="utf-8")
    assert refresh_text.main() == 0
    after = nbformat.read(stored, as_version=4)
    assert "Other words." in after.cells[0].source
    assert after.cells[1:] == before.cells[1:]
    assert after.metadata == before.metadata


def test_a_notebook_that_is_up_to_date_is_not_written(course):
    _, stored = course
    stamp = stored.stat().st_mtime_ns
    assert refresh_text.main() == 0
    assert stored.stat().st_mtime_ns == stamp


def test_changed_code_is_refused_and_named(course, capsys):
    source, stored = course
    before = stored.read_bytes()
    source.write_text(TEXT.replace('print("one")', 'print("1")'), encoding="utf-8")
    assert refresh_text.main() == 1
    assert 'make course ONLY="99_small"' in capsys.readouterr().err
    assert stored.read_bytes() == before
