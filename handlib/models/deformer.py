"""Deformer (Fu et al. 2023): a hand from video, where other frames help a hidden or blurred one.

The default follows the released code, which the parity vectors come from. Where the paper says
otherwise there is a switch, with its row (D5 to D9) in the course's table of paper against code.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from handlib.hands.hand_model import HandModel
from handlib.hands.hand_pair import HandPair, over_time
from handlib.hands.rotations import rot6d_to_rotmat
from handlib.models import initialise
from handlib.models.conv_norm import layout
from handlib.models.deformer_config import DeformerConfig
from handlib.models.fpn import FeaturePyramid
from handlib.models.fusion import fuse
from handlib.models.handoccnet import HandOccNet
from handlib.models.mano_head import ManoHead
from handlib.models.motion_head import MotionHead, Motions
from handlib.models.record import recording, tap
from handlib.models.recurrent import PastAndFuture, RecurrentTemporal
from handlib.models.resnet import ResNet
from handlib.models.roi_align import roi_align, smooth_then_align
from handlib.models.spatial import FrameFeatures, SpatialTransformer
from handlib.models.temporal import TemporalTransformer

STRIDE = 4  # of P2, which the hand is cropped from


@dataclass(frozen=True)
class SequencePrediction:
    """What Deformer says of B windows of T frames. Metres, the hand's own frame: no translation.

    m is 6 where fusion runs in 6D and 3 elsewhere. *F is T with `fuse_every`, and no axis at all
    without: then the fused hand is that of frame T // 2. *S is T with shape="frame", and no axis
    without.
    """

    pose: Float[Tensor, "B T 16 3 3"]  # θ of each frame: rotation matrices, MANO's order
    betas: Float[Tensor, "B *S 10"]  # β, one for the window
    vertices: Float[Tensor, "B T V 3"]
    joints: Float[Tensor, "B T 21 3"]  # common order
    joints_img: Float[Tensor, "B T 21 2"]  # (u, v) as fractions of the hand box, 0..1
    heatmaps: Float[Tensor, "B T 21 h w"]  # over the hand box; each sums to 1
    pose6d: Float[Tensor, "B T 16 6"]
    forward_motion: Float[Tensor, "B T 16 m"]  # frame to next frame
    backward_motion: Float[Tensor, "B T 16 m"]  # frame to the one before
    confidence: Float[Tensor, "B T"]  # c: sums to 1 over the window
    fused_pose: Float[Tensor, "B *F 16 3 3"]
    fused_vertices: Float[Tensor, "B *F V 3"]
    fused_joints: Float[Tensor, "B *F 21 3"]
    # With monocular_head only: the hand as each frame alone shows it.
    monocular_pose: Float[Tensor, "B T 16 3 3"] | None = None
    monocular_betas: Float[Tensor, "B T 10"] | None = None


class Deformer(nn.Module):
    """Frames and hand boxes to hands.

    `hand` turns (θ, β) into vertices and joints: one side's, or a `HandPair` for windows of
    either hand.
    """

    def __init__(self, config: DeformerConfig, hand: HandModel | HandPair) -> None:
        super().__init__()
        self.config = config
        self.hand = hand
        c, sizes = config.channels, (config.heads, config.hidden, config.depth, config.dropout)
        self.backbone = ResNet(config.blocks, config.width, config.expansion)
        self.pyramid = FeaturePyramid(self.backbone.channels, c, halve=False)
        self.spatial = SpatialTransformer(config.cells, c, *sizes, config.joint_skip)
        self.temporal = _temporal(config)
        self.motion_head = MotionHead(c, config.head_widths, config.space)
        self.mano_head = ManoHead(c, config.head_widths) if config.monocular_head else None
        self.feature_norm = nn.BatchNorm2d(c) if config.norm_features else nn.Identity()
        self._initialise()
        for part in self._frozen:
            part.requires_grad_(False)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(
        self,
        frames: Float[Tensor, "B T 3 H W"],
        boxes: Float[Tensor, "B T 4"],
        left: Bool[Tensor, " B"] | None = None,
        occlusion: Float[Tensor, "B T"] | None = None,
    ) -> SequencePrediction:
        """RGB in 0..1; the hand's box in each frame, (x1, y1, x2, y2) in pixels.

        `left` tells which windows show left hands and needs a `HandPair`; `occlusion`, the hidden
        share in 0..1, is read by weights="occlusion" alone.

        Raises:
            ValueError: `left` with a hand of one side, or weights="occlusion" without occlusion.
        """
        features = self.frame_features(frames.flatten(0, 1), boxes.flatten(0, 1))
        return self.predict(features, len(frames), left, occlusion)

    def frame_features(
        self, frames: Float[Tensor, "N 3 H W"], boxes: Float[Tensor, "N 4"]
    ) -> FrameFeatures:
        """All that is known of each frame by itself."""
        return self.spatial(self.hand_features(frames, boxes))

    def hand_features(
        self, frames: Float[Tensor, "N 3 H W"], boxes: Float[Tensor, "N 4"]
    ) -> Float[Tensor, "N C h w"]:
        """The pyramid's finest level, P2, cut out along the hand boxes: h = w = `config.cells`."""
        frames = frames.contiguous(memory_format=layout(self.pyramid.smooth))
        if recording(self) or self.config.norm_features:  # P2 itself is wanted
            p2 = tap(self, "features", self.trunk(frames))
            return tap(self, "rois", roi_align(p2, boxes, self.config.cells, STRIDE))
        merged = self.pyramid.merge(self.backbone(frames))
        return smooth_then_align(merged, self.pyramid.smooth, boxes, self.config.cells, STRIDE)

    def predict(
        self,
        features: FrameFeatures,
        windows: int,
        left: Bool[Tensor, " B"] | None = None,
        occlusion: Float[Tensor, "B T"] | None = None,
    ) -> SequencePrediction:
        """From the features of B·T frames, window after window, to hands; `windows` is B."""
        feature = features.feature.unflatten(0, (windows, -1))  # B T C
        joints_img = features.joints_img.unflatten(0, (windows, -1))
        memory, betas = self._across_frames(feature)
        motions = self.motion_head(memory, joints_img)
        with torch.autocast(feature.device.type, enabled=False):  # metres need float32
            pose = rot6d_to_rotmat(motions.pose6d)
            confidence = self._weights(motions, occlusion)
            fused = self._fuse(pose, motions, confidence)
            vertices, joints = over_time(self.hand, pose, betas, left)
            middle = betas.ndim == 3 and fused.ndim == 4  # the fused hand is one of T shapes
            shape = betas[:, pose.shape[1] // 2] if middle else betas
            fused_vertices, fused_joints = over_time(self.hand, fused, shape, left)
        return SequencePrediction(
            pose,
            betas,
            vertices,
            joints,
            joints_img,
            features.heatmaps.unflatten(0, (windows, -1)),
            motions.pose6d,
            motions.forward,
            motions.backward,
            confidence,
            fused,
            fused_vertices,
            fused_joints,
            *self._monocular(feature),
        )

    def _across_frames(
        self, feature: Float[Tensor, "B T C"]
    ) -> tuple[Float[Tensor, "B T C"], Float[Tensor, "B *S 10"]]:
        """(F⁺⁺, β); F⁺ goes on as F⁺⁺ with temporal="none", and β is the mean of the frames'."""
        memory, shape = (feature, None) if self.temporal is None else self.temporal(feature)
        if shape is None or self.config.shape == "frame":
            betas = self.motion_head.shape(memory).float()
            return memory, betas if self.config.shape == "frame" else betas.mean(dim=1)
        return memory, self.motion_head.shape(shape).float()

    def _weights(
        self, motions: Motions, occlusion: Float[Tensor, "B T"] | None
    ) -> Float[Tensor, "B T"]:
        """Non-negative, summing to 1 over the window."""
        logits = tap(self, "confidence_logits", motions.confidence)
        match self.config.weights:
            case "confidence":
                weights = logits.softmax(dim=1)
            case "uniform":
                weights = torch.full_like(logits, 1 / logits.shape[1])
            case "centre":
                weights = torch.zeros_like(logits)
                weights[:, logits.shape[1] // 2] = 1
            case "occlusion":
                if occlusion is None:
                    raise ValueError(
                        "weights='occlusion' needs the hidden share of every frame: "
                        "model(frames, boxes, occlusion=batch.occlusion)"
                    )
                seen = (1 - occlusion).clamp(min=1e-6)  # a window may be hidden throughout
                weights = seen / seen.sum(dim=1, keepdim=True)
        return tap(self, "confidence", weights)

    def _fuse(
        self,
        pose: Float[Tensor, "B T 16 3 3"],
        motions: Motions,
        confidence: Float[Tensor, "B T"],
    ) -> Float[Tensor, "B *F 16 3 3"]:
        config = self.config
        pose6d = tap(self, "pose6d", motions.pose6d)
        forward = tap(self, "forward_motion", motions.forward)
        backward = tap(self, "backward_motion", motions.backward)
        fused = fuse(pose, pose6d, forward, backward, confidence, config.space, config.index_slip)
        if not config.fuse_every:
            fused = fused[:, pose.shape[1] // 2]
        return tap(self, "fused_pose", fused)

    def _monocular(
        self, feature: Float[Tensor, "B T C"]
    ) -> tuple[Float[Tensor, "B T 16 3 3"] | None, Float[Tensor, "B T 10"] | None]:
        if self.mano_head is None:
            return None, None
        pose, betas = self.mano_head(feature.flatten(0, 1))
        windows = len(feature)
        return pose.unflatten(0, (windows, -1)), betas.unflatten(0, (windows, -1))

    @property
    def trunk(self) -> nn.Sequential:
        """Image to P2: the part that a HandOccNet trains as well."""
        return nn.Sequential(self.backbone, self.pyramid, self.feature_norm)

    def take_trunk(self, other: HandOccNet) -> "Deformer":
        """Begin with the ResNet and pyramid of a trained HandOccNet of the same widths.

        Raises:
            RuntimeError: other widths.
        """
        ours, theirs = self.trunk, (other.backbone, other.pyramid, other.feature_norm)
        for mine, source in zip(ours, theirs, strict=True):
            mine.load_state_dict(source.state_dict())
        return self

    def take_frames(self, other: "Deformer") -> "Deformer":
        """Begin with all that another Deformer has learned from single frames.

        That is trunk, spatial transformer and motion head but for the motions, which windows of
        one frame cannot teach; they may be in another space.

        Raises:
            RuntimeError: other widths.
        """
        for name in ("backbone", "pyramid", "feature_norm", "spatial"):
            getattr(self, name).load_state_dict(getattr(other, name).state_dict())
        for name in ("hidden1", "hidden2", "pose", "confidence", "shape"):
            mine, source = (getattr(model.motion_head, name) for model in (self, other))
            mine.load_state_dict(source.state_dict())
        return self

    def train(self, mode: bool = True) -> "Deformer":
        """Frozen parts keep their statistics, and drop nothing out."""
        super().train(mode)
        for part in self._frozen:
            part.eval()
        return self

    @property
    def _frozen(self) -> list[nn.Module]:
        parts = [self.trunk, self.spatial]
        return parts[: ("nothing", "trunk", "frames").index(self.config.frozen)]

    def _initialise(self) -> None:
        """Backbone as for ImageNet, transformers as in DETR."""
        initialise.kaiming(self.backbone)
        initialise.xavier(self.spatial)
        if isinstance(self.temporal, TemporalTransformer):
            initialise.xavier(self.temporal)
        if self.config.identity_pose:
            initialise.resting_motion(self.motion_head)
            if self.mano_head is not None:
                initialise.identity_pose(self.mano_head)


def _temporal(
    config: DeformerConfig,
) -> TemporalTransformer | RecurrentTemporal | PastAndFuture | None:
    match config.temporal:
        case "transformer":
            sizes = (config.heads, config.hidden, config.depth, config.dropout)
            return TemporalTransformer(config.channels, *sizes)
        case "recurrent":
            return RecurrentTemporal(config.channels)
        case "past_and_future":
            return PastAndFuture(config.channels)
        case "none":
            return None
