"""Notebook 12: wrong answers fail for the right reason, right ones need no one way."""

import math

import pytest
import torch
from scipy.stats import rankdata
from torch.nn import functional as F
from wrong_answers import refusals

from handlib.course import check
from handlib.course.checks import nb12
from handlib.evaluation.motion import bone_length_drift
from handlib.hands.skeleton import BONES
from handlib.models.positions import sine_positions_1d


def angles(frames, channels, first=1, scaled=True, sign=-1, exponent=None):
    time = torch.arange(first, first + frames, dtype=torch.float64)
    place = time / frames * 2 * math.pi if scaled else time
    pair = torch.arange(channels // 2) if exponent is None else exponent
    return place[:, None] * 10_000.0 ** (sign * 2 * pair / channels)


def interleaved(angle, swapped=False):
    both = [angle.cos(), angle.sin()] if swapped else [angle.sin(), angle.cos()]
    return torch.stack(both, -1).flatten(1)


def by_channel(frames, channels):
    angle = angles(frames, channels, exponent=torch.arange(channels) / 2)
    odd = torch.arange(channels) % 2 == 1
    return torch.where(odd, angle.cos(), angle.sin())


POSITIONS = {
    "counted from 0": (lambda t, c: interleaved(angles(t, c, first=0)), nb12.FROM_ONE),
    "not scaled": (lambda t, c: interleaved(angles(t, c, scaled=False)), nb12.TO_TWO_PI),
    "sines, then cosines": (
        lambda t, c: torch.cat([angles(t, c).sin(), angles(t, c).cos()], 1),
        nb12.INTERLEAVED,
    ),
    "cosine first": (lambda t, c: interleaved(angles(t, c), swapped=True), nb12.SINE_FIRST),
    "a frequency a channel": (by_channel, nb12.ONE_FREQUENCY_A_PAIR),
    "rising frequencies": (lambda t, c: interleaved(angles(t, c, sign=1)), nb12.FALLING),
    "time second": (lambda t, c: interleaved(angles(t, c)).T, check.SHAPE),
    "sines only": (lambda t, c: angles(t, c).sin().repeat_interleave(2, 1), check.VALUES),
}


def read(query, key, value, scale=None, over=1):
    scores = query @ key.T / (scale or math.sqrt(query.shape[1]))
    return scores.softmax(over) @ value


def naive(x, p, q, k, v):
    weights = ((x + p) @ q.T @ k @ (x + p).T / math.sqrt(x.shape[1])).exp()
    return weights / weights.sum(1, keepdim=True) @ x @ v.T


ATTEND = {
    "positions in the values": (
        lambda x, p, q, k, v: read((x + p) @ q.T, (x + p) @ k.T, (x + p) @ v.T),
        nb12.NOT_TO_VALUES,
    ),
    "no positions": (
        lambda x, p, q, k, v: read(x @ q.T, x @ k.T, x @ v.T),
        nb12.WITH_POSITIONS,
    ),
    "positions in the queries only": (
        lambda x, p, q, k, v: read((x + p) @ q.T, x @ k.T, x @ v.T),
        nb12.KEYS_TOO,
    ),
    "softmax over the queries": (
        lambda x, p, q, k, v: read((x + p) @ q.T, (x + p) @ k.T, x @ v.T, over=0),
        nb12.OVER_KEYS,
    ),
    "not scaled": (
        lambda x, p, q, k, v: read((x + p) @ q.T, (x + p) @ k.T, x @ v.T, scale=1),
        nb12.SCALED,
    ),
    "residual added": (
        lambda x, p, q, k, v: x + read((x + p) @ q.T, (x + p) @ k.T, x @ v.T),
        nb12.NO_RESIDUAL,
    ),
    "weights returned": (
        lambda x, p, q, k, v: ((x + p) @ q.T @ k @ (x + p).T).softmax(1),
        check.SHAPE,
    ),
    "overflows": (naive, check.FINITE),
}


def pearson(a, b):
    return torch.corrcoef(torch.stack([a.double(), b.double()]))[0, 1]


def places(x):
    return x.argsort(stable=True).argsort(stable=True)


def unscaled(a, b):
    a, b = places(a).double(), places(b).double()
    return ((a - a.mean()) * (b - b.mean())).mean()


def spearman(a, b):
    return pearson(*(torch.from_numpy(rankdata(x.numpy())) for x in (a, b)))


CORRELATION = {
    "values": (pearson, nb12.RANKS),
    "one argsort": (lambda a, b: pearson(a.argsort(), b.argsort()), nb12.RANK_NOT_ORDER),
    "ties by their order": (lambda a, b: pearson(places(a), places(b)), nb12.TIES),
    "absolute": (lambda a, b: spearman(a, b).abs(), nb12.SIGNED),
    "covariance": (unscaled, nb12.NORMALISED),
    "a row for each": (lambda a, b: spearman(a, b).expand(2), check.SHAPE),
    "a constant": (lambda a, b: torch.tensor(1.0), check.VALUES),
}


def lengths(joints, bones):
    return (joints[:, bones[:, 1]] - joints[:, bones[:, 0]]).norm(dim=-1)


def unbiased(joints, bones):
    return lengths(joints, bones).std(0).nan_to_num(0).mean()


DRIFT = {
    "over the bones": (
        lambda j, b: lengths(j, b).std(1, correction=0).mean(),
        nb12.OVER_TIME,
    ),
    "vectors": (
        lambda j, b: (j[:, b[:, 1]] - j[:, b[:, 0]]).std(0, correction=0).mean(),
        nb12.LENGTHS,
    ),
    "T - 1": (unbiased, nb12.DIVIDED_BY_T),
    "variance": (lambda j, b: lengths(j, b).var(0, correction=0).mean(), nb12.NOT_SQUARED),
    "summed": (lambda j, b: lengths(j, b).std(0, correction=0).sum(), nb12.BONES_AVERAGED),
    "bone by bone": (lambda j, b: lengths(j, b).std(0, correction=0), check.SHAPE),
    "first against last": (
        lambda j, b: (lengths(j, b)[0] - lengths(j, b)[-1]).abs().mean(),
        check.VALUES,
    ),
}


ignoring_std = pytest.mark.filterwarnings("ignore:std")  # of one frame, by T - 1
test_a_wrong_answer_is_refused_for_the_right_reason = ignoring_std(
    refusals(
        {
            nb12.sine_positions: POSITIONS,
            nb12.attend: ATTEND,
            nb12.rank_correlation: CORRELATION,
            nb12.bone_drift: DRIFT,
        }
    )
)


def test_right_answers_may_take_another_way():
    """The checks test what is computed, not how: the library's, SciPy's and PyTorch's do."""
    assert nb12.sine_positions(sine_positions_1d).status == "passed"
    fused = nb12.attend(
        lambda x, p, q, k, v: F.scaled_dot_product_attention((x + p) @ q.T, (x + p) @ k.T, x @ v.T)
    )
    assert fused.status == "passed"
    assert nb12.rank_correlation(spearman).status == "passed"


def test_the_drift_of_the_exercise_is_the_library_s():
    joints, bones = torch.randn(6, 21, 3), torch.tensor(BONES)
    ours = lengths(joints, bones).std(0, correction=0).mean()
    assert torch.allclose(ours, bone_length_drift(joints))
