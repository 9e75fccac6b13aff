"""What a change of a network costs is drawn where it belongs, as it was measured."""

import numpy as np
import pytest

from handlib.metrics import OcclusionBin
from handlib.viz import score_plots


def rows(*means):
    edges = np.linspace(0, 1, len(means) + 1)
    return [
        OcclusionBin(low, high, 10, mean, (mean - 0.5, mean + 0.25))
        for low, high, mean in zip(edges[:-1], edges[1:], means, strict=True)
    ]


CHANGES = {
    "free": {"zero": rows(1.0, 2.0), "gate open": rows(0.0, -1.0)},
    "told": {"zero": rows(3.0, 4.0), "gate open": rows(0.5, 0.25)},
}


def test_each_network_has_its_panel_with_the_changes_and_their_intervals():
    fig = score_plots.change_by_occlusion(CHANGES)
    assert [ax.get_title() for ax in fig.axes] == list(CHANGES)
    for ax, series in zip(fig.axes, CHANGES.values(), strict=True):
        for drawn, (name, expected) in zip(ax.containers, series.items(), strict=True):
            points, _, (spans,) = drawn.lines
            assert drawn.get_label() == name
            assert points.get_ydata().tolist() == [row.mean for row in expected]
            ends = [(low, high) for (_, low), (_, high) in spans.get_segments()]
            assert ends == [pytest.approx(row.interval) for row in expected]
        assert [t.get_text() for t in ax.get_xticklabels()] == ["0%–50%", "50%–100%"]


def test_changes_stand_side_by_side_around_their_bin_and_differ_without_colour():
    ax = score_plots.change_by_occlusion(CHANGES).axes[0]
    points = [drawn.lines[0] for drawn in ax.containers]
    places = np.array([line.get_xdata() for line in points])
    assert places.mean(0) == pytest.approx([0, 1])
    assert (places[0] < places[1]).all()
    assert len({line.get_marker() for line in points}) == 2


def test_both_panels_share_one_scale_and_one_legend():
    fig = score_plots.change_by_occlusion(CHANGES)
    first, second = fig.axes
    assert first.get_ylim() == second.get_ylim()
    assert [t.get_text() for t in fig.legends[0].get_texts()] == ["zero", "gate open"]
