"""The finished hand and what went into it, as the steps of the build hand it on."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from .articulation import Articulation
from .correctives import SkinnedHand
from .grasping import Capsules
from .pose_space import PoseSpace
from .shape_space import ShapeSpace
from .splitting import SplitCorpus


@dataclass(frozen=True)
class Build:
    """Everything that the shipped files are written from."""

    hand: SkinnedHand
    shape: ShapeSpace
    regressor: Float[np.ndarray, "16 778"]
    articulation: Articulation
    named: dict[str, Float[np.ndarray, "15 3"]]  # axis-angle
    grasped: dict[str, Capsules]  # the objects of the named grasps
    corpus: SplitCorpus
    poses: PoseSpace
