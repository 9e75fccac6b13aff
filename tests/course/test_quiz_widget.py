"""With a kernel the quiz answers a click."""

from html import escape

import pytest

from handlib.course import quiz


@pytest.fixture
def boxes(monkeypatch):
    return show(monkeypatch)


def show(monkeypatch):
    import IPython.display

    shown = []
    monkeypatch.setattr(IPython.display, "display", shown.append)
    quiz.show("06")
    return shown[0].children


def test_every_question_is_shown_unanswered(boxes):
    assert len(boxes) == 3
    for box in boxes:
        _, choice, verdict = box.children
        assert choice.value is None and verdict.value == ""


def test_a_click_shows_that_options_reason(boxes):
    for box, question in zip(boxes, quiz.load_quiz("06"), strict=True):
        _, choice, verdict = box.children
        for option in question.options:
            choice.value = option
            assert ("Right." in verdict.value) == option.right
            assert option.why.en[:12] in verdict.value


def test_a_korean_notebook_asks_and_answers_in_korean(monkeypatch, korean):
    for box, question in zip(show(monkeypatch), quiz.load_quiz("06"), strict=True):
        prompt, choice, verdict = box.children
        assert question.question.ko in prompt.value and question.question.en not in prompt.value
        choice.value = question.options[0]
        assert escape(question.options[0].why.ko) in verdict.value
        assert ("맞습니다" in verdict.value) == bool(question.options[0].right)
