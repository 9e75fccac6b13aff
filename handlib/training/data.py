"""The data set of a run, by name: synthetic, or a recorded one from its folder."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from torch.utils.data import Dataset, Subset
from tqdm.auto import tqdm

from handlib.data import (
    FPHA,
    HO3D,
    DexYCB,
    SyntheticHands,
    SyntheticSequences,
    Windows,
    valid_frames,
    windows,
)
from handlib.data.files import DataFileError, existing, one_of
from handlib.data.sample import HandSample
from handlib.data.subsets import FrameSubset, open_subset, read_subset
from handlib.data.trees.folder import is_rendered
from handlib.hands import HandModel, HandPair, load_hand, load_hand_pair

WINDOW = 7  # frames that a Deformer reads, in both the paper and the course
Split = Literal["train", "val", "test"]
ROOTS = {"ho3d": "HANDLIB_HO3D", "dexycb": "HANDLIB_DEXYCB", "fpha": "HANDLIB_FPHA"}
"""The recorded data sets, and the variable that may name the folder of each."""


@dataclass(frozen=True)
class DataConfig:
    """A data set by name and how much of it; `size` counts training images, or clips.

    `gap` is the step in frames within a window; with 0 there are images and no windows.

    Of recorded data sets `size` frames are taken, evenly spaced, or all for 0. root: their
    folder. setup: HO-3D's version ("v2"), DexYCB's split ("s0") or FPHA's ("action"); empty for
    the one in brackets. mano: file or folder of MANO's models, by which DexYCB has poses. partial:
    train on an incomplete copy of DexYCB. subset: a file of `handlib data subset`; it takes
    the place of the split that it was drawn from, other splits stay whole.
    """

    name: str = "synthetic"
    size: int = 16_000
    seed: int = 0
    gap: int = 0
    root: str = ""
    setup: str = ""
    mano: str = ""
    partial: bool = False
    skip_broken: bool = False
    subset: str = ""

    def load(
        self, split: Split, resolution: int, size: int | None = None, truth: bool = True
    ) -> Any:
        """One split; `size` for another number of images or clips than the training set has.

        HO-3D and FPHA have no frames set aside for validation: theirs are those of the test.
        truth: refuse HO-3D's evaluation without its joints, which a submission can do without.

        Raises:
            ValueError: no data set of this name, no folder for it, or a subset of another one.
            FileNotFoundError: HO-3D's evaluation without its truth, or no such subset.
            DataFileError: a subset that cannot be read, or names other frames; with
                `skip_broken`, nothing that is to be scored can be read.
        """
        one_of("data", self.name, ("synthetic", *ROOTS))
        size = self.size if size is None else size
        if self.name != "synthetic":
            frames = self._recorded(split, resolution, truth)
            few = self._few(frames, split)
            if self.gap:
                clips = few.windows(WINDOW, self.gap) if few else windows(frames, WINDOW, self.gap)
                chosen: Any = clips.thinned(size)
            else:
                chosen = thinned(few or valid_frames(frames), size)
            return scorable(chosen) if self.skip_broken and split != "train" else chosen
        if self.subset:
            raise ValueError("subset: synthetic data have none; leave it out, and give a size")
        if not self.gap:
            return SyntheticHands(split, size, self.seed, resolution)
        videos = SyntheticSequences(split, size, self.seed, resolution=resolution)
        return windows(videos, WINDOW, self.gap)

    def _few(self, frames: HO3D | DexYCB | FPHA, split: Split) -> FrameSubset | None:
        """The subset's frames, if it is one of this split, as training takes for granted."""
        path = Path(self.subset)
        if not self.subset or (split != "train" and read_subset(path).split != frames.split):
            return None
        return open_subset(path, frames)

    @property
    def both_sides(self) -> bool:
        """Whether left hands are shown as they are: in DexYCB's windows, for Deformer."""
        return self.name == "dexycb" and self.gap > 0

    def hand(self) -> HandModel | HandPair:
        """What a network on these data moves: `mano`'s hand or the shipped one; or those of both
        sides, each by its own file, as the released Deformer has them.

        Raises:
            FileNotFoundError: a MANO file is missing.
            ManoFileError: a single file where both sides are needed.
        """
        load = load_hand_pair if self.both_sides else load_hand
        return load(self.mano or None)

    def folder(self) -> str:
        """The folder of a recorded data set.

        Raises:
            ValueError: none is given, nor named by the set's variable.
        """
        root = self.root or os.environ.get(ROOTS[self.name], "")
        if not root:
            raise ValueError(
                f"root: expected the folder of {self.name}, found none; give --root or set "
                f"{ROOTS[self.name]}"
            )
        return root

    def _recorded(self, split: Split, resolution: int, truth: bool) -> HO3D | DexYCB | FPHA:
        root = self.folder()
        crop = "deformer" if self.gap else "handoccnet"
        on_error = "skip" if self.skip_broken else "raise"
        match self.name:
            case "ho3d":
                if split != "train" and truth:
                    what = "the evaluation's joints, without which there is no score"
                    existing(Path(root) / "evaluation_xyz.json", what, "HO-3D's page has them.")
                part = "train" if split == "train" else "evaluation"
                return HO3D(root, part, self.setup or "v2", crop, resolution, on_error=on_error)
            case "dexycb":
                return DexYCB(
                    root,
                    self.setup or "s0",
                    split,
                    crop,
                    resolution,
                    mano=self._mano(Path(root)),
                    mirror_left=not self.both_sides,  # HandOccNet knows right hands only
                    partial=self.partial,
                    on_error=on_error,
                )
            case _:
                part, setup = "train" if split == "train" else "test", self.setup or "action"
                return FPHA(root, part, setup, "handoccnet", resolution, on_error)

    def _mano(self, root: Path) -> str | HandPair:
        """MANO's files; a tree of synthetic hands was written with the shipped hand instead."""
        if is_rendered(root):
            return load_hand_pair()
        if not self.mano:
            raise ValueError(
                "hand: DexYCB's poses are coefficients of MANO's components; give --hand, the "
                "folder with MANO_RIGHT.pkl and MANO_LEFT.pkl (https://mano.is.tue.mpg.de)"
            )
        return self.mano


class CentreFrames(Subset[HandSample]):
    """The frames in the middles of windows, in their order; `sequences` as `Windows.runs`."""

    def __init__(self, data: Windows) -> None:
        frames: Any = data.dataset
        super().__init__(frames, data.centres.tolist())
        self.sequences = data.runs()


def images_of(data: Dataset[Any]) -> Dataset[HandSample]:
    """The images themselves; of windows, the frames in their middles, in the same order."""
    return CentreFrames(data) if isinstance(data, Windows) else data


def thinned(data: Dataset[Any], size: int) -> Dataset[Any]:
    """`size` samples evenly spaced, all of them if there are fewer or `size` is 0."""
    count = len(data)  # type: ignore[arg-type]
    if not 0 < size < count:
        return data
    kept = np.linspace(0, count - 1, size).round().astype(int)
    if isinstance(data, Subset):  # one subset of the frames, not one of another
        return Subset(data.dataset, np.asarray(data.indices)[kept].tolist())
    return Subset(data, kept.tolist())


def scorable(data: Any) -> Any:
    """The frames, or windows by their centres, that can be read: a stand-in is never scored.

    All of them are read once for that.

    Raises:
        DataFileError: none of them can be.
    """
    frames = data.centres if isinstance(data, Windows) else np.asarray(data.indices)
    bar = tqdm(frames.tolist(), "frames that can be read", unit=" frames", leave=False)
    kept = np.flatnonzero([data.dataset.readable(frame) for frame in bar])
    if not len(kept):
        raise DataFileError(
            f"{data.dataset.root}: expected frames to score, but none of {len(frames):,} can be "
            f"read. {' '.join(data.dataset.skipped_frames(1))}"
        )
    if isinstance(data, Windows):
        return data.chosen(kept)
    return Subset(data.dataset, frames[kept].tolist())
