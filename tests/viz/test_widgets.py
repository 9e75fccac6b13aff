"""The explorer's picture follows its sliders."""

import pytest
import torch

from handlib.viz.widgets import QueryExplorer


@pytest.fixture
def explorer():
    softmax = torch.rand(2, 16, 16, generator=torch.Generator().manual_seed(0)).softmax(-1)
    gate = torch.linspace(0, 1, 32).reshape(2, 16)
    return QueryExplorer(torch.rand(3, 32, 32), softmax, gate, query=(1, 2))


def test_row_and_gate_are_those_of_the_chosen_token(explorer):
    token = 1 * 4 + 2
    assert explorer.gate[0][explorer.query] == torch.linspace(0, 1, 32)[token]
    assert (
        f"gate of {float(torch.linspace(0, 1, 32)[token]):.2f}" in explorer.illustration().caption
    )


def test_moving_a_slider_redraws_the_picture(explorer):
    box, picture = explorer.widget().children
    before = picture.value
    row, column, head = box.children
    row.value, head.value = 3, 1
    assert explorer.query == (3, 2) and explorer.head == 1
    assert picture.value != before
    assert "query token (3, 2), head 1" in picture.value


def test_the_sliders_stay_inside_the_grid(explorer):
    row, column, head = explorer.widget().children[0].children
    assert (row.max, column.max, head.max) == (3, 3, 1)
