"""ResNet with bottleneck blocks (He et al. 2016), HandOccNet's trunk.

As the released code has it: stride in the 3×3 convolution, leaky ReLU for every ReLU (H17).
Widths and depths are free, so that the course can train a small one.
"""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from handlib.models.conv_norm import ConvNorm, leaky_relu

EXPANSION = 4


class ResNetBlock(nn.Module):
    """Bottleneck: 1×1 narrows, 3×3 looks around, 1×1 widens; then the skip is added."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        outputs = EXPANSION * width
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
    """Stem and four stages; `blocks` = (3, 4, 6, 3) with `width` 64 is ResNet-50."""

    def __init__(self, blocks: Sequence[int] = (3, 4, 6, 3), width: int = 64) -> None:
        super().__init__()
        self.channels = tuple(EXPANSION * width * 2**stage for stage in range(4))
        self.stem = ConvNorm(3, width, kernel=7, stride=2)
        inputs = (width, *self.channels[:3])
        self.stages = nn.ModuleList(
            _stage(inputs[i], width * 2**i, blocks[i], stride=1 if i == 0 else 2) for i in range(4)
        )

    def forward(self, image: Float[Tensor, "B 3 H W"]) -> list[Float[Tensor, "B _ _ _"]]:
        """Image in 0..1, no mean subtracted, to c2..c5.

        c2..c5 have 4, 8, 16, 32 times `width` channels at strides 4, 8, 16, 32.
        """
        x = F.max_pool2d(leaky_relu(self.stem(image)), kernel_size=3, stride=2, padding=1)
        pyramid = []
        for stage in self.stages:
            x = stage(x)
            pyramid.append(x)
        return pyramid


def _stage(inputs: int, width: int, blocks: int, stride: int) -> nn.Sequential:
    first = ResNetBlock(inputs, width, stride)
    rest = (ResNetBlock(EXPANSION * width, width, stride=1) for _ in range(blocks - 1))
    return nn.Sequential(first, *rest)
