"""A part of HO-3D copied to a folder of its own, and subsets from the command line."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from handlib import cli
from handlib.data import FPHA, HO3D
from handlib.data.subsets import copy_ho3d, draw_subset, read_subset
from handlib.data.trees import TreeExistsError
from handlib.data.trees.folder import MARKER, is_rendered

from . import damage
from .test_subsets import opened, own_cache, same  # noqa: F401


def call(*arguments):
    return CliRunner().invoke(cli.app, ["data", *map(str, arguments)])


def listed(root, split):
    return (root / f"{split}.txt").read_text().split()


def test_a_copy_has_the_same_samples_and_no_fault(ho3d_tree, tmp_path):
    version, root = ho3d_tree.root.name, tmp_path / "few"
    subset = draw_subset(opened(ho3d_tree), 5, seed=2)
    copy_ho3d(root, opened(ho3d_tree), subset)
    assert tuple(listed(root, "train")) == subset.frames
    assert read_subset(root / "train_subset.json") == subset
    judged = read_subset(root / "evaluation_subset.json")
    assert len(judged.frames) == 2 and judged.seed == 2  # a quarter more
    mano = ho3d_tree.root / "mano"
    for split, masks in (("train", True), ("evaluation", False)):
        whole = HO3D(ho3d_tree.root, split, version, resolution=32, mano=mano, masks=masks)
        few = HO3D(root, split, version, resolution=32, mano=mano, masks=masks)
        places = {whole.name(k): k for k in range(len(whole))}
        assert [few.name(k) for k in range(len(few))] == listed(root, split)
        for k in range(len(few)):
            assert same(few[k], whole[places[few.name(k)]])
            assert (few.depth(k) == whole.depth(places[few.name(k)])).all()
    vertices = json.loads((root / "evaluation_verts.json").read_text())
    assert len(vertices) == 2 and len(vertices[0]) == 778
    done = call("check", root)
    assert done.exit_code == 0 and done.stdout.splitlines()[-1] == "nothing wrong found"
    for kind in ("image", "depth", "segmentation"):
        assert f"{kind:14}7 fine" in done.stdout.splitlines()
    assert f"HO-3D {version}" in (root / "README.md").read_text()
    assert is_rendered(root) and is_rendered(ho3d_tree.root)


def test_what_the_set_lacks_the_copy_lacks(ho3d_tree, tmp_path):
    """And a copy of recorded hands is not taken for one of the shipped hand."""
    version = ho3d_tree.root.name
    without = ("depth", "*_segmentations_rendered", "evaluation_*.json", MARKER, "mano")
    source = damage.copy(ho3d_tree.root, tmp_path / "set" / version, *without)
    frames = opened(replace(ho3d_tree, root=source), mano=None)
    copy_ho3d(tmp_path / "few", frames, draw_subset(frames, 3))
    assert not is_rendered(tmp_path / "few") and (tmp_path / "few" / MARKER).is_file()
    kinds = {path.parent.name for path in (tmp_path / "few").rglob("*/*/*/*")}
    assert kinds == {"rgb", "meta"}
    assert call("check", tmp_path / "few").exit_code == 0


def test_a_copy_spares_what_is_there(ho3d_tree, tmp_path):
    frames = opened(ho3d_tree, mano=None)
    subset, root = draw_subset(frames, 2), tmp_path / "few"
    for place in (ho3d_tree.root, ho3d_tree.root / "new", ho3d_tree.root.parent):
        with pytest.raises(ValueError, match="copy: expected a folder apart from"):
            copy_ho3d(place, frames, subset, overwrite=True)
    copy_ho3d(root, frames, subset)
    with pytest.raises(FileExistsError, match="there is something already"):
        copy_ho3d(root, frames, subset)
    copy_ho3d(root, frames, draw_subset(frames, 3), overwrite=True)
    assert len(listed(root, "train")) == 3
    (root / "notes.txt").write_text("mine")
    with pytest.raises(TreeExistsError, match="there are"):
        copy_ho3d(root, frames, subset, overwrite=True)
    assert len(listed(root, "train")) == 3
    broken = damage.copy(ho3d_tree.root, tmp_path / "broken")
    sequence, number = subset.frames[-1].split("/")
    for path in (broken / "train" / sequence / "rgb").glob(f"{number}.*"):
        path.unlink()
    lacking = HO3D(broken, "train", ho3d_tree.root.name, None)
    with pytest.raises(FileNotFoundError, match=f"{number}.*expected the frame's image"):
        copy_ho3d(tmp_path / "half", lacking, subset)
    assert {path.name for path in tmp_path.iterdir()} == {"few", "broken"}


def test_other_splits_and_sets_cannot_be_copied(ho3d_tree, fpha_tree, tmp_path):
    for frames in (opened(ho3d_tree, "evaluation"), FPHA(fpha_tree.root, "train", crop=None)):
        with pytest.raises(ValueError, match="copy: expected HO-3D's training split.*--out"):
            copy_ho3d(tmp_path / "few", frames, draw_subset(frames, 1))


def test_the_command_writes_list_and_copy(ho3d_tree, tmp_path):
    root, version = ho3d_tree.root, ho3d_tree.root.name
    words = ["subset", "ho3d", "--root", root, "--setup", version, "--seed", 4, "--size", 4]
    out, copy = tmp_path / "few.json", tmp_path / "few"
    done = call(*words, "--out", out, "--copy", copy)
    assert done.exit_code == 0, done.output
    assert f"ho3d {version}, train: 4 of 8 labelled frames, seed 4" in done.stdout
    assert read_subset(out) == draw_subset(opened(ho3d_tree), 4, 4)  # the shipped hand's shares
    assert tuple(listed(copy, "train")) == read_subset(out).frames
    before = out.read_bytes()
    again = call(*words[:-1], 3, "--out", out)
    assert again.exit_code == 2 and "few.json: there is something already" in again.output
    assert out.read_bytes() == before
    assert call(*words[:-1], 3, "--out", out, "--copy", copy, "--force").exit_code == 0
    assert len(read_subset(out).frames) == len(listed(copy, "train")) == 3


def test_the_command_refuses_what_it_cannot_do(dexycb_tree, fpha_tree, tmp_path):
    dexycb = ["subset", "dexycb", "--root", dexycb_tree.root, "--size", 2]
    refused = call(*dexycb, "--copy", tmp_path / "few")
    assert refused.exit_code == 2 and "copy: expected HO-3D's training split" in refused.output
    refused = call(*dexycb)
    assert refused.exit_code == 2 and "give --out, --copy or both" in refused.output
    fpha = call("subset", "fpha", "--root", fpha_tree.root, "--size", 1, "--out", tmp_path / "a")
    assert fpha.exit_code == 0 and "unknown           1          2" in fpha.stdout
    assert call(*dexycb, "--split", "test", "--out", tmp_path / "b").exit_code == 0
    assert read_subset(tmp_path / "b").split == "test"
    assert [path.name for path in sorted(Path(tmp_path).iterdir())] == ["a", "b"]
