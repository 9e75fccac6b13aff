"""The small trained weights that come with handlib, and their model cards.

A card says what the weights were trained on, by which command, for how long, with which scores
and limits. Weights are safetensors in half precision, so reading them runs no code, and their
SHA-256 must be the card's.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from handlib.hands import HandModel, load_hand
from handlib.models.deformer import Deformer
from handlib.models.discriminator import MotionDiscriminator
from handlib.models.handoccnet import HandOccNet
from handlib.training.checkpoint import read_tensors
from handlib.training.run import Network, build, network_config

SHIPPED = Path(__file__).parent
HANDOCCNETS = {"as published": "handoccnet", "guided": "handoccnet_guided"}


def load_handoccnet(
    hand: HandModel | None = None, folder: Path | None = None, name: str = "handoccnet"
) -> HandOccNet:
    """A HandOccNet at course scale, trained on synthetic hands, in evaluation mode.

    Without `hand` it moves the hand that comes with handlib. The scores to expect are in
    `card(name)["scores"]`.

    Args:
        name: "handoccnet" learned by the paper's losses and the course's aids; in
            "handoccnet_guided" M and the gates were told what to show, an extension of ours;
            "handoccnet_backbone" is the baseline without M, FIT and SET.

    Raises:
        FileNotFoundError, ValueError: the file is missing, not the one of the card, or holds
            another kind of network.
    """
    model = _load(name, hand, folder)
    if not isinstance(model, HandOccNet):
        raise ValueError(f"name: {name!r} is no HandOccNet but a {type(model).__name__}")
    return model


def load_both_handoccnets(
    hand: HandModel | None = None, folder: Path | None = None
) -> dict[str, HandOccNet]:
    """The two that `load_handoccnet` knows, "as published" first and "guided" second."""
    return {title: load_handoccnet(hand, folder, name) for title, name in HANDOCCNETS.items()}


def load_deformer(
    hand: HandModel | None = None, folder: Path | None = None, name: str = "deformer"
) -> Deformer:
    """A Deformer at course scale likewise, trained on synthetic clips.

    Args:
        name: or a baseline, trained by the same recipe but for the discriminator:
            "deformer_single_frame" sees the middle frame alone, "deformer_recurrent" has a GRU in
            place of attention, as VIBE.
    """
    model = _load(name, hand, folder)
    if not isinstance(model, Deformer):
        raise ValueError(f"name: {name!r} is no Deformer but a {type(model).__name__}")
    return model


def load_discriminator(folder: Path | None = None) -> MotionDiscriminator:
    """The judge of motions that learned against the shipped Deformer, in evaluation mode."""
    model = MotionDiscriminator.course()
    model.load_state_dict(read_tensors(verified(card("discriminator", folder), folder))[0])
    return model.eval()


def _load(name: str, hand: HandModel | None, folder: Path | None) -> Network:
    description = card(name, folder)
    path = verified(description, folder)
    config = network_config(description["network"], description["kind"])
    model = build(config, hand or load_hand())
    model.load_state_dict(read_tensors(path)[0])
    return model.eval()


def card(name: str, folder: Path | None = None) -> dict[str, Any]:
    """Model card: file, sha256, kind, network, data, command, minutes, scores, limits, licence.

    Raises:
        FileNotFoundError: no weights of this name.
    """
    path = (folder or SHIPPED) / f"{name}.json"
    if not path.is_file():
        known = ", ".join(names(folder)) or "none"
        raise FileNotFoundError(f"{path}: no such weights; there are: {known}")
    return json.loads(path.read_text())


def names(folder: Path | None = None) -> list[str]:
    """The weights that are there, by the names of their cards."""
    return sorted(path.stem for path in (folder or SHIPPED).glob("*.json"))


def verified(description: dict[str, Any], folder: Path | None = None) -> Path:
    """The weights' file, after its checksum has been compared with the card's.

    Raises:
        FileNotFoundError, ValueError: the file is missing or another one.
    """
    path = (folder or SHIPPED) / description["file"]
    if not path.is_file():
        raise FileNotFoundError(f"{path}: missing; install handlib again, `make lab` does")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != description["sha256"]:
        raise ValueError(
            f"{path}: expected SHA-256 {description['sha256']}, found {found}; "
            "the file is damaged or changed: install handlib again"
        )
    return path
