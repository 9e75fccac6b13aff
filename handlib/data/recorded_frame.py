"""A whole recorded image with its labels, before any crop; and its mirror image."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from PIL import Image, ImageOps
from torch import Tensor

from handlib.data.camera import project
from handlib.hands.hand_model import HandModel
from handlib.hands.rotations import mirrored_turn


@dataclass(frozen=True)
class RecordedFrame:
    """A whole image and what its data set says about it; units and frame of `HandSample`.

    box: corners of the hand's box in pixels, where the data set gives one. thing: points in
    pixels whose box is the handled object's.
    """

    image: Image.Image
    intrinsics: Float[Tensor, "3 3"]
    pose: Float[Tensor, "16 3"] | None = None
    betas: Float[Tensor, "10"] | None = None
    translation: Float[Tensor, "3"] | None = None
    joints: Float[Tensor, "21 3"] | None = None
    box: Float[Tensor, "2 2"] | None = None
    thing: Float[Tensor, "M 2"] | None = None
    side: str = "right"
    identity: str = ""

    @property
    def joints_px(self) -> Float[Tensor, "21 2"] | None:
        """The joints in the whole image."""
        return None if self.joints is None else project(self.joints, self.intrinsics)


def mirrored(frame: RecordedFrame, right: HandModel | None) -> RecordedFrame:
    """The mirror image of a left hand: a right one, as HandOccNet learns DexYCB.

    Image, camera and joints are exact. So is the pose: under M = diag(-1, 1, 1) a rotation by
    (x, y, z) becomes one by (x, -y, -z). The mesh is the right model's, its wrist at the joint;
    it is that of the mirrored left model as far as MANO's two files are mirror images. The tip of
    the middle finger stays where it was annotated, at vertex 445; a right model's is 444.
    """
    width = frame.image.width
    intrinsics = frame.intrinsics.clone()
    intrinsics[0, 2] = width - 1 - intrinsics[0, 2]
    joints = None if frame.joints is None else frame.joints * torch.tensor([-1.0, 1, 1])
    moved = replace(
        frame,
        image=ImageOps.mirror(frame.image),
        intrinsics=intrinsics,
        joints=joints,
        thing=None if frame.thing is None else _flipped(frame.thing, width),
        box=None if frame.box is None else _flipped(frame.box, width),
        side="right",
    )
    if frame.pose is None or frame.betas is None or joints is None or right is None:
        return moved
    with torch.no_grad():
        wrist = right(torch.zeros(1, 16, 3), frame.betas[None]).joints[0, 0]
    turned = mirrored_turn(frame.pose)
    return replace(moved, pose=turned, translation=joints[0] - wrist)


def _flipped(pixels: Float[Tensor, "N 2"], width: int) -> Float[Tensor, "N 2"]:
    return torch.stack([width - 1 - pixels[:, 0], pixels[:, 1]], 1)
