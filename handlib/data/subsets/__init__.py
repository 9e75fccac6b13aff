"""A small part of a recorded data set: balanced, drawn by a seed, kept as a list of names."""

from handlib.data.subsets.balance import balanced
from handlib.data.subsets.draw import POOL, draw_subset
from handlib.data.subsets.frames import FrameSubset, check_subset, named_frames, open_subset
from handlib.data.subsets.ho3d_copy import check_copy, copy_ho3d
from handlib.data.subsets.subset_file import BinCount, SubsetFile, check_new, read_subset

__all__ = [
    "POOL",
    "BinCount",
    "FrameSubset",
    "SubsetFile",
    "balanced",
    "check_copy",
    "check_new",
    "check_subset",
    "copy_ho3d",
    "draw_subset",
    "named_frames",
    "open_subset",
    "read_subset",
]
