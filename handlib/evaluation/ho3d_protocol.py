"""HO-3D's evaluation: its fourteen scores, named and measured as in the official `scores.txt`."""

from collections import defaultdict

import torch
from jaxtyping import Float
from torch import Tensor

from handlib.evaluation.alignment import OFFICIAL_EPSILON, procrustes_align
from handlib.evaluation.errors import joint_errors, pck_auc
from handlib.evaluation.points import Points, chunks, pair
from handlib.evaluation.surface import f_scores
from handlib.hands.skeleton import COMMON_TO_HO3D, FINGER_JOINTS

F_MILLIMETRES = (5, 15)
_CHUNK = 256  # samples at a time
_MIDDLE_BASE = COMMON_TO_HO3D.index(FINGER_JOINTS["middle"][0])


def ho3d_scores(
    gt_joints: Points,
    pred_joints: Points,
    gt_vertices: Points | None = None,
    pred_vertices: Points | None = None,
    reflection: bool = True,
) -> dict[str, float]:
    """The scores of HO-3D's official evaluation, v2 and v3 (Hampali et al., CVPR 2020).

    Warning: as in the official script, the Procrustes alignments may mirror the hand, so that a
    left hand predicted for a right one scores 0. `reflection=False` forbids it, and is then no
    longer HO-3D's number.

    gt_joints, pred_joints (N,21,3): metres, in HO-3D's joint order, `joints[:, COMMON_TO_HO3D]`.
    gt_vertices, pred_vertices (N,V,3): metres; V is 778 for MANO; without the true ones there are
    the six scores of the joints. Any camera frame, the same for all; the wrist where the
    submission has it, since the raw scores take off no position.

    Returns `*_mean3d` in centimetres, `*_auc3d` (0 to 5 cm in 100 steps) and `f_*` as fractions:
    `xyz_*` of the joints, `mesh_*` of the vertices; `procrustes_al` and `al` after the Procrustes
    alignment, joints and vertices each by their own; `scale_trans_al` with the wrist on the true
    one and the length from there to the middle finger's base made equal; F at 5 and 15 mm.

    Raises:
        ValueError: shapes that do not fit, NaN or infinity, true vertices without predicted ones.
    """
    both = pair("joints", gt_joints, pred_joints, len(COMMON_TO_HO3D))
    count = len(both[0])
    if gt_vertices is not None:
        if pred_vertices is None:
            raise ValueError("pred_vertices: expected vertices beside gt_vertices, found None")
        both += pair("vertices", gt_vertices, pred_vertices)
        if count != len(both[2]):
            raise ValueError(f"gt_vertices: expected {count} samples, found {len(both[2])}")
    sums: defaultdict[str, float] = defaultdict(float)
    for joints, *vertices in (_pairs(parts) for parts in chunks(_CHUNK, *both)):
        means = _joint_means(*joints, reflection)
        for surfaces in vertices:
            means |= _surface_means(*surfaces, reflection)
        for name, mean in means.items():
            sums[name] += mean * len(joints[0])
    return {name: total / count for name, total in sums.items()}


def _pairs(parts: list[Tensor]) -> list[tuple[Tensor, Tensor]]:
    """True and predicted joints, then the vertices if there are any."""
    return list(zip(parts[::2], parts[1::2], strict=True))


def _joint_means(gt: Tensor, joints: Tensor, reflection: bool) -> dict[str, float]:
    moved = procrustes_align(joints, gt, reflection, OFFICIAL_EPSILON)
    return {
        **_means("xyz", joint_errors(joints, gt)),
        **_means("xyz_procrustes_al", joint_errors(moved, gt)),
        **_means("xyz_scale_trans_al", joint_errors(scale_translation_align(joints, gt), gt)),
    }


def _surface_means(gt: Tensor, vertices: Tensor, reflection: bool) -> dict[str, float]:
    moved = procrustes_align(vertices, gt, reflection, OFFICIAL_EPSILON)
    means = _means("mesh", joint_errors(vertices, gt))
    means |= _means("mesh_al", joint_errors(moved, gt))
    thresholds = [millimetres / 1000 for millimetres in F_MILLIMETRES]
    raw, aligned = (f_scores(points, gt, thresholds).mean(0) for points in (vertices, moved))
    for column, millimetres in enumerate(F_MILLIMETRES):
        means[f"f_score_{millimetres}"] = raw[column].item()
        means[f"f_al_score_{millimetres}"] = aligned[column].item()
    return means


def _means(name: str, errors: Float[Tensor, "N P"]) -> dict[str, float]:
    return {f"{name}_mean3d": 100 * errors.mean().item(), f"{name}_auc3d": pck_auc(errors)}


def scale_translation_align(
    source: Float[Tensor, "N 21 3"], target: Float[Tensor, "N 21 3"]
) -> Float[Tensor, "N 21 3"]:
    """Scale `source` so that wrist to middle base is as long as in `target`; then its wrist there.

    Joints in HO-3D's order. A source of length zero is not divided by it, as in the official code.
    """

    def length(joints: Tensor) -> Tensor:
        return (joints[:, _MIDDLE_BASE] - joints[:, 0]).norm(dim=-1)[:, None, None]

    divisor = torch.where(length(source) == 0, 1.0, length(source))
    scaled = source / divisor * length(target)
    return scaled - scaled[:, :1] + target[:, :1]
