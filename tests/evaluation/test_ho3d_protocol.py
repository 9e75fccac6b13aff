from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_ho3d import ho3d_scores as plain_scores
from scipy.spatial.transform import Rotation

from handlib.evaluation import ho3d_protocol
from handlib.metrics import ho3d_scores

OFFICIAL = Path(__file__).parent / "ho3d_scores.npz"
ALIGNED = ("xyz_procrustes_al_mean3d", "mesh_al_mean3d")


def random_set(seed, samples=3, vertices=40, error=0.01):
    """Points the size of a hand, half a metre away, and a prediction `error` metres off."""
    rng = np.random.default_rng(seed)
    joints, mesh = (rng.normal(0, 0.05, (samples, n, 3)) for n in (21, vertices))
    joints[..., 2] += 0.5
    mesh[..., 2] += 0.5
    return (
        joints,
        joints + rng.normal(0, error, joints.shape),
        mesh,
        mesh + rng.normal(0, error, mesh.shape),
    )


def test_the_official_scores_to_all_their_digits():
    with np.load(OFFICIAL, allow_pickle=False) as file:
        official = {name[6:]: float(file[name]) for name in file if name.startswith("score/")}
        arrays = [file[n] for n in ("gt_joints", "pred_joints", "gt_verts", "pred_verts")]
    assert len(official) == 14
    assert ho3d_scores(*arrays) == pytest.approx(official, abs=1e-6, rel=0)
    tensors = [torch.from_numpy(array) for array in arrays]
    assert ho3d_scores(*tensors) == pytest.approx(official, abs=1e-6, rel=0)


@given(st.integers(0, 1000), st.sampled_from([0.0, 0.002, 0.01, 0.1]))
@settings(max_examples=15)
def test_agrees_with_plain_loops(seed, error):
    arrays = random_set(seed, error=error)
    assert ho3d_scores(*arrays) == pytest.approx(plain_scores(*arrays), abs=1e-9)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_the_size_of_the_chunks_does_not_matter(size, monkeypatch):
    arrays = random_set(0, samples=5)
    expected = ho3d_scores(*arrays)
    monkeypatch.setattr(ho3d_protocol, "_CHUNK", size)
    assert ho3d_scores(*arrays) == pytest.approx(expected, abs=1e-12)


def test_a_perfect_prediction():
    """After an alignment, rounding may miss the first threshold, 0: half of one of 99 steps."""
    gt_joints, _, gt_vertices, _ = random_set(1)
    for name, score in ho3d_scores(gt_joints, gt_joints, gt_vertices, gt_vertices).items():
        if "mean3d" in name:
            assert score < 1e-5, name
        else:
            assert 1 - 0.5 / 99 - 1e-9 <= score <= 1, name


@given(st.integers(0, 1000))
@settings(max_examples=15)
def test_a_similarity_transform_leaves_nothing_after_procrustes(seed):
    gt_joints, _, gt_vertices, _ = random_set(seed)
    rng = np.random.default_rng(seed)
    turn, shift = Rotation.random(random_state=seed).as_matrix(), rng.normal(size=3)
    moved = [rng.uniform(0.3, 3) * x @ turn.T + shift for x in (gt_joints, gt_vertices)]
    scores = ho3d_scores(gt_joints, moved[0], gt_vertices, moved[1])
    assert max(scores[name] for name in ALIGNED) < 1e-4
    assert scores["xyz_mean3d"] > 1


def test_a_mirrored_hand_scores_zero_as_in_the_official_script_and_not_without_reflection():
    gt_joints, _, gt_vertices, _ = random_set(2)
    mirror = np.array([-1.0, 1, 1])
    mirrored = gt_joints, gt_joints * mirror, gt_vertices, gt_vertices * mirror
    official, honest = ho3d_scores(*mirrored), ho3d_scores(*mirrored, reflection=False)
    assert max(official[name] for name in ALIGNED) < 1e-4
    assert min(honest[name] for name in ALIGNED) > 1
    rest = [name for name in official if "_al_" not in name or "scale" in name]
    assert {n: official[n] for n in rest} == {n: honest[n] for n in rest}


def test_scale_and_translation_alignment_takes_off_just_these():
    gt_joints, pred_joints, gt_vertices, pred_vertices = random_set(3)
    name = "xyz_scale_trans_al_mean3d"
    moved = ho3d_scores(gt_joints, 2 * gt_joints + 1, gt_vertices, pred_vertices)
    assert moved[name] == pytest.approx(0, abs=1e-9)
    turn = Rotation.from_euler("z", 1).as_matrix()
    turned = ho3d_scores(gt_joints, gt_joints @ turn.T, gt_vertices, pred_vertices)
    assert turned[name] > 1


@pytest.mark.parametrize("value", [0.0, 0.1])
def test_a_hand_that_is_a_single_point_scores_as_in_the_official_script(value):
    """All zeros is the sample submission; 0.1 has no exact mean, so that centring leaves noise."""
    gt_joints, joints, gt_vertices, vertices = random_set(4)
    arrays = gt_joints, np.full_like(joints, value), gt_vertices, np.full_like(vertices, value)
    scores = ho3d_scores(*arrays)
    assert all(np.isfinite(score) for score in scores.values())
    assert scores == pytest.approx(plain_scores(*arrays), abs=1e-6)
    to_centre = np.linalg.norm(gt_joints - gt_joints.mean(1, keepdims=True), axis=-1).mean()
    assert scores["xyz_procrustes_al_mean3d"] == pytest.approx(100 * to_centre, abs=1e-6)


def test_what_cannot_be_scored_is_refused_by_name():
    arrays = random_set(5)
    names = ("gt_joints", "pred_joints", "gt_vertices", "pred_vertices")

    def refused(match, **changes):
        with pytest.raises(ValueError, match=match):
            ho3d_scores(**(dict(zip(names, arrays, strict=True)) | changes))

    refused(r"pred_joints: expected the shape \(N,21,3\)", pred_joints=arrays[1][:, :20])
    refused("pred_vertices: expected the shape of gt_vertices", pred_vertices=arrays[3][:, :5])
    refused(
        "gt_vertices: expected 3 samples, found 2",
        **dict(zip(names[2:], [a[:2] for a in arrays[2:]], strict=True)),
    )
    refused("N at least 1", gt_joints=arrays[0][:0], pred_joints=arrays[1][:0])
    broken = arrays[3].copy()
    broken[1, 7] = np.nan
    refused("pred_vertices: .* in 1 samples, first in sample 1", pred_vertices=broken)
