"""The mean pose: what can be scored without looking at the image, so what a model has to beat."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from handlib.data.batch import collate
from handlib.data.sample import HandSample, needed
from handlib.hands.hand_model import HandModel, HandOutput
from handlib.hands.rotations import axis_angle_to_rotmat


class MeanPose(nn.Module):
    """Predicts the same hand for every image."""

    vertices: Tensor
    joints: Tensor

    def __init__(self, mean_hand: HandOutput) -> None:
        super().__init__()
        self.register_buffer("vertices", mean_hand.vertices)
        self.register_buffer("joints", mean_hand.joints)

    def forward(self, image: Float[Tensor, "B 3 H W"]) -> HandOutput:
        """vertices (B,V,3) and joints (B,21,3) in metres, in the hand's frame."""
        count = len(image)
        return HandOutput(self.vertices.expand(count, -1, -1), self.joints.expand(count, -1, -1))


@torch.no_grad()
def mean_pose_baseline(train: Dataset[HandSample], hand: HandModel) -> MeanPose:
    """The mean of each joint's rotation, the root's included, and of the shape, over `train`."""
    loader = DataLoader(train, 256, collate_fn=collate, generator=torch.Generator())
    poses, betas = zip(
        *((needed(batch.pose, "pose"), needed(batch.betas, "betas")) for batch in loader),
        strict=True,
    )
    rotation = mean_rotation(axis_angle_to_rotmat(torch.cat(poses)))
    return MeanPose(hand(rotation[None], torch.cat(betas).mean(0, keepdim=True)))


def mean_rotation(rotmats: Float[Tensor, "N J 3 3"]) -> Float[Tensor, "J 3 3"]:
    """The rotation nearest to the mean matrix: the chordal mean (Hartley et al. 2013)."""
    u, _, vt = torch.linalg.svd(rotmats.mean(0))
    signs = torch.ones_like(u[..., 0])
    signs[..., -1] = torch.linalg.det(u @ vt).sign()
    return (u * signs[..., None, :]) @ vt
