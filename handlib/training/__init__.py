"""Training and scoring: one loop, its recipes, its checkpoints."""

from handlib.training.adversarial import Critic
from handlib.training.baseline import MeanPose, mean_pose_baseline
from handlib.training.cached_frames import CachedFrames
from handlib.training.config import TrainConfig
from handlib.training.evaluate import Scores, evaluate, evaluate_windows
from handlib.training.history import History
from handlib.training.loop import fit
from handlib.training.staged import fit_in_stages, single_frame_model, single_frames

__all__ = [
    "CachedFrames",
    "Critic",
    "History",
    "MeanPose",
    "Scores",
    "TrainConfig",
    "evaluate",
    "evaluate_windows",
    "fit",
    "fit_in_stages",
    "mean_pose_baseline",
    "single_frame_model",
    "single_frames",
]
