"""The command that writes trees: same seed, same bytes; nobody's files are overwritten."""

import hashlib
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from handlib import cli
from handlib.data import DexYCB
from handlib.data.trees import LAYOUTS, TreeExistsError, export, write_fpha, write_ho3d
from handlib.data.trees.folder import MARKER, new_tree

from .conftest import still


def digests(root):
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).digest() for path in files
    }


def call(*arguments):
    return CliRunner().invoke(cli.app, ["data", "export", *map(str, arguments)])


@pytest.mark.parametrize("layout", LAYOUTS)
def test_same_seed_same_bytes(layout, tmp_path):
    options = {"size": 1, "frames": 1}
    export(layout, tmp_path / "one", seed=1, **options)
    first = digests(tmp_path / "one")
    export(layout, tmp_path / "two", seed=1, **options)
    assert digests(tmp_path / "two") == first
    export(layout, tmp_path / "two", seed=2, **options)  # takes the other's place
    second = digests(tmp_path / "two")
    same = {name for name in first if second.get(name) == first[name]}
    kinds = (".jpg", ".jpeg", ".png", ".pkl", ".npz", "skeleton.txt")
    scenes = {name for name in first if name.endswith(kinds) and "mano" not in name}
    assert scenes and not same & scenes
    assert {path.name for path in tmp_path.iterdir()} == {"one", "two"}


def test_on_the_command_line(tmp_path):
    root = tmp_path / "new" / "tree"
    done = call("--as", "ho3d", "--root", root, "--size", 1, "--frames", 2)
    assert done.exit_code == 0, done.output
    assert (root / "train.txt").read_text().split() == ["SynA10/0000", "SynA10/0001"]
    assert (root / "evaluation.txt").read_text().split() == ["SynB10/0000", "SynB10/0001"]
    (root / "notes.txt").write_text("mine")
    refused = call("--as", "ho3d", "--root", root, "--size", 1, "--frames", 1)
    assert refused.exit_code == 2 and "there are" in refused.output
    assert (root / "notes.txt").read_text() == "mine"


def test_what_is_not_ours_stays(tmp_path):
    file = tmp_path / "data" / "a.txt"
    file.parent.mkdir()
    export("ho3d", tmp_path / "data", size=1, frames=1)  # an empty folder is free
    other = tmp_path / "other"
    other.mkdir()
    (other / "a.txt").write_text("mine")
    for layout in LAYOUTS:
        with pytest.raises(TreeExistsError, match="no tree that handlib wrote"):
            export(layout, other)
    (other / MARKER).write_text("[]")
    with pytest.raises(TreeExistsError, match="no tree that handlib wrote"):
        export("ho3d", other)
    with pytest.raises(TreeExistsError, match="found a file"):
        export("ho3d", other / "a.txt")
    assert (other / "a.txt").read_text() == "mine"


def test_an_interrupted_tree_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt), new_tree(tmp_path / "tree", "ho3d") as draft:
        (draft / "train.txt").write_text("half")
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


def test_sets_of_right_hands_refuse_left_ones(tmp_path):
    right = still("train", 0)
    left = replace(right, side="left")
    for write, name in ((write_ho3d, "HO-3D"), (write_fpha, "FPHA")):
        with pytest.raises(ValueError, match=f"{name} shows right hands"):
            write(tmp_path / "tree", [right], [left])
        with pytest.raises(ValueError, match="at least one"):
            write(tmp_path / "tree", [right], [])
    with pytest.raises(ValueError, match="11"):
        write_ho3d(tmp_path / "tree", [right], [right], cameras=11)
    assert not list(tmp_path.iterdir())


def test_an_exported_dexycb_has_something_to_train_and_to_test_on(tmp_path, monkeypatch):
    monkeypatch.setenv("HANDLIB_CACHE", str(tmp_path / "cache"))
    export("dexycb", tmp_path / "tree", size=2, frames=1)
    assert len(DexYCB(tmp_path / "tree", "s0", "train")) == 8
    assert {DexYCB(tmp_path / "tree", "s0", "test").frame(k).side for k in range(8)} == {"left"}
