"""HandOccNet (Park et al. 2022): a hand from one image, through what hides it.

The default follows the released code, which the numbers and the checkpoints come from. Where the
paper says otherwise there is a switch, with its row (H4 to H12) in the course's table of paper
against code.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from handlib.hands.hand_model import HandModel
from handlib.models import initialise
from handlib.models.attention import Pooling
from handlib.models.block import AttentionBlock
from handlib.models.conv_norm import layout
from handlib.models.encoder import HandEncoder
from handlib.models.fit import FIT, ConcatMerge, ResidualMerge
from handlib.models.fpn import FeaturePyramid
from handlib.models.heatmap import (
    DEPTH_UNIT,
    JOINTS,
    JointDepths,
    JointHeatmaps,
    spatial_softmax,
)
from handlib.models.mano_head import ManoHead
from handlib.models.necessity import ConvolutionGate, SpatialGate
from handlib.models.record import record, tap
from handlib.models.resnet import BasicBlock, ResNet
from handlib.models.set import SET

STRIDE = 8  # of the feature map F


@dataclass(frozen=True)
class HandOccNetConfig:
    """Everything that decides the network's layers and how they start. Defaults: as released."""

    image_size: int = 256  # side of the input in pixels, 8·2^k; H4: the paper says 512
    blocks: tuple[int, int, int, int] = (3, 4, 6, 3)  # a stage: ResNet-50
    width: int = 64  # channels of the ResNet's stem
    expansion: int = 4  # of a bottleneck's output over its inner width; 1: basic blocks
    channels: int = 256  # C, of every map from the pyramid on
    heads: int = 4  # H7: the paper has one head of 256
    depth: int = 2  # H8: the paper has one block in FIT and in SET
    mlp_ratio: int = 4  # hidden width of a block's MLP, in C
    head_widths: tuple[int, int] = (1024, 512)  # hidden layers of the MANO head
    necessity: Literal["cbam", "convolutions", "none"] = "cbam"  # H5: paper, convolutions
    gate: Pooling | None = "sum"  # H6: the paper takes the mean; None is softmax alone
    fit_query_residual: bool = False  # H11: paper and code agree; True is an ablation
    fit_merge: Literal["concat", "residual"] = "concat"  # H10: the paper adds to F_p
    set_update_keys: bool = False  # H9: the paper's SET is self-attention
    fit: bool = True  # False: F_p goes on in the place of F_FIT
    set: bool = True  # False: F_FIT goes on in the place of F_SET
    residual_blocks: int = 0  # behind F_FIT; without FIT and SET the paper's control of its size
    unread_smooth2: bool = True  # 590,080 parameters that the checkpoints hold and nobody reads
    hourglass: int | None = None  # its halvings, 0: without; None: as many as fit, as released
    pyramid_levels: int = 4  # finest stages that F is made of; fewer than 4 is an ablation of ours
    feature_readout: bool = False  # course aid: masks and heatmaps off F, for losses on it
    small_normal: bool = True  # released start of FIT, SET, regressor; False: PyTorch's fan-in
    norm_features: bool = False  # course aid: batch norm on F and F_FIT, which nothing else bounds
    joints_to_head: bool = False  # course aid: the MANO head reads (u, v) and depth of joints too
    identity_pose: bool = False  # course aid: the 6D pose starts at the rest pose
    guided: bool = False  # ours: in training, M and the gates are in the prediction, for losses
    position_std: float = 1.0  # of the learned positions at the start (H12)

    def __post_init__(self) -> None:
        cells = self.image_size // STRIDE
        if cells * STRIDE != self.image_size or cells < 4 or cells & (cells - 1):
            raise ValueError(
                f"image_size must be {STRIDE} times a power of two from 4 on (32, 64, 128, 256, "
                f"512, ...), found {self.image_size}"
            )
        if self.width * self.expansion < 16:
            # oneDNN in torch 2.13 writes beyond its buffer in the backward pass of a strided
            # channels-last 1×1 convolution of 8 channels.
            raise ValueError(
                f"width times expansion must be at least 16, found {self.width} and "
                f"{self.expansion}: take a larger width"
            )
        if not 1 <= self.pyramid_levels <= 4:
            raise ValueError(f"pyramid_levels must be 1 to 4, found {self.pyramid_levels}")
        if self.channels % self.heads or self.channels % 2:
            raise ValueError(
                f"channels must be even and a multiple of heads, found {self.channels} channels "
                f"and {self.heads} heads"
            )
        if self.guided and (self.necessity == "none" or self.gate is None or not self.fit):
            raise ValueError("guided: needs a necessity map, and FIT with its gate")
        if self.fit and self.necessity == "none":
            raise ValueError(
                "FIT reads the secondary features F⊗(1−M), which are zero when necessity is "
                "'none': choose another necessity, or fit=False"
            )

    @property
    def cells(self) -> int:
        """Side of the map F in cells; attention runs on cells² tokens."""
        return self.image_size // STRIDE

    @property
    def halvings(self) -> int:
        """From F's side down to two cells: depth of the hourglass and of the encoder."""
        return self.cells.bit_length() - 2

    @classmethod
    def paper(cls) -> "HandOccNetConfig":
        """The released network: 256 px, ResNet-50, 39,319,352 parameters."""
        return cls()

    @classmethod
    def course(cls) -> "HandOccNetConfig":
        """Learns in minutes on two cores: 128 px, 16×16 tokens, under 1 M parameters."""
        return cls(
            image_size=128,
            blocks=(1, 1, 1, 1),
            width=16,
            expansion=1,
            channels=48,
            heads=2,
            depth=1,
            mlp_ratio=2,
            head_widths=(256, 256),
            fit_merge="residual",
            unread_smooth2=False,
            hourglass=2,
            feature_readout=True,
            small_normal=False,
            norm_features=True,
            joints_to_head=True,
            identity_pose=True,
            position_std=0.02,
        )


@dataclass(frozen=True)
class HandPrediction:
    """What HandOccNet says of B images."""

    pose: Float[Tensor, "B 16 3 3"]  # θ: rotation matrices, MANO's order, wrist first
    betas: Float[Tensor, "B 10"]  # β
    vertices: Float[Tensor, "B V 3"]  # metres, the hand's own frame: no translation
    joints: Float[Tensor, "B 21 3"]  # metres, same frame, common order
    joints_img: Float[Tensor, "B 21 2"]  # (u, v) as fractions of the image, 0..1
    heatmaps: Float[Tensor, "B 21 h w"]  # each sums to 1
    # With feature_readout only: read off F, before FIT and SET.
    masks: Float[Tensor, "B 2 h w"] | None = None  # logits: visible, amodal
    early_heatmaps: Float[Tensor, "B 21 h w"] | None = None  # each sums to 1
    depths: Float[Tensor, "B 21"] | None = None  # joints_to_head: metres from the joints' mean


@dataclass(frozen=True, kw_only=True)
class GuidedPrediction(HandPrediction):
    """With `guided`, in training: also what the two terms of `LossConfig.guided` look at."""

    necessity: Float[Tensor, "B 1 h w"]  # M
    gates: Float[Tensor, "B G h w"]  # C_sig of each of FIT's blocks and heads


class HandOccNet(nn.Module):
    """Image to hand.

    `hand` turns (θ, β) into vertices and joints; it holds no parameters. For many predictions on a
    CPU take the copy that `handlib.models.fuse_for_inference` makes.
    """

    def __init__(self, config: HandOccNetConfig, hand: HandModel) -> None:
        super().__init__()
        self.config = config
        self.hand = hand
        c = config.channels
        self.backbone = ResNet(config.blocks, config.width, config.expansion)
        self.pyramid = FeaturePyramid(
            self.backbone.channels[: config.pyramid_levels],
            c,
            unread_smooth2=config.unread_smooth2,
        )
        self.necessity = _necessity(config)
        self.fit = _fit(config) if config.fit else None
        self.set = _set(config) if config.set else None
        rest = (BasicBlock(c, c, c, stride=1) for _ in range(config.residual_blocks))
        self.residual = nn.Sequential(*rest)
        hourglass = config.halvings if config.hourglass is None else config.hourglass
        self.heatmaps = JointHeatmaps(c, hourglass)
        self.encoder = HandEncoder(c, config.halvings)
        self.joint_depths = JointDepths(c) if config.joints_to_head else None
        read_joints = 3 * JOINTS if config.joints_to_head else 0
        self.mano_head = ManoHead(4 * c + read_joints, config.head_widths)
        self.readout = nn.Conv2d(c, 2 + JOINTS, 1) if config.feature_readout else None
        self.feature_norm = nn.BatchNorm2d(c) if config.norm_features else nn.Identity()
        self.injected_norm = nn.BatchNorm2d(c) if config.norm_features else nn.Identity()
        self._initialise()
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, image: Float[Tensor, "B 3 S S"]) -> HandPrediction:
        """RGB in 0..1, no mean subtracted, side `config.image_size`."""
        self._check(image)
        if not (self.config.guided and self.training):
            return self._predict(image)
        with record(self, detach=False) as maps:
            prediction = self._predict(image)
        gates = [maps[f"fit.{block}.gate"][..., 0] for block in range(self.config.depth)]
        necessity = maps["necessity"]
        gates_map = torch.cat(gates, dim=1).unflatten(2, necessity.shape[2:])
        return GuidedPrediction(**vars(prediction), necessity=necessity, gates=gates_map)

    def _predict(self, image: Float[Tensor, "B 3 S S"]) -> HandPrediction:
        features = self._features(image)
        primary, secondary = self._split(features)
        injected = primary if self.fit is None else self.fit(primary, secondary)
        injected = tap(self, "fit", self.residual(self.injected_norm(injected)))
        enhanced = injected if self.set is None else self.set(injected)
        tap(self, "set", enhanced)
        heatmaps, joints_img, y = self.heatmaps(enhanced)
        tap(self, "heatmaps", heatmaps)
        tap(self, "joints_img", joints_img)
        encoding = tap(self, "encoding", self.encoder(heatmaps, y))
        depths = None
        if self.joint_depths is not None:
            depths = self.joint_depths(heatmaps, y)
            encoding = torch.cat([encoding, 4 * (joints_img - 0.5).flatten(1), depths], dim=1)
            depths = depths * DEPTH_UNIT
        pose, betas = self.mano_head(encoding)
        hand = self.hand(pose, betas)
        early = self._read_out(features)
        return HandPrediction(
            pose, betas, hand.vertices, hand.joints, joints_img, heatmaps, *early, depths
        )

    def _features(self, image: Float[Tensor, "B 3 S S"]) -> Float[Tensor, "B C h w"]:
        stages = self.backbone(image.contiguous(memory_format=layout(self.pyramid.smooth)))
        for level, stage in enumerate(stages, start=2):
            tap(self, f"c{level}", stage)
        return tap(self, "features", self.feature_norm(self.pyramid(stages)))

    def _split(
        self, features: Float[Tensor, "B C h w"]
    ) -> tuple[Float[Tensor, "B C h w"], Float[Tensor, "B C h w"]]:
        """F to F_p = F⊗M and F_s = F⊗(1−M)."""
        if self.necessity is None:
            return features, torch.zeros_like(features)
        necessity = tap(self, "necessity", self.necessity(features))
        primary = tap(self, "primary", features * necessity)
        secondary = tap(self, "secondary", features * (1 - necessity))
        return primary, secondary

    def _read_out(
        self, features: Float[Tensor, "B C h w"]
    ) -> tuple[Float[Tensor, "B 2 h w"] | None, Float[Tensor, "B 21 h w"] | None]:
        """Masks and heatmaps from F alone."""
        if self.readout is None:
            return None, None
        masks, scores = self.readout(features).split((2, JOINTS), dim=1)
        return masks, spatial_softmax(scores.float())

    def _check(self, image: Tensor) -> None:
        size = self.config.image_size
        if image.shape[2:] != (size, size):
            raise ValueError(
                f"image must be (B, 3, {size}, {size}), found {tuple(image.shape)}: crop and "
                "resize it, or build the network with another image_size"
            )

    def _initialise(self) -> None:
        """Backbone as for ImageNet; the rest as the config says."""
        initialise.kaiming(self.backbone)
        if self.config.small_normal:
            for head in (self.fit, self.set, self.heatmaps, self.encoder, self.mano_head):
                if head is not None:
                    initialise.small_normal(head)
        if self.config.identity_pose:
            initialise.identity_pose(self.mano_head)
        initialise.position_scale(self, self.config.position_std)


def _necessity(config: HandOccNetConfig) -> SpatialGate | ConvolutionGate | None:
    if config.necessity == "none":
        return None
    return SpatialGate() if config.necessity == "cbam" else ConvolutionGate(config.channels)


def _fit(config: HandOccNetConfig) -> FIT:
    blocks = [_block(config, config.gate, config.fit_query_residual) for _ in range(config.depth)]
    merge = ConcatMerge(config.channels) if config.fit_merge == "concat" else ResidualMerge()
    return FIT(blocks, merge)


def _set(config: HandOccNetConfig) -> SET:
    blocks = [_block(config, gate=None, query_residual=True) for _ in range(config.depth)]
    return SET(blocks, config.set_update_keys)


def _block(config: HandOccNetConfig, gate: Pooling | None, query_residual: bool) -> AttentionBlock:
    return AttentionBlock(
        config.channels, config.cells, config.heads, config.mlp_ratio, gate, query_residual
    )
