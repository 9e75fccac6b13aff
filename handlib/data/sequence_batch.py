"""Stack `HandWindow`s into a batch that a model of several frames can read."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import chain
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from handlib.data.augmentation import AugmentationConfig, apply_changes, draw_changes
from handlib.data.batch import HandBatch, collate
from handlib.data.camera import square_boxes
from handlib.data.sample import needed
from handlib.data.windows import HandWindow


@dataclass(frozen=True)
class SequenceBatch:
    """B windows of T frames; units and frames are those of `HandSample`.

    boxes: the square around the hand in each frame, (x1, y1, x2, y2) in pixels: its side is 1.5
    times the longer extent of the 21 joints in the image, or it is the data set's own `box` where
    joints are unknown. Labels that the data set lacks are None. side: of each window. left:
    whether that is the left one.
    """

    image: Float[Tensor, "B T 3 H W"]
    intrinsics: Float[Tensor, "B T 3 3"]
    boxes: Float[Tensor, "B T 4"]
    left: Bool[Tensor, " B"]
    pose: Float[Tensor, "B T 16 3"] | None = None
    betas: Float[Tensor, "B T 10"] | None = None
    translation: Float[Tensor, "B T 3"] | None = None
    joints: Float[Tensor, "B T 21 3"] | None = None
    joints_px: Float[Tensor, "B T 21 2"] | None = None
    visible: Bool[Tensor, "B T H W"] | None = None
    amodal: Bool[Tensor, "B T H W"] | None = None
    occlusion: Float[Tensor, "B T"] | None = None
    side: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.image)

    def to(self, device: torch.device | str, non_blocking: bool = False) -> "SequenceBatch":
        """The same batch on another device."""
        moved: dict[str, Any] = {
            name: value.to(device, non_blocking=non_blocking)
            for name, value in self._tensors().items()
        }
        return replace(self, **moved)

    def flat(self) -> HandBatch:
        """All B·T frames, window after window, as images without a time."""
        length = self.image.shape[1]
        tensors = {
            name: value.flatten(0, 1)
            for name, value in self._tensors().items()
            if name not in ("boxes", "left")
        }
        return HandBatch(**tensors, side=tuple(side for side in self.side for _ in range(length)))

    def _tensors(self) -> dict[str, Tensor]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, Tensor)}


def collate_windows(windows: Sequence[HandWindow]) -> SequenceBatch:
    """Stack windows of one length; masks and occlusion are left out unless every frame has them.

    Raises:
        ValueError: no window, or windows of different lengths.
    """
    lengths = {len(window.samples) for window in windows}
    if len(lengths) != 1:
        raise ValueError(f"windows: expected one or more of one length, found {sorted(lengths)}")
    frames = collate(list(chain.from_iterable(window.samples for window in windows)))
    return fold(frames, lengths.pop())


def augment_windows(
    batch: SequenceBatch, config: AugmentationConfig, generator: torch.Generator
) -> SequenceBatch:
    """`augment`, with one draw for all frames of a window: a video has one camera.

    Boxes are those of the moved joints; `occlusion` stays that of the unchanged image.
    """
    if config == AugmentationConfig.none():
        return batch
    length = batch.image.shape[1]
    changes = draw_changes(len(batch), config, generator).repeat(length)
    return fold(apply_changes(batch.flat(), changes), length)


def fold(frames: HandBatch, length: int) -> SequenceBatch:
    """Windows of `length` frames that follow each other in a batch."""
    side = frames.side[::length]
    tensors = {
        field.name: value.unflatten(0, (-1, length))
        for field in fields(frames)
        if isinstance(value := getattr(frames, field.name), Tensor)
    }
    given = tensors.pop("box", None)
    joints_px = tensors.get("joints_px")
    boxes = square_boxes(joints_px) if joints_px is not None else needed(given, "joints_px")
    return SequenceBatch(**tensors, boxes=boxes, left=frames.left[::length], side=side)
