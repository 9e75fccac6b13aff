"""The course's tables and quizzes are complete and refer to what exists."""

import dataclasses
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
    option = {"text": "a", "why": "b", "right": True}
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


def test_rows_are_numbered_once_and_complete():
    table = paper_against_code.rows()
    for paper in "HD":
        numbers = [int(row.id[1:]) for row in table if row.id[0] == paper]
        assert numbers == sorted(set(numbers)) and numbers
    assert all(re.fullmatch(r"[HD]\d+", row.id) for row in table)
    for row in table:
        assert row.topic and row.paper and row.code and row.ours
        assert re.fullmatch(r"\d\d", row.notebook)


def test_every_switch_is_a_field_of_the_config():
    from handlib.models import DeformerConfig, HandOccNetConfig

    for paper, config in (("H", HandOccNetConfig), ("D", DeformerConfig)):
        fields = {f.name for f in dataclasses.fields(config)}
        table = [row for row in paper_against_code.rows() if row.id[0] == paper]
        switches = {row.switch.split("=")[0] for row in table if row.switch}
        assert switches and switches <= fields


def test_an_excerpt_holds_the_rows_of_its_notebook_only():
    excerpt = paper_against_code.rows("06")
    markdown = paper_against_code.to_markdown(excerpt)
    assert markdown.count("\n") == len(excerpt) + 1
    assert {row.notebook for row in excerpt} == {"06"}


def test_notebook_00_shows_the_overview_beside_its_own_rows():
    shown = paper_against_code.rows("00")
    assert shown and all(row.overview or row.notebook == "00" for row in shown)
    assert {row.id for row in shown} <= {row.id for row in paper_against_code.rows()}
