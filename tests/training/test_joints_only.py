"""Losses for data with joints alone: against slow loops, and what they teach."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from handlib.data.batch import collate
from handlib.data.sample import MissingLabelError
from handlib.data.sequence_batch import collate_windows
from handlib.data.windows import windows
from handlib.hands.rotations import rot6d_to_rotmat
from handlib.losses import LossConfig, handoccnet_loss
from handlib.sequence_losses import SequenceLossConfig, sequence_loss

LABELS = ("pose", "betas", "translation", "masks", "occlusion")


def bare(samples):
    """The samples as FPHA has them."""
    return [replace(sample, **dict.fromkeys(LABELS)) for sample in samples]


@pytest.fixture
def stills(random_hands):
    return random_hands(4)


@pytest.fixture
def clip_windows(random_clips):
    data = windows(random_clips(2, 4), length=3, gap=1)
    return [replace(data[i], samples=tuple(bare(data[i].samples))) for i in (1, 6)]


def mean_square(first, second):
    """Of wrist-relative joints, number by number."""
    errors = [
        (a[j][k] - a[0][k] - b[j][k] + b[0][k]) ** 2
        for a, b in zip(first.tolist(), second.tolist(), strict=True)
        for j in range(21)
        for k in range(3)
    ]
    return sum(errors) / len(errors)


def max_mse(first, second):
    """Deformer's, of wrist-relative joints: each sample's Σe² / Σe, then their mean."""
    found = []
    for a, b in zip(first.detach().numpy(), second.numpy(), strict=True):
        e = [float((((a[j] - a[0]) - (b[j] - b[0])) ** 2).sum()) for j in range(21)]
        found.append(sum(x * x for x in e) / sum(e))
    return sum(found) / len(found)


def test_handoccnet_by_a_slow_loop(stills, tiny_model):
    batch = collate(bare(stills[i] for i in range(4)))
    model = tiny_model()
    prediction = model(batch.image)
    terms = handoccnet_loss(prediction, batch, model.hand, LossConfig.paper().joints_only())
    assert terms.keys() == {"recorded_joints", "joints_img", "total"}
    assert terms["recorded_joints"].item() == pytest.approx(
        1e4 * mean_square(prediction.joints, batch.joints), rel=1e-4
    )
    found, true = prediction.joints_img.tolist(), batch.joints_px.tolist()
    pixels = [
        (found[b][j][k] - (true[b][j][k] + 0.5) / 32) ** 2
        for b in range(4)
        for j in range(21)
        for k in range(2)
    ]
    assert terms["joints_img"].item() == pytest.approx(100 * np.mean(pixels), rel=1e-4)
    assert terms["total"] == terms["recorded_joints"] + terms["joints_img"]


def test_aids_that_joints_can_feed_stay(stills, tiny_model):
    """Depth, the one that reads metres, is that of the labels with poses."""
    model, samples = tiny_model(), [stills[i] for i in range(4)]
    whole, batch = collate(samples), collate(bare(samples))
    prediction = model(batch.image)
    config = LossConfig.course()
    terms = handoccnet_loss(prediction, batch, model.hand, config.joints_only())
    aids = {"heatmap", "early_heatmap", "depth"}
    assert terms.keys() == {"recorded_joints", "joints_img", "total"} | aids
    full = handoccnet_loss(prediction, whole, model.hand, config)
    for name in (*aids, "joints_img"):
        assert terms[name].item() == pytest.approx(full[name].item(), rel=1e-4), name


def test_the_place_of_the_hand_is_no_part_of_the_target(stills, tiny_model):
    batch = collate(bare(stills[i] for i in range(4)))
    model = tiny_model()
    prediction = model(batch.image)
    moved = replace(batch, joints=batch.joints + torch.tensor([0.3, -0.2, 1.0]))
    config = LossConfig.course().joints_only()
    here, there = (handoccnet_loss(prediction, b, model.hand, config) for b in (batch, moved))
    for name, term in here.items():
        assert term.item() == pytest.approx(there[name].item(), rel=1e-3), name


def test_other_recipes_name_the_label_that_is_missing(stills, tiny_model):
    batch = collate(bare([stills[0], stills[1]]))
    model = tiny_model()
    with pytest.raises(MissingLabelError, match="betas"):
        handoccnet_loss(model(batch.image), batch, model.hand, LossConfig.paper())
    no_joints = replace(batch, joints=None)
    with pytest.raises(MissingLabelError, match="joints: expected"):
        config = LossConfig.paper().joints_only()
        handoccnet_loss(model(batch.image), no_joints, model.hand, config)


def reached(model, loss):
    """Names of parameters that the loss has a gradient for."""
    model.zero_grad()
    loss.backward()
    return {
        name for name, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum()
    }


def test_gradients_reach_all_that_full_labels_reach(
    stills, clip_windows, tiny_model, small_deformer
):
    model, samples = tiny_model(), [stills[i] for i in range(4)]
    config = replace(LossConfig.course(), mask=0.0)
    found = [
        reached(model, handoccnet_loss(model(b.image), b, model.hand, c)["total"])
        for b, c in [
            (collate(samples), config),
            (collate(bare(samples)), config.joints_only()),
        ]
    ]
    assert found[0] == found[1]
    assert {name for name, _ in model.named_parameters()} - found[1] <= {
        name for name, _ in model.named_parameters() if "readout" in name
    }
    deformer, batch = small_deformer(), collate_windows(clip_windows)
    prediction = deformer(batch.image, batch.boxes)
    terms = sequence_loss(prediction, batch, deformer.hand, SequenceLossConfig().joints_only())
    names = reached(deformer, terms["total"])
    for part in ("backbone", "spatial", "temporal", "pose", "shape", "forward", "confidence"):
        assert any(part in name for name in names), part


@pytest.mark.parametrize("weigh", [False, True])
def test_deformer_by_a_slow_loop(weigh, clip_windows, small_deformer, hand):
    batch = collate_windows(clip_windows)
    model = small_deformer().eval()
    with torch.no_grad():
        p = model(batch.image, batch.boxes)
    config = replace(SequenceLossConfig(), max_mse=weigh).joints_only()
    terms = sequence_loss(p, batch, hand, config)
    groups = {"frames": [], "forward": [], "backward": [], "fused": []}
    steps = (("forward", p.forward_motion, 1), ("backward", p.backward_motion, -1))
    for b in range(2):
        groups["fused"].append((p.fused_joints[b], batch.joints[b, 1]))
        for t in range(3):
            groups["frames"].append((p.joints[b, t], batch.joints[b, t]))
            for name, motion, step in steps:
                if 0 <= t + step < 3:
                    pose = rot6d_to_rotmat(p.pose6d[b, t] + motion[b, t])
                    warped = hand(pose[None], p.betas[b : b + 1]).joints[0]
                    groups[name].append((warped, batch.joints[b, t + step]))
    distance = max_mse if weigh else mean_square
    for name, pairs in groups.items():
        first, second = (torch.stack(side) for side in zip(*pairs, strict=True))
        expected = 1e4 * distance(first, second)
        assert terms[f"{name}_recorded_joints"].item() == pytest.approx(expected, rel=1e-3), name
    assert terms.keys() == {f"{n}_recorded_joints" for n in groups} | {"joints_img", "total"}


def test_the_monocular_group_has_joints_alone(clip_windows, small_deformer, hand):
    batch = collate_windows(clip_windows)
    model = small_deformer(monocular_head=True)
    config = SequenceLossConfig(monocular=1.0).joints_only()
    terms = sequence_loss(model(batch.image, batch.boxes), batch, hand, config)
    assert {name for name in terms if "monocular" in name} == {"monocular_recorded_joints"}
    names = reached(model, terms["monocular_recorded_joints"])
    assert {"mano_head.pose.weight", "mano_head.shape.weight"} <= names
