"""Recipes and networks of shipped result files, as today's classes read them."""

from typing import Any

from handlib.data.augmentation import AugmentationConfig
from handlib.losses import LossConfig
from handlib.sequence_losses import SequenceLossConfig
from handlib.training import TrainConfig


def recipe(values: dict[str, Any]) -> TrainConfig:
    """A field that has come since has its default, which changes nothing."""
    kind = SequenceLossConfig if "fused" in values["loss"] else LossConfig
    parts = {
        "loss": kind(**values["loss"]),
        "augmentation": AugmentationConfig(**values["augmentation"]),
    }
    return TrainConfig(**(values | parts))
