"""The experiment behind notebook 16, at a size that takes seconds."""

import json
from dataclasses import replace

import pytest
import shipped_recipe

from handlib.experiments import video
from handlib.experiments.evidence import load_evidence
from handlib.models import DeformerConfig
from handlib.training import TrainConfig
from handlib.training.run import network_config

FIRST = replace(TrainConfig.deformer_frames(), images=32, warmup_images=0)
SECOND = replace(TrainConfig.deformer_course(), images=64, batch_size=16, warmup_images=0)


def test_the_single_frame_model_is_what_gains_are_measured_from(tmp_path, monkeypatch):
    monkeypatch.setattr(video, "VARIANTS", ("single_frame", "deformer"))
    monkeypatch.setattr(video, "HIDDEN", 0.0)  # so few clips may hide no hand
    video.run(tmp_path, seeds=1, stills=16, clips=2, test_clips=2, first=FIRST, second=SECOND)
    result = json.loads((tmp_path / "video.json").read_text())
    single, deformer = result["runs"]
    assert single["gain"]["mean"] == 0 and single["gain"]["interval"] == [0, 0]
    assert deformer["gain"]["frames"] == 64
    difference = single["root_aligned"] - deformer["root_aligned"]
    assert deformer["gain"]["mean"] == pytest.approx(difference, abs=0.02)
    assert sum(row["count"] for row in deformer["by_occlusion"]) == 64


def test_the_shipped_result_is_of_todays_recipe():
    result = load_evidence("video")
    assert network_config(result["network"], "deformer") == DeformerConfig.course()
    recipes = [shipped_recipe.recipe(values) for values in result["recipes"]]
    assert recipes == [TrainConfig.deformer_frames(), TrainConfig.deformer_course()]
    networks = {row["network"] for row in result["runs"]}
    assert networks == set(video.VARIANTS) and len(result["runs"]) >= 3 * len(networks)
