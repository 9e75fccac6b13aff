"""A hand without a hand model's parameters, in the manner of METRO (Lin et al., CVPR 2021).

Each joint and each vertex of a coarse mesh is a token: its place in the template, which tells it
who it is, beside one feature of the whole image. Tokens ask each other and each gives its own
place. A linear map makes 778 vertices of the coarse ones. METRO has 4 × 3 layers of falling width
and 195 coarse vertices; ours has the size of the course's other networks.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from handlib.hands.hand_model import HandModel
from handlib.models import initialise
from handlib.models.record import tap
from handlib.models.resnet import ResNet
from handlib.models.transformer import Encoder


@dataclass(frozen=True)
class VertexTransformerConfig:
    """Sizes of the network; the defaults are the course's."""

    image_size: int = 128
    blocks: tuple[int, int, int, int] = (1, 1, 1, 1)
    width: int = 16
    expansion: int = 1
    channels: int = 48
    heads: int = 4
    hidden: int = 96
    depth: int = 2
    vertices: int = 98  # of the coarse mesh, spread evenly over the template


@dataclass(frozen=True)
class VertexPrediction:
    """Points of B hands in metres, in the hand's own frame: nothing ties them to a real hand."""

    vertices: Float[Tensor, "B V 3"]
    joints: Float[Tensor, "B 21 3"]


class VertexTransformer(nn.Module):
    """Image to vertices and joints. `hand` gives the template and the mesh, no pose."""

    template: Tensor

    def __init__(self, config: VertexTransformerConfig, hand: HandModel) -> None:
        super().__init__()
        self.config = config
        self.hand = hand
        c = config.channels
        rest = hand(torch.zeros(1, 16, 3), torch.zeros(1, 10))
        coarse = farthest_points(rest.vertices[0], config.vertices)
        template = torch.cat([rest.joints[0], rest.vertices[0, coarse]])
        self.register_buffer("template", template, persistent=False)
        self.backbone = ResNet(config.blocks, config.width, config.expansion)
        self.image = nn.Linear(self.backbone.channels[-1], c)
        self.place = nn.Linear(3, c)
        self.encoder = Encoder(config.depth, c, config.heads, config.hidden, dropout=0.0)
        self.offset = nn.Linear(c, 3)
        self.upsample = nn.Linear(config.vertices, len(rest.vertices[0]), bias=False)
        initialise.kaiming(self.backbone)
        self._begin_at_rest(rest.vertices[0], coarse)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, image: Float[Tensor, "B 3 S S"]) -> VertexPrediction:
        """RGB in 0..1."""
        feature = self.image(self.backbone(image)[-1].mean(dim=(2, 3)))  # B C
        place = self.place(10 * self.template)  # of order one
        tokens = self.encoder(feature[:, None] + place, place)
        points = tap(self, "points", self.template + 0.1 * self.offset(tokens))
        joints, coarse = points.split((21, self.config.vertices), dim=1)
        vertices = self.upsample(coarse.mT).mT
        return VertexPrediction(vertices.contiguous(), joints)

    def _begin_at_rest(self, vertices: Float[Tensor, "V 3"], coarse: Int[Tensor, " P"]) -> None:
        """Before any training the tokens stand on the template, and so does the mesh.

        Each vertex takes from the coarse ones near it; nearer ones weigh more.
        """
        distance = torch.cdist(vertices, vertices[coarse])
        nn.init.normal_(self.offset.weight, std=0.001)
        nn.init.zeros_(self.offset.bias)
        with torch.no_grad():
            self.upsample.weight.copy_((-((distance / 0.005) ** 2)).softmax(dim=1))


def farthest_points(points: Float[Tensor, "V 3"], count: int) -> Int[Tensor, " {count}"]:
    """Indices of `count` points, each the farthest from all before it; the first is point 0."""
    chosen = [0]
    distance = (points - points[0]).norm(dim=1)
    for _ in range(count - 1):
        chosen.append(int(distance.argmax()))
        distance = distance.minimum((points - points[chosen[-1]]).norm(dim=1))
    return torch.tensor(chosen)
