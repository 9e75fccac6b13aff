"""Right and left hands in one batch, and hands over time, without a loop over samples."""

from os import PathLike
from pathlib import Path

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from handlib.hands.hand_model import HandModel, HandOutput, load_hand
from handlib.hands.mano_data import ManoFileError


class HandPair(nn.Module):
    """Two hand models behind one call. Nothing is mirrored: each side keeps its own file."""

    def __init__(self, right: HandModel, left: HandModel) -> None:
        super().__init__()
        for name, hand in (("right", right), ("left", left)):
            if hand.side != name:
                raise ValueError(f"{name}: expected a {name} hand, found a {hand.side} one")
        self.right = right
        self.left = left

    def forward(
        self,
        pose: Float[Tensor, "B *pose"],
        betas: Float[Tensor, "B 10"],
        translation: Float[Tensor, "B 3"] | None = None,
        left: Bool[Tensor, " B"] | None = None,
    ) -> HandOutput:
        """As `HandModel`; `left` tells the left hands of the batch, without it all are right."""
        if left is None or not left.any():
            return self.right(pose, betas, translation)
        if left.all():
            return self.left(pose, betas, translation)
        order = left.argsort(stable=True)  # right hands first
        sides = (order[: int((~left).sum())], order[int((~left).sum()) :])
        outputs = [
            hand(pose[rows], betas[rows], None if translation is None else translation[rows])
            for hand, rows in zip((self.right, self.left), sides, strict=True)
        ]
        back = order.argsort()
        vertices = torch.cat([output.vertices for output in outputs])[back]
        joints = torch.cat([output.joints for output in outputs])[back]
        return HandOutput(vertices, joints)


def load_hand_pair(path: str | PathLike[str] | None = None) -> HandPair:
    """The shipped hand and its mirror image, or MANO_RIGHT and MANO_LEFT from a folder.

    Raises:
        FileNotFoundError: no such folder, or one of the files is not there.
        ManoFileError: a single file, which has one side, or files that are no MANO hands.
    """
    if path is not None and Path(path).is_file():
        raise ManoFileError(
            f"{path}: expected the folder with MANO_RIGHT and MANO_LEFT, since there are hands of "
            "both sides, found one file; put both into a folder and give that"
        )
    return HandPair(load_hand(path), load_hand(path, side="left"))


def right_hand(hand: HandModel | HandPair) -> HandModel:
    """The right hand of a pair, or the hand itself: for networks that know one side alone."""
    return hand.right if isinstance(hand, HandPair) else hand


def over_time(
    hand: HandModel | HandPair,
    pose: Float[Tensor, "B *F 16 3 3"],
    betas: Float[Tensor, "B *S 10"],
    left: Bool[Tensor, " B"] | None = None,
) -> tuple[Float[Tensor, "B *F V 3"], Float[Tensor, "B *F 21 3"]]:
    """(vertices, joints) of B windows of poses, each window with one side.

    Each has one shape, too, or one for every pose: *S is nothing or *F.

    Raises:
        ValueError: `left` with a hand of one side.
    """
    lead = pose.shape[:-3]
    each = lead[1:].numel()
    shapes = betas.repeat_interleave(each, dim=0) if betas.ndim == 2 else betas.flatten(0, -2)
    inputs = pose.reshape(-1, 16, 3, 3), shapes
    if isinstance(hand, HandPair):
        sides = None if left is None else left.repeat_interleave(each)
        output = hand(*inputs, left=sides)
    elif left is None:
        output = hand(*inputs)
    else:
        raise ValueError("left: this hand has one side; give HandPair(right, left)")
    return output.vertices.unflatten(0, lead), output.joints.unflatten(0, lead)
