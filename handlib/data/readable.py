"""Frames that cannot be read: an error, or counted and another frame shown in their place.

A training of days need not end at one image that broke off. Nothing is hidden by that: the count
is right with worker processes, too, and what is scored is never a stand-in.
"""

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, SupportsIndex

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor
from torch.utils.data import Dataset

from handlib.data.files import DataFileError
from handlib.data.sample import HandSample

ON_ERROR = ("raise", "skip")
"""What a data set does about a frame whose files are missing or damaged."""

FAULTS = (OSError, DataFileError)
TRIES = 4096
"""Frames that are tried before a set is said to be broken as a whole."""

_UNKNOWN, _READABLE, _UNREADABLE = range(3)


class SkippingSet(Dataset[HandSample], ABC):
    """Frames, of which some may not be readable. A subclass reads one (`_read`) and names it.

    on_error: with "raise" the error of the file. With "skip" the frame keeps its index, and in its
    place stands the next labelled frame of its sequence that can be read, else the nearest before
    it, else one of another sequence: always the same. A frame once found unreadable is not tried
    again. One that was read before and no longer can be is an error all the same: then it is the
    disk that fails, and what `readable` said of the frame has to hold.
    """

    root: Path
    on_error: str = "raise"
    sequences: Sequence[range]
    valid: Bool[np.ndarray, " N"]
    _states: Tensor | None = None  # what is known of each frame, by all processes

    def __len__(self) -> int:
        return len(self.valid)

    def __getitem__(self, index: SupportsIndex) -> HandSample:
        """The frame, or its stand-in.

        Raises:
            OSError, DataFileError: it cannot be read; with on_error="skip", nor can any of the
                `TRIES` frames that are tried in its place.
        """
        index = self._checked(index.__index__())
        if self._states is None:
            return self._read(index)
        found = (self._attempt(k, self._states) for k in self._candidates(index))
        return next(sample for sample in found if sample is not None)

    @abstractmethod
    def _read(self, index: int) -> HandSample:
        """The frame itself."""

    @abstractmethod
    def name(self, index: int) -> str:
        """The frame in the data set's own terms."""

    def readable(self, index: int) -> bool:
        """Whether the frame itself can be read; with on_error="raise" nobody looks: True."""
        if self._states is None or self._states[index] == _READABLE:
            return True
        return self._attempt(index, self._states) is not None

    def stand_in(self, index: int) -> int:
        """The frame that `self[index]` shows: itself if it can be read.

        Raises:
            DataFileError: as `self[index]`.
        """
        return next(k for k in self._candidates(index) if self.readable(k))

    @property
    def skipped(self) -> int:
        """How many frames were found unreadable so far, each counted once, in all processes."""
        return 0 if self._states is None else int((self._states == _UNREADABLE).sum())

    def skipped_frames(self, limit: int = 5) -> list[str]:
        """The first of them by index, each with the reason, for which it is read once more."""
        if self._states is None:
            return []
        found = (self._states == _UNREADABLE).nonzero()[:limit, 0].tolist()
        return [f"{self.name(k)}: {self._reason(k)}" for k in found]

    def _begin(self) -> None:
        """To be called once `valid` is known, and before worker processes start."""
        if self.on_error == "skip":
            self._states = torch.full((len(self),), _UNKNOWN, dtype=torch.uint8).share_memory_()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self._states is not None:
            self._states.share_memory_()  # a worker's is shared already, a plain copy's is not

    def _attempt(self, index: int, states: Tensor) -> HandSample | None:
        if states[index] == _UNREADABLE:
            return None
        try:
            sample = self._read(index)
        except FAULTS:
            if states[index] == _READABLE:
                raise
            states[index] = _UNREADABLE
            return None
        states[index] = _READABLE
        return sample

    def _candidates(self, index: int) -> Iterator[int]:
        count = 0
        for other in islice(candidates(index, self.sequences, self.valid), TRIES):
            count += 1
            yield other
        raise DataFileError(
            f"{self.name(index)}: {self._reason(index)} With on_error='skip' another frame is "
            f"shown in its place, but none of the {count:,} that were tried can be read. "
            f"`handlib data check {self.root}` names what is wrong."
        )

    def _reason(self, index: int) -> str:
        try:
            self._read(index)
        except FAULTS as error:
            return " ".join(str(error).split())
        return "it could not be read, but can be by now."

    def _checked(self, index: int) -> int:
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} of a set of {len(self)} frames")
        return index % len(self)


def candidates(
    index: int, sequences: Sequence[range], valid: Sequence[bool] | np.ndarray
) -> Iterator[int]:
    """A frame, then all labelled ones that may stand in for it, in the order of preference.

    Those after it in its sequence, those before it from the nearest, those of the sequences that
    follow, those of the sequences before.
    """
    yield index
    own = sequences[bisect_right(sequences, index, key=lambda frames: frames.start) - 1]
    ways = (
        range(index + 1, own.stop),
        range(index - 1, own.start - 1, -1),
        range(own.stop, len(valid)),
        range(own.start),
    )
    for way in ways:
        yield from (other for other in way if valid[other])


def look(labelled: Callable[[], bool]) -> bool | None:
    """Whether a frame is labelled; None if its file cannot be read. For an index of all frames."""
    try:
        return labelled()
    except FAULTS:
        return None


def as_arrays(looks: Sequence[bool | None]) -> dict[str, np.ndarray]:
    """For an index: `valid`, and `unread`, frames not looked at, which `valid` has as labelled."""
    return {
        "valid": np.array([found is not False for found in looks], bool),
        "unread": np.array([k for k, found in enumerate(looks) if found is None], int),
    }


def settled(
    valid: Bool[np.ndarray, " N"],
    unread: Int[np.ndarray, " U"],
    labelled: Callable[[int], bool],
    on_error: str,
) -> Bool[np.ndarray, " N"]:
    """`valid` of an index, with another look at those frames that could not be read then.

    Raises:
        FileNotFoundError, DataFileError: one still cannot, and on_error is "raise".
    """
    if not len(unread):
        return valid
    valid = valid.copy()
    for k in unread.tolist():
        found = labelled(k) if on_error == "raise" else look(partial(labelled, k))
        valid[k] = found is not False  # what cannot be read is skipped when its turn comes
    return valid


def skip_note(data: Any) -> str:
    """What was skipped of the recorded set behind subsets and windows; empty if nothing was."""
    while not isinstance(data, SkippingSet):
        if not hasattr(data, "dataset"):
            return ""
        data = data.dataset
    if not data.skipped:
        return ""
    first = data.skipped_frames()
    return "\n".join(
        [
            f"frames that could not be read and were skipped: {data.skipped:,}; "
            f"`handlib data check {data.root}` names all of them. The first:",
            *(f"  {line}" for line in first),
        ]
    )
