from types import SimpleNamespace

import pytest
import torch
from scipy.spatial.transform import Rotation

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
