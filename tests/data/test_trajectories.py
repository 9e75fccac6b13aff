"""Minimum-jerk moves against their defining differential equation, and what their sums keep."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_bvp

from handlib.data.synthetic.trajectories import Moves, Tremor, minimum_jerk


def test_minimum_jerk_solves_its_boundary_problem() -> None:
    """Least jerk means a sixth derivative of zero; at rest at both ends (Flash and Hogan)."""

    def derivative(_: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.concatenate([y[1:], np.zeros_like(y[:1])])

    def ends(start: np.ndarray, end: np.ndarray) -> np.ndarray:
        return np.concatenate([start[:3], end[:3] - [1, 0, 0]])

    grid = np.linspace(0, 1, 21)
    solved = solve_bvp(derivative, ends, grid, np.zeros((6, 21)))
    np.testing.assert_allclose(minimum_jerk(grid), solved.sol(grid)[0], atol=1e-6)


def test_before_and_after_a_move_nothing_moves() -> None:
    assert minimum_jerk(np.array([-3.0, 0, 1, 7])).tolist() == [0, 0, 1, 1]


numbers = st.floats(-2, 2)
goals = st.tuples(st.floats(0.2, 1), st.floats(-0.9, 0.5), numbers, numbers)


@given(st.lists(goals, min_size=1, max_size=6))
def test_a_track_stays_between_its_keys_and_is_smooth(goals: list) -> None:
    """Moves of some duration that follow each other after a pause, or overlap."""
    moves, now = Moves([np.zeros(2)]), 0.0
    for duration, pause, *key in goals:
        moves.add(now, duration, np.array(key))
        now += duration + pause
    track, keys = moves.track(), np.array(moves.keys)
    time = np.arange(-0.5, max(moves.end) + 0.5, 0.001)
    values = track.at(time)
    assert (values >= keys.min(0) - 1e-9).all() and (values <= keys.max(0) + 1e-9).all()
    np.testing.assert_allclose(values[0], keys[0])
    np.testing.assert_allclose(values[-1], keys[-1], atol=1e-9)
    # Each move's acceleration is at most 5.774 D / T^2 (10 / sqrt 3); a sum has at most their sum.
    way, seconds = np.abs(np.diff(keys, axis=0)), (track.end - track.start)[:, None]
    bound = (5.7736 * way / seconds**2).sum(0)
    assert (np.abs(np.diff(values, 2, axis=0)).max(0) / 0.001**2 <= 1.01 * bound + 1e-4).all()


def test_a_lag_delays_one_value() -> None:
    moves = Moves([np.zeros(2)])
    moves.add(0.1, 0.5, np.ones(2))
    time = np.linspace(0, 1, 50)
    plain = moves.track()
    late = moves.track(np.array([0.0, 0.2])).at(time)
    np.testing.assert_array_equal(late[:, 0], plain.at(time)[:, 0])
    np.testing.assert_allclose(late[:, 1], plain.at(time - 0.2)[:, 1])


def test_tremor_is_bounded_and_slow() -> None:
    amplitude = np.array([0.1, 0.0, 2.0])
    time = np.arange(0, 60, 0.01)
    values = Tremor.draw(np.random.default_rng(0), amplitude).at(time)
    assert (np.abs(values) <= amplitude + 1e-12).all()
    assert (np.abs(values).max(0) >= 0.6 * amplitude).all()
    speed = np.abs(np.diff(values, axis=0)).max(0) / 0.01
    assert (speed <= 2 * np.pi * 0.9 * amplitude + 1e-9).all()
    assert speed[0] == pytest.approx(speed[2] / 20, rel=0.6)
