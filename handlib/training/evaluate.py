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
from handlib.data.batch import HandBatch, collate
from handlib.data.sample import HandSample


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
    """
    loader = DataLoader(dataset, batch_size, collate_fn=collate, generator=torch.Generator())
    with _evaluating(model) as device:
        parts = [_score(model(batch.image.to(device)).joints, batch) for batch in loader]
    occlusion = [part.occlusion for part in parts if part.occlusion is not None]
    return Scores(
        torch.cat([part.root_aligned for part in parts]),
        torch.cat([part.procrustes for part in parts]),
        torch.cat(occlusion) if len(occlusion) == len(parts) else None,
    )


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


def _score(joints: Float[Tensor, "B 21 3"], batch: HandBatch) -> Scores:
    joints = joints.float().cpu()
    return Scores(
        metrics.root_aligned_mpjpe(joints, batch.joints),
        metrics.pa_mpjpe(joints, batch.joints),
        batch.occlusion,
    )
