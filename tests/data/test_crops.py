"""Crops against a slow loop over pixels, and against closed forms."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from handlib.data.camera import SquareCrop
from handlib.data.crops import crop_preset, cut_image, cut_mask, square_around


def ramp(width=60, height=40):
    """Brightness that is linear in the position, so that any filter leaves it as it is."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    return Image.fromarray(np.stack([4 * x, 6 * y, 2 * x + y], -1).astype(np.uint8))


@pytest.mark.parametrize("crop", [SquareCrop(30.0, 20.0, 24.0), SquareCrop(22.3, 18.7, 17.5)])
@pytest.mark.parametrize("resolution", [7, 24, 100])
def test_each_pixel_shows_its_place(crop, resolution):
    image, affine = cut_image(ramp(), crop, resolution), crop.affine(resolution)
    back = torch.linalg.inv(affine)
    for row, column in [(0, 0), (resolution // 2, resolution // 3), (resolution - 1, 1)]:
        x, y = (back @ torch.tensor([column, row, 1.0]))[:2].tolist()
        expected = torch.tensor([4 * x, 6 * y, 2 * x + y]) / 255
        torch.testing.assert_close(image[:, row, column], expected, atol=2 / 255, rtol=0)


@settings(max_examples=25)
@given(st.floats(-40, 100), st.floats(-40, 80), st.floats(4, 150), st.sampled_from([8, 33, 64]))
def test_outside_the_image_is_black_and_inside_is_not(x, y, side, resolution):
    white = Image.new("RGB", (60, 40), "white")
    crop = SquareCrop(x, y, side)
    image, back = cut_image(white, crop, resolution), torch.linalg.inv(crop.affine(resolution))
    grid = torch.stack(torch.meshgrid([torch.arange(resolution)] * 2, indexing="xy"), -1).float()
    place = grid @ back[:2, :2].T + back[:2, 2]
    edge = torch.minimum(place + 0.5, torch.tensor([59.5, 39.5]) - place).amin(-1)
    width = 1.01 + 2 * side / resolution  # of the filter, in pixels of the image
    assert (image[:, edge > width] > 0.99).all()
    assert (image[:, edge < -width] < 0.01).all()


@settings(max_examples=25)
@given(
    st.floats(-20, 60), st.floats(-20, 50), st.floats(2, 80), st.sampled_from([(60, 40), (15, 10)])
)
def test_masks_by_a_slow_loop(x, y, side, size):
    mask = np.random.default_rng(0).random((size[1], size[0])) > 0.5
    affine = SquareCrop(x, y, side).affine(9).double().numpy()
    back = np.linalg.inv(affine)
    found, scale = cut_mask(mask, 60, affine, 9, 9), size[0] / 60
    for row in range(9):
        for column in range(9):
            place = back[:2] @ [column, row, 1]
            u, v = (place + 0.5) * scale - 0.5
            near = np.abs([u - np.floor(u) - 0.5, v - np.floor(v) - 0.5]).min() < 1e-6
            i, j = round(v), round(u)
            inside = 0 <= i < size[1] and 0 <= j < size[0]
            assert near or found[row, column] == (inside and mask[i, j])


def test_squares_of_the_two_papers():
    hand = torch.tensor([[100.0, 50], [140, 70]])
    alone = square_around(hand)
    assert (alone.x, alone.y, alone.side) == (120, 60, 60)
    thing = torch.tensor([[200.0, 60], [240, 180]])
    # Hand: 90..150 by 45..75; thing, 1.5 times: 190..250 by 30..210.
    both = square_around(hand, thing, 1.5)
    assert (both.x, both.y, both.side) == (170, 120, 180)
    plain = square_around(hand, thing)
    assert (plain.x, plain.y, plain.side) == (165, 112.5, 150)


def test_presets():
    assert crop_preset(None, None) is None
    assert crop_preset("handoccnet", None).resolution == 256
    assert crop_preset("deformer", None).resolution == 512
    assert crop_preset("deformer", 64).resolution == 64 and crop_preset("deformer", 64).with_object
    with pytest.raises(ValueError, match="resolution: expected at least 1"):
        crop_preset("deformer", 0)
