"""The explorer says where the influence lies, and its picture follows the controls."""

import re

import pytest
import torch

from handlib.models import HandOccNet
from handlib.models.receptive_field import influence
from handlib.viz.influence_explorer import InfluenceExplorer


@pytest.fixture(scope="module")
def network(hand):
    from handlib.models import HandOccNetConfig

    torch.manual_seed(4)
    return HandOccNet(HandOccNetConfig.course(), hand).eval()


@pytest.fixture
def explorer(network):
    visible = torch.zeros(128, 128, dtype=torch.bool)
    visible[:, :64] = True
    amodal = torch.ones(128, 128, dtype=torch.bool)
    image = torch.rand(3, 128, 128)
    return InfluenceExplorer(network, image, torch.tensor([30.2, 90.0]), visible, amodal)


def test_shares_are_those_of_the_influence_itself(explorer):
    values = influence(explorer.model, explorer.image[None], "F", torch.tensor([[30.0, 90.0]]))[0]
    left = float(values[:, :64].sum() / values.sum())
    caption = explorer.illustration().caption
    seen, over = (int(n) for n in re.findall(r"(\d+)%", caption))
    assert seen == round(100 * left) and over == round(100 * (1 - left))


def test_the_controls_redraw_the_picture(explorer):
    controls, picture = explorer.widget().children
    x, y, level = controls.children
    before = picture.value
    x.value, y.value, level.value = 100, 20, "c2"
    assert picture.value != before and "c2 at (100, 20)" in picture.value
    assert (explorer.x, explorer.level) == (100, "c2")


def test_a_fine_level_looks_less_far(explorer):
    """What c2's cell can see is 27 pixels wide; nothing lies outside."""
    explorer.level = "c2"
    values = explorer.values()
    columns = values.sum(0).nonzero()[:, 0]
    assert columns.min() >= 28 - 13 and columns.max() <= 31 + 13
