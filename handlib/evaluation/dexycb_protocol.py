"""DexYCB's evaluation of hand poses: absolute, root-relative and Procrustes errors with AUC."""

from handlib.evaluation.alignment import OFFICIAL_EPSILON, procrustes_align
from handlib.evaluation.errors import joint_errors, pck_auc
from handlib.evaluation.points import Points, pair
from handlib.hands.skeleton import JOINT_NAMES


def dexycb_scores(
    gt_joints: Points, pred_joints: Points, reflection: bool = True
) -> dict[str, float]:
    """The scores of DexYCB's hand pose evaluation (Chao et al., CVPR 2021).

    Warning: as in the official toolkit the Procrustes alignment may mirror the hand;
    `reflection=False` forbids it, as HandOccNet's own evaluation does.

    gt_joints, pred_joints (N,21,3): metres, common order, of the labelled frames only. Returns
    `*_mpjpe` in millimetres and `*_auc` (0 to 50 mm in 100 steps) as a fraction, of `absolute`
    positions, `root_relative` ones (each wrist at the origin) and after `procrustes` alignment.

    Raises:
        ValueError: shapes that do not fit, NaN or infinity.
    """
    gt, joints = (x.double() for x in pair("joints", gt_joints, pred_joints, len(JOINT_NAMES)))
    errors = {
        "absolute": joint_errors(joints, gt),
        "root_relative": joint_errors(joints - joints[:, :1], gt - gt[:, :1]),
        "procrustes": joint_errors(procrustes_align(joints, gt, reflection, OFFICIAL_EPSILON), gt),
    }
    means = {f"{name}_mpjpe": 1000 * values.mean().item() for name, values in errors.items()}
    return means | {f"{name}_auc": pck_auc(values) for name, values in errors.items()}
