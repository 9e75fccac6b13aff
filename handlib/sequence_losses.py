"""The losses of Deformer (Fu et al. 2023, section 3.4, weights of the released code).

Three groups compare hands, each with vertices, joints and pose: every frame's own hand, its two
one-step warps with the frames beside it, and the fused hand. The monocular head (D9) adds one. The
hands to reach are made anew from the true (θ, β), as for HandOccNet: both sides stand in the
hand's frame, without the translation. Data with joints alone have `joints_only`.
"""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from handlib.data.sample import needed
from handlib.data.sequence_batch import SequenceBatch
from handlib.hands.hand_model import HandModel
from handlib.hands.hand_pair import HandPair, over_time
from handlib.hands.rotations import axis_angle_to_rotmat
from handlib.losses import from_wrist, heatmap_cross_entropy
from handlib.max_mse import max_mse
from handlib.models.deformer import SequencePrediction
from handlib.models.fusion import Space, move


@dataclass(frozen=True)
class SequenceLossConfig:
    """The weight of each term; zero switches it off."""

    vertices: float = 1e4  # metres²; in each of the three groups, likewise joints and pose
    joints: float = 1e4
    pose: float = 10.0  # on the entries of the rotation matrices
    betas: float = 0.1
    joints_img: float = 100.0  # on fractions of the hand box, joints inside it alone
    frames: float = 1.0  # the group of single frames
    motion: float = 1.0  # the group of one-step warps, forward and backward
    fused: float = 1.0  # the group of fused hands
    monocular: float = 0.0  # D9: the group of hands from one frame alone, each with its own β
    smooth: float = 0.0  # D10: first and second differences of the vertices, in the paper alone
    max_mse: bool = True  # on vertices and joints; False: mean squared errors
    detach: bool = False  # D16: take maxMSE's weights as given
    max_mse_pose: bool = False  # D11: on pose, too, as the paper writes
    heatmap: float = 0.0  # aid: cross-entropy to a Gaussian at each true joint
    recorded_joints: float = 0.0  # in each group: the data's own 3D joints, seen from the wrist

    @classmethod
    def paper(cls) -> "SequenceLossConfig":
        """The released recipe."""
        return cls()

    @classmethod
    def course(cls) -> "SequenceLossConfig":
        """Mean squared errors, which learn sooner in few steps, and dense targets for heatmaps."""
        return cls(max_mse=False, pose=30.0, heatmap=100.0)

    @classmethod
    def course_windows(cls) -> "SequenceLossConfig":
        """For frozen frames, whose heatmaps learn no more; the fused hand counts most."""
        return cls(max_mse=False, pose=30.0, joints_img=0.0, fused=4.0)

    def joints_only(self) -> "SequenceLossConfig":
        """The same weights for data with joints alone, as `LossConfig.joints_only`."""
        without = replace(self, vertices=0.0, joints=0.0, pose=0.0, betas=0.0)
        return replace(without, recorded_joints=self.joints)

    @property
    def needs_hands(self) -> bool:
        """Whether a term compares with the hands of the true (θ, β)."""
        return any((self.vertices, self.joints, self.pose, self.betas))


@dataclass(frozen=True)
class _Hands:
    """Poses and the hands they make, over any number of frames."""

    pose: Float[Tensor, "B *F 16 3 3"]
    vertices: Float[Tensor, "B *F V 3"]
    joints: Float[Tensor, "B *F 21 3"]

    def __getitem__(self, frames: slice | int) -> "_Hands":
        parts = (self.pose, self.vertices, self.joints)
        return _Hands(*(part[:, frames] for part in parts))


@dataclass(frozen=True)
class _Truth:
    """What hands are compared with: hands made anew, the data's own joints, or both."""

    hands: _Hands | None
    recorded: Float[Tensor, "B *F 21 3"] | None

    def __getitem__(self, frames: slice | int) -> "_Truth":
        hands, recorded = self.hands, self.recorded
        return _Truth(
            None if hands is None else hands[frames],
            None if recorded is None else recorded[:, frames],
        )


def sequence_loss(
    prediction: SequencePrediction,
    batch: SequenceBatch,
    hand: HandModel | HandPair,
    config: SequenceLossConfig,
    space: Space = "rot6d",
) -> dict[str, Tensor]:
    """Each weighted term by its name, and their sum as "total"; all are scalars.

    `space` is the network's. A window's β is compared with each frame's, a frame's with its own.

    Raises:
        ValueError: monocular > 0 and a network without monocular_head.
        MissingLabelError: the data lack joints in the image, or pose, betas or joints where a
            term with a weight compares them.
    """
    left = batch.left if isinstance(hand, HandPair) else None
    true = _truth(batch, hand, config)
    terms = {}
    if config.needs_hands:
        betas = needed(batch.betas, "betas")
        error = F.mse_loss(_each_frame(prediction.betas, betas), betas)
        terms["betas"] = config.betas * error
    terms["joints_img"] = config.joints_img * joints_img_error(prediction.joints_img, batch)
    own = _Hands(prediction.pose, prediction.vertices, prediction.joints)
    if config.frames:
        terms |= _compare("frames", config.frames, own, true, config)
    if config.motion and prediction.pose.shape[1] > 1:  # one frame has no neighbours
        for name, warped, reached in _warped(prediction, hand, left, true, space):
            terms |= _compare(name, config.motion, warped, reached, config)
    if config.fused:
        fused = _Hands(prediction.fused_pose, prediction.fused_vertices, prediction.fused_joints)
        centre = prediction.pose.shape[1] // 2
        reached = true[centre] if prediction.fused_pose.ndim == 4 else true
        terms |= _compare("fused", config.fused, fused, reached, config)
    if config.monocular:
        terms |= _monocular(prediction, batch, hand, true, config)
    if config.smooth:
        terms["smooth"] = config.smooth * smoothness(prediction.vertices)
    if config.heatmap:
        error = heatmap_cross_entropy(
            prediction.heatmaps.flatten(0, 1), box_coordinates(batch).flatten(0, 1)
        )
        terms["heatmap"] = config.heatmap * error
    return terms | {"total": torch.stack(list(terms.values())).sum()}


def box_coordinates(batch: SequenceBatch) -> Float[Tensor, "B T 21 2"]:
    """Joints as fractions of the hand box, 0..1 inside it."""
    corner, far = batch.boxes[..., None, :2], batch.boxes[..., None, 2:]
    return (needed(batch.joints_px, "joints_px") - corner) / (far - corner)


def joints_img_error(
    joints_img: Float[Tensor, "B T 21 2"], batch: SequenceBatch
) -> Float[Tensor, ""]:
    """Mean squared error over the joints that lie inside both box and image."""
    target = box_coordinates(batch)
    inside = ((target >= 0) & (target <= 1)).all(-1) & _in_image(batch)
    errors = (joints_img - target).square().mean(dim=-1)
    return (errors * inside).sum() / inside.sum().clamp_min(1)


def smoothness(vertices: Float[Tensor, "B T V 3"]) -> Float[Tensor, ""]:
    """Mean squares of first and second differences over time, metres²: our reading of L_smooth."""
    velocity = vertices.diff(dim=1)
    return velocity.square().mean() + velocity.diff(dim=1).square().mean()


def _truth(batch: SequenceBatch, hand: HandModel | HandPair, config: SequenceLossConfig) -> _Truth:
    recorded = needed(batch.joints, "joints") if config.recorded_joints else None
    if not config.needs_hands:
        return _Truth(None, recorded)
    with torch.no_grad():
        pose = axis_angle_to_rotmat(needed(batch.pose, "pose"))
        hands = _single_hands(pose, needed(batch.betas, "betas"), batch, hand)
    return _Truth(hands, recorded)


def _single_hands(
    pose: Float[Tensor, "B T 16 3 3"],
    betas: Float[Tensor, "B T 10"],
    batch: SequenceBatch,
    hand: HandModel | HandPair,
) -> _Hands:
    """Hands of which every frame has its own β."""
    left = batch.left if isinstance(hand, HandPair) else None
    return _Hands(pose, *over_time(hand, pose, betas, left))


def _monocular(
    prediction: SequencePrediction,
    batch: SequenceBatch,
    hand: HandModel | HandPair,
    true: _Truth,
    config: SequenceLossConfig,
) -> dict[str, Tensor]:
    pose, betas = prediction.monocular_pose, prediction.monocular_betas
    if pose is None or betas is None:
        raise ValueError(
            "SequenceLossConfig.monocular > 0 needs a network with monocular_head=True; "
            "set monocular=0 to train without"
        )
    terms = _compare(
        "monocular", config.monocular, _single_hands(pose, betas, batch, hand), true, config
    )
    if config.needs_hands:
        error = F.mse_loss(betas, needed(batch.betas, "betas"))
        terms["monocular_betas"] = config.monocular * config.betas * error
    return terms


def _warped(
    prediction: SequencePrediction,
    hand: HandModel | HandPair,
    left: Bool[Tensor, " B"] | None,
    true: _Truth,
    space: Space,
) -> list[tuple[str, _Hands, _Truth]]:
    """Frames moved one step on and one step back, each with the true hand it should become."""
    steps = {
        "forward": (prediction.forward_motion, slice(None, -1), slice(1, None)),
        "backward": (prediction.backward_motion, slice(1, None), slice(None, -1)),
    }
    pairs = []
    for name, (motion, start, end) in steps.items():
        poses = (prediction.pose[:, start], prediction.pose6d[:, start], motion[:, start])
        pose = move(*poses, space)
        betas = prediction.betas if prediction.betas.ndim == 2 else prediction.betas[:, start]
        hands = _Hands(pose, *over_time(hand, pose, betas, left))
        pairs.append((name, hands, true[end]))
    return pairs


def _compare(
    name: str, weight: float, hands: _Hands, true: _Truth, config: SequenceLossConfig
) -> dict[str, Tensor]:
    def distance(predicted: Tensor, target: Tensor, weigh: bool) -> Tensor:
        if weigh:
            return max_mse(predicted, target, config.detach)
        return F.mse_loss(predicted, target)

    errors = {}
    if true.hands is not None:
        pose, true_pose = hands.pose.flatten(-2), true.hands.pose.flatten(-2)
        errors = {
            "vertices": distance(hands.vertices, true.hands.vertices, config.max_mse),
            "joints": distance(hands.joints, true.hands.joints, config.max_mse),
            "pose": distance(pose, true_pose, config.max_mse and config.max_mse_pose),
        }
    if true.recorded is not None:
        points = from_wrist(hands.joints), from_wrist(true.recorded)
        errors["recorded_joints"] = distance(*points, config.max_mse)
    return {
        f"{name}_{term}": weight * getattr(config, term) * error for term, error in errors.items()
    }


def _each_frame(
    betas: Float[Tensor, "B *S 10"], frames: Float[Tensor, "B T 10"]
) -> Float[Tensor, "B T 10"]:
    return betas if betas.ndim == 3 else betas[:, None].expand_as(frames)


def _in_image(batch: SequenceBatch) -> Bool[Tensor, "B T 21"]:
    height, width = batch.image.shape[-2:]
    joints_px = needed(batch.joints_px, "joints_px")
    size = torch.tensor([width, height]).to(joints_px)
    return ((joints_px >= -0.5) & (joints_px <= size - 0.5)).all(-1)
