"""The course in Korean for one test."""

import pytest

from handlib.course import language


@pytest.fixture
def korean():
    """A kernel that shows Korean."""
    language.use("ko")
    yield
    language.use("en")
