"""The timeline fuses as the library does, names its numbers, and follows its sliders."""

import pytest
import torch

from handlib.hands import load_hand, load_named_poses
from handlib.hands.rotations import axis_angle_to_rotmat, rotmat_to_rot6d
from handlib.models.fusion import fuse
from handlib.viz.fusion_timeline import FusionTimeline

FRAMES = 5


@pytest.fixture(scope="module")
def clip():
    """A closing hand whose motions are right and whose centre frame is wrong."""
    poses = load_named_poses()
    share = torch.linspace(0, 1, FRAMES)[:, None, None]
    truth = axis_angle_to_rotmat(torch.lerp(poses["flat"], poses["fist"], share))
    right = rotmat_to_rot6d(truth)
    seen = right.clone()
    seen[2] = right[4]
    forward, backward = right.roll(-1, 0) - right, right.roll(1, 0) - right
    return seen, forward, backward, truth


@pytest.fixture
def timeline(clip):
    return FusionTimeline(load_hand(), *clip, occlusion=torch.tensor([0, 0, 0.9, 0, 0]))


@pytest.mark.parametrize("frame", [0, 2, 4])
def test_fuses_as_the_library(clip, timeline, frame):
    seen, forward, backward, truth = (x[None] for x in clip)
    logits = torch.linspace(-1, 2, FRAMES)
    for i, value in enumerate(logits.tolist()):
        setattr(timeline, f"c{i}", value)
    timeline.frame = frame
    every = fuse(truth, seen, forward, backward, logits.softmax(0)[None])
    assert torch.allclose(timeline.fused(), every[0, frame], atol=1e-5)


def test_without_the_wrong_frame_the_truth_is_left(timeline, clip):
    assert timeline.error_mm(timeline.fused()) > 2
    timeline.c2 = -30.0
    assert torch.allclose(timeline.fused(), clip[-1][2], atol=1e-5)
    assert timeline.error_mm(timeline.fused()) == pytest.approx(0, abs=1e-2)


def test_the_words_hold_the_weights_and_both_errors(timeline):
    picture = timeline.illustration()
    assert "0.20, 0.20, 0.20, 0.20, 0.20" in picture.alt
    timeline.c2 = -30.0
    assert "all frames together 0 mm" in timeline.illustration().caption


def test_pictures_are_kept_only_for_the_frame_that_they_show(timeline):
    """The guesses of another frame are other pictures."""
    at_centre = timeline.illustration().png
    timeline.frame = 4
    assert timeline.illustration().png != at_centre
    timeline.frame = 2
    assert timeline.illustration().png == at_centre


def test_the_widget_follows_its_sliders(timeline):
    controls, picture = timeline.widget().children
    frame, *confidences = controls.children
    assert len(confidences) == FRAMES
    before = picture.value
    confidences[2].value = -6
    assert timeline.c2 == -6 and picture.value != before
    frame.value = 1
    assert timeline.frame == 1 and "guess of frame 1" in picture.value
