"""ROC-AUC against counted pairs and SciPy; the ridge probe against least squares and limits."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from handlib.metrics import ridge_probe, roc_auc

LEVELS = st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=30)


def counted(scores, positive):
    """One half for a tie, over all pairs of a positive and a negative."""
    wins = [
        (p > n) + 0.5 * (p == n)
        for p in scores[positive].tolist()
        for n in scores[~positive].tolist()
    ]
    return sum(wins) / len(wins) if wins else math.nan


@given(LEVELS)
def test_the_area_is_the_share_of_pairs_in_the_right_order(pairs):
    scores = torch.tensor([float(level) for level, _ in pairs])
    positive = torch.tensor([flag for _, flag in pairs])
    expected = counted(scores, positive)
    assert roc_auc(scores, positive) == pytest.approx(expected, nan_ok=True)
    assert roc_auc(-scores, positive) == pytest.approx(1 - expected, nan_ok=True)


def test_the_area_agrees_with_scipy():
    scores = torch.randn(300, generator=torch.Generator().manual_seed(0))
    positive = torch.arange(300) % 3 == 0
    u = mannwhitneyu(scores[positive].numpy(), scores[~positive].numpy()).statistic
    assert roc_auc(scores, positive) == pytest.approx(u / (100 * 200))


def samples(count=60, width=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(count, width, generator=generator, dtype=torch.float64)
    weights = torch.randn(width, 3, generator=generator, dtype=torch.float64)
    noise = 0.3 * torch.randn(count, 3, generator=generator, dtype=torch.float64)
    return x * torch.arange(1, width + 1) + 2, x @ weights + 7 + noise


def test_ridge_is_least_squares_with_the_penalty_as_extra_rows():
    x, y = samples()
    z = (x - x.mean(0)) / x.std(0, correction=0)
    rows = torch.cat([z, 2.0 * torch.eye(5, dtype=x.dtype)])
    wanted = torch.cat([y - y.mean(0), torch.zeros(5, 3, dtype=x.dtype)])
    weights = torch.linalg.lstsq(rows, wanted).solution
    torch.testing.assert_close(ridge_probe(x, y, x, strength=4.0), z @ weights + y.mean(0))


def test_a_linear_law_is_found_and_a_strong_penalty_gives_the_mean():
    x, _ = samples()
    y = x @ torch.ones(5, 2, dtype=x.dtype) - 3
    torch.testing.assert_close(ridge_probe(x[:40], y[:40], x[40:], 1e-9), y[40:])
    far = ridge_probe(x, y, x, 1e12)
    torch.testing.assert_close(far, y.mean(0).expand_as(far), rtol=0, atol=1e-6)


def test_the_scale_of_a_feature_and_constant_features_do_not_matter():
    x, y = samples()
    scaled = torch.cat([x * torch.tensor([1e-3, 1, 10, 1e3, 5]), torch.full((60, 1), 4.0)], 1)
    torch.testing.assert_close(ridge_probe(scaled, y, scaled), ridge_probe(x, y, x))


def test_a_penalty_must_be_positive():
    x, y = samples()
    with pytest.raises(ValueError, match="strength"):
        ridge_probe(x, y, x, 0)
