"""Notebook 10: wrong answers fail for the right reason, right ones need no one way."""

import math

import torch
from wrong_answers import refusals

from handlib.course import check
from handlib.course.checks import nb10


def wrists(found, truth):
    return found - found[:, :1], truth - truth[:, :1]


def distance(found, truth):
    return (found - truth).norm(dim=-1)


def centred(joints):
    return joints - joints.mean(1, keepdim=True)


def moves_its_input(found, truth):
    found -= found[:, :1].clone()
    truth -= truth[:, :1].clone()
    return 1000 * distance(found, truth).mean(1)


ROOT = {
    "not aligned": (lambda p, t: 1000 * distance(p, t).mean(1), nb10.ALIGNED),
    "aligned at the mean": (
        lambda p, t: 1000 * distance(centred(p), centred(t)).mean(1),
        nb10.AT_THE_WRIST,
    ),
    "metres": (lambda p, t: distance(*wrists(p, t)).mean(1), nb10.MILLIMETRES),
    "one number": (lambda p, t: 1000 * distance(*wrists(p, t)).mean(), nb10.ONE_A_HAND),
    "root of the mean square": (
        lambda p, t: 1000 * distance(*wrists(p, t)).square().mean(1).sqrt(),
        nb10.DISTANCES,
    ),
    "mean over the wrong axis": (
        lambda p, t: 1000 * distance(*wrists(p, t)).mean(0),
        check.SHAPE,
    ),
    "sum of coordinates": (
        lambda p, t: 1000 * (wrists(p, t)[0] - wrists(p, t)[1]).abs().sum(-1).mean(1),
        check.VALUES,
    ),
    "moves its input": (moves_its_input, check.UNTOUCHED),
}


def gaussian(u, v, side, sigma, offset=0.5):
    cells = torch.arange(side) + offset
    across, down = (cells - u * side) / sigma, (cells - v * side) / sigma
    return (-0.5 * (down[:, None] ** 2 + across[None] ** 2)).exp()


def normalised(values):
    return values / values.sum()


def one_hot(u, v, side, sigma):
    target = torch.zeros(side, side)
    target[int(v * side), int(u * side)] = 1
    return target


TARGET = {
    "cells at their corners": (
        lambda u, v, n, s: normalised(gaussian(u, v, n, s, offset=0.0)),
        nb10.CELL_CENTRES,
    ),
    "rows and columns swapped": (
        lambda u, v, n, s: normalised(gaussian(v, u, n, s)),
        nb10.ROWS_ARE_V,
    ),
    "not normalised": (gaussian, nb10.SUMS_TO_ONE),
    "normalised for an endless plane": (
        lambda u, v, n, s: gaussian(u, v, n, s) / (2 * math.pi * s**2),
        nb10.SUMS_TO_ONE,
    ),
    "one image wide": (
        lambda u, v, n, s: normalised(gaussian(u, v, n, s * n)),
        nb10.IN_CELLS,
    ),
    "always one cell wide": (
        lambda u, v, n, s: normalised(gaussian(u, v, n, 1.0)),
        nb10.WIDTH,
    ),
    "one cell only": (one_hot, check.VALUES),
    "no factor one half": (
        lambda u, v, n, s: normalised(gaussian(u, v, n, s * math.sqrt(0.5))),
        check.VALUES,
    ),
    "flat": (lambda u, v, n, s: normalised(gaussian(u, v, n, s)).flatten(), check.SHAPE),
}


def cosine(progress, peak):
    return peak * 0.5 * (1 + math.cos(math.pi * progress))


def rate(seen, total, warmup, peak):
    if seen < warmup:
        return peak * seen / warmup
    return cosine((seen - warmup) / (total - warmup), peak)


RATE = {
    "no warm-up": (lambda n, total, w, peak: cosine(n / total, peak), nb10.RISES),
    "warm-up to one": (
        lambda n, total, w, peak: n / w if n < w else rate(n, total, w, peak),
        nb10.RISES,
    ),
    "stays at the peak's half": (
        lambda n, total, w, peak: rate(n, total, w, peak) / 2,
        nb10.RISES,
    ),
    "product of both": (
        lambda n, total, w, peak: min(1, n / max(w, 1)) * cosine(n / total, peak),
        nb10.RISES,
    ),
    "jumps down after the warm-up": (
        lambda n, total, w, peak: peak * n / w if n < w else cosine(n / total, peak),
        nb10.PEAK,
    ),
    "divides by no warm-up": (
        lambda n, total, w, peak: peak * n / w if n <= w else rate(n, total, w, peak),
        check.RUNS,
    ),
    "a line": (
        lambda n, total, w, peak: (
            rate(n, total, w, peak) if n <= w else peak * (total - n) / (total - w)
        ),
        nb10.COSINE,
    ),
    "cosine from the first image on": (
        lambda n, total, w, peak: rate(n, total, w, peak) if n <= w else cosine(n / total, peak),
        nb10.AFTER_WARMUP,
    ),
    "a whole cosine": (
        lambda n, total, w, peak: (
            rate(n, total, w, peak) if n <= w else cosine(2 * (n - w) / (total - w), peak)
        ),
        nb10.COSINE,
    ),
    "never quite zero": (
        lambda n, total, w, peak: rate(n, total, w, peak) if n < total else peak / 100,
        nb10.ZERO,
    ),
}


def limited(decay, step):
    return min(decay, (1 + step) / (10 + step))


def in_place(average, weights, decay, step):
    return average.lerp_(weights, 1 - limited(decay, step))


AVERAGE = {
    "shares swapped": (
        lambda a, w, d, n: limited(d, n) * w + (1 - limited(d, n)) * a,
        nb10.TOWARDS,
    ),
    "early steps not limited": (lambda a, w, d, n: d * a + (1 - d) * w, nb10.EARLY),
    "larger of the two": (
        lambda a, w, d, n: torch.lerp(w, a, max(d, (1 + n) / (10 + n))),
        check.VALUES,
    ),
    "plain mean": (lambda a, w, d, n: (a + w) / 2, check.VALUES),
    "sum above one": (lambda a, w, d, n: limited(d, n) * a + w, check.VALUES),
    "changes the average in place": (in_place, check.UNTOUCHED),
}


def never_clears(model, optimizer, inputs, targets, loss):
    value = loss(model(inputs), targets)
    value.backward()
    optimizer.step()
    return value


def clears_before_the_step(model, optimizer, inputs, targets, loss):
    value = loss(model(inputs), targets)
    value.backward()
    optimizer.zero_grad()
    optimizer.step()
    return value


def never_steps(model, optimizer, inputs, targets, loss):
    optimizer.zero_grad()
    value = loss(model(inputs), targets)
    value.backward()
    return value


def steps_first(model, optimizer, inputs, targets, loss):
    optimizer.step()
    optimizer.zero_grad()
    value = loss(model(inputs), targets)
    value.backward()
    return value


def loss_after_the_step(model, optimizer, inputs, targets, loss):
    never_steps(model, optimizer, inputs, targets, loss)
    optimizer.step()
    return loss(model(inputs), targets)


def uphill(model, optimizer, inputs, targets, loss):
    optimizer.zero_grad()
    value = loss(model(inputs), targets)
    (-value).backward()
    optimizer.step()
    return value


def without_gradient(model, optimizer, inputs, targets, loss):
    with torch.no_grad():
        value = loss(model(inputs), targets)
    value.backward()
    optimizer.step()
    return value


STEP = {
    "never clears the gradients": (never_clears, nb10.ZEROED),
    "clears them before the step": (clears_before_the_step, nb10.CHANGES),
    "never steps": (never_steps, nb10.CHANGES),
    "steps before the gradient is there": (steps_first, nb10.OWN_GRADIENT),
    "returns the loss after the step": (loss_after_the_step, nb10.LOSS_BEFORE),
    "goes uphill": (uphill, check.VALUES),
    "records no graph": (without_gradient, check.RUNS),
}


test_a_wrong_answer_is_refused_for_the_right_reason = refusals(
    {
        nb10.root_aligned_mm: ROOT,
        nb10.soft_target: TARGET,
        nb10.rate_at: RATE,
        nb10.next_average: AVERAGE,
        nb10.train_step: STEP,
    }
)


def test_a_right_answer_may_take_another_way():
    """The check tests what is computed, not how: a step may return a plain number."""

    def returns_a_number(model, optimizer, inputs, targets, loss):
        optimizer.zero_grad()
        value = loss(model(inputs), targets)
        value.backward()
        optimizer.step()
        return value.item()

    assert nb10.train_step(returns_a_number).status == "passed"
