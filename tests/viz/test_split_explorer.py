"""The split explorer: what it says of M is what M is, and its sliders change it."""

import dataclasses

import pytest
import torch

from handlib.data import SyntheticHands, collate
from handlib.viz.split_explorer import SplitExplorer, sharpened


@pytest.fixture(scope="module")
def batch():
    rendered = SyntheticHands("val", size=3, cache=False)
    return collate([rendered[i] for i in range(3)])


@pytest.fixture
def explorer(batch):
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(3, 4, 16, 16, generator=generator)
    necessity = torch.rand(3, 1, 16, 16, generator=generator) * 0.4 + 0.4
    return SplitExplorer(batch, features, necessity, weights="weights: random")


def test_sharpness_keeps_the_order_and_ends_in_a_switch():
    necessity = torch.linspace(0.45, 0.85, 25).reshape(5, 5)
    assert torch.equal(sharpened(necessity, 1), necessity)
    assert torch.equal(sharpened(necessity, 0), torch.full((5, 5), 0.5))
    order = sharpened(necessity, 3).flatten()
    assert (order.diff() > 0).all()
    switch = sharpened(necessity, 1e6).flatten()
    assert switch[:12].max() < 1e-6 and switch[13:].min() > 1 - 1e-6


def test_each_map_of_a_batch_is_sharpened_by_itself():
    maps = torch.rand(3, 4, 4, generator=torch.Generator().manual_seed(1))
    alone = torch.stack([sharpened(m, 5) for m in maps])
    torch.testing.assert_close(sharpened(maps, 5), alone)


def test_the_caption_holds_the_numbers_of_the_map(explorer, batch):
    i = int(batch.occlusion.argmin())
    necessity, features = explorer.necessity[i, 0], explorer.features[i]
    kept = float((features * necessity).square().sum() / features.square().sum())
    picture = explorer.illustration()
    assert f"M runs from {necessity.min():.2f} to {necessity.max():.2f}" in picture.caption
    assert f"holds {kept:.0%} of" in picture.caption and "In 0% of" in picture.caption
    assert "weights: random" in picture.alt


def test_the_widget_follows_its_sliders(explorer):
    box = explorer.widget()
    rank, sharpness = box.children[0].children
    picture = box.children[1]
    before = picture.value
    sharpness.value = 50
    assert explorer.sharpness == 50 and picture.value != before
    before = picture.value
    rank.value = 2
    assert explorer.rank == 2 and picture.value != before


def test_it_needs_masks(batch):
    bare = dataclasses.replace(batch, visible=None)
    with pytest.raises(ValueError, match="masks"):
        SplitExplorer(bare, torch.zeros(3, 1, 4, 4), torch.zeros(3, 1, 4, 4))
