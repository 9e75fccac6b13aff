"""One of the hand's 58 numbers at a time: what it moves, and how far."""

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from handlib.data.camera import project
from handlib.hands.hand_model import HandModel, HandOutput
from handlib.hands.rotations import axis_angle_to_rotmat
from handlib.hands.skeleton import MANO_JOINT_NAMES
from handlib.viz import hand as drawing
from handlib.viz import theme
from handlib.viz.controls import slider, under_controls
from handlib.viz.display import Illustration, show
from handlib.viz.hand_explorer import upright

_SIZE = 320
_WIDTH = 0.25  # metres across the picture
_FULL = 60.0  # millimetres at the bright end of the scale, the same for all numbers
_MOVED = 0.5  # millimetres; less counts as standing still

NUMBER_NAMES = (
    *(f"θ {joint} {axis}" for joint in MANO_JOINT_NAMES for axis in "xyz"),
    *(f"β{i}" for i in range(10)),
)
"""The 58 in order: 16 axis-angles in MANO's joint order, then ten of shape."""


class NumberExplorer:
    """A hand in a named pose, and one of its 58 numbers changed by an amount."""

    def __init__(
        self,
        hand: HandModel,
        poses: Mapping[str, Tensor],
        pose: str = "relaxed",
        number: int = 5,
        amount: float = 1.0,
    ) -> None:
        """Start with a pose of `poses` ((16,3) axis-angles each) and the mean shape.

        Args:
            number: 0 to 47 an angle, 48 to 57 one of the shape.
            amount: what is added to it, in radians or in standard deviations.
        """
        self.hand, self.poses = hand, poses
        self.pose, self.number, self.amount = pose, number, amount

    def numbers(self) -> Float[Tensor, "2 58"]:
        """The 58 numbers before and after the change."""
        before = torch.cat([self.poses[self.pose].flatten(), torch.zeros(10)])
        after = before.clone()
        after[self.number] += self.amount
        return torch.stack([before, after])

    def posed(self) -> HandOutput:
        """Both hands in MANO's own frame, B = 2."""
        numbers = self.numbers()
        return self.hand(numbers[:, :48].unflatten(1, (16, 3)), numbers[:, 48:])

    def moved(self) -> Float[Tensor, "778"]:
        """How far each vertex moves, in millimetres."""
        before, after = self.posed().vertices
        return 1000 * (after - before).norm(dim=1)

    def illustration(self) -> Illustration:
        """The static figure of the current numbers: the hand painted by how far it moved."""
        posed, moved, middle = self.posed(), self.moved(), (_SIZE - 1) / 2
        turn, focal = axis_angle_to_rotmat(upright(turn=-35.0)), _SIZE / _WIDTH
        camera = torch.tensor([[focal, 0, middle], [0, focal, middle], [0, 0, 1]])
        centre = torch.tensor([0.0, 0.0, 1.0]) - turn @ posed.joints[0, 9]
        fig = theme.figure(7.0, 3.2)
        mesh, skeleton = fig.subplots(1, 2)
        vertices = posed.vertices[1] @ turn.mT + centre
        scale = drawing.draw_vertex_values(
            mesh, vertices, self.hand.faces, moved, (0.0, _FULL), camera, _SIZE
        )
        fig.colorbar(scale, ax=mesh, shrink=0.7, extend="max", label="moved by (mm)")
        before, after = (project(j @ turn.mT + centre, camera) for j in posed.joints)
        drawing.draw_bones(skeleton, before)
        drawing.draw_skeleton(skeleton, after)
        skeleton.set(xlim=(-0.5, _SIZE - 0.5), ylim=(_SIZE - 0.5, -0.5), aspect="equal")
        skeleton.set_axis_off()
        return show(fig, **self._words(moved), dpi=80, colours=256)

    def _words(self, moved: Float[Tensor, "778"]) -> dict[str, str]:
        unit = "rad" if self.number < 48 else "σ"
        state = f"number {self.number}, {NUMBER_NAMES[self.number]} {self.amount:+.1f} {unit}"
        share, most = int((moved > _MOVED).sum()), float(moved.max())
        return {
            "alt": f"A right hand in the pose '{self.pose}', painted by how far its vertices "
            f"move, and its joints before (grey) and after: {state}.",
            "caption": f"'{self.pose}', {state}: {share} of 778 vertices move by more than "
            f"{_MOVED} mm, the farthest by {most:.0f} mm. Grey: the joints before.",
            "caption_ko": f"'{self.pose}' 자세에서 {self.number}번 숫자"
            f"({NUMBER_NAMES[self.number]})를 {self.amount:+.1f} {unit}만큼 바꾸면 "
            f"778개 vertex 중 {share}개가 {_MOVED} mm 넘게 움직이고, 가장 멀리 움직인 "
            f"vertex는 {most:.0f} mm 움직입니다. 회색은 바꾸기 전의 관절입니다.",
        }

    def widget(self) -> Any:
        """A menu and two sliders above the picture (an ipywidgets box)."""
        from ipywidgets import Dropdown, IntSlider

        return under_controls(
            self,
            {
                "number": IntSlider(
                    self.number, min=0, max=57, description="number", continuous_update=False
                ),
                "amount": slider(self, "amount", -3.0, 3.0, 0.1),
                "pose": Dropdown(options=list(self.poses), value=self.pose, description="pose"),
            },
        )
