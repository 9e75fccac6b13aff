"""Which parts of HandOccNet help? Its baselines from one start, over several seeds.

The claims (HandOccNet, sections 4.4 and 4.5): F_p alone loses what the hidden region tells; FIT
and SET each help, and together most; softmax alone is worse than softmax and gate. Every seed
trains the plain backbone first; each network then goes on from its weights, FIT and SET from
nothing, with the same images in the same order. The test split is scored once for each network
and seed, and the maps on it, too: what they show is another question than whether they help.
Recorded images, if there are any, are scored as well.
"""

import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import Dataset

from handlib.data import SyntheticHands
from handlib.data.sample import HandSample
from handlib.evaluation.map_scores import MapScore, map_scores
from handlib.experiments.evidence import (
    Groups,
    hidden_from,
    mean_with_interval,
    millimetres,
    occlusion_table,
    origin,
    spread,
)
from handlib.experiments.recorded import Recorded, command_with, described_sets
from handlib.hands import HandModel, load_hand
from handlib.metrics import OCCLUSION_BINS
from handlib.models import HandOccNet, HandOccNetConfig
from handlib.models.baselines import HANDOCCNET
from handlib.training import Scores, TrainConfig, evaluate, fit
from handlib.training.run import write_json

COMMAND = "handlib experiment parts"
VARIANTS = tuple(HANDOCCNET)
HIDDEN = OCCLUSION_BINS[-3]  # from this hidden share on an image counts as hidden most
ERRORS = ("root_aligned", "procrustes")
MAP_IMAGES = 400


def run(
    output: Path,
    seeds: int = 3,
    size: int = 16_000,
    test_size: int = 2_000,
    first: TrainConfig | None = None,
    second: TrainConfig | None = None,
    recorded: Recorded | None = None,
) -> dict[str, Any]:
    """Train every baseline from every seed, and write OUTPUT/parts.json.

    Errors are millimetres. `gain` is what a network's error lies below the backbone's, over all
    test images and over those that are hidden most, with its 95 % interval over images.

    recorded: images to score on, too. Each row then has the same under `recorded`, by the set's
    name, with intervals over recordings.
    """
    recorded = recorded or {}
    # Of the source that runs, whatever is committed meanwhile.
    made_by = origin(command_with(COMMAND, recorded))
    first, second = first or start_recipe(), second or parts_recipe()
    hand = load_hand()
    train, test = SyntheticHands("train", size), SyntheticHands("test", test_size)
    runs = []
    for seed in range(seeds):
        torch.manual_seed(seed)
        start = HandOccNet(HANDOCCNET["backbone"](HandOccNetConfig.course()), hand)
        fit(start, train, config=replace(first, seed=seed))
        trained: dict[str, HandOccNet] = {}
        scores = {
            name: _train(name, start, train, test, replace(second, seed=seed), hand, trained)
            for name in VARIANTS
        }
        elsewhere = on_recorded(trained, recorded)
        runs += [
            {"seed": seed, "network": name, "minutes": minutes, "maps": shown(maps)}
            | _row(found, scores["backbone"][0])
            | elsewhere[name]
            for name, (found, maps, minutes) in scores.items()
        ]
    result = {
        "claim": "FIT and SET each lower the error, together most; F_p alone raises it",
        **made_by,
        "train_images": size,
        "test_images": test_size,
        "hidden_from": HIDDEN,
        **described_sets(recorded),
        "runs": runs,
        "spread": {name: _spread(runs, name) for name in VARIANTS},
        "network": asdict(HandOccNetConfig.course()),
        "recipes": [asdict(first), asdict(second)],
    }
    write_json(output / "parts.json", result)
    return result


def start_recipe() -> TrainConfig:
    """The backbone from nothing: what a pretrained ResNet is to the paper."""
    return replace(TrainConfig.course(), images=24_000)


def parts_recipe() -> TrainConfig:
    """Every network from there on."""
    return replace(TrainConfig.course(), images=12_000, learning_rate=2e-3)


def _train(
    name: str,
    start: HandOccNet,
    train: Dataset[HandSample],
    test: Dataset[HandSample],
    config: TrainConfig,
    hand: HandModel,
    trained: dict[str, HandOccNet] | None = None,
) -> tuple[Scores, dict[str, MapScore], float]:
    """Scores of errors and maps on the test images, and the minutes of training from `start`.

    trained: takes the network itself, by its name.
    """
    started = time.monotonic()
    model = begin_from(start, name, config.seed, hand)
    fit(model, train, config=config)
    minutes = round((time.monotonic() - started) / 60, 2)
    if trained is not None:
        trained[name] = model
    return evaluate(model, test), map_scores(model, test, MAP_IMAGES), minutes


def begin_from(start: HandOccNet, name: str, seed: int, hand: HandModel) -> HandOccNet:
    """The network `name` with all that `start`, a plain backbone, has learned."""
    torch.manual_seed(seed)
    model = HandOccNet(HANDOCCNET[name](HandOccNetConfig.course()), hand)
    wanting = model.load_state_dict(start.state_dict(), strict=False)
    foreign = [key for key in wanting.missing_keys if key.split(".")[0] not in _OWN]
    if foreign or wanting.unexpected_keys:
        raise ValueError(f"{name}: no common start for {foreign + wanting.unexpected_keys}")
    return model


_OWN = ("necessity", "fit", "set")  # what a plain backbone lacks


def shown(maps: dict[str, MapScore]) -> dict[str, dict[str, Any]]:
    """For a result file: to the thousandth, without what no image could tell."""
    return {
        name: {
            "mean": round(score.mean, 3),
            "interval": [round(score.low, 3), round(score.high, 3)],
            "images": score.images,
        }
        for name, score in maps.items()
        if score.images
    }


def on_recorded(
    trained: Mapping[str, HandOccNet], recorded: Recorded, reference: str = "backbone"
) -> dict[str, dict[str, Any]]:
    """For each network's row: its errors on each recorded set, and what they lie below those of
    `reference`; nothing without recorded sets."""
    rows: dict[str, dict[str, Any]] = {name: {} for name in trained}
    for data, test in recorded.items():
        scores = {name: evaluate(model, test) for name, model in trained.items()}
        for name, found in scores.items():
            row = _row(found, scores[reference], test.groups)
            rows[name].setdefault("recorded", {})[data] = row
    return rows


def _row(scores: Scores, backbone: Scores, groups: Groups | None = None) -> dict[str, Any]:
    """groups: what intervals are drawn over, else images."""
    gains = 1000 * (backbone.root_aligned - scores.root_aligned)
    hidden = gains.where(hidden_from(HIDDEN, scores), torch.nan)
    return millimetres(scores.means()) | {
        "by_occlusion": occlusion_table(scores),
        "gain": {"all": _gain(gains, groups), "hidden": _gain(hidden, groups)},
    }


def _gain(gains: torch.Tensor, groups: Groups | None) -> dict[str, Any]:
    return {"images": int(gains.isfinite().sum())} | mean_with_interval(gains, groups)


def _spread(runs: list[dict[str, Any]], network: str) -> dict[str, Any]:
    mine = [row for row in runs if row["network"] == network]
    columns: dict[str, list[float]] = {name: [row[name] for row in mine] for name in ERRORS}
    for which in ("all", "hidden"):
        columns[f"gain_{which}"] = [row["gain"][which]["mean"] for row in mine]
    return {name: spread(values) for name, values in columns.items()}
