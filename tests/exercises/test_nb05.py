"""Notebook 05: wrong answers fail for the right reason, right ones need no one way."""

import torch
import torch.nn.functional as F
from wrong_answers import refusals

from handlib.course import check
from handlib.course.checks import nb05


def logits(f, kernel, scale, shift, planes=None, padding=None):
    both = torch.stack([f.amax(0), f.mean(0)] if planes is None else planes)
    pad = kernel.shape[-1] // 2 if padding is None else padding
    return scale * F.conv2d(both[None], kernel[None], padding=pad)[0, 0] + shift


GATE = {
    "mean before maximum": (
        lambda f, k, a, b: logits(f, k, a, b, [f.mean(0), f.amax(0)]).sigmoid(),
        nb05.MAX_FIRST,
    ),
    "sum of the channels": (
        lambda f, k, a, b: logits(f, k, a, b, [f.amax(0), f.sum(0)]).sigmoid(),
        nb05.MEAN_OVER_CHANNELS,
    ),
    "no batch norm": (lambda f, k, a, b: logits(f, k, 1, 0).sigmoid(), nb05.SCALED_AND_SHIFTED),
    "no sigmoid": (logits, nb05.BETWEEN_0_AND_1),
    "no padding": (lambda f, k, a, b: logits(f, k, a, b, padding=0).sigmoid(), nb05.SAME_SIZE),
    "largest magnitude": (
        lambda f, k, a, b: logits(f, k, a, b, [f.abs().amax(0), f.mean(0)]).sigmoid(),
        check.VALUES,
    ),
    "kernel turned round": (
        lambda f, k, a, b: logits(f, k.flip(1, 2), a, b).sigmoid(),
        check.VALUES,
    ),
    "an axis too many": (lambda f, k, a, b: logits(f, k, a, b).sigmoid()[None], check.SHAPE),
}

GRADIENT = {
    "paths added": (
        lambda f, m, p, s: m * (1 - m) * (f * (p + s)).sum(0),
        nb05.DIFFERENCE,
    ),
    "F_s forgotten": (lambda f, m, p, s: m * (1 - m) * (f * p).sum(0), nb05.BOTH_PATHS),
    "gradient of M": (lambda f, m, p, s: (f * (p - s)).sum(0), nb05.SLOPE),
    "F forgotten": (lambda f, m, p, s: m * (1 - m) * (p - s).sum(0), nb05.TIMES_FEATURES),
    "a number for each channel": (lambda f, m, p, s: m * (1 - m) * f * (p - s), check.SHAPE),
    "mean over channels": (
        lambda f, m, p, s: m * (1 - m) * (f * (p - s)).mean(0),
        check.VALUES,
    ),
}


def pairs(s, p):
    return s[p][:, None] - s[~p][None]


AUC = {
    "ties lost": (lambda s, p: (pairs(s, p) > 0).float().mean(), nb05.TIES_HALF),
    "the wrong way round": (
        lambda s, p: (pairs(s, p) < 0).float().mean() + (pairs(s, p) == 0).float().mean() / 2,
        nb05.POSITIVE_WINS,
    ),
    "against the negatives' mean": (
        lambda s, p: (s[p] > s[~p].mean()).float().mean(),
        nb05.ALL_PAIRS,
    ),
    "a number for each pair": (lambda s, p: (pairs(s, p) > 0).float(), check.SHAPE),
    "difference of the means": (lambda s, p: s[p].mean() - s[~p].mean(), check.VALUES),
}


def solved(x, y, penalty):
    return torch.linalg.solve(x.T @ x + penalty, x.T @ y)


def own_mean(x, y, new, a):
    weights = solved(x - x.mean(0), y - y.mean(0), a * torch.eye(x.shape[1]))
    return (new - new.mean(0)) @ weights + y.mean(0)


def on_every_entry(x, y, new, a):
    return (new - x.mean(0)) @ solved(x - x.mean(0), y - y.mean(0), a) + y.mean(0)


def no_penalty(x, y, new, a):
    return (new - x.mean(0)) @ torch.linalg.pinv(x - x.mean(0)) @ (y - y.mean(0)) + y.mean(0)


def squared_strength(x, y, new, a):
    weights = solved(x - x.mean(0), y - y.mean(0), a * a * torch.eye(x.shape[1]))
    return (new - x.mean(0)) @ weights + y.mean(0)


RIDGE = {
    "no intercept": (
        lambda x, y, new, a: new @ solved(x, y, a * torch.eye(x.shape[1])),
        nb05.INTERCEPT,
    ),
    "their own mean": (own_mean, nb05.TRAINING_MEAN),
    "no penalty": (no_penalty, nb05.PENALISED),
    "strength on every entry": (on_every_entry, nb05.ON_THE_DIAGONAL),
    "strength squared": (squared_strength, check.VALUES),
    "weights instead": (
        lambda x, y, new, a: solved(x, y, a * torch.eye(x.shape[1])),
        check.SHAPE,
    ),
}


test_a_wrong_answer_is_refused_for_the_right_reason = refusals(
    {
        nb05.spatial_gate: GATE,
        nb05.logit_gradient: GRADIENT,
        nb05.auc: AUC,
        nb05.ridge: RIDGE,
    }
)


def test_autograd_is_a_right_answer_to_the_gradient():
    """The check tests what is computed, not how."""

    def by_autograd(features, necessity, grad_primary, grad_secondary):
        logit = torch.zeros_like(necessity, requires_grad=True)
        # A stand-in for the sigmoid with the same value and slope, also where M is 1.
        gate = necessity + necessity * (1 - necessity) * logit
        loss = (features * gate * grad_primary).sum()
        loss = loss + (features * (1 - gate) * grad_secondary).sum()
        return torch.autograd.grad(loss, logit)[0]

    assert nb05.logit_gradient(by_autograd).status == "passed"
