"""A check reports what a learner did, and never raises for it."""

import numpy as np
import pytest
import torch

from handlib.course import check
from handlib.course.check import Attempt, exercise, expect_close
from handlib.course.text import Text

DOUBLED = Text("every value is doubled", "모든 값이 두 배여야 합니다")


@exercise("Double", "두 배")
def double(attempt: Attempt) -> None:
    values = torch.tensor([1.0, 2.0])
    expect_close(attempt(values), np.array([2.0, 4.0]), {DOUBLED: np.array([1.0, 2.0])})


def raises(x):
    return x.no_such_method()


@pytest.mark.parametrize("stub", [None, ..., lambda x: None, lambda x: ...])
def test_a_stub_is_not_done_yet(stub):
    assert double(stub).status == "not done yet"


def test_a_right_answer_passes():
    assert double(lambda x: 2 * x).status == "passed"


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        (lambda x: x, DOUBLED),
        (lambda x: x + 1, check.VALUES),
        (lambda x: 2 * x[:1], check.SHAPE),
        (lambda x: x / 0, check.FINITE),
        (lambda x: x.mul_(2), check.UNTOUCHED),
        (lambda x: "two", check.RETURNS_TENSOR),
        (raises, check.RUNS),
        (3, check.RUNS),
    ],
)
def test_a_wrong_answer_is_refused_by_the_property_it_violates(answer, failed):
    result = double(answer)
    assert (result.status, result.failed) == ("failed", failed)


def test_the_report_shows_both_languages_and_both_values():
    result = double(lambda x: x)
    for text in (repr(result), result._repr_html_()):
        assert all(
            part in text for part in ("Double", "두 배", DOUBLED.en, DOUBLED.ko, "2, 4", "1, 2")
        )


def test_in_a_korean_notebook_the_report_is_korean_alone(korean):
    result = double(3)
    for text in (repr(result), result._repr_html_()):
        assert all(part in text for part in ("두 배", check.RUNS.ko, "함수", "3"))
        assert not any(part in text for part in ("Double", check.RUNS.en, "a function"))


def test_the_html_report_escapes_the_learners_text():
    assert "<b>" not in double(lambda x: (_ for _ in ()).throw(ValueError("<b>")))._repr_html_()
