"""Deformer's losses: zero at the truth, each term by its own formula, switches, masks."""

from dataclasses import replace

import pytest
import torch

from handlib.data.sequence_batch import collate_windows
from handlib.data.windows import windows
from handlib.hands.rotations import axis_angle_to_rotmat
from handlib.max_mse import max_mse
from handlib.models.deformer import SequencePrediction
from handlib.sequence_losses import (
    SequenceLossConfig,
    box_coordinates,
    joints_img_error,
    sequence_loss,
    smoothness,
)

LENGTH = 3


@pytest.fixture
def batch(random_clips):
    data = windows(random_clips(2, 4), length=LENGTH, gap=1)
    return collate_windows([data[1], data[6]])


@pytest.fixture
def perfect(hand, batch):
    """The truth as a prediction: motions lead exactly to the frames beside."""
    pose = axis_angle_to_rotmat(batch.pose)
    pose6d = pose[..., :2].mT.flatten(-2)
    shapes = batch.betas[:, 0]
    output = hand(pose.flatten(0, 1), batch.betas.flatten(0, 1))
    vertices, joints = (
        part.unflatten(0, (2, LENGTH)) for part in (output.vertices, output.joints)
    )
    forward, backward = torch.zeros_like(pose6d), torch.zeros_like(pose6d)
    forward[:, :-1] = pose6d.diff(dim=1)
    backward[:, 1:] = -pose6d.diff(dim=1)
    return SequencePrediction(
        pose=pose,
        betas=shapes,
        vertices=vertices,
        joints=joints,
        joints_img=box_coordinates(batch),
        heatmaps=torch.full((2, LENGTH, 21, 4, 4), 1 / 16),
        pose6d=pose6d,
        forward_motion=forward,
        backward_motion=backward,
        confidence=torch.full((2, LENGTH), 1 / LENGTH),
        fused_pose=pose[:, 1],
        fused_vertices=vertices[:, 1],
        fused_joints=joints[:, 1],
    )


def test_the_truth_costs_nothing(hand, batch, perfect):
    terms = sequence_loss(perfect, batch, hand, SequenceLossConfig())
    names = {
        f"{group}_{part}"
        for group in ("frames", "forward", "backward", "fused")
        for part in ("vertices", "joints", "pose")
    }
    assert terms.keys() == names | {"betas", "joints_img", "total"}
    for name, value in terms.items():
        assert value.item() == pytest.approx(0, abs=1e-6), name


def test_a_shape_each_frame_is_compared_and_carried_along(hand, batch, perfect):
    """The hand that a frame is moved to keeps the bones of the frame it comes from."""
    own = replace(perfect, betas=batch.betas)
    assert sequence_loss(own, batch, hand, SequenceLossConfig())["total"] < 1e-5
    betas = batch.betas.clone()
    betas[:, 0] += 1  # the first frame is where only forward motions start
    terms = sequence_loss(replace(own, betas=betas), batch, hand, SequenceLossConfig())
    assert terms["betas"].item() == pytest.approx(0.1 / LENGTH)
    assert terms["forward_vertices"] > 1e-3 and terms["backward_vertices"] < 1e-5


@pytest.mark.parametrize(
    ("field", "group"),
    [("vertices", "frames"), ("fused_joints", "fused"), ("pose", "frames")]
    + [("forward_motion", "forward"), ("backward_motion", "backward")],
)
def test_each_field_is_felt_by_its_own_group(field, group, hand, batch, perfect):
    wrong = replace(perfect, **{field: getattr(perfect, field) + 0.05})
    terms = sequence_loss(wrong, batch, hand, SequenceLossConfig())
    moved = {name for name, value in terms.items() if value > 1e-4} - {"total"}
    assert moved and {name.split("_")[0] for name in moved} <= {group, "forward", "backward"}
    assert any(name.startswith(group) for name in moved)


def test_terms_by_their_formulas(hand, batch, perfect):
    torch.manual_seed(0)
    noise = 0.01 * torch.randn_like(perfect.vertices)
    wrong = replace(perfect, vertices=perfect.vertices + noise)
    plain = sequence_loss(wrong, batch, hand, SequenceLossConfig(max_mse=False))
    weighed = sequence_loss(wrong, batch, hand, SequenceLossConfig())
    assert plain["frames_vertices"].item() == pytest.approx(
        1e4 * noise.square().mean().item(), rel=1e-3
    )
    expected = 1e4 * max_mse(wrong.vertices, perfect.vertices)
    assert weighed["frames_vertices"].item() == pytest.approx(expected.item(), rel=1e-3)
    assert plain["total"].item() == pytest.approx(
        sum(value.item() for name, value in plain.items() if name != "total"), rel=1e-5
    )


def test_max_mse_on_the_pose_is_a_switch(hand, batch, perfect):
    pose = perfect.pose.clone()
    pose[:, :, 3] += 0.1
    wrong = replace(perfect, pose=pose)
    plain = sequence_loss(wrong, batch, hand, SequenceLossConfig())["frames_pose"]
    weighed = sequence_loss(wrong, batch, hand, SequenceLossConfig(max_mse_pose=True))
    assert weighed["frames_pose"] > 5 * plain  # one joint of sixteen carries all of it


def test_joints_outside_the_box_are_left_out(batch):
    target = box_coordinates(batch)
    assert joints_img_error(target, batch).item() == pytest.approx(0, abs=1e-10)
    small = replace(batch, boxes=batch.boxes * 0 + torch.tensor([0.0, 0, 1, 1]))
    assert joints_img_error(torch.rand_like(target), small).item() == 0


def test_smoothness_of_a_steady_motion_is_its_velocity():
    steady = torch.arange(5.0)[None, :, None, None] * torch.tensor([0.1, 0, 0])
    assert smoothness(steady.expand(1, 5, 4, 3)).item() == pytest.approx(0.01 / 3, rel=1e-4)
    still = torch.randn(1, 1, 4, 3).expand(1, 5, 4, 3)
    assert smoothness(still).item() == 0


def test_the_monocular_hand_has_its_own_group(hand, batch, perfect):
    """Zero at the truth with a β of each frame; a wrong β moves points and β, not the pose."""
    config = SequenceLossConfig(monocular=2.0)
    right = replace(perfect, monocular_pose=perfect.pose, monocular_betas=batch.betas)
    wrong = replace(right, monocular_betas=batch.betas + 0.5)
    names = {f"monocular_{part}" for part in ("vertices", "joints", "pose", "betas")}
    for prediction, moved in ((right, set()), (wrong, names - {"monocular_pose"})):
        terms = sequence_loss(prediction, batch, hand, config)
        assert names < terms.keys()
        assert {name for name, value in terms.items() if value > 1e-4} - {"total"} == moved
    assert terms["monocular_betas"].item() == pytest.approx(2 * 0.1 * 0.25)


def test_the_monocular_group_needs_its_head(hand, batch, perfect):
    with pytest.raises(ValueError, match="monocular_head=True"):
        sequence_loss(perfect, batch, hand, SequenceLossConfig(monocular=1.0))


def test_each_group_has_its_weight(hand, batch, perfect):
    """D14: a group's terms grow with its weight, and no other term does."""
    noise = 0.1 * torch.randn_like(perfect.pose6d)
    wrong = replace(
        perfect,
        pose=perfect.pose + 0.1,
        fused_pose=perfect.fused_pose + 0.1,
        forward_motion=perfect.forward_motion + noise,
        backward_motion=perfect.backward_motion + noise,
    )
    plain = sequence_loss(wrong, batch, hand, SequenceLossConfig())
    groups = {"frames": ("frames",), "motion": ("forward", "backward"), "fused": ("fused",)}
    for field, names in groups.items():
        heavy = sequence_loss(wrong, batch, hand, SequenceLossConfig(**{field: 3.0}))
        for term in plain.keys() - {"total"}:
            factor = 3 if term.startswith(names) else 1
            assert heavy[term].item() == pytest.approx(factor * plain[term].item(), rel=1e-5)
        assert heavy["total"] > plain["total"]


def test_the_detached_weights_change_the_gradient_and_not_the_loss(hand, batch, perfect):
    found = {}
    for detach in (False, True):
        vertices = (perfect.vertices + 0.01 * torch.arange(778)[:, None] / 778).requires_grad_()
        wrong = replace(perfect, vertices=vertices)
        terms = sequence_loss(wrong, batch, hand, SequenceLossConfig(detach=detach))
        terms["frames_vertices"].backward()
        found[detach] = terms["frames_vertices"].item(), vertices.grad.sum(-1)
    assert found[True][0] == pytest.approx(found[False][0])
    # Errors grow with the index: only undetached weights push the easy points away.
    assert (found[True][1] >= 0).all() and (found[False][1][..., 1:300] < 0).all()


def test_switches_name_their_terms(hand, batch, perfect):
    config = SequenceLossConfig(motion=0.0, fused=0.0, smooth=2.0, heatmap=1.0)
    terms = sequence_loss(perfect, batch, hand, config)
    assert {"smooth", "heatmap"} < terms.keys()
    assert not any(name.startswith(("forward", "backward", "fused")) for name in terms)
