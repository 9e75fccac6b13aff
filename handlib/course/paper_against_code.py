"""Where paper and released code disagree, what this library does, and which switch shows it.

One table (`texts/paper_against_code.yaml`) for the whole course; a notebook shows the rows that
name it.
"""

from dataclasses import dataclass

from handlib.course import texts
from handlib.course.language import Language
from handlib.course.text import Text

_HEAD = Text(
    "| # | the paper writes | the released code does | we do | switch to try |",
    "| # | 논문의 서술 | 공개 코드의 동작 | 이 라이브러리 | 바꿔 볼 설정 |",
)


@dataclass(frozen=True)
class Row:
    """One disagreement. Names in backticks are the library's.

    switch: what flips it, a field of the network's configuration or another configuration as one
    types it, "" where there is none.
    notebook: where it is taught. overview: whether notebook 00 shows it too.
    """

    id: str
    topic: str
    paper: str
    section: str
    code: str
    ours: str
    switch: str
    notebook: str
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
    return "\n".join(
        [_HEAD.of(language), "|---|---|---|---|---|", *(_line(row) for row in excerpt)]
    )


def _line(row: Row) -> str:
    section = f" ({row.section})" if row.section else ""
    paper = f"**{row.topic}:** {row.paper}{section}"
    switch = f"`{row.switch}`" if row.switch else "–"
    return f"| {row.id} | {paper} | {row.code} | {row.ours} | {switch} |"
