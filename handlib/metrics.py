"""Scores of a predicted hand: errors of joints and surfaces, alignments, motion, tables.

Everything takes metres and returns metres, but for the data sets' own protocols, which report in
their units. The alignments follow the common protocol (Zimmermann and Brox 2017, FreiHAND): root
alignment takes off the position, Procrustes alignment position, rotation and scale. Against the
official HO-3D and DexYCB scripts we forbid mirrored alignments by default: there a left hand
predicted for a right one scores zero; `reflection=True` is theirs.

The files behind these names are in `handlib/evaluation/`, one a concept or protocol.
"""

from handlib.evaluation.alignment import procrustes_align
from handlib.evaluation.bootstrap import mean_interval
from handlib.evaluation.dexycb_protocol import dexycb_scores
from handlib.evaluation.errors import (
    joint_errors,
    mpjpe,
    pa_mpjpe,
    pck,
    pck_auc,
    root_aligned_mpjpe,
)
from handlib.evaluation.fpha_protocol import fpha_scores
from handlib.evaluation.ho3d_protocol import ho3d_scores, scale_translation_align
from handlib.evaluation.motion import acceleration_error, bone_length_drift
from handlib.evaluation.separation import ridge_probe, roc_auc
from handlib.evaluation.surface import f_score
from handlib.evaluation.tables import (
    OCCLUSION_BINS,
    JointRow,
    OcclusionBin,
    by_joint,
    by_occlusion,
)

__all__ = [
    "OCCLUSION_BINS",
    "JointRow",
    "OcclusionBin",
    "acceleration_error",
    "bone_length_drift",
    "by_joint",
    "by_occlusion",
    "dexycb_scores",
    "f_score",
    "fpha_scores",
    "ho3d_scores",
    "joint_errors",
    "mean_interval",
    "mpjpe",
    "pa_mpjpe",
    "pck",
    "pck_auc",
    "procrustes_align",
    "ridge_probe",
    "roc_auc",
    "root_aligned_mpjpe",
    "scale_translation_align",
]
