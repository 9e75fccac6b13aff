"""What is said of a file of a data set, and the counts of it."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

State = Literal["fine", "unlabelled", "missing", "broken"]
FAULTS: tuple[State, ...] = ("missing", "broken")


@dataclass(frozen=True)
class Finding:
    """One file. kind: what it is, such as "image".

    unlabelled: it is as published, but shows no hand. message: what is wrong, in one line that
    names the file; empty if nothing is, or if it was said of the whole folder.
    """

    kind: str
    state: State = "fine"
    message: str = ""


class Survey(ABC):
    """A data set's folder to be looked at; made with the folder, which it lists but hardly reads.

    title: the set and its version. notes: what is there, and what is not there but need not be.
    overview: of the files that whole sequences depend on.
    """

    title: str
    notes: list[str]
    overview: list[Finding]

    @abstractmethod
    def __len__(self) -> int:
        """Number of frames."""

    @abstractmethod
    def frame(self, index: int) -> list[Finding]:
        """All files of one frame; several threads may ask at once."""


class Tally:
    """How many files of each kind are in which state."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, State]] = Counter()

    def add(self, finding: Finding) -> None:
        """Count one more."""
        self._counts[finding.kind, finding.state] += 1

    @property
    def faults(self) -> int:
        """Files that are missing or broken."""
        return sum(count for (_, state), count in self._counts.items() if state in FAULTS)

    def lines(self) -> Iterator[str]:
        """A line for each kind, in the order in which kinds were met first; then the sum."""
        for kind in dict.fromkeys(kind for kind, _ in self._counts):
            states = ("fine", "unlabelled", *FAULTS)
            counts = ((state, self._counts[kind, state]) for state in states)
            yield f"{kind:14}" + ", ".join(f"{n:,} {state}" for state, n in counts if n)
        yield f"{self.faults:,} faults" if self.faults else "nothing wrong found"


def look(kind: str, read: Callable[[], Any], folder: Path | None = None) -> Finding:
    """Read a file. `read` returns False if nothing is labelled in it.

    folder: where it should be; that the whole folder is missing is said elsewhere, once.
    """
    if folder and not folder.is_dir():
        return Finding(kind, "missing")
    try:
        found = read()
    except FileNotFoundError as error:
        return Finding(kind, "missing", _line(error))
    except (OSError, ValueError) as error:
        return Finding(kind, "broken", _line(error))
    return Finding(kind, "unlabelled" if found is False else "fine")


def folder_finding(path: Path, what: str, advice: str) -> Finding:
    """Whether a folder is there."""
    message = f"{path}: expected the folder of {what}, found nothing. {advice}"
    return Finding("folder") if path.is_dir() else Finding("folder", "missing", message)


def _line(error: Exception) -> str:
    """Some messages, such as YAML's, have several lines."""
    return " ".join(str(error).split())
