"""The hand model against `smplx.MANO` on the same numbers: 64 windows of 7 frames, with gradients.

Both get axis-angle poses and betas, and give the gradients of a weighted sum of the vertices and
of MANO's 16 joints, whose own cost is nil: only the two layers are timed. Ours makes five
fingertips besides. The claim is for one thread, so that it does not hang on how well a machine
wakes a second one up for steps of a fraction of a millisecond; several threads, and rotation
matrices, which smplx.MANO does not take, are printed without a claim.
"""

import argparse
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from bench.turns import report, take_turns
from handlib.hands.hand_model import load_hand
from handlib.hands.rotations import axis_angle_to_rotmat
from handlib.hands.skeleton import COMMON_OF_MANO

BATCH = 64 * 7
METRES = 1e-6
ROUNDING = 1e-5  # of the largest entry, for gradients: sums of 2,400 numbers in single precision

Layer = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]  # pose, betas -> vertices, 16 joints


def run(options: argparse.Namespace, batch: int = BATCH) -> float:
    """How many times as fast as smplx, forward and backward, after values and gradients agreed."""
    pose = (0.3 * torch.randn(batch, 16, 3)).requires_grad_()
    betas = torch.randn(batch, 10, requires_grad=True)
    hand = load_hand()
    theirs, ours = _smplx(hand.smplx()), _ours(hand)
    weights = tuple(torch.randn_like(x) for x in theirs(pose, betas))
    matrices = axis_angle_to_rotmat(pose).detach().requires_grad_()
    steps = {
        "plain": _gradients(theirs, pose, betas, weights),
        "hand model": _gradients(ours, pose, betas, weights),
        "  of rotmats": _gradients(ours, matrices, betas, weights),
    }
    _check("values", theirs(pose, betas), ours(pose, betas), METRES)
    _check("gradients", steps["plain"](), steps["hand model"](), ROUNDING, relative=True)
    title = f"hand model against smplx.MANO (plain), forward and backward, hands: {batch}"
    if options.threads > 1:
        report(f"{title}, {options.threads} threads", take_turns(steps, options))
    torch.set_num_threads(1)
    ratios = report(f"{title}, 1 thread", take_turns(steps, options))
    torch.set_num_threads(options.threads)
    return ratios["hand model"]


def _smplx(layer: Any) -> Layer:
    def call(pose: Tensor, betas: Tensor) -> tuple[Tensor, Tensor]:
        output = layer(betas=betas, global_orient=pose[:, 0], hand_pose=pose[:, 1:].flatten(1))
        return output.vertices, output.joints

    return call


def _ours(hand: torch.nn.Module) -> Layer:
    order = torch.tensor(COMMON_OF_MANO)

    def call(pose: Tensor, betas: Tensor) -> tuple[Tensor, Tensor]:
        output = hand(pose, betas)
        return output.vertices, output.joints[:, order]

    return call


def _gradients(
    layer: Layer, pose: Tensor, betas: Tensor, weights: tuple[Tensor, ...]
) -> Callable[[], tuple[Tensor, ...]]:
    return lambda: torch.autograd.grad(layer(pose, betas), (pose, betas), weights)


def _check(
    what: str,
    expected: tuple[Tensor, ...],
    found: tuple[Tensor, ...],
    tolerance: float,
    relative: bool = False,
) -> None:
    for a, b in zip(expected, found, strict=True):
        difference = (a - b).abs().max() / (a.abs().max() if relative else 1)
        if not difference <= tolerance:
            raise SystemExit(f"hand model: {what} differ from smplx.MANO's by {difference:.1e}")
