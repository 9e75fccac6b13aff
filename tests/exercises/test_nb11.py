"""Notebook 11: wrong answers fail for the right reason, right ones need no one way."""

import math

import torch
from torch.nn import functional as F
from wrong_answers import refusals

from handlib.course import check
from handlib.course.checks import nb11
from handlib.models.attention import softmax_correlation, split_heads

COMPLETE = {
    "gap forgotten": (lambda n, length, gap: max(n - length + 1, 0), nb11.GAP_COUNTS),
    "a step too many": (lambda n, length, gap: max(n - length * gap, 0), nb11.ONE_STEP_LESS),
    "below zero": (lambda n, length, gap: n - (length - 1) * gap, nb11.NOT_BELOW_ZERO),
    "every window": (lambda n, length, gap: n, check.VALUES),
    "which, not how many": (
        lambda n, length, gap: torch.arange(max(n - (length - 1) * gap, 0)),
        check.SHAPE,
    ),
}


def blurred(light, way):
    """A convolution with a box: the padding is dark on both sides."""
    box = torch.full((1, 1, way), 1 / way)
    return F.conv1d(light[None, None], box, padding=way // 2)[0, 0]


def rolled(light, way):
    return sum(light.roll(k - way // 2) for k in range(way)) / way


BLUR = {
    "light added": (lambda x, n: n * blurred(x, n), nb11.MEAN_NOT_SUM),
    "to one side": (lambda x, n: blurred(F.pad(x, (n // 2, 0)), n)[: len(x)], nb11.BOTH_SIDES),
    "round the corner": (rolled, nb11.NO_WRAP),
    "no padding": (lambda x, n: F.pad(x, (n, n)).unfold(0, n, 1).mean(1), check.SHAPE),
    "no blur": (lambda x, n: x, check.VALUES),
    "in place": (lambda x, n: x.mul_(2), check.UNTOUCHED),
}


def weights(start, end, bins, cells, within=0.5, shift=0.0, count=None, mean=True):
    width = (end - start) / bins
    count = count or math.ceil(width)
    parts = (torch.arange(count, dtype=torch.float64) + within) / count
    places = start + width * (torch.arange(bins)[:, None] + parts) - shift
    places = places.clamp(0, cells - 1)
    hats = (1 - (places[..., None] - torch.arange(cells)).abs()).clamp(min=0)
    return hats.mean(1) if mean else hats.sum(1)


BINS = {
    "sum of the samples": (lambda *box: weights(*box, mean=False), nb11.MEAN_OF_SAMPLES),
    "half a cell off": (lambda *box: weights(*box, shift=0.5), nb11.ON_CELLS),
    "one sample": (lambda *box: weights(*box, count=1), nb11.ENOUGH_SAMPLES),
    "samples at the parts' beginnings": (
        lambda *box: weights(*box, within=0.0),
        nb11.AT_CENTRES,
    ),
    "nearest cell": (lambda *box: weights(*box).round(), check.VALUES),
    "cells first": (lambda *box: weights(*box).T, check.SHAPE),
}


def scored(query, keys, heads):
    q, k = (x.unflatten(-1, (heads, -1)) for x in (query, keys))
    return torch.einsum("ad,nad->an", q, k) / math.sqrt(q.shape[-1])


def every_other(query, keys, heads):
    q, k = (x.unflatten(-1, (-1, heads)).transpose(-1, -2).flatten(-2) for x in (query, keys))
    return scored(q, k, heads).softmax(1)


ATTENTION = {
    "divided by √C": (
        lambda q, k, heads: (scored(q, k, heads) / math.sqrt(heads)).softmax(1),
        nb11.BY_HEAD_WIDTH,
    ),
    "softmax over heads": (lambda *x: scored(*x).softmax(0), nb11.OVER_TOKENS),
    "every other channel": (every_other, nb11.NEIGHBOURING_CHANNELS),
    "all channels in every head": (
        lambda q, k, heads: scored(q, k, 1).softmax(1).repeat(heads, 1),
        nb11.EACH_HEAD,
    ),
    "one head": (lambda q, k, heads: scored(q, k, 1).softmax(1), check.SHAPE),
    "no softmax": (scored, check.VALUES),
}


test_a_wrong_answer_is_refused_for_the_right_reason = refusals(
    {
        nb11.complete_windows: COMPLETE,
        nb11.motion_blur: BLUR,
        nb11.bin_weights: BINS,
        nb11.query_attention: ATTENTION,
    }
)


def test_right_answers_may_take_another_way():
    """The checks test what is computed, not how."""
    assert nb11.motion_blur(blurred).status == "passed"
    assert nb11.bin_weights(weights).status == "passed"

    def by_library(query, keys, heads):
        q, k = (split_heads(x[None], heads) for x in (query[None], keys))
        return softmax_correlation(q, k)[0, :, 0]

    assert nb11.query_attention(by_library).status == "passed"
