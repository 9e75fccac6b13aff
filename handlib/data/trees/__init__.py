"""Rendered hands as folders in the layouts of HO-3D, DexYCB and FPHA, labels in their conventions.

Nothing here shares code with the loaders of these data sets, so that each can test the other.
"""

from handlib.data.trees.dexycb_tree import write_dexycb
from handlib.data.trees.export import LAYOUTS, Layout, export
from handlib.data.trees.film import Camera, FullFrame, film
from handlib.data.trees.folder import TreeExistsError
from handlib.data.trees.fpha_tree import write_fpha
from handlib.data.trees.ho3d_tree import write_ho3d
from handlib.data.trees.recording import Recording, recordings

__all__ = [
    "LAYOUTS",
    "Camera",
    "FullFrame",
    "Layout",
    "Recording",
    "TreeExistsError",
    "export",
    "film",
    "recordings",
    "write_dexycb",
    "write_fpha",
    "write_ho3d",
]
