"""The running prose of a notebook, by a Markdown parser: the glossary's links are tested on it."""

import re
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt

from handlib.course.source import here, read_source

SOURCES = Path(__file__).parents[2] / "notebooks" / "src"
STEMS = here(SOURCES)
CLOSING = ("## 요약", "## References")
MATH = re.compile(r"\$\$.*?\$\$|\$[^$]*\$", re.DOTALL)
FOLDED = re.compile(r"<details>.*?</details>", re.DOTALL)
BREAK = "\0"  # where emphasis, code or anything else ends the run of words
parser = MarkdownIt().enable("table")


@cache
def markdown(number):
    """The Markdown cells of a notebook as they are shown."""
    cells = read_source(SOURCES / f"{STEMS[number]}.py").cells
    return tuple(cell.source for cell in cells if cell.cell_type == "markdown")


@cache
def pieces(number):
    """(text, target) of each run of prose in order; target is "" outside of links."""
    found = []
    for cell in markdown(number)[1:]:
        if "**Question 1.**" in cell:
            continue
        end = min((cell.find(f"\n{h}") for h in CLOSING if f"\n{h}" in cell), default=len(cell))
        found += _prose(MATH.sub(BREAK, FOLDED.sub("", cell[:end])))
        if end < len(cell) or cell.startswith(CLOSING):
            break
    return tuple(found)


def _prose(text):
    around = []
    for token in parser.parse(text):
        if token.type in ("heading_open", "table_open"):
            around.append(token.type)
        elif token.type in ("heading_close", "table_close"):
            around.pop()
        elif token.type == "inline" and not around:
            yield from _runs(token.children)
            yield BREAK, ""


def _runs(tokens):
    target = ""
    for token in tokens:
        if token.type == "link_open":
            target = token.attrs["href"]
        elif token.type == "link_close":
            target = ""
        elif token.type == "text":
            yield token.content, target
        else:
            yield " " if token.type == "softbreak" else BREAK, target
