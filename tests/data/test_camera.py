"""Projection and crops against closed forms."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from handlib.data.camera import (
    SquareCrop,
    denormalise_pixels,
    normalise_pixels,
    project,
    transform_pixels,
    unproject,
)

INTRINSICS = torch.tensor([[600.0, 0, 310], [0, 610, 250], [0, 0, 1]], dtype=torch.float64)

coordinates = st.floats(-0.5, 0.5)
depths = st.floats(0.1, 3)
points = st.lists(st.tuples(coordinates, coordinates, depths), min_size=1, max_size=8)


def double(rows: list) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.float64)


def test_a_point_on_the_optical_axis_projects_to_the_principal_point() -> None:
    pixel = project(double([[0, 0, 0.7]]), INTRINSICS)
    torch.testing.assert_close(pixel, double([[310, 250]]))


@given(points)
def test_projection_divides_by_depth(rows: list) -> None:
    pixels = project(double(rows), INTRINSICS)
    for (x, y, z), pixel in zip(rows, pixels.tolist(), strict=True):
        assert pixel == pytest.approx([600 * x / z + 310, 610 * y / z + 250])


@given(points)
def test_unproject_undoes_project(rows: list) -> None:
    cloud = double(rows)
    back = unproject(project(cloud, INTRINSICS), cloud[:, 2], INTRINSICS)
    torch.testing.assert_close(back, cloud)


def test_batches_have_their_own_cameras() -> None:
    cloud = torch.rand(2, 5, 3, dtype=torch.float64) + 0.5
    cameras = torch.stack([INTRINSICS, INTRINSICS * double([[2], [3], [1]])])
    expected = torch.stack([project(c, k) for c, k in zip(cloud, cameras, strict=True)])
    torch.testing.assert_close(project(cloud, cameras), expected)


@pytest.mark.parametrize("size", [1, 7, 128])
def test_normalised_pixels_run_from_edge_to_edge(size: int) -> None:
    corners = double([[-0.5, -0.5], [size - 0.5, size - 0.5], [(size - 1) / 2] * 2])
    unit = normalise_pixels(corners, size)
    torch.testing.assert_close(unit, double([[0, 0], [1, 1], [0.5, 0.5]]))
    torch.testing.assert_close(denormalise_pixels(unit, size), corners)


@given(st.floats(-50, 700), st.floats(-50, 500), st.floats(20, 600), st.integers(16, 512))
def test_crop_maps_its_edges_to_the_new_images_edges(
    x: float, y: float, side: float, size: int
) -> None:
    affine = SquareCrop(x, y, side).affine(size).double()
    corners = double([[x - side / 2, y - side / 2], [x + side / 2, y + side / 2], [x, y]])
    low, high, middle = transform_pixels(corners, affine).tolist()
    assert low == pytest.approx([-0.5, -0.5], abs=1e-2)
    assert high == pytest.approx([size - 0.5] * 2, abs=1e-2)
    assert middle == pytest.approx([(size - 1) / 2] * 2, abs=1e-2)


@given(points)
def test_cropped_camera_projects_to_cropped_pixels(rows: list) -> None:
    affine = SquareCrop(300.0, 200.0, 250.0).affine(128).double()
    cropped = project(double(rows), affine @ INTRINSICS)
    torch.testing.assert_close(
        cropped, transform_pixels(project(double(rows), INTRINSICS), affine)
    )


def test_crop_around_points_contains_them_with_the_margin() -> None:
    crop = SquareCrop.around(double([[10, 20], [50, 30]]), margin=1.5)
    assert (crop.x, crop.y, crop.side) == pytest.approx((30, 25, 60))


def test_crop_around_one_point_is_refused() -> None:
    with pytest.raises(ValueError, match="no extent"):
        SquareCrop.around(double([[10, 20], [10, 20]]))
