"""Of every exercise: the stub is not accepted, and the notebook's own solution is."""

from collections import Counter
from importlib import import_module

import pytest

EXERCISES = {
    "00": ["occlusion_ratio", "project_points", "root_aligned_error"],
    "01": ["six_to_matrix", "posed_joints", "skin", "in_pose_space"],
    "02": ["lift_pixels", "crop_intrinsics", "occlusion_ratio", "opengl_to_opencv"],
    "03": ["procrustes_points", "scale_translation", "f_of_surfaces", "area_under_pck"],
    "04": [
        "output_size",
        "residual_block",
        "top_down",
        "field_width",
        "share_of_influence",
    ],
    "05": ["spatial_gate", "logit_gradient", "auc", "ridge"],
    "06": ["soft_correlation", "gated_correlation", "gate_from_key_sum", "mass_on_visible"],
    "07": ["inject", "inject_by_heads", "fit_features", "concentration"],
    "08": ["refine", "set_features", "mean_distance", "attend_in_pieces"],
    "09": ["hourglass_parameters", "mean_place", "slopes", "entropy_bits"],
    "10": ["root_aligned_mm", "soft_target", "rate_at", "next_average", "train_step"],
    "11": ["complete_windows", "motion_blur", "bin_weights", "query_attention"],
    "12": ["sine_positions", "attend", "rank_correlation", "bone_drift"],
    "13": ["warp_by_sums", "fuse_frames", "seen_weights", "carry_on"],
    "14": ["max_mse_loss", "slopes", "safe_weights"],
    "15": ["acceleration_errors", "gru_step", "best_scores", "constant_share"],
    "16": ["window_of", "resampled_gains", "preference"],
}
EACH = [(number, name) for number, names in EXERCISES.items() for name in names]


def check_of(number, name):
    return getattr(import_module(f"handlib.course.checks.nb{number}"), name)


@pytest.mark.parametrize("number", EXERCISES)
def test_every_exercise_is_tested_here(load_exercises, number):
    stubs, _ = load_exercises(number)
    assert stubs == EXERCISES[number]


@pytest.mark.parametrize("number", EXERCISES)
def test_three_exercises_or_more_and_three_wrong_answers_for_each(number):
    """`wrong_answers.cases` calls them "name_of_the_exercise: what is wrong"."""
    functions = vars(import_module(f"test_nb{number}")).values()
    marks = [mark for f in functions for mark in getattr(f, "pytestmark", [])]
    values = [value for mark in marks if mark.name == "parametrize" for value in mark.args[1]]
    ids = {value.id for value in values if getattr(value, "id", None)}
    wrong = Counter(name.split(":")[0] for name in ids)
    assert len(EXERCISES[number]) >= 3
    assert {name: count for name in EXERCISES[number] if (count := wrong[name]) < 3} == {}


@pytest.mark.parametrize(("number", "name"), EACH)
def test_the_stub_is_not_done_yet(load_exercises, number, name):
    _, namespace = load_exercises(number)
    assert check_of(number, name)(namespace[name]).status == "not done yet"


@pytest.mark.parametrize(("number", "name"), EACH)
def test_the_solution_passes(load_exercises, number, name):
    _, namespace = load_exercises(number)
    result = check_of(number, name)(namespace[f"{name}_solution"])
    assert result.status == "passed", result
