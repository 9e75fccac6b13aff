"""Kept starts: used again bit for bit, told apart by all that decides them, and checked."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from handlib.experiments import starts
from handlib.models import Deformer, DeformerConfig
from handlib.training import TrainConfig

RECIPE = replace(TrainConfig.deformer_frames(), images=8, batch_size=4, warmup_images=0)


@pytest.fixture
def images(random_clips):
    stills, clips = random_clips(1, 3), random_clips(1, 3)
    stills.folder, clips.folder = Path("stills-a"), Path("clips-a")
    return stills, clips


@pytest.fixture
def begin(monkeypatch, small_deformer, images, hand, tmp_path):
    network = small_deformer(frozen="frames").config
    monkeypatch.setattr(DeformerConfig, "course", classmethod(lambda cls: network))
    monkeypatch.setattr(Deformer, "take_trunk", lambda self, other: self)
    return lambda recipe=RECIPE: starts.begin(*images, recipe, hand, tmp_path)


def no_training(*arguments, **options):
    raise AssertionError("trained again")


def assert_same(one, other):
    for name, value in one.model.state_dict().items():
        assert torch.equal(value, other.model.state_dict()[name]), name


def test_a_start_is_learned_once_and_then_reused(begin, monkeypatch, tmp_path):
    made = begin()
    assert not made.reused and len(list(tmp_path.iterdir())) == 1
    monkeypatch.setattr(starts, "fit", no_training)
    again = begin()
    assert again.reused and again.minutes == made.minutes
    assert_same(made, again)
    with pytest.raises(AssertionError, match="trained again"):
        begin(replace(RECIPE, seed=1))


@pytest.mark.parametrize("harm", ["cut", "one number", "other start", "no tensors"])
def test_what_is_damaged_or_foreign_is_made_anew(begin, tmp_path, harm):
    made = begin()
    (path,) = tmp_path.iterdir()
    whole = bytearray(path.read_bytes())
    match harm:
        case "cut":
            path.write_bytes(whole[: len(whole) // 2])
        case "one number":
            whole[-3] ^= 1
            path.write_bytes(whole)
        case "other start":
            begin(replace(RECIPE, learning_rate=1e-2))
            (other,) = set(tmp_path.iterdir()) - {path}
            other.replace(path)
        case "no tensors":
            path.write_text("hello")
    again = begin()
    assert not again.reused
    assert_same(made, again)
    assert begin().reused


def test_everything_that_decides_a_start_changes_its_key(images, monkeypatch, random_clips):
    stills, clips = images
    keys = [starts.key(starts.decides(stills, clips, RECIPE))]
    assert keys[0] == starts.key(starts.decides(stills, clips, replace(RECIPE)))
    for change in ({"seed": 1}, {"images": 12}, {"loss": replace(RECIPE.loss, pose=1.0)}):
        keys.append(starts.key(starts.decides(stills, clips, replace(RECIPE, **change))))
    more = random_clips(1, 4)
    more.folder = stills.folder
    keys.append(starts.key(starts.decides(more, clips, RECIPE)))
    more.folder = Path("stills-b")
    keys.append(starts.key(starts.decides(more, clips, RECIPE)))
    monkeypatch.setattr(starts.weights, "card", lambda name: {"sha256": "another"})
    keys.append(starts.key(starts.decides(stills, clips, RECIPE)))
    monkeypatch.setattr(starts, "STARTS_VERSION", 0)
    keys.append(starts.key(starts.decides(stills, clips, RECIPE)))
    assert len(set(keys)) == len(keys)
