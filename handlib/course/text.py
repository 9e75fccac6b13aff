"""Text in the two languages of the course."""

from dataclasses import dataclass

from handlib.course.language import Language


@dataclass(frozen=True)
class Text:
    """The same sentence in English and in Korean."""

    en: str
    ko: str

    def of(self, language: Language) -> str:
        """The sentence in that language."""
        return self.ko if language == "ko" else self.en
