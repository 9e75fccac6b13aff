"""Tiny trees in the layouts of the recorded data sets, written once for all tests."""

from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import pytest

from handlib.data import SyntheticHands, SyntheticSequences
from handlib.data.trees import Recording, recordings, write_dexycb, write_fpha, write_ho3d
from handlib.data.trees.recording import clips_config, stills_config
from handlib.hands import read_mano_file

from .recorded import MANO

SKIN = (0.04, 0.70, 0.04)
"""Linear RGB of the hands in these trees: no other thing is as green, so images can be tested."""

MANO_KEYS = {
    "template": "v_template",
    "joint_regressor": "J_regressor",
    "skinning_weights": "weights",
    "faces": "f",
}


@dataclass(frozen=True)
class Tree:
    """A written tree and what was filmed for it."""

    root: Path
    recordings: list[Recording]


def green(recording: Recording) -> Recording:
    """The same with an unnatural skin."""

    def moment(k):
        scene, posed = recording.moment(k)
        skin = np.full_like(scene.skin, SKIN)
        arm = replace(scene.arm, colour=np.full_like(scene.arm.colour, 0.5))
        return replace(scene, skin=skin, arm=arm), posed

    return replace(recording, moment=moment)


def clip(split: str, frames: int, people: int = 1) -> Recording:
    config = clips_config(people)
    source = SyntheticSequences(split, 1, 5, frames, resolution=64, cache=False, config=config)
    return green(recordings(source)[0])


def still(split: str, number: int, people: int = 200) -> Recording:
    config = stills_config(people)
    source = SyntheticHands(split, number + 1, 5, resolution=64, cache=False, config=config)
    return green(recordings(source)[number])


@pytest.fixture(scope="session")
def mano(tmp_path_factory):
    """A folder with both hands: the shipped one and its mirror image."""
    folder = tmp_path_factory.mktemp("mano")
    right = read_mano_file(MANO)
    with np.load(MANO) as file:
        tree = file["kintree_table"]
    for name, data in (("MANO_RIGHT", right), ("MANO_LEFT", right.mirrored())):
        arrays = {MANO_KEYS.get(f.name, f.name): getattr(data, f.name) for f in fields(data)}
        np.savez(folder / f"{name}.npz", kintree_table=tree, **arrays)
    return folder


@pytest.fixture(scope="session", params=["v2", "v3"])
def ho3d_tree(request, tmp_path_factory) -> Tree:
    """Two cameras. Train: three frames of a clip, and a still. Evaluation: two stills."""
    train = [clip("train", 3), still("train", 2)]
    evaluation = [still("test", 0), still("test", 4)]
    root = tmp_path_factory.mktemp("ho3d") / request.param
    write_ho3d(root, train, evaluation, request.param, cameras=2)
    return Tree(root, [*train, *evaluation])


@pytest.fixture(scope="session")
def dexycb_tree(tmp_path_factory) -> Tree:
    """In setup s0 two frames of a right hand to train on, and a left one to test on."""
    filmed = [clip("train", 2), replace(still("train", 2, people=1), side="left")]
    root = tmp_path_factory.mktemp("dexycb") / "tree"
    write_dexycb(root, filmed, places=[(2, 0), (2, 4)])
    return Tree(root, filmed)


@pytest.fixture(scope="session")
def fpha_tree(tmp_path_factory) -> Tree:
    """Two frames to train on, one to test on."""
    train, test = [clip("train", 2)], [still("test", 0)]
    root = tmp_path_factory.mktemp("fpha") / "tree"
    write_fpha(root, train, test)
    return Tree(root, [*train, *test])
