"""Notebook 06: wrong answers fail for the right reason, right ones need no one way."""

import math

import torch
from wrong_answers import refusals

from handlib.course import check
from handlib.course.checks import nb06


def scores(query, key, root=None):
    return query @ key.T / (root or math.sqrt(query.shape[1]))


def changes_its_input(query, key):
    query /= math.sqrt(query.shape[1])
    return (query @ key.T).softmax(1)


def overflows(query, key):
    e = scores(query, key).exp()
    return e / e.sum(1, keepdim=True)


SOFT = {
    "wrong softmax axis": (lambda q, k: scores(q, k).softmax(0), nb06.OVER_KEYS),
    "no 1/√d": (lambda q, k: scores(q, k, 1).softmax(1), nb06.SCALED),
    "keys ask, queries answer": (lambda q, k: scores(q, k).softmax(1).T, nb06.QUERY_BY_KEY),
    "divided by d": (lambda q, k: scores(q, k, q.shape[1]).softmax(1), check.VALUES),
    "scores only": (lambda q, k: scores(q, k), check.VALUES),
    "sigmoid instead": (lambda q, k: scores(q, k).sigmoid(), check.VALUES),
    "changes its input": (changes_its_input, check.UNTOUCHED),
    "overflows": (overflows, check.FINITE),
    "not transposed": (lambda q, k: q @ k, check.RUNS),
    "one row only": (lambda q, k: scores(q, k).softmax(1)[0], check.SHAPE),
}


def gate(q, k, root=None):
    return scores(q, k, root).mean(1, keepdim=True).sigmoid()


GATED = {
    "gate not multiplied": (lambda c, q, k: c, nb06.GATED),
    "sum instead of mean": (
        lambda c, q, k: c * scores(q, k).sum(1, keepdim=True).sigmoid(),
        nb06.MEAN_POOLED,
    ),
    "no 1/√d": (lambda c, q, k: c * gate(q, k, 1), nb06.SCALED),
    "sigmoid per key": (lambda c, q, k: c * scores(q, k).sigmoid(), nb06.POOLED_FIRST),
    "pooled over queries": (
        lambda c, q, k: c * scores(q, k).mean(0, keepdim=True).sigmoid(),
        nb06.POOLED_OVER_KEYS,
    ),
    "normalised again": (
        lambda c, q, k: (c * gate(q, k)) / (c * gate(q, k)).sum(1, keepdim=True),
        nb06.GATED,
    ),
    "gate alone": (lambda c, q, k: gate(q, k), check.SHAPE),
    "gate added": (lambda c, q, k: c + gate(q, k), check.VALUES),
}

KEY_SUM = {
    "builds the table": (
        lambda q, k: scores(q, k).sum(1, keepdim=True).sigmoid(),
        nb06.NO_PRODUCT,
    ),
    "mean instead of sum": (
        lambda q, k: scores(q, k.mean(0, keepdim=True)).sigmoid(),
        nb06.SUM_POOLED,
    ),
    "no 1/√d": (lambda q, k: scores(q, k.sum(0, keepdim=True), 1).sigmoid(), nb06.SCALED),
    "sums the queries": (
        lambda q, k: scores(k, q.sum(0, keepdim=True)).sigmoid(),
        nb06.POOLED_OVER_KEYS,
    ),
    "sigmoid before the sum": (
        lambda q, k: scores(q, k).sigmoid().sum(1, keepdim=True),
        nb06.POOLED_FIRST,
    ),
    "one axis lost": (lambda q, k: scores(q, k.sum(0, keepdim=True)).sigmoid()[:, 0], check.SHAPE),
    "no sigmoid": (lambda q, k: scores(q, k.sum(0, keepdim=True)), check.VALUES),
}

MASS = {
    "mean over the keys": (lambda c, q, v: c[q][:, v].mean(), nb06.SUMMED_ON_KEYS),
    "mask inverted": (lambda c, q, v: c[q][:, ~v].sum(1).mean(), nb06.VISIBLE_KEYS),
    "all queries": (lambda c, q, v: c[:, v].sum(1).mean(), nb06.CHOSEN_QUERIES),
    "rows and columns swapped": (lambda c, q, v: c[v][:, q].sum(1).mean(), check.RUNS),
    "one number a query": (lambda c, q, v: c[q][:, v].sum(1), check.SHAPE),
    "sum over the queries": (lambda c, q, v: c[q][:, v].sum(), check.VALUES),
}


test_a_wrong_answer_is_refused_for_the_right_reason = refusals(
    {
        nb06.soft_correlation: SOFT,
        nb06.gated_correlation: GATED,
        nb06.gate_from_key_sum: KEY_SUM,
        nb06.mass_on_visible: MASS,
    }
)


def test_a_right_answer_may_take_another_way():
    """The check tests what is computed, not how."""

    def by_hand(query, key):
        e = torch.exp(scores(query, key) - scores(query, key).amax(1, keepdim=True))
        return e / e.sum(1, keepdim=True)

    assert nb06.soft_correlation(by_hand).status == "passed"
