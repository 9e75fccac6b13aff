"""The motion explorer: its numbers are those of the fault it shows, and its controls change it."""

import pytest
import torch

from handlib.viz.motion_explorer import FAULTS, MotionExplorer

ROUGH = "1 − roughness"


def calmness(motion):
    return 1 - motion.diff(n=2, dim=1).square().mean((1, 2))[:, None]


@pytest.fixture
def explorer():
    bend = torch.linspace(0, 1, 7)[:, None] * torch.linspace(0.1, 1, 45)  # steady
    motion = torch.cat([torch.zeros(7, 1), bend], 1)
    return MotionExplorer(motion, {ROUGH: calmness, "blind": lambda m: 0.5 + 0 * m[:, 0, :1]})


def test_no_fault_leaves_the_motion_alone(explorer):
    explorer.fault = "none"
    assert torch.equal(explorer.broken(), explorer.motion)
    assert explorer.errors() == (0, 0)
    assert explorer.scores()["blind"] == (0.5, 0.5)


def test_only_faults_that_differ_between_frames_show_in_the_acceleration(explorer):
    explorer.fault = "displaced"
    error, acceleration = explorer.errors()
    assert error == pytest.approx(6 * (2 / torch.pi) ** 0.5, rel=0.3)  # of normal noise
    assert acceleration == pytest.approx(0, abs=1e-3)
    explorer.fault = "frozen"  # a steady motion that stops: no acceleration in either
    error, acceleration = explorer.errors()
    assert error > 1 and acceleration == pytest.approx(0, abs=1e-3)
    for explorer.fault in ("jittered", "shuffled"):
        true, broken = explorer.scores()[ROUGH]
        assert explorer.errors()[1] > 1 and broken < true


def test_the_caption_says_the_numbers(explorer):
    picture = explorer.illustration()
    error, acceleration = explorer.errors()
    true, broken = explorer.scores()[ROUGH]
    assert f"{error:.1f}° off" in picture.caption and f"{acceleration:.1f}° per" in picture.caption
    assert f"{ROUGH}: {broken:.2f} ({true:.2f})" in picture.alt
    assert "jittered by 6°" in picture.alt


def test_the_widget_follows_its_controls(explorer):
    box = explorer.widget()
    fault, degrees = box.children[0].children
    picture, seen = box.children[1], set()
    for fault.value in FAULTS:
        seen.add(picture.value)
    fault.value = "jittered"
    before = picture.value
    degrees.value = 20
    assert len(seen) == len(FAULTS) and picture.value != before and explorer.degrees == 20


def test_an_unknown_fault_is_refused(explorer):
    with pytest.raises(ValueError, match="found 'late'"):
        MotionExplorer(explorer.motion, {}, fault="late")
