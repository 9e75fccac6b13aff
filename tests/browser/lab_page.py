"""JupyterLab as a person uses it: open a notebook, run all cells, look, move a slider."""

import os
import time
from pathlib import Path

import execute_course
import nbformat
from lab_server import Server
from playwright.sync_api import Error, Locator, Page, expect

START_UP_MS = 90_000
SLIDER_SECONDS = 30
IDLE = "Python 3 (ipykernel) | Idle"
CODE_CELLS = ".jp-Notebook .jp-CodeCell"
ERRORS = (
    ".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.error'],"
    " .jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stderr']:has-text('Error'),"
    " .jupyter-widgets-disconnected, .jp-OutputArea-output:has-text('Error displaying widget')"
)
SLIDER_HANDLE = ".noUi-handle"
FIGURE = ".jp-OutputArea img, .jp-OutputArea .js-plotly-plot, .jp-OutputArea canvas"


class LabPage:
    """One notebook in one browser page; `outside` lists the requests to other machines."""

    def __init__(self, page: Page, server: Server, outside: list[str]) -> None:
        self.page = page
        self.server = server
        self.outside = outside

    def open(self, name: str) -> None:
        """Open a notebook and wait until its kernel is there (before, Lab says idle as well)."""
        self.page.goto(self.server.address(f"lab/tree/{name}", "&reset"))
        status = self.page.locator("#jp-main-statusbar")
        expect(status).to_contain_text(IDLE, timeout=START_UP_MS)

    def run_all(self, seconds: float) -> None:
        """Run every cell in the new kernel, the stored outputs cleared before."""
        cells = self.page.locator(CODE_CELLS)
        last = cells.last.locator(".jp-InputPrompt").first
        self._choose("Edit", "Clear Outputs of All Cells")
        expect(last).to_have_text("[ ]:")
        self._choose("Run", "Run All Cells")
        expect(last).to_have_text(f"[{cells.count()}]:", timeout=1000 * seconds)

    def _choose(self, menu: str, entry: str) -> None:
        self.page.get_by_role("menuitem", name=menu, exact=True).click()
        self.page.get_by_role("menuitem", name=entry, exact=True).click()

    def errors(self) -> list[str]:
        return self.page.locator(ERRORS).all_inner_texts()

    def cells_with_sliders(self) -> list[Locator]:
        cells = self.page.locator(CODE_CELLS).filter(has=self.page.locator(SLIDER_HANDLE))
        return cells.all()

    def slider_changes_figure(self, cell: Locator) -> bool:
        """Move the cell's first slider by the keyboard; does one of its figures look different?"""
        handle = cell.locator(SLIDER_HANDLE).first
        handle.scroll_into_view_if_needed()
        before = self._settled(cell)
        handle.focus()
        for _ in range(3):
            handle.press("ArrowRight")
        deadline = time.monotonic() + SLIDER_SECONDS
        while time.monotonic() < deadline:
            self.page.wait_for_timeout(500)
            if self._looks(cell) != before:
                return True
        return False

    def _settled(self, cell: Locator) -> list[bytes]:
        """The cell's figures once they have been drawn to the end."""
        before, now = None, self._looks(cell)
        while now != before:
            self.page.wait_for_timeout(300)
            before, now = now, self._looks(cell)
        return now

    def _looks(self, cell: Locator) -> list[bytes]:
        for _ in range(20):
            figures = cell.locator(FIGURE).all()
            try:
                return [figure.screenshot() for figure in figures if figure.is_visible()]
            except Error:  # a redraw replaced the figure while we looked
                self.page.wait_for_timeout(200)
        raise AssertionError("the figure never came to rest")

    def screenshots(self, name: str) -> None:
        """The whole notebook, page by page, where people asked for it."""
        folder = os.environ.get("HANDLIB_SCREENSHOTS")
        if not folder:
            return
        Path(folder).mkdir(parents=True, exist_ok=True)
        scroller = self.page.locator(".jp-WindowedPanel-outer").first
        height = scroller.evaluate("element => element.scrollHeight")
        step = scroller.evaluate("element => element.clientHeight")
        for number, top in enumerate(range(0, height, max(step, 1))):
            scroller.evaluate("(element, top) => element.scrollTop = top", top)
            self.page.wait_for_timeout(300)
            self.page.screenshot(path=Path(folder) / f"{name}_{number:02}.png")


def save(folder: Path, name: str, *sources: str) -> None:
    """Write a notebook of these code cells."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=execute_course.STARTED_FROM)
    nbformat.write(notebook, folder / name)
