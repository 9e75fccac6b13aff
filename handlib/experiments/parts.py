"""Which parts of HandOccNet help? Its baselines from one start, over several seeds.

The claims (HandOccNet, sections 4.4 and 4.5): F_p alone loses what the hidden region tells; FIT
and SET each help, and together most, more than residual blocks in their place; softmax alone is
worse than softmax and gate.
"""

from handlib.experiments.image_study import ImageStudy, Variant
from handlib.models.baselines import HANDOCCNET

COMMAND = "handlib experiment parts"

STUDY = ImageStudy(
    name="parts",
    claim="FIT and SET each lower the error, together most; F_p alone raises it",
    variants={name: Variant(change, beside="backbone") for name, change in HANDOCCNET.items()},
)
