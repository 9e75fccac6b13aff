"""A sensor's noise against its closed form, JPEG against Pillow's own round trip."""

import io

import numpy as np
import pytest
import scipy.stats
import torch
from PIL import Image

from handlib.data.sensor import SensorChanges, compress, photograph


def changes(noise, quality, seed):
    return SensorChanges(torch.tensor(noise), torch.tensor(quality), torch.tensor(seed))


@pytest.fixture
def pictures():
    """Three of smooth colours, in whole levels of 255."""
    ramp = torch.linspace(0, 1, 32)
    across, down = ramp.expand(32, -1), ramp[:, None].expand(-1, 32)
    picture = torch.stack([across, down, (1 - across) * down])
    return (255 * picture).round().expand(3, -1, -1, -1) / 255


def test_noise_is_normal_and_of_the_asked_deviation():
    grey = torch.full((3, 3, 64, 64), 0.5)
    amounts = [0.0, 0.03, 0.1]  # the edges of 0..1 are five of the largest away
    for amount, image in zip(
        amounts, photograph(grey, changes(amounts, [101] * 3, [1, 2, 3])), strict=True
    ):
        difference = (image - 0.5).flatten().double().numpy()
        assert difference.std() == pytest.approx(amount, rel=0.03)
        if amount:
            normal = scipy.stats.norm(0, amount)
            assert scipy.stats.kstest(difference, normal.cdf).pvalue > 0.01


def test_noise_stays_in_range():
    edges = torch.tensor([0.0, 1.0])[:, None, None, None].expand(-1, 3, 16, 16)
    noisy = photograph(edges, changes([0.2, 0.2], [101, 101], [1, 2]))
    assert noisy.min() == 0 and noisy.max() == 1
    assert (noisy - edges).abs().max() > 0.2


@pytest.mark.parametrize("quality", [5, 30, 75, 100])
def test_jpeg_is_pillows_round_trip(pictures, quality):
    levels = np.rint(255 * pictures[0].numpy().transpose(1, 2, 0)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(levels).save(file, "JPEG", quality=quality)
    expected = np.asarray(Image.open(file))
    found = compress(pictures[0], quality)
    assert np.array_equal(np.rint(255 * found.numpy()).transpose(1, 2, 0), expected)
    assert not np.array_equal(expected, levels)


def test_lower_quality_is_further_from_the_picture(pictures):
    errors = [(compress(pictures[0], q) - pictures[0]).square().mean() for q in (5, 30, 90)]
    assert errors == sorted(errors, reverse=True)


def test_a_picture_without_noise_and_jpeg_is_kept_bit_by_bit(pictures):
    untouched = pictures / 3  # no whole levels
    assert torch.equal(photograph(untouched, changes([0.0] * 3, [101] * 3, [1, 2, 3])), untouched)


def test_noise_comes_before_jpeg(pictures):
    noisy = photograph(pictures, changes([0.1] * 3, [101] * 3, [4, 5, 6]))
    both = photograph(pictures, changes([0.1] * 3, [20, 50, 101], [4, 5, 6]))
    for one, quality, found in zip(noisy, (20, 50, 101), both, strict=True):
        assert torch.equal(compress(one, quality), found)


def test_the_seed_alone_decides_the_noise(pictures):
    amounts = [0.1] * 3, [101] * 3
    torch.manual_seed(1)
    first = photograph(pictures, changes(*amounts, [7, 8, 7]))
    torch.manual_seed(2)
    assert torch.equal(photograph(pictures, changes(*amounts, [7, 8, 7])), first)
    assert torch.equal(first[0], first[2]) and not torch.equal(first[0], first[1])


def test_frames_of_one_camera_share_the_amounts_and_not_the_noise():
    repeated = changes([0.1, 0.2], [40, 60], [100, 200]).repeat(3)
    assert repeated.noise.tolist() == pytest.approx([0.1] * 3 + [0.2] * 3)
    assert repeated.quality.tolist() == [40] * 3 + [60] * 3
    grey = torch.full((6, 3, 16, 16), 0.5)
    seen = photograph(grey, SensorChanges(repeated.noise, torch.full((6,), 101), repeated.seed))
    for row in range(6):
        for other in range(row):
            assert not torch.equal(seen[row], seen[other])
