"""When does choosing frames help? Weights behind the encoder, without it, and with lost frames.

Learned confidence does no better than equal weights (`confidence`). Two reasons come to mind. The
temporal encoder stands before the fusion: a hidden frame has read its neighbours when it is
weighed. So here is a group of networks without it, *alone*, in which a frame says what it sees by
itself. And what a hidden frame says may be too little worse than what others say for weights to
matter. So both groups are there again with a third of all frames *lost*, in training and in the
test: their F⁺ is zero, as if no image had come, and counts as hidden throughout. If weights help
anywhere, they must help there.

Twelve second stages for each seed, about a minute each, beside the seed's start.
"""

from collections.abc import Iterator, Mapping
from copy import copy
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from handlib.data.sample import needed
from handlib.data.sequence_batch import SequenceBatch
from handlib.experiments.confidence import rank_correlation
from handlib.experiments.measures import can_be_ranked, over_windows
from handlib.experiments.study import Judged, Study, Variant
from handlib.hands import HandModel
from handlib.hands.hand_pair import HandPair, over_time
from handlib.hands.rotations import rot6d_to_rotmat
from handlib.metrics import root_aligned_mpjpe
from handlib.models.deformer import SequencePrediction
from handlib.models.fusion import guesses_of_middle
from handlib.training import CachedFrames
from handlib.training.order import generator_at

COMMAND = "handlib experiment alone"
LOST = 1 / 3  # of all frames
LOST_FRAMES = ", lost frames"  # behind the name of a group
GROUPS: Mapping[str, dict[str, Any]] = {"context": {}, "alone": {"temporal": "none"}}
WEIGHTS = {"equal": "uniform", "learned": "confidence", "hidden share": "occlusion"}


def with_lost_frames(seen: CachedFrames, share: float = LOST, seed: int = 0) -> CachedFrames:
    """The same windows, but of a random share of the frames nothing is known: F⁺ = 0, all hidden.

    A frame is lost in every window in which it stands. Its image joints are in the middle.
    """
    table = seen.table
    lost = torch.rand(len(table["feature"]), generator=generator_at(seed)) < share
    nothing = {"feature": 0.0, "joints_img": 0.5, "occlusion": 1.0}
    changed = copy(seen)
    changed.table = table | {
        name: torch.where(lost.view(-1, *[1] * (table[name].ndim - 1)), value, table[name])
        for name, value in nothing.items()
        if name in table
    }
    return changed


def guess_errors(
    hand: HandModel | HandPair,
    prediction: SequencePrediction,
    true_joints: Float[Tensor, "B T 21 3"],
) -> Float[Tensor, "B T"]:
    """How far each frame's guess of the middle hand, eq. 1 and 2 in 6D, is off; metres."""
    middle = true_joints.shape[1] // 2
    moves = prediction.forward_motion, prediction.backward_motion
    guesses = rot6d_to_rotmat(guesses_of_middle(prediction.pose6d, *moves))
    joints = over_time(hand, guesses, prediction.betas)[1]
    true = true_joints[:, middle, None].expand_as(joints)
    return root_aligned_mpjpe(joints.flatten(0, 1), true.flatten(0, 1)).view(joints.shape[:2])


def measure(judged: Judged) -> dict[str, Tensor]:
    """Of every frame's guess of the middle hand, root-aligned, in millimetres.

    most_hidden, least_hidden: error of the guess by that frame of a window, in windows whose
    hidden shares differ. error_rank, weight_rank: rank correlation of a guess's error, and of its
    learned weight, with the hidden share of its frame, in the same windows.
    """

    def looked_at(prediction: SequencePrediction, batch: SequenceBatch) -> dict[str, Tensor]:
        joints = needed(batch.joints, "joints")
        return {
            "error": 1000 * guess_errors(judged.model.hand, prediction, joints),
            "weight": prediction.confidence,
            "occlusion": needed(batch.occlusion, "occlusion"),
        }

    found = over_windows(judged, looked_at)
    error, occlusion = found["error"], found["occlusion"]
    varies = can_be_ranked(occlusion, judged.test)
    measured = {
        "most_hidden": error.gather(1, occlusion.argmax(1, keepdim=True))[:, 0],
        "least_hidden": error.gather(1, occlusion.argmin(1, keepdim=True))[:, 0],
        "error_rank": rank_correlation(error, occlusion).to(error),
    }
    if judged.model.config.weights == "confidence":
        measured["weight_rank"] = rank_correlation(found["weight"], occlusion).to(error)
    return {name: values.where(varies, torch.nan) for name, values in measured.items()}


def _variants() -> Iterator[tuple[str, Variant]]:
    for lost, seen in (("", copy), (LOST_FRAMES, with_lost_frames)):
        for group, network in GROUPS.items():
            for name, weights in WEIGHTS.items():
                change = partial(replace, weights=weights, **network)
                beside = f"{group}{lost}, equal"
                yield f"{group}{lost}, {name}", Variant(change, seen=seen, beside=beside)


STUDY = Study(
    name="alone",
    claim="weights help where a frame's guess is poor when it is hidden",
    variants=dict(_variants()),
    reference="context, equal",
    measure=measure,
)
