"""A trained network to use: of a run, of the authors' checkpoint, or the shipped one."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from handlib import weights
from handlib.data.crops import CROPS
from handlib.hands.hand_model import HandModel
from handlib.hands.hand_pair import HandPair, right_hand
from handlib.models import official
from handlib.training.recipes import PAPER_GAP
from handlib.training.run import Network, RunConfig, load_run

Kind = Literal["handoccnet", "deformer"]
FOR_PHOTOGRAPHS = "handoccnet_guided"  # of the shipped weights: it has seen the widest pictures


@dataclass(frozen=True)
class Trained:
    """A network in evaluation mode, on the GPU if there is one, and how it wants its images.

    folder: where its file lies. resolution: side of its images in pixels. gap: step in frames
    within a window; 0 for networks of single images. origin: what it is and where it comes from,
    for result files.
    """

    model: Network
    folder: Path
    resolution: int
    gap: int
    origin: dict[str, Any]

    @classmethod
    def of(
        cls, run: Path | None, checkpoint: Path | None, kind: Kind, hand: HandModel | HandPair
    ) -> "Trained":
        """The network of a run or of a released checkpoint, whichever is given.

        Raises:
            ValueError: both or neither.
        """
        if run and not checkpoint:
            return cls.of_run(run, hand)
        if checkpoint and not run:
            return cls.official(checkpoint, kind, right_hand(hand))
        found = "both" if run else "neither"
        raise ValueError(f"network: expected a run or a checkpoint, found {found}; give one")

    @classmethod
    def of_run(cls, run: Path, hand: HandModel | HandPair) -> "Trained":
        """The network that `handlib train --run` has left.

        Raises:
            FileNotFoundError: `run` is not the folder of a run.
        """
        config = RunConfig.load(run)
        origin = {"run": str(run), "command": config.command, "trained_on": asdict(config.data)}
        return cls._ready(load_run(run, hand), run, config.resolution, config.data.gap, origin)

    @classmethod
    def official(cls, checkpoint: Path, kind: Kind, hand: HandModel) -> "Trained":
        """The released network with the authors' weights, which read the papers' crops.

        Raises:
            FileNotFoundError: no such file.
            ValueError: a checkpoint of something else.
        """
        if not checkpoint.is_file():
            raise FileNotFoundError(
                f"{checkpoint}: no such file; give the checkpoint that the authors released"
            )
        load = official.load_deformer if kind == "deformer" else official.load_handoccnet
        origin = {"checkpoint": str(checkpoint), "network": f"{kind}, as released"}
        gap = PAPER_GAP if kind == "deformer" else 0
        return cls._ready(
            load(checkpoint, hand), checkpoint.parent, CROPS[kind].resolution, gap, origin
        )

    @classmethod
    def shipped(cls, hand: HandModel) -> "Trained":
        """The HandOccNet that comes with handlib, `FOR_PHOTOGRAPHS`."""
        card = weights.card(FOR_PHOTOGRAPHS)
        origin = {"weights": card["file"], "sha256": card["sha256"], "limits": card["limits"]}
        model = weights.load_handoccnet(hand, name=FOR_PHOTOGRAPHS)
        return cls._ready(model, weights.SHIPPED, model.config.image_size, 0, origin)

    @classmethod
    def _ready(
        cls, model: Network, folder: Path, resolution: int, gap: int, origin: dict[str, Any]
    ) -> "Trained":
        device = "cuda" if torch.cuda.is_available() else "cpu"
        origin = {"class": type(model).__name__} | origin
        return cls(model.eval().to(device), folder, resolution, gap, origin)
