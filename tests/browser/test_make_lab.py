"""`make lab` itself: JupyterLab comes up on notebook 00, on this machine only, as root too."""

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from lab_server import Server, free_port, private_folders, wait_for

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
FIRST = "00_start_here.ipynb"


@pytest.mark.skipif(not (NOTEBOOKS / FIRST).exists(), reason="notebook 00 is not there")
def test_make_lab_opens_the_first_notebook(tmp_path: Path) -> None:
    server = Server(free_port(), "secret", NOTEBOOKS)
    # -o: the environment that runs this test is set up; prepare.py has tests of its own.
    command = ["make", "-o", "setup", "lab", f"VENV={sys.prefix}"]
    options = f"LAB_OPTIONS=--no-browser --port={server.port}"
    environment = os.environ | private_folders(tmp_path) | {"JUPYTER_TOKEN": server.token}
    log = tmp_path / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, options], cwd=ROOT, env=environment, stderr=output, start_new_session=True
        )
    try:
        wait_for(server, process)
        assert f"http://127.0.0.1:{server.port}/lab/tree/{FIRST}" in log.read_text()
        with urllib.request.urlopen(server.address(f"lab/tree/{FIRST}"), timeout=30) as page:
            assert "JupyterLab" in page.read().decode()
        with urllib.request.urlopen(server.address(f"files/{FIRST}"), timeout=30) as page:
            assert page.read() == (NOTEBOOKS / FIRST).read_bytes()
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)
