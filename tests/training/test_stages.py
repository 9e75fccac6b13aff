"""Deformer in stages: cached features are the network's own, and only the second part learns."""

from dataclasses import replace

import pytest
import torch

from handlib.data import windows
from handlib.data.augmentation import AugmentationConfig
from handlib.data.sequence_batch import augment_windows, collate_windows
from handlib.models import MotionDiscriminator
from handlib.training import CachedFrames, Critic, TrainConfig, evaluate_windows, fit
from handlib.training.staged import fit_in_stages, single_frame_model, single_frames

FIRST = replace(TrainConfig.deformer_frames(), images=24, batch_size=4, checkpoint_images=8)
SECOND = replace(TrainConfig.deformer_course(), images=24, batch_size=4, checkpoint_images=8)


@pytest.fixture
def clips(random_clips):
    return windows(random_clips(3, 4), length=3, gap=1)


@pytest.fixture
def model(small_deformer):
    return small_deformer(frozen="frames")


def test_cached_windows_are_the_windows(model, clips):
    seen = CachedFrames(model, clips, batch_size=5)
    batch, true = seen.batch([0, 5, 11]), collate_windows([clips[i] for i in (0, 5, 11)])
    for name in ("pose", "betas", "joints", "joints_px", "boxes", "left", "occlusion"):
        assert torch.equal(getattr(batch, name), getattr(true, name)), name
    assert batch.image.shape == true.image.shape and batch.side == true.side
    features = model.eval().frame_features(true.image.flatten(0, 1), true.boxes.flatten(0, 1))
    assert torch.allclose(batch.feature.flatten(0, 1), features.feature, atol=1e-5)
    assert torch.allclose(batch.joints_img.flatten(0, 1), features.joints_img, atol=1e-5)


def test_scores_and_steps_are_those_of_the_images(model, clips, small_deformer):
    seen = CachedFrames(model, clips)
    expected, found = evaluate_windows(model, clips), evaluate_windows(model, seen)
    assert torch.allclose(found.root_aligned, expected.root_aligned, atol=1e-5)
    assert torch.allclose(found.acceleration, expected.acceleration, atol=1e-5)
    twin = small_deformer(frozen="frames")
    twin.load_state_dict(model.state_dict())
    slow = fit(twin, clips, config=SECOND)
    fast = fit(model, seen, config=SECOND)
    assert fast.terms["fused_joints"] == pytest.approx(slow.terms["fused_joints"], rel=1e-3)


def test_frozen_frames_stay_and_the_rest_learns(model, clips):
    before = {name: value.clone() for name, value in model.state_dict().items()}
    fit(model, CachedFrames(model, clips), config=SECOND, critic=Critic(MotionDiscriminator()))
    changed = {
        name.split(".")[0] for name, x in model.state_dict().items() if (x != before[name]).any()
    }
    assert changed == {"temporal", "motion_head"}


def test_what_would_be_wrong_is_refused(model, clips, small_deformer):
    learning = small_deformer(frozen="trunk")
    with pytest.raises(ValueError, match="expected 'frames'.*'trunk'"):
        CachedFrames(learning, clips)
    seen = CachedFrames(model, clips)
    with pytest.raises(ValueError, match="expected 'frames'"):
        fit(learning, seen, config=SECOND)
    with pytest.raises(ValueError, match="cannot be augmented"):
        augment_windows(seen[0], AugmentationConfig.paper(), torch.Generator())
    with pytest.raises(ValueError, match="expected 'frames'"):
        fit_in_stages(learning, single_frames(clips.dataset), clips)


def test_stages_hand_over_and_resume(model, clips, small_deformer, tmp_path):
    frames = single_frames(clips.dataset, clips.dataset)
    assert len(frames) == 2 * len(clips.dataset) and len(frames[0].samples) == 1
    torch.manual_seed(1)
    start = {name: value.clone() for name, value in model.state_dict().items()}
    first, second = fit_in_stages(model, frames, clips, clips, FIRST, SECOND, tmp_path)
    assert len(first.terms["total"]) == len(second.terms["total"]) == 6
    assert "motion" not in "".join(first.terms) and len(second.scores["root_aligned"]) == 3
    for name, value in model.trunk.state_dict().items():
        assert torch.equal(value, single_frame_model(model).trunk.state_dict()[name])
    assert not torch.equal(model.spatial.joints.score.weight, start["spatial.joints.score.weight"])
    again = small_deformer(frozen="frames")
    again.load_state_dict(start)
    fit_in_stages(again, frames, clips, clips, FIRST, SECOND, tmp_path, resume=True)
    for name, value in model.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name


def test_cached_frames_in_other_windows_are_not_seen_again(model, clips, monkeypatch):
    seen = CachedFrames(model, clips)
    longer = windows(clips.dataset, length=5, gap=2)
    anew = CachedFrames(model, longer)
    monkeypatch.setattr(model, "frame_features", None)
    found = seen.arranged(longer)
    assert found.runs() == anew.runs()
    for index in (0, 5, 11):
        for name in ("feature", "joints", "boxes", "occlusion"):
            one, other = (getattr(data[index], name) for data in (found, anew))
            assert torch.equal(one, other), name
    assert seen[0].feature.shape[1] == 3  # the first ones are as they were
    few = CachedFrames.arranged(found, clips)
    assert torch.equal(few.rows, seen.rows)
    found._seen = found._seen[:-1]
    with pytest.raises(ValueError, match="found frame 11"):
        found.arranged(longer)
