"""Dynamic fusion as a timeline: what every frame sees, how it thinks one frame looks, its weight.

Top: each frame's own hand θ_i. Middle: θ_{i→j}, the same guesses carried to frame j. Bottom: the
weights. Beside them the weighted mean of the middle row, and the truth.
"""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from torch import Tensor

from handlib.hands.hand_model import HandModel
from handlib.hands.rotations import rot6d_to_rotmat
from handlib.metrics import root_aligned_mpjpe
from handlib.models.fusion import warp
from handlib.viz import theme
from handlib.viz.controls import under_controls
from handlib.viz.display import Illustration, show
from handlib.viz.hand import render_hand

_SIZE = 110  # pixels of one hand
_WIDTH = 0.25  # metres across one hand's picture, the same for all


class FusionTimeline:
    """One clip of T frames; the confidences c0, c1, ... and the frame j are there to be changed.

    Fusion runs in 6D and ends in Gram-Schmidt, as released.
    """

    def __init__(
        self,
        hand: HandModel,
        pose6d: Float[Tensor, "T 16 6"],
        forward: Float[Tensor, "T 16 6"],
        backward: Float[Tensor, "T 16 6"],
        truth: Float[Tensor, "T 16 3 3"],
        occlusion: Float[Tensor, " T"],
        confidence: Float[Tensor, " T"] | None = None,
        frame: int | None = None,
    ) -> None:
        """Take what a network says of each frame, and what was right.

        Args:
            occlusion: hidden share of the hand, 0..1.
            confidence: before the softmax; None = the same for all frames.
            frame: the frame j to be fused; None = the centre one.
        """
        self.hand, self.pose6d, self.truth, self.occlusion = hand, pose6d, truth, occlusion
        self.guesses6d = warp(pose6d[None], forward[None], backward[None])[0]  # i j 16 6
        self.frame = len(pose6d) // 2 if frame is None else frame
        start = torch.zeros(len(pose6d)) if confidence is None else confidence
        for i, value in enumerate(start.tolist()):
            setattr(self, f"c{i}", value)
        self._pictures: dict[tuple[str, int, int], np.ndarray] = {}

    @property
    def weights(self) -> Float[Tensor, " T"]:
        """Softmax of the confidences over the frames."""
        values = [getattr(self, f"c{i}") for i in range(len(self.pose6d))]
        return torch.tensor(values, dtype=torch.float32).softmax(dim=0)

    def fused(self) -> Float[Tensor, "16 3 3"]:
        """The hand of frame j out of all frames' guesses."""
        mean = torch.einsum("i,inm->nm", self.weights, self.guesses6d[:, self.frame])
        return rot6d_to_rotmat(mean)

    def error_mm(self, rotations: Float[Tensor, "16 3 3"]) -> float:
        """Root-aligned joint error of a hand as frame j, in millimetres."""
        both = torch.stack([rotations, self.truth[self.frame]])
        found, right = self.hand(both, torch.zeros(2, 10)).joints.split(1)
        return 1000 * float(root_aligned_mpjpe(found, right))

    def illustration(self) -> Illustration:
        """The static figure of the current confidences, described by its numbers."""
        j, fused, weights = self.frame, self.fused(), self.weights
        error, own = self.error_mm(fused), self.error_mm(rot6d_to_rotmat(self.pose6d[j]))
        fig = theme.figure(9.6, 4.2)
        axes = fig.subplots(3, len(weights) + 1, height_ratios=(1, 1, 0.8))
        self._draw_frames(axes[:, :-1])
        self._draw(axes[0, -1], self.truth[j], ("truth", j, j), f"truth in {j}")
        self._draw(axes[1, -1], fused, None, f"fused: {error:.0f} mm")
        axes[2, -1].set_axis_off()
        numbers = ", ".join(f"{w:.2f}" for w in weights.tolist())
        return show(
            fig,
            alt=f"Timeline of {len(weights)} frames: each frame's own hand, its guess of frame "
            f"{j}, and its weight ({numbers}). The fused hand is {error:.0f} mm off the truth, "
            f"frame {j}'s own hand {own:.0f} mm.",
            caption=f"Top: what each frame sees (orange: more than half hidden). Middle: its "
            f"guess of frame {j}, with its error. Bottom: weights {numbers}. Frame {j} alone is "
            f"{own:.0f} mm off, all frames together {error:.0f} mm.",
            caption_ko=f"위: 각 frame이 추정한 손(주황색은 절반 이상 가려진 frame)입니다. 가운데: "
            f"각 frame이 추정한 frame {j}의 손과 그 오차입니다. 아래: weight입니다. "
            f"Frame {j}만 쓰면 {own:.0f} mm, 모든 frame을 fusion하면 {error:.0f} mm의 "
            "오차가 남습니다.",
            dpi=90,
            colours=128,
        )

    def _draw_frames(self, axes: np.ndarray) -> None:
        weights, j = self.weights, self.frame
        for i, (top, middle, bottom) in enumerate(axes.T):
            own, guess = rot6d_to_rotmat(torch.stack([self.pose6d[i], self.guesses6d[i, j]]))
            self._draw(top, own, ("own", i, i), f"frame {i}\n{self.occlusion[i]:.0%} hidden")
            self._draw(middle, guess, ("guess", i, j), f"{i} → {j}: {self.error_mm(guess):.0f} mm")
            colour = theme.REGION["hidden hand" if self.occlusion[i] > 0.5 else "visible hand"]
            bottom.bar([0], [float(weights[i])], color=colour)
            bottom.annotate(f"{weights[i]:.2f}", (0, float(weights[i])), ha="center", va="bottom")
            bottom.set(ylim=(0, 1.2), xlim=(-1, 1), xticks=[], yticks=[0, 1] if i == 0 else [])
        axes[2, 0].set_ylabel("weight")

    def _draw(
        self,
        ax: Axes,
        rotations: Float[Tensor, "16 3 3"],
        key: tuple[str, int, int] | None,
        title: str,
    ) -> None:
        """A hand; pictures with a key are drawn once, so that a slider does not wait for them."""
        hidden = key is not None and key[0] != "truth" and self.occlusion[key[1]] > 0.5
        picture = self._pictures.get(key) if key is not None else None
        if picture is None:
            picture = self._render(rotations, theme.REGION["hidden hand"] if hidden else None)
        if key is not None:
            self._pictures[key] = picture
        ax.imshow(picture)
        ax.set_title(title, fontsize=8)
        ax.set_axis_off()

    def _render(self, rotations: Float[Tensor, "16 3 3"], colour: str | None) -> np.ndarray:
        posed = self.hand(rotations[None], torch.zeros(1, 10))
        middle = posed.joints[0, 0] + _to_middle(self.hand, self.truth[self.frame])
        vertices = (posed.vertices[0] - middle).double().numpy() + np.array([0.0, 0.0, 1.0])
        focal, centre = _SIZE / _WIDTH, (_SIZE - 1) / 2
        camera = np.array([[focal, 0, centre], [0, focal, centre], [0, 0, 1]])
        faces = self.hand.faces.numpy()
        if colour is None:
            return render_hand(vertices, faces, camera, _SIZE)
        return render_hand(vertices, faces, camera, _SIZE, to_rgb(colour))

    def widget(self) -> Any:
        """A slider for the frame and one for each confidence above the picture."""
        from ipywidgets import FloatSlider, IntSlider, Layout

        frames, narrow = len(self.pose6d), Layout(width="260px")
        frame = IntSlider(
            self.frame, 0, frames - 1, description="frame j", continuous_update=False
        )
        confidences = {
            f"c{i}": FloatSlider(
                getattr(self, f"c{i}"),
                min=-6,
                max=6,
                step=0.5,
                description=f"c{i}",
                continuous_update=False,
                layout=narrow,
            )
            for i in range(frames)
        }
        return under_controls(self, {"frame": frame, **confidences})


def _to_middle(hand: HandModel, rotations: Float[Tensor, "16 3 3"]) -> Float[Tensor, "3"]:
    """From the wrist to the middle of the hand, so that wrists coincide in all pictures."""
    joints = hand(rotations[None], torch.zeros(1, 10)).joints[0]
    return (joints.amax(dim=0) + joints.amin(dim=0)) / 2 - joints[0]
