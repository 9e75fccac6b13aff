"""The Korean of a notebook's prose: paragraphs of its source, each beside its translation.

`notebooks/src/NN_title.ko.yaml` lists `{en, ko}` for the source NN_title.py, `course.ko.yaml` for
all of them. `en` is a paragraph as it stands in the source (line breaks do not count), or
the words of a heading, without its number. So a changed source leaves an entry without a
paragraph: it is stale, and `problems` says so. Aims, captions, quizzes and checks carry their
Korean beside them.
"""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

SHARED = "course.ko.yaml"
# What stands before the words of a heading or paragraph, and stays out of the entries.
LEADS = {
    "Exercise ": "연습문제 ",
    "**Predict first": "**먼저 예상해 보세요",
    "<summary>Hint ": "<summary>힌트 ",
}
_LEAD = re.compile(
    r"(#+ (?:Exercise |\d+ )?|\*\*Predict first[.:]\*\* |<details><summary>Hint )?(.*)"
)
# Headings and the lines of <details> are pieces of their own; blank lines part the others.
_SEAM = re.compile(r"(?m)(^(?:[ \t]*\n)+|^</?details>.*$|^#+ .*$)")
_SUMMARY = re.compile(r"^## Summary$.*?(?=^## 요약$)", re.DOTALL | re.MULTILINE)
_SET_UP = 'from handlib.course import language\n\nlanguage.use("ko")\n\n'


def load(source: Path) -> dict[str, str]:
    """Korean by English for the notebook of `source`; empty where no file stands beside it.

    Raises:
        ValueError: an entry has other keys than en and ko, or comes twice.
    """
    return _read(source.with_name(SHARED)) | _read(source.with_suffix(".ko.yaml"))


def translate(notebook: Any, table: dict[str, str]) -> None:
    """Put Korean in place of every paragraph that `table` knows; the set-up cell selects it."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            pieces = _SEAM.split(_SUMMARY.sub("", cell.source))
            cell.source = "".join(_translated(piece, table) for piece in pieces)
        elif "setup" in cell.metadata.get("tags", []):
            cell.source = _SET_UP + cell.source


def problems(source: Path) -> list[str]:
    """What is missing or stale in the translation of the notebook at `source`, one line each."""
    import jupytext

    notebook = jupytext.read(source)
    own, table = _read(source.with_suffix(".ko.yaml")), load(source)
    paragraphs = [*_promised(notebook.metadata), *_paragraphs(notebook)]
    here = {text for text, _ in paragraphs}
    missing = [text for text, asked in paragraphs if asked and text not in table]
    return [
        *(_stale(en, [t for t in here if t not in table]) for en in own if en not in here),
        *(f"no Korean yet for:\n  en: {text}" for text in dict.fromkeys(missing)),
    ]


def _stale(en: str, unknown: list[str]) -> str:
    now = get_close_matches(en, unknown, n=1, cutoff=0.4)
    advice = f"put there\n  en: {now[0]}\nand mend its ko" if now else "remove the entry"
    return f"the source no longer says\n  en: {en}\n{advice}"


def _promised(metadata: Any) -> Iterator[tuple[str, bool]]:
    """The words of the header that have no Korean of their own."""
    for name in ("prerequisites", "data"):
        yield metadata["handlib"][name], True


def _paragraphs(notebook: Any) -> Iterator[tuple[str, bool]]:
    """Every paragraph, and whether Korean is asked for.

    It is for headings, predictions, and exercises with their hints.
    """
    for cell in notebook.cells:
        exercise = hint = False
        text = _SUMMARY.sub("", cell.source) if cell.cell_type == "markdown" else ""
        for piece in _SEAM.split(text):
            if re.match("</?details>", piece):
                hint = piece.startswith("<details>")
                continue
            lead, words = _parts(piece)
            if lead.startswith("#"):
                exercise = "Exercise" in lead
            if re.search("[A-Za-z]", words) and not words.startswith("{{"):
                predict = "**Predict first" in words
                yield words, bool(lead) or predict or exercise or hint


def _translated(piece: str, table: dict[str, str]) -> str:
    lead, words = _parts(piece)
    if not lead and words not in table:
        return piece
    for en, ko in LEADS.items():
        lead = lead.replace(en, ko)
    before, _, after = piece.partition(piece.strip())
    return before + lead + table.get(words, words) + after


def _parts(piece: str) -> tuple[str, str]:
    """The lead of a piece ("## 3 ", mostly none) and its words on one line."""
    match = _LEAD.fullmatch(" ".join(piece.split()))
    assert match, "the pattern matches every string"
    return match[1] or "", match[2]


def _read(path: Path) -> dict[str, str]:
    entries = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else []
    table: dict[str, str] = {}
    for entry in entries:
        if set(entry) != {"en", "ko"} or entry["en"] in table:
            raise ValueError(f"{path.name}: expected en and ko once for each text, found {entry}")
        table[" ".join(entry["en"].split())] = entry["ko"]
    return table
