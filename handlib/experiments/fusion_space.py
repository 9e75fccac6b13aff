"""In which space are guesses added up, and for which frames? Paper against code (D5, D7).

The paper adds axis-angles and fuses every frame of the window; the released code adds 6D vectors
and fuses the frame in the middle; composing rotations on SO(3) is ours. Motions begin at zero in
each space, so all start from the same hands. Frames in the middle are scored, whatever is fused.

Five second stages for each seed, one to one and a half minutes each (the hands of every frame
cost more), beside the seed's start.
"""

from dataclasses import replace
from functools import partial

from torch import Tensor

from handlib.data.sequence_batch import SequenceBatch
from handlib.experiments.measures import finger_angle, over_windows
from handlib.experiments.study import Judged, Study, Variant
from handlib.models.deformer import SequencePrediction

COMMAND = "handlib experiment fusion_space"


def _angle(prediction: SequencePrediction, batch: SequenceBatch) -> dict[str, Tensor]:
    return {"finger_angle": finger_angle(prediction, batch)}


def measure(judged: Judged) -> dict[str, Tensor]:
    """finger_angle: between fused and true rotations of the finger joints, in degrees."""
    return over_windows(judged, _angle)


STUDY = Study(
    name="fusion_space",
    claim="sums in 6D do as well as in axis-angle, and the centre alone as well as every frame",
    variants={
        "6D, centre": Variant(),  # as released
        "axis-angle, centre": Variant(partial(replace, space="axis_angle")),
        "SO(3), centre": Variant(partial(replace, space="so3")),
        "6D, every": Variant(partial(replace, fuse_every=True)),
        # as the paper writes it
        "axis-angle, every": Variant(partial(replace, space="axis_angle", fuse_every=True)),
    },
    reference="6D, centre",
    measure=measure,
)
