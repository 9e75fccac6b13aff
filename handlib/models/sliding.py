"""Deformer along a clip: each frame is looked at once, however many windows it stands in."""

from collections.abc import Sequence
from dataclasses import fields

import torch
from jaxtyping import Float
from torch import Tensor

from handlib.data.windows import window_indices
from handlib.models.deformer import Deformer, SequencePrediction
from handlib.models.spatial import FrameFeatures

_FRAMES_AT_ONCE = 8


def slide(
    model: Deformer,
    frames: Float[Tensor, "N 3 H W"],
    boxes: Float[Tensor, "N 4"],
    length: int = 7,
    gap: int = 10,
    valid: Sequence[bool] | None = None,
    left: bool | None = None,
    occlusion: Float[Tensor, " N"] | None = None,
) -> SequencePrediction:
    """The predictions of the windows around every valid frame of one clip, in its order.

    Equal to the model on each window of `handlib.data.windows`, whose rule it follows; for
    scoring, not for training. Arguments are those of `Deformer`, of frames instead of windows.
    """
    clip = range(len(frames))
    centres = [i for i in clip if valid is None or valid[i]]
    index = torch.tensor([window_indices(clip, valid, c, length, gap) for c in centres])
    with torch.no_grad():
        parts = [
            model.frame_features(*part)
            for part in zip(
                frames.split(_FRAMES_AT_ONCE), boxes.split(_FRAMES_AT_ONCE), strict=True
            )
        ]
        features = _join(parts, index.flatten().to(frames.device))
        sides = None if left is None else torch.full((len(index),), left, device=frames.device)
        hidden = None if occlusion is None else occlusion[index]
        return model.predict(features, len(index), sides, hidden)


def _join(parts: list[FrameFeatures], index: Tensor) -> FrameFeatures:
    """Frames `index` of all the parts together."""
    columns = (
        torch.cat([getattr(part, field.name) for part in parts])[index]
        for field in fields(FrameFeatures)
    )
    return FrameFeatures(*columns)
