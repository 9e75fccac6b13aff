"""The heatmap explorer's mean is the map's, and its picture follows the controls."""

import pytest
import torch

from handlib.hands.skeleton import JOINT_NAMES
from handlib.viz.heatmap_explorer import HeatmapExplorer

TIP = JOINT_NAMES.index("index_tip")


@pytest.fixture
def explorer():
    generator = torch.Generator().manual_seed(3)
    heatmaps = torch.rand(21, 4, 8, generator=generator)
    heatmaps /= heatmaps.sum((1, 2), keepdim=True)
    joints = 32 * torch.rand(21, 2, generator=generator)
    return HeatmapExplorer(
        torch.rand(3, 32, 32, generator=generator), heatmaps, joints, "index_tip"
    )


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_the_map_is_a_power_of_the_network_s(explorer, temperature):
    power = explorer.heatmaps[TIP].double() ** temperature
    found, mean, error = explorer.at(temperature)
    assert torch.allclose(found.double(), power / power.sum(), atol=1e-6)
    cells = [((c + 0.5) * 4 - 0.5, (r + 0.5) * 8 - 0.5) for r in range(4) for c in range(8)]
    expected = (power / power.sum()).flatten() @ torch.tensor(cells).double()
    assert torch.allclose(mean.double(), expected, atol=1e-4)
    assert error == pytest.approx(float((expected - explorer.joints_px[TIP]).norm()), abs=1e-3)


def test_the_controls_redraw_the_picture(explorer):
    controls, picture = explorer.widget().children
    joint, temperature = controls.children
    before = picture.value
    joint.value, temperature.value = "thumb_tip", 8.0
    assert picture.value != before and "thumb_tip" in picture.value
