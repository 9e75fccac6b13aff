"""The frames of a subset, found in the data set by their names."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from torch.utils.data import Subset

from handlib.data.dexycb import DexYCB
from handlib.data.files import DataFileError
from handlib.data.fpha import FPHA
from handlib.data.ho3d import HO3D
from handlib.data.recorded import RecordedSet
from handlib.data.sample import HandSample
from handlib.data.subsets.balance import sequence_of
from handlib.data.subsets.subset_file import read_subset
from handlib.data.windows import Windows


class FrameSubset(Subset[HandSample]):
    """Some frames of a recorded set, as samples that are those of the set.

    `dataset` is the whole set, `indices` the places of the frames in it.
    """

    dataset: RecordedSet
    indices: list[int]

    def name(self, index: int) -> str:
        """The frame in the data set's own terms."""
        return self.dataset.name(self.indices[index])

    def occlusion(self, index: int) -> float:
        """Hidden share of the hand, as `RecordedSet.occlusion`."""
        return self.dataset.occlusion(self.indices[index])

    def windows(self, length: int = 7, gap: int = 10) -> Windows:
        """Windows around these frames alone; their neighbours come from the whole set."""
        return Windows(self.dataset, length, gap).around(self.indices)


def kind_of(dataset: RecordedSet) -> tuple[str, str, str]:
    """Data set, setup and split, as `SubsetFile` has them.

    Raises:
        TypeError: none of the recorded data sets.
    """
    match dataset:
        case HO3D():
            return "ho3d", dataset.version, dataset.split
        case DexYCB():
            return "dexycb", dataset.setup, dataset.split
        case FPHA():
            return "fpha", dataset.setup, dataset.split
    raise TypeError(f"dataset: expected HO3D, DexYCB or FPHA, found {type(dataset).__name__}")


def open_subset(path: Path, dataset: RecordedSet) -> FrameSubset:
    """The frames of `dataset` that a subset's file names, in the order of the set.

    Raises:
        FileNotFoundError, DataFileError: no file, or none that can be read; a frame in it is not
            in the data set, or has no labels.
        ValueError: a subset of another data set, setup or split.
    """
    check_subset(path, dataset)
    return named_frames(dataset, read_subset(path).frames, str(path))


def check_subset(path: Path, dataset: RecordedSet) -> None:
    """Refuse a file that is not for this data set, setup and split.

    Raises:
        FileNotFoundError, DataFileError: no file, or none that can be read.
        ValueError: it is for another one.
    """
    subset, kind = read_subset(path), kind_of(dataset)
    found = (subset.data, subset.setup, subset.split)
    if found != kind:
        raise ValueError(
            f"{path}: expected a subset of {' '.join(kind)}, found one of {' '.join(found)}. "
            "Give the data set, setup and split that it was drawn from, or draw another."
        )


def named_frames(dataset: RecordedSet, names: Iterable[str], origin: str) -> FrameSubset:
    """The frames with these names. origin: where the names are from, for messages.

    Raises:
        DataFileError: a frame that the set lacks, or that has no labels.
    """
    wanted = set(names)
    places = _places(dataset, wanted)
    missing = wanted - places.keys()
    if missing:
        raise DataFileError(
            f"{origin}: field 'frames': expected frames of the data set, found {len(missing):,} "
            f"that it lacks, such as {min(missing)}. Check the root, or draw the subset anew."
        )
    indices = np.sort(np.fromiter(places.values(), int, len(places)))
    unlabelled = indices[~np.asarray(dataset.valid)[indices]]
    if len(unlabelled):
        raise DataFileError(
            f"{origin}: field 'frames': expected labelled frames, found {len(unlabelled):,} "
            f"without labels, such as {dataset.name(int(unlabelled[0]))}. Draw the subset anew."
        )
    return FrameSubset(dataset, indices.tolist())


def _places(dataset: RecordedSet, wanted: set[str]) -> dict[str, int]:
    """Indices by name; other sequences are passed over, since a set may have 500,000 frames."""
    sequences = {sequence_of(name) for name in wanted}
    found: dict[str, int] = {}
    for frames in dataset.sequences:
        if frames and sequence_of(dataset.name(frames.start)) in sequences:
            found |= {dataset.name(index): index for index in frames}
    return {name: index for name, index in found.items() if name in wanted}
