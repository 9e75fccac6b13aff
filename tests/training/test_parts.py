"""The experiment behind notebooks 05 to 08, at a size that takes seconds."""

import json
from dataclasses import replace

import pytest
import torch

from handlib.experiments import parts
from handlib.models import HandOccNet, HandOccNetConfig
from handlib.models.baselines import HANDOCCNET
from handlib.training import TrainConfig

FEW = replace(TrainConfig.course(), images=32, warmup_images=0)


def test_gains_are_measured_from_the_backbone(tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "VARIANTS", ("backbone", "handoccnet"))
    parts.run(tmp_path, seeds=1, size=64, test_size=64, first=FEW, second=FEW)
    result = json.loads((tmp_path / "parts.json").read_text())
    backbone, whole = result["runs"]
    assert backbone["gain"]["all"]["mean"] == 0 == backbone["gain"]["hidden"]["mean"]
    difference = backbone["root_aligned"] - whole["root_aligned"]
    assert whole["gain"]["all"]["mean"] == pytest.approx(difference, abs=0.02)
    rows = [row for row in whole["by_occlusion"] if row["low"] >= result["hidden_from"]]
    assert whole["gain"]["hidden"]["images"] == sum(row["count"] for row in rows)
    assert result["spread"]["handoccnet"]["root_aligned"]["min"] == whole["root_aligned"]


@pytest.mark.parametrize("name", sorted(HANDOCCNET))
def test_every_network_begins_with_the_backbones_features(hand, name):
    torch.manual_seed(1)
    start = HandOccNet(HANDOCCNET["backbone"](HandOccNetConfig.course()), hand).eval()
    model = parts.begin_from(start, name, 0, hand).eval()
    image = torch.rand(1, 3, 128, 128)
    with torch.inference_mode():
        torch.testing.assert_close(model(image).masks, start(image).masks)
    assert (model.fit is None, model.set is None) == (
        not model.config.fit,
        not model.config.set,
    )
    again = parts.begin_from(start, name, 0, hand)
    for one, other in zip(model.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)
