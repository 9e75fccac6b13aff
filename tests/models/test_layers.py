"""Single layers against closed forms and the naive order."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from handlib.models.fpn import smooth_then_halve
from handlib.models.heatmap import soft_argmax
from handlib.models.necessity import SpatialGate


@settings(deadline=None, max_examples=20)
@given(height=st.integers(1, 6), width=st.integers(1, 6), seed=st.integers(0, 999))
def test_halving_before_smoothing_is_exact_up_to_the_border(height, width, seed):
    torch.manual_seed(seed)
    x = torch.randn(2, 3, 2 * height, 2 * width, dtype=torch.float64)
    smooth = nn.Conv2d(3, 3, 3, padding=1).double()
    expected = F.avg_pool2d(smooth(x), 2)
    torch.testing.assert_close(smooth_then_halve(x, smooth), expected)


@pytest.mark.parametrize(("row", "column"), [(0, 0), (3, 6), (2, 1)])
def test_soft_argmax_of_one_cell_is_its_centre(row, column):
    heatmap = torch.zeros(1, 1, 4, 8)
    heatmap[0, 0, row, column] = 1
    u, v = soft_argmax(heatmap)[0, 0].tolist()
    assert (u, v) == pytest.approx(((column + 0.5) / 8, (row + 0.5) / 4))


def test_soft_argmax_is_the_mean_position():
    heatmap = torch.full((1, 1, 4, 8), 1 / 32)
    torch.testing.assert_close(soft_argmax(heatmap), torch.full((1, 1, 2), 0.5))


def test_spatial_gate_reads_the_strongest_channel_first():
    gate = SpatialGate().eval()
    nn.init.zeros_(gate.conv.conv.weight)
    gate.conv.conv.weight.data[0, 0, 3, 3] = 1  # the strongest channel of the cell itself
    features = torch.tensor([1.0, -3.0, 2.0]).view(1, 3, 1, 1)
    strongest = 2 / (1 + 1e-5) ** 0.5  # a fresh norm's eps
    torch.testing.assert_close(gate(features).squeeze(), torch.tensor(strongest).sigmoid())
