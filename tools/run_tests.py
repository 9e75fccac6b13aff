"""Run the test stages one after another, time them, and close with one plain summary line.

A failing stage does not stop the later ones: one run shows everything that is wrong.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

import make_editions
import notebook_tests

ROOT = Path(__file__).resolve().parent.parent
HARNESSES = ("tests/browser",)
RUN_AS_STUDENT = "13_dynamic_fusion.ipynb"  # the quickest: with its stubs left in, it runs as well


@dataclass(frozen=True)
class Result:
    """How many checks of a stage came out how; a style or type run counts as one check."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: "Result") -> "Result":
        return Result(
            self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped
        )

    def __str__(self) -> str:
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


def run_checker(*commands: list[str]) -> Result:
    codes = [subprocess.run([sys.executable, "-m", *command], cwd=ROOT) for command in commands]
    good = all(done.returncode == 0 for done in codes)
    return Result(passed=int(good), failed=int(not good))


def read_junit(path: Path, returncode: int) -> Result:
    """Counts of a pytest run; a run that broke before or after its tests counts as one failure."""
    if not path.exists():
        return Result(failed=1)
    passed = failed = skipped = 0
    for suite in ElementTree.parse(path).getroot().iter("testsuite"):
        bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        left_out = int(suite.get("skipped", 0))
        passed += int(suite.get("tests", 0)) - bad - left_out
        failed += bad
        skipped += left_out
    broke = returncode not in (0, 1) or (returncode == 1 and not failed)
    return Result(passed, failed + broke, skipped)


def run_pytest(arguments: list[str], environment: dict[str, str] | None = None) -> Result:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "junit.xml"
        command = [sys.executable, "-m", "pytest", f"--junit-xml={report}", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=os.environ | (environment or {}))
        return read_junit(report, done.returncode)


def lint() -> Result:
    return run_checker(["ruff", "check", "."], ["ruff", "format", "--check", "."])


def types() -> Result:
    return run_checker(["mypy"])


def unit() -> Result:
    ignored = [f"--ignore={folder}" for folder in HARNESSES]
    # Each test has one thread, so a second process takes the second core; a file stays together.
    return run_pytest(["-n", "2", "--dist", "loadfile", "--durations=10", *ignored, "tests"])


def notebooks() -> Result:
    found = sorted((ROOT / "notebooks").glob("*.ipynb"))
    if not found:
        print("No notebooks/*.ipynb yet.")
        return Result()
    make_editions.make(make_editions.BUILT)
    found.append(make_editions.BUILT / "student" / RUN_AS_STUDENT)
    return run_pytest(notebook_tests.arguments(found), notebook_tests.environment())


def browser() -> Result:
    return run_pytest(["-rs", "--durations=5", "tests/browser"])


STAGES = {"lint": lint, "types": types, "unit": unit, "notebooks": notebooks, "browser": browser}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("stages", nargs="*", choices=[*STAGES, []], help="in this order")
    chosen = parser.parse_args().stages or list(STAGES)
    total, lines = Result(), []
    for name in chosen:
        print(f"\n=== {name}", flush=True)
        started = time.monotonic()
        result = STAGES[name]()
        total += result
        lines.append(f"{name:10} {time.monotonic() - started:6.0f} s   {result}")
    print("\n=== summary", *lines, total, sep="\n", flush=True)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
