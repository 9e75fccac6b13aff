"""Samples and the data sets that return them; batches."""

from handlib.data.batch import HandBatch, collate
from handlib.data.sample import HandMasks, HandSample
from handlib.data.synthetic.dataset import SyntheticHands

__all__ = ["HandBatch", "HandMasks", "HandSample", "SyntheticHands", "collate"]
