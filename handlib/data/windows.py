"""Windows of a video around each of its frames, as Deformer reads it.

Fu et al., "Deformer: Dynamic Fusion Transformer for Robust Hand Pose Estimation", ICCV 2023: seven
frames, each ten after the last. Its released code settles what happens at the ends of a video.
"""

from collections.abc import Callable, Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol, runtime_checkable

import numpy as np
from torch.utils.data import Dataset, Subset

from handlib.data.readable import SkippingSet
from handlib.data.sample import HandSample


@runtime_checkable
class Video(Protocol):
    """A data set of frames: each range in `sequences` is consecutive ones by one camera.

    It may also have `valid`, one bool per index: whether this frame has labels to learn from.
    """

    sequences: Sequence[range]

    def __getitem__(self, index: int) -> HandSample:
        """The frame `index`."""


@dataclass(frozen=True)
class HandWindow:
    """Frames of one sequence around the one in the middle, in the order of time.

    samples: the frames. centre: the position in `samples` of the frame that the window is for.
    frames: their indices in the data set. repeated: whether the frame stands in for one that is
    outside the sequence, not valid, or not readable.
    """

    samples: tuple[HandSample, ...]
    centre: int
    frames: tuple[int, ...]
    repeated: tuple[bool, ...]


def window_indices(
    frames: range,
    valid: Sequence[bool] | np.ndarray | None,
    centre: int,
    length: int,
    gap: int,
    readable: Callable[[int], bool] | None = None,
) -> tuple[int, ...]:
    """Indices of the window of `length` frames around `centre`.

    From the centre, at position length // 2, one goes outwards in both directions in steps of
    `gap` frames. As long as the next frame is inside the sequence, valid and readable, it is
    taken. At the first one that is not, the last frame taken is repeated, and so it is at all
    positions farther out.

    frames: the sequence. valid: a bool for every index of the data set; None: all are valid.
    readable: whether a frame can be read; None: all can be.

    Raises:
        ValueError: length or gap below 1, or a centre that is not a valid frame of the sequence.
    """
    if length < 1 or gap < 1:
        raise ValueError(f"expected length >= 1 and gap >= 1, found {length} and {gap}")

    def usable(index: int) -> bool:
        if index not in frames or not (valid is None or valid[index]):
            return False
        return readable is None or readable(index)

    if not usable(centre):
        raise ValueError(f"centre: frame {centre} is not a valid one of the sequence {frames}")

    def outwards(count: int, step: int) -> list[int]:
        taken = [centre]
        for _ in range(count):
            following = taken[-1] + step
            # A repeated frame fails the same test again, so all farther ones repeat it too.
            taken.append(following if usable(following) else taken[-1])
        return taken[1:]

    before = outwards(length // 2, -gap)
    after = outwards(length - 1 - length // 2, gap)
    return (*reversed(before), centre, *after)


class Windows(Dataset[HandWindow]):
    """One `HandWindow` for each valid frame of a video, in the order of its frames.

    `centres` are the frames' indices in the video. See `window_indices` for the rule. Of recorded
    sets with on_error="skip", a frame that cannot be read ends a window as one does that is not
    valid; where it is the centre, the window is that of its stand-in.
    """

    def __init__(self, dataset: Video, length: int = 7, gap: int = 10) -> None:
        if length < 1 or gap < 1:
            raise ValueError(f"expected length >= 1 and gap >= 1, found {length} and {gap}")
        self.dataset, self.length, self.gap = dataset, length, gap
        self.sequences = tuple(dataset.sequences)
        self.valid: np.ndarray | None = getattr(dataset, "valid", None)
        # In arrays: a recorded data set may have half a million frames.
        lengths = [len(frames) for frames in self.sequences]
        indices = [np.arange(frames.start, frames.stop) for frames in self.sequences]
        frames = np.concatenate([np.zeros(0, int), *indices])
        used = np.ones(len(frames), bool) if self.valid is None else np.asarray(self.valid)[frames]
        self.centres = frames[used]
        self._sequence = np.repeat(np.arange(len(lengths)), lengths)[used]

    def thinned(self, size: int) -> "Windows":
        """`size` windows evenly spaced, all of them if there are fewer or `size` is 0."""
        if not 0 < size < len(self):
            return self
        return self.chosen(np.linspace(0, len(self) - 1, size).round().astype(int))

    def chosen(self, kept: np.ndarray) -> "Windows":
        """Some of the windows, by their indices."""
        few = copy(self)
        few.centres, few._sequence = self.centres[kept], self._sequence[kept]
        return few

    def around(self, frames: Iterable[int]) -> "Windows":
        """The windows of some of the data set's frames, in the order of the video.

        Raises:
            ValueError: one of the frames is not valid, so that it has no window.
        """
        wanted = np.unique(np.fromiter(frames, int))
        kept = np.flatnonzero(np.isin(self.centres, wanted))
        if len(kept) != len(wanted):
            lost = np.setdiff1d(wanted, self.centres)
            raise ValueError(f"frames: expected valid frames of the video, found {lost[0]}")
        return self.chosen(kept)

    def runs(self) -> list[range]:
        """Indices of windows whose centres follow each other, frame by frame in one sequence."""
        broken = (np.diff(self.centres) != 1) | (np.diff(self._sequence) != 0)
        starts = [0, *(np.flatnonzero(broken) + 1).tolist(), len(self)]
        return [range(start, stop) for start, stop in pairwise(starts)]

    def frames(self, index: int) -> tuple[int, ...]:
        """The data set's indices of a window's frames; with on_error="skip" they are read."""
        sequence, centre = self.sequences[self._sequence[index]], int(self.centres[index])
        readable = None
        if isinstance(self.dataset, SkippingSet):
            centre, readable = self.dataset.stand_in(centre), self.dataset.readable
            if centre not in sequence:
                sequence = next(frames for frames in self.sequences if centre in frames)
        return window_indices(sequence, self.valid, centre, self.length, self.gap, readable)

    def __len__(self) -> int:
        return len(self.centres)

    def __getitem__(self, index: int) -> HandWindow:
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} of {len(self)} windows")
        taken, middle = self.frames(index), self.length // 2
        centre = taken[middle]
        due = [centre + (position - middle) * self.gap for position in range(self.length)]
        samples = {frame: self.dataset[frame] for frame in dict.fromkeys(taken)}
        return HandWindow(
            samples=tuple(samples[frame] for frame in taken),
            centre=middle,
            frames=taken,
            repeated=tuple(one != other for one, other in zip(taken, due, strict=True)),
        )


def valid_frames(dataset: Any) -> Subset[HandSample]:
    """The frames of a data set that have labels to learn from, one by one, in its order.

    Raises:
        TypeError: the data set has no `valid`.
    """
    if not hasattr(dataset, "valid"):
        raise TypeError(f"dataset: {type(dataset).__name__} has no `valid`, one bool per frame")
    return Subset(dataset, np.flatnonzero(dataset.valid))  # type: ignore[arg-type]


def windows(dataset: Any, length: int = 7, gap: int = 10) -> Windows:
    """A data set of windows over any data set of frames that has `sequences`.

    Raises:
        TypeError: the data set has no `sequences`.
        ValueError: length or gap below 1.
    """
    if not isinstance(dataset, Video):
        raise TypeError(
            f"dataset: {type(dataset).__name__} has no `sequences`; windows need a data set of "
            "videos, such as SyntheticSequences"
        )
    return Windows(dataset, length, gap)
