"""Wrong answers as parameters of the test that a check refuses each for the right reason."""

import pytest


def cases(check_function, answers):
    """`answers`: what is wrong about it -> (the function, the property that must fail)."""
    return [
        pytest.param(check_function, answer, failed, id=f"{check_function.__name__}: {name}")
        for name, (answer, failed) in answers.items()
    ]
