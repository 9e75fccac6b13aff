"""One shape for the window, or one for every frame? Bones that change their length are the price.

The claim (Deformer, section 3.2): the shape is read from the window as a whole, since a hand does
not change its bones. Beside it stands the same network with β from each frame's F⁺⁺, and the
single-frame network with β from each F⁺. Windows overlap, so that one shape for a window is still
not one for a clip: bones are measured within a window, and over the clip from fused hand to fused
hand.

Three second stages for each seed, about a minute each, beside the seed's start.
"""

from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from handlib.data.sample import needed
from handlib.data.sequence_batch import SequenceBatch
from handlib.evaluation.motion import bone_length_drift, bone_lengths
from handlib.experiments.measures import over_windows
from handlib.experiments.study import Judged, Study, Variant
from handlib.models.baselines import DEFORMER
from handlib.models.deformer import SequencePrediction
from handlib.models.deformer_config import DeformerConfig

COMMAND = "handlib experiment one_shape"


def _alone(config: DeformerConfig) -> DeformerConfig:
    return replace(DEFORMER["single_frame"](config), shape="frame")


def _shapes(prediction: SequencePrediction, batch: SequenceBatch) -> dict[str, Tensor]:
    true = needed(batch.joints, "joints")
    middle = true[:, true.shape[1] // 2]
    wrong = (bone_lengths(prediction.fused_joints) - bone_lengths(middle)).abs().mean(1)
    return {
        "window_drift": 1000 * bone_length_drift(prediction.joints),
        "true_window_drift": 1000 * bone_length_drift(true),
        "bone_error": 1000 * wrong,
        "fused": prediction.fused_joints,
    }


def measure(judged: Judged) -> dict[str, Tensor]:
    """Millimetres.

    window_drift: `bone_length_drift` of a window's own hands. true_window_drift: of the true ones,
    above zero since fingertips are points of the skin, which bends. clip_drift: of a clip's fused
    hands. bone_error: how far their bones are from their true length, mean over the bones.
    """
    found = over_windows(judged, _shapes)
    fused = found.pop("fused")
    clips = [fused[frames.start : frames.stop] for frames in judged.seen.runs()]
    drift = [bone_length_drift(joints) for joints in clips]
    return found | {"clip_drift": 1000 * torch.stack(drift)}


STUDY = Study(
    name="one_shape",
    claim="one shape for the window keeps the bones' lengths, and costs no accuracy",
    variants={
        "window": Variant(),
        "frame": Variant(partial(replace, shape="frame")),
        "single frame": Variant(_alone),
    },
    reference="window",
    measure=measure,
)
