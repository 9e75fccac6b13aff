"""The authors' checkpoints, loaded into our networks.

Our parameters have the shapes of the released ones under names that say what they are; the tables
of `official_names` are the whole translation. A linear layer on tokens and a 1×1 convolution on
the map are the same; where theirs is the one and ours the other, two axes of length 1 come or go.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from handlib.hands.hand_model import HandModel, load_hand
from handlib.hands.hand_pair import HandPair
from handlib.models.deformer import Deformer
from handlib.models.deformer_config import DeformerConfig
from handlib.models.discriminator import MotionDiscriminator
from handlib.models.handoccnet import HandOccNet, HandOccNetConfig
from handlib.models.official_names import DEFORMER, DISCRIMINATOR, HANDOCCNET, Renames, renamed

# In released checkpoints, but computed or loaded elsewhere here: MANO's tensors, pixel grids.
_IGNORED = re.compile(r"mano_layer\.th_|\.(uu|vv)$")


def load_handoccnet(
    source: str | Path | Mapping[str, Tensor], hand: HandModel | None = None
) -> HandOccNet:
    """The released HandOccNet, in eval mode.

    `source` is a checkpoint file (read without running any code it may hold) or a state dict with
    the official keys; `hand` is the hand that turns its parameters into a mesh, the shipped one
    by default. Raises ValueError with every missing, unexpected or misshapen entry.
    """
    model = HandOccNet(HandOccNetConfig.paper(), hand or load_hand())
    load_official_state(model, _state(source, "network", "HandOccNet"), HANDOCCNET)
    return model.eval()


def load_deformer(
    source: str | Path | Mapping[str, Tensor], hand: HandModel | HandPair | None = None
) -> Deformer:
    """The released Deformer, in eval mode; `source`, `hand` and errors as for HandOccNet.

    The authors' checkpoints are lost (D22): these are the keys that their code writes. Entries of
    the motion discriminator, which stand beside, are left to `load_discriminator`.
    """
    model = Deformer(DeformerConfig.paper(), hand or load_hand())
    state = _state(source, "state_dict", "Deformer")
    load_official_state(model, _without(state, "motion_discriminator.", "honet."), DEFORMER)
    return model.eval()


def load_discriminator(source: str | Path | Mapping[str, Tensor]) -> MotionDiscriminator:
    """The motion discriminator out of a Deformer checkpoint, in eval mode; errors as above."""
    model = MotionDiscriminator()
    state = _state(source, "state_dict", "Deformer")
    load_official_state(model, _without(state, "honet.", "motion_discriminator."), DISCRIMINATOR)
    return model.eval()


def load_official_state(
    model: nn.Module, state: Mapping[str, Tensor], names: Renames = HANDOCCNET
) -> None:
    """Fill `model` with the entries of an official state dict, all of them or none."""
    given = {key.removeprefix("module."): value for key, value in state.items()}
    given = {key: value for key, value in given.items() if not _IGNORED.search(key)}
    ours = model.state_dict()
    theirs = {key: renamed(key, names) for key in ours}
    _check(given, {theirs[key]: value for key, value in ours.items()})
    model.load_state_dict({key: given[theirs[key]].reshape(ours[key].shape) for key in ours})


def _without(state: Mapping[str, Tensor], other: str, own: str) -> Mapping[str, Tensor]:
    """A checkpoint of two networks without the `other` one, and the `own` prefix taken off."""
    given = {key.removeprefix("module."): value for key, value in state.items()}
    return {
        key.removeprefix(own).removeprefix("module."): value
        for key, value in given.items()
        if not key.startswith(other)
    }


def _state(
    source: str | Path | Mapping[str, Tensor], entry: str, network: str
) -> Mapping[str, Tensor]:
    """The state dict itself, or the one that a checkpoint file holds under `entry`."""
    if isinstance(source, Mapping):
        return source
    checkpoint: Any = torch.load(source, map_location="cpu", weights_only=True)
    if not isinstance(checkpoint, Mapping) or not isinstance(checkpoint.get(entry), Mapping):
        found = list(checkpoint)[:5] if isinstance(checkpoint, Mapping) else type(checkpoint)
        raise ValueError(
            f"{source}: a {network} checkpoint holds its state dict under '{entry}', found {found}"
        )
    return checkpoint[entry]


def _check(given: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    missing = sorted(expected.keys() - given.keys())
    unexpected = sorted(given.keys() - expected.keys())
    misshapen = [
        f"{key} {tuple(given[key].shape)} instead of {tuple(expected[key].shape)}"
        for key in sorted(expected.keys() & given.keys())
        if _pointwise(given[key].shape) != _pointwise(expected[key].shape)
    ]
    problems = {"missing": missing, "unexpected": unexpected, "misshapen": misshapen}
    if any(problems.values()):
        lists = "; ".join(
            f"{len(keys)} {problem}: {', '.join(keys)}"
            for problem, keys in problems.items()
            if keys
        )
        raise ValueError(f"this is no state dict of the released network: {lists}")


def _pointwise(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape[:2] if len(shape) == 4 and shape[2:] == (1, 1) else shape
