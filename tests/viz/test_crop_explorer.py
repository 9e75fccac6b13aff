"""The crop explorer's camera is the crop's, and its picture follows the controls."""

import numpy as np
import pytest
import torch
from PIL import Image

from handlib.data.camera import project
from handlib.data.recorded_frame import RecordedFrame
from handlib.data.sample import MissingLabelError
from handlib.viz.crop_explorer import CropExplorer

K = torch.tensor([[200.0, 0, 80], [0, 210, 60], [0, 0, 1]])


@pytest.fixture
def frame():
    joints = 0.05 * torch.randn(21, 3) + torch.tensor([0.02, -0.01, 0.6])
    noise = np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8)
    return RecordedFrame(Image.fromarray(noise), K, joints=joints)


def test_starts_with_one_and_a_half_times_the_box_of_the_joints(frame):
    explorer = CropExplorer(frame)
    low, high = frame.joints_px.amin(0), frame.joints_px.amax(0)
    assert explorer.side == round(1.5 * float((high - low).max()))
    assert [explorer.x, explorer.y] == [round(c) for c in ((low + high) / 2).tolist()]


@pytest.mark.parametrize("resolution", [32, 256])
def test_joints_keep_their_place_between_the_crop_s_edges(frame, resolution):
    """As shares of the square, measured from its edges, resolution does not matter."""
    explorer = CropExplorer(frame, resolution)
    explorer.x, explorer.y, explorer.side = 71, 52, 90
    corner = torch.tensor([71.0, 52.0]) - 45
    expected = (project(frame.joints, K) - corner) / 90
    found = (explorer.joints_px() + 0.5) / resolution
    assert torch.allclose(found, expected, atol=1e-4)


def test_the_place_moves_the_principal_point_only(frame):
    explorer = CropExplorer(frame)
    before = explorer.intrinsics
    explorer.x += 7
    change = explorer.intrinsics - before
    moved = torch.zeros(3, 3)
    moved[0, 2] = -7 * explorer.resolution / explorer.side
    assert torch.allclose(change, moved, atol=1e-4)


def test_the_controls_redraw_the_picture(frame):
    controls, picture = CropExplorer(frame).widget().children
    x, _, side, resolution = controls.children
    before = picture.value
    x.value, side.value, resolution.value = 30, 64, 32
    assert picture.value != before and "64 px around (30" in picture.value


def test_a_frame_without_joints_is_refused():
    blank = Image.new("RGB", (8, 8))
    with pytest.raises(MissingLabelError, match="joints"):
        CropExplorer(RecordedFrame(blank, K))
