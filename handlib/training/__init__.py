"""Training and scoring: one loop, its recipes, its checkpoints."""

from handlib.training.baseline import MeanPose, mean_pose_baseline
from handlib.training.config import TrainConfig
from handlib.training.evaluate import Scores, evaluate
from handlib.training.history import History
from handlib.training.loop import fit

__all__ = [
    "History",
    "MeanPose",
    "Scores",
    "TrainConfig",
    "evaluate",
    "fit",
    "mean_pose_baseline",
]
