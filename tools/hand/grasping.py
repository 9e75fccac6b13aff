"""Grasps of capsules: balls, cans, bottles, rods and pens of any size, for many hands at once.

As in GraspIt!'s automatic grasp, an object is put before the palm and one joint after another
flexes until the finger touches. Fingers are chains of spheres, the object is a segment with a
radius: length zero is a ball, a long one a cylinder.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from .articulation import FLEXION, Articulation, expand
from .correctives import SkinnedHand
from .resolution import along_and_across
from .rig import FINGER_CHAINS, FINGERS, PARENTS
from .skinning import joint_transforms, rotation_matrices, unit

SPHERES = 5  # along each phalanx
SWEEP_STEPS = 40
DROOP = 0.4  # share of its range by which a joint bends that meets nothing
CYLINDERS = (20, 30, 45, 60, 75)  # diameters in millimetres
BALLS = (40, 65, 85)
NAMED_TRIES = 1200
# How deep soft skin may sink into the object.
SOFTNESS = 0.0015


@dataclass(frozen=True)
class Capsules:
    """N objects in the hand's rest frame, metres: centre, unit axis, half length, radius."""

    centre: Float[np.ndarray, "N 3"]
    axis: Float[np.ndarray, "N 3"]
    half_length: Float[np.ndarray, "N"]
    radius: Float[np.ndarray, "N"]

    def take(self, index: int) -> "Capsules":
        """One of the objects, as a set of one."""
        rows = slice(index, index + 1)
        return Capsules(
            self.centre[rows], self.axis[rows], self.half_length[rows], self.radius[rows]
        )

    def distance(self, points: Float[np.ndarray, "N K 3"]) -> Float[np.ndarray, "N K"]:
        """Signed distance of each point from its object's surface."""
        offset = points - self.centre[:, None]
        along = np.einsum("nkc,nc->nk", offset, self.axis)
        along = np.clip(along, -self.half_length[:, None], self.half_length[:, None])
        nearest = along[..., None] * self.axis[:, None]
        return np.linalg.norm(offset - nearest, axis=2) - self.radius[:, None]


class Grasper:
    """Closes one hand around objects."""

    def __init__(
        self, hand: SkinnedHand, articulation: Articulation, tips: Float[np.ndarray, "5 3"]
    ) -> None:
        self.joints = hand.joints
        self.articulation = articulation
        self.spheres = {
            joint: _phalanx_spheres(hand, articulation, chain, tip, k)
            for chain, tip in zip((FINGER_CHAINS[f] for f in FINGERS), tips, strict=True)
            for k, joint in enumerate(chain)
        }

    def close(
        self, angles: Float[np.ndarray, "N 15 3"], objects: Capsules
    ) -> tuple[Float[np.ndarray, "N 15 3"], Bool[np.ndarray, "N 5 3"]]:
        """Flex every joint from its given angle until contact; also say which phalanges touch.

        None does in a failed grasp: where a finger is inside the object, or where it is not
        touched by the thumb and two more fingers.
        """
        angles = angles.copy()
        for finger in ("index", "middle", "ring", "little", "thumb"):
            for k, joint in enumerate(FINGER_CHAINS[finger]):
                self._flex_until_contact(angles, objects, joint, FINGER_CHAINS[finger][k:])
        chains = [FINGER_CHAINS[finger] for finger in FINGERS]
        gaps = np.stack([self._gaps(angles, objects, chain) for chain in chains], axis=1)  # N 5 3
        touching = gaps < 2 * SOFTNESS
        fingers = touching.any(2)
        holds = fingers[:, 0] & (fingers[:, 1:].sum(1) >= 2) & (gaps > -2 * SOFTNESS).all((1, 2))
        return angles, touching & holds[:, None, None]

    def _flex_until_contact(
        self,
        angles: Float[np.ndarray, "N 15 3"],
        objects: Capsules,
        joint: int,
        moving: tuple[int, ...],
    ) -> None:
        """Sweep one joint to its limit and keep the last angle before the first contact.

        Flexion is a joint's outermost rotation, so a sweep turns the finger's spheres about one
        fixed axis.
        """
        rotations, translations = self._transforms(angles)
        points, radii = self._place(rotations, translations, moving)
        parent = PARENTS[joint]
        pivot = rotations[:, parent] @ self.joints[joint] + translations[:, parent]
        axis = rotations[:, parent] @ self.articulation.axes[joint - 1, FLEXION]
        start = angles[:, joint - 1, FLEXION].copy()
        end = self.articulation.limits[joint - 1, FLEXION, 1]
        best, free = start.copy(), np.ones(len(angles), bool)
        for share in np.linspace(0, 1, SWEEP_STEPS):
            sweep = (end - start) * share
            turned = _turn(points, pivot, axis, sweep)
            free &= (objects.distance(turned) - radii).min(1) > -SOFTNESS
            best = np.where(free, start + sweep, best)
        # A joint that meets nothing droops as a relaxed one does.
        angles[:, joint - 1, FLEXION] = np.where(free, start + DROOP * (end - start), best)

    def _gaps(
        self, angles: Float[np.ndarray, "N 15 3"], objects: Capsules, joints: tuple[int, ...]
    ) -> Float[np.ndarray, "N J"]:
        """Distance between each phalanx's skin and the object."""
        points, radii = self._place(*self._transforms(angles), joints)
        distances = objects.distance(points) - radii
        return distances.reshape(len(angles), len(joints), SPHERES).min(2)

    def _transforms(
        self, angles: Float[np.ndarray, "N 15 3"]
    ) -> tuple[Float[np.ndarray, "N 16 3 3"], Float[np.ndarray, "N 16 3"]]:
        local = rotation_matrices(self.articulation.pose(angles))
        wrist = np.broadcast_to(np.eye(3), (len(angles), 1, 3, 3))
        return joint_transforms(np.concatenate([wrist, local], axis=1), self.joints)

    def _place(
        self,
        rotations: Float[np.ndarray, "N 16 3 3"],
        translations: Float[np.ndarray, "N 16 3"],
        joints: tuple[int, ...],
    ) -> tuple[Float[np.ndarray, "N K 3"], Float[np.ndarray, "K"]]:
        """Sphere centres of some joints in the hand's frame, and their radii."""
        centres = [
            self.spheres[j][0] @ rotations[:, j].transpose(0, 2, 1) + translations[:, j, None]
            for j in joints
        ]
        radii = np.repeat([self.spheres[j][1] for j in joints], SPHERES)
        return np.concatenate(centres, axis=1), radii


def named_grasps(
    grasper: Grasper, rng: np.random.Generator, acceptable: Callable[[np.ndarray], bool]
) -> dict[str, tuple[Float[np.ndarray, "15 3"], Capsules]]:
    """Cylinders and balls of round diameters, each in the firmest acceptable of many grasps.

    Raises:
        RuntimeError: no grasp of an object holds and is acceptable.
    """
    diameters = {f"cylinder_{mm}mm": mm for mm in CYLINDERS} | {f"ball_{mm}mm": mm for mm in BALLS}
    grasps = {}
    for name, diameter in diameters.items():
        half_length = 0.0 if name.startswith("ball") else 0.08
        objects = _same_object(diameter / 2000, half_length, rng)
        openings = sample_openings(np.ones(NAMED_TRIES, bool), rng)
        angles, touching = grasper.close(openings, objects)
        # All fingers first, then as many phalanges as possible.
        firmness = 16 * touching.any(2).sum(1) + touching.sum((1, 2))
        firmest = [i for i in np.argsort(-firmness, kind="stable") if firmness[i]]
        best = next((i for i in firmest if acceptable(angles[i])), None)
        if best is None:
            raise RuntimeError(f"{name}: none of {NAMED_TRIES} grasps holds; widen the sampling")
        grasps[name] = (angles[best], objects.take(best))
    return grasps


def _same_object(radius: float, half_length: float, rng: np.random.Generator) -> Capsules:
    """One object against the palm in many places, its axis nearly across the hand."""
    objects = sample_objects(np.ones(NAMED_TRIES, bool), rng)
    shift = objects.radius - radius
    return Capsules(
        centre=objects.centre + np.array([0, 1, 0]) * shift[:, None],
        axis=unit(objects.axis * [0.4, 0.5, 1]),
        half_length=np.full(NAMED_TRIES, half_length),
        radius=np.full(NAMED_TRIES, radius),
    )


def sample_objects(power: Bool[np.ndarray, "N"], rng: np.random.Generator) -> Capsules:
    """Objects before the palm: against it for a power grasp, else at the fingertips."""
    count = len(power)
    radius = np.where(power, rng.uniform(0.010, 0.048, count), rng.uniform(0.005, 0.042, count))
    ball = rng.random(count) < 0.3
    radius = np.where(ball, np.maximum(radius, 0.016), radius)
    half_length = np.where(ball, 0.0, rng.uniform(0.03, 0.12, count))
    tilt, lean = rng.normal(0, 0.45, count), rng.normal(0, 0.2, count)
    axis = unit(np.stack([np.tan(np.clip(tilt, -1, 1)), np.tan(lean), np.ones(count)], axis=1))
    height = np.where(power, rng.uniform(0.012, 0.016, count), rng.uniform(0.02, 0.055, count))
    reach = np.where(power, rng.uniform(-0.010, 0.030, count), rng.uniform(-0.045, 0.005, count))
    centre = np.stack([reach, -height - radius, rng.uniform(-0.015, 0.02, count)], axis=1)
    return Capsules(centre, axis, half_length, radius)


def sample_openings(power: Bool[np.ndarray, "N"], rng: np.random.Generator) -> np.ndarray:
    """Angles (N,15,3) in radians before closing: open hands with the thumb in opposition.

    For precision grasps the fingers are bent beforehand, so that their tips meet the object.
    """
    count = len(power)
    compact = np.zeros((count, 21))
    bend = np.where(power, 0.0, rng.uniform(15, 55, count))
    for block in range(0, 16, 4):
        compact[:, block] = -12
        compact[:, block + 1] = np.clip(bend + rng.normal(0, 6, count) * ~power, 0, None)
        compact[:, block + 2] = compact[:, block + 1] * rng.uniform(0.3, 0.7, count)
        compact[:, block + 3] = rng.normal(4, 4, count) * (block != 4)
    compact[:, 16] = -15
    compact[:, 17] = rng.uniform(25, 60, count)
    compact[:, 18] = rng.uniform(-15, 25, count)
    compact[:, 19] = rng.uniform(0, 15, count)
    compact[:, 20] = rng.uniform(0, 25, count)
    return expand(compact)


def _turn(
    points: Float[np.ndarray, "N K 3"],
    pivot: Float[np.ndarray, "N 3"],
    axis: Float[np.ndarray, "N 3"],
    angle: Float[np.ndarray, "N"],
) -> Float[np.ndarray, "N K 3"]:
    turn = rotation_matrices(axis * angle[:, None])
    return (points - pivot[:, None]) @ turn.transpose(0, 2, 1) + pivot[:, None]


def _phalanx_spheres(
    hand: SkinnedHand,
    articulation: Articulation,
    chain: tuple[int, ...],
    tip: Float[np.ndarray, "3"],
    k: int,
) -> tuple[Float[np.ndarray, "K 3"], float]:
    """Sphere centres along a phalanx and the median radius of its skin."""
    joint = chain[k]
    start = hand.joints[joint]
    skin = hand.template[hand.weights.argmax(1) == joint]
    bone = articulation.axes[joint - 1, 2]
    radius = float(np.median(along_and_across(skin - start, bone)[1]))
    # The last sphere's cap is the fingertip itself.
    end = tip - bone * radius if k == 2 else hand.joints[chain[k + 1]]
    return start + np.linspace(0.1, 1, SPHERES)[:, None] * (end - start), radius
