"""Right and left hands in one batch, each by its own model and without a loop over samples."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from handlib.hands.hand_model import HandModel, HandOutput


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
