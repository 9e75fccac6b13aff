"""Make shippable weights and their card from a finished run."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import Tensor
from torch.utils.data import Subset

from handlib import weights
from handlib.data.windows import Windows
from handlib.evaluation.judge_scores import judge_scores
from handlib.evaluation.map_scores import map_scores
from handlib.evaluation.robustness import described, robustness
from handlib.hands import HandModel
from handlib.models.deformer import Deformer
from handlib.models.discriminator import MotionDiscriminator
from handlib.models.handoccnet import HandOccNet
from handlib.training.baseline import mean_pose_baseline
from handlib.training.checkpoint import CRITIC_FILE, STATE_FILE, read_tensors, write_tensors
from handlib.training.data import images_of
from handlib.training.evaluate import Scores, evaluate
from handlib.training.run import RunConfig, load_run, score, write_json

DISTURBED = 500  # images: each is seen under every disturbance
LIMITS = (
    "Trained on rendered right hands only, of one hand model, at 128 pixels, in minutes to hours "
    "on two processor cores. For seeing how the network works; not for measuring hands."
)


def publish(
    run_dir: Path,
    hand: HandModel,
    minutes: float,
    folder: Path | None = None,
    test_size: int | None = None,
    name: str | None = None,
    limits: str = "",
) -> dict[str, Any]:
    """Score the run on the test split, write its weights and their card; returns the card.

    name: of both files, else that of the kind of network. test_size: images (2,000) or clips
    (64). limits: what the card says of them beyond what holds for all.
    """
    run, model = RunConfig.load(run_dir), load_run(run_dir, hand)
    unit = "clips" if run.data.gap else "images"
    test_size = test_size or (64 if run.data.gap else 2_000)
    test = run.data.load("test", run.resolution, test_size)
    baseline = mean_pose_baseline(images_of(run.data.load("train", run.resolution)), hand)
    path = (folder or weights.SHIPPED) / f"{name or run.kind}.safetensors"
    scores: dict[str, Any] = {
        "split": f"test, {test_size} {unit}, millimetres",
        "model": _millimetres(score(model, test)),
        "mean_pose": _millimetres(evaluate(baseline, images_of(test))),
    }
    if isinstance(model, HandOccNet) and run.data.name == "synthetic":
        found = map_scores(model, test)
        scores["maps"] = {name: asdict(value) for name, value in found.items() if value.images}
        few = Subset(test, range(min(DISTURBED, test_size)))
        scores["disturbed"] = described(robustness(model, few))
    description = _write(path, model.state_dict()) | {
        "kind": run.kind,
        "limits": " ".join(filter(None, (LIMITS, limits))),
        "command": run.command,
        "minutes": minutes,
        "data": asdict(run.data),
        "recipe": _recipe(run_dir),
        "scores": scores,
        "network": asdict(run.network),
    }
    write_json(path.with_suffix(".json"), description)
    return description


def publish_critic(
    run_dir: Path,
    hand: HandModel,
    minutes: float,
    folder: Path | None = None,
    test_size: int = 64,
) -> dict[str, Any]:
    """The same for the judge of a run with `--critic`, scored on windows of the test clips.

    Raises:
        FileNotFoundError: the run had none.
    """
    run, model = RunConfig.load(run_dir), load_run(run_dir, hand)
    judge = MotionDiscriminator.course()
    judge.load_state_dict(read_tensors(run_dir / CRITIC_FILE)[0])
    test = run.data.load("test", run.resolution, test_size)
    assert isinstance(model, Deformer) and isinstance(test, Windows)
    path = (folder or weights.SHIPPED) / "discriminator.safetensors"
    found = judge_scores(judge, model, test)
    description = _write(path, judge.state_dict()) | {
        "kind": "discriminator",
        "limits": "It knows the motions of synthetic clips and one network's mistakes.",
        "command": run.command,
        "minutes": minutes,
        "data": asdict(run.data),
        "recipe": _recipe(run_dir),
        "scores": {
            "split": f"test, windows of {test_size} clips, ROC-AUC of true motion against others",
            "model": {name: round(value, 3) for name, value in found.items()},
        },
        "network": {"width": judge.score.in_features},
    }
    write_json(path.with_suffix(".json"), description)
    return description


def _write(path: Path, tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """Half precision is enough to look and to start from; the card's first entries."""
    half = {
        key: value.half() if value.is_floating_point() else value for key, value in tensors.items()
    }
    write_tensors(path, half, {"format": "pt"})
    return {
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "licence": "Apache-2.0",
    }


def _recipe(run_dir: Path) -> Any:
    """What the run's state says of its optimiser, losses and augmentation; None without one."""
    path = run_dir / STATE_FILE
    return json.loads(read_tensors(path)[1]["config"]) if path.is_file() else None


def _millimetres(scores: Scores) -> dict[str, Any]:
    def rounded(row: dict[str, float]) -> dict[str, float]:
        errors = {"root_aligned", "procrustes", "acceleration"} & set(row)
        return row | {name: round(1000 * row[name], 2) for name in sorted(errors)}

    return rounded(scores.means()) | {"by_occlusion": [rounded(row) for row in scores.table()]}
