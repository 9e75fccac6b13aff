"""Do other frames help a hidden hand? Deformer and what it is compared with, over several seeds.

The claim (Deformer, Tables 1 and 4): temporal context lowers the error, most where the frame in
the middle is hidden most. All networks of a seed start from the same single-frame layers and see
the same windows of synthetic clips; only what joins the frames differs. The test split is scored
once for each network and seed.

Five second stages for each seed, about a minute each, beside the seed's start.
"""

from handlib.experiments.study import Study, Variant
from handlib.models.baselines import DEFORMER

COMMAND = "handlib experiment video"
VARIANTS = ("single_frame", "temporal", "average", "recurrent", "deformer")

STUDY = Study(
    name="video",
    claim="temporal context helps, most where the middle frame is hidden most",
    variants={name: Variant(DEFORMER[name]) for name in VARIANTS},
    reference="single_frame",
)
