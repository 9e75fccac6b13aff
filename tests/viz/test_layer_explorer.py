"""The layer explorer's numbers are of the chosen image and map; fingers are where parts say."""

import pytest
import torch

from handlib.hands.skeleton import FINGERS, MANO_JOINT_NAMES
from handlib.viz import regions
from handlib.viz.layer_explorer import LayerExplorer


@pytest.fixture
def explorer():
    amodal = torch.zeros(2, 32, 32, dtype=torch.bool)
    amodal[:, :16] = True
    visible = amodal.clone()
    visible[0, :, 16:] = False
    low = torch.zeros(2, 4, 4)
    low[0, :2, :2] = 1.0  # the first image's visible hand
    low[0, :2, 2:] = 3.0  # its hidden hand
    return LayerExplorer(torch.rand(2, 3, 32, 32), visible, amodal, {"low": low, "high": low + 5})


def test_means_are_those_of_the_regions(explorer):
    assert explorer.means() == {"visible hand": 1.0, "hidden hand": 3.0, "background": 0.0}
    explorer.layer = "high"
    assert explorer.means()["hidden hand"] == 8.0


def test_the_controls_redraw_the_picture(explorer):
    controls, picture = explorer.widget().children
    slider, dropdown = controls.children
    before = picture.value
    slider.value, dropdown.value = 1, "high"
    assert picture.value != before
    assert "high over image 1" in picture.value and "hidden hand nan" in picture.value


def test_each_finger_s_share_is_counted_pixel_by_pixel():
    parts = torch.randint(17, (2, 8, 8), generator=torch.Generator().manual_seed(0))
    found = regions.finger_shares(parts.to(torch.uint8), side=2)
    for b in range(2):
        for k, finger in enumerate(FINGERS):
            for token in range(4):
                y, x = divmod(token, 2)
                pixels = parts[b, 4 * y : 4 * y + 4, 4 * x : 4 * x + 4].flatten().tolist()
                names = [MANO_JOINT_NAMES[p - 1] if p else "" for p in pixels]
                expected = sum(name.split("_")[0] == finger for name in names) / 16
                assert found[b, k, token] == pytest.approx(expected)
