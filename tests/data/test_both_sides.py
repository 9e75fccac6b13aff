"""Deformer on DexYCB's right and left hands: by the commands, and against one side at a time."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image
from typer.testing import CliRunner

from handlib import cli
from handlib.data import Windows
from handlib.data.sequence_batch import collate_windows
from handlib.hands import HandPair, ManoFileError, load_hand, load_hand_pair
from handlib.models import Deformer, MotionDiscriminator
from handlib.sequence_losses import SequenceLossConfig, sequence_loss
from handlib.training import Critic, TrainConfig
from handlib.training.data import DataConfig
from handlib.training.evaluate import evaluate_windows, predict_windows

from .test_dexycb import Tree


@pytest.fixture(scope="module")
def files(mano, tmp_path_factory):
    """Both MANO files; the left one's hand is a fifth larger, so that it is known again."""
    folder = tmp_path_factory.mktemp("files")
    shutil.copy(mano / "MANO_RIGHT.npz", folder)
    with np.load(mano / "MANO_LEFT.npz") as file:
        arrays = dict(file)
    np.savez(folder / "MANO_LEFT.npz", **(arrays | {"v_template": 1.2 * arrays["v_template"]}))
    return folder


@pytest.fixture(scope="module")
def tree(tmp_path_factory, files):
    """In setup s1: subject 1 to train, 7 to validate; one of six sequences is of a left hand."""
    return Tree(tmp_path_factory.mktemp("dexycb"), files)


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("HANDLIB_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def data(tree, files):
    """The windows that a Deformer learns from; 4 of 24 are of left hands."""
    config = DataConfig("dexycb", 0, 0, 1, str(tree.root), "s1", str(files), partial=True)
    found = config.load("train", 64)
    assert isinstance(found, Windows)
    return found


def sides(data):
    left = [data[i].samples[0].side == "left" for i in range(len(data))]
    return [i for i, one in enumerate(left) if not one], [i for i, one in enumerate(left) if one]


def test_windows_are_of_one_side_each(data):
    for index in range(len(data)):
        assert len({sample.side for sample in data[index].samples}) == 1
    right, left = sides(data)
    assert (len(right), len(left)) == (20, 4)


@pytest.mark.parametrize("recipe", ["paper", "course"])
def test_a_mixed_batch_is_one_side_at_a_time(recipe, data, files, small_deformer):
    """Losses, gradients and scores, with a network of one hand for each side."""
    right, left = (part[:3] for part in sides(data))
    pair = load_hand_pair(files)
    both = small_deformer(pair).eval()
    config = getattr(SequenceLossConfig, recipe)()
    # Every joint lies within box and image, so that means over joints weigh all windows alike.
    batch = collate_windows([data[i] for i in (left[0], *right, *left[1:])])
    assert batch.left.tolist() == [True, False, False, False, True, True]
    terms = sequence_loss(predict_windows(both, batch), batch, pair, config)
    terms["total"].backward()
    expected, gradients = dict.fromkeys(terms, 0.0), {}
    for rows, hand in ((right, pair.right), (left, pair.left)):
        alone = Deformer(both.config, hand).eval()
        alone.load_state_dict(both.state_dict())
        part = collate_windows([data[i] for i in rows])
        prediction = alone(part.image, part.boxes)
        found = sequence_loss(prediction, part, hand, config)
        (found["total"] / 2).backward()
        for name, value in found.items():
            expected[name] += value.item() / 2
        for name, parameter in alone.named_parameters():
            gradients[name] = gradients.get(name, 0) + parameter.grad
    for name, value in terms.items():
        assert value.item() == pytest.approx(expected[name], rel=1e-3), name
    for name, parameter in both.named_parameters():
        # Biases before a softmax have no gradient but rounding.
        atol = 2e-3 * gradients[name].abs().max().item() + 1e-5
        torch.testing.assert_close(parameter.grad, gradients[name], atol=atol, rtol=0)


def test_scores_are_those_of_each_side(data, files, small_deformer):
    pair = load_hand_pair(files)
    model = small_deformer(pair).eval()
    scores = evaluate_windows(model, data, batch_size=5).root_aligned
    right, left = sides(data)
    for rows, hand in ((right, pair.right), (left, pair.left)):
        alone = Deformer(model.config, hand).eval()
        alone.load_state_dict(model.state_dict())
        part = collate_windows([data[i] for i in rows])
        with torch.no_grad():
            joints = alone(part.image, part.boxes).fused_joints
        truth = part.joints[:, 3]
        errors = (joints - joints[:, :1] - truth + truth[:, :1]).norm(dim=-1).mean(-1)
        torch.testing.assert_close(scores[rows], errors, atol=1e-5, rtol=0)


def test_the_discriminator_is_told_the_side(data, small_deformer, files):
    """Swapped sides change its verdict, and nothing else of the input does."""
    right, left = sides(data)
    batch = collate_windows([data[i] for i in (right[0], left[0])])
    prediction = small_deformer(load_hand_pair(files)).eval()(batch.image, batch.boxes, batch.left)
    seen = []
    judge = Critic(MotionDiscriminator(width=8))
    judge.discriminator.gru.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    judge.judge(prediction, batch)
    judge.learn(prediction, batch)
    assert len(seen) == 3  # predicted for the network; true and predicted for the judge
    for motion in seen:
        assert motion[0, :, 0].tolist() == [0.0] * 7 and motion[1, :, 0].tolist() == [1.0] * 7
    torch.testing.assert_close(  # unmirrored, as recorded
        seen[1][1, :, 1:], batch.pose[1, :, 1:].flatten(1), atol=1e-4, rtol=0
    )


def call(*words):
    done = CliRunner().invoke(cli.app, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    return done


@pytest.fixture
def short(monkeypatch):
    """The course's recipes with a step or two."""
    for name in ("deformer_course", "deformer_frames"):
        recipe = replace(getattr(TrainConfig, name)(), images=8, batch_size=4, warmup_images=0)
        monkeypatch.setattr(TrainConfig, name, classmethod(lambda cls, recipe=recipe: recipe))


def test_the_commands(tree, files, tmp_path, short):
    """Train, score, report, predict: a run knows both hands from then on."""
    run = tmp_path / "run"
    where = ("--data", "dexycb", "--setup", "s1", "--partial", "--root", tree.root)
    trained = call("train", "deformer", *where, "--run", run, "--critic", "--hand", files)
    assert trained.stdout.splitlines()[-1].split()[3] == "24"
    scored = call("evaluate", run, "--split", "val", "--size", 24)
    assert scored.stdout.splitlines()[-1] == trained.stdout.splitlines()[-1]
    call("evaluate", run, *where, "--split", "val", "--hand", files)
    report = json.loads((run / "scores_dexycb" / "scores.json").read_text())
    assert report["images"] == 24
    model_error = float(trained.stdout.splitlines()[-1].split()[4])
    assert report["mean_mm"]["root_aligned"]["mean"] == pytest.approx(model_error, abs=0.06)

    photo = tmp_path / "photo.png"
    noise = np.random.default_rng(0).integers(0, 255, (90, 120, 3), np.uint8)
    Image.fromarray(noise).save(photo)
    box = ("--box", "20,12,80,70", "--run", run)
    call("predict", photo, *box, "--left", "--out", tmp_path / "left")
    found = json.loads((tmp_path / "left" / "photo.json").read_text())
    left = load_hand(files, "left")
    posed = left(torch.tensor([found["pose"]]), torch.tensor([found["betas"]]))
    mesh = trimesh.load(tmp_path / "left" / "photo.obj", process=False, maintain_order=True)
    np.testing.assert_allclose(mesh.vertices, posed.vertices[0].numpy(), atol=1e-5)
    np.testing.assert_array_equal(mesh.faces, left.faces.numpy())
    assert found["side"] == "left"
    call("predict", photo, *box, "--out", tmp_path / "right")
    other = json.loads((tmp_path / "right" / "photo.json").read_text())
    # One image, unmirrored for both: the network says the same of it, and the hands differ.
    np.testing.assert_allclose(other["pose"], found["pose"], atol=1e-5)
    assert other["side"] == "right"


def test_handoccnet_sees_left_hands_in_the_mirror(tree, files):
    config = DataConfig("dexycb", 0, 0, 0, str(tree.root), "s1", str(files), partial=True)
    data = config.load("train", 64)
    assert {data[i].side for i in range(len(data))} == {"right"}
    assert not isinstance(config.hand(), HandPair)


def test_both_files_are_needed_and_used(files, tmp_path):
    pair = load_hand_pair(files)
    torch.testing.assert_close(
        pair.left.template, 1.2 * load_hand(side="left").template, atol=1e-6, rtol=0
    )
    with pytest.raises(ManoFileError, match="expected the folder with MANO_RIGHT and MANO_LEFT"):
        load_hand_pair(files / "MANO_RIGHT.npz")
    shutil.copy(files / "MANO_RIGHT.npz", tmp_path)
    with pytest.raises(FileNotFoundError, match="no MANO_LEFT.pkl or MANO_LEFT.npz"):
        load_hand_pair(tmp_path)
