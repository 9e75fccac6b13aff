"""Named poses, corpus and anatomical angles bend the hand the way their names say."""

import math

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from handlib.hands import (
    joint_axes,
    joint_limits,
    load_corpus,
    load_hand,
    load_named_poses,
    motions_from_pose,
    pose_from_motions,
)
from handlib.hands.skeleton import FINGER_JOINTS, FINGERS, MANO_JOINT_NAMES

HAND = load_hand()


def joints_of(fingers: torch.Tensor) -> torch.Tensor:
    pose = torch.cat([torch.zeros(1, 3), fingers])
    return HAND(pose[None], torch.zeros(1, 10)).joints[0]


def moved_by(motion: int, angle: float, finger: str) -> torch.Tensor:
    """How far the fingertip moves when the first joint of its finger does, metres."""
    angles = torch.zeros(15, 3)
    base = "thumb_cmc" if finger == "thumb" else f"{finger}_mcp"
    angles[MANO_JOINT_NAMES.index(base) - 1, motion] = angle
    tip = FINGER_JOINTS[finger][3]
    return (joints_of(pose_from_motions(angles)) - joints_of(torch.zeros(15, 3)))[tip]


@pytest.mark.parametrize("finger", FINGERS[1:])
def test_flexion_goes_to_the_palm(finger: str) -> None:
    """A right hand's palm faces -y in MANO's rest pose."""
    assert moved_by(0, math.radians(30), finger)[1] < -0.02


@pytest.mark.parametrize("finger", ["index", "ring", "little"])
def test_abduction_leaves_the_middle_finger(finger: str) -> None:
    tips = joints_of(torch.zeros(15, 3))[[FINGER_JOINTS[f][3] for f in (finger, "middle")]]
    outward = tips[0, 2] - tips[1, 2]
    assert moved_by(1, math.radians(10), finger)[2] * outward > 0


def test_motions_by_scipy() -> None:
    """R = exp(flexion) exp(abduction) exp(twist)."""
    angles = torch.randn(15, 3) * 0.4
    flexion, abduction, twist = (
        Rotation.from_rotvec((joint_axes()[:, motion] * angles[:, motion, None]).numpy())
        for motion in range(3)
    )
    expected = (flexion * abduction * twist).as_rotvec()
    np.testing.assert_allclose(pose_from_motions(angles), expected, atol=1e-5)
    batch = angles.expand(2, 3, 15, 3)
    torch.testing.assert_close(pose_from_motions(batch)[1, 2], pose_from_motions(angles))


def test_motions_come_back_from_the_pose() -> None:
    low, high = joint_limits().unbind(-1)
    angles = low + (high - low) * torch.rand(200, 15, 3)
    torch.testing.assert_close(
        motions_from_pose(pose_from_motions(angles)), angles, atol=1e-4, rtol=0
    )


def test_axes_and_limits() -> None:
    axes, limits = joint_axes(), joint_limits()
    torch.testing.assert_close(axes.norm(dim=-1), torch.ones(15, 3), atol=1e-4, rtol=0)
    assert (limits[..., 0] <= limits[..., 1]).all()
    assert limits.abs().max() < math.pi


def test_named_poses() -> None:
    poses = load_named_poses()
    assert {"flat", "fist", "pinch"} <= set(poses)
    assert all(pose.shape == (16, 3) and pose[0].eq(0).all() for pose in poses.values())
    assert poses["flat"].abs().max() < 0.05
    flat, fist, pinch = (joints_of(poses[name][1:]) for name in ("flat", "fist", "pinch"))
    thumb, *others = (FINGER_JOINTS[finger][3] for finger in FINGERS)
    reach = [(hand[others] - hand[0]).norm(dim=1) for hand in (flat, fist)]
    assert (reach[1] < 0.5 * reach[0]).all()
    assert (pinch[thumb] - pinch[others[0]]).norm() < 0.012


def test_corpus_splits_share_no_pose() -> None:
    splits = [load_corpus(split) for split in ("train", "val", "test")]
    sizes = [len(split) for split in splits]
    assert sizes[0] > sizes[1] > 0
    assert sizes[2] > 0
    poses = torch.cat(splits)
    assert poses.shape[1:] == (15, 3)
    assert torch.isfinite(poses).all()
    assert len(torch.unique(poses, dim=0)) == len(poses)


def test_corpus_bends_fingers_inwards() -> None:
    """Most flexion angles of natural poses are positive."""
    flexion = (load_corpus("train") * joint_axes()[:, 0]).sum(-1)
    assert (flexion > -0.05).float().mean() > 0.8
