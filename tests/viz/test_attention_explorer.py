"""The attention explorer shows the row of the query that its sliders name."""

import pytest
import torch

from handlib.viz.attention_explorer import AttentionExplorer


@pytest.fixture
def explorer():
    uniform = torch.full((16, 16), 1 / 16)
    itself = torch.eye(16)
    return AttentionExplorer(
        torch.rand(3, 32, 32), {"uniform": uniform, "itself": itself}, query=(1, 2)
    )


def test_rows_are_in_multiples_of_chance_and_on_the_grid(explorer):
    rows = explorer.rows()
    assert torch.equal(rows["uniform"], torch.ones(4, 4))
    assert rows["itself"][1, 2] == 16 and rows["itself"].sum() == 16


def test_the_sliders_move_the_query(explorer):
    sliders, picture = explorer.widget().children
    assert "(1, 2)" in picture.value and "itself 0.0 to 16.0" in picture.value
    sliders.children[0].value = 3
    assert "(3, 2)" in picture.value
    assert explorer.rows()["itself"][3, 2] == 16
