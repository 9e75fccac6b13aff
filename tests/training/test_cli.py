import json
from dataclasses import replace

import pytest
import torch
from typer.testing import CliRunner

from handlib import cli, weights
from handlib.data import windows
from handlib.evaluation.dexycb_submission import write_dexycb
from handlib.models.deformer_config import DeformerConfig
from handlib.models.handoccnet import HandOccNetConfig
from handlib.training import TrainConfig, recipes
from handlib.training.checkpoint import read_tensors
from handlib.training.data import DataConfig
from handlib.training.run import load_run


@pytest.fixture
def handlib(monkeypatch, tiny_model, random_hands):
    """The command at a size for a test: a tiny network and random hands."""
    network = tiny_model().config
    recipe = replace(TrainConfig.course(), images=32, batch_size=8, checkpoint_images=16)
    monkeypatch.setattr(HandOccNetConfig, "course", classmethod(lambda cls: network))
    monkeypatch.setattr(TrainConfig, "course", classmethod(lambda cls: recipe))
    monkeypatch.setattr(
        DataConfig,
        "load",
        lambda self, split, resolution, size=None: random_hands(min(size or self.size, 16)),
    )

    def call(*arguments):
        return CliRunner().invoke(cli.app, [str(argument) for argument in arguments])

    return call


def test_train_then_evaluate(handlib, tmp_path):
    run = tmp_path / "run"
    trained = handlib("train", "handoccnet", "--run", run, "--size", 16, "--seed", 3)
    assert trained.exit_code == 0, trained.output
    assert {path.name for path in run.iterdir()} == {
        "run.json",
        "state.safetensors",
        "model.safetensors",
    }
    assert json.loads((run / "run.json").read_text())["data"]["size"] == 16
    scored = handlib("evaluate", run, "--size", 16)
    assert scored.exit_code == 0, scored.output
    rows = [line for line in scored.stdout.splitlines() if "%" in line]
    assert len(rows) == 6 and " 16 " in rows[-1]
    assert rows[-1].split()[3:] == trained.stdout.splitlines()[-1].split()[3:]


def test_a_deformer_and_its_baselines_train_and_score(
    tmp_path, monkeypatch, random_clips, small_deformer
):
    network = small_deformer().config
    recipe = replace(TrainConfig.deformer_course(), images=8, batch_size=4)
    monkeypatch.setattr(DeformerConfig, "course", classmethod(lambda cls: network))
    monkeypatch.setattr(TrainConfig, "deformer_course", classmethod(lambda cls: recipe))
    clips = windows(random_clips(2, 4), length=3, gap=1)
    monkeypatch.setattr(DataConfig, "load", lambda self, split, resolution, size=None: clips)
    run = tmp_path / "run"
    options = ("--variant", "single_frame", "--critic")
    call = ["train", "deformer", "--run", str(run), *options]
    trained = CliRunner().invoke(cli.app, call)
    assert trained.exit_code == 0, trained.output
    saved = json.loads((run / "run.json").read_text())
    assert saved["kind"] == "deformer" and saved["network"]["temporal"] == "none"
    scored = CliRunner().invoke(cli.app, ["evaluate", str(run)])
    assert scored.exit_code == 0, scored.output
    assert scored.stdout.splitlines()[-1].split()[3] == "8"
    assert "acceleration error" in scored.stdout and "mm per frame² (mean pose" in scored.stdout
    wrong = CliRunner().invoke(
        cli.app, ["train", "deformer", "--run", str(tmp_path / "x"), "--variant", "best"]
    )
    assert wrong.exit_code == 2 and "past_and_future" in wrong.output


def test_a_run_is_never_overwritten_and_can_be_resumed(handlib, tmp_path):
    arguments = ("train", "handoccnet", "--run", tmp_path, "--size", 16)
    assert handlib(*arguments).exit_code == 0
    again = handlib(*arguments)
    assert again.exit_code == 2 and "add --resume" in again.output
    assert handlib(*arguments, "--resume").exit_code == 0
    other = handlib(*arguments, "--resume", "--images", 64)
    assert other.exit_code == 2 and "images=32 (now 64)" in other.output


def test_a_run_goes_on_from_another_with_its_own_recipe(handlib, tmp_path, hand):
    first, second = tmp_path / "first", tmp_path / "second"
    assert handlib("train", "handoccnet", "--run", first, "--size", 16).exit_code == 0
    options = ("--start", first, "--variant", "guided", "--augmentation", "photographs")
    gone_on = handlib("train", "handoccnet", "--run", second, "--size", 16, *options)
    assert gone_on.exit_code == 0, gone_on.output
    saved = json.loads((second / "run.json").read_text())
    assert saved["network"]["guided"] and saved["command"].count(" && ") == 1
    header = read_tensors(second / "state.safetensors")[1]
    assert json.loads(header["config"])["augmentation"]["jpeg"] > 0
    begun = recipes.begin(HandOccNetConfig.course(), hand, first)
    for name, value in load_run(first, hand).state_dict().items():
        assert torch.equal(begun.state_dict()[name], value)


def test_a_run_of_another_network_is_no_start(handlib, tmp_path):
    first = tmp_path / "first"
    assert handlib("train", "handoccnet", "--run", first, "--size", 16).exit_code == 0
    options = ("--start", first, "--variant", "backbone")
    other = handlib("train", "handoccnet", "--run", tmp_path / "x", "--size", 16, *options)
    assert other.exit_code == 2 and "a run of another network" in other.output
    absent = handlib("train", "handoccnet", "--run", tmp_path / "y", "--start", tmp_path / "no")
    assert absent.exit_code == 2 and "no" in absent.output


def test_mistakes_are_answered_in_a_line(handlib, tmp_path):
    absent = handlib("evaluate", tmp_path / "absent")
    assert absent.exit_code == 2
    assert absent.output.startswith("handlib: ") and absent.output.count("\n") == 1
    assert handlib("train", "resnet", "--run", tmp_path).exit_code == 2


def test_generate_names_how_many_are_ready(handlib):
    made = handlib("data", "generate", "--split", "val", "--size", 5)
    assert made.exit_code == 0 and made.stdout == "5 images are ready\n"


def test_published_weights_are_listed_and_checked(handlib, tmp_path, monkeypatch, hand):
    monkeypatch.setattr(weights, "SHIPPED", tmp_path)
    run = tmp_path / "run"
    assert handlib("train", "handoccnet", "--run", run, "--size", 16).exit_code == 0
    published = handlib("weights", "publish", run, "--minutes", 0.1)
    assert published.exit_code == 0, published.output
    listed = handlib("weights", "list")
    assert listed.stdout.startswith("handoccnet: root-aligned") and "mean pose" in listed.stdout
    assert handlib("weights", "check").exit_code == 0
    (tmp_path / "handoccnet.safetensors").write_bytes(b"changed")
    changed = handlib("weights", "check")
    assert changed.exit_code == 2 and "expected SHA-256" in changed.stderr


def test_shipped_weights_are_as_their_cards_say():
    for name in weights.names():
        weights.verified(weights.card(name))


def test_validate_names_every_fault_and_says_when_there_is_none(handlib, tmp_path, random_hands):
    joints = torch.stack([sample.joints for sample in map(random_hands(4).__getitem__, range(4))])
    path, ids = tmp_path / "result.txt", tmp_path / "ids.txt"
    write_dexycb(path, [0, 1, 5, 7], joints)
    ids.write_text("0\n1\n5\n7\n")
    accepted = handlib("validate", path, "--as", "dexycb", "--list", ids)
    assert accepted.exit_code == 0 and accepted.stdout == f"{path}: nothing wrong found\n"
    assert "not checked" in handlib("validate", path, "--as", "dexycb").stdout
    ids.write_text("0\n1\n2\n")
    write_dexycb(path, [0, 1, 5, 7], joints / 1000)
    refused = handlib("validate", path, "--as", "dexycb", "--list", ids)
    assert refused.exit_code == 1
    assert "1 missing, first 2" in refused.stdout and "probably metres" in refused.stdout
    other = handlib("validate", path, "--as", "ho3d")
    assert other.exit_code == 1 and "expected a zip file" in other.stdout
    assert handlib("validate", path, "--as", "dexycb", "--list", tmp_path / "no").exit_code == 2
    wrong = handlib("validate", path, "--as", "dexycb", "--list", path)
    assert wrong.exit_code == 2 and "expected an image_id a line" in wrong.output
