"""Colour changes against Pillow and colorsys, blur against SciPy."""

import colorsys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance
from scipy.ndimage import gaussian_filter

from handlib.data.colour import (
    ColourChanges,
    brighten,
    change_contrast,
    gaussian_blur,
    recolour,
    saturate,
    turn_hue,
)

LEVEL = 1 / 255
channel = st.sampled_from([0.0, 0.25, 0.5, 1.0]) | st.floats(0, 1, width=32)  # ties and greys


@pytest.fixture
def images():
    return torch.randint(0, 256, (3, 3, 9, 12)) / 255


def each(*amounts):
    return torch.tensor(amounts)


@pytest.mark.parametrize(
    ("ours", "pillows"),
    [
        (brighten, ImageEnhance.Brightness),
        (saturate, ImageEnhance.Color),
        (change_contrast, ImageEnhance.Contrast),
    ],
)
def test_factors_mean_what_pillow_means(ours, pillows, images):
    """To a grey level each for Pillow's rounding of the grey and of the result."""
    factors = (0.5, 1.0, 1.5)
    found = ours(images, each(*factors))
    for image, factor, changed in zip(images, factors, found, strict=True):
        pixels = (255 * image.permute(1, 2, 0)).round().byte().numpy()
        expected = pillows(Image.fromarray(pixels)).enhance(factor)
        difference = changed.permute(1, 2, 0).numpy() - np.asarray(expected) / 255
        assert abs(difference).max() < 2 * LEVEL
        assert factor == 1 or (changed - image).abs().max() > 20 * LEVEL


@given(st.tuples(channel, channel, channel), st.floats(-1, 1, width=32))
def test_hue_turns_as_in_colorsys(colour, turns):
    hue, saturation, value = colorsys.rgb_to_hsv(*colour)
    expected = colorsys.hsv_to_rgb((hue + turns) % 1, saturation, value)
    found = turn_hue(torch.tensor(colour)[None, :, None, None], each(turns))
    assert found.flatten().tolist() == pytest.approx(expected, abs=1e-5)


def test_each_image_turns_by_its_own_amount():
    red = torch.tensor([1.0, 0, 0])[None, :, None, None].expand(3, 3, 1, 1)
    found = turn_hue(red, each(0.0, 1 / 3, -1 / 3))[:, :, 0, 0]
    assert torch.allclose(found, torch.eye(3), atol=1e-6)  # red, green, blue


def test_blur_is_scipys_gaussian(images):
    sigmas = (0.0, 0.3, 1.2)
    found = gaussian_blur(images, each(*sigmas))
    for image, sigma, blurred in zip(images, sigmas, found, strict=True):
        for plane, ours in zip(image.numpy(), blurred.numpy(), strict=True):
            expected = gaussian_filter(plane, sigma, mode="nearest", radius=5)
            assert abs(ours - expected).max() < 1e-5


def test_the_order_is_colours_as_listed_then_blur(images):
    amounts = torch.tensor([[0.6], [1.4], [0.1], [1.3], [0.8]]).expand(5, 3)
    changed = recolour(images, ColourChanges(*amounts))
    steps = (brighten, saturate, turn_hue, change_contrast, gaussian_blur)
    expected = images
    for step, amount in zip(steps, amounts, strict=True):
        expected = step(expected, amount)
    assert torch.equal(changed, expected)
    assert changed.min() >= 0 and changed.max() <= 1


def test_repeated_amounts_follow_each_other():
    changes = ColourChanges(*torch.arange(10.0).reshape(5, 2)).repeat(3)
    assert changes.brightness.tolist() == [0, 0, 0, 1, 1, 1]
    assert changes.blur.tolist() == [8, 8, 8, 9, 9, 9]
