"""Does a motion discriminator calm the motion? With and without, over several seeds.

The claim (Deformer, section 3.4 and Table 5): a network that also plays against a judge of motion
moves more like a hand, and errs less. The judge here is as narrow beside the released one as the
network is: GRUs of 128 channels in place of 1024, which would take ten times as long as all the
rest. Its verdict is tried at the released weight, at a tenth, and at ten and a hundred times: what
none of them shows is no matter of the weight.

Five second stages for each seed, one to one and a half minutes each, beside the seed's start.
"""

from functools import partial

import torch
from torch import Tensor

from handlib.data.sample import needed
from handlib.data.sequence_batch import SequenceBatch
from handlib.experiments.measures import finger_angle, over_windows, whole_windows
from handlib.experiments.study import Judged, Study, Variant
from handlib.metrics import acceleration_error
from handlib.models import MotionDiscriminator
from handlib.models.deformer import SequencePrediction
from handlib.training import Critic

COMMAND = "handlib experiment critic"
WIDTH = 128


def make_critic(weight: float) -> Critic:
    """An untrained judge at course scale."""
    return Critic(MotionDiscriminator(WIDTH), weight)


def _motion(prediction: SequencePrediction, batch: SequenceBatch) -> dict[str, Tensor]:
    true = needed(batch.joints, "joints")
    still = (joints - joints[:, :, :1] for joints in (prediction.joints, true))
    return {
        "finger_angle": finger_angle(prediction, batch),
        "window_acceleration": 1000 * acceleration_error(*still).mean(1),
    }


def measure(judged: Judged) -> dict[str, Tensor]:
    """What the judge sees beside what is scored.

    finger_angle: between fused and true rotations, in degrees. window_acceleration: error of the
    acceleration of the frames' own hands, which the judge reads, in millimetres per frame²; of
    windows without a repeated frame.
    """
    found = over_windows(judged, _motion)
    whole = whole_windows(judged.test)
    found["window_acceleration"] = found["window_acceleration"].where(whole, torch.nan)
    return found


STUDY = Study(
    name="critic",
    claim="a motion discriminator lowers the acceleration error, and the error of the pose",
    variants={
        "without": Variant(),
        "with": Variant(critic=partial(make_critic, 10.0)),
        "with, a tenth": Variant(critic=partial(make_critic, 1.0)),
        "with, ten times": Variant(critic=partial(make_critic, 100.0)),
        "with, a hundred times": Variant(critic=partial(make_critic, 1000.0)),
    },
    reference="without",
    measure=measure,
)
