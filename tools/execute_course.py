"""Execute the notebooks from their sources and rewrite the stored outputs (`make course`).

notebooks/src/NN_title.py (jupytext percent) -> notebooks/NN_title.ipynb, or with its Korean
(NN_title.ko.yaml) -> build/ko/NN_title.ipynb, which is not tracked, beside a copy of the pages
that it links to. The result depends on the sources alone: cell ids come from the cells' text,
metadata is spelled out, and whatever changes from run to run (widget state, progress bars, times)
is not stored.
"""

import argparse
import hashlib
import os
import re
import shutil
import sys
from collections import Counter
from pathlib import Path

import nbformat
import notebook_tests
from kernel_usage import KernelUsage
from nbclient import NotebookClient
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from handlib.course.language import Language  # noqa: E402
from handlib.course.source import read_source  # noqa: E402

SOURCES = ROOT / "notebooks" / "src"
TARGETS: dict[Language, Path] = {"en": ROOT / "notebooks", "ko": ROOT / "build" / "ko"}
OWN_METADATA = ("handlib",)
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
PROGRESS_BAR = re.compile(r".*\[\d+:\d\d[<,]")  # tqdm's time, with or without a total or a name
INTERACTIVE = "Interactive: run this cell to use it; the still figure beside it shows the same."
INTERACTIVE_KO = (
    "Interactive: 이 cell을 실행하면 직접 조작할 수 있습니다. "
    "함께 있는 그림이 같은 내용을 보여 줍니다."
)
STARTED_FROM = {
    "kernelspec": {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"},
}


def normalised(notebook: NotebookNode) -> NotebookNode:
    """The same cells with metadata and cell ids that depend on the source alone."""
    own = {key: notebook.metadata[key] for key in OWN_METADATA if key in notebook.metadata}
    notebook.metadata = nbformat.from_dict(STARTED_FROM | own)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    repeats: Counter[str] = Counter()
    for cell in notebook.cells:
        text = f"{cell.cell_type}\n{cell.source}"
        cell.metadata.pop("lines_to_next_cell", None)  # jupytext's note to itself
        cell.id = hashlib.sha256(f"{text}\n{repeats[text]}".encode()).hexdigest()[:12]
        repeats[text] += 1
    return notebook


def storable(output: NotebookNode, language: Language = "en") -> NotebookNode | None:
    """The output as it is stored: no progress on stderr, no view of a widget that is gone."""
    if output.output_type == "stream":
        return None if output.name == "stderr" else output
    if WIDGET_VIEW not in output.get("data", {}):
        return output
    if PROGRESS_BAR.match(output.data.get("text/plain", "")):
        return None
    said = INTERACTIVE_KO if language == "ko" else INTERACTIVE
    output.data = NotebookNode({"text/plain": said, "text/markdown": f"*{said}*"})
    return output


def strip(notebook: NotebookNode, language: Language = "en") -> None:
    """Remove what an execution leaves behind besides the outputs proper."""
    notebook.metadata.pop("widgets", None)
    notebook.metadata["language_info"] = nbformat.from_dict(STARTED_FROM["language_info"])
    for cell in notebook.cells:
        if cell.cell_type == "code":
            kept = [storable(output, language) for output in cell.outputs]
            cell.outputs = [output for output in kept if output is not None]


def execute(notebook: NotebookNode, folder: Path) -> tuple[float, float]:
    """Run all cells in `folder`; returns minutes and the kernel's peak memory in MB."""
    client = NotebookClient(
        notebook,
        timeout=None,
        record_timing=False,
        coalesce_streams=True,
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(folder)}},
    )
    with client.setup_kernel():
        usage = KernelUsage(client.km.provisioner.pid)
        for index, cell in enumerate(notebook.cells):
            client.execute_cell(cell, index)
        return usage.stop()


def write(notebook: NotebookNode, target: Path) -> None:
    part = target.with_suffix(".part")
    part.write_text(nbformat.writes(notebook, version=4) + "\n", encoding="utf-8")
    os.replace(part, target)


def rewrite(source: Path, target: Path, language: Language = "en", run: bool = True) -> str:
    """Make `target` from `source`; returns a line that says what it cost and what is declared."""
    notebook = normalised(read_source(source, language))
    target.parent.mkdir(parents=True, exist_ok=True)
    if not run:
        write(notebook, target)
        return f"{target.name}: written without outputs"
    # Notebooks look at their neighbours, so Korean ones run where the English ones lie.
    folder = target.parent if language == "en" else TARGETS["en"]
    minutes, memory_mb = execute(notebook, folder)
    strip(notebook, language)
    write(notebook, target)
    declared = notebook.metadata.get("handlib", {})
    return (
        f"{target.name}: {minutes:.2f} min (declared {declared.get('minutes', '?')}), "
        f"{memory_mb:.0f} MB (declared {declared.get('memory_mb', '?')}), "
        f"{target.stat().st_size / 1e3:.0f} kB"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="e.g. 06_softmax_or_sigmoid; all if none")
    parser.add_argument("--language", choices=list(TARGETS), default="en")
    parser.add_argument("--no-execute", action="store_true", help="write them without outputs")
    options = parser.parse_args()
    target = TARGETS[options.language]
    os.environ.update(notebook_tests.environment())
    if target != TARGETS["en"]:
        shutil.copytree(TARGETS["en"] / "reference", target / "reference", dirs_exist_ok=True)
    for name in options.names or sorted(path.stem for path in SOURCES.glob("*.py")):
        print(f"{name} ...", flush=True)
        paths = SOURCES / f"{name}.py", target / f"{name}.ipynb"
        print(rewrite(*paths, options.language, not options.no_execute), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
