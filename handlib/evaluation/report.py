"""What a network scores on a recorded data set, as files: numbers, a table, pictures.

`scores.json` holds everything; `scores.md` is the part that people read. Where the data set's
evaluation takes submissions, its file can be written as well.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from handlib.atomic import replacing
from handlib.data import HO3D, DexYCB
from handlib.data.recorded import RecordedSet
from handlib.data.subsets import check_subset
from handlib.evaluation.alignment import procrustes_align
from handlib.evaluation.bootstrap import mean_interval
from handlib.evaluation.dexycb_submission import write_dexycb
from handlib.evaluation.errors import joint_errors, pck
from handlib.evaluation.ho3d_submission import write_ho3d
from handlib.evaluation.recorded import (
    RecordedHands,
    both_sides,
    frames_of,
    official_scores,
    predict_recorded,
    recording,
)
from handlib.evaluation.tables import by_joint, by_occlusion
from handlib.hands import load_hand_pair
from handlib.training.data import DataConfig, Split
from handlib.training.trained import Trained
from handlib.viz import score_plots, theme

ALIGNMENTS = ("root_aligned", "procrustes")
LIMIT, STEPS = 0.05, 100  # of the PCK curve: metres, thresholds


@dataclass(frozen=True)
class Report:
    """Where the files went, and the readable part; `official` is empty without the truth."""

    files: tuple[Path, ...]
    official: dict[str, float]
    text: str


def evaluate_recorded(
    trained: Trained,
    data: DataConfig,
    out: Path,
    split: Split = "test",
    submission: bool = False,
) -> Report:
    """Predict a split of a recorded data set, score it as its authors do, and write the files.

    With `data.skip_broken` frames that cannot be read are left out, and the report says so. Of an
    earlier report in `out` the files are replaced.

    Raises:
        ValueError: a submission of less than the whole test split, or of FPHA, which has none; a
            subset of another split.
        DataFileError: a file that cannot be read.
        FileNotFoundError: the data set is not there; HO-3D's truth is not, and no submission is
            wanted.
    """
    if submission:
        _check_submission(data, split)
    images = data.load(split, trained.resolution, data.size, truth=not submission)
    source, frames = frames_of(images)
    if data.subset:
        check_subset(Path(data.subset), source)
    if data.both_sides:
        both_sides(trained.model, load_hand_pair(data.mano or None))
    hands = predict_recorded(trained.model, images)
    values: dict[str, Any] = {
        "data": asdict(data) | {"split": split},
        "network": trained.origin | {"resolution": trained.resolution},
        "position": "each predicted wrist is put at the true one",
        "images": len(frames),
        "recordings": len({recording(source, name) for name in hands.names}),
        "unreadable": {"frames": source.skipped, "first": source.skipped_frames()},
    }
    pictures: dict[str, Figure] = {}
    if hands.gt_joints is not None:
        values["official"] = official_scores(source, hands)
        values |= _scores(source, hands, pictures)
    text = _markdown(values)
    files = [out / "scores.json", out / "scores.md", *(out / name for name in pictures)]
    _write(out / "scores.json", (json.dumps(_finite(values), indent=2) + "\n").encode())
    _write(out / "scores.md", text.encode())
    for name, fig in pictures.items():
        _write(out / name, theme.png(fig, dpi=150))
    if submission:
        files.append(_submit(source, hands, out))
    return Report(tuple(files), values.get("official", {}), text)


def _check_submission(data: DataConfig, split: Split) -> None:
    if data.name == "fpha":
        raise ValueError("submission: FPHA has no submission file; leave out --submission")
    if split != "test" or data.size or data.partial or data.skip_broken or data.subset:
        raise ValueError(
            "submission: expected all frames of the test split, found another split or a part of "
            "it; leave out --split, --size, --subset, --partial and --skip-broken"
        )


def _scores(
    source: RecordedSet, hands: RecordedHands, pictures: dict[str, Figure]
) -> dict[str, Any]:
    """Errors by joint and by occlusion and the PCK curve, in millimetres; draws them, too."""
    errors = _errors(hands)
    groups = _groups(source, hands)
    thresholds = torch.linspace(0, LIMIT, STEPS, dtype=torch.float64)
    curves = {name: pck(values, thresholds).numpy() for name, values in errors.items()}
    joints = by_joint(errors["root_aligned"], groups)
    pictures["error_by_joint.png"] = score_plots.by_joint(joints)
    labels = {name: name.replace("_", "-") for name in ALIGNMENTS}
    shares = {labels[name]: curve for name, curve in curves.items()}
    pictures["pck.png"] = score_plots.pck_curves(1000 * thresholds.numpy(), shares)
    bins = {}
    if hands.occlusion is not None:
        for name, values in errors.items():
            bins[name] = by_occlusion(values.mean(1), hands.occlusion, groups=groups)
        rows = {labels[name]: bins[name] for name in ALIGNMENTS}
        pictures["error_by_occlusion.png"] = score_plots.by_occlusion(rows)
    return {
        "mean_mm": {name: _mean(values.mean(1), groups) for name, values in errors.items()},
        "by_joint_mm": [_millimetres(asdict(row)) for row in joints],
        "by_occlusion_mm": {
            name: [_millimetres(asdict(row)) for row in rows] for name, rows in bins.items()
        },
        "pck": {
            "thresholds_mm": (1000 * thresholds).tolist(),
            **{name: curve.tolist() for name, curve in curves.items()},
        },
    }


def _errors(hands: RecordedHands) -> dict[str, Float[Tensor, "N 21"]]:
    """Of each joint in metres, wrist on wrist, and after Procrustes alignment without mirroring.

    Raises:
        ValueError: the true joints are not known.
    """
    if hands.gt_joints is None:
        raise ValueError("gt_joints: expected the true joints, found None; there is no error")
    gt, joints = hands.gt_joints.double(), hands.joints.double()
    aligned = procrustes_align(joints, gt)
    found = joint_errors(joints - joints[:, :1], gt - gt[:, :1]), joint_errors(aligned, gt)
    return dict(zip(ALIGNMENTS, found, strict=True))


def _groups(source: RecordedSet, hands: RecordedHands) -> list[str] | None:
    """What intervals are drawn over: recordings, or frames if there is one recording only."""
    groups = [recording(source, name) for name in hands.names]
    return groups if len(set(groups)) > 1 else None


def _mean(errors: Float[Tensor, " N"], groups: list[str] | None) -> dict[str, Any]:
    interval = mean_interval(errors, groups)
    return _millimetres({"mean": errors.mean().item(), "interval": interval})


def _millimetres(row: dict[str, Any]) -> dict[str, Any]:
    low, high = row["interval"]
    return row | {"mean": 1000 * row["mean"], "interval": [1000 * low, 1000 * high]}


def _submit(source: RecordedSet, hands: RecordedHands, out: Path) -> Path:
    """The file that is uploaded, under the name of the set and what was predicted of it."""
    if isinstance(source, HO3D) and hands.vertices is not None:
        path = out / f"ho3d_{source.version}.zip"
        roots = hands.joints[:, 0]
        listing = source.root / "evaluation.txt"
        write_ho3d(path, hands.names, hands.joints, hands.vertices, roots, listing)
        return path
    if isinstance(source, DexYCB):
        path = out / f"dexycb_{source.setup}_test.txt"
        write_dexycb(path, hands.frames, hands.joints)
        return path
    raise ValueError(f"submission: {type(source).__name__} has none; leave out --submission")


def _markdown(values: Mapping[str, Any]) -> str:
    data = values["data"]
    over = "recordings" if values["recordings"] > 1 else "images, of one recording"
    lines = [
        f"# {values['network']['class']} on {data['name']} {data['setup']}".rstrip(),
        "",
        f"{values['images']:,} images of {values['recordings']:,} recordings, {data['split']} "
        f"split. Brackets: 95 % bootstrap interval of the mean, over {over}. Each predicted "
        "wrist is put at the true one.",
    ]
    unreadable = values["unreadable"]
    if unreadable["frames"]:
        note = "Frames that could not be read and are not scored"
        lines += ["", f"**{note}: {unreadable['frames']:,}.** The first:", ""]
        lines += [f"- {line}" for line in unreadable["first"]]
    if "official" not in values:
        return "\n".join([*lines, "", "The data set keeps its truth: no scores.", ""])
    lines += _table(
        ("official score", ""), [(k, f"{v:.4f}") for k, v in values["official"].items()]
    )
    rows = [(name.replace("_", "-"), _entry(row)) for name, row in values["mean_mm"].items()]
    lines += _table(("joint error", "mm"), rows)
    bins = values["by_occlusion_mm"]
    if bins:
        pairs = zip(bins["root_aligned"], bins["procrustes"], strict=True)
        rows_of_bins = [
            (f"{a['low']:.0%} to {a['high']:.0%}", f"{a['count']:,}", _entry(a), _entry(b))
            for a, b in pairs
        ]
        lines += _table(("hidden", "images", "root-aligned mm", "procrustes mm"), rows_of_bins)
    joints = [(row["name"], _entry(row)) for row in values["by_joint_mm"]]
    lines += _table(("joint", "root-aligned mm"), joints)
    return "\n".join([*lines, ""])


def _table(head: tuple[str, ...], rows: list[Any]) -> list[str]:
    return ["", *(f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rows))]


def _entry(row: Mapping[str, Any]) -> str:
    if math.isnan(row["mean"]):
        return "–"
    return "{:.2f} [{:.2f}, {:.2f}]".format(row["mean"], *row["interval"])


def _finite(value: Any) -> Any:
    """JSON knows no NaN, the mean of an empty bin."""
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _write(path: Path, content: bytes) -> None:
    with replacing(path) as temporary:
        temporary.write_bytes(content)
