"""The clip closes the hand as it says: smoothly, from pose to pose, with its wrist at rest."""

import numpy as np
import pytest
import torch
from scipy.interpolate import BPoly

from handlib.course.closing_hand import closing_hand, way_done
from handlib.hands import load_named_poses
from handlib.viz.hand_explorer import upright


@pytest.mark.parametrize("frames", [2, 7, 30])
def test_the_way_is_the_quintic_that_starts_and_stops_without_speed_or_acceleration(frames):
    quintic = BPoly.from_derivatives([0, 1], [[0, 0, 0], [1, 0, 0]])
    expected = quintic(np.linspace(0, 1, frames))
    np.testing.assert_allclose(way_done(frames).numpy(), expected, atol=1e-6)


def test_fingers_go_straight_from_spread_to_grasp():
    path, poses = closing_hand(7), load_named_poses()
    for frame, name in ((0, "spread"), (-1, "grasp")):
        assert torch.allclose(path[frame, 1:], poses[name][1:], atol=1e-6)
    middle = (poses["spread"] + poses["grasp"]) / 2  # half of the way at half of the time
    assert torch.allclose(path[3, 1:], middle[1:], atol=1e-6)
    steps = path[:, 1:].diff(dim=0).flatten(1)
    likeness = torch.cosine_similarity(steps, steps[:1], dim=1)
    assert torch.allclose(likeness, torch.ones(6), atol=1e-4)


def test_the_wrist_stays_as_it_is_turned():
    assert torch.equal(closing_hand(5, turn=20.0)[:, 0], upright(20.0).expand(5, 3))
