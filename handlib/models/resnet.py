"""ResNet (He et al. 2016), HandOccNet's trunk.

As the released code has it: bottleneck blocks with the stride in the 3×3 convolution, leaky ReLU
for every ReLU (H17). Widths and depths are free, and there are basic blocks, so that the course
can train a small one.
"""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from handlib.models.conv_norm import ConvNorm, leaky_relu


class BasicBlock(nn.Module):
    """ResNet-18's: two 3×3; then the skip is added. Where layers are few, each looks around."""

    def __init__(self, inputs: int, width: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = ConvNorm(inputs, width, kernel=3, stride=stride)
        self.conv2 = ConvNorm(width, outputs, kernel=3)
        self.skip = _skip(inputs, outputs, stride)

    def forward(self, x: Float[Tensor, "B in H W"]) -> Float[Tensor, "B out h w"]:
        y = leaky_relu(self.conv1(x))
        return leaky_relu(self.conv2(y).add_(self.skip(x)))


class BottleneckBlock(nn.Module):
    """ResNet-50's: 1×1 narrows, 3×3 looks around, 1×1 widens; then the skip is added."""

    def __init__(self, inputs: int, width: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = ConvNorm(inputs, width)
        self.conv2 = ConvNorm(width, width, kernel=3, stride=stride)
        self.conv3 = ConvNorm(width, outputs)
        self.skip = _skip(inputs, outputs, stride)

    def forward(self, x: Float[Tensor, "B in H W"]) -> Float[Tensor, "B out h w"]:
        y = leaky_relu(self.conv1(x))
        y = leaky_relu(self.conv2(y))
        return leaky_relu(self.conv3(y).add_(self.skip(x)))


class ResNet(nn.Module):
    """Stem and four stages; the defaults are ResNet-50's. `expansion` 1 makes basic blocks."""

    def __init__(
        self, blocks: Sequence[int] = (3, 4, 6, 3), width: int = 64, expansion: int = 4
    ) -> None:
        super().__init__()
        self.stem = ConvNorm(3, width, kernel=7, stride=2)
        widths = [width * 2**stage for stage in range(4)]
        self.channels = [expansion * w for w in widths]
        inputs = [width, *self.channels[:3]]
        strides = (1, 2, 2, 2)
        block = BasicBlock if expansion == 1 else BottleneckBlock
        self.stages = nn.ModuleList(
            _stage(block, *stage)
            for stage in zip(blocks, inputs, widths, self.channels, strides, strict=True)
        )

    def forward(self, image: Float[Tensor, "B 3 H W"]) -> list[Float[Tensor, "B _ _ _"]]:
        """Image in 0..1, no mean subtracted, to c2..c5 with `channels` at strides 4, 8, 16, 32."""
        x = F.max_pool2d(leaky_relu(self.stem(image)), kernel_size=3, stride=2, padding=1)
        pyramid = []
        for stage in self.stages:
            x = stage(x)
            pyramid.append(x)
        return pyramid


def _skip(inputs: int, outputs: int, stride: int) -> nn.Module:
    """Around a block: nothing, or the 1×1 convolution that reshapes."""
    if stride == 1 and inputs == outputs:
        return nn.Identity()
    return ConvNorm(inputs, outputs, stride=stride)


def _stage(
    block: type[BasicBlock | BottleneckBlock],
    blocks: int,
    inputs: int,
    width: int,
    outputs: int,
    stride: int,
) -> nn.Sequential:
    first = block(inputs, width, outputs, stride)
    rest = (block(outputs, width, outputs, stride=1) for _ in range(blocks - 1))
    return nn.Sequential(first, *rest)
