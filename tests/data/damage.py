"""What goes wrong in recorded data sets, done to a written tree. Each function names its frame."""

import pickle
import shutil
from pathlib import Path

import numpy as np

from handlib.data.trees.python2_pickle import dumps


def copy(root: Path, to: Path, *without: str) -> Path:
    """A tree to damage; `without` are patterns of names that it need not have."""
    return Path(shutil.copytree(root, to, ignore=shutil.ignore_patterns(*without)))


def truncate(path: Path) -> None:
    """A download that broke off."""
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def change_meta(path: Path, **values) -> None:
    """Other values in an annotation of HO-3D."""
    meta = pickle.loads(path.read_bytes(), encoding="latin1")
    path.write_bytes(dumps(meta | values))


def unannotate(path: Path) -> None:
    """HO-3D's frames without a hand: all that is said about it is None."""
    keys = ("handPose", "handTrans", "handBeta", "handJoints3D")
    change_meta(path, **dict.fromkeys(keys))


def change_labels(path: Path, **values) -> None:
    """Other arrays in the labels of DexYCB; None takes one away."""
    with np.load(path) as arrays:
        labels = dict(arrays) | values
    np.savez_compressed(path, **{k: v for k, v in labels.items() if v is not None})


def unlabel(path: Path) -> None:
    """DexYCB's frames without a hand: parameters 0, joints -1."""
    with np.load(path) as arrays:
        labels = dict(arrays)
    labels["pose_m"][:] = 0
    labels["joint_3d"][:] = -1
    labels["joint_2d"][:] = -1
    np.savez_compressed(path, **labels)
