"""The draw: a subset that shows every degree of occlusion, and every sequence, as often."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int
from tqdm.auto import tqdm

from handlib.data.files import DataFileError
from handlib.data.recorded import RecordedSet
from handlib.data.sample import MissingLabelError
from handlib.data.subsets.balance import balanced, sequence_of, shuffled, taking_turns
from handlib.data.subsets.frames import kind_of
from handlib.data.subsets.subset_file import UNKNOWN, BinCount, SubsetFile
from handlib.evaluation.tables import OCCLUSION_BINS

POOL = 100_000
"""Frames whose occlusion is looked at: all of HO-3D, a quarter of DexYCB."""
_LABELS = [f"{low:.0%}-{high:.0%}" for low, high in pairwise(OCCLUSION_BINS)]


def draw_subset(
    dataset: RecordedSet, size: int, seed: int = 0, pool: int | None = POOL
) -> SubsetFile:
    """`size` labelled frames: bins of occlusion take turns, sequences take turns within a bin.

    The same data set, size, seed and pool give the same frames on every machine. Occlusion is
    known if the set was opened with `mano`; each frame is looked at once, and the number kept in
    the cache. Frames of unknown occlusion are one bin.

    pool: look at the occlusion of so many frames, taken evenly from sequences, and draw from
    them; None: of all.

    Raises:
        ValueError: a size below 1, or a pool below the size.
        DataFileError: no frame is labelled, or a frame cannot be read.
        FileNotFoundError: a file of a frame is missing, such as HO-3D's segmentations.
    """
    if size < 1:
        raise ValueError(f"size: expected at least 1 frame, found {size}")
    if dataset.hands and pool is not None and pool < size:
        raise ValueError(f"pool: expected at least the {size} frames of the subset, found {pool}")
    data, setup, split = kind_of(dataset)
    labelled = np.flatnonzero(dataset.valid)
    if not len(labelled):
        raise DataFileError(f"{data} {setup}, {split}: expected labelled frames, found none")
    names = [dataset.name(index) for index in labelled.tolist()]
    if dataset.hands and pool is not None:
        order = taking_turns(shuffled(names, seed), [sequence_of(name) for name in names])
        kept = np.sort(order[:pool])
        labelled, names = labelled[kept], [names[place] for place in kept.tolist()]
    bins = occlusion_bins(_occlusion(dataset, labelled))
    chosen = np.sort(balanced(names, bins, size, seed))
    return SubsetFile(
        *(data, setup, split, seed, size),
        labelled=int(np.count_nonzero(dataset.valid)),
        pool=len(labelled),
        occlusion=_counts(bins, chosen),
        frames=tuple(names[place] for place in chosen.tolist()),
    )


def occlusion_bins(shares: Float[np.ndarray, " N"]) -> list[str]:
    """Of each hidden share its bin, as tables have them; a NaN is unknown."""
    places = np.digitize(shares, np.array(OCCLUSION_BINS[1:-1], shares.dtype))
    return [
        UNKNOWN if unknown else _LABELS[place]
        for place, unknown in zip(places.tolist(), np.isnan(shares).tolist(), strict=True)
    ]


def _occlusion(dataset: RecordedSet, indices: Int[np.ndarray, " N"]) -> Float[np.ndarray, " N"]:
    if not dataset.hands:
        return np.full(len(indices), np.nan, np.float32)
    bar = tqdm(indices.tolist(), desc="hidden shares, once", unit=" frames", leave=False)
    return np.array([_share(dataset, index) for index in bar], np.float32)


def _share(dataset: RecordedSet, index: int) -> float:
    try:
        return dataset.occlusion(index)
    except MissingLabelError:
        return np.nan


def _counts(bins: Sequence[str], chosen: Int[np.ndarray, " K"]) -> tuple[BinCount, ...]:
    taken = [bins[place] for place in chosen.tolist()]
    return tuple(
        BinCount(label, bins.count(label), taken.count(label)) for label in (*_LABELS, UNKNOWN)
    )
