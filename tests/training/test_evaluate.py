from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from torch.utils.data import Subset

from handlib.hands import load_hand_pair
from handlib.hands.rotations import axis_angle_to_rotmat
from handlib.training.baseline import mean_pose_baseline, mean_rotation
from handlib.training.evaluate import evaluate


def test_a_perfect_model_scores_zero_whatever_the_position(random_hands):
    data = random_hands(5)
    truth = iter([data[index].joints + 1 for index in range(5)])

    def model(image):
        return SimpleNamespace(joints=torch.stack([next(truth) for _ in image]))

    scores = evaluate(model, data, batch_size=2)
    assert scores.means() == pytest.approx({"root_aligned": 0, "procrustes": 0}, abs=1e-5)
    assert scores.occlusion.tolist() == pytest.approx([data[i].occlusion for i in range(5)])
    assert sum(row["count"] for row in scores.table()) == 5


def test_evaluation_leaves_the_model_as_it_was(tiny_model, random_hands):
    model = tiny_model().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    first = evaluate(model, random_hands(6), batch_size=4)
    assert model.training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    other = evaluate(model, random_hands(6), batch_size=3)
    assert torch.allclose(first.root_aligned, other.root_aligned, atol=1e-6)


def test_mean_rotation_agrees_with_scipy():
    vectors = 0.5 * torch.randn(50, 2, 3, generator=torch.Generator().manual_seed(0))
    found = mean_rotation(axis_angle_to_rotmat(vectors))
    for joint in range(2):
        expected = Rotation.from_rotvec(vectors[:, joint].numpy()).mean().as_matrix()
        assert torch.allclose(found[joint], torch.from_numpy(expected).float(), atol=1e-5)


def test_the_mean_pose_beats_any_single_hand(hand, random_hands):
    data = random_hands(40)
    baseline = mean_pose_baseline(data, hand)
    score = evaluate(baseline, data).root_aligned.square().mean()
    for index in range(3):
        lone = SimpleNamespace(joints=data[index].joints[None])
        other = evaluate(
            lambda image, lone=lone: SimpleNamespace(
                joints=lone.joints.expand(len(image), -1, -1)
            ),
            data,
        )
        assert score < other.root_aligned.square().mean()


def test_the_mean_pose_of_both_sides_is_told_the_side(hand, random_hands):
    """One right hand and its mirror image, over and over: the guess is right for both."""
    pair, sample = load_hand_pair(), random_hands(1)[0]
    flip = torch.tensor([1.0, -1.0, -1.0])
    joints = pair.left((sample.pose * flip)[None], sample.betas[None]).joints[0]
    other = replace(sample, pose=sample.pose * flip, joints=joints, side="left")
    data = Subset([sample, other, other], range(3))
    assert evaluate(mean_pose_baseline(data, pair), data).root_aligned.max() < 1e-5
    alone = evaluate(mean_pose_baseline(Subset([sample], [0]), hand), data).root_aligned
    assert alone[0] < 1e-5 and alone[1:].min() > 0.01


def test_without_poses_the_mean_is_that_of_the_joints(hand, random_hands):
    whole = random_hands(5)
    data = [replace(whole[i], pose=None, betas=None, translation=None) for i in range(5)]
    guess = mean_pose_baseline(Subset(data, range(5)), hand)(data[0].image[None]).joints[0].numpy()
    apart = [one.joints.numpy() - one.joints[0].numpy() for one in data]
    np.testing.assert_allclose(guess, sum(apart) / 5, atol=1e-6)
