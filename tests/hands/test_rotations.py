"""Rotations against SciPy, and their behaviour at angles 0 and pi."""

import math

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from torch import Tensor
from torch.autograd import gradcheck

from handlib.hands import rotations as rot

DTYPES = [torch.float64, torch.float32]
TOLERANCE = {torch.float64: 1e-12, torch.float32: 2e-6}
UNITS = st.floats(-1, 1).filter(lambda x: x == 0 or abs(x) > 1e-3)
AXES = st.tuples(UNITS, UNITS, UNITS).filter(any)
ANGLES = st.one_of(
    st.floats(0, math.pi),
    st.floats(-14, 0).map(lambda power: 10**power),
    st.floats(-14, 0).map(lambda power: math.pi - 10**power),
    st.sampled_from([0.0, math.pi]),
)


def axis_angle(axis: tuple[float, ...], angle: float) -> np.ndarray:
    return np.array(axis) / np.linalg.norm(axis) * angle


def same_axis_angle(a: np.ndarray, b: np.ndarray, tolerance: float) -> bool:
    """Equal vectors, or opposite ones at an angle of pi."""
    near_pi = abs(np.linalg.norm(a) - math.pi) < 10 * tolerance
    difference = np.linalg.norm(a - b)
    return difference < tolerance or (near_pi and np.linalg.norm(a + b) < 20 * tolerance)


def scipy_quaternion(rotation: Rotation) -> np.ndarray:
    return rotation.as_quat(canonical=True)[[3, 0, 1, 2]]


@pytest.mark.parametrize("dtype", DTYPES)
@given(axis=AXES, angle=ANGLES)
@example(axis=(1.0, 0.0, 0.0), angle=math.pi)
@example(axis=(0.6, 0.0, -0.8), angle=math.pi)
@example(axis=(0.0, 1.0, 0.0), angle=0.0)
@example(axis=(1.0, 2.0, 3.0), angle=2e-4)
def test_agrees_with_scipy(dtype: torch.dtype, axis: tuple[float, ...], angle: float) -> None:
    expected = Rotation.from_rotvec(axis_angle(axis, angle))
    tolerance = TOLERANCE[dtype]
    vector = torch.tensor(expected.as_rotvec(), dtype=dtype)
    matrix = torch.tensor(expected.as_matrix(), dtype=dtype)
    quaternion = torch.tensor(scipy_quaternion(expected), dtype=dtype)

    for found in (rot.axis_angle_to_rotmat(vector), rot.quaternion_to_rotmat(-3 * quaternion)):
        assert found.dtype == dtype
        np.testing.assert_allclose(found, expected.as_matrix(), atol=tolerance)
    for found in (rot.axis_angle_to_quaternion(vector), rot.rotmat_to_quaternion(matrix)):
        sign = np.sign(found.numpy() @ scipy_quaternion(expected))
        np.testing.assert_allclose(sign * found, scipy_quaternion(expected), atol=tolerance)
    for found in (rot.rotmat_to_axis_angle(matrix), rot.quaternion_to_axis_angle(-2 * quaternion)):
        assert found.norm() <= math.pi + tolerance
        assert same_axis_angle(found.numpy(), expected.as_rotvec(), 10 * tolerance)


@given(axis=AXES, turns=st.floats(1.01, 40))
def test_angles_beyond_pi(axis: tuple[float, ...], turns: float) -> None:
    vector = axis_angle(axis, turns * math.pi)
    found = rot.axis_angle_to_rotmat(torch.tensor(vector))
    np.testing.assert_allclose(found, Rotation.from_rotvec(vector).as_matrix(), atol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
def test_exact_at_zero(dtype: torch.dtype) -> None:
    zero, identity = torch.zeros(3, dtype=dtype), torch.eye(3, dtype=dtype)
    assert torch.equal(rot.axis_angle_to_rotmat(zero), identity)
    assert torch.equal(rot.rotmat_to_axis_angle(identity), zero)
    assert rot.axis_angle_to_quaternion(zero).tolist() == [1, 0, 0, 0]
    assert rot.rotmat_to_quaternion(identity).tolist() == [1, 0, 0, 0]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "axis", [(1.0, 0, 0), (0, -1.0, 0), (0, 0, 1.0), (0.6, 0.8, 0), (2, 1, 2)]
)
def test_half_turn(dtype: torch.dtype, axis: tuple[float, ...]) -> None:
    unit = torch.tensor(axis, dtype=dtype)
    unit = unit / unit.norm()
    half_turn = 2 * torch.outer(unit, unit) - torch.eye(3, dtype=dtype)
    found = rot.rotmat_to_axis_angle(half_turn)
    eps = torch.finfo(dtype).eps
    assert abs(found.norm() - math.pi) < 8 * eps
    assert (found @ unit).abs() == pytest.approx(math.pi, abs=8 * eps)
    torch.testing.assert_close(rot.axis_angle_to_rotmat(found), half_turn, atol=8 * eps, rtol=0)


def finite_gradient(convert, value: Tensor) -> bool:
    value = value.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(convert(value).square().sum() + convert(value).sum(), value)
    return bool(torch.isfinite(gradient).all() and torch.isfinite(convert(value)).all())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("angle", [0.0, 1e-30, 1e-8, 1e-4, 1.9e-4, 2.1e-4, 3.1415, math.pi])
@pytest.mark.parametrize("axis", [(1.0, 0, 0), (0, 1.0, 0), (0, 0, -1.0), (1, 2, -3)])
def test_gradients_are_finite(dtype: torch.dtype, angle: float, axis: tuple[float, ...]) -> None:
    vector = axis_angle(axis, angle)
    rotation = Rotation.from_rotvec(vector)
    vector = torch.tensor(vector, dtype=dtype)
    matrix = torch.tensor(rotation.as_matrix(), dtype=dtype)
    quaternion = torch.tensor(scipy_quaternion(rotation), dtype=dtype)
    assert finite_gradient(rot.axis_angle_to_rotmat, vector)
    assert finite_gradient(rot.axis_angle_to_quaternion, vector)
    assert finite_gradient(rot.rotmat_to_axis_angle, matrix)
    assert finite_gradient(rot.rotmat_to_quaternion, matrix)
    assert finite_gradient(rot.quaternion_to_axis_angle, quaternion)
    assert finite_gradient(rot.quaternion_to_rotmat, quaternion)


def test_gradient_at_zero_is_the_generator() -> None:
    """d R / d axis_angle at 0 is the cross-product matrix of each axis."""
    jacobian = torch.autograd.functional.jacobian(
        rot.axis_angle_to_rotmat, torch.zeros(3, dtype=torch.float64)
    )
    for axis in range(3):
        expected = np.cross(np.eye(3)[axis], np.eye(3)).T
        np.testing.assert_allclose(jacobian[..., axis], expected, atol=1e-15)
    round_trip = torch.autograd.functional.jacobian(
        lambda v: rot.rotmat_to_axis_angle(rot.axis_angle_to_rotmat(v)),
        torch.zeros(3, dtype=torch.float64),
    )
    np.testing.assert_allclose(round_trip, np.eye(3), atol=1e-15)


@pytest.mark.parametrize("angle", [1e-3, 0.5, 2.0, 3.0])
def test_gradients_are_right(angle: float) -> None:
    generator = torch.Generator().manual_seed(int(1000 * angle))
    vector = torch.randn(4, 3, dtype=torch.float64, generator=generator)
    vector = (vector / vector.norm(dim=-1, keepdim=True) * angle).requires_grad_()
    matrix = rot.axis_angle_to_rotmat(vector).detach().requires_grad_()
    quaternion = (1.3 * rot.axis_angle_to_quaternion(vector)).detach().requires_grad_()
    rot6d = (1.7 * rot.rotmat_to_rot6d(matrix)).detach().requires_grad_()
    assert gradcheck(rot.axis_angle_to_rotmat, vector)
    assert gradcheck(rot.axis_angle_to_quaternion, vector)
    assert gradcheck(rot.rotmat_to_axis_angle, matrix)
    assert gradcheck(rot.rotmat_to_quaternion, matrix)
    assert gradcheck(rot.quaternion_to_axis_angle, quaternion)
    assert gradcheck(rot.quaternion_to_rotmat, quaternion)
    assert gradcheck(rot.rot6d_to_rotmat, rot6d)


def test_6d_is_gram_schmidt_on_columns() -> None:
    found = rot.rot6d_to_rotmat(torch.tensor([[2.0, 0, 0, 5, 0, 3]]))
    assert found[0].T.tolist() == [[1, 0, 0], [0, 0, 1], [0, -1, 0]]


@given(st.lists(st.floats(-10, 10), min_size=6, max_size=6))
def test_6d_gives_the_nearest_frame_of_its_plane(numbers: list[float]) -> None:
    """Against QR, which does Gram-Schmidt up to signs."""
    pair = np.array(numbers).reshape(2, 3).T
    q, r = np.linalg.qr(pair)
    if np.abs(np.diag(r)).min() < 1e-3:
        return
    q = q * np.sign(np.diag(r))
    found = rot.rot6d_to_rotmat(torch.tensor(numbers, dtype=torch.float64)).numpy()
    np.testing.assert_allclose(found[:, :2], q, atol=1e-9)
    np.testing.assert_allclose(found.T @ found, np.eye(3), atol=1e-12)
    assert np.linalg.det(found) == pytest.approx(1)


@pytest.mark.parametrize("numbers", [[0.0] * 6, [1.0, 2, 3, 2, 4, 6], [0.0, 0, 0, 1, 0, 0]])
def test_degenerate_6d_stays_finite(numbers: list[float]) -> None:
    assert finite_gradient(rot.rot6d_to_rotmat, torch.tensor(numbers))


def test_6d_round_trip() -> None:
    matrices = torch.tensor(Rotation.random(20, rng=0).as_matrix())
    torch.testing.assert_close(rot.rot6d_to_rotmat(rot.rotmat_to_rot6d(matrices)), matrices)


@pytest.mark.parametrize("batch", [(), (1,), (0,), (2, 16), (3, 1, 2)])
def test_any_batch_shape(batch: tuple[int, ...]) -> None:
    vector = torch.randn(*batch, 3, generator=torch.Generator().manual_seed(1))
    matrix = rot.axis_angle_to_rotmat(vector)
    assert matrix.shape == (*batch, 3, 3)
    assert rot.rotmat_to_axis_angle(matrix).shape == (*batch, 3)
    assert rot.rotmat_to_quaternion(matrix).shape == (*batch, 4)
    assert rot.rotmat_to_rot6d(matrix).shape == (*batch, 6)
    assert rot.rot6d_to_rotmat(rot.rotmat_to_rot6d(matrix)).shape == (*batch, 3, 3)
    for index in np.ndindex(batch):
        alone = Rotation.from_rotvec(vector[index].numpy()).as_matrix()
        np.testing.assert_allclose(matrix[index], alone, atol=2e-6)
