"""A hand to play with: bend it into a named pose, make it larger, turn it."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from handlib.data.camera import project
from handlib.hands.hand_model import HandModel, HandOutput
from handlib.hands.rotations import axis_angle_to_rotmat, rotmat_to_axis_angle
from handlib.viz import hand as drawing
from handlib.viz import theme
from handlib.viz.controls import slider, under_controls
from handlib.viz.display import Illustration, show

_SIZE = 256
_WIDTH = 0.27  # metres across the picture, the same for all hands: a larger hand looks larger


def upright(turn: float = 0.0) -> Tensor:
    """Root rotation (3,) that shows a right hand with its palm to the camera, fingers up.

    MANO's fingers point to -x and its palm to -y; the camera looks along z, with y down.

    Args:
        turn: degrees about the vertical axis of the image; 180 shows the back of the hand.
    """
    palm_on = torch.tensor([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]])
    about_vertical = axis_angle_to_rotmat(torch.tensor([0.0, math.radians(turn), 0.0]))
    return rotmat_to_axis_angle(about_vertical @ palm_on)


class HandExplorer:
    """Four numbers to play with: the named pose, how far into it, beta 0, and the turn."""

    def __init__(
        self,
        hand: HandModel,
        poses: Mapping[str, Tensor],
        pose: str = "pinch",
        blend: float = 1.0,
        beta: float = 0.0,
        turn: float = 0.0,
    ) -> None:
        """Start with a pose of `poses` ((16,3) axis-angles each); `turn` in degrees.

        Args:
            blend: 0 the flat hand, 1 the pose; every joint turns about one axis in between.
            beta: beta 0, in standard deviations; positive is larger.
        """
        self.hand, self.poses = hand, poses
        self.pose, self.blend, self.beta, self.turn = pose, blend, beta, turn

    def posed(self) -> HandOutput:
        """The hand of the current numbers, the base of its middle finger in the origin."""
        fingers = self.blend * self.poses[self.pose][1:]
        pose = torch.cat([upright(self.turn)[None], fingers])
        betas = torch.zeros(1, 10)
        betas[0, 0] = self.beta
        posed = self.hand(pose[None], betas)
        return self.hand(pose[None], betas, -posed.joints[:, 9])

    def illustration(self) -> Illustration:
        """The static figure of the current numbers: mesh and joints at one scale."""
        posed, middle = self.posed(), (_SIZE - 1) / 2
        far = torch.tensor([0.0, 0.0, 1.0])  # a metre away: perspective hardly shows
        focal = _SIZE / _WIDTH
        camera = torch.tensor([[focal, 0, middle], [0, focal, middle], [0, 0, 1]])
        fig = theme.figure(5.6, 2.9)
        mesh, skeleton = fig.subplots(1, 2)
        drawing.draw_hand(mesh, posed.vertices[0] + far, self.hand.faces, camera, _SIZE)
        drawing.draw_skeleton(skeleton, project(posed.joints[0] + far, camera))
        skeleton.set(xlim=(-0.5, _SIZE - 0.5), ylim=(_SIZE - 0.5, -0.5), aspect="equal")
        skeleton.set_axis_off()
        palm = 1000 * float((posed.joints[0, 9] - posed.joints[0, 0]).norm())
        state = f"{self.blend:.0%} of the pose '{self.pose}', β0 = {self.beta:+.1f}"
        return show(
            fig,
            alt=f"A right hand as a mesh and as 21 joints: {state}, turned by "
            f"{self.turn:.0f} degrees.",
            caption=f"{state}, turned by {self.turn:.0f}°. Wrist to the base of the middle "
            f"finger: {palm:.0f} mm. The pose turns joints, the shape (β) resizes bones.",
            caption_ko=f"'{self.pose}' 자세 {self.blend:.0%}, β0 = {self.beta:+.1f}, "
            f"회전 {self.turn:.0f}°입니다. 손목에서 중지 시작 관절까지 {palm:.0f} mm입니다. "
            "자세는 관절을 돌리고, shape(β)는 뼈의 크기를 바꿉니다.",
            dpi=80,
        )

    def widget(self) -> Any:
        """A menu and three sliders above the picture (an ipywidgets box)."""
        from ipywidgets import Dropdown

        return under_controls(
            self,
            {
                "blend": slider(self, "blend", 0.0, 1.0, 0.05),
                "beta": slider(self, "beta", -3.0, 3.0, 0.25, "β0"),
                "turn": slider(self, "turn", -180.0, 180.0, 10.0),
                "pose": Dropdown(options=list(self.poses), value=self.pose, description="pose"),
            },
        )
