"""The experiment behind notebook 10, at a size that takes seconds."""

import json
from dataclasses import replace

import pytest
import shipped_recipe
import torch

from handlib.experiments import course_recipe
from handlib.experiments.evidence import load_evidence
from handlib.models.handoccnet import HandOccNet, HandOccNetConfig
from handlib.training import TrainConfig, evaluate, fit
from handlib.training.baseline import mean_pose_baseline
from handlib.training.run import network_config


def test_the_result_file_tells_what_the_recipe_gives(tmp_path, hand):
    recipe = replace(TrainConfig.course(), images=64, warmup_images=0)
    course_recipe.run(tmp_path, seeds=2, size=64, test_size=64, recipe=recipe)
    result = json.loads((tmp_path / "course_recipe.json").read_text())

    train, test = (course_recipe.SyntheticHands(split, 64) for split in ("train", "test"))
    mean_pose = evaluate(mean_pose_baseline(train, hand), test).means()["procrustes"]
    assert [run["seed"] for run in result["runs"]] == [0, 1]
    for run in result["runs"]:
        torch.manual_seed(run["seed"])
        model = HandOccNet(HandOccNetConfig.course(), hand)
        fit(model, train, config=replace(recipe, seed=run["seed"]))
        error = evaluate(model, test).means()["procrustes"]
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
