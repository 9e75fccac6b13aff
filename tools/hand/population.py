"""A population of hands: MakeHuman bodies in rest pose, scaled to measured hand lengths.

MakeHuman's own spread of hand sizes is far too wide (17-25 mm standard deviation), so every
sample is rescaled to a length drawn from the U.S. Army's anthropometric surveys. There hand length
runs from the wrist to the middle fingertip; here it is the distance from the wrist joint to that
tip in the rest pose.

Source of the lengths: Gordon et al., 2012 Anthropometric Survey of U.S. Army Personnel: Methods
and Summary Statistics, NATICK/TR-15/007 (2014).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from .canonical import to_rest_pose
from .extraction import Anatomy, HandSource
from .makehuman import Phenotype
from .rig import FINGER_CHAINS, FINGERS, MIDDLE_TIP
from .skinning import unit


@dataclass(frozen=True)
class HandLength:
    """Hand length in metres of women and men, rounded to whole millimetres."""

    female_mean: float = 0.181
    male_mean: float = 0.193
    deviation: float = 0.010


# Slider -> (mean, standard deviation) of MakeHuman's two-sided targets. Fingers of the neutral
# adult are short for the palm, hence the means that are not zero.
SLIDERS = {
    "hands/r-hand-fingers-length": (0.3, 0.3),
    "hands/r-hand-fingers-diameter": (0.0, 0.3),
    "hands/r-hand-fingers-distance": (0.0, 0.2),
    "hands/r-hand-scale": (-0.1, 0.12),
    "hands/measure-wrist-circ": (0.0, 0.4),
    "arms/r-lowerarm-fat": (0.0, 0.3),
    "arms/r-lowerarm-muscle": (0.0, 0.3),
}
# MakeHuman lengthens all fingers alike; people differ finger by finger. Relative deviations.
FINGER_LENGTH_DEVIATION = dict(zip(FINGERS, (0.03, 0.03, 0.025, 0.03, 0.04), strict=True))


def neutral_hand(source: HandSource) -> Anatomy:
    """The neutral adult's hand in rest pose, wrist joint at the origin, unscaled."""
    hand = source.sample(Phenotype(), {"hands/r-hand-fingers-length-incr": 0.3})
    return to_rest_pose(hand, source.skin_weights)


def sample_population(
    source: HandSource, count: int, rng: np.random.Generator, lengths: HandLength | None = None
) -> list[Anatomy]:
    """`count` hands in rest pose at full resolution."""
    lengths = lengths or HandLength()
    return [_sample_hand(source, rng, lengths) for _ in range(count)]


def hand_length(hand: Anatomy) -> float:
    """Wrist joint to middle fingertip in metres."""
    return float(np.linalg.norm(hand.tips[MIDDLE_TIP] - hand.joints[0]))


def _sample_hand(source: HandSource, rng: np.random.Generator, lengths: HandLength) -> Anatomy:
    person = _sample_person(rng)
    hand = to_rest_pose(source.sample(person, _sample_sliders(rng)), source.skin_weights)
    growth = {f: rng.normal(0, deviation) for f, deviation in FINGER_LENGTH_DEVIATION.items()}
    hand = _grow_fingers(hand, source.skin_weights, growth)
    mean = lengths.female_mean + (lengths.male_mean - lengths.female_mean) * person.gender
    scale = rng.normal(mean, lengths.deviation) / hand_length(hand)
    return Anatomy(hand.vertices * scale, hand.joints * scale, hand.tips * scale)


def _sample_person(rng: np.random.Generator) -> Phenotype:
    """An adult: women and men alike often, most sliders near the middle."""

    def slider(mean: float, deviation: float, low: float = 0.0) -> float:
        return float(np.clip(rng.normal(mean, deviation), low, 1))

    races = tuple(rng.dirichlet([1, 1, 1]))
    return Phenotype(
        races=races,
        gender=slider(rng.choice([0.15, 0.85]), 0.1),
        age=slider(0.58, 0.16, low=0.36),
        muscle=slider(0.5, 0.2),
        weight=slider(0.5, 0.22),
        height=slider(0.5, 0.055),
        proportions=slider(0.5, 0.2),
    )


def _sample_sliders(rng: np.random.Generator) -> dict[str, float]:
    sliders = {}
    for name, (mean, deviation) in SLIDERS.items():
        value = float(np.clip(rng.normal(mean, deviation), -1, 1))
        sliders[f"{name}-{'incr' if value > 0 else 'decr'}"] = abs(value)
    return sliders


def _grow_fingers(
    hand: Anatomy, weights: Float[np.ndarray, "V 16"], growth: dict[str, float]
) -> Anatomy:
    """Stretch each straight finger along itself, from its first joint on."""
    vertices, joints, tips = hand.vertices.copy(), hand.joints.copy(), hand.tips.copy()
    for k, (finger, amount) in enumerate(growth.items()):
        chain = list(FINGER_CHAINS[finger])
        root = joints[chain[0]].copy()
        axis = unit(tips[k] - root)
        share = weights[:, chain].sum(1)
        height = np.clip((vertices - root) @ axis, 0, None)
        vertices += (amount * height * share)[:, None] * axis
        joints[chain[1:]] += amount * ((joints[chain[1:]] - root) @ axis)[:, None] * axis
        tips[k] += amount * ((tips[k] - root) @ axis) * axis
    return Anatomy(vertices, joints, tips)
