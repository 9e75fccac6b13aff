"""The map shows every notebook once, and an arrow for everything that it builds on."""

import pytest
from matplotlib.colors import to_rgba
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from handlib.course.course_map import entries
from handlib.viz import theme
from handlib.viz.course_map import draw_course_map


@pytest.fixture
def drawn():
    fig = theme.figure(9, 4)
    ax = fig.subplots()
    draw_course_map(ax, entries(), here={"00", "06"})
    return ax


def boxes(ax):
    return [p for p in ax.patches if isinstance(p, FancyBboxPatch)]


def test_one_box_a_notebook_and_those_here_are_filled(drawn):
    filled = [p.get_facecolor() != to_rgba(theme.PAPER) for p in boxes(drawn)]
    assert [e.number for e, full in zip(entries(), filled, strict=True) if full] == ["00", "06"]


def test_boxes_do_not_overlap(drawn):
    frames = [(b.get_x(), b.get_y(), b.get_width(), b.get_height()) for b in boxes(drawn)]
    for i, (x, y, w, h) in enumerate(frames):
        for other_x, other_y, *_ in frames[:i]:
            assert abs(x - other_x) >= w or abs(y - other_y) >= h


def test_an_arrow_for_each_need(drawn):
    arrows = [p for p in drawn.patches if isinstance(p, FancyArrowPatch)]
    assert len(arrows) == sum(len(entry.needs) for entry in entries())


def test_each_box_is_named(drawn):
    text = " ".join(t.get_text().replace("\n", " ") for t in drawn.texts)
    for entry in entries():
        assert f"{entry.number} {entry.title.en.partition(':')[0]}" in text
