"""Bring the text of the stored notebooks up to date without running them (`make text`).

Markdown and metadata come from notebooks/src; outputs stay. A notebook whose code has changed is
left as it is and named: it has to be executed with `make course`.
"""

import argparse
import sys

import nbformat
from execute_course import SOURCES, normalised, read_source, write
from nbformat import NotebookNode


def refreshed(fresh: NotebookNode, stored: NotebookNode) -> NotebookNode | None:
    """`fresh` with the outputs of `stored`, or None where their code is not the same."""
    new, old = ([c for c in n.cells if c.cell_type == "code"] for n in (fresh, stored))
    if [cell.source for cell in new] != [cell.source for cell in old]:
        return None
    for cell, executed in zip(new, old, strict=True):
        cell.outputs, cell.execution_count = executed.outputs, executed.execution_count
    return fresh


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="e.g. 06_softmax_or_sigmoid; all if none")
    names = parser.parse_args().names or sorted(path.stem for path in SOURCES.glob("*.py"))
    stale = []
    for name in names:
        target = SOURCES.parent / f"{name}.ipynb"
        fresh = normalised(read_source(SOURCES / f"{name}.py"))
        stored = nbformat.read(target, as_version=4) if target.exists() else None
        notebook = refreshed(fresh, stored) if stored else None
        if notebook is None:
            stale.append(name)
        elif notebook != stored:
            write(notebook, target)
            print(f"{target.name}: new text", flush=True)
    if stale:
        print(f'Other code than stored: make course ONLY="{" ".join(stale)}"', file=sys.stderr)
    return int(bool(stale))


if __name__ == "__main__":
    sys.exit(main())
