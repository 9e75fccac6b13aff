"""Weights that nobody declared: the length of a 6D vector, beside the confidence.

Equal weights do as well as learned ones even where a third of the frames tells nothing (`alone`).
How can they? As released, guesses are averaged as 6D vectors, and Gram-Schmidt then ignores the
length of the mean, so no loss holds the lengths of its terms to anything. A guess that is twice as
long counts twice. If networks with equal weights choose frames in this way, guesses of lost frames
are short there, and on SO(3), where a guess has no length, equal weights must be worse than
learned ones.

First without the encoder and with a third of the frames lost, where choosing has most to gain; on
SO(3) then for Deformer as it is, too. Its 6D pair stands in the results of `alone`.

Six second stages for each seed, about a minute each, beside the seed's start.
"""

from copy import copy
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from handlib.data.sample import needed
from handlib.data.sequence_batch import SequenceBatch
from handlib.experiments.alone import GROUPS, LOST_FRAMES, WEIGHTS, with_lost_frames
from handlib.experiments.confidence import rank_correlation
from handlib.experiments.measures import can_be_ranked, over_windows
from handlib.experiments.study import Judged, Study, Variant
from handlib.models.deformer import SequencePrediction
from handlib.models.fusion import Space, guesses_of_middle

COMMAND = "handlib experiment length"
SPACES: dict[str, Space] = {"6D": "rot6d", "SO(3)": "so3"}


def measure(judged: Judged) -> dict[str, Tensor]:
    """Rank correlations with the hidden share of a frame, in windows whose hidden shares differ.

    length_rank: of the length of its guess of the middle hand in 6D, mean over the joints.
    weight_rank: of its learned weight.
    """
    config = judged.model.config
    there = {"length": config.space == "rot6d", "weight": config.weights == "confidence"}

    def looked_at(prediction: SequencePrediction, batch: SequenceBatch) -> dict[str, Tensor]:
        found = {
            "occlusion": needed(batch.occlusion, "occlusion"),
            "weight": prediction.confidence,
        }
        if there["length"]:
            moves = prediction.forward_motion, prediction.backward_motion
            guesses = guesses_of_middle(prediction.pose6d, *moves)
            found["length"] = guesses.norm(dim=-1).mean(-1)
        return found

    found = over_windows(judged, looked_at)
    varies = can_be_ranked(found["occlusion"], judged.test)
    return {
        f"{name}_rank": rank_correlation(found[name], found["occlusion"])
        .float()
        .where(varies, torch.nan)
        for name in there
        if there[name]
    }


def _pair(group: str, space: str) -> dict[str, Variant]:
    """Equal and learned weights, of networks of a group of `alone`."""
    seen = with_lost_frames if group.endswith(LOST_FRAMES) else copy
    network = GROUPS[group.removesuffix(LOST_FRAMES)]
    return {
        f"{group}, {space}, {weights}": Variant(
            partial(replace, space=SPACES[space], weights=WEIGHTS[weights], **network),
            seen=seen,
            beside=f"{group}, {space}, equal",
        )
        for weights in ("equal", "learned")
    }


STUDY = Study(
    name="length",
    claim="where a guess has no length, learned weights beat equal ones",
    variants=_pair("alone, lost frames", "6D")
    | _pair("alone, lost frames", "SO(3)")
    | _pair("context", "SO(3)"),
    reference="alone, lost frames, 6D, equal",
    measure=measure,
)
