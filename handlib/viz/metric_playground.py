"""One hand, five ways to get it wrong, and what each score says about it."""

from typing import Any

import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from torch import Tensor

from handlib.hands.hand_model import HandModel, HandOutput
from handlib.hands.rotations import axis_angle_to_rotmat
from handlib.metrics import f_score, joint_errors, mpjpe, pck_auc, procrustes_align
from handlib.viz import theme
from handlib.viz.controls import slider, under_controls
from handlib.viz.display import Illustration, show
from handlib.viz.hand import draw_joint_errors, render_hand

_SIZE = 220  # pixels of the meshes' picture
_WIDTH = 0.24  # metres across it


class MetricPlayground:
    """A true hand and a prediction that is moved, resized, turned, flattened or mirrored."""

    def __init__(
        self,
        hand: HandModel,
        pose: Float[Tensor, "16 3"],
        shift: float = 0.0,
        size: float = 100.0,
        turn: float = 0.0,
        flatten: float = 0.0,
        mirrored: bool = False,
    ) -> None:
        """Take the true pose, wrist included, and a first mistake.

        Args:
            shift: millimetres to the right.
            size: per cent of the true one.
            turn: degrees about the vertical axis of the image, at the wrist.
            flatten: share of every finger angle that is missing, 0..1.
            mirrored: left for right, at the wrist.
        """
        self.hand, self.pose = hand, pose
        self.shift, self.size, self.turn = shift, size, turn
        self.flatten, self.mirrored = flatten, mirrored

    def truth(self) -> HandOutput:
        """The true hand (B = 1), its wrist in the origin."""
        return self._hand(0.0)

    def predicted(self) -> HandOutput:
        """The hand of the current numbers."""
        start = self._hand(self.flatten)
        return HandOutput(self._moved(start.vertices), self._moved(start.joints))

    def _hand(self, flatten: float) -> HandOutput:
        pose = torch.cat([self.pose[:1], (1 - flatten) * self.pose[1:]])[None]
        wrist = self.hand(pose, torch.zeros(1, 10)).joints[:, 0]
        return self.hand(pose, torch.zeros(1, 10), -wrist)

    def _moved(self, points: Float[Tensor, "1 N 3"]) -> Float[Tensor, "1 N 3"]:
        about_vertical = torch.tensor([0.0, self.turn, 0.0]).deg2rad()
        points = self.size / 100 * points @ axis_angle_to_rotmat(about_vertical).mT
        if self.mirrored:
            points = points * torch.tensor([-1.0, 1.0, 1.0])
        return points + torch.tensor([self.shift / 1000, 0.0, 0.0])

    def aligned(self) -> dict[str, Float[Tensor, "1 21 3"]]:
        """The predicted joints as they stand and after each alignment, by its name."""
        joints, target = self.predicted().joints, self.truth().joints
        return {
            "as it stands": joints,
            "root-aligned": joints - joints[:, :1],
            "Procrustes": procrustes_align(joints, target),
            "Procrustes, mirroring allowed": procrustes_align(joints, target, reflection=True),
        }

    def scores(self) -> dict[str, float]:
        """MPJPE in millimetres after each alignment, and the scores made of what PA leaves."""
        target, mesh = self.truth().joints, self.truth().vertices
        aligned = self.aligned()
        errors = {name: 1000 * float(mpjpe(joints, target)) for name, joints in aligned.items()}
        moved = procrustes_align(self.predicted().vertices, mesh)
        return errors | {
            "PA mesh": 1000 * float(mpjpe(moved, mesh)),
            "PA F@5": float(f_score(moved, mesh, 0.005)),
            "PA F@15": float(f_score(moved, mesh, 0.015)),
            "PA AUC": pck_auc(joint_errors(aligned["Procrustes"], target)),
        }

    def illustration(self) -> Illustration:
        """The static figure of the current numbers: both meshes, then joints by alignment."""
        scores, target = self.scores(), self.truth().joints[0]
        fig = theme.figure(10, 3.1)
        axes = fig.subplots(1, 4, width_ratios=(1.1, 1, 1, 1))
        self._draw_meshes(axes[0])
        for ax, (name, joints) in zip(axes[1:], self.aligned().items(), strict=False):
            draw_joint_errors(ax, joints[0], target)
            ax.set_title(f"{name}\n{scores[name]:.1f} mm")
        words = ", ".join(f"{name} {scores[name]:.2f}" for name in ("PA F@5", "PA F@15", "PA AUC"))
        values = (
            f"MPJPE {scores['as it stands']:.1f} mm as it stands, {scores['root-aligned']:.1f} mm "
            f"root-aligned, {scores['Procrustes']:.1f} mm after Procrustes alignment, "
            f"{scores['Procrustes, mirroring allowed']:.1f} mm if mirroring is allowed; {words}"
        )
        return show(
            fig,
            alt=f"Two hands, the true one blue and the predicted one orange, and their joints "
            f"after three alignments. {self._state()}. {values}.",
            caption=f"{self._state()}. {values}. Colour: the truth; grey: the prediction; black "
            "lines: the errors.",
            caption_ko=f"이동 {self.shift:.0f} mm, 크기 {self.size:.0f} %, 손목 회전 "
            f"{self.turn:.0f}°, 손가락 펴짐 {self.flatten:.0%}, 좌우 반전 "
            f"{'있음' if self.mirrored else '없음'}입니다. MPJPE는 그대로 "
            f"{scores['as it stands']:.1f} mm, root 정렬 후 {scores['root-aligned']:.1f} mm, "
            f"Procrustes 정렬 후 {scores['Procrustes']:.1f} mm, 반전을 허용하면 "
            f"{scores['Procrustes, mirroring allowed']:.1f} mm입니다. 색은 정답, 회색은 예측, "
            "검은 선은 오차를 나타냅니다.",
            dpi=90,
            colours=128,
        )

    def _state(self) -> str:
        parts = [
            f"Moved by {self.shift:.0f} mm, size {self.size:.0f} %, wrist turned by "
            f"{self.turn:.0f}°, fingers {self.flatten:.0%} flattened"
        ]
        return ", ".join(parts + ["mirrored"] * self.mirrored)

    def _draw_meshes(self, ax: Axes) -> None:
        truth, far = self.truth(), torch.tensor([0.0, 0.0, 1.0])
        middle = (truth.joints.amax(1) + truth.joints.amin(1)) / 2
        focal, centre = _SIZE / _WIDTH, (_SIZE - 1) / 2
        camera = torch.tensor([[focal, 0, centre], [0, focal, centre], [0, 0, 1]]).double().numpy()
        faces = self.hand.faces
        turned_over = faces.flip(1) if self.mirrored else faces  # so that it is lit from outside
        drawn = (truth, faces, theme.BLUE), (self.predicted(), turned_over, theme.ORANGE)
        for posed, triangles, colour in drawn:
            vertices = (posed.vertices[0] - middle + far).double().numpy()
            rgba = render_hand(vertices, triangles.numpy(), camera, _SIZE, to_rgb(colour))
            rgba[..., 3] *= 0.75
            ax.imshow(rgba.clip(0, 1))
        ax.set_title("truth (blue), prediction")
        ax.set_axis_off()

    def widget(self) -> Any:
        """Four sliders and a box to tick above the picture (an ipywidgets box)."""
        from ipywidgets import Checkbox

        return under_controls(
            self,
            {
                "shift": slider(self, "shift", -50.0, 50.0, 5.0, "shift (mm)"),
                "size": slider(self, "size", 70.0, 130.0, 5.0, "size (%)"),
                "turn": slider(self, "turn", -90.0, 90.0, 5.0, "turn (°)"),
                "flatten": slider(self, "flatten", 0.0, 1.0, 0.05),
                "mirrored": Checkbox(self.mirrored, description="mirrored"),
            },
        )
