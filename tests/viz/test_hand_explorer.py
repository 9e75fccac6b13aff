"""The explorer's hand is the one its sliders describe, upright and at one scale."""

import math

import pytest
import torch

from handlib.hands.pose_prior import load_named_poses
from handlib.hands.rotations import axis_angle_to_rotmat
from handlib.viz.hand_explorer import HandExplorer, upright


@pytest.fixture
def explorer(hand):
    return HandExplorer(hand, load_named_poses(), pose="fist")


def test_upright_shows_the_palm_with_fingers_up_and_thumb_on_the_right(explorer):
    explorer.blend = 0.0
    joints = explorer.posed().joints[0]
    assert joints[12, 1] < joints[0, 1] - 0.1  # y points down
    assert joints[4, 0] > joints[20, 0] + 0.05
    palm_faces = axis_angle_to_rotmat(upright()) @ torch.tensor([0.0, -1, 0])
    assert torch.allclose(palm_faces, torch.tensor([0.0, 0, -1]), atol=1e-6)


def test_half_a_turn_shows_the_back(explorer):
    front = axis_angle_to_rotmat(upright())
    back = axis_angle_to_rotmat(upright(180.0))
    expected = torch.diag(torch.tensor([-1.0, 1, -1])) @ front
    assert torch.allclose(back, expected, atol=1e-5)


def test_no_blend_is_the_flat_hand_and_all_of_it_the_pose(hand, explorer):
    poses = load_named_poses()
    for blend, name in ((0.0, "flat"), (1.0, "fist")):
        explorer.blend = blend
        pose = torch.cat([upright()[None], poses[name][1:]])[None]
        expected = hand(pose, torch.zeros(1, 10)).vertices
        found = explorer.posed().vertices
        assert torch.allclose(found - found[:, :1], expected - expected[:, :1], atol=1e-5)


def test_pose_keeps_the_lengths_of_bones_and_shape_changes_them(explorer):
    def palm():
        joints = explorer.posed().joints[0]
        return math.dist(joints[0].tolist(), joints[9].tolist())

    before = palm()
    explorer.blend = 0.3
    assert palm() == pytest.approx(before, abs=1e-6)
    explorer.beta = 2.0
    assert palm() > before + 0.005


def test_the_controls_redraw_the_picture(explorer):
    controls, picture = explorer.widget().children
    blend, beta, turn, pose = controls.children
    before = picture.value
    beta.value, pose.value = 1.5, "pinch"
    assert (explorer.beta, explorer.pose) == (1.5, "pinch")
    assert picture.value != before
    assert "β0 = +1.5" in picture.value and "pinch" in picture.value
