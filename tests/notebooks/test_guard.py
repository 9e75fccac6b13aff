"""Every hole that the guard closes, shown on a tiny notebook that must fail, beside one that must
pass: the notebooks run in one pytest of their own, and its report is read."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import nbformat
import notebook_tests
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

CHEAP = {"minutes": 1, "memory_mb": 1000}
CHECKED = ["nbval-check-output"]


def code(source: str, tags: list[str] | None = None, printed: str | None = None, count: int = 1):
    outputs = [] if printed is None else [new_output("stream", name="stdout", text=printed)]
    return new_code_cell(
        source, metadata={"tags": tags or []}, outputs=outputs, execution_count=count
    )


THREAD = """
import threading
thread = threading.Thread(target=lambda: 1 / 0)
thread.start()
thread.join()
"""
WIDGET = """
import ipywidgets
slider = ipywidgets.IntSlider()
slider.observe(lambda change: 1 / 0, "value")
slider.value = 3
"""
TALKATIVE = """
import time
from IPython.display import display
for i in range(12_000):
    display({"text/plain": "x" * 5_000}, raw=True)
    if i % 500 == 0:
        time.sleep(0.4)
"""
OTHER_HOST = "192.0.2.1"  # set aside for documentation: nobody's
REACH_OUT = f"import socket; socket.create_connection(('{OTHER_HOST}', 80), timeout=5)"
REACH_OUT_BY_CHILD = f'!{{__import__("sys").executable}} -c "{REACH_OUT}"'

MUST_PASS = {
    "plain": [code("value = 3\nprint(value)", CHECKED, "3\n"), code("!true"), code("%pwd")],
    "stderr_differs": [code("import sys\nprint('a', file=sys.stderr)", CHECKED, None)],
    "raises_as_promised": [code("1 / 0", ["raises-exception"])],
    "shows_a_lot": [code(TALKATIVE), code("1")],
    "loopback": [
        code("import socket\ns = socket.create_server(('127.0.0.1', 0))"),
        code("socket.create_connection(s.getsockname()).close()\ns.close()"),
    ],
}
MUST_FAIL = {
    "error": ([code("1 / 0")], "Cell 0"),
    "output_differs": ([code("print(4)", CHECKED, "3\n")], "Cell 0"),
    "no_stored_output": ([code("print(3)", CHECKED, None, None)], "Cell 0"),
    "unknown_magic": ([code("%no_such_magic")], "Cell 0"),
    "shell": ([code("!false"), code("1")], "Cell 0"),
    "shell_then_fine": ([code("!false\n!true")], "Cell 0"),
    "thread": ([code(THREAD)], "Cell 0"),
    "widget_callback": ([code(WIDGET)], "Cell 0"),
    "warning": ([code("import warnings\nwarnings.warn('mind')")], "Cell 0"),
    "does_not_raise": ([code("1", ["raises-exception"])], "Cell 0"),
    "kernel_dies": ([code("import os\nos._exit(1)"), code("1")], "Cell 0"),
    "reaches_out": ([code(REACH_OUT)], "Cell 0"),
    "looks_up_a_name": ([code("import socket\nsocket.getaddrinfo('a.invalid', 80)")], "Cell 0"),
    "child_reaches_out": ([code(REACH_OUT_BY_CHILD)], "Cell 0"),
    "too_long": ([code("import time\ntime.sleep(1.5)")], "declared cost"),
    "too_large": ([code("large = b'x' * 400_000_000")], "declared cost"),
    "undeclared": ([code("1")], "declared cost"),
}
DECLARED = {
    "too_long": {"minutes": 0.01, "memory_mb": 1000},
    "too_large": {"minutes": 1, "memory_mb": 200},
    "undeclared": {},
}


def write(folder: Path, name: str, cells: list) -> Path:
    notebook = new_notebook(cells=cells, metadata={"handlib": DECLARED.get(name, CHEAP)})
    path = folder / f"{name}.ipynb"
    nbformat.write(notebook, path)
    return path


def outcome(case: ElementTree.Element) -> str:
    kinds = {child.tag for child in case} & {"failure", "error", "skipped"}
    return kinds.pop() if kinds else "passed"


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """Per notebook, what became of each of its tests."""
    folder = tmp_path_factory.mktemp("notebooks")
    cells = MUST_PASS | {name: cells for name, (cells, _) in MUST_FAIL.items()}
    paths = [write(folder, name, own) for name, own in cells.items()]
    report = folder / "junit.xml"
    command = [sys.executable, "-m", "pytest", f"--rootdir={folder}", f"--junit-xml={report}"]
    done = subprocess.run(
        command + notebook_tests.arguments(paths),
        cwd=folder,
        env=os.environ | notebook_tests.environment(),
        capture_output=True,
        text=True,
    )
    assert report.exists(), done.stdout + done.stderr
    results: dict[str, dict[str, str]] = {name: {} for name in cells}
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        results[case.get("classname").split(".")[0]][case.get("name")] = outcome(case)
    return results


@pytest.mark.parametrize("name", MUST_PASS)
def test_sound_notebook_passes(outcomes: dict[str, dict[str, str]], name: str) -> None:
    tests = outcomes[name]
    assert set(tests.values()) == {"passed"}
    assert len(tests) == len(MUST_PASS[name]) + 1


@pytest.mark.parametrize("name", MUST_FAIL)
def test_hole_is_closed(outcomes: dict[str, dict[str, str]], name: str) -> None:
    cells, guilty = MUST_FAIL[name]
    tests = outcomes[name]
    assert tests[guilty] == "failure"
    assert [test for test, came in tests.items() if came in ("failure", "error")] == [guilty]
    after = list(tests)[list(tests).index(guilty) + 1 :]
    assert all(tests[test] == "skipped" for test in after)
    assert len(tests) == len(cells) + 1
