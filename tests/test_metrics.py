import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import orthogonal_procrustes
from scipy.spatial import procrustes
from scipy.spatial.transform import Rotation

from handlib import metrics


def random_points(seed, batch=4, count=21):
    return torch.randn(batch, count, 3, generator=torch.Generator().manual_seed(seed)).double()


def similarity(seed):
    rng = np.random.default_rng(seed)
    rotation = torch.from_numpy(Rotation.random(random_state=seed).as_matrix())
    return rotation, rng.uniform(0.1, 10), torch.from_numpy(rng.normal(size=3))


def test_mpjpe_is_the_mean_distance():
    target = random_points(0)
    assert metrics.mpjpe(target + torch.tensor([0.0, 3.0, 4.0]), target).tolist() == pytest.approx(
        [5.0] * 4
    )


def test_root_aligned_ignores_translation_only():
    predicted, target = random_points(1), random_points(2)
    moved = predicted + torch.tensor([1.0, -2.0, 3.0])
    expected = metrics.root_aligned_mpjpe(predicted, target)
    assert torch.allclose(metrics.root_aligned_mpjpe(moved, target), expected)
    assert not torch.allclose(metrics.root_aligned_mpjpe(predicted * 1.1, target), expected)
    loop = [
        np.mean([np.linalg.norm((p - p0) - (t - t0)) for p, t in zip(ps, ts, strict=True)])
        for ps, ts in zip(predicted.numpy(), target.numpy(), strict=True)
        for p0, t0 in [(ps[0], ts[0])]
    ]
    assert np.allclose(expected, loop)


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_pa_is_zero_for_any_similarity_transform(seed):
    target = random_points(seed)
    rotation, scale, shift = similarity(seed)
    moved = scale * target @ rotation.T + shift
    assert metrics.pa_mpjpe(moved, target).max() < 1e-10


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_pa_does_not_change_when_the_prediction_is_moved(seed):
    predicted, target = random_points(seed), random_points(seed + 1)
    rotation, scale, shift = similarity(seed)
    moved = scale * predicted @ rotation.T + shift
    assert torch.allclose(
        metrics.pa_mpjpe(moved, target), metrics.pa_mpjpe(predicted, target), atol=1e-10
    )


@pytest.mark.parametrize("seed", range(5))
def test_alignment_agrees_with_scipy(seed):
    source, target = random_points(seed, batch=1), random_points(seed + 100, batch=1)
    aligned = metrics.procrustes_align(source, target, reflection=True)[0].numpy()
    x, y = source[0].numpy(), target[0].numpy()
    x0, y0 = x - x.mean(0), y - y.mean(0)
    rotation, scale = orthogonal_procrustes(x0 / np.linalg.norm(x0), y0 / np.linalg.norm(y0))
    expected = scale * np.linalg.norm(y0) / np.linalg.norm(x0) * x0 @ rotation + y.mean(0)
    assert np.allclose(aligned, expected)
    disparity = np.square(aligned - y).sum() / np.square(y0).sum()
    assert disparity == pytest.approx(procrustes(y, x)[2])


def test_proper_alignment_is_the_best_rotation():
    source, target = random_points(7, batch=1), random_points(8, batch=1)
    x = source[0].numpy() - source[0].numpy().mean(0)
    y = target[0].numpy() - target[0].numpy().mean(0)
    rotation = Rotation.align_vectors(y, x)[0].as_matrix()
    turned = x @ rotation.T
    expected = (turned * y).sum() / np.square(x).sum() * turned + target[0].numpy().mean(0)
    assert np.allclose(metrics.procrustes_align(source, target)[0].numpy(), expected)


def test_a_mirrored_hand_counts_as_wrong_unless_reflections_are_allowed():
    target = random_points(3)
    mirrored = target * torch.tensor([-1.0, 1.0, 1.0])
    assert metrics.pa_mpjpe(mirrored, target).min() > 0.1
    assert metrics.pa_mpjpe(mirrored, target, reflection=True).max() < 1e-10


@pytest.mark.parametrize("rank", [0, 1, 2])
def test_degenerate_shapes_stay_finite(rank):
    flat = torch.zeros(3, dtype=torch.float64)
    flat[:rank] = 1
    source, target = random_points(5) * flat, random_points(6)
    aligned = metrics.procrustes_align(source, target)
    assert aligned.isfinite().all()
    unaligned = metrics.mpjpe(target.mean(1, keepdim=True).expand_as(target), target)
    assert torch.allclose(metrics.mpjpe(aligned, target), unaligned, atol=0.5)
    assert metrics.procrustes_align(target, source).isfinite().all()


def test_occlusion_bins_hold_every_sample_once():
    occlusion = torch.tensor([0.0, 0.05, 0.0499, 0.25, 0.5, 0.75, 1.0])
    errors = torch.arange(7.0)
    table = metrics.by_occlusion(errors, occlusion)
    assert [row.count for row in table] == [2, 1, 1, 1, 2]
    assert [row.mean for row in table] == [1.0, 1.0, 3.0, 4.0, 5.5]


def test_an_empty_occlusion_bin_is_nan_and_a_share_above_one_is_refused():
    table = metrics.by_occlusion(torch.ones(1), torch.tensor([0.1]))
    assert np.isnan(table[0].mean) and table[1].mean == 1
    with pytest.raises(ValueError, match=r"found 1\.2"):
        metrics.by_occlusion(torch.ones(1), torch.tensor([1.2]))
