"""A pytest plugin that makes `--nbval-lax` fail where a reader would see something wrong.

By itself nbval passes a cell to be checked that has no stored output, an unknown magic, a failed
`!command`, an exception in a thread, a cell that should raise and does not; it waits out the whole
time limit when a kernel dies, and runs on after the first failure. Here each of these fails. It
also gives up on a cell that shows more than a socket holds; here that is read as it comes. And
every notebook closes with a test of the minutes and memory that its metadata declares.
"""

import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from queue import Empty

import pytest
from kernel_usage import KernelUsage
from nbval.plugin import IPyNbCell, IPyNbFile

TOLERANCE = 1.5  # measured may be this many times declared: shared machines vary by a third
START_UP_SECONDS = 30  # on top of the declared minutes, before a single cell is given up
KERNEL_POLL_SECONDS = 1.0

WRONG_ON_STDERR = (
    "UsageError:",
    "Exception in thread",
    "Exception ignored in",
    "never retrieved",
    "Warning:",
)

FAIL_ON_SHELL_ERRORS = """
def _strict_shell(shell):
    run = shell.system

    def system(command):
        run(command)
        if code := shell.user_ns["_exit_code"]:
            raise RuntimeError(f"shell command failed with code {code}: {command}")

    shell.system = system

_strict_shell(get_ipython())
del _strict_shell
"""


class DeclaredCost(pytest.Item):
    """Compares the notebook's declared minutes and memory with what the run took."""

    def runtest(self) -> None:
        declared = self.parent.nb.metadata.get("handlib", {})
        minutes, memory_mb = self.parent.usage.stop()
        measured = {"minutes": minutes, "memory_mb": memory_mb}
        for name, value in measured.items():
            if name not in declared:
                pytest.fail(f"the notebook's metadata has no handlib.{name}")
            if value > TOLERANCE * declared[name]:
                pytest.fail(f"handlib.{name}: declared {declared[name]}, measured {value:.2f}")

    def repr_failure(self, excinfo: pytest.ExceptionInfo) -> str:
        return str(excinfo.value)

    def reportinfo(self) -> tuple:
        return self.path, 0, f"{self.path.name}::declared cost"


def cell_seconds(metadata: dict, fallback: float) -> float:
    """Time limit of one cell, from the minutes that the whole notebook declares."""
    minutes = metadata.get("handlib", {}).get("minutes")
    return fallback if minutes is None else 60 * TOLERANCE * minutes + START_UP_SECONDS


def attend(kernel) -> None:
    """While a cell runs, fetch what it shows, and notice when the kernel dies.

    Unread messages pile up in a socket that drops all beyond some thousands, the one that says
    "done" among them: a progress bar sends that many in minutes.
    """
    wait, receive = kernel.await_reply, kernel.get_message
    fetched: deque[dict] = deque()

    def get_message(stream: str, timeout: float | None = None) -> dict:
        if stream == "iopub" and fetched:
            return fetched.popleft()
        return receive(stream, timeout=timeout)

    def await_reply(msg_id: str, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while True:
            try:
                return wait(msg_id, timeout=KERNEL_POLL_SECONDS)
            except Empty:
                if not kernel.is_alive():
                    raise RuntimeError("the kernel died (out of memory?)") from None
                if time.monotonic() > deadline:
                    raise
            with suppress(Empty):
                while True:
                    fetched.append(receive("iopub", timeout=0))

    kernel.get_message, kernel.await_reply = get_message, await_reply


def prepare_kernel(notebook: IPyNbFile) -> None:
    kernel = notebook.kernel
    attend(kernel)
    message = kernel.kc.execute(FAIL_ON_SHELL_ERRORS, silent=True)
    kernel.await_reply(message, timeout=30)
    kernel.await_idle(message, timeout=30)
    notebook.usage = KernelUsage(kernel.km.provisioner.pid)


def complaint(cell: IPyNbCell) -> str | None:
    """What is wrong with a cell that nbval let pass."""
    outputs = cell.test_outputs or []
    if cell.options["check"] and cell.cell.execution_count is None:
        return "its output is to be checked, but none is stored: run `make course`"
    if cell.options["check_exception"] and not any(o.output_type == "error" for o in outputs):
        return "it is tagged raises-exception and raised none"
    stderr = "".join(o.text for o in outputs if o.output_type == "stream" and o.name == "stderr")
    wrong = [sign for sign in WRONG_ON_STDERR if sign in stderr]
    return f"it printed {wrong[0]!r} on stderr:\n{stderr}" if wrong else None


def pytest_collectstart(collector: pytest.Collector) -> None:
    if isinstance(collector, IPyNbFile):
        collector.skip_compare += ("stderr",)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    notebooks = dict.fromkeys(item.parent for item in items if isinstance(item, IPyNbCell))
    for notebook in notebooks:
        last = max(i for i, item in enumerate(items) if item.parent is notebook)
        items.insert(last + 1, DeclaredCost.from_parent(notebook, name="declared cost"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    if isinstance(item.parent, IPyNbFile):
        if failed := getattr(item.parent, "first_failure", None):
            pytest.skip(f"{failed} failed before")
        default = item.config.stash.setdefault(LIMIT, item.config.option.nbval_cell_timeout)
        limit = cell_seconds(item.parent.nb.metadata, default)
        item.config.option.nbval_cell_timeout = limit
    yield
    if isinstance(item.parent, IPyNbFile) and not hasattr(item.parent, "usage"):
        prepare_kernel(item.parent)


LIMIT = pytest.StashKey[float]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    yield
    if isinstance(item, IPyNbCell) and (problem := complaint(item)):
        item.raise_cell_error(problem)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if isinstance(item.parent, IPyNbFile) and report.failed:
        item.parent.first_failure = getattr(item.parent, "first_failure", item.name)
    return report
