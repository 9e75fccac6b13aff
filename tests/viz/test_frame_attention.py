"""The attention of a window is drawn with the frames it is of, and follows its sliders."""

import pytest
import torch

from handlib.data.windows import window_indices
from handlib.viz.frame_attention import FrameAttention

FRAMES, LENGTH, HEADS = 9, 5, 2


@pytest.fixture
def explorer():
    generator = torch.Generator().manual_seed(0)
    clip = range(FRAMES)
    return FrameAttention(
        torch.rand(FRAMES, 3, 16, 16, generator=generator),
        torch.linspace(0, 1, FRAMES),
        torch.tensor([window_indices(clip, None, c, LENGTH, 1) for c in clip]),
        torch.rand(FRAMES, HEADS, LENGTH, LENGTH, generator=generator).softmax(-1),
        frame=4,
    )


def test_the_query_begins_in_the_middle_of_its_window(explorer):
    assert torch.equal(explorer.row(), explorer.attention[4, 0, 2])
    assert "Where frame 4 (yellow) looks in head 0" in explorer.illustration().caption


def test_the_words_hold_the_weights_and_what_is_hidden(explorer):
    explorer.attention[4, 1, 0] = torch.tensor([0.0, 0.1, 0.2, 0.7, 0.0])
    explorer.query, explorer.head = 0, 1
    picture = explorer.illustration()
    assert "0.00, 0.10, 0.20, 0.70, 0.00" in picture.alt
    assert "25%, 38%, 50%, 62%, 75%" in picture.alt
    assert "most at frame 5, 0.70" in picture.caption


def test_a_window_at_the_end_repeats_its_last_frame(explorer):
    explorer.frame = 8
    assert "Frames 6 to 8, hidden by 75%, 88%, 100%, 100%, 100%" in explorer.illustration().alt


def test_the_widget_follows_its_sliders(explorer):
    controls, picture = explorer.widget().children
    frame, query, head = controls.children
    assert (frame.max, query.max, head.max) == (FRAMES - 1, LENGTH - 1, HEADS - 1)
    seen = {picture.value}
    for slider, name, value in ((frame, "frame", 2), (query, "query", 4), (head, "head", 1)):
        slider.value = value
        assert getattr(explorer, name) == value
        seen.add(picture.value)
    assert len(seen) == 4
