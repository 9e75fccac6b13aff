"""Two editions from one notebook: the student's without solutions, the teacher's with them open.

Both come from the finished notebook, outputs included: no cell but its own check needs a solution,
so what remains is what a run of the edition would show. `leaks` looks for what should be gone.
"""

import re
from collections.abc import Iterator
from copy import deepcopy
from html import unescape
from typing import Any

SOLUTION = "solution"  # the tag of a solution's cell
# A paragraph or an item of a list that says where the solution is folded: true of neither edition.
NOTE = re.compile(r"^(?:- )?\*\*Solution\*\*, folded:.*(?:\n(?!- |\n).+)*\n?", re.MULTILINE)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")  # of a traceback
LARGEST_SHARE = 2 / 3  # of a solution that hints and later cells may give away together
SHORTEST_LINE = 16  # characters; `return result` proves nothing


def student(notebook: Any) -> Any:
    """A copy without the solutions, their outputs and the note where they are folded."""
    edition = _without_note(notebook)
    edition.cells = [cell for cell in edition.cells if not is_solution(cell)]
    code = (cell for cell in edition.cells if cell.cell_type == "code")
    for count, cell in enumerate(code, start=1):  # as after a run of this edition
        cell.execution_count = count
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = count
    return edition


def teacher(notebook: Any) -> Any:
    """A copy in which the solutions stand open."""
    edition = _without_note(notebook)
    for cell in filter(is_solution, edition.cells):
        cell.metadata.pop("jupyter", None)
    return edition


def is_solution(cell: Any) -> bool:
    """Whether the cell is tagged as an exercise's solution."""
    return SOLUTION in cell.metadata.get("tags", [])


def solutions(notebook: Any) -> list[str]:
    """The code of the notebook's solutions."""
    return [cell.source for cell in notebook.cells if is_solution(cell)]


def leaks(edition: Any, code: list[str]) -> list[str]:
    """What of the solutions in `code` is in the edition, one line for each find.

    White space, HTML escapes and a traceback's colours hide nothing. Found are: a solution's name
    anywhere; a fragment of more than two thirds of its body anywhere; a line of it in an output
    or in metadata. Hints and later cells show shorter pieces on purpose.
    """
    everywhere = [_squeezed(text) for text in _strings(edition)]
    beside = [_squeezed(text) for part in _beside_sources(edition) for text in _strings(part)]
    found = []
    for solution in code:
        name, lines = _name(solution), _body(solution)
        if any(name in text for text in everywhere):
            found.append(f"the name {name}")
        if fragment := _shared("".join(lines), everywhere):
            found.append(f"of {name}: {fragment}")
        long = [line for line in lines if len(line) >= SHORTEST_LINE]
        found += [f"of {name}, in an output or metadata: {line}" for line in long
                  if any(line in text for text in beside)]  # fmt: skip
    return found


def _without_note(notebook: Any) -> Any:
    edition = deepcopy(notebook)
    for cell in edition.cells:
        if cell.cell_type == "markdown" and NOTE.search(cell.source):
            cell.source = NOTE.sub("", cell.source).rstrip()
    return edition


def _name(solution: str) -> str:
    return re.findall(r"^def (\w+)\(", solution, re.MULTILINE)[0]


def _body(solution: str) -> list[str]:
    """The lines inside the solution's functions, without white space."""
    return [_squeezed(line) for line in solution.splitlines() if line.startswith(" ")]


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", "", unescape(COLOUR.sub("", text)))


def _shared(body: str, texts: list[str]) -> str | None:
    """A fragment of the body, just over the largest share, that is in one of the texts."""
    length = int(LARGEST_SHARE * len(body)) + 1
    fragments = (body[i : i + length] for i in range(len(body) - length + 1))
    return next((part for part in fragments if any(part in text for text in texts)), None)


def _strings(node: Any) -> Iterator[str]:
    """All text in a notebook or a part of it; pictures hold none."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for key, value in node.items():
            if not key.startswith("image/png"):
                yield from (key, *_strings(value))
    elif isinstance(node, list):
        for value in node:
            yield from _strings(value)


def _beside_sources(edition: Any) -> Iterator[Any]:
    yield edition.metadata
    for cell in edition.cells:
        yield cell.metadata
        yield cell.get("outputs", [])
