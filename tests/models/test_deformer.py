"""Deformer's switches, sides, records and errors, at a size that runs in milliseconds."""

from dataclasses import fields

import pytest
import torch
from plain_deformer import PlainDeformer

from handlib.hands import HandPair, load_hand
from handlib.hands.rotations import rot6d_to_rotmat, rotmat_to_axis_angle
from handlib.models import (
    Deformer,
    DeformerConfig,
    MotionDiscriminator,
    fuse_for_inference,
    official,
    record,
)
from handlib.models.discriminator import motion_input
from handlib.models.fusion import warp
from handlib.models.official_names import DEFORMER, renamed

FRAMES = 5


@pytest.fixture(scope="module")
def pair(hand):
    return HandPair(hand, load_hand(side="left"))


@pytest.fixture(scope="module")
def inputs():
    generator = torch.Generator().manual_seed(0)
    frames = torch.rand(2, FRAMES, 3, 64, 64, generator=generator)
    corner = 20 * torch.rand(2, FRAMES, 2, generator=generator)
    side = 20 + 30 * torch.rand(2, FRAMES, 1, generator=generator)
    return frames, torch.cat([corner, corner + side], dim=-1)


@pytest.fixture
def build(small_deformer):
    def make(*hand, **changes):
        return small_deformer(*hand, depth=2, **changes).eval()

    return make


def test_every_field_has_its_shape(build, inputs):
    prediction = build(monocular_head=True)(*inputs)
    assert all(getattr(prediction, field.name) is not None for field in fields(prediction))
    assert prediction.fused_pose.shape == (2, 16, 3, 3)
    assert prediction.vertices.shape == (2, FRAMES, 778, 3)
    assert torch.allclose(prediction.confidence.sum(dim=1), torch.ones(2))
    assert torch.allclose(prediction.heatmaps.sum(dim=(-2, -1)), torch.ones(2, FRAMES, 21))


def test_the_centre_frame_is_the_same_whether_or_not_all_are_fused(build, inputs):
    centre, every = build()(*inputs), build(fuse_every=True)(*inputs)
    assert every.fused_vertices.shape == (2, FRAMES, 778, 3)
    assert torch.allclose(every.fused_vertices[:, FRAMES // 2], centre.fused_vertices, atol=1e-6)


def test_fusion_is_the_weighted_sum_of_warped_poses(build, inputs):
    prediction = build()(*inputs)
    warped = warp(prediction.pose6d, prediction.forward_motion, prediction.backward_motion)
    mean = torch.einsum("bi,binm->bnm", prediction.confidence, warped[:, :, FRAMES // 2])
    assert torch.allclose(rot6d_to_rotmat(mean), prediction.fused_pose, atol=1e-5)


def test_weights_of_table_4(build, inputs):
    occlusion = torch.rand(2, FRAMES)
    uniform = build(weights="uniform")(*inputs).confidence
    centre = build(weights="centre")(*inputs)
    seen = build(weights="occlusion")(*inputs, occlusion=occlusion).confidence
    assert torch.allclose(uniform, torch.full((2, FRAMES), 1 / FRAMES))
    assert torch.allclose(centre.fused_joints, centre.joints[:, FRAMES // 2], atol=1e-6)
    assert torch.allclose(seen, (1 - occlusion) / (1 - occlusion).sum(1, keepdim=True), atol=1e-5)


def test_wholly_hidden_windows_still_have_weights(build, inputs):
    hidden = build(weights="occlusion")(*inputs, occlusion=torch.ones(2, FRAMES))
    assert torch.allclose(hidden.confidence, torch.full((2, FRAMES), 1 / FRAMES))


@pytest.mark.parametrize(
    "change",
    [{"space": "axis_angle"}, {"space": "so3"}, {"index_slip": True}, {"joint_skip": True}]
    + [
        {"temporal": "none"},
        {"temporal": "recurrent"},
        {"temporal": "past_and_future"},
        {"weights": "uniform"},
    ],
    ids=str,
)
def test_each_switch_changes_the_fused_hand(change, build, inputs):
    plain, switched = build()(*inputs), build(**change)(*inputs)
    assert (plain.fused_joints - switched.fused_joints).abs().max() > 1e-5
    assert switched.fused_joints.isfinite().all()


def test_frames_are_independent_without_the_temporal_transformer(build, inputs):
    frames, boxes = inputs
    model = build(temporal="none")
    changed = frames.clone()
    changed[:, 0] = 0
    before, after = model(frames, boxes), model(changed, boxes)
    assert torch.allclose(before.pose[:, 1:], after.pose[:, 1:], atol=1e-5)
    with_context = build()
    before, after = with_context(frames, boxes), with_context(changed, boxes)
    assert (before.pose[:, 1:] - after.pose[:, 1:]).abs().max() > 1e-4


def test_left_and_right_windows_in_one_batch(pair, build, inputs):
    left = torch.tensor([True, False])
    mixed = build(pair)(*inputs, left=left)
    right = build()(*inputs)
    other = build(load_hand(side="left"))(*inputs)
    assert torch.allclose(mixed.vertices[1], right.vertices[1], atol=1e-6)
    assert torch.allclose(mixed.vertices[0], other.vertices[0], atol=1e-6)
    assert torch.allclose(mixed.fused_joints[0], other.fused_joints[0], atol=1e-6)


def test_a_pair_keeps_rows_apart(hand, pair):
    pose, betas = 0.3 * torch.randn(6, 16, 3), torch.randn(6, 10)
    translation, left = torch.randn(6, 3), torch.tensor([0, 1, 1, 0, 1, 0]).bool()
    both = pair(pose, betas, translation, left)
    for row in range(6):
        model = pair.left if left[row] else pair.right
        one = slice(row, row + 1)
        alone = model(pose[one], betas[one], translation[one])
        assert torch.allclose(both.vertices[one], alone.vertices, atol=1e-6)
        assert torch.allclose(both.joints[one], alone.joints, atol=1e-6)


def test_a_pair_refuses_two_hands_of_one_side(hand):
    with pytest.raises(ValueError, match="left: expected a left hand, found a right one"):
        HandPair(hand, hand)


def test_sides_need_a_pair(build, inputs):
    with pytest.raises(ValueError, match="HandPair"):
        build()(*inputs, left=torch.tensor([True, False]))


def test_occlusion_weights_need_occlusion(build, inputs):
    with pytest.raises(ValueError, match="occlusion=batch.occlusion"):
        build(weights="occlusion")(*inputs)


def test_channels_must_fit_the_heads():
    with pytest.raises(ValueError, match="20 channels and 3 heads"):
        DeformerConfig(channels=20, heads=3)


def test_record_names_everything_and_changes_nothing(build, inputs):
    model = build()
    plain = model(*inputs)
    with record(model) as maps:
        seen = model(*inputs)
    assert torch.allclose(plain.fused_vertices, seen.fused_vertices, atol=1e-6)
    frames, tokens = 2 * FRAMES, model.config.cells**2
    shapes = {
        "spatial.1.attention": (frames, 2, tokens, tokens),
        "spatial.decoder.1.attention": (frames, 2, 1, tokens),
        "temporal.0.attention": (2, 2, FRAMES, FRAMES),
        "temporal.decoder.0.attention": (2, 2, 1, FRAMES),
        "temporal.memory": (2, FRAMES, 16),
        "forward_motion": (2, FRAMES, 16, 6),
        "confidence": (2, FRAMES),
        "fused_pose": (2, 16, 3, 3),
    }
    assert {name: tuple(maps[name].shape) for name in shapes} == shapes
    for name, value in maps.items():
        if "attention" in name:
            assert torch.allclose(value.sum(-1), torch.ones(value.shape[:-1]), atol=1e-5)


def test_course_starts_at_rest(hand):
    model = Deformer(DeformerConfig.course(), hand).eval()
    with torch.no_grad():
        boxes = torch.tensor([10.0, 10, 100, 110]).expand(1, 3, 4)
        prediction = model(torch.rand(1, 3, 3, 128, 128), boxes)
    assert rotmat_to_axis_angle(prediction.pose).norm(dim=-1).max() < 0.1
    assert prediction.forward_motion.abs().max() < 0.05
    assert (prediction.confidence - 1 / 3).abs().max() < 0.01
    assert sum(p.numel() for p in model.parameters()) < 1_000_000


def test_the_discriminator_reads_fingers_and_side_but_no_wrist(hand):
    torch.manual_seed(0)
    model = MotionDiscriminator(width=8).eval()
    pose = rot6d_to_rotmat(torch.randn(2, 4, 16, 6))
    turned = pose.clone()
    turned[:, :, 0] = torch.eye(3)
    score = model(motion_input(pose))
    assert score.shape == (2, 1)
    assert torch.equal(score, model(motion_input(turned)))
    left = torch.tensor([True, False])
    sided = model(motion_input(pose, left))
    assert not torch.allclose(score[0], sided[0]) and torch.equal(score[1], sided[1])


def test_the_discriminators_attention_is_over_frames():
    model = MotionDiscriminator(width=8).eval()
    with record(model) as maps:
        model(torch.randn(3, 6, 46))
    assert torch.allclose(maps["attention"].sum(dim=1), torch.ones(3, 1), atol=1e-6)


def plain_twin(ours):
    plain = PlainDeformer(ours.config).double()
    with torch.no_grad():
        for value in plain.parameters():
            value.copy_(torch.randn_like(value) / max(value[0].numel(), 1) ** 0.5)
    official.load_official_state(ours, plain.state_dict(), DEFORMER)
    return plain


@pytest.mark.parametrize("expansion", [1, 4])
def test_equals_the_plain_network_in_values_and_gradients(expansion, build, inputs):
    ours = build(expansion=expansion, width=16, dropout=0.0)
    plain = plain_twin(ours)
    frames, boxes = inputs
    # One frame at a time cannot have the batch's statistics: both use the stored ones.
    expected, prediction = plain.eval()(frames.double(), boxes), ours.eval()(frames, boxes)
    for name, value in expected.items():
        difference = (getattr(prediction, name).double() - value).abs().max()
        assert difference < 1e-3 * value.abs().max(), name
    sum(value.square().sum() for value in expected.values()).backward()
    sum(getattr(prediction, name).square().sum() for name in expected).backward()
    gradients = {key: value.grad for key, value in plain.named_parameters()}
    largest = max(gradient.abs().max() for gradient in gradients.values())
    for key, value in ours.named_parameters():
        theirs = gradients[renamed(key, DEFORMER)]
        assert (value.grad.flatten() - theirs.flatten()).abs().max() < 1e-2 * largest, key


@pytest.mark.parametrize("norm_features", [False, True])
def test_fused_for_inference_is_the_same_network(norm_features, build, inputs):
    model = build(width=16, norm_features=norm_features)
    with torch.no_grad():
        for _ in range(2):
            model.train()(*inputs)  # running statistics move away from 0 and 1
        expected = model.eval()(*inputs)
        fused = fuse_for_inference(model, image_size=64)
        found = fused(*inputs)
    assert torch.allclose(found.fused_vertices, expected.fused_vertices, atol=1e-5)
    assert torch.allclose(found.heatmaps, expected.heatmaps, atol=1e-4)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in fused.backbone.modules())


@pytest.mark.parametrize("fuse_every", [False, True])
@pytest.mark.parametrize("temporal", ["transformer", "none"])
def test_with_a_shape_each_frame_every_hand_has_its_own(build, inputs, hand, temporal, fuse_every):
    model = build(shape="frame", temporal=temporal, fuse_every=fuse_every)
    prediction = model(*inputs)
    assert prediction.betas.shape == (2, FRAMES, 10)
    assert prediction.betas.std(dim=1).amax() > 1e-4
    for frame in range(FRAMES):
        own = hand(prediction.pose[:, frame], prediction.betas[:, frame])
        assert torch.allclose(prediction.vertices[:, frame], own.vertices, atol=1e-6)
        fused = prediction.fused_pose[:, frame] if fuse_every else prediction.fused_pose
        found = prediction.fused_joints[:, frame] if fuse_every else prediction.fused_joints
        if fuse_every or frame == FRAMES // 2:
            own = hand(fused, prediction.betas[:, frame])
            assert torch.allclose(found, own.joints, atol=1e-6)


def test_without_time_the_window_has_the_mean_of_the_frames_shapes(build, inputs):
    frames = build(shape="frame", temporal="none")(*inputs).betas
    assert torch.allclose(build(temporal="none")(*inputs).betas, frames.mean(dim=1), atol=1e-6)
