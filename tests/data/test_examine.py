"""Every damage to a written tree is found, each in its own file, and nothing else is."""

import json
import re
import shutil
from collections import Counter

import numpy as np
import pytest
from mano_pickles import Global, Object, python2_pickle
from PIL import Image
from typer.testing import CliRunner

from handlib import cli
from handlib.data import examine
from handlib.data.dexycb_index import SUBJECTS

from . import damage

MOST_SUBJECTS = ("*-subject-02", "*-subject-0[4-9]", "*-subject-10")


def call(root, *arguments):
    words = ["data", "check", str(root), *map(str, arguments)]
    return CliRunner().invoke(cli.app, words)


def faults(root):
    """State and place of every file that is wrong, as its message names it."""
    found = examine.findings(examine.survey(root))
    wrong = [(f.state, f.message) for f in found if f.state in ("missing", "broken")]
    return {(state, re.sub(r": expected.*", "", message)) for state, message in wrong}


def counts(root):
    return Counter((f.kind, f.state) for f in examine.findings(examine.survey(root)))


@pytest.fixture
def ho3d(ho3d_tree, tmp_path):
    return damage.copy(ho3d_tree.root, tmp_path / ho3d_tree.root.name)


@pytest.fixture
def dexycb(dexycb_tree, tmp_path):
    return damage.copy(dexycb_tree.root, tmp_path / "dexycb", *MOST_SUBJECTS)


@pytest.fixture
def fpha(fpha_tree, tmp_path):
    return damage.copy(fpha_tree.root, tmp_path / "fpha")


def test_whole_trees_have_no_fault(ho3d_tree, dexycb_tree, fpha_tree):
    """The numbers of frames are those of the fixtures: all cameras, both parts."""
    for tree, name, frames in (
        (ho3d_tree, f"HO-3D {ho3d_tree.root.name}", 12),
        (dexycb_tree, "DexYCB", 24),
        (fpha_tree, "FPHA", 3),
    ):
        done = call(tree.root)
        assert done.exit_code == 0, done.output
        lines = done.stdout.splitlines()
        assert lines[0] == f"{tree.root}: {name}" and lines[-1] == "nothing wrong found"
        assert f"{'image':14}{frames} fine" in lines and f"{'depth':14}{frames} fine" in lines
    assert f"{'sequence':14}1,000 fine" in call(dexycb_tree.root).stdout.splitlines()


def ho3d_damages(root):
    suffix = "png" if root.name == "v2" else "jpg"
    rgb = root / "train" / "SynA10" / "rgb"
    meta = root / "train" / "SynA10" / "meta"
    rendered = root / f"HO3D_{root.name}_segmentations_rendered"
    segment = next((rendered / "train" / "SynA11" / "seg").iterdir())
    depth = root / "evaluation" / "SynC10" / "depth" / "0000.png"
    box = root / "evaluation" / "SynC11" / "meta" / "0000.pkl"
    damage.truncate(rgb / f"0000.{suffix}")
    (rgb / f"0001.{suffix}").unlink()
    Image.new("RGB", (320, 240)).save(rgb / f"0002.{suffix}")
    damage.truncate(meta / "0000.pkl")
    (meta / "0001.pkl").unlink()
    damage.change_meta(meta / "0002.pkl", handBeta=np.zeros(9))
    damage.truncate(segment)
    damage.truncate(depth)
    damage.change_meta(box, handBoundingBox=None)
    (root / "evaluation_xyz.json").write_text(json.dumps([[[0, 0, 0]]]))
    return {
        ("broken", rgb / f"0000.{suffix}"),
        ("missing", rgb / f"0001.{suffix}"),
        ("broken", rgb / f"0002.{suffix}"),
        ("broken", meta / "0000.pkl"),
        ("missing", meta / "0001.pkl"),
        ("broken", meta / "0002.pkl"),
        ("broken", segment),
        ("broken", depth),
        ("broken", box),
        ("broken", root / "evaluation_xyz.json"),
    }


def dexycb_damages(root):
    (clip,) = root.glob("20200820-subject-03/*_140000/840412060917")
    damage.truncate(clip / "color_000000.jpg")
    damage.truncate(clip / "labels_000000.npz")
    damage.truncate(clip / "aligned_depth_to_color_000000.png")
    (clip / "color_000001.jpg").unlink()
    damage.change_labels(clip / "labels_000001.npz", seg=np.zeros((2, 2), np.uint8))
    other = clip.parent / "932122060857"
    damage.change_labels(other / "labels_000000.npz", joint_3d=None)
    damage.change_labels(other / "labels_000001.npz", pose_y=np.zeros((0, 3, 4)))
    lens = root / "calibration" / "intrinsics" / "836212060125_640x480.yml"
    lens.write_text("color: !!python/object/apply:os.getcwd []")
    model = min(root.glob("models/*/textured_simple.obj"))
    model.write_text("v 1 2 3\n")
    (empty,) = root.glob("20200709-subject-01/*_141000")
    (empty / "meta.yml").write_text("num_frames: 3\n")
    return {
        ("broken", clip / "color_000000.jpg"),
        ("broken", clip / "labels_000000.npz"),
        ("broken", clip / "aligned_depth_to_color_000000.png"),
        ("missing", clip / "color_000001.jpg"),
        ("broken", clip / "labels_000001.npz"),
        ("broken", other / "labels_000000.npz"),
        ("broken", other / "labels_000001.npz"),
        ("broken", lens),
        ("broken", model),
        ("broken", empty / "meta.yml"),
    } | {("missing", root / SUBJECTS[k]) for k in (1, 3, 4, 5, 6, 7, 8, 9)}


def fpha_damages(root):
    first = root / "Hand_pose_annotation_v1" / "Subject_1" / "open_juice_bottle" / "1"
    video = root / "Video_files" / "Subject_1" / "open_juice_bottle" / "1"
    rows = (first / "skeleton.txt").read_text().splitlines()
    (first / "skeleton.txt").write_text(rows[0])  # a line for one of two images
    (other,) = (first.parents[2] / "Subject_2").glob("*/1")
    (other / "skeleton.txt").write_bytes(b"\xff\xfe")
    damage.truncate(video / "color" / "color_0000.jpeg")
    Image.new("RGB", (640, 480)).save(video / "depth" / "depth_0000.png")
    with (root / "data_split_action_recognition.txt").open("a") as file:
        file.write("Subject_6/open_milk/1 3\n")
    return {
        ("broken", first / "skeleton.txt"),
        ("broken", other / "skeleton.txt"),
        ("broken", video / "color" / "color_0000.jpeg"),
        ("broken", video / "depth" / "depth_0000.png"),
        ("broken", root),
    }


def agrees(root, expected):
    expected = {(state, str(path)) for state, path in expected}
    assert faults(root) == expected
    done = call(root)
    assert done.exit_code == 1 and done.stdout.splitlines()[-1] == f"{len(expected)} faults"


def test_damages_of_ho3d(ho3d):
    agrees(ho3d, ho3d_damages(ho3d))


def test_damages_of_dexycb(dexycb):
    agrees(dexycb, dexycb_damages(dexycb))


def test_damages_of_fpha(fpha):
    agrees(fpha, fpha_damages(fpha))


def test_frames_without_a_hand_are_no_fault(ho3d, dexycb_tree, fpha, tmp_path):
    damage.unannotate(ho3d / "train" / "SynA10" / "meta" / "0001.pkl")
    assert call(ho3d).exit_code == 0
    assert counts(ho3d)["annotation", "unlabelled"] == 1
    (skeleton,) = (fpha / "Hand_pose_annotation_v1" / "Subject_1").rglob("skeleton.txt")
    skeleton.write_text("")
    assert call(fpha).exit_code == 0 and counts(fpha)["image", "fine"] == 1
    if ho3d.name == "v2":
        root = damage.copy(dexycb_tree.root, tmp_path / "dexycb")
        (labels,) = root.glob("20200820-subject-03/*_140000/840412060917/labels_000001.npz")
        damage.unlabel(labels)
        assert call(root).exit_code == 0 and counts(root)["labels", "unlabelled"] == 1


def test_a_missing_folder_is_named_once(ho3d):
    shutil.rmtree(ho3d / "train" / "SynA10" / "rgb")
    messages = call(ho3d).stdout
    assert messages.count("SynA10") == 1 and "the folder of 3 listed frames" in messages
    assert counts(ho3d)["image", "missing"] == 3
    shutil.rmtree(ho3d / f"HO3D_{ho3d.name}_segmentations_rendered")
    assert counts(ho3d)["segmentation", "missing"] == 0
    assert "train: no rendered segmentations" in call(ho3d).stdout


def test_so_many_frames_evenly_spaced(ho3d_tree):
    root, seen = ho3d_tree.root, []
    survey = examine.survey(root)
    found = list(examine.findings(survey, 3))
    assert Counter(f.kind for f in found)["image"] == 3
    frame, survey.frame = survey.frame, lambda k: [seen.append(k), *frame(k)][1:]
    list(examine.findings(survey, 3))
    assert sorted(seen) == [0, 6, 11]  # of twelve; numpy rounds 5.5 to the even number
    assert call(root, "--limit", 0).exit_code == 2
    with pytest.raises(ValueError, match="limit: expected at least 1"):
        list(examine.findings(survey, 0))


def test_the_set_is_guessed_or_the_call_is_wrong(ho3d_tree, fpha_tree, tmp_path):
    assert call(tmp_path / "absent").exit_code == 2
    nothing = call(tmp_path)
    assert nothing.exit_code == 2 and "found nothing of them" in nothing.output
    assert call(tmp_path, "--as", "imagenet").exit_code == 2
    wrong = call(fpha_tree.root, "--as", "ho3d")
    assert wrong.exit_code == 1 and "train.txt: expected HO-3D's list" in wrong.stdout
    (tmp_path / "train.txt").touch()
    assert examine.guess(tmp_path) == "ho3d"
    (tmp_path / "Video_files").mkdir()
    with pytest.raises(ValueError, match="found ho3d and fpha"):
        examine.guess(tmp_path)


def test_nothing_in_a_file_is_run(ho3d, tmp_path):
    marker = tmp_path / "marker"
    path = ho3d / "train" / "SynA10" / "meta" / "0000.pkl"
    path.write_bytes(python2_pickle({"camMat": Object(Global("os", "mkdir"), (str(marker),))}))
    assert faults(ho3d) == {("broken", str(path))} and not marker.exists()
