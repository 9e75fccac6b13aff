import hashlib
import json
from dataclasses import replace

import pytest
import torch

from handlib import weights
from handlib.data import windows
from handlib.evaluation.map_scores import map_scores
from handlib.models import Deformer, DeformerConfig, MotionDiscriminator
from handlib.training import CachedFrames, Critic, TrainConfig, fit
from handlib.training.checkpoint import read_tensors, write_tensors
from handlib.training.data import DataConfig
from handlib.training.evaluate import evaluate
from handlib.training.run import RunConfig, load_run
from handlib.weights.publish import publish, publish_critic


@pytest.fixture
def published(tmp_path, monkeypatch, tiny_model, random_hands, hand):
    """A tiny run's weights, published into a folder of their own."""
    monkeypatch.setattr(
        DataConfig, "load", lambda self, split, resolution, size=8: random_hands(size, 1)
    )
    model = tiny_model(seed=4)
    RunConfig(model.config, DataConfig(size=8), "handlib train ...").save(tmp_path / "run")
    write_tensors(tmp_path / "run" / "model.safetensors", model.state_dict(), {})
    publish(tmp_path / "run", hand, minutes=0.1, folder=tmp_path, test_size=6)
    return tmp_path


def test_published_weights_score_as_their_card_says(published, hand, random_hands):
    model = weights.load_handoccnet(hand, folder=published)
    assert not model.training
    card = weights.card("handoccnet", published)
    found = 1000 * evaluate(model, random_hands(6, 1)).means()["root_aligned"]
    assert card["scores"]["model"]["root_aligned"] == pytest.approx(found, abs=0.05)
    assert {"licence", "limits", "command", "minutes", "data", "sha256"} <= card.keys()
    assert sum(row["count"] for row in card["scores"]["model"]["by_occlusion"]) == 6


def test_half_precision_halves_the_file_and_hardly_moves_the_hand(published, hand):
    model = weights.load_handoccnet(hand, folder=published)
    whole = load_run(published / "run", hand)
    image = torch.rand(2, 3, 32, 32)
    assert (model(image).vertices - whole(image).vertices).abs().max() < 1e-3
    half = (published / "handoccnet.safetensors").stat().st_size
    assert half < 0.7 * (published / "run" / "model.safetensors").stat().st_size


def test_changed_weights_are_refused(published, hand):
    path = published / "handoccnet.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match="expected SHA-256"):
        weights.load_handoccnet(hand, folder=published)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"handoccnet\.safetensors: missing"):
        weights.load_handoccnet(hand, folder=published)


def test_unknown_weights_are_named_with_the_known(published):
    assert weights.names(published) == ["handoccnet"]
    with pytest.raises(FileNotFoundError, match="there are: handoccnet"):
        weights.card("deformer", published)


def test_a_deformers_weights_are_published_under_its_name_and_scored_on_clips(tmp_path, hand):
    torch.manual_seed(2)
    model = Deformer(DeformerConfig.course(), hand).eval()
    RunConfig(model.config, DataConfig(size=1, gap=1), "handlib train ...").save(tmp_path / "run")
    write_tensors(tmp_path / "run" / "model.safetensors", model.state_dict(), {})
    card = publish(tmp_path / "run", hand, minutes=0.1, folder=tmp_path, test_size=1)
    assert card["scores"]["split"].startswith("test, 1 clips")
    loaded = weights.load_deformer(hand, folder=tmp_path)
    assert not loaded.training and loaded.config == model.config
    for name, value in model.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], value, rtol=1e-3, atol=1e-4)


def test_weights_of_one_kind_are_told_apart_by_name(published, hand):
    publish(published / "run", hand, 0.1, published, test_size=6, name="handoccnet_guided")
    assert weights.names(published) == ["handoccnet", "handoccnet_guided"]
    named = weights.load_handoccnet(hand, published, "handoccnet_guided")
    assert named.config == weights.load_handoccnet(hand, published).config
    with pytest.raises(ValueError, match="'handoccnet' is no Deformer but a HandOccNet"):
        weights.load_deformer(hand, published, "handoccnet")


def test_both_handoccnets_come_under_their_titles(published, hand):
    publish(published / "run", hand, 0.1, published, test_size=6, name="handoccnet_guided")
    path = published / "handoccnet_guided.safetensors"
    write_tensors(path, {n: 0 * t for n, t in read_tensors(path)[0].items()}, {})
    card = weights.card("handoccnet_guided", published)
    card["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (published / "handoccnet_guided.json").write_text(json.dumps(card))
    both = weights.load_both_handoccnets(hand, published)
    kernels = {title: model.readout.weight.abs().sum() for title, model in both.items()}
    assert kernels["guided"] == 0 < kernels["as published"]


def test_a_card_says_what_the_maps_show(published, hand, random_hands):
    card = weights.card("handoccnet", published)
    model = weights.load_handoccnet(hand, published)
    found = map_scores(model, random_hands(6, 1))["necessity"]
    assert card["scores"]["maps"]["necessity"]["mean"] == pytest.approx(found.mean, abs=0.02)


def test_a_judge_is_published_with_what_it_can_tell(
    tmp_path, monkeypatch, hand, random_clips, small_deformer
):
    clips = windows(random_clips(2, 5), length=3, gap=1)
    monkeypatch.setattr(DataConfig, "load", lambda self, split, resolution, size=2: clips)
    model = small_deformer(frozen="frames")
    RunConfig(model.config, DataConfig(size=2, gap=1), "handlib train ...").save(tmp_path / "run")
    judge = Critic(MotionDiscriminator.course())
    recipe = replace(TrainConfig.deformer_course(), images=8, batch_size=4, warmup_images=0)
    fit(model, CachedFrames(model, clips), None, recipe, tmp_path / "run", critic=judge)
    card = publish_critic(tmp_path / "run", hand, 0.1, tmp_path, test_size=2)
    assert card["recipe"]["images"] == 8 and set(card["scores"]["model"]) == {
        "predicted",
        "jittered",
        "shuffled",
    }
    loaded = weights.load_discriminator(tmp_path)
    assert not loaded.training
    motion = torch.randn(2, 7, 46)
    expected = judge.discriminator.eval()(motion)
    torch.testing.assert_close(loaded(motion), expected, atol=1e-2, rtol=0)


def test_run_config_comes_back_from_json(tmp_path, tiny_model):
    config = RunConfig(tiny_model().config, DataConfig(size=3, seed=2), "a command")
    config.save(tmp_path)
    assert RunConfig.load(tmp_path) == config
    assert json.loads((tmp_path / "run.json").read_text())["data"]["size"] == 3
    with pytest.raises(FileNotFoundError, match="handlib train --run"):
        RunConfig.load(tmp_path / "elsewhere")


def test_unknown_data_is_refused():
    with pytest.raises(ValueError, match="found 'imagenet'"):
        DataConfig("imagenet").load("train", 32)
