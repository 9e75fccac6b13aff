"""The experiments behind notebooks 05 to 08, at a size that takes seconds."""

import json
from dataclasses import replace

import pytest
import torch

from handlib.experiments import guidance, parts, reach
from handlib.experiments.catalogue import IMAGE_STUDIES
from handlib.experiments.image_study import Variant
from handlib.losses import LossConfig
from handlib.models import HandOccNet, HandOccNetConfig
from handlib.models.baselines import HANDOCCNET
from handlib.training import TrainConfig

FEW = replace(TrainConfig.course(), images=32, warmup_images=0)
EVERY = [
    pytest.param(study, name, id=f"{study.name}-{name}")
    for study in IMAGE_STUDIES
    for name in study.variants
]


def test_gains_are_measured_from_the_network_beside(tmp_path):
    kept = ("local_backbone", "local_fit", "no_hourglass_backbone", "no_hourglass_handoccnet")
    bases = {name: reach.STUDY.bases[name] for name in ("local", "no_hourglass")}
    variants = {name: reach.STUDY.variants[name] for name in kept}
    study = replace(reach.STUDY, bases=bases, variants=variants)
    study.run(tmp_path, seeds=1, size=64, test_size=64, first=FEW, second=FEW)
    result = json.loads((tmp_path / "reach.json").read_text(), parse_constant=pytest.fail)
    rows = {row["network"]: row for row in result["runs"]}
    assert list(rows) == list(kept) == list(result["spread"])
    for name, row in rows.items():
        beside = rows[result["beside"][name]]
        difference = beside["root_aligned"] - row["root_aligned"]
        assert row["gain"]["all"]["mean"] == pytest.approx(difference, abs=0.02)
        for which in ("hidden", "visible"):
            nearer = beside["joints_px"][which]["mean"] - row["joints_px"][which]["mean"]
            assert row["gain_px"][which]["mean"] == pytest.approx(nearer, abs=0.02)
        bins = [row for row in row["by_occlusion"] if row["low"] >= result["hidden_from"]]
        assert row["gain"]["hidden"]["images"] == sum(row["count"] for row in bins)
        spread = result["spread"][name]["root_aligned"]
        assert spread["min"] == spread["max"] == row["root_aligned"]
    assert rows["local_backbone"]["gain"]["all"]["mean"] == 0
    assert rows["local_fit"]["root_aligned"] != rows["local_backbone"]["root_aligned"]


@pytest.mark.parametrize(("study", "name"), EVERY)
def test_every_network_begins_with_its_backbones_features(hand, study, name):
    base = study.bases[study.variants[name].base]
    torch.manual_seed(1)
    backbone = HANDOCCNET["backbone"](base.network(HandOccNetConfig.course()))
    start = HandOccNet(backbone, hand).eval()
    model = study.begin_from(start, name, 0).eval()
    image = torch.rand(1, 3, 128, 128)
    with torch.inference_mode():
        torch.testing.assert_close(model._features(image), start._features(image))
    assert (model.fit is None, model.set is None) == (not model.config.fit, not model.config.set)
    again = study.begin_from(start, name, 0)
    for one, other in zip(model.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_start_of_another_base_is_refused(hand):
    start = HandOccNet(HANDOCCNET["backbone"](HandOccNetConfig.course()), hand)
    with pytest.raises((ValueError, RuntimeError)):
        reach.STUDY.begin_from(start, "local_fit", 0)


@pytest.mark.parametrize("study", IMAGE_STUDIES, ids=lambda study: study.name)
def test_each_stands_beside_a_network_of_its_own_base(study):
    for variant in study.variants.values():
        assert isinstance(variant, Variant)
        assert study.variants[variant.beside].base == variant.base in study.bases


def test_guidance_differs_in_what_is_told_alone():
    course = LossConfig.course()
    told = {}
    for name, variant in guidance.STUDY.variants.items():
        loss = variant.loss(course)
        told[name] = (loss.necessity > 0, loss.gate > 0)
        assert replace(loss, necessity=0.0, gate=0.0) == course
        assert replace(guidance.STUDY.config(name), guided=False) == HandOccNetConfig.course()
        assert guidance.STUDY.config(name).guided == any(told[name])
    assert told == {
        "handoccnet": (False, False),
        "necessity_told": (True, False),
        "gates_told": (False, True),
        "both_told": (True, True),
    }


def test_parts_are_the_papers_baselines():
    assert {name: parts.STUDY.config(name) for name in parts.STUDY.variants} == {
        name: change(HandOccNetConfig.course()) for name, change in HANDOCCNET.items()
    }
