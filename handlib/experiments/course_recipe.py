"""Does notebook 10 arrive, whatever the seed? The course recipe, several times from nothing.

The claim: root-aligned error at most half, and Procrustes-aligned error at most four fifths of
the mean pose's, on held-out synthetic hands. Recipes are chosen on the validation split; this
scores the test split once for each seed.
"""

import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import Dataset

from handlib.data.sample import HandSample
from handlib.data.synthetic import SyntheticHands
from handlib.experiments.evidence import millimetres, occlusion_table, origin, spread
from handlib.experiments.recorded import Recorded, command_with, described_sets
from handlib.hands import load_hand
from handlib.models.handoccnet import HandOccNet, HandOccNetConfig
from handlib.training import TrainConfig, evaluate, fit, mean_pose_baseline
from handlib.training.run import write_json

COMMAND = "handlib experiment course_recipe"
LIMITS = {"root_aligned": 0.5, "procrustes": 0.8}  # of the mean pose's error


def run(
    output: Path,
    seeds: int = 3,
    size: int = 16_000,
    test_size: int = 2_000,
    recipe: TrainConfig | None = None,
    recorded: Recorded | None = None,
) -> dict[str, Any]:
    """Train `seeds` networks and write OUTPUT/course_recipe.json.

    All errors in the file are millimetres; `ratio` is to the mean pose of the training set.
    recorded: images to score on, too; each row has the same of them under `recorded`.
    """
    recorded = recorded or {}
    # Of the source that runs, whatever is committed meanwhile.
    made_by = origin(command_with(COMMAND, recorded))
    network, recipe, hand = HandOccNetConfig.course(), recipe or TrainConfig.course(), load_hand()
    train = SyntheticHands("train", size)
    test = SyntheticHands("test", test_size)
    guess = mean_pose_baseline(train, hand)
    mean_pose = evaluate(guess, test).means()
    guesses = {name: evaluate(guess, images).means() for name, images in recorded.items()}
    runs = []
    for seed in range(seeds):
        torch.manual_seed(seed)
        model, started = HandOccNet(network, hand), time.monotonic()
        fit(model, train, config=replace(recipe, seed=seed))
        minutes = (time.monotonic() - started) / 60
        row = {"seed": seed, "minutes": round(minutes, 1)} | _scores(model, test, mean_pose)
        if recorded:
            row["recorded"] = {
                name: _scores(model, images, guesses[name]) for name, images in recorded.items()
            }
        runs.append(row)
    result = {
        "claim": {f"{name} / mean pose": limit for name, limit in LIMITS.items()},
        "holds": all(r["ratio"][name] <= limit for r in runs for name, limit in LIMITS.items()),
        **made_by,
        "train_images": size,
        "test_images": test_size,
        "mean_pose": millimetres(mean_pose),
        **described_sets(recorded),
        "runs": runs,
        "spread": {name: spread([r[name] for r in runs]) for name in LIMITS},
        "network": asdict(network),
        "recipe": asdict(recipe),
    }
    write_json(output / "course_recipe.json", result)
    return result


def _scores(
    model: HandOccNet, test: Dataset[HandSample], mean_pose: dict[str, float]
) -> dict[str, Any]:
    scores = evaluate(model, test)
    means = scores.means()
    ratio = {name: round(value / mean_pose[name], 3) for name, value in means.items()}
    return millimetres(means) | {"ratio": ratio, "by_occlusion": occlusion_table(scores)}
