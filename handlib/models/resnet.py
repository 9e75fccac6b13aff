"""ResNet with bottleneck blocks (He et al. 2016), HandOccNet's trunk.

As the released code has it: stride in the 3×3 convolution, leaky ReLU for every ReLU (H17).
Widths and depths are free, so that the course can train a small one.
"""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from handlib.models.conv_norm import ConvNorm, leaky_relu


class ResNetBlock(nn.Module):
    """Bottleneck: 1×1 narrows, 3×3 looks around, 1×1 widens; then the skip is added."""

    def __init__(self, inputs: int, width: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = ConvNorm(inputs, width)
        self.conv2 = ConvNorm(width, width, kernel=3, stride=stride)
        self.conv3 = ConvNorm(width, outputs)
        reshapes = stride != 1 or inputs != outputs
        self.skip = ConvNorm(inputs, outputs, stride=stride) if reshapes else nn.Identity()

    def forward(self, x: Float[Tensor, "B in H W"]) -> Float[Tensor, "B out h w"]:
        y = leaky_relu(self.conv1(x))
        y = leaky_relu(self.conv2(y))
        return leaky_relu(self.conv3(y).add_(self.skip(x)))


class ResNet(nn.Module):
    """Stem and four stages; the defaults are ResNet-50's."""

    def __init__(
        self, blocks: Sequence[int] = (3, 4, 6, 3), width: int = 64, expansion: int = 4
    ) -> None:
        super().__init__()
        self.stem = ConvNorm(3, width, kernel=7, stride=2)
        widths = [width * 2**stage for stage in range(4)]
        self.channels = [expansion * w for w in widths]
        inputs = [width, *self.channels[:3]]
        strides = (1, 2, 2, 2)
        self.stages = nn.ModuleList(map(_stage, blocks, inputs, widths, self.channels, strides))

    def forward(self, image: Float[Tensor, "B 3 H W"]) -> list[Float[Tensor, "B _ _ _"]]:
        """Image in 0..1, no mean subtracted, to c2..c5 with `channels` at strides 4, 8, 16, 32."""
        x = F.max_pool2d(leaky_relu(self.stem(image)), kernel_size=3, stride=2, padding=1)
        pyramid = []
        for stage in self.stages:
            x = stage(x)
            pyramid.append(x)
        return pyramid


def _stage(blocks: int, inputs: int, width: int, outputs: int, stride: int) -> nn.Sequential:
    first = ResNetBlock(inputs, width, outputs, stride)
    rest = (ResNetBlock(outputs, width, outputs, stride=1) for _ in range(blocks - 1))
    return nn.Sequential(first, *rest)
