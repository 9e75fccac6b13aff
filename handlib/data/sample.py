"""`HandSample`: what every data set of the course returns for one image of one hand."""

from dataclasses import dataclass
from typing import TypeVar

from jaxtyping import Bool, Float, UInt8
from torch import Tensor

Label = TypeVar("Label")


@dataclass(frozen=True)
class HandMasks:
    """Where the hand is, at the image's resolution.

    `amodal` is the whole hand as if nothing stood in front of it, `visible` the part of it that
    can be seen, a subset. `parts` labels the amodal hand: 0 no hand, else 1 + the MANO joint
    that moves this piece of skin (`handlib.hands.skeleton.MANO_JOINT_NAMES`).
    """

    visible: Bool[Tensor, "H W"]
    amodal: Bool[Tensor, "H W"]
    parts: UInt8[Tensor, "H W"]


@dataclass(frozen=True)
class HandSample:
    """One image of one hand with its labels; fields that a data set lacks are None.

    Metres and radians in the OpenCV camera frame (x right, y down, z forward); pixels with
    (0, 0) at the centre of the top-left pixel. The labels fit together:
    `hand(pose, betas, translation).joints` equals `joints`, and `joints` projected with
    `intrinsics` are `joints_px`. `needed` reads a label that a loss cannot do without.

    image: RGB, 0..1.
    pose: full axis-angles of MANO's 16 joints; row 0 turns the hand into the camera frame.
    joints: 21 in the common order (wrist, thumb .. little, each from base to tip).
    occlusion: hidden over amodal hand pixels, 0..1.
    side: "right" or "left". identity: the hand's owner, the same name for the same betas.
    box: the hand's square (x1, y1, x2, y2) in pixels, where a set gives it in place of joints.
    """

    image: Float[Tensor, "3 H W"]
    intrinsics: Float[Tensor, "3 3"]
    pose: Float[Tensor, "16 3"] | None
    betas: Float[Tensor, "10"] | None
    translation: Float[Tensor, "3"] | None
    joints: Float[Tensor, "21 3"] | None
    joints_px: Float[Tensor, "21 2"] | None
    masks: HandMasks | None = None
    occlusion: float | None = None
    side: str = "right"
    identity: str = ""
    box: Float[Tensor, "4"] | None = None


class MissingLabelError(ValueError):
    """A data set lacks a label that a loss, a score or a change of the image needs."""


def needed(label: Label | None, name: str) -> Label:
    """The label `name` of a sample or a batch, which may not be None here.

    Raises:
        MissingLabelError: it is None.
    """
    if label is None:
        raise MissingLabelError(
            f"{name}: expected a label, found None. HO-3D's evaluation frames know a box and the "
            "wrist only, unless evaluation_xyz.json is there; DexYCB has poses only with "
            "MANO's files, DexYCB(..., mano=folder); FPHA has joints only; frames without labels "
            "are left out by `valid_frames` and `windows`"
        )
    return label
