"""Networks trained from the command line on a small HO-3D tree."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from handlib import cli
from handlib.data.windows import Windows
from handlib.hands.skeleton import COMMON_TO_HO3D
from handlib.models.handoccnet import HandOccNetConfig
from handlib.training import TrainConfig
from handlib.training.data import DataConfig, images_of

from . import damage
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
def tiny_recipe(monkeypatch):
    tiny = {"image_size": 32, "channels": 8, "heads": 2, "depth": 1, "head_widths": (16, 16)}
    network = replace(HandOccNetConfig.course(), **tiny)
    recipe = replace(TrainConfig(), images=8, batch_size=4, checkpoint_images=8)
    monkeypatch.setattr(HandOccNetConfig, "course", classmethod(lambda cls: network))
    monkeypatch.setattr(TrainConfig, "course", classmethod(lambda cls: recipe))


def test_the_command_trains_and_scores(tree, tmp_path, tiny_recipe):
    publish(tree)
    options = ["--data", "ho3d", "--root", str(tree.root), "--run", str(tmp_path / "run")]
    trained = CliRunner().invoke(cli.app, ["train", "handoccnet", *options])
    assert trained.exit_code == 0, trained.output
    assert trained.stdout.splitlines()[-1].split()[3] == "2"  # images of the evaluation
    saved = json.loads((tmp_path / "run" / "run.json").read_text())["data"]
    assert saved["name"] == "ho3d" and saved["root"] == str(tree.root) and saved["size"] == 0
    scored = CliRunner().invoke(cli.app, ["evaluate", str(tmp_path / "run")])
    assert scored.stdout.splitlines()[-1] == trained.stdout.splitlines()[-1], scored.output


def test_the_command_goes_on_without_broken_frames(tree, tmp_path, tiny_recipe):
    """Of six training frames and two to score, one each."""
    publish(tree)
    broken = [tree.root / "train/MC2/rgb/0000.png", tree.root / "evaluation/SM1/rgb/0005.png"]
    for path in broken:
        damage.truncate(path)
    words = ["--data", "ho3d", "--root", str(tree.root), "--run", str(tmp_path / "run")]
    refused = CliRunner().invoke(cli.app, ["train", "handoccnet", *words])
    assert refused.exit_code == 2 and "0000.png: expected an image" in refused.output
    (tmp_path / "run" / "run.json").unlink()
    trained = CliRunner().invoke(cli.app, ["train", "handoccnet", *words, "--skip-broken"])
    assert trained.exit_code == 0, trained.output
    lines = trained.stdout.splitlines()
    assert lines[-1].split()[3] == "1"  # images of the evaluation
    for name, path in zip(("training", "scored"), broken, strict=True):
        place = lines.index(
            f"{name}: frames that could not be read and were skipped: 1; `handlib data check "
            f"{tree.root}` names all of them. The first:"
        )
        assert str(path) in lines[place + 1]
    scored = CliRunner().invoke(cli.app, ["evaluate", str(tmp_path / "run")])
    assert scored.stdout == trained.stdout, scored.output
