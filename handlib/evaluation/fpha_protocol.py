"""FPHA as HandOccNet reports it: the mean joint error after Procrustes alignment."""

from handlib.evaluation.errors import pa_mpjpe, root_aligned_mpjpe
from handlib.evaluation.points import Points, pair
from handlib.hands.skeleton import JOINT_NAMES


def fpha_scores(
    gt_joints: Points, pred_joints: Points, reflection: bool = False
) -> dict[str, float]:
    """Mean joint errors in millimetres (Garcia-Hernando et al., CVPR 2018).

    gt_joints, pred_joints (N,21,3): metres, common order. `procrustes_mpjpe` is the number of
    HandOccNet's table (10.8 mm on the action split), whose evaluation allows no mirroring;
    `root_relative_mpjpe` has both wrists at the origin.

    Raises:
        ValueError: shapes that do not fit, NaN or infinity.
    """
    gt, joints = (x.double() for x in pair("joints", gt_joints, pred_joints, len(JOINT_NAMES)))
    return {
        "procrustes_mpjpe": 1000 * pa_mpjpe(joints, gt, reflection).mean().item(),
        "root_relative_mpjpe": 1000 * root_aligned_mpjpe(joints, gt).mean().item(),
    }
