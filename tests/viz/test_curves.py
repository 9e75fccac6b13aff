"""Curves and bars show the values they are given."""

import numpy as np
import pytest

from handlib.viz import curves, theme


def axes():
    return theme.figure(3, 2).subplots()


def test_the_loss_curve_is_a_running_mean_over_the_images_seen():
    ax = axes()
    curves.loss_curves(ax, [32, 64, 96, 128], {"joints": [4.0, 2.0, 2.0, 0.0]}, smooth=2)
    (line,) = ax.lines
    assert line.get_xdata().tolist() == [64, 96, 128]
    assert line.get_ydata().tolist() == [3, 2, 1]


def test_bars_have_their_values_and_intervals():
    ax = axes()
    values = {"a": np.array([1.0, 2.0]), "b": np.array([3.0, 4.0])}
    curves.grouped_bars(ax, ["x", "y"], values, {"a": np.array([[0.5, 1.5], [1.0, 3.0]])})
    assert [bar.get_height() for bar in ax.patches] == [1, 2, 3, 4]
    (segments,) = (bars.get_segments() for bars in ax.collections)
    ends = [(s[0][1], s[1][1]) for s in segments]
    assert ends == [pytest.approx((0.5, 1.5)), pytest.approx((1.0, 3.0))]
    assert [t.get_text() for t in ax.texts] == ["1.00", "2.00", "3.00", "4.00"]
