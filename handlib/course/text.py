"""Text in the two languages of the course."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Text:
    """The same sentence in English and in Korean."""

    en: str
    ko: str
