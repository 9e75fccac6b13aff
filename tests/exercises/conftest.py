"""Stubs and solutions as they stand in the notebooks' sources."""

import re
from functools import cache
from pathlib import Path

import pytest

from handlib.course.source import read_source

SOURCES = Path(__file__).parents[2] / "notebooks" / "src"


def _tagged(notebook, tag):
    return [c.source for c in notebook.cells if tag in c.metadata.get("tags", [])]


def _names(code):
    return re.findall(r"^def (\w+)\(", code, re.MULTILINE)


@pytest.fixture(scope="session")
def load_exercises():
    """`load_exercises("06")` to the names of its stubs, and a namespace with all its functions.

    For a stub `name` the namespace holds `name` and `name_solution`.
    """

    @cache  # running a notebook's set-up takes a moment
    def load(number):
        (path,) = SOURCES.glob(f"{number}_*.py")
        notebook = read_source(path)
        namespace = {}
        for tag in ("setup", "exercise", "solution"):
            for code in _tagged(notebook, tag):
                exec(compile(code, f"{path.name} [{tag}]", "exec"), namespace)
        stubs = [name for code in _tagged(notebook, "exercise") for name in _names(code)]
        return stubs, namespace

    return load
