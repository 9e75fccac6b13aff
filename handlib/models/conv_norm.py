"""Convolution and batch norm as one unit, the pair that inference melts into one convolution."""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

LEAKY_SLOPE = 0.01


def leaky_relu(x: Tensor) -> Tensor:
    """Leaky ReLU, in place: only for values that nothing else reads, such as a norm's output.

    The released code uses it where the paper's ResNet-50 has ReLU (H17 in the table of paper
    against code), even under weights that were pretrained with ReLU.
    """
    return F.leaky_relu(x, LEAKY_SLOPE, inplace=True)


def layout(conv: nn.Module) -> torch.memory_format:
    """How a convolution's weights lie in memory (not told by a 1×1 one's): maps follow it."""
    if not isinstance(conv, nn.Conv2d):  # packed for inference: it remembers
        return cast(torch.memory_format, conv.layout)
    return torch.contiguous_format if conv.weight.is_contiguous() else torch.channels_last


class ConvNorm(nn.Module):
    """k×k convolution (padding k//2), then batch norm."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, bias: bool = False
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=bias)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(x))

    def folded(self) -> nn.Conv2d:
        """The one convolution that equals both in eval mode: W·γ/σ, (b − μ)·γ/σ + β."""
        return fuse_conv_bn_eval(self.conv, self.norm)
