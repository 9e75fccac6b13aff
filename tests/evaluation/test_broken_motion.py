"""Each broken motion is wrong in its own way and in no other."""

import pytest
import torch

from handlib.evaluation.broken_motion import displaced, frozen, jittered, shuffled


@pytest.fixture
def motion():
    return torch.randn(40, 7, 46, generator=torch.Generator().manual_seed(0))


def noise():
    return torch.Generator().manual_seed(1)


@pytest.mark.parametrize("broken", [jittered, displaced])
def test_noise_has_its_size_and_spares_the_side(motion, broken):
    added = broken(motion, noise(), 0.3) - motion
    assert torch.equal(added[..., 0], torch.zeros(40, 7))
    assert added[..., 1:].std().item() == pytest.approx(0.3, rel=0.05)
    assert torch.equal(broken(motion, noise(), 0.3) - motion, added)


def test_jitter_differs_from_frame_to_frame_and_a_displacement_does_not(motion):
    shaken = jittered(motion, noise()) - motion
    apart = shaken.diff(dim=1)[..., 1:]
    assert apart.std().item() == pytest.approx(0.1 * 2**0.5, rel=0.05)
    shifted = displaced(motion, noise()) - motion
    torch.testing.assert_close(shifted, shifted[:, :1].expand_as(shifted))
    assert shifted[:, 0, 1:].std(dim=0).min() > 0.05  # each window has its own


def test_shuffled_windows_hold_their_own_frames(motion):
    other = shuffled(motion, noise())
    assert torch.equal(other.sort(1).values, motion.sort(1).values)
    moved = (other[..., 0] != motion[..., 0]).any(1)
    assert moved.float().mean() > 0.9
    first = (motion == other[:, :1]).all(-1).float().argmax(1)
    assert len(first.unique()) == 7  # windows have different orders


@pytest.mark.parametrize("frames", [1, 4, 7])
def test_frozen_motion_is_its_middle_frame(motion, frames):
    still = frozen(motion[:, :frames])
    assert all(torch.equal(still[:, t], motion[:, frames // 2]) for t in range(frames))
    still += 1  # its own memory
