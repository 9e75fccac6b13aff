"""Networks trained from the command line on small trees of HO-3D and FPHA."""

import json
import re
from dataclasses import replace

import pytest
import torch
from typer.testing import CliRunner

from handlib import cli
from handlib.data import FPHA, HO3D
from handlib.data.subsets import draw_subset, read_subset
from handlib.data.windows import Windows
from handlib.hands.skeleton import COMMON_TO_HO3D
from handlib.models.handoccnet import HandOccNetConfig
from handlib.training import TrainConfig, recipes
from handlib.training.data import DataConfig, images_of
from handlib.training.history import History
from handlib.training.recipes import plan

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


def test_the_command_goes_on_without_broken_frames(tree, tmp_path, short):
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


def test_the_command_trains_and_scores_on_subsets(tree, tmp_path, short, monkeypatch):
    """What is drawn is what is learned from; the evaluation stays whole unless it has its own."""
    publish(tree)
    lists = {split: tmp_path / f"{split}.json" for split in ("train", "test")}
    for split, size in (("train", 4), ("test", 1)):
        words = ["subset", "ho3d", "--root", tree.root, "--size", size, "--split", split]
        drawn = CliRunner().invoke(cli.app, ["data", *map(str, words), "--out", lists[split]])
        assert drawn.exit_code == 0, drawn.output
    read = set()
    frame = HO3D.frame
    monkeypatch.setattr(HO3D, "frame", lambda s, k: read.add((s.split, s.name(k))) or frame(s, k))
    run = tmp_path / "run"
    options = ["--data", "ho3d", "--root", str(tree.root)]
    words = [*options, "--subset", str(lists["train"]), "--run", str(run)]
    trained = CliRunner().invoke(cli.app, ["train", "handoccnet", *words])
    assert trained.exit_code == 0, trained.output
    assert {n for split, n in read if split == "train"} == {*read_subset(lists["train"]).frames}
    assert len(read) == 4 + 2
    assert json.loads((run / "run.json").read_text())["data"]["subset"] == str(lists["train"])
    words = ["evaluate", str(run), *options, "--subset", str(lists["test"])]
    scored = CliRunner().invoke(cli.app, words)
    assert scored.exit_code == 0, scored.output
    assert json.loads((run / "scores_ho3d" / "scores.json").read_text())["images"] == 1
    refused = CliRunner().invoke(cli.app, [*words, "--submission"])
    assert refused.exit_code == 2 and "leave out --split, --size, --subset" in refused.output
    refused = CliRunner().invoke(cli.app, [*words[:-1], str(lists["train"])])
    assert refused.exit_code == 2 and "expected a subset of ho3d v2 evaluation" in refused.output


def test_papers_count_their_epochs_in_frames_of_the_subset(tree, tmp_path):
    path = tmp_path / "few.json"
    draw_subset(HO3D(tree.root, "train"), 4).save(path)
    data = DataConfig("ho3d", root=str(tree.root), subset=str(path))
    assert plan("handoccnet", "paper", data=data).training == TrainConfig.paper(4)
    assert plan("deformer", "paper", data=data).training == TrainConfig.deformer_paper(4)
    whole = replace(data, subset="")
    assert plan("deformer", "paper", data=whole).training == TrainConfig.deformer_paper()


def test_both_stages_of_a_deformer_learn_from_the_subset(
    tree, tmp_path, monkeypatch, small_deformer
):
    """Single frames are those named; windows see their neighbours beside them."""
    path = tmp_path / "few.json"
    draw_subset(HO3D(tree.root, "train"), 2).save(path)
    data = DataConfig("ho3d", 0, gap=1, root=str(tree.root), subset=str(path))
    clips = data.load("train", 32)
    learn = replace(TrainConfig.deformer_course(), images=4)
    monkeypatch.setattr(recipes, "fit_in_stages", stages := Stages())
    chosen = replace(plan("deformer", "course", data=data), training=learn)
    model = small_deformer(frozen="frames")
    recipes.learn(model, chosen, clips, None, 32, tmp_path / "run")
    named = {*read_subset(path).frames}
    assert {clips.dataset.name(window.frames[0]) for window in stages.frames} == named
    assert len(stages.frames) == 2 and stages.clips is clips
    assert len({frame for window in clips for frame in window.frames}) > 2


class Stages:
    """Keeps what it is given to learn from."""

    def __call__(self, model, frames, clips, *others):
        self.frames, self.clips = frames, clips


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
