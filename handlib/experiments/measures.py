"""What a trained Deformer says of the test windows, in numbers that several experiments share."""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.utils.data import DataLoader

from handlib.data import Windows
from handlib.data.sample import needed
from handlib.data.sequence_batch import SequenceBatch
from handlib.experiments.study import Judged
from handlib.hands.rotations import axis_angle_to_rotmat, rotmat_to_axis_angle
from handlib.models.deformer import SequencePrediction
from handlib.training.cached_frames import collate_seen
from handlib.training.evaluate import evaluating, predict_windows

Measure = Callable[[SequencePrediction, SequenceBatch], dict[str, Tensor]]
VARIES = 0.25  # a window's hidden shares differ by so much at least, or there is nothing to rank


@torch.inference_mode()
def over_windows(
    judged: Judged, measure: Measure, data: Any = None, batch_size: int = 64
) -> dict[str, Tensor]:
    """`measure` of every batch of `data`, default the test windows as features; in their order."""
    loader = DataLoader(
        judged.seen if data is None else data,
        batch_size,
        collate_fn=collate_seen,
        generator=torch.Generator(),
    )
    with evaluating(judged.model) as device:
        there = (batch.to(device) for batch in loader)
        parts = [measure(predict_windows(judged.model, batch), batch) for batch in there]
    return {name: torch.cat([part[name] for part in parts]).cpu() for name in parts[0]}


def fused_and_true_joints(
    prediction: SequencePrediction, batch: SequenceBatch
) -> tuple[Float[Tensor, "B 21 3"], Float[Tensor, "B 21 3"]]:
    """Of the frame in the middle, both from the wrist, in metres."""
    true = needed(batch.joints, "joints")
    middle = true.shape[1] // 2
    fused = prediction.fused_joints
    fused, true = fused[:, middle] if fused.ndim == 4 else fused, true[:, middle]
    return fused - fused[:, :1], true - true[:, :1]


def finger_angle(prediction: SequencePrediction, batch: SequenceBatch) -> Float[Tensor, " B"]:
    """Mean angle, in degrees, between fused and true rotation of the 15 finger joints."""
    middle = prediction.pose.shape[1] // 2
    fused = prediction.fused_pose
    fused = fused[:, middle] if fused.ndim == 5 else fused
    true = axis_angle_to_rotmat(needed(batch.pose, "pose")[:, middle])
    turns = rotmat_to_axis_angle(fused[:, 1:].mT @ true[:, 1:])
    return turns.norm(dim=-1).rad2deg().mean(-1)


def can_be_ranked(occlusion: Float[Tensor, "N T"], test: Windows) -> Bool[Tensor, " N"]:
    """Whole windows whose hidden shares differ."""
    return (occlusion.amax(1) - occlusion.amin(1) >= VARIES) & whole_windows(test)


def whole_windows(test: Windows) -> Bool[Tensor, " N"]:
    """Windows in which no frame stands in for one beyond the end of its clip."""
    return torch.tensor([len(set(test.frames(i))) == test.length for i in range(len(test))])
