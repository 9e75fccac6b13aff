"""What every network of a seed begins with: single frames, learned once and kept on disk.

Stage 1 (`single_frame_model` on stills and on the frames of the clips) takes some five minutes of
one core, a stage 2 on cached frames one. The experiments on Deformer differ in the second stage
alone, so the first is paid once for each seed. A kept start is named after all that decides it
(`decides`), and anything else in its place is made anew: damage, other weights, other images.
"""

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from handlib import weights
from handlib.data.synthetic.cache import cache_root
from handlib.hands import HandModel
from handlib.models import Deformer, DeformerConfig
from handlib.training import TrainConfig, fit, single_frame_model, single_frames
from handlib.training.checkpoint import read_tensors, write_tensors

STARTS_VERSION = 1
"""Raise it with every change of layers, losses or loop that changes what stage 1 learns."""


@runtime_checkable
class Rendered(Protocol):
    """Images or clips; the name of their folder changes with everything that shapes them."""

    @property
    def folder(self) -> Path:
        """Where they are kept."""

    def __len__(self) -> int:
        """How many there are."""


@dataclass(frozen=True)
class Start:
    """A Deformer that has learned from single frames, and what that took when it was learned."""

    model: Deformer
    minutes: float
    reused: bool


def starts_folder() -> Path:
    """Where starts are kept: beside the rendered images (HANDLIB_CACHE)."""
    return cache_root() / "starts"


def begin(
    stills: Rendered,
    clips: Rendered,
    recipe: TrainConfig,
    hand: HandModel,
    folder: Path | None = None,
) -> Start:
    """The start of seed `recipe.seed` at course scale, from `folder` or learned and kept there.

    folder: in place of `starts_folder()`.
    """
    torch.manual_seed(recipe.seed)
    model = Deformer(DeformerConfig.course(), hand)
    model.take_trunk(weights.load_handoccnet(hand))
    single, decided = single_frame_model(model), decides(stills, clips, recipe)
    path = (folder or starts_folder()) / f"{key(decided)}.safetensors"
    minutes = _load(path, single, decided)
    reused = minutes is not None
    if minutes is None:
        started = time.monotonic()
        fit(single, single_frames(stills, clips), config=recipe)
        minutes = round((time.monotonic() - started) / 60, 2)
        _keep(path, single, decided, minutes)
    return Start(model.take_frames(single), minutes, reused)


def shipped_start(hand: HandModel) -> Start:
    """In place of a start: what the shipped Deformer makes of single frames, for a first look."""
    model = Deformer(DeformerConfig.course(), hand)
    return Start(model.take_frames(weights.load_deformer(hand)), minutes=0.0, reused=True)


def decides(stills: Rendered, clips: Rendered, recipe: TrainConfig) -> dict[str, Any]:
    """Everything that the numbers of a start depend on; the names of sets tell their images."""
    return {
        "version": STARTS_VERSION,
        "network": asdict(DeformerConfig.course()),
        "recipe": asdict(recipe),
        "images": [[data.folder.name, len(data)] for data in (stills, clips)],
        "trunk": weights.card("handoccnet")["sha256"],
    }


def key(decided: Mapping[str, Any]) -> str:
    """The name of a start's file."""
    return hashlib.sha256(_text(decided).encode()).hexdigest()[:16]


def _text(decided: Mapping[str, Any]) -> str:
    return json.dumps(decided, sort_keys=True)


def _keep(path: Path, single: Deformer, decided: Mapping[str, Any], minutes: float) -> None:
    tensors = single.state_dict()
    header = {"decided": _text(decided), "minutes": str(minutes), "sha256": _digest(tensors)}
    write_tensors(path, tensors, header)


def _load(path: Path, single: Deformer, decided: Mapping[str, Any]) -> float | None:
    """Give `single` what the file holds; minutes, or None where it is not this start, whole."""
    try:
        tensors, header = read_tensors(path)
    except (FileNotFoundError, ValueError):
        return None
    wanted = {name: value.shape for name, value in single.state_dict().items()}
    fits = wanted == {name: value.shape for name, value in tensors.items()}
    mine = header.get("decided") == _text(decided) and header.get("sha256") == _digest(tensors)
    if not (fits and mine):
        return None
    single.load_state_dict(tensors)
    return float(header["minutes"])


def _digest(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 of names and numbers: a safetensors file has no checksum of its own."""
    found = hashlib.sha256()
    for name in sorted(tensors):
        found.update(name.encode())
        found.update(tensors[name].detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()
