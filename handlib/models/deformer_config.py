"""Deformer's switches: what decides its layers and its fusion."""

from dataclasses import dataclass
from typing import Literal

from handlib.models.fusion import Space

Weights = Literal["confidence", "uniform", "centre", "occlusion"]
Temporal = Literal["transformer", "recurrent", "past_and_future", "none"]
Shape = Literal["window", "frame"]
Frozen = Literal["nothing", "trunk", "frames"]


@dataclass(frozen=True)
class DeformerConfig:
    """Everything that decides the network's layers and its fusion. Defaults: as released."""

    image_size: int = 512  # side of the images it learns from; the network itself takes any
    cells: int = 32  # side of the hand's features in cells; attention runs on cells² tokens
    blocks: tuple[int, int, int, int] = (3, 4, 6, 3)  # a stage: ResNet-50
    width: int = 64  # channels of the ResNet's stem
    expansion: int = 4  # of a bottleneck's output over its inner width; 1: basic blocks
    channels: int = 256  # C, from the pyramid on
    heads: int = 8
    hidden: int = 256  # of a token's feed-forward; D23: 2048 is the released class's default
    depth: int = 3  # layers of each encoder and decoder
    dropout: float = 0.1
    head_widths: tuple[int, int] = (1024, 512)  # hidden layers of the motion head
    space: Space = "rot6d"  # D5: the paper adds axis-angles up
    index_slip: bool = False  # D6: the backward sum as eq. 2 is printed
    fuse_every: bool = False  # D7: the paper fuses every frame, the code the centre one
    weights: Weights = "confidence"  # the other rows of the paper's Table 4
    joint_skip: bool = False  # D8: the decoder sees the heatmaps, too
    monocular_head: bool = False  # D9: a hand from each frame's F⁺ alone; the loss has its weight
    temporal: Temporal = "transformer"  # "none": F⁺ goes on in the place of F⁺⁺
    shape: Shape = "window"  # "frame": β from each F⁺⁺; the decoder for the window learns nothing
    frozen: Frozen = "nothing"  # course aid: trunk, or all that sees one frame, stays as given
    norm_features: bool = False  # course aid: batch norm on P2, which nothing else bounds
    identity_pose: bool = False  # course aid: poses start at rest, motions at zero

    def __post_init__(self) -> None:
        if self.channels % self.heads or self.channels % 4:
            raise ValueError(
                f"channels must be a multiple of heads and of 4, found {self.channels} channels "
                f"and {self.heads} heads"
            )

    @classmethod
    def paper(cls) -> "DeformerConfig":
        """The released network: 32,533,909 parameters."""
        return cls()

    @classmethod
    def course(cls) -> "DeformerConfig":
        """Learns in minutes on two cores, in stages: what sees one frame, then what joins them."""
        return cls(
            image_size=128,
            cells=16,
            blocks=(1, 1, 1, 1),
            width=16,
            expansion=1,
            channels=48,
            heads=4,
            hidden=96,
            depth=1,
            dropout=0.0,
            head_widths=(256, 256),
            frozen="frames",
            norm_features=True,
            identity_pose=True,
        )
