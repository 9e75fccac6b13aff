"""Three questions per notebook, every option explained, with or without a kernel.

The questions stand in `texts/quiz_NN.yaml`. `to_markdown` folds the explanations into `<details>`
for the notebook's text; `show` answers a click.
"""

from dataclasses import dataclass
from html import escape

from handlib.course import texts
from handlib.course.text import Text


@dataclass(frozen=True)
class Option:
    """One answer, whether it is right, and why."""

    text: str
    right: bool
    why: str


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
        if sum(o.right for o in q.options) != 1 or not all(o.why for o in q.options):
            raise ValueError(
                f"quiz_{number}.yaml: '{q.question.en}' needs exactly one right option "
                "and a reason beside every option"
            )
    return questions


def _question(entry: dict) -> Question:
    options = (Option(o["text"], o.get("right", False), o["why"]) for o in entry["options"])
    return Question(Text(entry["question"], entry["question_ko"]), tuple(options))


def to_markdown(questions: tuple[Question, ...]) -> str:
    """The quiz as Markdown; each option's explanation opens by itself."""
    return "\n\n".join(_question_markdown(i, q) for i, q in enumerate(questions, start=1))


def _question_markdown(number: int, question: Question) -> str:
    lines = [f"**Question {number}.** {question.question.en}  ", f"*{question.question.ko}*", ""]
    for letter, option in zip("ABCDEF", question.options, strict=False):
        summary = f"<summary>{letter}. {escape(option.text, quote=False)}</summary>"
        lines.append(
            f"<details>{summary}{_verdict(option)} {escape(option.why, quote=False)}</details>"
        )
    return "\n".join(lines)


def _verdict(option: Option) -> str:
    return "<strong>Right.</strong>" if option.right else "<strong>Not this one.</strong>"


def show(number: str) -> None:
    """Display the quiz of notebook `number` with options to click."""
    from IPython.display import display
    from ipywidgets import HTML, VBox

    questions = load_quiz(number)
    boxes = [VBox([HTML(_prompt(i, q)), *_answers(q)]) for i, q in enumerate(questions, start=1)]
    display(VBox(boxes))


def _prompt(number: int, question: Question) -> str:
    text = question.question
    return f"<p><strong>{number}. {escape(text.en)}</strong><br>{escape(text.ko)}</p>"


def _answers(question: Question) -> tuple:
    from ipywidgets import HTML, Layout, RadioButtons

    choice = RadioButtons(
        options=[(o.text, o) for o in question.options],
        value=None,
        layout=Layout(width="auto"),
    )
    verdict = HTML()

    def answer(change: dict) -> None:
        option = change["new"]
        verdict.value = f"<div role='status'>{_verdict(option)} {escape(option.why)}</div>"

    choice.observe(answer, names="value")
    return choice, verdict
