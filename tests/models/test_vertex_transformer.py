"""The vertex transformer: where it starts, who its tokens are, and that the one loop trains it."""

from dataclasses import replace

import pytest
import torch

from handlib.models.record import record
from handlib.models.vertex_transformer import (
    VertexTransformer,
    VertexTransformerConfig,
    farthest_points,
)


@pytest.fixture(scope="module")
def model(hand):
    torch.manual_seed(0)
    config = VertexTransformerConfig(image_size=32, channels=16, heads=2, hidden=16, vertices=40)
    return VertexTransformer(config, hand).eval()


def test_it_starts_near_the_template(model, hand):
    rest = hand(torch.zeros(1, 16, 3), torch.zeros(1, 10))
    with torch.no_grad():
        prediction = model(torch.rand(2, 3, 32, 32))
    assert (prediction.joints - rest.joints).norm(dim=-1).max() < 2e-3
    assert (prediction.vertices - rest.vertices).norm(dim=-1).mean() < 0.012


def test_tokens_know_who_they_are(model):
    """With the places exchanged, the offsets are exchanged with them."""
    image = torch.rand(1, 3, 32, 32)
    order = torch.randperm(len(model.template))
    with torch.no_grad(), record(model) as maps:
        model(image)
        offsets = maps["points"][0] - model.template
        template = model.template.clone()
        model.template.copy_(template[order])
        model(image)
        shuffled = maps["points"][0] - model.template
        model.template.copy_(template)
    assert torch.allclose(shuffled, offsets[order], atol=1e-5)


def test_the_image_reaches_every_point(model):
    images = torch.stack([torch.zeros(3, 32, 32), torch.ones(3, 32, 32)])
    with torch.no_grad():
        prediction = model(images)
    assert ((prediction.joints[0] - prediction.joints[1]).norm(dim=-1) > 0).all()


def test_farthest_points_spread_better_than_chance(hand):
    points = hand(torch.zeros(1, 16, 3), torch.zeros(1, 10)).vertices[0]
    chosen = farthest_points(points, 60)
    assert len(chosen.unique()) == 60

    def reach(index):
        return torch.cdist(points, points[index]).min(dim=1).values.max()

    chance = [reach(torch.randperm(len(points))[:60]) for _ in range(20)]
    assert reach(chosen) < min(chance)


def test_widths_are_free(hand):
    config = replace(VertexTransformerConfig(), depth=1, vertices=21)
    prediction = VertexTransformer(config, hand)(torch.rand(1, 3, 128, 128))
    assert prediction.vertices.shape == (1, 778, 3) and prediction.joints.shape == (1, 21, 3)
