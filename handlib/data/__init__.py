"""Samples and the data sets that return them; windows of videos; batches."""

from handlib.data.batch import HandBatch, collate
from handlib.data.sample import HandMasks, HandSample
from handlib.data.sequence_batch import SequenceBatch, augment_windows, collate_windows
from handlib.data.synthetic.dataset import SyntheticHands
from handlib.data.synthetic.sequences import SyntheticSequences
from handlib.data.windows import HandWindow, Windows, windows

__all__ = [
    "HandBatch",
    "HandMasks",
    "HandSample",
    "HandWindow",
    "SequenceBatch",
    "SyntheticHands",
    "SyntheticSequences",
    "Windows",
    "augment_windows",
    "collate",
    "collate_windows",
    "windows",
]
