"""Notebook 07: wrong answers fail for the right reason, right ones need no one way."""

import torch
from torch.nn import functional as F
from wrong_answers import refusals

from handlib.course import check
from handlib.course.checks import nb07


def soft(q, k, root=None):
    return (q @ k.T / (root or q.shape[1] ** 0.5)).softmax(1)


INJECT = {
    "no gate": (lambda q, k, v, g: soft(q, k) @ v, nb07.GATED),
    "gate on the scores": (lambda q, k, v, g: soft(g * q, k) @ v, nb07.GATED_LAST),
    "normalised again": (
        lambda q, k, v, g: F.normalize(g * soft(q, k), p=1, dim=1) @ v,
        nb07.GATED,
    ),
    "no 1/√d": (lambda q, k, v, g: g * (soft(q, k, 1) @ v), nb07.SCALED),
    "softmax over the queries": (
        lambda q, k, v, g: g * ((q @ k.T / q.shape[1] ** 0.5).softmax(0) @ v),
        nb07.OVER_KEYS,
    ),
    "keys injected": (lambda q, k, v, g: g * (soft(q, k) @ k), nb07.VALUES_READ),
    "query residual": (lambda q, k, v, g: g * (soft(q, k) @ v) + q, nb07.NO_RESIDUAL),
    "correlation only": (lambda q, k, v, g: g * soft(q, k), check.SHAPE),
    "gate added": (lambda q, k, v, g: g + soft(q, k) @ v, check.VALUES),
}


def heads_of(q, k, v, heads, root=None):
    groups = zip(*(x.chunk(heads, 1) for x in (q, k, v)), strict=True)
    return [soft(a, b, root) @ c for a, b, c in groups]


def interleaved(q, k, v, heads):
    q, k, v = (x.unflatten(1, (-1, heads)).permute(2, 0, 1) for x in (q, k, v))
    out = (q @ k.mT / q.shape[2] ** 0.5).softmax(2) @ v
    return out.permute(1, 2, 0).flatten(1)


HEADS = {
    "one row for all": (lambda q, k, v, h: soft(q, k) @ v, nb07.OWN_ROWS),
    "√C": (
        lambda q, k, v, h: torch.cat(heads_of(q, k, v, h, q.shape[1] ** 0.5), 1),
        nb07.HEAD_SCALED,
    ),
    "every A-th channel": (interleaved, nb07.BLOCKS_OF_CHANNELS),
    "backwards": (
        lambda q, k, v, h: torch.cat(heads_of(q, k, v, h)[::-1], 1),
        nb07.HEAD_ORDER,
    ),
    "heads added": (lambda q, k, v, h: sum(heads_of(q, k, v, h)), check.SHAPE),
    "heads stacked": (lambda q, k, v, h: torch.stack(heads_of(q, k, v, h)), check.SHAPE),
    "divided by d": (
        lambda q, k, v, h: torch.cat(heads_of(q, k, v, h, q.shape[1] / h), 1),
        check.VALUES,
    ),
}


def through(blocks, query, key):
    for block in blocks:
        query = block(query, key)
    return query


def moving_key(blocks, primary, secondary):
    query, key = secondary, primary
    for block in blocks:
        query = key = block(query, key)
    return primary + query


def last_block_alone(blocks, primary, secondary):
    for block in blocks:
        out = block(secondary, primary)
    return primary + out


def in_place(blocks, primary, secondary):
    primary += through(blocks, secondary, primary)
    return primary


FIT = {
    "F_p forgotten": (lambda b, p, s: through(b, s, p), nb07.PRIMARY_ADDED),
    "F_s added": (lambda b, p, s: p + s + through(b, s, p), nb07.SECONDARY_STAYS_OUT),
    "F_p asks": (lambda b, p, s: p + through(b, p, s), nb07.ASKS_WITH_SECONDARY),
    "query not refined": (last_block_alone, nb07.QUERY_REFINED),
    "key refined": (moving_key, nb07.KEY_STAYS),
    "changes F_p": (in_place, check.UNTOUCHED),
    "first block alone": (lambda b, p, s: p + b[0](s, p), check.VALUES),
}

CONCENTRATION = {
    "mass alone": (lambda c, o: (c * o).sum(1).mean(), nb07.BY_CHANCE),
    "ratio of the means": (
        lambda c, o: (c * o).sum(1).mean() / o.float().mean(),
        nb07.QUERY_BY_QUERY,
    ),
    "mean over own keys": (lambda c, o: ((c * o).sum(1) / o.sum(1)).mean(), nb07.MASS_SUMMED),
    "the other keys": (
        lambda c, o: ((c * ~o).sum(1) / (~o).float().mean(1)).mean(),
        nb07.OWN_KEYS,
    ),
    "one number a query": (lambda c, o: (c * o).sum(1) / o.float().mean(1), check.SHAPE),
    "mean of a bool": (lambda c, o: (c * o).sum(1) / o.mean(1), check.RUNS),
}


test_a_wrong_answer_is_refused_for_the_right_reason = refusals(
    {
        nb07.inject: INJECT,
        nb07.inject_by_heads: HEADS,
        nb07.fit_features: FIT,
        nb07.concentration: CONCENTRATION,
    }
)


def test_right_answers_may_take_another_way():
    """PyTorch's fused attention, with and without heads."""

    def fused(q, k, v, g):
        return g * F.scaled_dot_product_attention(q, k, v)

    def fused_heads(q, k, v, heads):
        q, k, v = (x.unflatten(1, (heads, -1)).transpose(0, 1) for x in (q, k, v))
        return F.scaled_dot_product_attention(q, k, v).transpose(0, 1).flatten(1)

    assert nb07.inject(fused).status == "passed"
    assert nb07.inject_by_heads(fused_heads).status == "passed"
