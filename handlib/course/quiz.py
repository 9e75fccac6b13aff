"""Three questions per notebook, every option explained, with or without a kernel.

The questions stand in `texts/quiz_NN.yaml`. `to_markdown` folds the explanations into `<details>`
for the notebook's text; `show` answers a click.
"""

from dataclasses import dataclass
from html import escape

from handlib.course import texts
from handlib.course.language import Language, current
from handlib.course.text import Text

_RIGHT = Text("Right.", "맞습니다.")
_WRONG = Text("Not this one.", "정답이 아닙니다.")


@dataclass(frozen=True)
class Option:
    """One answer, whether it is right, and why."""

    text: Text
    right: bool
    why: Text


@dataclass(frozen=True)
class Question:
    """A question with exactly one right option."""

    question: Text
    options: tuple[Option, ...]


def load_quiz(number: str) -> tuple[Question, ...]:
    """The questions of notebook `number` ("06").

    Raises:
        ValueError: a question has not exactly one right option, or an option no explanation.
    """
    questions = tuple(_question(entry) for entry in texts.load(f"quiz_{number}"))
    for q in questions:
        if sum(o.right for o in q.options) != 1 or not all(o.why.en for o in q.options):
            raise ValueError(
                f"quiz_{number}.yaml: '{q.question.en}' needs exactly one right option "
                "and a reason beside every option"
            )
    return questions


def _question(entry: dict) -> Question:
    options = (
        Option(_both(option, "text"), option.get("right", False), _both(option, "why"))
        for option in entry["options"]
    )
    return Question(_both(entry, "question"), tuple(options))


def _both(entry: dict, name: str) -> Text:
    return Text(entry[name], entry[f"{name}_ko"])


def to_markdown(questions: tuple[Question, ...], language: Language = "en") -> str:
    """The quiz as Markdown; each option's explanation opens by itself.

    In English the question stands in both languages, in Korean alone.
    """
    numbered = enumerate(questions, start=1)
    return "\n\n".join(_question_markdown(i, q, language) for i, q in numbered)


def _question_markdown(number: int, question: Question, language: Language) -> str:
    text = question.question
    if language == "ko":
        lines = [f"**질문 {number}.** {text.ko}", ""]
    else:
        lines = [f"**Question {number}.** {text.en}  ", f"*{text.ko}*", ""]
    for letter, option in zip("ABCDEF", question.options, strict=False):
        words = escape(option.text.of(language), quote=False)
        why = escape(option.why.of(language), quote=False)
        summary = f"<summary>{letter}. {words}</summary>"
        lines.append(f"<details>{summary}{_verdict(option, language)} {why}</details>")
    return "\n".join(lines)


def _verdict(option: Option, language: Language) -> str:
    return f"<strong>{(_RIGHT if option.right else _WRONG).of(language)}</strong>"


def show(number: str) -> None:
    """Display the quiz of notebook `number` with options to click."""
    from IPython.display import display
    from ipywidgets import HTML, VBox

    questions = load_quiz(number)
    boxes = [VBox([HTML(_prompt(i, q)), *_answers(q)]) for i, q in enumerate(questions, start=1)]
    display(VBox(boxes))


def _prompt(number: int, question: Question) -> str:
    text = question.question
    if current() == "ko":
        return f"<p><strong>{number}. {escape(text.ko)}</strong></p>"
    return f"<p><strong>{number}. {escape(text.en)}</strong><br>{escape(text.ko)}</p>"


def _answers(question: Question) -> tuple:
    from ipywidgets import HTML, Layout, RadioButtons

    choice = RadioButtons(
        options=[(o.text.of(current()), o) for o in question.options],
        value=None,
        layout=Layout(width="auto"),
    )
    verdict = HTML()

    def answer(change: dict) -> None:
        option, language = change["new"], current()
        why = escape(option.why.of(language))
        verdict.value = f"<div role='status'>{_verdict(option, language)} {why}</div>"

    choice.observe(answer, names="value")
    return choice, verdict
