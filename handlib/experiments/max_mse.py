"""Does maxMSE even out the errors of the joints? With and without, and in its two readings.

The claim (Deformer, section 3.4 and Table 5): weighing each point by its own error lowers the
error, and that of the fingertips most. As released the gradient flows through the weights, too
(D16); `detach` takes them as given. maxMSE of equal errors is three times a mean over coordinates,
so a plain mean with three times the weight is there as well. The second stage alone differs.

Four second stages for each seed, about a minute each, beside the seed's start.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from jaxtyping import Float
from torch import Tensor

from handlib.data.sequence_batch import SequenceBatch
from handlib.experiments.measures import fused_and_true_joints, over_windows
from handlib.experiments.study import Judged, Study, Variant
from handlib.hands.skeleton import FINGER_JOINTS
from handlib.metrics import joint_errors
from handlib.models.deformer import SequencePrediction
from handlib.sequence_losses import SequenceLossConfig
from handlib.training import TrainConfig

COMMAND = "handlib experiment max_mse"
KNUCKLES, TIPS = ([joints[i] for joints in FINGER_JOINTS.values()] for i in (0, -1))
COORDINATES = 3


def _loss(recipe: TrainConfig, **changes: Any) -> TrainConfig:
    return replace(recipe, loss=replace(recipe.loss, **changes))


def _heavier(recipe: TrainConfig) -> TrainConfig:
    loss = recipe.loss
    assert isinstance(loss, SequenceLossConfig)
    weights = {"vertices": COORDINATES * loss.vertices, "joints": COORDINATES * loss.joints}
    return _loss(recipe, **weights)


def evenness(errors: Float[Tensor, "B 21"]) -> dict[str, Tensor]:
    """How the errors of a hand's joints are spread out; the wrist's is zero and does not count.

    deviation: their standard deviation over the 20 joints (divided by 20), in their units.
    deviation_share: that over their mean. largest: the worst joint's.
    """
    joints = errors[:, 1:]
    deviation = joints.std(dim=1, correction=0)
    return {
        "deviation": deviation,
        "deviation_share": deviation / joints.mean(dim=1),
        "largest": joints.amax(dim=1),
    }


def _errors(prediction: SequencePrediction, batch: SequenceBatch) -> dict[str, Tensor]:
    return {"joints": 1000 * joint_errors(*fused_and_true_joints(prediction, batch))}


def measure(judged: Judged) -> dict[str, Tensor]:
    """Millimetres from the wrist: each of the 21 joints, knuckles, fingertips; `evenness`."""
    joints = over_windows(judged, _errors)["joints"]
    parts = {
        "joints": joints,
        "knuckles": joints[:, KNUCKLES].mean(1),
        "fingertips": joints[:, TIPS].mean(1),
    }
    return parts | evenness(joints)


_VARIANTS: dict[str, Callable[[TrainConfig], TrainConfig]] = {
    "mean": partial(_loss, max_mse=False),
    "mean, three times": _heavier,
    "maxMSE": partial(_loss, max_mse=True, detach=True),
    "maxMSE as released": partial(_loss, max_mse=True, detach=False),
}

STUDY = Study(
    name="max_mse",
    claim="maxMSE lowers the error, of the fingertips most, and evens out the joints",
    variants={name: Variant(recipe=recipe) for name, recipe in _VARIANTS.items()},
    reference="mean",
    measure=measure,
)
