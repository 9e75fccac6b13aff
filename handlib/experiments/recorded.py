"""Recorded hands to score an experiment's networks on: part of HO-3D, DexYCB or FPHA.

Nothing is learned from them. The frames are read once, before any network learns: damage shows
then, and twenty networks need not wait for the disk.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch.utils.data import Dataset
from tqdm.auto import tqdm

from handlib.data import Windows
from handlib.data.files import DataFileError, one_of
from handlib.data.recorded import RecordedSet
from handlib.data.sample import HandSample
from handlib.data.subsets.frames import kind_of
from handlib.data.trees.folder import is_rendered
from handlib.evaluation.recorded import frames_of, recording
from handlib.models import DeformerConfig, HandOccNetConfig
from handlib.training.data import ROOTS, DataConfig, Split
from handlib.training.order import generator_at

Kind = Literal["images", "clips"]

FRAMES = 1_000
STEP = 3  # recordings have thirty frames a second, the clips that networks learn from ten
LENGTH = 32  # frames of an excerpt at most, as many as a synthetic clip has


class RecordedTest(Dataset[HandSample]):
    """Some frames of a recorded set, in memory, with their occlusion where the set can tell it.

    sequences: the ranges that are excerpts of a video; none of images. groups: what intervals are
    drawn over, the recording of each frame; None if there is one only. about: what was read, for
    a result file.

    Raises:
        OSError, DataFileError: a frame cannot be read.
    """

    def __init__(
        self, source: RecordedSet, frames: Sequence[int], sequences: Sequence[range] = ()
    ) -> None:
        name, setup, split = kind_of(source)
        bar = tqdm(frames, f"{name}, read once", unit=" frames", leave=False)
        self.samples = [_with_occlusion(source, k) for k in bar]
        self.sequences = tuple(sequences)
        recordings = [recording(source, source.name(k)) for k in frames]
        self.groups = recordings if len(set(recordings)) > 1 else None
        self.about: dict[str, Any] = {
            "data": name,
            "setup": setup,
            "split": split,
            "frames": len(frames),
            "recordings": len(set(recordings)),
            "rendered": is_rendered(source.root),
        }

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> HandSample:
        return self.samples[index]


Recorded = Mapping[str, RecordedTest]
"""Sets by the names that were asked for."""


def asked(words: Iterable[str], mano: str = "", frames: int = FRAMES) -> dict[str, DataConfig]:
    """Sets by their names, from NAME, NAME=FOLDER or NAME-SETUP=FOLDER: "ho3d-v3=HO3D_v3".

    mano: folder of MANO's models, by which DexYCB has poses. frames: how many to take.

    Raises:
        ValueError: no such set, one of them twice, or no folder for it.
    """
    sets: dict[str, DataConfig] = {}
    for word in words:
        label, _, root = word.partition("=")
        name, _, setup = label.partition("-")
        one_of("data", name, tuple(ROOTS))
        if label in sets:
            raise ValueError(f"data: expected each set once, found {label} twice")
        if not (root or os.environ.get(ROOTS[name])):
            raise ValueError(
                f"data: expected the folder of {name}, found none; give --data {label}=FOLDER "
                f"or set {ROOTS[name]}"
            )
        sets[label] = DataConfig(name, frames, root=root, setup=setup, mano=mano)
    return sets


def open_images(config: DataConfig) -> RecordedTest:
    """`config.size` frames, evenly spaced, as HandOccNet at course scale reads them.

    They are of the set's test split; of HO-3D's training split as long as the truth of its
    evaluation, `evaluation_xyz.json`, is not there.

    Raises:
        ValueError: an unknown version or setup, or DexYCB without MANO's files.
        OSError, DataFileError: the set is not there, or a file of it cannot be read.
    """
    return RecordedTest(*frames_of(_load(config, HandOccNetConfig.course().image_size)))


def open_clips(config: DataConfig) -> RecordedTest:
    """`config.size` frames or a few more, in `excerpts`, as Deformer at course scale reads them.

    Raises:
        ValueError, OSError, DataFileError: as `open_images`.
    """
    clips = replace(config, gap=STEP, size=0)
    shown: Windows = _load(clips, DeformerConfig.course().image_size)
    chosen = excerpts(shown, config.size)
    ends = np.cumsum([len(frames) for frames in chosen]).tolist()
    sequences = tuple(map(range, [0, *ends], ends))
    frames = np.concatenate(chosen).tolist()
    test = RecordedTest(frames_of(shown)[0], frames, sequences)
    test.about |= {"excerpts": len(chosen), "step": STEP}
    return test


OPEN: dict[Kind, Callable[[DataConfig], RecordedTest]] = {
    "images": open_images,
    "clips": open_clips,
}


def excerpts(shown: Windows, size: int, seed: int = 0) -> list[np.ndarray]:
    """Labelled frames that follow each other in steps of `STEP`, at most `LENGTH` of them each.

    All recordings are cut into such, and as many drawn as make `size` frames or a few more.
    """
    runs = [shown.centres[run.start : run.stop] for run in shown.runs()]
    pieces = [
        piece[::STEP]
        for run in runs
        for piece in np.array_split(run, -(-len(run) // (LENGTH * STEP)))
    ]
    order = torch.randperm(len(pieces), generator=generator_at(seed)).tolist()
    total = np.cumsum([len(pieces[k]) for k in order])
    return [pieces[k] for k in sorted(order[: np.searchsorted(total, size) + 1])]


def described_sets(recorded: Recorded) -> dict[str, Any]:
    """For a result file: what was scored on; nothing without recorded sets."""
    return {"recorded": {name: test.about for name, test in recorded.items()}} if recorded else {}


def command_with(words: str, recorded: Recorded) -> str:
    """The command that asks for these sets; where they lie is the user's own."""
    return " ".join([words, *(f"--data {name}" for name in recorded)])


def _load(config: DataConfig, resolution: int) -> Any:
    split: Split = "test"
    if config.name == "ho3d" and not (Path(config.folder()) / "evaluation_xyz.json").is_file():
        split = "train"
    data = config.load(split, resolution)
    if not len(data):
        raise DataFileError(
            f"{config.folder()}: expected labelled frames in the {split} split of {config.name}, "
            "found none. Choose another setup, or unpack the rest of the data set."
        )
    return data


def _with_occlusion(source: RecordedSet, index: int) -> HandSample:
    sample = source[index]
    return replace(sample, occlusion=source.occlusion(index)) if source.hands else sample
