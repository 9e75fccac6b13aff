"""Deformer at course scale learns in two stages: what a frame shows, then what frames tell.

Poses are many in stills and few in clips, whose frames resemble each other; what joins frames
learns from clips alone. So the frame-wise layers learn from single images first. Then they are
frozen, and the rest learns from features that are computed once.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from torch.utils.data import ConcatDataset, Dataset

from handlib.data.windows import HandWindow, Windows, windows
from handlib.models.baselines import DEFORMER
from handlib.models.deformer import Deformer
from handlib.training.adversarial import Critic
from handlib.training.cached_frames import CachedFrames, require_frozen
from handlib.training.checkpoint import STATE_FILE
from handlib.training.config import TrainConfig
from handlib.training.history import History
from handlib.training.loop import fit

FRAMES_FOLDER = "frames"


def single_frames(*datasets: Any) -> Dataset[HandWindow]:
    """Every image and every frame of the data sets as a window of its own.

    Of windows these are the frames in their middles, so that a subset stays one.
    """
    return ConcatDataset([_single(data) for data in datasets])


def _single(data: Any) -> Windows:
    if isinstance(data, Windows):
        return windows(data.dataset, length=1, gap=1).around(data.centres.tolist())
    return windows(data, length=1, gap=1)


def single_frame_model(model: Deformer) -> Deformer:
    """A Deformer that sees one frame, with the trunk of `model`, which stays as it is."""
    config = replace(DEFORMER["single_frame"](model.config), frozen="trunk")
    first = Deformer(config, model.hand)
    first.trunk.load_state_dict(model.trunk.state_dict())
    return first


def fit_in_stages(
    model: Deformer,
    frames: Dataset[HandWindow],
    clips: Windows,
    val: Windows | None = None,
    first: TrainConfig | None = None,
    second: TrainConfig | None = None,
    run_dir: Path | str | None = None,
    resume: bool = False,
    critic: Critic | None = None,
) -> tuple[History, History]:
    """Train `model`, whose frames are frozen, from single `frames` and then from `clips`.

    Recipes default to those of the course. With `run_dir` the first stage keeps its state in the
    folder `frames` there; a finished stage is not run again by `resume`.

    Raises:
        ValueError: the configuration is not that of frozen frames, or as `fit` raises.
    """
    require_frozen(model)
    folder = Path(run_dir) / FRAMES_FOLDER if run_dir else None
    single, first = single_frame_model(model), first or TrainConfig.deformer_frames()
    history = fit(single, frames, None, first, folder, resume and _begun(folder))
    model.take_frames(single)
    seen, judged = CachedFrames(model, clips), CachedFrames(model, val) if val else None
    second = second or TrainConfig.deformer_course()
    resume = resume and _begun(run_dir)
    return history, fit(model, seen, judged, second, run_dir, resume, critic)


def _begun(run_dir: Path | str | None) -> bool:
    return run_dir is not None and (Path(run_dir) / STATE_FILE).exists()
