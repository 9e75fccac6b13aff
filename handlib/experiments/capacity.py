"""Is it the distance, or only more layers? Residual blocks in the place of FIT and SET.

Where the trunk sees its surroundings alone FIT and SET place hidden joints better (`reach`). Any
layers more might. The paper's own control (section 4.4) are residual blocks: two of them have
about as many numbers as FIT and SET, 83,000 and 87,000, and look four of the map's sixteen cells
to every side. What FIT and SET bring beyond them is what comes from farther away.
"""

from handlib.experiments.image_study import Base, ImageStudy, Variant
from handlib.experiments.reach import only_local
from handlib.models.baselines import HANDOCCNET

COMMAND = "handlib experiment capacity"
NETWORKS = {
    "local_backbone": "backbone",
    "local_residual_blocks": "residual_blocks",
    "local_handoccnet": "handoccnet",
}

STUDY = ImageStudy(
    name="capacity",
    claim="FIT and SET bring more than residual blocks in their place",
    bases={"local": Base(only_local)},
    variants={
        name: Variant(HANDOCCNET[part], "local_backbone", "local")
        for name, part in NETWORKS.items()
    },
)
