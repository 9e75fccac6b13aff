"""The authors' checkpoints, loaded into our networks.

Our parameters have the shapes of the released ones under names that say what they are; the table
below is the whole translation. A linear layer on tokens and a 1×1 convolution on the map are the
same; where theirs is the one and ours the other, two axes of length 1 come or go.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from handlib.hands.hand_model import HandModel, load_hand
from handlib.models.handoccnet import HandOccNet, HandOccNetConfig


def _hourglass_level(match: re.Match[str]) -> str:
    """Levels nest in ours; there they are counted from the innermost, 0, to the outermost, 3."""
    depth = match["inner"].count("inner")
    block = {"skip": 0, "down": 1, "up": 2, None: 3}[match["unit"]]
    return f"regressor.hand_regHead.hg.0.hg.{3 - depth if match['unit'] else 0}.{block}.0."


# Ours -> theirs, one after the other.
_RENAMES: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"^backbone\.stem\.conv", "backbone.layer0.0"),
    (r"^backbone\.stem\.norm", "backbone.layer0.1"),
    (r"^backbone\.stages\.(\d)", lambda m: f"backbone.layer{int(m[1]) + 1}.0"),
    (r"^(backbone\.layer[1-4].*)\.conv(\d)\.conv", r"\1.conv\2"),
    (r"^(backbone\.layer[1-4].*)\.conv(\d)\.norm", r"\1.bn\2"),
    (r"^(backbone\.layer[1-4].*)\.skip\.conv", r"\1.downsample.0"),
    (r"^(backbone\.layer[1-4].*)\.skip\.norm", r"\1.downsample.1"),
    (r"^pyramid\.laterals\.3", "backbone.toplayer"),
    (r"^pyramid\.laterals\.(\d)", lambda m: f"backbone.latlayer{3 - int(m[1])}"),
    (r"^pyramid\.smooth2", "backbone.smooth2"),
    (r"^pyramid\.smooth\b", "backbone.smooth3"),
    (r"^necessity\.conv\.conv", "backbone.attention_module.spatial.conv"),
    (r"^necessity\.conv\.norm", "backbone.attention_module.spatial.bn"),
    (r"^(fit|set)\.blocks", lambda m: f"{m[1].upper()}.layers"),
    (r"\.query_position", ".q_embedding"),
    (r"\.key_position", ".k_embedding"),
    (r"\.gate\.(query|key)", r".encode_\g<1>2"),
    (r"(layers\.\d)\.(query|key|value)", r"\1.encode_\2"),
    (r"(layers\.\d)\.mlp\.norm", r"\1.norm2"),
    (r"\.mlp\.widen", ".mlp.fc1"),
    (r"\.mlp\.narrow", ".mlp.fc2"),
    (r"^fit\.merge\.conv1", "FIT.conv1.0"),
    (r"^fit\.merge\.conv2", "FIT.conv1.2"),
    (r"^fit\.merge\.skip", "FIT.conv2.0"),
    (r"^heatmaps\.hourglass\.(?P<inner>(inner\.)*)((?P<unit>skip|down|up)\.)?", _hourglass_level),
    (r"^heatmaps\.residual", "regressor.hand_regHead.res.0.0"),
    (r"^heatmaps\.mix\.conv", "regressor.hand_regHead.fc.0.block.0"),
    (r"^heatmaps\.mix\.norm", "regressor.hand_regHead.fc.0.block.1"),
    (r"^heatmaps\.score", "regressor.hand_regHead.score.0"),
    (r"^heatmaps\.temperature", "regressor.hand_regHead.betas"),
    (r"(hand_regHead.*)\.norm", r"\1.bn1"),
    (r"(hand_regHead.*)\.conv1\.bn1", r"\1.bn2"),
    (r"(hand_regHead.*)\.conv2\.bn1", r"\1.bn3"),
    (r"^encoder\.heatmaps", "regressor.hand_Encoder.heatmap_conv"),
    (r"^encoder\.features", "regressor.hand_Encoder.encoding_conv"),
    (
        r"^encoder\.levels\.(\d)\.(\d)",
        lambda m: f"regressor.hand_Encoder.reg.{2 * int(m[1]) + int(m[2])}",
    ),
    (r"(hand_Encoder.*)\.norm", r"\1.bn"),
    (r"(hand_Encoder.*)\.conv(\d)\.bn", r"\1.bn\2"),
    (r"(regressor.*)\.conv(\d)\.conv", r"\1.conv\2"),
    (r"^mano_head\.hidden1", "regressor.mano_regHead.mano_base_layer.0"),
    (r"^mano_head\.hidden2", "regressor.mano_regHead.mano_base_layer.2"),
    (r"^mano_head\.(pose|shape)", r"regressor.mano_regHead.\1_reg"),
)

# In released checkpoints, but computed or loaded elsewhere here: MANO's tensors, pixel grids.
_IGNORED = re.compile(r"mano_layer\.th_|\.(uu|vv)$")


def official_key(key: str) -> str:
    """The released network's name of our state-dict entry `key`."""
    for pattern, replacement in _RENAMES:
        key = re.sub(pattern, replacement, key)
    return key


def load_handoccnet(
    source: str | Path | Mapping[str, Tensor], hand: HandModel | None = None
) -> HandOccNet:
    """The released HandOccNet, in eval mode.

    `source` is a checkpoint file (read without running any code it may hold) or a state dict with
    the official keys; `hand` is the hand that turns its parameters into a mesh, the shipped one
    by default. Raises ValueError with every missing, unexpected or misshapen entry.
    """
    model = HandOccNet(HandOccNetConfig.paper(), hand or load_hand())
    state = _read(source) if isinstance(source, str | Path) else source
    load_official_state(model, state)
    return model.eval()


def load_official_state(model: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Fill `model` with the entries of an official state dict, all of them or none."""
    given = {key.removeprefix("module."): value for key, value in state.items()}
    given = {key: value for key, value in given.items() if not _IGNORED.search(key)}
    ours = model.state_dict()
    theirs = {key: official_key(key) for key in ours}
    _check(given, {theirs[key]: value for key, value in ours.items()})
    model.load_state_dict({key: given[theirs[key]].reshape(ours[key].shape) for key in ours})


def _read(path: str | Path) -> Mapping[str, Tensor]:
    checkpoint: Any = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(checkpoint, Mapping) or not isinstance(checkpoint.get("network"), Mapping):
        found = list(checkpoint)[:5] if isinstance(checkpoint, Mapping) else type(checkpoint)
        raise ValueError(
            f"{path}: a HandOccNet checkpoint holds its state dict under 'network', found {found}"
        )
    return checkpoint["network"]


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
