"""Exercise checks: what a learner's answer must do, tried property by property.

A check never raises for a learner's mistake, so that Run All passes over an unsolved stub. It
returns a `CheckResult`: JupyterLab shows it as a box, tests assert on `status` and `failed`.
A check is written as a function of an `Attempt` and turned into one by `exercise` (see
`handlib/course/checks/nb06.py`).
"""

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from html import escape
from typing import Literal, NoReturn

import numpy as np
import torch
from torch import Tensor

from handlib.course.language import Language, current
from handlib.course.text import Text

Status = Literal["not done yet", "passed", "failed"]
Check = Callable[..., "CheckResult"]

RUNS = Text("it runs without an error", "오류 없이 실행되어야 합니다")
RETURNS_TENSOR = Text("it returns a tensor of numbers", "숫자로 된 tensor를 반환해야 합니다")
SHAPE = Text("the result has the right shape", "결과의 shape이 맞아야 합니다")
FINITE = Text("every value is finite", "모든 값이 유한해야 합니다 (nan, inf 없음)")
UNTOUCHED = Text("the inputs stay as they were", "입력 tensor를 바꾸지 않아야 합니다")
VALUES = Text("the values agree with the definition", "값이 정의와 일치해야 합니다")

_STATUS_KO = {
    "not done yet": "아직 작성 전입니다",
    "passed": "통과했습니다",
    "failed": "다시 확인해 보세요",
}
_STATUS_SIGN = {"not done yet": "○", "passed": "✓", "failed": "✗"}
_STATUS_COLOUR = {"not done yet": "#7f7f7f", "passed": "#009e73", "failed": "#d55e00"}


@dataclass(frozen=True)
class CheckResult:
    """The outcome of one check; `failed` names the first property that does not hold."""

    title: Text
    status: Status
    failed: Text | None = None
    expected: Text | str = ""
    found: Text | str = ""

    def __repr__(self) -> str:
        return self._korean() if current() == "ko" else self._english()

    def _english(self) -> str:
        lines = [f"{_STATUS_SIGN[self.status]} {self.title.en}: {self.status}"]
        if self.failed is not None:
            lines.append(f"  must hold: {self.failed.en}")
            lines.append(f"  expected:  {_of(self.expected, 'en')}")
            lines.append(f"  found:     {_of(self.found, 'en')}")
        ko = f"{self.title.ko}: {_STATUS_KO[self.status]}"
        return "\n".join([*lines, f"  {ko}" + (f": {self.failed.ko}" if self.failed else "")])

    def _korean(self) -> str:
        lines = [f"{_STATUS_SIGN[self.status]} {self.title.ko}: {_STATUS_KO[self.status]}"]
        if self.failed is not None:
            lines.append(f"  조건:   {self.failed.ko}")
            lines.append(f"  기대값: {_of(self.expected, 'ko')}")
            lines.append(f"  결과값: {_of(self.found, 'ko')}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        style = f"border-left:4px solid {_STATUS_COLOUR[self.status]};padding:.4em .8em"
        head, *detail = (escape(line.strip()) for line in repr(self).splitlines())
        return (
            f'<div role="status" style="{style}"><strong>{head}</strong><br>'
            f"{'<br>'.join(detail)}</div>"
        )


class Unfinished(Exception):
    """The answer is still the stub: it is, or returns, `...` or None."""


class PropertyFailed(Exception):
    """A property of the answer does not hold."""

    def __init__(self, failed: Text, expected: Text | str, found: Text | str) -> None:
        said = _of(expected, "en"), _of(found, "en")
        super().__init__(f"{failed.en}: expected {said[0]}, found {said[1]}")
        self.failed, self.expected, self.found = failed, expected, found


class Attempt:
    """A learner's function; calling it guards the check against whatever the function does."""

    def __init__(self, answer: object) -> None:
        if _is_stub(answer):
            raise Unfinished
        self.answer = answer

    def __call__(self, *inputs: object) -> Tensor:
        """Call the answer on copies of `inputs`.

        Raises:
            Unfinished: it returned `...` or None.
            PropertyFailed: it raised, changed its inputs or returned no tensor.
        """
        copies = [x.clone() if isinstance(x, Tensor) else x for x in inputs]
        result = self._run(copies)
        if _is_stub(result):
            raise Unfinished
        for before, after in zip(inputs, copies, strict=True):
            if isinstance(before, Tensor) and isinstance(after, Tensor):
                same = torch.equal(before, after)
                expect(same, UNTOUCHED, describe(before), describe(after))
        return _as_tensor(result)

    def _run(self, inputs: list[object]) -> object:
        if not callable(self.answer):
            fail(RUNS, Text("a function", "함수"), repr(self.answer))
        try:
            return self.answer(*inputs)
        except Exception as error:  # whatever a learner's code raises is a finding, not a crash
            line = traceback.extract_tb(error.__traceback__)[-1].line or "?"
            raised = f"{type(error).__name__}: {error}"
            at = Text(f"{raised} (at `{line}`)", f"{raised} (코드: `{line}`)")
            fail(RUNS, Text("no error", "오류 없음"), at)


def exercise(en: str, ko: str) -> Callable[[Callable[[Attempt], None]], Check]:
    """Turn a function of an `Attempt` into a check of that title."""
    title = Text(en, ko)

    def decorate(properties: Callable[[Attempt], None]) -> Check:
        @wraps(properties)
        def check(answer: object) -> CheckResult:
            try:
                properties(Attempt(answer))
            except Unfinished:
                return CheckResult(title, "not done yet")
            except PropertyFailed as failure:
                return CheckResult(
                    title, "failed", failure.failed, failure.expected, failure.found
                )
            return CheckResult(title, "passed")

        check.__annotations__ = {"answer": object, "return": CheckResult}
        return check

    return decorate


def fail(failed: Text, expected: Text | str, found: Text | str) -> NoReturn:
    """End the check: the property `failed` does not hold."""
    raise PropertyFailed(failed, expected, found)


def expect(holds: bool, must_hold: Text, expected: Text | str, found: Text | str) -> None:
    """End the check unless `holds`."""
    if not holds:
        fail(must_hold, expected, found)


def expect_close(
    found: Tensor,
    expected: np.ndarray,
    mistakes: Mapping[Text, np.ndarray] | None = None,
    tolerance: float = 1e-5,
) -> None:
    """End the check unless `found` equals the oracle's values.

    Args:
        mistakes: what a known mistake would have given, by the property that it violates. The
            first that `found` agrees with (in shape too) is the property named.
    """
    named = [m for m, value in (mistakes or {}).items() if _agrees(found, value, tolerance)]
    right = _agrees(found, expected, tolerance)
    if named and not right:
        fail(named[0], describe(expected), describe(found))
    if tuple(found.shape) != expected.shape:
        fail(SHAPE, f"shape {expected.shape}", f"shape {tuple(found.shape)}")
    expect(bool(torch.isfinite(found).all()), FINITE, describe(expected), describe(found))
    expect(right, VALUES, describe(expected), describe(found))


def describe(values: Tensor | np.ndarray, most: int = 4) -> str:
    """Shape and first values, to print beside what was expected."""
    array = values.detach().cpu().numpy() if isinstance(values, Tensor) else values
    head = ", ".join(f"{v:.4g}" for v in array.ravel()[:most].astype(float))
    return f"shape {array.shape}, values {head}{', …' if array.size > most else ''}"


def _agrees(found: Tensor, expected: np.ndarray, tolerance: float) -> bool:
    array = found.detach().cpu().numpy()
    return array.shape == expected.shape and np.allclose(array, expected, tolerance, tolerance)


def _as_tensor(result: object) -> Tensor:
    try:
        return torch.as_tensor(result)
    except (TypeError, ValueError, RuntimeError):
        fail(RETURNS_TENSOR, Text("a tensor", "tensor"), type(result).__name__)


def _of(said: Text | str, language: Language) -> str:
    """Words in that language; numbers, shapes and the learner's own text are as they are."""
    return said.of(language) if isinstance(said, Text) else said


def _is_stub(value: object) -> bool:
    return value is None or value is Ellipsis
