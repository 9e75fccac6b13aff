"""Notebook 04: wrong answers fail for the right reason, right ones need no one way."""

import math

import torch
from torch.nn import functional as F
from wrong_answers import refusals

from handlib.course import check
from handlib.course.checks import nb04

SIZE = {
    "padding at one end": (lambda n, k, s, p: (n + p - k) // s + 1, nb04.BOTH_ENDS),
    "steps only": (lambda n, k, s, p: (n + 2 * p - k) // s, nb04.FIRST_PLACE),
    "rounded up": (lambda n, k, s, p: math.ceil((n + 2 * p - k) / s) + 1, nb04.WHOLE_STEPS),
    "stride forgotten": (lambda n, k, s, p: n + 2 * p - k + 1, nb04.STRIDED),
    "not rounded": (lambda n, k, s, p: (n + 2 * p - k) / s + 1, check.VALUES),
    "window forgotten": (lambda n, k, s, p: (n + 2 * p) // s, check.VALUES),
}


def conv(x, weight):
    return F.conv2d(x, weight, padding=1)


def lrelu(x):
    return F.leaky_relu(x, 0.01)


def in_place(x, first, second):
    x += conv(lrelu(conv(x, first)), second)
    return lrelu(x)


BLOCK = {
    "no skip": (lambda x, a, b: lrelu(conv(lrelu(conv(x, a)), b)), nb04.WAY_ROUND),
    "activation before the sum": (
        lambda x, a, b: lrelu(conv(lrelu(conv(x, a)), b)) + x,
        nb04.SUM_FIRST,
    ),
    "no last activation": (
        lambda x, a, b: conv(lrelu(conv(x, a)), b) + x,
        nb04.LAST_ACTIVATION,
    ),
    "no inner activation": (
        lambda x, a, b: lrelu(conv(conv(x, a), b) + x),
        nb04.INNER_ACTIVATION,
    ),
    "plain ReLU": (
        lambda x, a, b: (conv(conv(x, a).relu(), b) + x).relu(),
        nb04.LEAKY,
    ),
    "weights swapped": (lambda x, a, b: lrelu(conv(lrelu(conv(x, b)), a) + x), check.VALUES),
    "no padding": (lambda x, a, b: F.conv2d(F.conv2d(x, a), b) + x, check.RUNS),
    "changes its input": (in_place, check.UNTOUCHED),
    "side by side": (
        lambda x, a, b: torch.cat([x, conv(lrelu(conv(x, a)), b)], 1),
        check.SHAPE,
    ),
}


def up(coarse, fine, **how):
    return F.interpolate(coarse, size=fine.shape[-2:], **({"mode": "bilinear"} | how))


def side(fine, weight):
    return torch.einsum("oc,bchw->bohw", weight, fine)


STEP = {
    "no lateral": (lambda c, f, w: up(c, f), nb04.LATERAL_ADDED),
    "no coarse map": (lambda c, f, w: side(f, w), nb04.COARSE_ADDED),
    "nearest": (lambda c, f, w: up(c, f, mode="nearest") + side(f, w), nb04.BILINEAR),
    "corners aligned": (
        lambda c, f, w: up(c, f, align_corners=True) + side(f, w),
        nb04.CELL_CENTRES,
    ),
    "averaged": (lambda c, f, w: (up(c, f) + side(f, w)) / 2, nb04.SUMMED),
    "side by side": (lambda c, f, w: torch.cat([up(c, f), side(f, w)], 1), check.SHAPE),
    "multiplied": (lambda c, f, w: up(c, f) * side(f, w), check.VALUES),
    "matrix transposed": (lambda c, f, w: up(c, f) + side(f, w.T), check.RUNS),
    "always twice as large": (
        lambda c, f, w: F.interpolate(c, scale_factor=2, mode="bilinear") + side(f, w),
        check.RUNS,
    ),
}


def field(kernels, strides, behind=False, start=1):
    width, jump = start, 1
    for k, s in zip(kernels, strides, strict=True):
        if behind:
            jump *= s
        width += (k - 1) * jump
        if not behind:
            jump *= s
    return width


FIELD = {
    "strides forgotten": (lambda k, s: 1 + sum(n - 1 for n in k), nb04.JUMPS),
    "own stride counts": (lambda k, s: field(k, s, behind=True), nb04.STRIDE_BEHIND),
    "starts at nothing": (lambda k, s: field(k, s, start=0), nb04.ONE_PIXEL),
    "kernels multiplied": (lambda k, s: math.prod(k), check.VALUES),
    "backwards": (lambda k, s: field(k[::-1], s[::-1]), check.VALUES),
    "the last layer only": (lambda k, s: k[-1] * math.prod(s[:-1]), check.VALUES),
    "a list of widths": (lambda k, s: [field(k[:i], s[:i]) for i in (0, 1)], check.SHAPE),
}


def part(values, mask):
    return (values * mask).sum((1, 2)) / values.sum((1, 2))


SHARE = {
    "lengths instead of squares": (lambda g, m: part(g.abs().sum(1), m), nb04.SQUARED),
    "mask inverted": (lambda g, m: part(g.square().sum(1), ~m), nb04.INSIDE),
    "colours summed before the square": (
        lambda g, m: part(g.sum(1).square(), m),
        nb04.ALL_COLOURS,
    ),
    "all images together": (
        lambda g, m: (g.square().sum(1) * m).sum() / g.square().sum(),
        nb04.IMAGE_BY_IMAGE,
    ),
    "red alone": (lambda g, m: part(g[:, 0].square(), m), check.VALUES),
    "not divided": (lambda g, m: (g.square().sum(1) * m).sum((1, 2)), check.VALUES),
    "one number a pixel": (lambda g, m: g.square().sum(1) * m, check.SHAPE),
    "mask without its colour axis": (lambda g, m: g[m], check.RUNS),
}


test_a_wrong_answer_is_refused_for_the_right_reason = refusals(
    {
        nb04.output_size: SIZE,
        nb04.residual_block: BLOCK,
        nb04.top_down: STEP,
        nb04.field_width: FIELD,
        nb04.share_of_influence: SHARE,
    }
)


def test_a_right_answer_may_take_another_way():
    """The checks test what is computed, not how."""

    def length_of_what_is_seen(kernels, strides):
        width = 1
        for k, s in list(zip(kernels, strides, strict=True))[::-1]:
            width = s * (width - 1) + k
        return width

    assert nb04.field_width(length_of_what_is_seen).status == "passed"
    by_convolution = nb04.top_down(
        lambda c, f, w: up(c, f, align_corners=False) + F.conv2d(f, w[:, :, None, None])
    )
    assert by_convolution.status == "passed"
