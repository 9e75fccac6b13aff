import numpy as np
import pytest
import torch
from scipy import stats

from handlib.hands.skeleton import JOINT_NAMES
from handlib.metrics import by_joint, by_occlusion, mean_interval


def skewed(count=400, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).gamma(2, 0.005, count))


def test_the_interval_agrees_with_scipy():
    errors = skewed()
    theirs = stats.bootstrap(
        (errors.numpy(),), np.mean, method="percentile", n_resamples=20_000, random_state=1
    ).confidence_interval
    ours = mean_interval(errors, resamples=20_000)
    assert ours == pytest.approx(tuple(theirs), abs=0.02 * (theirs.high - theirs.low))


def test_the_same_seed_gives_the_same_interval_and_leaves_the_global_one_alone():
    before = np.random.get_state()[1].copy()
    assert mean_interval(skewed(), seed=3) == mean_interval(skewed(), seed=3)
    assert mean_interval(skewed(), seed=3) != mean_interval(skewed(), seed=4)
    assert np.array_equal(before, np.random.get_state()[1])


def test_the_interval_covers_the_true_mean_as_often_as_it_says():
    """300 intervals of 100 skewed errors, which the percentile method covers a little too rarely.

    The bounds are those of the binomial law with 94 %, missed by chance once in 5,000.
    """
    intervals = [mean_interval(skewed(100, seed), seed=seed) for seed in range(300)]
    hits = sum(low <= 0.01 <= high for low, high in intervals)
    low, high = stats.binom.ppf([0.0001, 0.9999], 300, 0.94)
    assert low <= hits <= high


def test_what_could_not_be_measured_is_left_out():
    errors, groups = skewed(60), [i // 4 for i in range(60)]
    gaps = torch.full((20,), torch.nan, dtype=errors.dtype)
    mixed = torch.stack([errors.view(20, 3), *[gaps[:, None].expand(20, 3)]], dim=1).flatten()
    doubled = [g for i in range(20) for g in groups[3 * i : 3 * i + 3] * 2]
    assert mean_interval(mixed) == mean_interval(errors)
    assert mean_interval(mixed, doubled) == mean_interval(errors, groups)
    assert np.isnan(mean_interval(gaps)).all()


def test_groups_of_copies_count_as_one_sample_each():
    """Ten copies of each error say no more than the error itself."""
    errors = skewed(50)
    groups = [f"clip {i}" for i in range(50) for _ in range(10)]
    copied = errors.repeat_interleave(10)
    order = sorted(range(50), key=lambda i: f"clip {i}")
    assert mean_interval(copied, groups) == pytest.approx(mean_interval(errors[order]))
    narrow = mean_interval(copied)
    wide = mean_interval(copied, groups)
    assert wide[1] - wide[0] > 2 * (narrow[1] - narrow[0])


def test_no_errors_have_no_interval():
    assert np.isnan(mean_interval(torch.zeros(0))).all()


def test_table_by_joint():
    errors = skewed(630).reshape(30, 21)
    table = by_joint(errors)
    assert [row.name for row in table] == list(JOINT_NAMES)
    for column, row in enumerate(table):
        assert row.mean == pytest.approx(errors[:, column].mean().item())
        assert errors[:, column].min() <= row.interval[0] <= row.mean <= row.interval[1]


def test_bins_of_occlusion_have_intervals_of_their_own_samples():
    errors, occlusion = skewed(200), torch.linspace(0, 1, 200)
    groups = [i // 4 for i in range(200)]
    for row in by_occlusion(errors, occlusion, groups=groups):
        closed = occlusion <= row.high if row.high == 1 else occlusion < row.high
        inside = (occlusion >= row.low) & closed
        members = np.array(groups)[inside.numpy()].tolist()
        assert row.interval == mean_interval(errors[inside], members)
