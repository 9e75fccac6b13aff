"""A corpus of natural hand poses: gestures, blends, curls and grasps, free of self-intersection.

Four sources are mixed; every candidate gets small noise on all 45 angles, is clipped to the joint
limits and must have at most `MAXIMUM_INSIDE` of its 778 vertices inside the hand. One that has
more is opened step by step towards a relaxed hand, which leaves many poses with fingers just
touching.
"""

import numpy as np
from jaxtyping import Float

from .articulation import FLEXION, Articulation, expand
from .collision import SelfIntersection
from .correctives import SkinnedHand
from .grasping import Grasper, sample_objects, sample_openings
from .rig import FINGER_CHAINS

MAXIMUM_INSIDE = 15
OPENING_STEPS = (1.0, 0.88, 0.76, 0.64)
# Parts of the candidates, in the order in which they are made.
SHARES = {"blends": 0.30, "curls": 0.17, "gestures": 0.18, "grasps": 0.35}
# Degrees: twist everywhere, abduction of hinge joints; people are not robots, and without it the
# 45 pose components would span only 21 dimensions.
TWIST_NOISE = 1.5
HINGE_NOISE = 0.8
# Of the grasps tried; the others are made with the fingertips and hold less often.
POWER_SHARE = 0.35
MINIMUM_CONTACTS = 4  # phalanges
# DIP flexion follows PIP flexion through shared tendons: at most this share plus this slack.
TENDON_SHARE, TENDON_SLACK = 0.85, 8.0

Compact = Float[np.ndarray, "N 21"]


def candidate_angles(
    count: int,
    named: dict[str, Float[np.ndarray, "21"]],
    grasper: Grasper,
    rng: np.random.Generator,
) -> Float[np.ndarray, "N 15 3"]:
    """Unchecked angles in radians, shuffled."""
    shares = rng.multinomial(count, list(SHARES.values()))
    library = np.stack(list(named.values()))
    compact = np.concatenate(
        [
            blends(shares[0], library, rng),
            curls(shares[1], rng),
            gestures(shares[2], library, rng),
        ]
    )
    angles = np.concatenate([expand(_couple_tendons(compact)), grasps(shares[3], grasper, rng)])
    return grasper.articulation.clip(_with_noise(angles, rng))[rng.permutation(count)]


def blends(count: int, library: Float[np.ndarray, "P 21"], rng: np.random.Generator) -> Compact:
    """Mixtures of one to three named poses."""
    weights = np.zeros((count, len(library)))
    for row in weights:
        members = rng.choice(len(library), rng.integers(1, 4), replace=False)
        row[members] = rng.dirichlet(np.full(len(members), 0.7))
    return weights @ library + rng.normal(0, [4, 6, 4, 2] * 4 + [4, 5, 4, 5, 6], (count, 21))


def curls(count: int, rng: np.random.Generator) -> Compact:
    """All fingers curl to about the same degree, each with its own say."""
    overall = rng.beta(0.9, 1.1, (count, 1))
    finger = np.clip(overall + rng.normal(0, 0.16, (count, 4)), 0, 1)
    return _assemble(finger, rng)


def gestures(count: int, library: Float[np.ndarray, "P 21"], rng: np.random.Generator) -> Compact:
    """Each finger straight, half bent or curled on its own, as in counting or signing."""
    level = rng.choice([0.0, 0.45, 0.95], (count, 4), p=[0.45, 0.2, 0.35])
    compact = _assemble(np.clip(level + rng.normal(0, 0.06, (count, 4)), 0, 1), rng)
    borrowed = rng.random(count) < 0.6
    thumbs = library[rng.integers(len(library), size=count), 16:]
    compact[borrowed, 16:] = thumbs[borrowed] + rng.normal(0, 3, (borrowed.sum(), 5))
    return compact


def grasps(count: int, grasper: Grasper, rng: np.random.Generator) -> Float[np.ndarray, "N 15 3"]:
    """Hands closed around balls and cylinders; tries until enough of them hold."""
    found: list[np.ndarray] = []
    while sum(map(len, found)) < count:
        power = rng.random(count) < POWER_SHARE
        objects = sample_objects(power, rng)
        angles, touching = grasper.close(sample_openings(power, rng), objects)
        found.append(angles[touching.sum((1, 2)) >= MINIMUM_CONTACTS])
    return np.concatenate(found)[:count]


def untangle(
    angles: Float[np.ndarray, "N 15 3"],
    relaxed: Float[np.ndarray, "15 3"],
    hand: SkinnedHand,
    articulation: Articulation,
) -> Float[np.ndarray, "M 15 3"]:
    """Axis-angle poses of the candidates that pass, opened towards `relaxed` where needed."""
    tangle = SelfIntersection(hand.faces, len(hand.template))
    kept = []
    for candidate in angles:
        for share in OPENING_STEPS:
            pose = articulation.pose(relaxed + share * (candidate - relaxed))
            if tangle.count(hand.vertices(pose)) <= MAXIMUM_INSIDE:
                kept.append(pose)
                break
    return np.stack(kept)


def _assemble(curl: Float[np.ndarray, "N 4"], rng: np.random.Generator) -> Compact:
    """Compact angles from one curl in 0..1 per finger and a free thumb."""
    count = len(curl)
    compact = np.zeros((count, 21))
    for k in range(4):
        root = np.clip(curl[:, k] + rng.normal(0, 0.18, count), -0.15, 1)
        middle = np.clip(curl[:, k] + rng.normal(0, 0.14, count), 0, 1)
        compact[:, 4 * k] = 76 * root
        compact[:, 4 * k + 1] = 98 * middle
        compact[:, 4 * k + 2] = 50 * middle * np.clip(rng.normal(1, 0.2, count), 0.3, 1.3)
        compact[:, 4 * k + 3] = rng.normal(3, 4.5, count) * (1 - 0.7 * np.clip(root, 0, 1))
    low, high = np.array([-15, -8, -12, -5, -8]), np.array([38, 52, 15, 48, 55])
    compact[:, 16:] = rng.uniform(low, high, (count, 5))
    return compact


def _couple_tendons(compact: Compact) -> Compact:
    compact = compact.copy()
    middle, last = compact[:, 1:16:4], compact[:, 2:16:4]
    compact[:, 2:16:4] = np.minimum(last, TENDON_SHARE * np.maximum(middle, 0) + TENDON_SLACK)
    return compact


def _with_noise(
    angles: Float[np.ndarray, "N 15 3"], rng: np.random.Generator
) -> Float[np.ndarray, "N 15 3"]:
    scale = np.radians(np.tile([0.0, HINGE_NOISE, TWIST_NOISE], (15, 1)))
    roots = [chain[0] - 1 for chain in FINGER_CHAINS.values()]
    scale[roots, FLEXION] = 0
    return angles + rng.normal(0, 1, angles.shape) * scale


def sweeps(articulation: Articulation) -> Float[np.ndarray, "S 15 3"]:
    """Single joints over their ranges, so that the fit behaves away from natural poses."""
    rows = []
    for joint in range(15):
        for motion, degrees in ((FLEXION, (-10, 15, 30, 45, 60, 75, 90, 105)), (1, (-12, 12))):
            for angle in degrees:
                angles = np.zeros((15, 3))
                angles[joint, motion] = np.radians(angle)
                rows.append(articulation.clip(angles))
    return np.stack(rows)
