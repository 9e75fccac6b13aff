"""The course's tables and quizzes are complete and refer to what exists."""

import importlib
import re
from pathlib import Path

import pytest

from handlib.course import paper_against_code, quiz, texts

QUIZZES = sorted(p.stem[-2:] for p in Path(texts.__file__).parent.glob("quiz_*.yaml"))


@pytest.mark.parametrize("number", QUIZZES)
def test_three_questions_with_one_right_option_each(number):
    questions = quiz.load_quiz(number)
    assert len(questions) == 3
    assert all(re.search("[가-힣]", q.question.ko) for q in questions)
    assert all(sum(o.right for o in q.options) == 1 for q in questions)


def test_a_quiz_with_two_right_options_is_refused(monkeypatch):
    words = {"text": "a", "text_ko": "가", "why": "b", "why_ko": "나"}
    option = words | {"right": True}
    entry = {"question": "q", "question_ko": "질문", "options": [option, option]}
    monkeypatch.setattr(texts, "load", lambda name: [entry])
    with pytest.raises(ValueError, match="exactly one right option"):
        quiz.load_quiz("06")


@pytest.mark.parametrize("number", QUIZZES)
def test_the_quiz_reads_without_a_kernel(number):
    questions = quiz.load_quiz(number)
    text = quiz.to_markdown(questions)
    assert text.count("<details>") == sum(len(q.options) for q in questions)
    assert text.count("Right.") == len(questions)


def test_rows_are_numbered_without_a_gap_and_complete():
    table = paper_against_code.rows()
    for paper in "HD":
        numbers = [int(row.id[1:]) for row in table if row.id[0] == paper]
        assert numbers == list(range(1, len(numbers) + 1)) and numbers
    assert all(re.fullmatch(r"[HD]\d+", row.id) for row in table)
    for row in table:
        assert row.topic and row.paper and row.code and row.ours
        assert re.fullmatch(r"\d\d", row.notebook)


TABLE = {row.id: row for row in paper_against_code.rows()}
PUBLIC = (
    "data",
    "data.camera",
    "hands",
    "max_mse",
    "metrics",
    "models",
    "models.official",
    "sequence_losses",
    "training",
)


def public_names():
    modules = [vars(importlib.import_module(f"handlib.{name}")) for name in PUBLIC]
    return {name: value for module in modules for name, value in module.items()}


@pytest.mark.parametrize("row_id", [row.id for row in TABLE.values() if "`" in row.ours])
def test_every_name_in_a_row_exists(row_id):
    for name in re.findall("`([^`]+)`", TABLE[row_id].ours):
        assert eval(name, public_names()) is not None, name


def test_the_code_names_rows_that_exist():
    """Comments and docstrings such as "D12": every such row can be looked up."""
    root = Path(texts.__file__).parents[2]
    named = {
        row_id
        for path in root.rglob("*.py")
        for row_id in re.findall(r"\b[HD][1-9]\d?\b", path.read_text())
    }
    assert {"D16", "H14"} <= named <= TABLE.keys() | {"D65"}  # D65: a white point


def test_an_excerpt_holds_the_rows_of_its_notebook_only():
    excerpt = paper_against_code.rows("06")
    markdown = paper_against_code.to_markdown(excerpt)
    assert markdown.count("\n") == len(excerpt) + 1
    assert {row.notebook for row in excerpt} == {"06"}


def test_notebook_00_shows_the_overview_beside_its_own_rows():
    shown = paper_against_code.rows("00")
    assert shown and all(row.overview or row.notebook == "00" for row in shown)
    assert {row.id for row in shown} <= {row.id for row in paper_against_code.rows()}
