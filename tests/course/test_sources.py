"""Every notebook's source keeps the course's form, and its generated cells are filled in."""

import ast
import re
from pathlib import Path

import pytest

from handlib.course.contract import Contract
from handlib.course.source import navigation, read_source

WITHOUT_EXERCISES = {"17"}  # the capstone has open projects in their place
SOURCES = sorted((Path(__file__).parents[2] / "notebooks" / "src").glob("[0-9][0-9]_*.py"))
pytestmark = pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.stem)


def tags(cell):
    return cell.metadata.get("tags", [])


def code(path):
    return [c for c in read_source(path).cells if c.cell_type == "code"]


def markdown(path):
    return [c.source for c in read_source(path).cells if c.cell_type == "markdown"]


def test_the_first_cell_is_the_header_and_no_mark_is_left(path):
    notebook = read_source(path)
    contract = Contract.from_metadata(notebook.metadata)
    assert notebook.cells[0].source.startswith(f"# {contract.number} {contract.title.en}")
    assert contract.title.ko in notebook.cells[0].source
    assert contract.number == path.stem[:2]
    assert not any("{{" in text for text in markdown(path))


def without_imports(source):
    """The set-up cell holds all imports, as many as there are; what else it does is short."""
    lines = source.splitlines()
    for node in ast.parse(source).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            lines[node.lineno - 1 : node.end_lineno] = [None] * (node.end_lineno - node.lineno + 1)
    return [line for line in lines if line is not None]


def test_code_is_short_and_narrow(path):
    for cell in code(path):
        lines = cell.source.splitlines()
        counted = without_imports(cell.source) if "setup" in tags(cell) else lines
        assert len(counted) <= 15, cell.source
        assert max(map(len, lines), default=0) <= 79, cell.source


def test_there_is_one_set_up_cell_and_it_holds_all_imports(path):
    cells = code(path)
    assert [i for i, cell in enumerate(cells) if "setup" in tags(cell)] == [0]
    assert not any(re.search(r"^(import|from) ", c.source, re.M) for c in cells[1:])


def test_each_exercise_has_stub_check_and_folded_solution_in_this_order(path):
    cells = [c for c in code(path) if {"exercise", "check", "solution"} & set(tags(c))]
    assert [tags(c)[0] for c in cells] == ["exercise", "check", "solution"] * (len(cells) // 3)
    assert len(cells) >= 9 or path.stem[:2] in WITHOUT_EXERCISES
    for stub, check, solution in zip(cells[::3], cells[1::3], cells[2::3], strict=True):
        name = re.search(r"^def (\w+)\(", stub.source, re.M).group(1)
        assert check.source == f"check.{name}({name})"
        assert f"def {name}_solution(" in solution.source
        assert f"check.{name}({name}_solution)" in solution.source
        assert solution.metadata.jupyter.source_hidden


def test_no_other_cell_needs_stub_or_solution(path):
    cells = code(path)
    names = {
        name
        for c in cells
        if {"exercise", "solution"} & set(tags(c))
        for name in re.findall(r"^def (\w+)\(", c.source, re.M)
    }
    for cell in cells:
        if not {"exercise", "check", "solution"} & set(tags(cell)):
            assert not names & set(re.findall(r"\w+", cell.source)), cell.source


def test_each_exercise_has_two_hints(path):
    stubs = sum("exercise" in tags(c) for c in code(path))
    text = "\n".join(markdown(path))
    assert text.count("<summary>Hint 1</summary>") == stubs
    assert text.count("<summary>Hint 2</summary>") == stubs


def test_headings_descend_one_level_at_a_time(path):
    levels = [len(m) for m in re.findall(r"^(#+) ", "\n".join(markdown(path)), re.M)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b <= a + 1 for a, b in zip(levels, levels[1:], strict=False))


def test_quiz_summary_and_references_close_the_notebook(path):
    text = "\n".join(markdown(path))
    for part in ("Paper against code", "Quiz", "## Summary", "## 요약", "## References"):
        assert part in text, part
    assert text.count("**Question ") == 3
    assert text.count("Predict first") >= 1


def test_links_to_other_notebooks_lead_somewhere(path):
    stems = {p.stem for p in SOURCES}
    linked = set(re.findall(r"\((\d\d_\w+)\.ipynb\)", navigation(path)))
    assert linked <= stems and path.stem not in linked
