"""DexYCB's and FPHA's scores against plain loops."""

import numpy as np
import pytest
import torch
from plain_ho3d import THRESHOLDS, procrustes

from handlib.metrics import dexycb_scores, fpha_scores, pa_mpjpe


def random_joints(seed, error):
    rng = np.random.default_rng(seed)
    gt = rng.normal([0, 0, 0.7], 0.05, (8, 21, 3))
    return gt, gt + rng.normal(0, error, (8, 1, 3)) + rng.normal(0, error, gt.shape)


def plain_dexycb(gt, predicted):
    """Hand by hand, joint by joint."""
    aligned = {
        "absolute": [(g, p) for g, p in zip(gt, predicted, strict=True)],
        "root_relative": [(g - g[0], p - p[0]) for g, p in zip(gt, predicted, strict=True)],
        "procrustes": [(g, procrustes(p, g)) for g, p in zip(gt, predicted, strict=True)],
    }
    scores = {}
    for name, hands in aligned.items():
        errors = [np.linalg.norm(a - b) for g, p in hands for a, b in zip(g, p, strict=True)]
        shares = [np.mean([error <= limit for error in errors]) for limit in THRESHOLDS]
        scores[f"{name}_mpjpe"] = 1000 * np.mean(errors)
        scores[f"{name}_auc"] = np.trapezoid(shares, THRESHOLDS) / 0.05
    return scores


@pytest.mark.parametrize("error", [0.0, 0.003, 0.01, 0.2])
def test_dexycb_agrees_with_plain_loops(error):
    gt, predicted = random_joints(0, error)
    assert dexycb_scores(gt, predicted) == pytest.approx(plain_dexycb(gt, predicted), abs=1e-8)


def test_dexycb_allows_mirrored_hands_unless_told_otherwise():
    gt, _ = random_joints(1, 0.01)
    mirrored = gt * np.array([1, -1, 1])
    assert dexycb_scores(gt, mirrored)["procrustes_mpjpe"] < 1e-4
    assert dexycb_scores(gt, mirrored, reflection=False)["procrustes_mpjpe"] > 10


def test_fpha_in_millimetres_and_without_mirroring():
    gt, predicted = random_joints(2, 0.005)
    expected = [
        np.linalg.norm(procrustes(p, g) - g, axis=1).mean()
        for g, p in zip(gt, predicted, strict=True)
    ]
    found = fpha_scores(gt, predicted)
    assert found["procrustes_mpjpe"] == pytest.approx(1000 * np.mean(expected), abs=1e-4)
    offset = fpha_scores(gt, gt + np.array([0.0, 0.03, 0.04]))
    assert offset == pytest.approx({"procrustes_mpjpe": 0, "root_relative_mpjpe": 0}, abs=1e-9)
    mirrored = gt * np.array([-1, 1, 1])
    honest = pa_mpjpe(torch.from_numpy(mirrored), torch.from_numpy(gt)).mean().item()
    assert fpha_scores(gt, mirrored)["procrustes_mpjpe"] == pytest.approx(1000 * honest)
    assert honest > 0.01


@pytest.mark.parametrize("score", [dexycb_scores, fpha_scores])
def test_frames_without_labels_are_refused(score):
    gt, predicted = random_joints(3, 0.01)
    gt[4] = np.nan
    with pytest.raises(ValueError, match="gt_joints: .* first in sample 4"):
        score(gt, predicted)
