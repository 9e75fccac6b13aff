"""A recorded data set to look at: whole images, and occlusion where it is known."""

from pathlib import Path

from handlib.data import FPHA, HO3D, DexYCB
from handlib.data.files import one_of
from handlib.data.recorded import Mano, RecordedSet
from handlib.data.trees.folder import is_rendered
from handlib.hands import load_hand_pair
from handlib.training.data import ROOTS, DataConfig, Split


def whole_frames(data: DataConfig, split: Split) -> RecordedSet:
    """The frames of a split as the cameras saw them, each hand on its own side.

    Occlusion can be asked for where the hands are known: by `data.mano`, or in a tree of rendered
    hands. HO-3D's evaluation has no poses, FPHA no meshes, so they have no occlusion.

    Raises:
        ValueError: no recorded data set of this name, or no folder for it.
        FileNotFoundError, DataFileError: as the data set raises.
    """
    one_of("data", data.name, tuple(ROOTS))
    root = Path(data.folder())
    mano: Mano = data.mano or None
    if is_rendered(root):
        mano = load_hand_pair()
    training = split == "train"
    match data.name:
        case "ho3d":
            part, hands = ("train", mano) if training else ("evaluation", None)
            return HO3D(root, part, data.setup or "v2", None, mano=hands)
        case "dexycb":
            return DexYCB(root, data.setup or "s0", split, None, mano=mano, partial=data.partial)
        case _:
            return FPHA(root, "train" if training else "test", data.setup or "action", None)
