"""The result behind notebook 16; how it is made is tested in test_studies."""

import shipped_recipe

from handlib.experiments import video
from handlib.experiments.evidence import load_evidence
from handlib.models import DeformerConfig
from handlib.training import TrainConfig
from handlib.training.run import network_config


def test_the_shipped_result_is_of_todays_recipe():
    result = load_evidence("video")
    assert network_config(result["network"], "deformer") == DeformerConfig.course()
    recipes = [shipped_recipe.recipe(values) for values in result["recipes"]]
    assert recipes == [TrainConfig.deformer_frames(), TrainConfig.deformer_course()]
    networks = {row["network"] for row in result["runs"]}
    assert networks == set(video.VARIANTS) and len(result["runs"]) >= 3 * len(networks)
