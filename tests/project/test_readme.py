"""The README keeps up with the project: commands, paths, the table of the course."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import course_table
import pytest
from typer.main import get_command

from handlib.cli import app

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
LINKS = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
SHOWN = [shlex.split(line, comments=True) for line in README.splitlines() if "bin/handlib" in line]


def test_make_commands_exist() -> None:
    named = set(re.findall(r"(?:`|^)make ([a-z]+)", README, re.MULTILINE))
    assert {"lab", "test", "course", "figures", "bench"} <= named
    assert named <= TARGETS


@pytest.mark.parametrize("command", SHOWN, ids=" ".join)
def test_handlib_commands_are_understood(command: list[str]) -> None:
    found, words = get_command(app), command[1:]
    while hasattr(found, "commands"):
        found, words = found.commands[words[0]], words[1:]
    assert not found.make_context(found.name, words).args


@pytest.mark.parametrize("target", sorted(set(LINKS)))
def test_linked_file_is_here(target: str) -> None:
    assert (ROOT / target).exists()


def test_table_is_up_to_date() -> None:
    assert course_table.with_table(README) == README, "run `make table`"


def test_table_names_every_notebook() -> None:
    course = course_table.course()
    assert [entry["number"] for entry in course] == [f"{number:02}" for number in range(18)]
    titles = {entry["number"]: entry["title"] for entry in course}
    for number, (path, contract) in course_table.contracts().items():
        assert contract.title.en == titles[number]
        assert f"notebooks/{path.name}" in README


def test_help_lists_every_target() -> None:
    listed = subprocess.run(
        ["make", "help", f"PYTHON={sys.executable}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert set(re.findall(r"^make ([a-z]+)", listed, re.MULTILINE)) == TARGETS
