"""The set-up script in the situations in which a newcomer meets it: an old Python, a full disk, no
network, an interruption, and the second call."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import prepare
import pytest

ROOT = Path(__file__).resolve().parents[2]
NOWHERE = "http://127.0.0.1:9/simple"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the script and the two files that it reads."""
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "prepare.py", tmp_path / "tools")
    for name in ("pyproject.toml", "constraints.txt", "Makefile"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def run(project: Path, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "tools/prepare.py"],
        cwd=project,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )


@pytest.fixture
def fake_pip(project: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Prepare inside `project`, with every command written down in place of being run."""
    commands: list[list[str]] = []

    def note(command: list[str], **options: object) -> None:
        commands.append(command)
        if "venv" in command:
            Path(command[-1]).mkdir(exist_ok=True)

    monkeypatch.setattr(prepare, "ROOT", str(project))
    monkeypatch.setattr(prepare, "run_pip", note)
    monkeypatch.setattr(prepare.subprocess, "run", note)
    return commands


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 6, 0), (3, 10, 14)])
def test_old_python_is_told_what_to_do(version: tuple[int, int, int]) -> None:
    with pytest.raises(prepare.SetupError, match=r"3\.11 or newer is needed.*\n.*make PYTHON="):
        prepare.check_python(version)


def test_this_and_newer_pythons_are_taken() -> None:
    prepare.check_python((3, 11, 0))
    prepare.check_python((4, 0, 0))


def test_full_disk_is_noticed_before_anything_is_made(
    fake_pip: list, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(prepare.shutil, "disk_usage", lambda folder: SimpleNamespace(free=1e9))
    with pytest.raises(prepare.SetupError, match="needs 4 GB in .*, 1.0 GB are free"):
        prepare.prepare(str(tmp_path / ".venv"))
    assert not fake_pip


def test_no_network_is_explained_and_leaves_no_ready_environment(project: Path) -> None:
    offline = {
        "PIP_INDEX_URL": NOWHERE,
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_FIND_LINKS": "",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_CACHE_DIR": "1",
    }
    done = run(project, **offline)
    assert done.returncode == 1
    assert "Set-up stopped.\nThe package index could not be reached" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (project / ".venv" / prepare.STAMP).exists()


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("OSError: [Errno 28] No space left on device", "The disk is full"),
        ("Failed to establish a new connection: [Errno 111]", "index could not be reached"),
        ("ERROR: No matching distribution found for torch==2.13.0", "no build of the package"),
        ("ERROR: metadata-generation-failed", "pip's own message stands above"),
    ],
)
def test_pip_failure_is_put_in_words(message: str, expected: str) -> None:
    failing = [sys.executable, "-c", f"import sys; sys.exit({message!r})"]
    with pytest.raises(prepare.SetupError, match=expected):
        prepare.run_pip(failing)


def test_torch_comes_first_and_from_the_index_asked_for(fake_pip: list, project: Path) -> None:
    prepare.prepare(str(project / ".venv"), torch_index="file:///wheels")
    installs = [command for command in fake_pip if "install" in command]
    assert installs[0][-1] == "torch==2.13.0"
    assert installs[0][installs[0].index("--index-url") + 1] == "file:///wheels"
    assert installs[1][-1] == ".[course,dev]"
    assert "--index-url" not in installs[1]


def test_second_call_does_nothing(fake_pip: list, project: Path) -> None:
    prepare.prepare(str(project / ".venv"))
    made = len(fake_pip)
    prepare.prepare(str(project / ".venv"))
    assert len(fake_pip) == made


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_changed_requirements_are_installed(fake_pip: list, project: Path, name: str) -> None:
    prepare.prepare(str(project / ".venv"))
    made = len(fake_pip)
    with (project / name).open("a") as file:
        file.write("# changed\n")
    prepare.prepare(str(project / ".venv"))
    assert len(fake_pip) == 2 * made


def test_interrupted_set_up_starts_afresh(
    fake_pip: list, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venv = project / ".venv"
    prepare.prepare(str(venv))
    (project / "constraints.txt").write_text("torch==2.13.0\n")

    def interrupted(command: list[str]) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(prepare, "run_pip", interrupted)
        prepare.prepare(str(venv))
    made = len(fake_pip)
    prepare.prepare(str(venv))
    assert len(fake_pip) > made


def test_missing_python_is_named_by_make(project: Path) -> None:
    done = subprocess.run(
        ["make", "setup", "PYTHON=python3.999"], cwd=project, capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "No python3.999 here: install Python 3.11 or newer" in done.stderr


def test_old_python_on_the_path_is_turned_away(project: Path, tmp_path: Path) -> None:
    """Through make, with a python3 on PATH whose version is made to look old."""
    fake = tmp_path / "bin"
    fake.mkdir()
    script = (
        "import sys; sys.version_info = (3, 9, 2); sys.path.insert(0, 'tools'); import prepare"
    )
    (fake / "python3").write_text(
        f'#!/bin/sh\nexec "{sys.executable}" -c "{script}; sys.exit(prepare.main([]))"\n'
    )
    (fake / "python3").chmod(0o755)
    path = f"{fake}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["make", "setup"], cwd=project, env=os.environ | {"PATH": path}, capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode != 0
    assert "Python 3.11 or newer is needed" in done.stderr
