"""The losses of HandOccNet (Park et al. 2022, section 3.4, weights of the released code).

The released losses are mean squared errors of vertices, joints, pose, shape and 2D joints; the
vertices and joints to reach are made anew by the hand model from the true (θ, β), so both sides
stand in the hand's frame, without the translation. At course scale these alone need very many
images before the soft-argmax begins to move; `LossConfig.course()` adds aids, named as such.

FPHA has joints and no θ and β, so it can be learned from joints alone (HandOccNet's issue 23; its
loader was not released). `LossConfig.joints_only()` is our reading of that.
"""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from handlib.data.batch import HandBatch
from handlib.data.camera import normalise_pixels
from handlib.data.sample import needed
from handlib.hands.hand_model import HandModel
from handlib.hands.rotations import axis_angle_to_rotmat
from handlib.models.handoccnet import GuidedPrediction, HandPrediction
from handlib.models.vertex_transformer import VertexPrediction

_GUIDED = "a network with guided=True, in training"
_READOUT = "a network with feature_readout=True"
HEATMAP_SIGMA = 0.8  # of the target, in cells; a fingertip is about one cell wide


@dataclass(frozen=True)
class LossConfig:
    """The weight of each term; zero switches it off."""

    vertices: float = 1e4  # metres² are small numbers: 1e4 makes (1 cm)² count 1
    joints: float = 1e4
    pose: float = 10.0  # on the entries of the 16 rotation matrices
    betas: float = 0.1
    joints_img: float = 100.0  # on image coordinates in 0..1
    articulation: float = 0.0  # aid: joints seen from the wrist: its own turn drops out
    heatmap: float = 0.0  # aid: cross-entropy to a Gaussian at each true joint
    early_heatmap: float = 0.0  # aid: the same for heatmaps read from F, before FIT and SET
    depth: float = 0.0  # aid: on metres behind the joints' mean
    mask: float = 0.0  # aid: cross-entropy of the visible and the whole hand's mask, read from F
    necessity: float = 0.0  # ours: M shall be the visible hand
    gate: float = 0.0  # ours: the gates shall be open on the whole hand, shut elsewhere
    recorded_joints: float = 0.0  # the data's own 3D joints, metres, seen from the wrist

    @classmethod
    def paper(cls) -> "LossConfig":
        """The released recipe."""
        return cls()

    @classmethod
    def course(cls) -> "LossConfig":
        """The released recipe, dense targets for heatmaps and F, and the fingers by themselves.

        In few steps the trunk learns soonest from the heatmaps, so they weigh most; what only the
        head can learn loses nothing, since Adam's steps do not shrink with a loss's weight.
        """
        return cls(
            pose=30.0,
            articulation=1e5,
            heatmap=300.0,
            early_heatmap=300.0,
            depth=3e4,
            mask=30.0,
        )

    def guided(self) -> "LossConfig":
        """The same with our two terms for M and the gates, as heavy as the masks'."""
        return replace(self, necessity=30.0, gate=30.0)

    def joints_only(self) -> "LossConfig":
        """The same weights for data with joints alone: no term needs θ, β or masks.

        The weight of `joints` goes to the data's own joints. They know nothing of where MANO's
        origin is, so both sides are seen from the wrist. What joints do not show, such as the
        mesh and the turn of a bone about itself, no term holds.
        """
        return replace(
            self,
            vertices=0.0,
            joints=0.0,
            pose=0.0,
            betas=0.0,
            articulation=0.0,
            mask=0.0,
            recorded_joints=self.joints,
        )

    @property
    def needs_hands(self) -> bool:
        """Whether a term compares with the hand of the true (θ, β)."""
        return any((self.vertices, self.joints, self.pose, self.betas, self.articulation))


@dataclass(frozen=True)
class TrueHands:
    """(θ, β) and the hand that they make, without the translation."""

    pose: Float[Tensor, "B 16 3 3"]
    betas: Float[Tensor, "B 10"]
    vertices: Float[Tensor, "B V 3"]
    joints: Float[Tensor, "B 21 3"]


def handoccnet_loss(
    prediction: HandPrediction, batch: HandBatch, hand: HandModel, config: LossConfig
) -> dict[str, Tensor]:
    """Each weighted term by its name, and their sum as "total"; all are scalars.

    Raises:
        ValueError: an aid is on, but the model or the data lack what it compares.
        MissingLabelError: the data lack joints in the image, or pose, betas or joints where a
            term with a weight compares them.
    """
    joints_px = needed(batch.joints_px, "joints_px")
    joints_img = normalise_pixels(joints_px, batch.image.shape[-1])
    true = _true_hands(batch, hand) if config.needs_hands else None
    errors = {}
    if true is not None:
        names = ("vertices", "joints", "pose", "betas")
        errors = {n: F.mse_loss(getattr(prediction, n), getattr(true, n)) for n in names}
    errors["joints_img"] = F.mse_loss(prediction.joints_img, joints_img)
    if config.recorded_joints:
        errors["recorded_joints"] = F.mse_loss(
            from_wrist(prediction.joints), from_wrist(needed(batch.joints, "joints"))
        )
    if config.articulation and true is not None:
        errors["articulation"] = F.mse_loss(
            seen_from_wrist(prediction.joints, prediction.pose[:, 0]),
            seen_from_wrist(true.joints, true.pose[:, 0]),
        )
    if config.heatmap:
        errors["heatmap"] = heatmap_cross_entropy(prediction.heatmaps, joints_img)
    if config.early_heatmap:
        early = _needs(prediction.early_heatmaps, "early_heatmap", _READOUT)
        errors["early_heatmap"] = heatmap_cross_entropy(early, joints_img)
    if config.depth:
        depths = _needs(prediction.depths, "depth", "a network with joints_to_head=True")
        z = (true.joints if true else needed(batch.joints, "joints"))[..., 2]
        errors["depth"] = F.mse_loss(depths, z - z.mean(dim=1, keepdim=True))
    if config.mask:
        logits = _needs(prediction.masks, "mask", _READOUT)
        errors["mask"] = mask_cross_entropy(logits, batch)
    shown: tuple[Tensor | None, Tensor | None] = (None, None)
    if isinstance(prediction, GuidedPrediction):
        shown = prediction.necessity, prediction.gates
    if config.necessity:
        necessity = _needs(shown[0], "necessity", _GUIDED)
        errors["necessity"] = map_cross_entropy(necessity, needed(batch.visible, "visible"))
    if config.gate:
        gates = _needs(shown[1], "gate", _GUIDED)
        errors["gate"] = map_cross_entropy(gates, needed(batch.amodal, "amodal"))
    terms = {name: getattr(config, name) * error for name, error in errors.items()}
    return terms | {"total": torch.stack(list(terms.values())).sum()}


def vertex_loss(
    prediction: VertexPrediction, batch: HandBatch, hand: HandModel, config: LossConfig
) -> dict[str, Tensor]:
    """The two terms that a network without MANO's parameters can have, and "total"."""
    with torch.no_grad():
        target = hand(needed(batch.pose, "pose"), needed(batch.betas, "betas"))
    terms = {
        "vertices": config.vertices * F.mse_loss(prediction.vertices, target.vertices),
        "joints": config.joints * F.mse_loss(prediction.joints, target.joints),
    }
    return terms | {"total": terms["vertices"] + terms["joints"]}


def _true_hands(batch: HandBatch, hand: HandModel) -> TrueHands:
    with torch.no_grad():
        betas = needed(batch.betas, "betas")
        pose = axis_angle_to_rotmat(needed(batch.pose, "pose"))
        made = hand(pose, betas)
    return TrueHands(pose, betas, made.vertices, made.joints)


def from_wrist(joints: Float[Tensor, "*B 21 3"]) -> Float[Tensor, "*B 21 3"]:
    """Joints relative to the wrist, in the camera's axes."""
    return joints - joints[..., :1, :]


def seen_from_wrist(
    joints: Float[Tensor, "B 21 3"], wrist: Float[Tensor, "B 3 3"]
) -> Float[Tensor, "B 21 3"]:
    """Joints relative to the wrist, in the axes that turn with it: fingers and shape alone."""
    return from_wrist(joints) @ wrist


def map_cross_entropy(
    found: Float[Tensor, "B G h w"], mask: Bool[Tensor, "B H W"]
) -> Float[Tensor, ""]:
    """Mean cross-entropy of every map, 0..1, to the share of each cell that the mask covers."""
    share = F.adaptive_avg_pool2d(mask.float()[:, None], (found.shape[2], found.shape[3]))
    return F.binary_cross_entropy(found.float(), share.expand_as(found))


def heatmap_cross_entropy(
    heatmaps: Float[Tensor, "B J h w"],
    joints_img: Float[Tensor, "B J 2"],
    sigma: float = HEATMAP_SIGMA,
) -> Float[Tensor, ""]:
    """Mean cross-entropy from a Gaussian of `sigma` cells at each true joint to its heatmap.

    Unlike the squared error of the expected position it has a gradient in every cell.
    Joints outside the image (0..1) have no true cell and are left out.
    """
    target = _gaussians(joints_img, heatmaps.shape[-2], heatmaps.shape[-1], sigma)
    inside = ((joints_img >= 0) & (joints_img <= 1)).all(-1)
    # A softmax may underflow to exactly 0, where the logarithm has no gradient to give.
    cross_entropy = -(target * (heatmaps + 1e-8).log()).sum((-2, -1))
    return (cross_entropy * inside).sum() / inside.sum().clamp_min(1)


def mask_cross_entropy(logits: Float[Tensor, "B 2 h w"], batch: HandBatch) -> Float[Tensor, ""]:
    """Mean binary cross-entropy of each cell's share of visible and of whole hand."""
    visible = _needs(batch.visible, "mask", "data with masks")
    amodal = _needs(batch.amodal, "mask", "data with masks")
    masks = torch.stack([visible, amodal], 1).to(logits.dtype)  # B 2 H W
    share = F.adaptive_avg_pool2d(masks, (logits.shape[2], logits.shape[3]))
    return F.binary_cross_entropy_with_logits(logits, share)


def _needs(found: Tensor | None, term: str, source: str) -> Tensor:
    if found is None:
        raise ValueError(f"LossConfig.{term} > 0 needs {source}; set {term}=0 to train without")
    return found


def _gaussians(
    centres: Float[Tensor, "B J 2"], height: int, width: int, sigma: float
) -> Float[Tensor, "B J h w"]:
    """Separable Gaussians that sum to 1, in cells, at image coordinates 0..1."""

    def along(coordinate: Tensor, cells: int) -> Tensor:
        position = torch.arange(cells, device=coordinate.device) + 0.5
        distance = (position - coordinate[..., None] * cells) / sigma
        return (-0.5 * distance.square()).softmax(-1)

    u, v = along(centres[..., 0], width), along(centres[..., 1], height)
    return v[..., :, None] * u[..., None, :]
