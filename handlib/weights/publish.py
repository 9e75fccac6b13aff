"""Make shippable weights and their card from a finished run."""

import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

from handlib import weights
from handlib.hands import HandModel
from handlib.training.baseline import mean_pose_baseline
from handlib.training.checkpoint import write_tensors
from handlib.training.data import images_of
from handlib.training.evaluate import Scores, evaluate
from handlib.training.run import RunConfig, load_run, score, write_json

LIMITS = (
    "Trained on rendered right hands only, for minutes. For seeing how the network works; "
    "not for measuring hands in photographs."
)


def publish(
    run_dir: Path,
    hand: HandModel,
    minutes: float,
    folder: Path | None = None,
    test_size: int | None = None,
) -> dict[str, Any]:
    """Score the run on the test split, write its weights and their card; returns the card.

    Both are named after the kind of network. test_size: images (2,000) or clips (64).
    """
    run, model = RunConfig.load(run_dir), load_run(run_dir, hand)
    name, unit = run.kind, "clips" if run.data.gap else "images"
    test_size = test_size or (64 if run.data.gap else 2_000)
    test = run.data.load("test", run.resolution, test_size)
    baseline = mean_pose_baseline(images_of(run.data.load("train", run.resolution)), hand)
    path = (folder or weights.SHIPPED) / f"{name}.safetensors"
    half = {
        key: value.half() if value.is_floating_point() else value
        for key, value in model.state_dict().items()
    }
    write_tensors(path, half, {"format": "pt"})
    description = {
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "licence": "Apache-2.0",
        "limits": LIMITS,
        "command": run.command,
        "minutes": minutes,
        "data": asdict(run.data),
        "scores": {
            "split": f"test, {test_size} {unit}, millimetres",
            "model": _millimetres(score(model, test)),
            "mean_pose": _millimetres(evaluate(baseline, images_of(test))),
        },
        "network": asdict(run.network),
    }
    write_json(path.with_suffix(".json"), description)
    return description


def _millimetres(scores: Scores) -> dict[str, Any]:
    def rounded(row: dict[str, float]) -> dict[str, float]:
        errors = {"root_aligned", "procrustes", "acceleration"} & set(row)
        return row | {name: round(1000 * row[name], 2) for name in sorted(errors)}

    return rounded(scores.means()) | {"by_occlusion": [rounded(row) for row in scores.table()]}
