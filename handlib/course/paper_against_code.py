"""Where paper and released code disagree, what this library does, and which switch shows it.

One table (`texts/paper_against_code.yaml`) for the whole course; a notebook shows the rows that
name it, and `notebooks/reference/paper_against_code.md` all of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from handlib.course import texts
from handlib.course.course_map import notebook_link
from handlib.course.language import Language
from handlib.course.text import Text

PAGE = "reference/paper_against_code.md"
_HEAD = Text(
    "| # | the paper writes | the released code does | we do | switch to try |",
    "| # | 논문의 서술 | 공개 코드의 동작 | 이 라이브러리 | 바꿔 볼 설정 |",
)


@dataclass(frozen=True)
class Row:
    """One disagreement. Names in backticks are the library's.

    switch: what flips it, a field of the network's configuration or a call as one types it; ""
    where there is none, and then `no_switch` says why.
    notebook: where it is taught. overview: whether notebook 00 shows it too.
    """

    id: str
    topic: str
    paper: str
    section: str
    code: str
    ours: str
    notebook: str
    switch: str = ""
    no_switch: str = ""
    overview: bool = False


def rows(notebook: str | None = None) -> tuple[Row, ...]:
    """The whole table, or the rows shown in notebook `notebook` ("06")."""
    table = (Row(**entry) for entry in texts.load("paper_against_code"))
    return tuple(
        row
        for row in table
        if notebook in (None, row.notebook) or (notebook == "00" and row.overview)
    )


def to_markdown(excerpt: tuple[Row, ...], language: Language = "en") -> str:
    """The rows as a Markdown table; the rows themselves are in English."""
    lines = (_line(row, _place(row)) for row in excerpt)
    return "\n".join([_HEAD.of(language), "|---|---|---|---|---|", *lines])


def to_page(here: Mapping[str, str]) -> str:
    """The whole table, each row at an anchor of its own, with links to the notebooks."""
    head = "| # | the paper writes | the released code does | we do | switch to try | notebook |"
    lines = [f"{_line(row, _anchor(row))} {notebook_link(row.notebook, here)} |" for row in rows()]
    return "\n".join([head, "|---|---|---|---|---|---|", *lines])


def _place(row: Row) -> str:
    return f"[{row.id}]({PAGE}#{row.id.lower()})"


def _anchor(row: Row) -> str:
    return f'<a id="{row.id.lower()}"></a>{row.id}'


def _line(row: Row, number: str) -> str:
    section = f" ({row.section})" if row.section else ""
    paper = f"**{row.topic}:** {row.paper}{section}"
    switch = f"`{row.switch}`" if row.switch else f"none: {row.no_switch}"
    return f"| {number} | {paper} | {row.code} | {row.ours} | {switch} |"
