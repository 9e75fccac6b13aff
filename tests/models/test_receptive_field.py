"""Influence against the whole Jacobian, and its summaries against loops."""

import pytest
import torch

from handlib.models import HandOccNet
from handlib.models.receptive_field import (
    STRIDES,
    by_distance_alone,
    cell_of,
    distance_from,
    influence,
    levels,
    radius,
    share,
)


@pytest.fixture(scope="module")
def network(tiny, hand):
    torch.manual_seed(4)
    return HandOccNet(tiny, hand).eval()


def test_levels_are_those_of_the_forward_pass(network):
    from handlib.models import record

    image = torch.rand(2, 3, 64, 64)
    with torch.no_grad(), record(network) as maps:
        network(image)
    for name, level in levels(network, image).items():
        recorded = maps["features" if name == "F" else name]
        torch.testing.assert_close(level, recorded)
        assert level.shape[-1] == 64 // STRIDES[name]


@pytest.mark.parametrize("level", ["c3", "F"])
def test_is_the_squared_norm_of_the_jacobian(network, level):
    image = torch.rand(2, 3, 64, 64)
    pixels = torch.tensor([[9.0, 50.0], [63.4, -3.0]])  # the last one lies outside
    found = influence(network, image, level, pixels)
    for i, (x, y) in enumerate(((9, 50), (63, 0))):
        row, column = y // STRIDES[level], x // STRIDES[level]

        def feature(one, row=row, column=column):
            return levels(network, one[None])[level][0, :, row, column]

        jacobian = torch.autograd.functional.jacobian(feature, image[i])  # C 3 S S
        torch.testing.assert_close(found[i], jacobian.square().sum((0, 1)), rtol=1e-3, atol=1e-9)


def test_random_signs_agree_with_the_exact_sum_on_average(network):
    image = torch.rand(1, 3, 64, 64).expand(4, -1, -1, -1)
    pixels = torch.full((4, 2), 31.0)
    exact = influence(network, image[:1], "F", pixels[:1]).sum()
    drawn = influence(network, image, "F", pixels, probes=64).sum((1, 2)).mean()
    assert drawn == pytest.approx(float(exact), rel=0.1)


def test_training_mode_is_refused_as_its_features_depend_on_other_images(network):
    image, pixels = torch.rand(2, 3, 64, 64), torch.zeros(2, 2)
    network.train()
    try:
        with pytest.raises(ValueError, match="eval"):
            influence(network, image, "F", pixels)
    finally:
        network.eval()
    with pytest.raises(ValueError, match="c2, c3, c4, c5, F, found 'p2'"):
        influence(network, image, "p2", pixels)


def test_a_pixel_lies_in_the_cell_that_covers_it():
    pixels = torch.tensor([[-0.5, 7.4], [7.6, 127.4], [127.5, -9.0]])
    row, column = cell_of(pixels, 128, "F")
    assert row.tolist() == [0, 15, 0] and column.tolist() == [0, 1, 15]


def test_by_distance_alone_keeps_the_rings_and_forgets_the_rest():
    distance = distance_from(torch.tensor([[3.0, 10.0], [40.0, 2.0]]), 16)
    values = torch.rand(2, 16, 16)
    found = by_distance_alone(values, distance)
    for i in range(2):
        for row, column in ((0, 0), (10, 3), (15, 15), (2, 12)):
            ring = distance[i] // 4 == distance[i, row, column] // 4
            torch.testing.assert_close(found[i, row, column], values[i][ring].mean())
    torch.testing.assert_close(found.sum((1, 2)), values.sum((1, 2)))


def test_distances_are_measured_from_x_and_y():
    distance = distance_from(torch.tensor([[3.0, 10.0]]), 16)
    assert distance[0, 10, 3] == 0 and distance[0, 6, 0] == 5


def test_share_and_radius_of_a_known_map():
    values = torch.zeros(1, 16, 16)
    values[0, 8, [8, 10, 13]] = torch.tensor([6.0, 3.0, 1.0])
    mask = torch.zeros(1, 16, 16, dtype=torch.bool)
    mask[0, :, 9:] = True
    assert share(values, mask).item() == pytest.approx(0.4)
    distance = distance_from(torch.tensor([[8.0, 8.0]]), 16)
    found = [radius(values, distance, part).item() for part in (0.5, 0.85, 0.95)]
    assert found == [0, 2, 5]
