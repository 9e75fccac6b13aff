"""One test for all notebooks: a check refuses wrong answers, each for the right reason."""

import pytest


def refusals(wrong_answers):
    """The test of one notebook: `test_a_wrong_answer_is_refused... = refusals({check: answers})`.

    answers: what is wrong about it -> (the function, the property that must fail).
    """

    @pytest.mark.parametrize(
        ("check_function", "answer", "failed"),
        [
            pytest.param(check_function, answer, failed, id=f"{check_function.__name__}: {name}")
            for check_function, answers in wrong_answers.items()
            for name, (answer, failed) in answers.items()
        ],
    )
    def test(check_function, answer, failed):
        result = check_function(answer)
        assert (result.status, result.failed) == ("failed", failed), result

    return test
