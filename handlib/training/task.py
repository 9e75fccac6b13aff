"""What the training loop needs to know of a kind of network: batches, losses, score, recipe."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from handlib.data.augmentation import AugmentationConfig, augment
from handlib.data.batch import HandBatch, collate
from handlib.data.sequence_batch import SequenceBatch, augment_windows
from handlib.losses import LossConfig, handoccnet_loss, vertex_loss
from handlib.models.deformer import Deformer
from handlib.models.vertex_transformer import VertexTransformer
from handlib.sequence_losses import SequenceLossConfig, sequence_loss
from handlib.training.cached_frames import collate_seen
from handlib.training.config import TrainConfig
from handlib.training.evaluate import (
    Scores,
    evaluate,
    evaluate_windows,
    predict_windows,
)


@dataclass(frozen=True)
class Task:
    """What differs between kinds of networks.

    collate: items of a data set to a batch. augment: a change of it at random. predict: network
    and batch to a prediction. loss: prediction, batch, network and its `TrainConfig.loss` to named
    terms with their "total". evaluate: network and data set to scores. recipe: the default one.
    """

    collate: Callable[..., Any]
    augment: Callable[[Any, AugmentationConfig, torch.Generator], Any]
    predict: Callable[[nn.Module, Any], Any]
    loss: Callable[[Any, Any, Any, Any], dict[str, Tensor]]
    evaluate: Callable[..., Scores]
    recipe: Callable[[], TrainConfig]


def task_of(model: nn.Module) -> Task:
    """Windows of frames for a Deformer, images for the others.

    A `VertexTransformer` predicts points without a pose, so its losses are fewer.
    """
    if isinstance(model, Deformer):
        return _WINDOWS
    return _VERTICES if isinstance(model, VertexTransformer) else _IMAGES


def _predict_images(net: nn.Module, batch: HandBatch) -> Any:
    """A network of single images on a batch of them."""
    return net(batch.image)


def _image_loss(
    prediction: Any, batch: HandBatch, model: Any, config: LossConfig
) -> dict[str, Tensor]:
    return handoccnet_loss(prediction, batch, model.hand, config)


def _points_loss(
    prediction: Any, batch: HandBatch, model: Any, config: LossConfig
) -> dict[str, Tensor]:
    return vertex_loss(prediction, batch, model.hand, config)


def _window_loss(
    prediction: Any, batch: SequenceBatch, model: Any, config: SequenceLossConfig
) -> dict[str, Tensor]:
    return sequence_loss(prediction, batch, model.hand, config, model.config.space)


_IMAGES = Task(collate, augment, _predict_images, _image_loss, evaluate, TrainConfig.course)
_VERTICES = replace(_IMAGES, loss=_points_loss)
_WINDOWS = Task(
    collate_seen,
    augment_windows,
    predict_windows,
    _window_loss,
    evaluate_windows,
    TrainConfig.deformer_course,
)
