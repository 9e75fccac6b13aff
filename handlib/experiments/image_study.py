"""An image study: networks that go on from a plain backbone, scored on held-out images.

Every seed trains the plain backbone first, one for each of the study's bases. Each network then
goes on from the weights of its base's backbone, FIT and SET from nothing, with the same images in
the same order. The test split is scored once for each network and seed, and the maps on it, too:
what they show is another question than whether they help. Recorded images, if there are any, are
scored as well.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from handlib.data import SyntheticHands
from handlib.data.sample import HandSample
from handlib.evaluation.hidden_joints import joint_errors
from handlib.evaluation.map_scores import MapScore, map_scores
from handlib.experiments.evidence import origin
from handlib.experiments.image_study_rows import HIDDEN, errors, joints_row, shown, spread_of
from handlib.experiments.recorded import Recorded, command_with, described_sets
from handlib.hands import HandModel, load_hand
from handlib.losses import LossConfig
from handlib.models import HandOccNet, HandOccNetConfig
from handlib.models.baselines import HANDOCCNET
from handlib.training import Scores, TrainConfig, evaluate, fit
from handlib.training.run import write_json

MAP_IMAGES = 400


@dataclass(frozen=True)
class Base:
    """What all networks of a group have in common: a change of the course's network and loss."""

    network: Callable[[HandOccNetConfig], HandOccNetConfig] = field(default=partial(replace))
    loss: Callable[[LossConfig], LossConfig] = field(default=partial(replace))


@dataclass(frozen=True)
class Variant:
    """One network: a change of its base's.

    beside: the variant, of the same base, that its errors are compared with.
    """

    network: Callable[[HandOccNetConfig], HandOccNetConfig]
    beside: str
    base: str = "course"
    loss: Callable[[LossConfig], LossConfig] = field(default=partial(replace))


@dataclass(frozen=True)
class Found:
    """What the test images say of a trained network.

    recorded: its scores on recorded images, by the names of the sets.
    """

    scores: Scores
    joints: dict[str, Tensor]
    maps: dict[str, MapScore]
    minutes: float
    recorded: Mapping[str, Scores]


@dataclass(frozen=True)
class ImageStudy:
    """An experiment on HandOccNet: a claim, its networks, and what these begin with."""

    name: str
    claim: str
    variants: Mapping[str, Variant]
    bases: Mapping[str, Base] = field(default_factory=lambda: {"course": Base()})

    def run(
        self,
        output: Path,
        seeds: int = 3,
        size: int = 16_000,
        test_size: int = 2_000,
        first: TrainConfig | None = None,
        second: TrainConfig | None = None,
        recorded: Recorded | None = None,
    ) -> dict[str, Any]:
        """Train every variant from every seed, and write OUTPUT/NAME.json.

        Errors are millimetres, those of joints in the image pixels. `gain` is what a network's
        error lies below that of the one beside it, over all test images and over those that are
        hidden most, with its 95 % interval over images.

        first, second: recipes of the backbones and of the networks that go on from them.
        recorded: images to score on, too. Each row then has errors and gains under `recorded`, by
        the set's name, with intervals over recordings.
        """
        recorded = recorded or {}
        # Of the source that runs, whatever is committed meanwhile.
        made_by = origin(command_with(f"handlib experiment {self.name}", recorded))
        began, hand = time.monotonic(), load_hand()
        first, second = first or start_recipe(), second or parts_recipe()
        train, test = SyntheticHands("train", size), SyntheticHands("test", test_size)
        runs: list[dict[str, Any]] = []
        for seed in range(seeds):
            found: dict[str, Found] = {}
            for name, base in self.bases.items():
                start = _start(base, replace(first, seed=seed), train, hand)
                config = replace(second, seed=seed)
                for variant in (v for v in self.variants if self.variants[v].base == name):
                    found[variant] = self._train(variant, start, train, test, recorded, config)
            runs += [
                {"seed": seed, "network": name} | self._row(name, found, recorded)
                for name in found
            ]
        result = {
            "claim": self.claim,
            **made_by,
            "seeds": list(range(seeds)),
            "minutes": round((time.monotonic() - began) / 60, 1),
            "train_images": size,
            "test_images": test_size,
            "hidden_from": HIDDEN,
            "beside": {name: variant.beside for name, variant in self.variants.items()},
            **described_sets(recorded),
            "runs": runs,
            "spread": {name: spread_of(runs, name) for name in self.variants},
            "network": asdict(HandOccNetConfig.course()),
            "recipes": [asdict(first), asdict(second)],
        }
        write_json(output / f"{self.name}.json", result)
        return result

    def config(self, name: str) -> HandOccNetConfig:
        """The network `name`, at course scale."""
        variant = self.variants[name]
        return variant.network(self.bases[variant.base].network(HandOccNetConfig.course()))

    def begin_from(self, start: HandOccNet, name: str, seed: int) -> HandOccNet:
        """The network `name` with all that `start`, its base's backbone, has learned.

        Raises:
            ValueError: `start` lacks more than what a plain backbone lacks.
        """
        torch.manual_seed(seed)
        model = HandOccNet(self.config(name), start.hand)
        wanting = model.load_state_dict(start.state_dict(), strict=False)
        foreign = [key for key in wanting.missing_keys if key.split(".")[0] not in _OWN]
        if foreign or wanting.unexpected_keys:
            raise ValueError(f"{name}: no common start for {foreign + wanting.unexpected_keys}")
        return model

    def _train(
        self,
        name: str,
        start: HandOccNet,
        train: Dataset[HandSample],
        test: Dataset[HandSample],
        recorded: Recorded,
        config: TrainConfig,
    ) -> Found:
        variant = self.variants[name]
        loss = variant.loss(self.bases[variant.base].loss(_loss(config)))
        began = time.monotonic()
        model = self.begin_from(start, name, config.seed)
        fit(model, train, config=replace(config, loss=loss))
        minutes = round((time.monotonic() - began) / 60, 2)
        maps = map_scores(model, test, MAP_IMAGES)
        elsewhere = {name: evaluate(model, images) for name, images in recorded.items()}
        return Found(evaluate(model, test), joint_errors(model, test), maps, minutes, elsewhere)

    def _row(self, name: str, found: Mapping[str, Found], recorded: Recorded) -> dict[str, Any]:
        own, beside = found[name], found[self.variants[name].beside]
        row = {
            "minutes": own.minutes,
            "maps": shown(own.maps),
            **errors(own.scores, beside.scores),
            **joints_row(own.joints, beside.joints),
        }
        if recorded:
            row["recorded"] = {
                data: errors(scores, beside.recorded[data], recorded[data].groups)
                for data, scores in own.recorded.items()
            }
        return row


_OWN = ("necessity", "fit", "set", "residual")  # what a plain backbone lacks


def start_recipe() -> TrainConfig:
    """The backbone from nothing: what a pretrained ResNet is to the paper."""
    return replace(TrainConfig.course(), images=24_000)


def parts_recipe() -> TrainConfig:
    """Every network from there on."""
    return replace(TrainConfig.course(), images=12_000, learning_rate=2e-3)


def _start(
    base: Base, config: TrainConfig, train: Dataset[HandSample], hand: HandModel
) -> HandOccNet:
    """A base's plain backbone, trained."""
    torch.manual_seed(config.seed)
    model = HandOccNet(HANDOCCNET["backbone"](base.network(HandOccNetConfig.course())), hand)
    fit(model, train, config=replace(config, loss=base.loss(_loss(config))))
    return model


def _loss(config: TrainConfig) -> LossConfig:
    assert isinstance(config.loss, LossConfig)
    return config.loss
