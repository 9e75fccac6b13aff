"""Scores of a network on its own kind of data, beside the mean pose, as a table to print."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from handlib.data.readable import skip_note
from handlib.hands.hand_model import HandModel
from handlib.hands.hand_pair import HandPair
from handlib.training.baseline import mean_pose_baseline
from handlib.training.data import Split, images_of, thinned
from handlib.training.evaluate import Scores, evaluate
from handlib.training.run import Network, RunConfig, hand_of_run, load_run, score

ENOUGH = 20_000  # images for a mean pose; all of a recorded set would take too long to read


def score_run(run: Path, split: Split, size: int | None, mano: str = "") -> str:
    """The table of a run on `size` images (2,000) or clips (64) of the data that it is for.

    mano: file or folder of MANO's models, in place of the run's own.

    Raises:
        FileNotFoundError: `run` is not the folder of a run.
    """
    config, hand = RunConfig.load(run), hand_of_run(run, mano)
    model, resolution = load_run(run, hand), config.resolution
    data = replace(config.data, mano=mano or config.data.mano)
    images = data.load(split, resolution, size or (64 if data.gap else 2_000))
    return score_table(model, images, data.load("train", resolution), hand)


def score_table(model: Network, images: Any, train_set: Any, hand: HandModel | HandPair) -> str:
    """The table of a network on `images`, beside the mean pose of `train_set`.

    Above it stands what could not be read of either.
    """
    baseline = mean_pose_baseline(thinned(images_of(train_set), ENOUGH), hand)
    table = as_text(score(model, images), evaluate(baseline, images_of(images)))
    notes = {"training": skip_note(train_set), "scored": skip_note(images)}
    return "\n".join([*(f"{name}: {note}" for name, note in notes.items() if note), table])


def as_text(model: Scores, baseline: Scores) -> str:
    """A table in millimetres: each bin of occlusion, then all; of videos the acceleration, too."""
    lines = []
    if model.acceleration is not None and baseline.acceleration is not None:
        jitter, still = (1000 * x.mean() for x in (model.acceleration, baseline.acceleration))
        lines.append(f"acceleration error {jitter:.2f} mm per frame² (mean pose {still:.2f})")
    lines.append("occlusion    images  root-aligned mm (mean pose)  Procrustes mm (mean pose)")
    everything = {"low": 0.0, "high": 1.0, "count": len(model.root_aligned)}
    rows = zip(
        [*model.table(), everything | model.means()],
        [*baseline.table(), baseline.means()],
        strict=True,
    )
    for row, mean in rows:
        bounds = f"{row['low']:4.0%} -{row['high']:5.0%}"
        errors = (
            f"{1000 * row[name]:12.1f} ({1000 * mean[name]:5.1f})"
            for name in ("root_aligned", "procrustes")
        )
        lines.append(f"{bounds}  {row['count']:7d}  " + "        ".join(errors))
    return "\n".join(lines)
