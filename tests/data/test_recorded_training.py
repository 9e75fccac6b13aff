"""Networks trained from the command line on small trees of HO-3D and FPHA."""

import json
import re
from dataclasses import replace

import pytest
import torch
from typer.testing import CliRunner

from handlib import cli
from handlib.data import FPHA
from handlib.data.windows import Windows
from handlib.hands.skeleton import COMMON_TO_HO3D
from handlib.models.handoccnet import HandOccNetConfig
from handlib.training import TrainConfig
from handlib.training.data import DataConfig, images_of
from handlib.training.history import History

from .recorded import FLIP
from .test_ho3d import Tree


@pytest.fixture
def tree(tmp_path, monkeypatch):
    monkeypatch.setenv("HANDLIB_CACHE", str(tmp_path / "cache"))
    tree = Tree(tmp_path)
    (tree.root / "train" / "ABF10" / "meta" / "0002.pkl").unlink()
    return tree


def publish(tree):
    joints = [(tree.known["SM1", n].joints * FLIP)[list(COMMON_TO_HO3D)].tolist() for n in (5, 6)]
    (tree.root / "evaluation_xyz.json").write_text(json.dumps(joints))


def test_labelled_frames_and_windows_of_them(tree):
    stills = DataConfig("ho3d", 0, root=str(tree.root))
    assert len(stills.load("train", 64)) == 6
    assert stills.load("train", 64)[0].image.shape == (3, 64, 64)
    assert len(stills.load("train", 64, 3)) == 3
    clips = DataConfig("ho3d", 0, gap=1, root=str(tree.root)).load("train", 64)
    assert isinstance(clips, Windows) and len(clips) == 6
    few = DataConfig("ho3d", 2, gap=1, root=str(tree.root)).load("train", 64)
    assert few.centres.tolist() == [0, 6] and len(few[1].samples) == 7
    middle = images_of(clips)
    assert [middle[k].joints.equal(clips[k].samples[3].joints) for k in range(6)] == [True] * 6


def test_what_is_missing_is_named(tree, monkeypatch):
    with pytest.raises(FileNotFoundError, match="evaluation_xyz.json"):
        DataConfig("ho3d", root=str(tree.root)).load("val", 64)
    with pytest.raises(ValueError, match="give --root or set HANDLIB_FPHA"):
        DataConfig("fpha").load("train", 64)
    with pytest.raises(ValueError, match="DexYCB's poses.*give --hand"):
        DataConfig("dexycb", root=str(tree.root)).load("train", 64)
    monkeypatch.setenv("HANDLIB_HO3D", str(tree.root))
    assert len(DataConfig("ho3d", 0).load("train", 64)) == 6


@pytest.fixture
def short(monkeypatch):
    """The course's networks smaller, its recipes a step or two."""
    tiny = {"image_size": 32, "channels": 8, "heads": 2, "depth": 1, "head_widths": (16, 16)}
    network = replace(HandOccNetConfig.course(), **tiny)
    monkeypatch.setattr(HandOccNetConfig, "course", classmethod(lambda cls: network))
    for name in ("course", "deformer_course", "deformer_frames"):
        recipe = replace(getattr(TrainConfig, name)(), images=8, batch_size=2, checkpoint_images=8)
        monkeypatch.setattr(TrainConfig, name, classmethod(lambda cls, recipe=recipe: recipe))


def test_the_command_trains_and_scores(tree, tmp_path, short):
    publish(tree)
    options = ["--data", "ho3d", "--root", str(tree.root), "--run", str(tmp_path / "run")]
    trained = CliRunner().invoke(cli.app, ["train", "handoccnet", *options])
    assert trained.exit_code == 0, trained.output
    assert trained.stdout.splitlines()[-1].split()[3] == "2"  # images of the evaluation
    saved = json.loads((tmp_path / "run" / "run.json").read_text())["data"]
    assert saved["name"] == "ho3d" and saved["root"] == str(tree.root) and saved["size"] == 0
    scored = CliRunner().invoke(cli.app, ["evaluate", str(tmp_path / "run")])
    assert scored.stdout.splitlines()[-1] == trained.stdout.splitlines()[-1], scored.output


@pytest.mark.parametrize("network", ["handoccnet", "deformer"])
def test_fpha_is_learned_from_joints_alone(network, fpha_tree, tmp_path, short, monkeypatch):
    monkeypatch.setenv("HANDLIB_CACHE", str(tmp_path / "cache"))
    terms = []
    record = History.add_step
    monkeypatch.setattr(
        History,
        "add_step",
        lambda self, seen, found: (terms.append({*found}), record(self, seen, found)),
    )
    run, options = tmp_path / "run", ["--data", "fpha", "--root", str(fpha_tree.root)]
    trained = CliRunner().invoke(cli.app, ["train", network, *options, "--run", str(run)])
    assert trained.exit_code == 0, trained.output
    for names in terms:
        assert not any(n.endswith(("vertices", "pose", "betas", "mask")) for n in names), names
        assert any(n.endswith("recorded_joints") for n in names) and "joints_img" in names
    row = trained.stdout.splitlines()[-1]
    assert row.split()[3] == "1"  # the image to test on
    # The guess beside it: the mean of both training hands, wrist on wrist.
    means = [data.joints - data.joints[0] for data in FPHA(fpha_tree.root, "train", crop=None)]
    truth = FPHA(fpha_tree.root, "test", crop=None)[0].joints
    apart = torch.stack(means).mean(0) - (truth - truth[0])
    assert float(re.findall(r"\(([ \d.]+)\)", row)[0]) == pytest.approx(
        1000 * apart.norm(dim=-1).mean().item(), abs=0.06
    ), row
    scored = CliRunner().invoke(cli.app, ["evaluate", str(run), *options])
    assert scored.exit_code == 0, scored.output
    assert "procrustes_mpjpe" in scored.stdout


def test_what_joints_cannot_teach_is_refused(fpha_tree, tmp_path, short):
    options = ["--data", "fpha", "--root", str(fpha_tree.root), "--run", str(tmp_path / "run")]
    for words, text in (
        (["vertex_transformer"], "learns from meshes, and FPHA has joints alone"),
        (["deformer", "--critic"], "learns from true poses, and FPHA has joints alone"),
    ):
        refused = CliRunner().invoke(cli.app, ["train", *words, *options])
        assert refused.exit_code == 2 and text in refused.output, refused.output
