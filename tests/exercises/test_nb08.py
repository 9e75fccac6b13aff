"""Notebook 08: wrong answers fail for the right reason, right ones need no one way."""

import math

import torch
from wrong_answers import refusals

from handlib.course import check
from handlib.course.checks import nb08


def scores(q, k, root=None):
    return q @ k.T / (root or math.sqrt(q.shape[1]))


def soft(f, a, b, root=None):
    return scores(f @ a, f @ b, root).softmax(1)


REFINE = {
    "no residual": (lambda f, q, k, v: soft(f, q, k) @ f @ v, nb08.RESIDUAL_KEPT),
    "softmax over queries": (
        lambda f, q, k, v: f + scores(f @ q, f @ k).softmax(0) @ f @ v,
        nb08.OVER_KEYS,
    ),
    "no 1/√d": (lambda f, q, k, v: f + soft(f, q, k, 1) @ f @ v, nb08.SCALED),
    "keys are queries": (lambda f, q, k, v: f + soft(f, q, q) @ f @ v, nb08.OWN_KEYS),
    "values not encoded": (lambda f, q, k, v: f + soft(f, q, k) @ f, nb08.VALUES_ENCODED),
    "values added": (lambda f, q, k, v: f @ v + soft(f, q, k) @ f @ v, check.VALUES),
    "scores only": (lambda f, q, k, v: scores(f @ q, f @ k), check.SHAPE),
}


def stacked(blocks, features, follow):
    x = features
    for block in blocks:
        x = block(x, x if follow else features)
    return x


SET = {
    "keys always follow": (lambda b, f, u: stacked(b, f, True), nb08.KEYS_STAY),
    "keys never follow": (lambda b, f, u: stacked(b, f, False), nb08.KEYS_FOLLOW),
    "flag inverted": (lambda b, f, u: stacked(b, f, not u), nb08.KEYS_STAY),
    "query not refined": (lambda b, f, u: [block(f, f) for block in b][-1], nb08.QUERY_REFINED),
    "added once more": (lambda b, f, u: f + stacked(b, f, u), nb08.NOTHING_ADDED),
    "first block only": (lambda b, f, u: b[0](f, f), check.VALUES),
    "calls with one map": (lambda b, f, u: b[0](f), check.RUNS),
}


def places(side, width=None):
    n = torch.arange(side * side, dtype=torch.double)
    width = width or side
    return torch.stack([n // width, n % width], dim=1)


def far(side, p=2.0, width=None):
    return torch.cdist(places(side, width), places(side, width), p=p).float()


DISTANCE = {
    "along the streets": (lambda a, s: (a * far(s, 1.0)).sum(1), nb08.EUCLIDEAN),
    "squared": (lambda a, s: (a * far(s) ** 2).sum(1), nb08.NOT_SQUARED),
    "to the mean place": (
        lambda a, s: (a @ places(s).float() - places(s).float()).norm(dim=1),
        nb08.DISTANCE_AVERAGED,
    ),
    "keys weigh queries": (lambda a, s: (a.T * far(s)).sum(1), nb08.WEIGHTS_OF_QUERY),
    "a grid too wide": (lambda a, s: (a * far(s, width=s + 1)).sum(1), nb08.ROW_BY_ROW),
    "one number for all": (lambda a, s: (a * far(s)).sum(1).mean(), check.SHAPE),
    "mean over keys": (lambda a, s: (a * far(s)).mean(1), check.VALUES),
}


def online(q, k, v, size, rescale=True, root=None):
    top = torch.full((len(q), 1), -torch.inf)
    total, norm = torch.zeros(len(q), v.shape[1]), torch.zeros(len(q), 1)
    for keys, values in zip(k.split(size), v.split(size), strict=True):
        s = scores(q, keys, root)
        piece = s.amax(1, keepdim=True)
        new = torch.maximum(top, piece) if rescale else piece
        old = (top - new).exp() if rescale else 1.0
        e, top = (s - new).exp(), new
        total, norm = old * total + e @ values, old * norm + e.sum(1, keepdim=True)
    return total / norm


def each_alone(q, k, v, size):
    parts = zip(k.split(size), v.split(size), strict=True)
    return torch.stack([scores(q, a).softmax(1) @ b for a, b in parts]).mean(0)


def whole_pieces(q, k, v, size):
    whole = max(len(k) // size, 1) * size
    return online(q, k[:whole], v[:whole], size)


def no_maximum(q, k, v, size):
    parts = [(scores(q, a).exp(), b) for a, b in zip(k.split(size), v.split(size), strict=True)]
    return sum(e @ b for e, b in parts) / sum(e.sum(1, keepdim=True) for e, _ in parts)


PIECES = {
    "softmax in each piece": (each_alone, nb08.ONE_SOFTMAX),
    "maximum forgotten": (lambda *x: online(*x, rescale=False), nb08.RESCALED),
    "last piece lost": (whole_pieces, nb08.LAST_PIECE),
    "no 1/√d": (lambda *x: online(*x, root=1), nb08.SCALED),
    "builds the table": (lambda q, k, v, size: scores(q, k).softmax(1) @ v, nb08.NO_TABLE),
    "overflows": (no_maximum, check.FINITE),
}


test_a_wrong_answer_is_refused_for_the_right_reason = refusals(
    {
        nb08.refine: REFINE,
        nb08.set_features: SET,
        nb08.mean_distance: DISTANCE,
        nb08.attend_in_pieces: PIECES,
    }
)


def test_a_right_answer_may_take_another_way():
    """F + C·V is one matrix times [F, V]; pieces may be of any kind."""

    def identity_joined(f, q, k, v):
        return torch.cat([torch.eye(len(f)), soft(f, q, k)], 1) @ torch.cat([f, f @ v])

    assert nb08.refine(identity_joined).status == "passed"
    assert nb08.attend_in_pieces(online).status == "passed"
