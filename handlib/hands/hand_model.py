"""The MANO hand as a differentiable layer: shape and pose to vertices and joints.

Romero, Tzionas and Black, "Embodied Hands: Modeling and Capturing Hands and Bodies Together",
TOG 2017, section 3 (SMPL's eq. 2 to 6 for a hand). Equal to `smplx.MANO` on the same file in
values and gradients; faster, because the five fingers go through the kinematic chain together,
level by level, the batch is the last dimension in memory from the chain to the skinning, and
pose offsets that are zero over a whole part of the hand are not summed up (`LocalProduct`).
Against smplx it returns 21 joints, tips included, and takes full joint angles only.
"""

import contextlib
import io
from dataclasses import dataclass
from functools import partial
from importlib.resources import as_file, files
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from handlib.hands.local_product import LocalProduct
from handlib.hands.mano_data import BETAS, ManoData, ManoFileError
from handlib.hands.mano_file import read_mano_file
from handlib.hands.rotations import axis_angle_to_rotmat
from handlib.hands.skeleton import (
    COMMON_FROM_MANO_TIPS,
    FINGERTIPS,
    MANO_FINGERS,
    PARENTS,
    Side,
)
from handlib.hands.skinning import skin_and_pick


@dataclass(frozen=True)
class HandOutput:
    """Posed hands, metres: `vertices` (B,778,3), `joints` (B,21,3) in the common order."""

    vertices: Float[Tensor, "B 778 3"]
    joints: Float[Tensor, "B 21 3"]


class HandModel(nn.Module):
    """MANO's blend shapes, kinematic chain and skinning, for one file.

    The file's arrays are buffers that stay out of `state_dict`: a checkpoint of a network that
    holds a hand carries no licensed model, and fits any hand.
    """

    faces: Tensor
    blend_shapes: Tensor
    joint_regressor: Tensor
    joint_template: Tensor
    joint_offsets: Tensor
    skinning_weights: Tensor
    hands_mean: Tensor
    hands_components: Tensor
    tip_vertices: Tensor
    common_order: Tensor

    def __init__(self, data: ManoData, side: Side, tips: tuple[int, ...]) -> None:
        super().__init__()
        self.side = side
        self.parents = PARENTS
        keep = partial(self.register_buffer, persistent=False)
        template = data.template[..., None]
        blend_shapes = np.concatenate([template, data.shapedirs, data.posedirs], axis=2)
        # J(beta) is linear in beta, so the regressor is applied once, here.
        joint_template = data.joint_regressor @ data.template
        joint_offsets = np.einsum("jv,vcl->ljc", data.joint_regressor, data.shapedirs)
        for name, array in {
            "blend_shapes": blend_shapes.reshape(-1, blend_shapes.shape[2]),  # 2334 146
            "joint_regressor": data.joint_regressor,
            "joint_template": joint_template.ravel(),
            "joint_offsets": joint_offsets.reshape(len(joint_offsets), -1),
            "skinning_weights": data.skinning_weights,
            "hands_mean": data.hands_mean,
            "hands_components": data.hands_components,
        }.items():
            keep(name, torch.tensor(array, dtype=torch.float32))
        self.blend_product = LocalProduct(self.blend_shapes)
        keep("faces", torch.tensor(data.faces))
        keep("tip_vertices", torch.tensor(tips))
        keep("common_order", torch.tensor(COMMON_FROM_MANO_TIPS))

    @property
    def template(self) -> Float[Tensor, "778 3"]:
        """The hand at rest, metres, with the mean shape (a view)."""
        return self.blend_shapes[:, 0].unflatten(0, (-1, 3))

    @property
    def shapedirs(self) -> Float[Tensor, "778 3 10"]:
        """S of the paper: vertex offsets in metres per unit of beta (a view)."""
        return self.blend_shapes[:, 1 : 1 + BETAS].unflatten(0, (-1, 3))

    @property
    def posedirs(self) -> Float[Tensor, "778 3 135"]:
        """P of the paper: vertex offsets in metres per entry of R - I (a view)."""
        return self.blend_shapes[:, 1 + BETAS :].unflatten(0, (-1, 3))

    def forward(
        self,
        pose: Float[Tensor, "B *pose"],
        betas: Float[Tensor, "B 10"],
        translation: Float[Tensor, "B 3"] | None = None,
    ) -> HandOutput:
        """pose (B,16,3) axis-angle or (B,16,3,3) matrices, betas (B,10) -> vertices, joints.

        The pose holds full joint angles in MANO order, nothing is added to them; its first
        rotation turns the hand about its wrist, J0(betas). Without a translation (B,3, metres)
        the hand stays in MANO's own frame.

        Raises:
            ValueError: the pose has another shape, as PCA coefficients have.
        """
        rotations = _as_rotmats(pose)  # B 16 3 3
        with torch.autocast(pose.device.type, enabled=False):  # metres need float32
            vertices, joints = self._posed(rotations, betas)
        if translation is not None:
            vertices = vertices + translation[:, None]
            joints = joints + translation[:, None]
        return HandOutput(vertices, joints)

    def _posed(
        self, rotations: Float[Tensor, "B 16 3 3"], betas: Float[Tensor, "B 10"]
    ) -> tuple[Float[Tensor, "B 778 3"], Float[Tensor, "B 21 3"]]:
        rest_joints = torch.addmm(self.joint_template, betas, self.joint_offsets)
        rest_joints = rest_joints.unflatten(1, (-1, 3))  # B 16 3
        transforms, joints = forward_kinematics(rotations, rest_joints)
        points = self._blend(rotations, betas)
        vertices, tips = skin_and_pick(
            transforms, points, self.skinning_weights, self.tip_vertices
        )
        return vertices, torch.cat([joints, tips], dim=1)[:, self.common_order]

    def _blend(
        self, rotations: Float[Tensor, "B 16 3 3"], betas: Float[Tensor, "B 10"]
    ) -> Float[Tensor, "B 3 778"]:
        """T(beta, theta): template plus shape and pose offsets, a matrix times coefficients."""
        feature = (rotations[:, 1:] - torch.eye(3).to(rotations)).flatten(1)  # B 135
        coefficients = torch.cat([betas.new_ones(1, len(betas)), betas.T, feature.T])  # 146 B
        return self.blend_product(coefficients).unflatten(0, (-1, 3)).permute(2, 1, 0)

    def pose_from_pca(
        self, coefficients: Float[Tensor, "B N"], flat_hand_mean: bool = False
    ) -> Float[Tensor, "B 15 3"]:
        """Full finger angles of the first N (at most 45) pose-space coefficients.

        flat_hand_mean False adds the file's mean pose, as DexYCB's labels and smplx's default
        want; True measures from the flat hand.

        Raises:
            ValueError: more than 45 coefficients.
        """
        if coefficients.shape[1] > len(self.hands_components):
            raise ValueError(
                f"coefficients: expected at most 45 a hand, found {coefficients.shape[1]}. "
                "Global rotation and translation are no part of them."
            )
        angles = coefficients @ self.hands_components[: coefficients.shape[1]]
        if not flat_hand_mean:
            angles = angles + self.hands_mean
        return angles.unflatten(1, (15, 3))

    def smplx(self, use_pca: bool = False, flat_hand_mean: bool = True, **options: Any) -> Any:
        """The `smplx.MANO` layer of the same numbers, by default on full joint angles.

        Other options go to smplx as they are. Mind that smplx on its own defaults to six PCA
        coefficients on top of the mean pose, and returns 16 joints in MANO order.

        Raises:
            ValueError: `use_pca` with 45 components. smplx would switch PCA off without a word
                and read the 45 coefficients as angles.
        """
        import smplx  # a second's import that only this method needs

        if use_pca and options.get("num_pca_comps") == 45:
            raise ValueError(
                "num_pca_comps=45 makes smplx.MANO read 45 PCA coefficients as joint angles. "
                "Use hand.pose_from_pca(coefficients) and hand.smplx(use_pca=False)."
            )
        with contextlib.redirect_stdout(io.StringIO()):  # it reports MANO's 10 betas as a fault
            layer = smplx.MANO(
                model_path="",
                is_rhand=self.side == "right",
                data_struct=self._smplx_struct(),
                use_pca=use_pca,
                flat_hand_mean=flat_hand_mean,
                dtype=self.template.dtype,
                **options,
            )
        return layer.to(self.template.device)

    def _smplx_struct(self) -> Any:
        from smplx.utils import Struct

        def array(buffer: Tensor) -> Any:
            return buffer.detach().cpu().numpy()

        return Struct(
            v_template=array(self.template),
            shapedirs=array(self.shapedirs),
            posedirs=array(self.posedirs),
            J_regressor=array(self.joint_regressor),
            weights=array(self.skinning_weights),
            kintree_table=torch.tensor([self.parents, range(len(self.parents))]).numpy(),
            f=array(self.faces),
            hands_mean=array(self.hands_mean),
            hands_components=array(self.hands_components),
        )


def forward_kinematics(
    rotations: Float[Tensor, "B 16 3 3"], rest_joints: Float[Tensor, "B 16 3"]
) -> tuple[Float[Tensor, "B 16 3 4"], Float[Tensor, "B 16 3"]]:
    """Chain local rotations along MANO's tree: skinning transforms and posed joints (metres).

    A joint's own motion turns points about its rest position: x -> R x + (J - R J). Chained with
    its parent's, it carries points of the rest pose to the posed hand (eq. 3 and 4 of SMPL), its
    own rest position among them. The tree is a wrist with five fingers of three joints, so three
    steps do for all fifteen. The transforms [R | t] have the batch last in memory, as `skin` wants
    them.
    """
    columns = rotations.permute(1, 3, 2, 0).contiguous()  # 16 3 3 B
    rest = rest_joints.permute(1, 2, 0)[:, None]  # 16 1 3 B
    motions = torch.cat([columns, rest - _turn(columns, rest), rest], dim=1)  # R, t, joint
    parent, fingers = motions[:1], motions[1:].unflatten(0, (len(MANO_FINGERS), 3))
    chained = []
    for child in fingers.unbind(1):
        turned = _turn(parent, child)
        parent = torch.cat([turned[:, :3], turned[:, 3:] + parent[:, 3:4]], dim=1)
        chained.append(parent)
    motions = torch.cat([motions[:1], torch.stack(chained, dim=1).flatten(0, 1)])  # 16 5 3 B
    return motions[:, :4].permute(3, 0, 2, 1), motions[:, 4].permute(2, 0, 1)


def _turn(columns: Float[Tensor, "J _ 3 B"], vectors: Float[Tensor, "K N 3 B"]) -> Tensor:
    """R v of each vector, R given by its columns (those after the third are not read)."""
    return (columns[:, None, :3] * vectors[..., None, :]).sum(2)


def load_hand(
    path: str | PathLike[str] | None = None, side: Side = "right", fingertips: str = "manopth"
) -> HandModel:
    """The shipped CC0 hand, or a MANO file of your own.

    path: a .pkl or .npz file, or a folder with MANO_RIGHT and MANO_LEFT as .pkl or .npz. Without
    one, the left hand is the mirror image of the shipped right hand. fingertips: the vertex set
    of the five tips, a key of `skeleton.FINGERTIPS`; the choices differ by several millimetres.

    Raises:
        FileNotFoundError: no such file, or none of that side in the folder.
        ManoFileError: not a MANO hand, or one of the other side.
    """
    if fingertips not in FINGERTIPS:
        raise ValueError(f"fingertips='{fingertips}': expected one of {', '.join(FINGERTIPS)}.")
    tips = FINGERTIPS[fingertips]
    if path is None:
        with as_file(files("handlib") / "assets" / "MANO_RIGHT.npz") as shipped:
            data = read_mano_file(shipped)
        # Its mirror image keeps the right hand's vertex numbers, hence its tips.
        return HandModel(data if side == "right" else data.mirrored(), side, tips["right"])
    path = _find(Path(path), side)
    data = read_mano_file(path)
    if data.side != side:
        raise ManoFileError(
            f"{path}: asked for a {side} hand, found a {data.side} one. "
            f"Give the other file, or load_hand(path, side='{data.side}')."
        )
    return HandModel(data, side, tips[side])


def _find(path: Path, side: Side) -> Path:
    if not path.is_dir():
        return path
    names = [f"MANO_{side.upper()}{suffix}" for suffix in (".pkl", ".npz")]
    for name in names:
        if (path / name).is_file():
            return path / name
    raise FileNotFoundError(
        f"{path}: no {' or '.join(names)} in this folder. Put MANO's file there, or call "
        f"load_hand(side='{side}') for the hand that comes with handlib."
    )


def _as_rotmats(pose: Tensor) -> Tensor:
    if pose.shape[1:] == (16, 3, 3):
        return pose
    if pose.shape[1:] == (16, 3):
        return axis_angle_to_rotmat(pose)
    raise ValueError(
        f"pose: expected (B,16,3) axis-angle or (B,16,3,3) matrices, found {tuple(pose.shape)}. "
        "PCA coefficients become angles by hand.pose_from_pca(coefficients); angles in one row "
        "need pose.unflatten(1, (16, 3)), a single hand needs pose[None]."
    )
