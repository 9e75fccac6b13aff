"""One JupyterLab and one headless Chromium for all browser tests, shut off from everything else.

Screenshots for people to look at go to the folder named by HANDLIB_SCREENSHOTS, if set.
"""

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import make_editions
import pytest
from lab_page import LabPage
from lab_server import Server, free_port, private_folders, wait_for
from playwright.sync_api import Browser, Playwright, Request, Route, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if CHROMIUM is None:
        missing = pytest.mark.skip(reason="no Chromium here: apt-get install chromium")
        for item in items:
            if "lab_page" in getattr(item, "fixturenames", ()):
                item.add_marker(missing)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A JupyterLab on a copy of the notebooks."""
    folder = tmp_path_factory.mktemp("lab")
    notebooks = folder / "notebooks"
    shutil.copytree(ROOT / "notebooks", notebooks)
    make_editions.make(notebooks)  # into folders beside the copies
    server = Server(free_port(), secrets.token_hex(16), notebooks)
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1"]
    options = [f"--port={server.port}", f"--notebook-dir={notebooks}", "--LabApp.news_url=None"]
    as_root = ["--allow-root"] if os.getuid() == 0 else []
    environment = os.environ | private_folders(folder) | {"JUPYTER_TOKEN": server.token}
    for unit_tests_own in ("MPLBACKEND", "OMP_NUM_THREADS"):
        environment.pop(unit_tests_own, None)
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            command + options + as_root, env=environment, stdout=log, stderr=log
        )
        try:
            wait_for(server, process)
            yield server
        finally:
            process.terminate()
            process.wait(timeout=30)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
    yield browser
    browser.close()


@pytest.fixture
def lab_page(lab: Server, chromium: Browser) -> Iterator[LabPage]:
    """A page that can reach 127.0.0.1 only and notes what else it asked for."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    outside: list[str] = []

    def note(address: str) -> bool:
        if urlsplit(address).hostname == "127.0.0.1":
            return False
        outside.append(address)
        return True

    def decide(route: Route, request: Request) -> None:
        if note(request.url):
            route.abort()
        else:
            route.continue_()

    context.route("**/*", decide)
    page = context.new_page()
    page.on("websocket", lambda websocket: note(websocket.url))
    yield LabPage(page, lab, outside)
    context.close()
