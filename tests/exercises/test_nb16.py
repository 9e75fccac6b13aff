"""Notebook 16: wrong answers fail for the right reason, right ones need no one way."""

import pytest
import torch
from wrong_answers import refusals

from handlib.course import check
from handlib.course.checks import nb16
from handlib.data.windows import window_indices


def window(centre, frames, length, gap):
    return list(window_indices(frames, None, centre, length, gap))


def due(centre, length, gap):
    return [centre + (position - length // 2) * gap for position in range(length)]


def clamped(centre, frames, length, gap):
    return [min(max(i, frames.start), frames.stop - 1) for i in due(centre, length, gap)]


def clamped_at_the_end(centre, frames, length, gap):
    one, other = window(centre, frames, length, gap), clamped(centre, frames, length, gap)
    return one[: length // 2] + other[length // 2 :]


def past(centre, frames, length, gap):
    indices = [centre]
    while len(indices) < length:
        following = indices[0] - gap
        indices.insert(0, following if following in frames else indices[0])
    return indices


def moved_inside(centre, frames, length, gap):
    """Moves the whole window as far as the clip asks for."""
    indices = due(centre, length, gap)
    shift = max(0, frames.start - indices[0]) - max(0, indices[-1] - frames.stop + 1)
    return [i + shift for i in indices]


WINDOW = {
    "clamped to the clip's ends": (clamped, nb16.LAST_TAKEN),
    "clamped at one end only": (clamped_at_the_end, nb16.LAST_TAKEN),
    "the centre outside": (
        lambda c, f, n, g: [i if i in f else c for i in due(c, n, g)],
        nb16.IN_TIME,
    ),
    "leaves the clip": (lambda c, f, n, g: due(c, n, g), nb16.INSIDE),
    "one frame into the next clip": (
        lambda c, f, n, g: window(c, range(f.start, f.stop + 1), n, g),
        nb16.INSIDE,
    ),
    "any index from 0 on": (
        lambda c, f, n, g: window(c, range(f.stop), n, g),
        nb16.INSIDE,
    ),
    "the first frame never taken": (
        lambda c, f, n, g: window(c, range(min(c, f.start + 1), f.stop), n, g),
        nb16.GAP,
    ),
    "consecutive frames": (lambda c, f, n, g: window(c, f, n, 1), nb16.GAP),
    "gap frames in between": (lambda c, f, n, g: window(c, f, n, g + 1), nb16.GAP),
    "only the centre": (lambda c, f, n, g: [c] * n, nb16.GAP),
    "past frames only": (past, nb16.CENTRED),
    "moved until it fits": (moved_inside, nb16.CENTRED),
    "even lengths begin late": (
        lambda c, f, n, g: window(c, f, n + 1 - n % 2, g)[1 - n % 2 :],
        nb16.CENTRED,
    ),
    "time reversed": (lambda c, f, n, g: window(c, f, n, g)[::-1], nb16.IN_TIME),
    "around the clip": (
        lambda c, f, n, g: [f[(i - f.start) % len(f)] for i in due(c, n, g)],
        nb16.IN_TIME,
    ),
    "one too many": (lambda c, f, n, g: window(c, f, n + 1, g), nb16.LENGTH),
    "outside left out": (
        lambda c, f, n, g: [i for i in due(c, n, g) if i in f],
        nb16.LENGTH,
    ),
    "both sides alike for even lengths": (
        lambda c, f, n, g: window(c, f, n // 2 * 2 + 1, g),
        nb16.LENGTH,
    ),
    "no list": (lambda c, f, n, g: c, nb16.LENGTH),
    "floats": (lambda c, f, n, g: [float(i) for i in window(c, f, n, g)], nb16.WHOLE),
    "no numbers": (lambda c, f, n, g: "frames", check.RETURNS_TENSOR),
}


def over_clips(values, draws):
    return values.sum(1)[draws].sum(1)


def resampled(values, chosen, draws):
    return over_clips(values * chosen, draws) / over_clips(chosen, draws)


def clip_means(before, after, chosen, draws):
    means = ((before - after) * chosen).sum(1) / chosen.sum(1)
    return means[draws].mean(1)


def every_clip(draws):
    return torch.arange(draws.shape[1]).expand_as(draws)


def each_clip_once(before, after, chosen, draws):
    gains = [resampled(before - after, chosen, draw.unique()[None]) for draw in draws]
    return torch.cat(gains)


def median(before, after, chosen, draws):
    return torch.stack([(before - after)[draw][chosen[draw]].median() for draw in draws])


def in_place(before, after, chosen, draws):
    before -= after
    return resampled(before, chosen, draws)


GAINS = {
    "mean of the clips' means": (clip_means, nb16.FRAMES_WEIGH_THE_SAME),
    "all frames": (lambda b, a, c, d: (b - a)[d].mean((1, 2)), nb16.CHOSEN_ONLY),
    "others count as zero": (
        lambda b, a, c, d: ((b - a) * c)[d].mean((1, 2)),
        nb16.DIVIDED_BY_CHOSEN,
    ),
    "after minus before": (lambda b, a, c, d: resampled(a - b, c, d), nb16.BEFORE_MINUS_AFTER),
    "sizes without signs": (lambda b, a, c, d: resampled((b - a).abs(), c, d), nb16.SIGNED),
    "draws ignored": (
        lambda b, a, c, d: (b - a)[c].mean().expand(len(d)),
        nb16.EACH_DRAW,
    ),
    "each clip once": (each_clip_once, nb16.COUNTS_TWICE),
    "draws of one model only": (
        lambda b, a, c, d: resampled(b, c, d) - a[c].mean(),
        nb16.PAIRED,
    ),
    "median": (median, check.VALUES),
    "size of the mean": (lambda b, a, c, d: resampled(b - a, c, d).abs(), check.VALUES),
    "not divided": (lambda b, a, c, d: over_clips((b - a) * c, d), check.VALUES),
    "one number": (lambda b, a, c, d: resampled(b - a, c, d).mean(), check.SHAPE),
    "changes its input": (in_place, check.UNTOUCHED),
}


def looked_at(confidence, seen):
    return (confidence * seen).sum(1)


def surest_frame(confidence, occlusion):
    seen = 1 - occlusion
    return (seen.gather(1, confidence.argmax(1, keepdim=True))[:, 0] - seen.mean(1)).mean()


def middle_frame(confidence, occlusion):
    seen, middle = 1 - occlusion, confidence.shape[1] // 2
    return (confidence * seen)[:, middle].mean() - seen.mean()


PREFERENCE = {
    "hidden for visible": (
        lambda c, o: looked_at(c, o).mean() - o.mean(),
        nb16.VISIBLE,
    ),
    "equal weights minus these": (
        lambda c, o: (1 - o).mean() - looked_at(c, 1 - o).mean(),
        nb16.VISIBLE,
    ),
    "not compared": (lambda c, o: looked_at(c, 1 - o).mean(), nb16.COMPARED),
    "the middle frame only": (middle_frame, nb16.EVERY_FRAME),
    "the surest frame only": (surest_frame, nb16.NOT_ONLY_THE_SUREST),
    "sum over windows": (
        lambda c, o: (looked_at(c, 1 - o) - (1 - o).mean(1)).sum(),
        nb16.WINDOWS_AVERAGED,
    ),
    "normalised over the windows": (
        lambda c, o: looked_at(c / c.sum(0), 1 - o).mean() - (1 - o).mean(),
        nb16.OVER_FRAMES,
    ),
    "softmax again": (
        lambda c, o: looked_at(c.softmax(1), 1 - o).mean() - (1 - o).mean(),
        nb16.AS_THEY_ARE,
    ),
    "one number a window": (
        lambda c, o: looked_at(c, 1 - o) - (1 - o).mean(1),
        check.SHAPE,
    ),
    "weighted mean over all numbers": (
        lambda c, o: (c * (1 - o)).mean() - (1 - o).mean(),
        check.VALUES,
    ),
    "ratio": (lambda c, o: looked_at(c, 1 - o).mean() / (1 - o).mean(), check.VALUES),
}


test_a_wrong_answer_is_refused_for_the_right_reason = refusals(
    {
        nb16.window_of: WINDOW,
        nb16.resampled_gains: GAINS,
        nb16.preference: PREFERENCE,
    }
)


def steps_taken(centre, frames, length, gap):
    """As many steps as fit into the clip, counted by a division."""
    back, ahead = (centre - frames.start) // gap, (frames.stop - 1 - centre) // gap
    steps = torch.arange(length) - length // 2
    return centre + gap * steps.clamp(-back, ahead)


def pooled_frames(before, after, chosen, draws):
    """All chosen frames of a draw side by side."""
    return [float((before - after)[draw][chosen[draw]].mean()) for draw in draws]


def counted_clips(before, after, chosen, draws):
    """How often each clip is drawn, as a matrix product."""
    often = torch.nn.functional.one_hot(draws, draws.shape[1]).sum(1).float()
    return (often @ ((before - after) * chosen).sum(1)) / (often @ chosen.sum(1).float())


def beyond_equal(confidence, occlusion):
    """1 falls out of the difference, and so does every constant."""
    return ((1 / confidence.shape[1] - confidence) * occlusion).sum() / len(confidence)


def frame_by_frame(confidence, occlusion):
    total, (windows, frames) = 0.0, confidence.shape
    for c, o in zip(confidence.flatten(), occlusion.flatten(), strict=True):
        total += float((c - 1 / frames) * (1 - o))
    return total / windows


@pytest.mark.parametrize(
    ("check_function", "answer"),
    [
        (nb16.window_of, window),
        (nb16.window_of, steps_taken),
        (nb16.resampled_gains, lambda b, a, c, d: resampled(b, c, d) - resampled(a, c, d)),
        (nb16.resampled_gains, pooled_frames),
        (nb16.resampled_gains, counted_clips),
        (nb16.preference, lambda c, o: (looked_at(c, 1 - o) - (1 - o).mean(1)).mean()),
        (nb16.preference, beyond_equal),
        (nb16.preference, frame_by_frame),
    ],
)
def test_right_answers_may_take_another_way(check_function, answer):
    result = check_function(answer)
    assert result.status == "passed", result
