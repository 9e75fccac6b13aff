"""Dynamic fusion against the paper's sums as loops, a matrix form, and SciPy's mean rotation."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from handlib.hands.rotations import axis_angle_to_rotmat, rot6d_to_rotmat, rotmat_to_axis_angle
from handlib.models.fusion import fuse, mean_rotation, warp, warp_rotations


def loops(pose, forward, backward, first):
    """Eq. 1 and 2; `first` is where the backward sum starts, counted from j."""
    frames = len(pose)
    result = torch.empty(frames, frames, *pose.shape[1:], dtype=pose.dtype)
    for i in range(frames):
        for j in range(frames):
            moved = pose[i].clone()
            for k in range(i, j):
                moved += forward[k]
            for k in range(j, i):
                moved += backward[k + first]
            result[i, j] = moved
    return result


@given(st.integers(1, 8))
def test_every_pair_equals_the_sums(frames):
    pose, forward, backward = torch.randn(3, 2, frames, 4, dtype=torch.float64)
    warped = warp(pose, forward, backward)
    for window in range(2):
        expected = loops(pose[window], forward[window], backward[window], first=1)
        assert torch.allclose(warped[window], expected)


def test_the_index_slip_is_eq_2_as_printed():
    pose, forward, backward = torch.randn(3, 1, 6, 2, dtype=torch.float64)
    slipped = warp(pose, forward, backward, index_slip=True)
    assert torch.allclose(slipped[0], loops(pose[0], forward[0], backward[0], first=0))
    assert not torch.allclose(slipped, warp(pose, forward, backward))


def test_the_fused_pose_is_one_matrix_product():
    """All of eq. 1 to 3 is linear: θ̂ = A·[θ; f; b] with a matrix of the weights alone."""
    frames = 5
    pose, forward, backward = torch.randn(3, 1, frames, 16, 6, dtype=torch.float64)
    c = torch.rand(1, frames, dtype=torch.float64).softmax(dim=1)
    a = torch.zeros(frames, 3 * frames, dtype=torch.float64)
    for j in range(frames):
        a[j, :frames] = c[0]
        a[j, frames : frames + j] = c[0].cumsum(0)[:j]  # f_k carries every frame up to k
        a[j, 2 * frames + j + 1 :] = c[0].flip(0).cumsum(0).flip(0)[j + 1 :]
    stacked = torch.cat([pose[0], forward[0], backward[0]])
    expected = torch.einsum("ij,jnm->inm", a, stacked)
    rotmats = rot6d_to_rotmat(pose)
    fused = fuse(rotmats, pose, forward, backward, c)
    assert torch.allclose(fused[0], rot6d_to_rotmat(expected), atol=1e-10)


def random_rotations(*shape, angle=1.0):
    return axis_angle_to_rotmat(angle * torch.randn(*shape, 3, dtype=torch.float64))


def test_composed_motions_equal_the_products():
    frames = 6
    pose, forward, backward = (random_rotations(2, frames, 3) for _ in range(3))
    warped = warp_rotations(pose, forward, backward)
    for i in range(frames):
        for j in range(frames):
            expected = pose[:, i]
            for k in range(i, j):
                expected = forward[:, k] @ expected
            for k in range(i, j, -1):
                expected = backward[:, k] @ expected
            assert torch.allclose(warped[:, i, j], expected, atol=1e-10)


def test_mean_rotation_equals_scipys():
    rotations = random_rotations(4, 7, angle=0.8)
    weights = torch.rand(4, 7, dtype=torch.float64).softmax(dim=1)
    ours = mean_rotation(rotations, weights)
    for window in range(4):
        theirs = Rotation.from_matrix(rotations[window].numpy()).mean(weights[window].numpy())
        assert np.allclose(ours[window].numpy(), theirs.as_matrix(), atol=1e-8)


def test_mean_of_equal_rotations_has_a_finite_gradient():
    rotation = random_rotations(1, 1).expand(1, 5, 3, 3).clone().requires_grad_()
    weights = torch.full((1, 5), 0.2, dtype=torch.float64, requires_grad=True)
    mean_rotation(rotation, weights).sum().backward()
    assert rotation.grad.isfinite().all() and weights.grad.isfinite().all()


@pytest.mark.parametrize("space", ["rot6d", "axis_angle", "so3"])
def test_a_steady_turn_is_carried_to_every_frame(space):
    """Motions that tell the truth make every frame's guess, hence any mean, the truth."""
    frames, angle = 5, 0.2
    axis = torch.nn.functional.normalize(torch.randn(16, 3, dtype=torch.float64), dim=1)
    turns = torch.arange(frames)[:, None, None] * angle * axis  # T 16 3
    pose = axis_angle_to_rotmat(turns)[None]
    pose6d = pose[..., :2].mT.flatten(-2)
    if space == "rot6d":
        forward = pose6d.roll(-1, dims=1) - pose6d
        backward = pose6d.roll(1, dims=1) - pose6d
    else:
        forward = (angle * axis).expand(1, frames, 16, 3)
        backward = -forward
    weights = torch.rand(1, frames, dtype=torch.float64).softmax(dim=1)
    fused = fuse(pose, pose6d, forward, backward, weights, space)
    assert torch.allclose(fused, pose, atol=1e-6)


def test_the_spaces_differ_where_motions_do_not_commute():
    frames = 4
    pose = random_rotations(1, frames, 16)
    motions = 0.5 * torch.randn(2, 1, frames, 16, 3, dtype=torch.float64)
    pose6d = pose[..., :2].mT.flatten(-2)
    weights = torch.full((1, frames), 1 / frames, dtype=torch.float64)
    added = fuse(pose, pose6d, *motions, weights, "axis_angle")
    composed = fuse(pose, pose6d, *motions, weights, "so3")
    turn = rotmat_to_axis_angle(added.mT @ composed).norm(dim=-1)
    assert turn.mean() > 0.05


@pytest.mark.parametrize("space", ["rot6d", "axis_angle", "so3"])
def test_all_weight_on_the_centre_leaves_it_alone(space):
    frames, numbers = 5, 6 if space == "rot6d" else 3
    pose = random_rotations(2, frames, 16)
    motions = torch.randn(2, 2, frames, 16, numbers, dtype=torch.float64)
    weights = torch.zeros(2, frames, dtype=torch.float64)
    weights[:, 2] = 1
    fused = fuse(pose, pose[..., :2].mT.flatten(-2), *motions, weights, space)
    assert torch.allclose(fused[:, 2], pose[:, 2], atol=1e-8)
