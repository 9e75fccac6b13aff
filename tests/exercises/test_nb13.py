"""Notebook 13: wrong answers fail for the right reason, right ones need no one way."""

import torch
from wrong_answers import refusals

from handlib.course import check
from handlib.course.checks import nb13


def warped(theta, forward, backward, onward_first=True, slip=0, past=0, sign=1):
    frames = len(theta)
    result = torch.zeros(frames, frames, *theta.shape[1:])
    for i in range(frames):
        for j in range(frames):
            ahead = forward[i : j + past].sum(0) if j > i else 0
            back = backward[j + 1 - slip : i + 1 - slip].sum(0) if j < i else 0
            place = (i, j) if onward_first else (j, i)
            result[place] = theta[i] + ahead + sign * back
    return result


def minus_forward(theta, forward, backward):
    F = forward.cumsum(0) - forward
    return theta[:, None] + F - F[:, None]


def in_place(theta, forward, backward):
    theta += forward
    return warped(theta, forward, backward)


WARP = {
    "i and j swapped": (lambda t, f, b: warped(t, f, b, onward_first=False), nb13.GUESSER_FIRST),
    "index slip": (lambda t, f, b: warped(t, f, b, slip=1), nb13.BACKWARD_FROM_J_PLUS_1),
    "one motion too many": (lambda t, f, b: warped(t, f, b, past=1), nb13.FORWARD_UNTIL_J),
    "backward subtracted": (lambda t, f, b: warped(t, f, b, sign=-1), nb13.BACKWARD_ADDED),
    "minus the forward motions": (minus_forward, nb13.BACKWARD_USED),
    "motions left out": (lambda t, f, b: t[:, None].repeat(1, len(t), 1), check.VALUES),
    "pose left out": (lambda t, f, b: warped(0 * t, f, b), check.VALUES),
    "one column only": (lambda t, f, b: warped(t, f, b)[:, len(t) // 2], check.SHAPE),
    "changes its input": (in_place, check.UNTOUCHED),
}


def mean(guesses, weights):
    return (weights[..., None] * guesses).sum(1)


FUSE = {
    "softmax over the windows": (lambda g, c: mean(g, c.softmax(0)), nb13.OVER_FRAMES),
    "not normalised": (lambda g, c: mean(g, c.exp()), nb13.NORMALISED),
    "no softmax": (lambda g, c: mean(g, c / c.sum(1, keepdim=True)), nb13.THROUGH_SOFTMAX),
    "plain average": (lambda g, c: g.mean(1), nb13.WEIGHTED),
    "overflows": (
        lambda g, c: mean(g, c.exp() / c.exp().sum(1, keepdim=True)),
        check.FINITE,
    ),
    "not summed": (lambda g, c: c.softmax(1)[..., None] * g, check.SHAPE),
    "the surest frame only": (
        lambda g, c: g[torch.arange(len(g)), c.argmax(1)],
        check.VALUES,
    ),
}

SEEN = {
    "not normalised": (lambda o: 1 - o, nb13.NORMALISED),
    "hidden for seen": (lambda o: o / o.sum(1, keepdim=True), nb13.SEEN_NOT_HIDDEN),
    "softmax": (lambda o: (1 - o).softmax(1), nb13.IN_PROPORTION),
    "all windows together": (lambda o: (1 - o) / (1 - o).sum(), nb13.WITHIN_WINDOW),
    "one over hidden": (lambda o: (1 / o) / (1 / o).sum(1, keepdim=True), check.VALUES),
    "axis lost": (lambda o: ((1 - o) / (1 - o).sum(1, keepdim=True))[0], check.SHAPE),
}


def carried(start, steps, left=True):
    for step in steps:
        start = step @ start if left else start @ step
    return start


CARRY = {
    "motions in the wrong order": (lambda r, f: carried(r, f.flip(0)), nb13.FIRST_NEXT_TO_POSE),
    "from the right": (lambda r, f: carried(r, f, left=False), nb13.FROM_THE_LEFT),
    "inverses": (lambda r, f: carried(r, f.mT), nb13.NOT_UNDONE),
    "last motion left out": (lambda r, f: carried(r, f[:-1]), nb13.ALL_STEPS),
    "added": (lambda r, f: r + f.sum(0), check.VALUES),
    "all poses": (lambda r, f: f @ r, check.SHAPE),
}


test_a_wrong_answer_is_refused_for_the_right_reason = refusals(
    {
        nb13.warp_by_sums: WARP,
        nb13.fuse_frames: FUSE,
        nb13.seen_weights: SEEN,
        nb13.carry_on: CARRY,
    }
)


def test_right_answers_may_take_another_way():
    """The checks test what is computed, not how: loops do, and one einsum."""
    assert nb13.warp_by_sums(warped).status == "passed"
    einsum = nb13.fuse_frames(lambda g, c: torch.einsum("btn,bt->bn", g, c.softmax(1)))
    assert einsum.status == "passed"
