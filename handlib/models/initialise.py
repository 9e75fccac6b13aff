"""How the networks' weights start: as in the released code, or with aids for a short training."""

import torch
from torch import nn

from handlib.models.block import AttentionBlock, TokenMLP
from handlib.models.conv_norm import LEAKY_SLOPE
from handlib.models.mano_head import POSE_JOINTS, ManoHead
from handlib.models.motion_head import MotionHead

IDENTITY_6D = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def kaiming(module: nn.Module) -> None:
    """Convolutions: normal, variance kept backward (fan-out) through the leaky ReLU."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(
                layer.weight, a=LEAKY_SLOPE, mode="fan_out", nonlinearity="leaky_relu"
            )
            _zero_bias(layer)


def small_normal(module: nn.Module) -> None:
    """The released code's start of FIT, SET and the regressor.

    N(0, 0.01²) for the layers that are linear there, in the MLPs and in the MANO head, and
    N(0, 0.001²) for all that are convolutions there.
    """
    linear_there = {
        layer
        for parent in module.modules()
        if isinstance(parent, TokenMLP | ManoHead)
        for layer in parent.children()
    }
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.normal_(layer.weight, std=0.01 if layer in linear_there else 0.001)
            _zero_bias(layer)


def identity_pose(head: ManoHead, std: float = 0.001) -> None:
    """The first predictions are near the rest pose and the mean shape.

    6D numbers around zero would give rotations at random, and Gram-Schmidt's gradient grows
    without bound there.
    """
    for layer in (head.pose, head.shape):
        nn.init.normal_(layer.weight, std=std)
        nn.init.zeros_(layer.bias)
    with torch.no_grad():
        head.pose.bias.copy_(torch.tensor(IDENTITY_6D * POSE_JOINTS))


def xavier(module: nn.Module) -> None:
    """DETR's start of a transformer: uniform, variance kept both ways, for every matrix."""
    for parameter in module.parameters():
        if parameter.dim() > 1 and parameter.requires_grad:
            nn.init.xavier_uniform_(parameter)


def resting_motion(head: MotionHead, std: float = 0.001) -> None:
    """Near the rest pose and the mean shape in every frame, hardly moving, all frames trusted."""
    layers = (head.pose, head.forward_motion, head.backward_motion, head.confidence, head.shape)
    for layer in layers:
        nn.init.normal_(layer.weight, std=std)
        nn.init.zeros_(layer.bias)
    with torch.no_grad():
        head.pose.bias.copy_(torch.tensor(IDENTITY_6D * POSE_JOINTS))


def position_scale(module: nn.Module, std: float) -> None:
    """Learned positions from N(0, std²); at 1, as released, they outweigh young features."""
    for block in module.modules():
        if isinstance(block, AttentionBlock):
            nn.init.normal_(block.query_position, std=std)
            nn.init.normal_(block.key_position, std=std)


def _zero_bias(layer: nn.Conv2d | nn.Linear) -> None:
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
