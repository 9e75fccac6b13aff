"""The mean pose: what can be scored without looking at the image, so what a model has to beat."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from handlib.data.batch import collate
from handlib.data.sample import HandSample, needed
from handlib.hands.hand_model import HandModel
from handlib.hands.hand_pair import HandPair
from handlib.hands.rotations import (
    axis_angle_to_rotmat,
    mirrored_turn,
    rotmat_to_axis_angle,
)


@dataclass(frozen=True)
class MeanHand:
    """Metres, the hand's frame; `vertices` is None where the data have no mesh."""

    joints: Float[Tensor, "B 21 3"]
    vertices: Float[Tensor, "B V 3"] | None


class MeanPose(nn.Module):
    """Predicts the same hand for every image, or the same two: a right one and a left one."""

    joints: Tensor
    vertices: Tensor | None

    def __init__(
        self, joints: Float[Tensor, "S 21 3"], vertices: Float[Tensor, "S V 3"] | None = None
    ) -> None:
        super().__init__()
        self.register_buffer("joints", joints)
        self.register_buffer("vertices", vertices)

    def forward(
        self, image: Float[Tensor, "B 3 H W"], left: Bool[Tensor, " B"] | None = None
    ) -> MeanHand:
        """The hand of each image; `left` tells the left ones, where two hands are known."""
        rows = torch.zeros(len(image), dtype=torch.long, device=self.joints.device)
        if left is not None and len(self.joints) == 2:
            rows = left.to(rows)
        return MeanHand(self.joints[rows], None if self.vertices is None else self.vertices[rows])


@torch.no_grad()
def mean_pose_baseline(train: Dataset[HandSample], hand: HandModel | HandPair) -> MeanPose:
    """The mean of each joint's rotation, the root's included, and of the shape, over `train`.

    With a `HandPair` left hands count as right ones in the mirror, and the mean's mirror image is
    the left hand. Data without poses, such as FPHA, give the mean of the joints seen from the
    wrist.

    Raises:
        MissingLabelError: the data have neither poses nor joints.
    """
    loader = DataLoader(train, 256, collate_fn=collate, generator=torch.Generator())
    labels = [(batch.pose, batch.betas, batch.joints, batch.left) for batch in loader]
    poses, betas, joints, left = zip(*labels, strict=True)
    if poses[0] is None:
        known = torch.cat([needed(one, "joints") for one in joints])
        return MeanPose((known - known[:, :1]).mean(0, keepdim=True))
    pose = torch.cat([needed(one, "pose") for one in poses])
    shape = torch.cat([needed(one, "betas") for one in betas]).mean(0, keepdim=True)
    if not isinstance(hand, HandPair):
        output = hand(mean_rotation(axis_angle_to_rotmat(pose))[None], shape)
        return MeanPose(output.joints, output.vertices)
    pose = torch.where(torch.cat(left)[:, None, None], mirrored_turn(pose), pose)
    mean = rotmat_to_axis_angle(mean_rotation(axis_angle_to_rotmat(pose)))[None]
    outputs = hand.right(mean, shape), hand.left(mirrored_turn(mean), shape)
    return MeanPose(
        torch.cat([output.joints for output in outputs]),
        torch.cat([output.vertices for output in outputs]),
    )


def mean_rotation(rotmats: Float[Tensor, "N J 3 3"]) -> Float[Tensor, "J 3 3"]:
    """The rotation nearest to the mean matrix: the chordal mean (Hartley et al. 2013)."""
    u, _, vt = torch.linalg.svd(rotmats.mean(0))
    signs = torch.ones_like(u[..., 0])
    signs[..., -1] = torch.linalg.det(u @ vt).sign()
    return (u * signs[..., None, :]) @ vt
