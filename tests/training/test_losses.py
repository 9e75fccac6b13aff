import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from handlib.losses import (
    LossConfig,
    handoccnet_loss,
    heatmap_cross_entropy,
    mask_cross_entropy,
)
from handlib.models.handoccnet import HandPrediction

PAPER = ("vertices", "joints", "pose", "betas", "joints_img")
AIDS = ("articulation", "heatmap", "early_heatmap", "depth", "mask")


@pytest.fixture
def perfect(hand, random_batch):
    """The prediction that equals the truth."""
    rotations = Rotation.from_rotvec(random_batch.pose.reshape(-1, 3).numpy()).as_matrix()
    pose = torch.from_numpy(rotations).float().reshape(-1, 16, 3, 3)
    output = hand(pose, random_batch.betas)
    joints_img = (random_batch.joints_px + 0.5) / random_batch.image.shape[-1]
    heatmaps = torch.full((len(random_batch), 21, 8, 8), 1 / 64)
    return HandPrediction(
        pose, random_batch.betas, output.vertices, output.joints, joints_img, heatmaps
    )


def test_the_truth_costs_nothing(hand, random_batch, perfect):
    terms = handoccnet_loss(perfect, random_batch, hand, LossConfig.paper())
    assert set(terms) == {*PAPER, "total"}
    assert max(term.item() for term in terms.values()) < 1e-5


def test_weights_are_the_released_ones(hand, random_batch, perfect):
    """Every prediction off by d in every number costs weight · d²."""
    d = 0.01
    wrong = HandPrediction(
        perfect.pose + d,
        perfect.betas + d,
        perfect.vertices + d,
        perfect.joints - d,
        perfect.joints_img + d,
        perfect.heatmaps,
    )
    terms = handoccnet_loss(wrong, random_batch, hand, LossConfig.paper())
    weights = dict(zip(PAPER, (1e4, 1e4, 10, 0.1, 100), strict=True))
    for name, weight in weights.items():
        assert terms[name].item() == pytest.approx(weight * d**2, rel=1e-3)
    assert terms["total"].item() == pytest.approx(sum(weights.values()) * d**2, rel=1e-3)


def test_the_hands_position_is_no_part_of_the_target(hand, random_batch, perfect):
    moved = replace(random_batch, translation=random_batch.translation + 1)
    assert handoccnet_loss(perfect, moved, hand, LossConfig.paper())["total"].item() < 1e-4


def test_aids_are_off_in_the_papers_recipe_and_on_in_the_courses(hand, random_batch, perfect):
    complete = replace(
        perfect,
        masks=torch.zeros(len(random_batch), 2, 8, 8),
        early_heatmaps=perfect.heatmaps,
        depths=torch.zeros(len(random_batch), 21),
    )
    terms = handoccnet_loss(complete, random_batch, hand, LossConfig.course())
    assert set(terms) == {*PAPER, *AIDS, "total"}
    assert all(getattr(LossConfig.paper(), aid) == 0 for aid in AIDS)


def test_articulation_does_not_see_how_the_whole_hand_is_turned(hand, random_batch, perfect):
    config = LossConfig(articulation=1e4)
    turn = torch.from_numpy(Rotation.from_euler("zyx", [0.7, -0.4, 0.9]).as_matrix()).float()

    def cost(pose):
        output = hand(pose, random_batch.betas)
        wrong = replace(perfect, pose=pose, vertices=output.vertices, joints=output.joints)
        return handoccnet_loss(wrong, random_batch, hand, config)

    turned, bent = perfect.pose.clone(), perfect.pose.clone()
    turned[:, 0] = turn @ turned[:, 0]
    bent[:, 4] = turn @ bent[:, 4]
    assert cost(turned)["articulation"] < 1e-5 and cost(turned)["joints"] > 1
    assert cost(bent)["articulation"].item() == pytest.approx(
        cost(bent)["joints"].item(), rel=1e-3
    )


@pytest.mark.parametrize("sigma", [0.8, 1.5])
def test_heatmap_entropy_by_a_slow_sum(sigma):
    logits = torch.randn(2, 3, 6, 8, generator=torch.Generator().manual_seed(0))
    heatmaps = logits.flatten(2).softmax(-1).unflatten(2, (6, 8))
    centres = torch.tensor([[[0.3, 0.7], [0.5, 0.5], [1.2, 0.5]]]).expand(2, -1, -1)
    total = []
    for b in range(2):
        for j in range(2):  # the third joint lies outside and does not count
            u, v = (centres[b, j] * torch.tensor([8, 6])).tolist()
            weight = np.array(
                [
                    [
                        math.exp(-((x + 0.5 - u) ** 2 + (y + 0.5 - v) ** 2) / (2 * sigma**2))
                        for x in range(8)
                    ]
                    for y in range(6)
                ]
            )
            weight /= weight.sum()
            total.append(-(weight * heatmaps[b, j].log().numpy()).sum())
    assert heatmap_cross_entropy(heatmaps, centres, sigma).item() == pytest.approx(
        np.mean(total), rel=1e-5
    )


def test_heatmap_entropy_is_least_at_the_gaussian_and_survives_empty_cells():
    centres = torch.rand(1, 21, 2, generator=torch.Generator().manual_seed(0))
    logits = torch.zeros(1, 21, 8, 8, requires_grad=True)
    optimizer = torch.optim.Adam([logits], 0.3)
    for _ in range(200):
        optimizer.zero_grad()
        loss = heatmap_cross_entropy(logits.flatten(2).softmax(-1).view_as(logits), centres)
        loss.backward()
        optimizer.step()
    heatmaps = logits.flatten(2).softmax(-1).view_as(logits).detach()
    top = heatmaps.flatten(2).argmax(-1)
    cells = (centres * 8).floor().long()
    assert torch.equal(top, cells[..., 1] * 8 + cells[..., 0])
    onehot = torch.zeros(1, 21, 8, 8)
    onehot[..., 0, 0] = 1
    assert heatmap_cross_entropy(onehot, centres).isfinite()


def test_mask_entropy_by_a_slow_mean(random_batch):
    logits = torch.randn(6, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    masks = np.stack([random_batch.visible.numpy(), random_batch.amodal.numpy()], 1)
    share = masks.reshape(6, 2, 8, 8, 8, 8).mean((3, 5))
    p = 1 / (1 + np.exp(-logits.numpy().astype(float)))
    expected = -(share * np.log(p) + (1 - share) * np.log(1 - p)).mean()
    assert mask_cross_entropy(logits, random_batch).item() == pytest.approx(expected, rel=1e-5)


def test_early_heatmaps_are_held_to_the_same_target(hand, random_batch, perfect):
    generator = torch.Generator().manual_seed(0)
    early = torch.rand(perfect.heatmaps.shape, generator=generator)
    early = early / early.sum(dim=(2, 3), keepdim=True)
    swapped = replace(perfect, heatmaps=early, early_heatmaps=perfect.heatmaps)
    both = LossConfig(heatmap=2.0, early_heatmap=2.0)
    straight = replace(perfect, early_heatmaps=early)
    terms, crossed = (
        handoccnet_loss(prediction, random_batch, hand, both) for prediction in (straight, swapped)
    )
    assert terms["heatmap"] == crossed["early_heatmap"]
    assert terms["early_heatmap"] == crossed["heatmap"] != terms["heatmap"]


def test_depths_are_those_of_the_cameras_joints(hand, random_batch, perfect):
    """From the data's joints in camera axes, which the loss itself does not read."""
    z = random_batch.joints[..., 2]
    depths = z - z.mean(dim=1, keepdim=True)
    config = LossConfig(depth=1e4)
    right = handoccnet_loss(replace(perfect, depths=depths), random_batch, hand, config)
    deeper = handoccnet_loss(replace(perfect, depths=depths + 0.01), random_batch, hand, config)
    assert right["depth"].item() < 1e-5
    assert deeper["depth"].item() == pytest.approx(1.0, rel=1e-3)


@pytest.mark.parametrize(
    ("aid", "switch"),
    [
        ("mask", "feature_readout"),
        ("early_heatmap", "feature_readout"),
        ("depth", "joints_to_head"),
    ],
)
def test_an_aid_says_what_it_lacks(aid, switch, hand, random_batch, perfect):
    with pytest.raises(ValueError, match=f"LossConfig.{aid}.*{switch}=True"):
        handoccnet_loss(perfect, random_batch, hand, LossConfig(**{aid: 1.0}))


def test_the_mask_aid_says_that_the_data_lack_masks(random_batch):
    without = replace(random_batch, visible=None, amodal=None)
    with pytest.raises(ValueError, match="LossConfig.mask > 0 needs data with masks"):
        mask_cross_entropy(torch.zeros(len(without), 2, 8, 8), without)
