"""Windows against a slow loop written from the rule, and the rule's properties."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlib.data import windows
from handlib.data.windows import window_indices

from .videos import NumberedFrames


def slow_window(frames, valid, centre, length, gap):
    """Position by position: the frame that is due if the way to it is clear, else the last."""
    found = []
    for position in range(length):
        steps = position - length // 2
        sign = 1 if steps > 0 else -1
        clear = 0
        for step in range(1, abs(steps) + 1):
            due = centre + sign * step * gap
            if due < frames.start or due >= frames.stop or not valid[due]:
                break
            clear = step
        found.append(centre + sign * clear * gap)
    return tuple(found)


@st.composite
def cases(draw):
    lengths = draw(st.lists(st.integers(1, 40), min_size=1, max_size=4))
    total = sum(lengths)
    valid = np.array(draw(st.lists(st.sampled_from([True, True, True, False]), min_size=total,
                                   max_size=total)))  # fmt: skip
    return lengths, valid, draw(st.integers(1, 9)), draw(st.integers(1, 12))


@given(cases())
def test_windows_follow_the_rule(case):
    lengths, valid, length, gap = case
    video = NumberedFrames(*lengths, valid=valid)
    made = windows(video, length, gap)
    assert made.centres.tolist() == np.flatnonzero(valid).tolist()
    for number, centre in enumerate(made.centres):
        frames = next(range_ for range_ in video.sequences if centre in range_)
        window = made[number]
        assert window.frames == slow_window(frames, valid, centre, length, gap)
        assert window.frames[window.centre] == centre and window.centre == length // 2
        assert not window.repeated[window.centre]
        assert all(index in frames and valid[index] for index in window.frames)
        steps = np.diff(window.frames)
        assert np.isin(steps, (0, gap)).all()
        moves = np.flatnonzero(steps)  # repeats at the two ends only
        assert (np.diff(moves) == 1).all()
        due = centre + gap * (np.arange(length) - length // 2)
        assert (np.array(window.frames) == due).tolist() == [not r for r in window.repeated]


@given(cases())
def test_runs_are_the_longest_stretches_of_neighbouring_frames(case):
    lengths, valid, length, gap = case
    video = NumberedFrames(*lengths, valid=valid)
    made = windows(video, length, gap)
    stretches = []
    for frames in video.sequences:
        letters = "".join("x" if valid[index] else " " for index in frames)
        stretches += [len(stretch) for stretch in letters.split()]
    assert [len(run) for run in made.runs() if run] == stretches
    assert [index for run in made.runs() for index in run] == list(range(len(made)))


@given(st.integers(0, 99), st.integers(1, 9), st.integers(1, 12))
def test_without_invalid_frames_only_the_ends_repeat(centre, length, gap):
    indices = np.array(window_indices(range(100), None, centre, length, gap))
    due = centre + gap * (np.arange(length) - length // 2)
    inside = (due >= 0) & (due < 100)
    assert (indices[inside] == due[inside]).all()
    assert (indices[due < 0] == due[inside].min()).all()
    assert (indices[due > 99] == due[inside].max()).all()


def test_an_invalid_frame_ends_the_window_even_if_farther_ones_are_valid():
    valid = [True] * 70
    valid[45] = False
    assert window_indices(range(70), valid, 35, 7, 5) == (20, 25, 30, 35, 40, 40, 40)
    assert window_indices(range(70), valid, 60, 7, 5) == (50, 50, 55, 60, 65, 65, 65)


def test_a_change_of_camera_is_an_end():
    made = windows(NumberedFrames(12, 12), length=5, gap=4)
    assert made[11].frames == (3, 7, 11, 11, 11)
    assert made[12].frames == (12, 12, 12, 16, 20)
    assert made[12].repeated == (True, True, False, False, False)


def test_a_clip_of_one_frame_is_repeated_everywhere():
    made = windows(NumberedFrames(1, 30, 1), length=7, gap=10)
    assert len(made) == 32
    assert made[-1].frames == (31,) * 7
    assert made[0].repeated == (True,) * 3 + (False,) + (True,) * 3


def test_samples_are_those_of_the_frames_and_read_once():
    video = NumberedFrames(30)
    window = windows(video, 7, 10)[12]
    assert [sample.translation[0].item() for sample in window.samples] == list(window.frames)
    assert sorted(video.read) == [2, 12, 22]


def test_no_frame_is_valid():
    assert len(windows(NumberedFrames(5, valid=np.zeros(5, bool)))) == 0


@pytest.mark.parametrize(("length", "gap"), [(0, 1), (7, 0), (-1, 3)])
def test_impossible_windows_are_refused(length, gap):
    with pytest.raises(ValueError, match="length >= 1 and gap >= 1"):
        windows(NumberedFrames(5), length, gap)
    with pytest.raises(ValueError, match="length >= 1 and gap >= 1"):
        window_indices(range(5), None, 2, length, gap)


@pytest.mark.parametrize("centre", [3, 7])
def test_a_centre_that_cannot_be_one_is_refused(centre):
    with pytest.raises(ValueError, match=f"centre: frame {centre} is not"):
        window_indices(range(5), [True, True, True, False, True], centre, 3, 1)


def test_a_set_of_stills_is_refused():
    with pytest.raises(TypeError, match="list has no `sequences`"):
        windows([1, 2, 3])


def test_an_index_beyond_the_end_is_refused():
    with pytest.raises(IndexError, match="index 5 of 5"):
        windows(NumberedFrames(5))[5]
