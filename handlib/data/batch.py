"""Stack `HandSample`s into a batch that a model and a loss can read."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from handlib.data.sample import HandSample


@dataclass(frozen=True)
class HandBatch:
    """B samples of one size; fields, units and frames are those of `HandSample`.

    `visible` and `amodal` are the masks of the hand that can be seen and of the whole hand;
    they and `occlusion` are None for data sets without them.
    """

    image: Float[Tensor, "B 3 H W"]
    intrinsics: Float[Tensor, "B 3 3"]
    pose: Float[Tensor, "B 16 3"]
    betas: Float[Tensor, "B 10"]
    translation: Float[Tensor, "B 3"]
    joints: Float[Tensor, "B 21 3"]
    joints_px: Float[Tensor, "B 21 2"]
    visible: Bool[Tensor, "B H W"] | None = None
    amodal: Bool[Tensor, "B H W"] | None = None
    occlusion: Float[Tensor, " B"] | None = None
    side: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.image)

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
    """Stack samples; masks and occlusion are left out unless every sample has them."""

    def stack(name: str) -> Tensor:
        return torch.stack([getattr(sample, name) for sample in samples])

    masks = [sample.masks for sample in samples if sample.masks is not None]
    shares = [sample.occlusion for sample in samples if sample.occlusion is not None]
    complete = len(masks) == len(samples)
    return HandBatch(
        image=stack("image"),
        intrinsics=stack("intrinsics"),
        pose=stack("pose"),
        betas=stack("betas"),
        translation=stack("translation"),
        joints=stack("joints"),
        joints_px=stack("joints_px"),
        visible=torch.stack([mask.visible for mask in masks]) if complete else None,
        amodal=torch.stack([mask.amodal for mask in masks]) if complete else None,
        occlusion=torch.tensor(shares) if len(shares) == len(samples) else None,
        side=tuple(sample.side for sample in samples),
    )
