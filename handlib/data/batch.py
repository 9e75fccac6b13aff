"""Stack `HandSample`s into a batch that a model and a loss can read."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from handlib.data.sample import HandSample, needed


@dataclass(frozen=True)
class HandBatch:
    """B samples of one size; fields, units and frames are those of `HandSample`.

    `visible` and `amodal` are the masks of the hand that can be seen and of the whole hand.
    Labels that the data set lacks are None.
    """

    image: Float[Tensor, "B 3 H W"]
    intrinsics: Float[Tensor, "B 3 3"]
    pose: Float[Tensor, "B 16 3"] | None = None
    betas: Float[Tensor, "B 10"] | None = None
    translation: Float[Tensor, "B 3"] | None = None
    joints: Float[Tensor, "B 21 3"] | None = None
    joints_px: Float[Tensor, "B 21 2"] | None = None
    visible: Bool[Tensor, "B H W"] | None = None
    amodal: Bool[Tensor, "B H W"] | None = None
    occlusion: Float[Tensor, " B"] | None = None
    side: tuple[str, ...] = ()
    box: Float[Tensor, "B 4"] | None = None

    def __len__(self) -> int:
        return len(self.image)

    @property
    def left(self) -> Bool[Tensor, " B"]:
        """Which are left hands."""
        return torch.tensor([side == "left" for side in self.side], device=self.image.device)

    def to(self, device: torch.device | str, non_blocking: bool = False) -> "HandBatch":
        """The same batch on another device."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        moved = {
            name: value.to(device, non_blocking=non_blocking)
            for name, value in values.items()
            if isinstance(value, Tensor)
        }
        return HandBatch(**(values | moved))


def collate(samples: Sequence[HandSample]) -> HandBatch:
    """Stack samples.

    Masks, occlusion and boxes are left out unless every sample has them. Other labels are either
    in all samples or in none: silently, a batch would lose those of its labelled frames.

    Raises:
        MissingLabelError: some samples have a label and others lack it.
    """

    def stack(name: str) -> Tensor | None:
        labels = [getattr(sample, name) for sample in samples]
        if all(label is None for label in labels):
            return None
        return torch.stack([needed(label, name) for label in labels])

    boxes = [sample.box for sample in samples if sample.box is not None]
    masks = [sample.masks for sample in samples if sample.masks is not None]
    shares = [sample.occlusion for sample in samples if sample.occlusion is not None]
    complete = len(masks) == len(samples)
    return HandBatch(
        image=torch.stack([sample.image for sample in samples]),
        intrinsics=torch.stack([sample.intrinsics for sample in samples]),
        pose=stack("pose"),
        betas=stack("betas"),
        translation=stack("translation"),
        joints=stack("joints"),
        joints_px=stack("joints_px"),
        visible=torch.stack([mask.visible for mask in masks]) if complete else None,
        amodal=torch.stack([mask.amodal for mask in masks]) if complete else None,
        occlusion=torch.tensor(shares) if len(shares) == len(samples) else None,
        side=tuple(sample.side for sample in samples),
        box=torch.stack(boxes) if len(boxes) == len(samples) else None,
    )
