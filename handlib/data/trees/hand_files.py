"""The shipped hand as MANO's two files, for loaders that ask for them."""

from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np

from handlib.hands.mano_data import ManoData
from handlib.hands.mano_file import read_mano_file
from handlib.hands.skeleton import MANO_JOINT_NAMES, PARENTS


def write_hand_files(folder: Path) -> None:
    """MANO_RIGHT.npz, and its mirror image as MANO_LEFT.npz, for `load_hand(folder, side)`."""
    with as_file(files("handlib") / "assets" / "MANO_RIGHT.npz") as shipped:
        right = read_mano_file(shipped)
    folder.mkdir(parents=True)
    for name, data in (("RIGHT", right), ("LEFT", right.mirrored())):
        np.savez_compressed(folder / f"MANO_{name}.npz", **_arrays(data))


def _arrays(data: ManoData) -> dict[str, Any]:
    """Under MANO's own keys."""
    return {
        "v_template": data.template,
        "shapedirs": data.shapedirs,
        "posedirs": data.posedirs,
        "J_regressor": data.joint_regressor,
        "weights": data.skinning_weights,
        "kintree_table": np.array([PARENTS, range(len(MANO_JOINT_NAMES))]),
        "f": data.faces,
        "hands_mean": data.hands_mean,
        "hands_components": data.hands_components,
    }
