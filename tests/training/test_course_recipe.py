"""The experiment behind notebook 10, at a size that takes seconds."""

import json
from dataclasses import replace

import pytest
import shipped_recipe

from handlib.experiments import course_recipe
from handlib.experiments.evidence import load_evidence
from handlib.models.handoccnet import HandOccNetConfig
from handlib.training import TrainConfig, evaluate
from handlib.training.baseline import mean_pose_baseline
from handlib.training.run import load_run, network_config


def test_the_result_file_tells_what_the_saved_networks_score(tmp_path, hand):
    recipe = replace(TrainConfig.course(), images=64, warmup_images=0)
    course_recipe.run(tmp_path, tmp_path / "runs", seeds=2, size=64, test_size=64, recipe=recipe)
    result = json.loads((tmp_path / "course_recipe.json").read_text())

    assert [run["seed"] for run in result["runs"]] == [0, 1]
    for run in result["runs"]:
        model = load_run(tmp_path / f"runs/course_recipe_{run['seed']}", hand)
        test = course_recipe.SyntheticHands("test", 64)
        train = course_recipe.SyntheticHands("train", 64)
        error = evaluate(model, test).means()["procrustes"]
        mean_pose = evaluate(mean_pose_baseline(train, hand), test).means()["procrustes"]
        assert run["procrustes"] == pytest.approx(1000 * error, abs=0.01)
        assert run["ratio"]["procrustes"] == pytest.approx(error / mean_pose, abs=0.001)
    assert result["runs"][0]["root_aligned"] != result["runs"][1]["root_aligned"]
    assert not result["holds"]


def test_the_shipped_result_is_of_todays_recipe():
    result = load_evidence("course_recipe")
    assert network_config(result["network"]) == HandOccNetConfig.course()
    assert shipped_recipe.recipe(result["recipe"]) == TrainConfig.course()
    for run in result["runs"]:
        for name, limit in course_recipe.LIMITS.items():
            assert run["ratio"][name] == pytest.approx(
                run[name] / result["mean_pose"][name], abs=0.002
            )
            assert run["ratio"][name] <= limit
    assert result["holds"]


def test_a_missing_result_says_how_to_make_it(tmp_path):
    with pytest.raises(FileNotFoundError, match="handlib experiment course_recipe"):
        load_evidence("course_recipe", tmp_path)
