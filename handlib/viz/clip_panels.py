"""Deformer on one window in one picture: frames, own hands, guesses of the middle, weights."""

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from torch import Tensor

from handlib.course.captions import captions
from handlib.data.sample import needed
from handlib.data.sequence_batch import SequenceBatch
from handlib.hands.hand_pair import right_hand
from handlib.hands.rotations import rot6d_to_rotmat
from handlib.metrics import root_aligned_mpjpe
from handlib.models.deformer import Deformer, SequencePrediction
from handlib.models.fusion import guesses_of_middle
from handlib.viz import hand as drawing
from handlib.viz import maps, theme
from handlib.viz.display import Illustration, show


def deformer_panels(model: Deformer, window: SequenceBatch) -> Illustration:
    """A column for each frame of the one window in the batch; truth and fused hand at the right.

    Raises:
        ValueError: not one window, or a network that fuses otherwise than in 6D for the middle.
    """
    if len(window) != 1:
        raise ValueError(f"window: expected one window, found {len(window)}")
    if model.config.space != "rot6d" or model.config.fuse_every:
        raise ValueError(
            "model: expected fusion in 6D of the middle frame, found "
            f"space={model.config.space!r}, fuse_every={model.config.fuse_every}"
        )
    with torch.no_grad():
        found = model.eval()(window.image, window.boxes)
    return _Panels(model, window, found).drawn()


class _Panels:
    """The same picture, row by row."""

    def __init__(self, model: Deformer, window: SequenceBatch, found: SequencePrediction) -> None:
        self.hand, self.window, self.found = right_hand(model.hand), window, found
        self.length = window.image.shape[1]
        self.middle = self.length // 2
        self.truth = needed(window.joints, "joints")[0]
        self.pixels = needed(window.joints_px, "joints_px")[0]
        self.shares = [f"{o:.0%}" for o in needed(window.occlusion, "occlusion")[0].tolist()]

    def drawn(self) -> Illustration:
        fig = theme.figure(1.5 * (self.length + 1), 5.9)
        axes = fig.subplots(4, self.length + 1, height_ratios=(1, 1, 1, 0.5))
        for i in range(self.length):
            maps.show_image(axes[0, i], self.window.image[0, i], f"{self.shares[i]} hidden")
        own = self._own(axes[1])
        self._guesses(axes[2])
        fused = self._at_the_right(axes[:, -1])
        self._weights(axes[3])
        words = {
            "frames": self.length,
            "shares": ", ".join(self.shares),
            "weights": ", ".join(f"{c:.2f}" for c in self.found.confidence[0].tolist()),
            "own": f"{own[self.middle]:.0f}",
            "fused": f"{fused:.0f}",
        }
        return show(fig, **captions("shared")("deformer panels", **words), dpi=85, colours=256)

    def _own(self, axes: np.ndarray) -> list[float]:
        joints, vertices = self.found.joints[0], self.found.vertices[0]
        return [self._hand(axes[i], i, joints[i], vertices[i], "own") for i in range(self.length)]

    def _guesses(self, axes: np.ndarray) -> None:
        found = self.found
        guesses = guesses_of_middle(found.pose6d, found.forward_motion, found.backward_motion)
        rotations = rot6d_to_rotmat(guesses[0])
        hands = self.hand(rotations, found.betas.expand(self.length, -1))
        for i in range(self.length):
            what = f"{i} → {self.middle}"
            self._hand(axes[i], self.middle, hands.joints[i], hands.vertices[i], what)

    def _at_the_right(self, axes: np.ndarray) -> float:
        """Truth and fused hand; returns the error of the latter, in millimetres."""
        m = self.middle
        pose, betas = (needed(x, "pose and shape") for x in (self.window.pose, self.window.betas))
        true = self.hand(pose[:, m], betas[:, m])
        for ax in (axes[0], axes[3]):
            ax.set_axis_off()
        self._hand(axes[1], m, true.joints[0], true.vertices[0], "truth")
        joints, vertices = self.found.fused_joints[0], self.found.fused_vertices[0]
        return self._hand(axes[2], m, joints, vertices, "fused")

    def _hand(
        self,
        ax: Axes,
        frame: int,
        joints: Float[Tensor, "21 3"],
        vertices: Float[Tensor, "V 3"],
        what: str,
    ) -> float:
        """A mesh over a frame where its joints fall onto the true pixels; its error, in mm."""
        camera, image = self.window.intrinsics[0, frame], self.window.image[0, frame]
        error = 1000 * float(root_aligned_mpjpe(joints[None], self.truth[None, frame])[0])
        maps.show_image(ax, image)
        pixels, faces = self.pixels[frame], self.hand.faces
        drawing.draw_placed(ax, joints, vertices, pixels, faces, camera, image.shape[-1])
        ax.set_title(what if what == "truth" else f"{what}: {error:.0f} mm", fontsize=8)
        return error

    def _weights(self, axes: np.ndarray) -> None:
        for i, weight in enumerate(self.found.confidence[0].tolist()):
            axes[i].bar([0], [weight], width=0.5, color=theme.BLUE)
            axes[i].axhline(1 / self.length, color=theme.INK, linewidth=0.8)
            above = (0, max(weight, 1 / self.length))
            axes[i].annotate(f"{weight:.2f}", above, ha="center", va="bottom", fontsize=8)
            axes[i].set(xlim=(-1, 1), ylim=(0, 0.4), xticks=[], yticks=[0, 0.4] if i == 0 else [])
        axes[0].set_ylabel("weight")
