"""Scores of a model on a data set, overall and by occlusion."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from handlib import metrics
from handlib.data.batch import HandBatch, collate
from handlib.data.sample import HandSample, needed
from handlib.data.sequence_batch import SequenceBatch
from handlib.data.windows import HandWindow, Windows
from handlib.models.deformer import SequencePrediction
from handlib.training.baseline import MeanPose
from handlib.training.cached_frames import (
    CachedBatch,
    CachedFrames,
    collate_seen,
    predict_seen,
)


class HasJoints(Protocol):
    """What a model must return to be scored: joints (B,21,3) in metres."""

    joints: Tensor


@dataclass(frozen=True)
class Scores:
    """Errors of each sample in metres, in the data set's order.

    acceleration: `metrics.acceleration_error` of the root-aligned joints, in metres per frame²,
    of each frame with both neighbours in its video; None if there is no such frame.
    """

    root_aligned: Float[Tensor, " N"]
    procrustes: Float[Tensor, " N"]
    occlusion: Float[Tensor, " N"] | None
    acceleration: Float[Tensor, " M"] | None = None

    def means(self) -> dict[str, float]:
        """Mean errors in metres, and that of the acceleration if there is one."""
        names = ("root_aligned", "procrustes", "acceleration")
        errors = {name: getattr(self, name) for name in names}
        return {
            name: values.mean().item() for name, values in errors.items() if values is not None
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
    with evaluating(model) as device:
        parts = [
            (
                _joints(model, batch, device),
                needed(batch.joints, "joints"),
                batch.occlusion,
            )
            for batch in loader
        ]
    return _scores(parts, getattr(dataset, "sequences", ()))


@torch.inference_mode()
def evaluate_windows(
    model: nn.Module, dataset: Dataset[HandWindow] | CachedFrames, batch_size: int = 16
) -> Scores:
    """Score a Deformer's fused hand of the frame in the middle of every window.

    Occlusion is that frame's. With `fuse_every` the other frames' fused hands are not scored.
    """
    loader = DataLoader(dataset, batch_size, collate_fn=collate_seen, generator=torch.Generator())
    parts = []
    with evaluating(model) as device:
        for batch in loader:
            joints = predict_windows(model, batch.to(device)).fused_joints
            target = needed(batch.joints, "joints")
            middle = target.shape[1] // 2
            joints = joints[:, middle] if joints.ndim == 4 else joints
            occlusion = None if batch.occlusion is None else batch.occlusion[:, middle]
            parts.append((joints, target[:, middle], occlusion))
    return _scores(parts, dataset.runs() if isinstance(dataset, Windows | CachedFrames) else ())


def _joints(
    model: Callable[[Tensor], HasJoints], batch: HandBatch, device: torch.device
) -> Float[Tensor, "B 21 3"]:
    """Networks see images alone; the mean pose is told the side, having nothing else."""
    image = batch.image.to(device)
    if isinstance(model, MeanPose):
        return model(image, batch.left).joints
    return model(image).joints


def predict_windows(model: nn.Module, batch: SequenceBatch) -> SequencePrediction:
    """A Deformer on a batch of windows.

    Sides are told only where there are left hands, since a hand of one side takes none; occlusion
    always, which weights="occlusion" alone reads.
    """
    left = batch.left if bool(batch.left.any()) else None
    if isinstance(batch, CachedBatch):
        return predict_seen(model, batch, left)
    prediction: SequencePrediction = model(batch.image, batch.boxes, left, batch.occlusion)
    return prediction


@contextmanager
def evaluating(model: Callable[[Tensor], HasJoints]) -> Iterator[torch.device]:
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


def _scores(
    parts: Sequence[tuple[Tensor, Tensor, Tensor | None]], runs: Sequence[range]
) -> Scores:
    """Scores of batches of predicted joints, true joints and occlusion.

    runs: samples that are consecutive frames of a video.
    """
    joints = torch.cat([part[0].float().cpu() for part in parts])
    target = torch.cat([part[1] for part in parts])
    occlusion = [part[2] for part in parts if part[2] is not None]
    still = joints - joints[:, :1], target - target[:, :1]
    accelerations = [
        metrics.acceleration_error(*(points[run.start : run.stop] for points in still))
        for run in runs
        if len(run) >= 3
    ]
    return Scores(
        metrics.root_aligned_mpjpe(joints, target),
        metrics.pa_mpjpe(joints, target),
        torch.cat(occlusion) if len(occlusion) == len(parts) else None,
        torch.cat(accelerations) if accelerations else None,
    )
