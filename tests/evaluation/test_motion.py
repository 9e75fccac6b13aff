import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from handlib.hands import load_hand
from handlib.metrics import acceleration_error, bone_length_drift


def random_clip(seed, frames=9):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(2, frames, 21, 3)))


def test_acceleration_error_agrees_with_a_loop():
    predicted, target = random_clip(0), random_clip(1)
    found = acceleration_error(predicted, target)
    assert found.shape == (2, 7)
    for clip in range(2):
        for t in range(1, 8):
            lengths = []
            for joint in range(21):
                p, q = predicted[clip, :, joint].numpy(), target[clip, :, joint].numpy()
                here = p[t - 1] - 2 * p[t] + p[t + 1]
                true = q[t - 1] - 2 * q[t] + q[t + 1]
                lengths.append(np.linalg.norm(here - true))
            assert found[clip, t - 1].item() == pytest.approx(np.mean(lengths))


def test_a_thrown_hand_accelerates_by_gravity():
    """s = g t² / 2 at 30 frames a second against a resting hand: g / 30² a frame²."""
    time = torch.arange(6).double() / 30
    fall = torch.zeros(6, 21, 3).double()
    fall[..., 1] = (9.81 * time.square() / 2)[:, None]
    found = acceleration_error(fall, torch.zeros_like(fall)) * 30**2
    assert found.tolist() == pytest.approx([9.81] * 4)


@given(st.integers(0, 1000))
def test_offset_and_drift_do_not_count(seed):
    clip, motion = random_clip(seed), random_clip(seed + 1)
    steps = torch.arange(9).double()[:, None, None]
    moved = clip + motion[:, :1] + steps * motion[:, 1:2]
    assert acceleration_error(moved, clip).max() < 1e-12


def test_two_frames_have_no_acceleration():
    with pytest.raises(ValueError, match="at least 3 frames, found 2"):
        acceleration_error(random_clip(0, 2), random_clip(0, 2))


def test_one_hand_keeps_its_bones_whatever_it_does():
    hand = load_hand()
    poses, betas = 0.4 * torch.randn(2, 5, 16, 3), torch.randn(2, 1, 10).expand(2, 5, 10)
    joints = hand(poses.flatten(0, 1), betas.flatten(0, 1)).joints.unflatten(0, (2, 5))
    shapes = torch.randn(10, 10)
    other = hand(poses.flatten(0, 1), shapes).joints.unflatten(0, (2, 5))
    # The five tips are vertices, which the pose moves a little against their last joint.
    assert (bone_length_drift(joints) < 0.1 * bone_length_drift(other)).all()


def test_a_growing_hand_drifts_by_the_deviation_of_its_scale():
    still = random_clip(2)[0, :1].double()
    scales = torch.tensor([1.0, 1.1, 0.9, 1.3]).double()
    grown = scales[:, None, None] * still
    parents = [0, 1, 2, 3, 0, 5, 6, 7, 0, 9, 10, 11, 0, 13, 14, 15, 0, 17, 18, 19]
    lengths = [np.linalg.norm(still[0, c] - still[0, p]) for c, p in enumerate(parents, 1)]
    expected = np.std(scales.numpy()) * np.mean(lengths)
    assert bone_length_drift(grown).item() == pytest.approx(expected)
