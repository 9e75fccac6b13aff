"""`make student`: both editions complete, nothing of a solution in the student's, links inside."""

import re
from copy import deepcopy
from pathlib import Path
from urllib.parse import unquote

import make_editions
import nbformat
import pytest
from nbformat import NotebookNode

from handlib.course import editions
from handlib.course.source import read_source

STORED = {
    path.name: nbformat.read(path, as_version=4)
    for path in sorted(make_editions.NOTEBOOKS.glob("*.ipynb"))
}
EXAMPLE = "13_dynamic_fusion.ipynb"
LINK = re.compile(r"\]\((?!\w+:)([^)#\s]+)|(?:src|href)=\"(?!\w+:)([^\"#]+)")
FOLDED = re.compile(r"\*\*Solution\*\*|three dots|\bfolded cell")
each_notebook = pytest.mark.parametrize("name", STORED)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("build")
    assert make_editions.make(folder) == []
    return folder


def read(built: Path, edition: str, name: str) -> NotebookNode:
    return nbformat.read(built / edition / name, as_version=4)


def tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def tagged(notebook: NotebookNode, tag: str) -> list[str]:
    return [cell.source for cell in notebook.cells if tag in tags(cell)]


def without_counts(cell: NotebookNode) -> NotebookNode:
    """The cell but for its numbers."""
    cell = deepcopy(cell)
    if cell.cell_type == "code":
        cell.execution_count = None
        for output in cell.outputs:
            output.pop("execution_count", None)
    return cell


@each_notebook
def test_every_exercise_of_the_source_is_in_both_editions(built: Path, name: str) -> None:
    source = read_source(make_editions.NOTEBOOKS / "src" / f"{name[:-6]}.py")
    capstone = name.startswith("17")  # it has open projects in place of exercises
    assert capstone or len(tagged(source, "exercise")) >= 3
    for edition in make_editions.EDITIONS:
        for tag in ("exercise", "check"):
            assert tagged(read(built, edition, name), tag) == tagged(source, tag)
    assert tagged(read(built, "teacher", name), "solution") == tagged(source, "solution")
    assert not tagged(read(built, "student", name), "solution")


@each_notebook
def test_all_other_cells_and_outputs_are_the_stored_ones(built: Path, name: str) -> None:
    solved = [cell for cell in STORED[name].cells if "solution" in tags(cell)]
    kept = [cell for cell in STORED[name].cells if "solution" not in tags(cell)]
    student, teacher = (read(built, edition, name) for edition in ("student", "teacher"))
    assert student.metadata == teacher.metadata == STORED[name].metadata
    others = [cell for cell in teacher.cells if "solution" not in tags(cell)]
    for stored, *made in zip(kept, student.cells, others, strict=True):
        for cell in made:
            if FOLDED.search(stored.source):
                assert stored.source.startswith(cell.source[:200])
                assert len(cell.source) > len(stored.source) - 150
                cell.source = stored.source
            assert without_counts(cell) == without_counts(stored)
    opened = [cell for cell in teacher.cells if "solution" in tags(cell)]
    assert [c.outputs for c in opened] == [c.outputs for c in solved]
    assert not any("jupyter" in c.metadata for c in opened)


@each_notebook
def test_student_reads_of_hints_and_not_of_folded_cells(built: Path, name: str) -> None:
    text = "\n".join(cell.source for cell in read(built, "student", name).cells)
    stubs = len(tagged(STORED[name], "exercise"))
    assert text.count("<summary>Hint 1</summary>") == text.count("<summary>Hint 2</summary>")
    assert text.count("<summary>Hint 1</summary>") == stubs
    for edition in make_editions.EDITIONS:
        shown = [c.source for c in read(built, edition, name).cells if c.cell_type == "markdown"]
        assert not FOLDED.search("\n".join(shown))


@each_notebook
def test_student_starts_from_stubs_that_are_not_done_yet(built: Path, name: str) -> None:
    cells = [c for c in read(built, "student", name).cells if c.cell_type == "code"]
    assert [c.execution_count for c in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        if "check" in tags(cell):
            (output,) = cell.outputs
            assert output.execution_count == cell.execution_count
            assert "not done yet" in output.data["text/plain"]


@each_notebook
def test_editions_are_valid_and_their_cells_have_ids_of_their_own(built: Path, name: str) -> None:
    for edition in make_editions.EDITIONS:
        notebook = read(built, edition, name)
        nbformat.validate(notebook)
        ids = [cell.id for cell in notebook.cells]
        assert len(set(ids)) == len(ids)


def test_links_lead_to_files_of_the_same_edition(built: Path) -> None:
    for edition in make_editions.EDITIONS:
        folder = built / edition
        texts = {page: page.read_text(encoding="utf-8") for page in folder.rglob("*.md")}
        for page in folder.glob("*.ipynb"):
            cells = read(built, edition, page.name).cells
            texts[page] = "\n".join(c.source for c in cells if c.cell_type == "markdown")
        for page, text in texts.items():
            for groups in LINK.findall(text):
                target = (page.parent / unquote("".join(groups))).resolve()
                assert target.is_relative_to(folder) and target.exists(), f"{page.name}: {target}"


def test_files_beside_the_notebooks_come_along_and_old_ones_go(tmp_path: Path) -> None:
    notebooks = tmp_path / "notebooks"
    for file in ("reference/page.md", "src/01_a.py", ".ipynb_checkpoints/01_a.ipynb"):
        (notebooks / file).parent.mkdir(parents=True, exist_ok=True)
        (notebooks / file).write_text("text")
    nbformat.write(STORED[EXAMPLE], notebooks / "01_a.ipynb")
    (tmp_path / "student").mkdir()
    (tmp_path / "student" / "00_gone.ipynb").write_text("old")
    assert make_editions.make(tmp_path, notebooks) == []
    for edition in make_editions.EDITIONS:
        files = [path for path in (tmp_path / edition).rglob("*") if path.is_file()]
        names = {str(path.relative_to(tmp_path / edition)) for path in files}
        assert names == {"01_a.ipynb", "reference/page.md"}


def body(solution: str) -> str:
    return "\n".join(line.strip() for line in solution.split("\n") if line.startswith(" "))


def planted(notebook: NotebookNode, where: str, text: str) -> NotebookNode:
    """The student's edition with `text` where it should not be."""
    edition = editions.student(notebook)
    kind = "markdown" if where == "Markdown" else "code"
    cell = next(cell for cell in edition.cells if cell.cell_type == kind)
    if where == "metadata":
        cell.metadata["remark"] = {"kept": [text]}
    elif where == "output":
        cell.outputs = [nbformat.v4.new_output("stream", text=text)]
    elif where == "traceback":
        coloured = re.sub(r"(\W)", "\x1b[0;32m\\1\x1b[0m", text)
        cell.outputs = [nbformat.v4.new_output("error", traceback=[coloured])]
    else:
        cell.source += f"\n{text}"
    return edition


@pytest.mark.parametrize("where", ["code", "Markdown", "metadata", "output", "traceback"])
def test_a_planted_body_is_found_wherever_it_is(where: str) -> None:
    notebook = STORED[EXAMPLE]
    code = editions.solutions(notebook)
    assert editions.leaks(editions.student(notebook), code) == []
    for solution in code:
        assert editions.leaks(planted(notebook, where, body(solution)), code)


@each_notebook
def test_every_body_is_found_under_another_name_and_indent(name: str) -> None:
    code = editions.solutions(STORED[name])
    for solution in code:
        cell = nbformat.v4.new_code_cell(f"def other(x):\n{body(solution)}")
        found = editions.leaks(nbformat.v4.new_notebook(cells=[cell]), code)
        solved = solution.split("(")[0].removeprefix("def ")
        assert any(solved in line for line in found), solution


def test_a_planted_name_line_or_fragment_is_found() -> None:
    notebook = STORED[EXAMPLE]
    code = editions.solutions(notebook)
    solution = next(text for text in code if "def warp_by_sums_solution" in text)
    text = body(solution)
    longest = max(text.split("\n"), key=len)
    assert editions.leaks(planted(notebook, "code", "# see warp_by_sums_solution"), code)
    assert editions.leaks(planted(notebook, "output", longest), code)
    assert not editions.leaks(planted(notebook, "Markdown", longest[: len(longest) // 2]), code)
    assert editions.leaks(planted(notebook, "Markdown", text[len(text) // 5 :]), code)


def test_a_solution_that_lost_its_tag_is_found() -> None:
    notebook = deepcopy(STORED[EXAMPLE])
    code = editions.solutions(notebook)
    untagged = next(cell for cell in notebook.cells if "solution" in tags(cell))
    untagged.metadata.tags = []
    assert editions.leaks(editions.student(notebook), code)
