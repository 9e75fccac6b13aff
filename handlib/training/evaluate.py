"""Scores of a model on a data set, overall and by occlusion."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from handlib import metrics
from handlib.data.batch import collate
from handlib.data.sample import HandSample, needed
from handlib.data.sequence_batch import SequenceBatch, collate_windows
from handlib.data.windows import HandWindow
from handlib.models.deformer import SequencePrediction


class HasJoints(Protocol):
    """What a model must return to be scored: joints (B,21,3) in metres."""

    joints: Tensor


@dataclass(frozen=True)
class Scores:
    """Errors of each sample in metres, in the data set's order."""

    root_aligned: Float[Tensor, " N"]
    procrustes: Float[Tensor, " N"]
    occlusion: Float[Tensor, " N"] | None

    def means(self) -> dict[str, float]:
        """Mean errors in metres."""
        return {
            "root_aligned": self.root_aligned.mean().item(),
            "procrustes": self.procrustes.mean().item(),
        }

    def table(self) -> list[dict[str, float]]:
        """One row a bin of occlusion: low, high, count, and both mean errors in metres."""
        if self.occlusion is None:
            return []
        bins = zip(
            metrics.by_occlusion(self.root_aligned, self.occlusion),
            metrics.by_occlusion(self.procrustes, self.occlusion),
            strict=True,
        )
        return [
            {
                "low": ra.low,
                "high": ra.high,
                "count": ra.count,
                "root_aligned": ra.mean,
                "procrustes": pa.mean,
            }
            for ra, pa in bins
        ]


@torch.inference_mode()
def evaluate(
    model: Callable[[Tensor], HasJoints], dataset: Dataset[HandSample], batch_size: int = 64
) -> Scores:
    """Score `model` on every sample; a module is put into evaluation mode meanwhile.

    The position of the hand is never scored: both errors are taken after alignment.

    Raises:
        MissingLabelError: the data have no joints to compare with.
    """
    loader = DataLoader(dataset, batch_size, collate_fn=collate, generator=torch.Generator())
    with _evaluating(model) as device:
        parts = [
            _score(
                model(batch.image.to(device)).joints,
                needed(batch.joints, "joints"),
                batch.occlusion,
            )
            for batch in loader
        ]
    return _together(parts)


@torch.inference_mode()
def evaluate_windows(
    model: nn.Module, dataset: Dataset[HandWindow], batch_size: int = 16
) -> Scores:
    """Score a Deformer's fused hand of the frame in the middle of every window.

    Occlusion is that frame's. Frames that are fused all are scored in the middle, too.
    """
    loader = DataLoader(
        dataset, batch_size, collate_fn=collate_windows, generator=torch.Generator()
    )
    parts = []
    with _evaluating(model) as device:
        for batch in loader:
            joints = predict_windows(model, batch.to(device)).fused_joints
            target = needed(batch.joints, "joints")
            middle = target.shape[1] // 2
            joints = joints[:, middle] if joints.ndim == 4 else joints
            occlusion = None if batch.occlusion is None else batch.occlusion[:, middle]
            parts.append(_score(joints, target[:, middle], occlusion))
    return _together(parts)


def predict_windows(model: nn.Module, batch: SequenceBatch) -> SequencePrediction:
    """A Deformer on a batch of windows, with all that its switches may ask for."""
    left = batch.left if bool(batch.left.any()) else None
    prediction: SequencePrediction = model(batch.image, batch.boxes, left, batch.occlusion)
    return prediction


@contextmanager
def _evaluating(model: Callable[[Tensor], HasJoints]) -> Iterator[torch.device]:
    """Evaluation mode for a while; yields the device on which the model expects its images."""
    if not isinstance(model, nn.Module):
        yield torch.device("cpu")
        return
    training = model.training
    model.eval()
    try:
        yield next(chain(model.parameters(), model.buffers())).device
    finally:
        model.train(training)


def _score(
    joints: Float[Tensor, "B 21 3"],
    target: Float[Tensor, "B 21 3"],
    occlusion: Float[Tensor, " B"] | None,
) -> Scores:
    joints = joints.float().cpu()
    return Scores(
        metrics.root_aligned_mpjpe(joints, target), metrics.pa_mpjpe(joints, target), occlusion
    )


def _together(parts: list[Scores]) -> Scores:
    occlusion = [part.occlusion for part in parts if part.occlusion is not None]
    return Scores(
        torch.cat([part.root_aligned for part in parts]),
        torch.cat([part.procrustes for part in parts]),
        torch.cat(occlusion) if len(occlusion) == len(parts) else None,
    )
