"""Which of the course's languages this kernel shows: English (with Korean beside it), or Korean.

The set-up cell of a Korean notebook says `language.use("ko")`; nothing else depends on the
environment, so a notebook shows the same wherever it is opened.
"""

from typing import Literal, get_args

Language = Literal["en", "ko"]
_current: Language = "en"


def use(language: Language) -> None:
    """Show captions, quizzes and checks in `language` from here on.

    Raises:
        ValueError: the course does not have that language.
    """
    global _current
    if language not in get_args(Language):
        raise ValueError(f"language must be one of {get_args(Language)}, found {language!r}")
    _current = language


def current() -> Language:
    """The language in use, English unless a notebook chose another."""
    return _current
