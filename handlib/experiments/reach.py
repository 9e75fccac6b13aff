"""When do FIT and SET help? The same parts where nothing else brings distant places together.

In the course's network, as in the released one, much does: the last stages of the ResNet and the
hourglass behind SET see nearly all of the hand. What reads masks and heatmaps off F teaches F the
joints before FIT. This experiment takes one after the other away, from both the backbone and the
network with the parts, and asks what the parts then bring:

- no_hourglass: the heatmaps come from F_SET by a few small convolutions.
- no_readout: no masks or heatmaps are read off F, so no loss teaches F but through FIT and SET.
- local: no hourglass, and F is made of the ResNet's first two stages alone, whose cells see about
  60 of 128 pixels. To place a joint from what shows elsewhere there is only FIT, or SET.

The MANO head reads the whole map in every case: the joints in the image tell more than the mesh.
"""

from dataclasses import replace
from functools import partial

from handlib.experiments.image_study import Base, ImageStudy, Variant
from handlib.models.baselines import HANDOCCNET
from handlib.models.handoccnet import HandOccNetConfig

COMMAND = "handlib experiment reach"

_LOCAL = {
    "backbone": "backbone",
    "fit": "fit_without_set",
    "set": "set_without_fit",
    "handoccnet": "handoccnet",
}


def _pair(base: str) -> dict[str, Variant]:
    return {
        f"{base}_backbone": Variant(HANDOCCNET["backbone"], f"{base}_backbone", base),
        f"{base}_handoccnet": Variant(HANDOCCNET["handoccnet"], f"{base}_backbone", base),
    }


def only_local(config: HandOccNetConfig) -> HandOccNetConfig:
    """F from the ResNet's first two stages, and no hourglass."""
    return replace(config, hourglass=0, pyramid_levels=2)


STUDY = ImageStudy(
    name="reach",
    claim="FIT and SET help where nothing else brings distant places together",
    bases={
        "local": Base(only_local),
        "no_hourglass": Base(partial(replace, hourglass=0)),
        "no_readout": Base(
            partial(replace, feature_readout=False), partial(replace, early_heatmap=0.0, mask=0.0)
        ),
    },
    variants={
        f"local_{name}": Variant(HANDOCCNET[part], "local_backbone", "local")
        for name, part in _LOCAL.items()
    }
    | _pair("no_hourglass")
    | _pair("no_readout"),
)
