"""Samples and the data sets that return them; windows of videos; batches."""

from handlib.data.batch import HandBatch, collate
from handlib.data.dexycb import DexYCB
from handlib.data.fpha import FPHA
from handlib.data.ho3d import HO3D
from handlib.data.sample import HandMasks, HandSample, MissingLabelError, needed
from handlib.data.sequence_batch import SequenceBatch, augment_windows, collate_windows
from handlib.data.synthetic.dataset import SyntheticHands
from handlib.data.synthetic.sequences import SyntheticSequences
from handlib.data.windows import HandWindow, Windows, valid_frames, windows

__all__ = [
    "FPHA",
    "HO3D",
    "DexYCB",
    "HandBatch",
    "HandMasks",
    "HandSample",
    "HandWindow",
    "MissingLabelError",
    "SequenceBatch",
    "SyntheticHands",
    "SyntheticSequences",
    "Windows",
    "augment_windows",
    "collate",
    "collate_windows",
    "needed",
    "valid_frames",
    "windows",
]
