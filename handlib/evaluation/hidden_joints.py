"""Where in the image a network puts the joints that it cannot see, and those that it can."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.utils.data import Dataset

from handlib.data.batch import HandBatch, collate
from handlib.data.camera import denormalise_pixels, mask_at
from handlib.data.sample import HandSample, needed
from handlib.models.handoccnet import HandOccNet


def hidden_joints(batch: HandBatch) -> tuple[Bool[Tensor, "B 21"], Bool[Tensor, "B 21"]]:
    """Which joints lie behind something, and which lie open, by the masks at their pixels.

    A joint that the hand itself covers lies open here. Outside the image, or where rounding puts
    a fingertip beside the hand, it is neither.
    """
    size = batch.image.shape[-1]
    joints = needed(batch.joints_px, "joints_px")
    inside = ((joints.round() >= 0) & (joints.round() < size)).all(-1)
    visible = mask_at(needed(batch.visible, "visible"), joints)
    amodal = mask_at(needed(batch.amodal, "amodal"), joints)
    return inside & amodal & ~visible, inside & visible


@torch.inference_mode()
def joint_errors(
    model: HandOccNet, data: Dataset[HandSample], batch_size: int = 50
) -> dict[str, Float[Tensor, " N"]]:
    """Distance in pixels from found to true joints in the image, mean over each image's.

    "hidden" and "visible" as `hidden_joints` tells them; NaN where an image has none.

    Raises:
        MissingLabelError: the data lack joints in the image, or masks.
    """
    size = len(data)  # type: ignore[arg-type]  # torch's Dataset does not say that it is sized
    model.eval()
    found: dict[str, list[Tensor]] = {"hidden": [], "visible": []}
    for first in range(0, size, batch_size):
        batch = collate([data[i] for i in range(first, min(first + batch_size, size))])
        pixels = denormalise_pixels(model(batch.image).joints_img, batch.image.shape[-1])
        distance = (pixels - needed(batch.joints_px, "joints_px")).norm(dim=-1)  # B 21
        for name, which in zip(found, hidden_joints(batch), strict=True):
            found[name].append(distance.where(which, torch.nan).nanmean(dim=1))
    return {name: torch.cat(values) for name, values in found.items()}
