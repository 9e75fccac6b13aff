"""HO-3D's scores as the protocol is written down: sample by sample, vertex by vertex, in loops.

The oracle of the tests and the slow side of `make bench`. Joints in HO-3D's order, where 4 is the
base of the middle finger.
"""

import math

import numpy as np
from scipy.linalg import orthogonal_procrustes

MIDDLE_BASE = 4
THRESHOLDS = np.linspace(0, 0.05, 100)


def scale_translation(predicted, target):
    length = np.linalg.norm(predicted[MIDDLE_BASE] - predicted[0])
    scaled = predicted / length if length else predicted
    scaled = scaled * np.linalg.norm(target[MIDDLE_BASE] - target[0])
    return scaled - scaled[0] + target[0]


def procrustes(predicted, target):
    """With scale, mirroring allowed; the small numbers are the official script's."""
    x, y = predicted - predicted.mean(0), target - target.mean(0)
    x_size, y_size = np.linalg.norm(x) + 1e-8, np.linalg.norm(y) + 1e-8
    x, y = x / x_size, y / y_size
    rotation, scale = orthogonal_procrustes(y, x)
    return x @ rotation.T * scale * y_size + target.mean(0)


def share_near(points, others, threshold):
    near = 0
    for point in points:
        nearest = math.inf
        for other in others:
            nearest = min(nearest, math.dist(point, other))
        near += nearest < threshold
    return near / len(points)


def f_score(predicted, target, threshold):
    predicted, target = predicted.tolist(), target.tolist()
    precision = share_near(predicted, target, threshold)
    recall = share_near(target, predicted, threshold)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def mean_and_auc(predictions, targets):
    """Point by point, as the official class collects them: centimetres, fraction."""
    means, areas = [], []
    for point in range(targets.shape[1]):
        distances = np.array(
            [
                np.linalg.norm(p[point] - t[point])
                for p, t in zip(predictions, targets, strict=True)
            ]
        )
        curve = [(distances <= threshold).mean() for threshold in THRESHOLDS]
        means.append(distances.mean())
        areas.append(np.trapezoid(curve, THRESHOLDS) / np.trapezoid(np.ones(100), THRESHOLDS))
    return 100 * np.mean(means), np.mean(areas)


def ho3d_scores(gt_joints, pred_joints, gt_vertices, pred_vertices):
    def every(align, predictions, targets):
        return np.stack([align(p, t) for p, t in zip(predictions, targets, strict=True)])

    moved = every(procrustes, pred_vertices, gt_vertices)
    variants = {
        "xyz": (pred_joints, gt_joints),
        "xyz_procrustes_al": (every(procrustes, pred_joints, gt_joints), gt_joints),
        "xyz_scale_trans_al": (every(scale_translation, pred_joints, gt_joints), gt_joints),
        "mesh": (pred_vertices, gt_vertices),
        "mesh_al": (moved, gt_vertices),
    }
    scores = {}
    for name, (predictions, targets) in variants.items():
        scores[f"{name}_mean3d"], scores[f"{name}_auc3d"] = mean_and_auc(predictions, targets)
    for threshold in (0.005, 0.015):
        for name, vertices in (("f_score", pred_vertices), ("f_al_score", moved)):
            values = [f_score(*two, threshold) for two in zip(vertices, gt_vertices, strict=True)]
            scores[f"{name}_{round(1000 * threshold)}"] = np.mean(values)
    return scores
