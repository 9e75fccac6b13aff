import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_ho3d import f_score as plain_f_score

from handlib.evaluation.surface import f_scores
from handlib.metrics import f_score, pck, pck_auc


def test_pck_counts_an_error_at_the_threshold_as_correct():
    errors = torch.tensor([[0.01, 0.02], [0.03, 0.04]]).double()
    shares = pck(errors, torch.tensor([0.0, 0.01, 0.02, 0.035, 1.0]).double())
    assert shares.tolist() == [0, 0.25, 0.5, 0.75, 1]


@given(st.lists(st.floats(0, 0.05), min_size=1, max_size=30))
def test_the_area_tends_to_the_mean_of_what_is_left_of_the_limit(errors):
    """The integral of a step at e is limit − e: the area is 1 − mean(e) / limit."""
    area = pck_auc(torch.tensor(errors).double(), steps=20_001)
    assert area == pytest.approx(1 - np.mean(errors) / 0.05, abs=1e-4)


def test_the_area_with_the_protocols_hundred_thresholds():
    thresholds = np.linspace(0, 0.05, 100)
    errors = np.abs(np.random.default_rng(0).normal(0, 0.03, 500))
    shares = [(errors <= threshold).mean() for threshold in thresholds]
    expected = np.trapezoid(shares, thresholds) / np.trapezoid(np.ones(100), thresholds)
    assert pck_auc(torch.from_numpy(errors)) == pytest.approx(expected, abs=1e-12)
    assert pck_auc(torch.from_numpy(errors / 1000), limit=5e-5) == pytest.approx(expected)


@given(st.integers(0, 10_000), st.floats(0.01, 3))
@settings(max_examples=25)
def test_f_score_agrees_with_nested_loops(seed, threshold):
    rng = np.random.default_rng(seed)
    one, other = rng.normal(size=(2, 15, 3)), rng.normal(size=(2, 9, 3))
    found = f_score(torch.from_numpy(one), torch.from_numpy(other), threshold)
    expected = [plain_f_score(a, b, threshold) for a, b in zip(one, other, strict=True)]
    assert found.tolist() == pytest.approx(expected, abs=1e-12)
    back = f_score(torch.from_numpy(other), torch.from_numpy(one), threshold)
    assert torch.allclose(found, back)


def test_f_score_excludes_the_threshold_itself_and_is_zero_far_away():
    point = torch.zeros(1, 1, 3).double()
    moved = point + torch.tensor([0.25, 0, 0])
    assert f_score(point, moved, 0.25).item() == 0
    assert f_score(point, moved, 0.2500001).item() == 1
    assert f_scores(point, moved, (0.5, 0.25, 0.3)).tolist() == [[1, 0, 1]]
