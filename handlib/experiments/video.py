"""Do other frames help a hidden hand? Deformer and what it is compared with, over several seeds.

The claim (Deformer, Tables 1 and 4): temporal context lowers the error, most where the frame in
the middle is hidden most. All networks of a seed start from the same single-frame layers and see
the same windows of synthetic clips; only what joins the frames differs. The test split is scored
once for each network and seed.
"""

import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from handlib import weights
from handlib.data import SyntheticHands, SyntheticSequences, windows
from handlib.experiments.evidence import (
    mean_with_interval,
    millimetres,
    occlusion_table,
    origin,
    spread,
)
from handlib.hands import HandModel, load_hand
from handlib.metrics import OCCLUSION_BINS
from handlib.models import Deformer, DeformerConfig
from handlib.models.baselines import DEFORMER
from handlib.training import (
    CachedFrames,
    Scores,
    TrainConfig,
    evaluate_windows,
    fit,
    single_frame_model,
    single_frames,
)
from handlib.training.data import WINDOW
from handlib.training.recipes import COURSE_GAP
from handlib.training.run import write_json

COMMAND = "handlib experiment video"
VARIANTS = ("single_frame", "temporal", "average", "recurrent", "deformer")
HIDDEN = OCCLUSION_BINS[-2]  # from this hidden share on a frame counts as hidden most


def run(
    output: Path,
    seeds: int = 3,
    stills: int = 16_000,
    clips: int = 300,
    test_clips: int = 64,
    first: TrainConfig | None = None,
    second: TrainConfig | None = None,
) -> dict[str, Any]:
    """Train every variant from every seed, and write OUTPUT/video.json.

    Errors are millimetres, accelerations millimetres per frame². `gain` is what a network's error
    lies below the single-frame model's where the frame is hidden most, with its 95 % interval
    over clips.
    """
    first, second = first or TrainConfig.deformer_frames(), second or TrainConfig.deformer_course()
    hand = load_hand()
    train = windows(SyntheticSequences("train", clips), WINDOW, COURSE_GAP)
    test = windows(SyntheticSequences("test", test_clips), WINDOW, COURSE_GAP)
    frames = single_frames(SyntheticHands("train", stills), train.dataset)
    runs = []
    for seed in range(seeds):
        torch.manual_seed(seed)
        start = Deformer(DeformerConfig.course(), hand)
        start.take_trunk(weights.load_handoccnet(hand))
        single = single_frame_model(start)
        fit(single, frames, config=replace(first, seed=seed))
        start.take_frames(single)
        seen, judged = CachedFrames(start, train), CachedFrames(start, test)
        scores = {
            name: _train(name, start, seen, judged, replace(second, seed=seed), hand)
            for name in VARIANTS
        }
        runs += [
            {"seed": seed, "network": name, "minutes": minutes}
            | _row(found, scores["single_frame"][0], test.sequences)
            for name, (found, minutes) in scores.items()
        ]
    result = {
        "claim": "temporal context helps, most where the middle frame is hidden most",
        **origin(COMMAND),
        "train": {"stills": stills, "clips": clips},
        "test_clips": test_clips,
        "hidden_from": HIDDEN,
        "runs": runs,
        "spread": {name: _spread(runs, name) for name in VARIANTS},
        "network": asdict(DeformerConfig.course()),
        "recipes": [asdict(first), asdict(second)],
    }
    write_json(output / "video.json", result)
    return result


def _train(
    name: str,
    start: Deformer,
    seen: CachedFrames,
    judged: CachedFrames,
    config: TrainConfig,
    hand: HandModel,
) -> tuple[Scores, float]:
    """Scores on the test clips, and the minutes of the second stage."""
    torch.manual_seed(config.seed)
    started = time.monotonic()
    model = Deformer(DEFORMER[name](start.config), hand).take_frames(start)
    fit(model, seen, config=config)
    return evaluate_windows(model, judged), round((time.monotonic() - started) / 60, 2)


def _row(scores: Scores, single: Scores, clips: tuple[range, ...]) -> dict[str, Any]:
    means = millimetres(scores.means())
    return means | {"by_occlusion": occlusion_table(scores), "gain": _gain(scores, single, clips)}


def _gain(scores: Scores, single: Scores, clips: tuple[range, ...]) -> dict[str, Any]:
    """Mean and interval over clips: frames of one clip resemble each other."""
    assert scores.occlusion is not None
    hidden = scores.occlusion >= HIDDEN
    clip = torch.cat([torch.full((len(frames),), i) for i, frames in enumerate(clips)])
    gains: Tensor = 1000 * (single.root_aligned - scores.root_aligned)[hidden]
    return {"frames": int(hidden.sum())} | mean_with_interval(gains, clip[hidden].tolist())


def _spread(runs: list[dict[str, Any]], network: str) -> dict[str, Any]:
    mine = [row for row in runs if row["network"] == network]
    columns: dict[str, list[float]] = {
        name: [row[name] for row in mine]
        for name in ("root_aligned", "procrustes", "acceleration")
    }
    columns["hidden"] = [row["by_occlusion"][-1]["root_aligned"] for row in mine]
    columns["gain"] = [row["gain"]["mean"] for row in mine]
    return {name: spread(values) for name, values in columns.items()}
