"""What does telling M and the gates what to show do to them, and to the error?

No paper's claim: our extension (`LossConfig.guided`) beside the papers' own losses, from one
start, over several seeds, so that nothing but the two terms differs. Each term is also tried
alone: does a necessity map that is right make the gates right, or the other way round?
"""

from dataclasses import replace

from handlib.experiments.image_study import ImageStudy, Variant
from handlib.losses import LossConfig
from handlib.models.baselines import GUIDED, HANDOCCNET

COMMAND = "handlib experiment guidance"


def _necessity(loss: LossConfig) -> LossConfig:
    return replace(loss.guided(), gate=0.0)


def _gates(loss: LossConfig) -> LossConfig:
    return replace(loss.guided(), necessity=0.0)


STUDY = ImageStudy(
    name="guidance",
    claim="maps that are told what to show show it, at no cost in error",
    variants={
        "handoccnet": Variant(HANDOCCNET["handoccnet"], "handoccnet"),
        "necessity_told": Variant(GUIDED, "handoccnet", loss=_necessity),
        "gates_told": Variant(GUIDED, "handoccnet", loss=_gates),
        "both_told": Variant(GUIDED, "handoccnet", loss=LossConfig.guided),
    },
)
