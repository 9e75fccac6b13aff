"""Training and scoring: one loop, its recipes, its checkpoints."""

from handlib.training.adversarial import Critic
from handlib.training.baseline import MeanPose, mean_pose_baseline
from handlib.training.config import TrainConfig
from handlib.training.evaluate import Scores, evaluate, evaluate_windows
from handlib.training.history import History
from handlib.training.loop import fit

__all__ = [
    "Critic",
    "History",
    "MeanPose",
    "Scores",
    "TrainConfig",
    "evaluate",
    "evaluate_windows",
    "fit",
    "mean_pose_baseline",
]
