"""Inverse kinematics for pads that touch: pinch, OK, tripod, thumb over the fist.

Pads are points of the mesh's own surface that move rigidly with a phalanx; angles come from a
small bounded least-squares problem that stays near the pose given.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy.optimize
from jaxtyping import Float, Int

from .articulation import COMPACT_SIZE, Articulation, expand
from .correctives import SkinnedHand, local_rotations
from .resolution import along_and_across
from .rig import FINGER_CHAINS, FINGERS
from .skinning import joint_transforms
from .transfer import closest_points

FINGER_BLOCKS = {"index": 0, "middle": 4, "ring": 8, "little": 12}
THUMB_BLOCK = np.arange(16, COMPACT_SIZE)
# Degrees; the solver's box, narrower than the joint limits so that no pad contact strains a joint.
LOWER = np.array([-15, 0, 0, -10] * 4 + [-18, -12, -15, -5, -5.0])
UPPER = np.array([88, 105, 62, 14] * 4 + [50, 60, 45, 58, 80.0])
POSITION_WEIGHT = 1e3  # residuals in millimetres
NORMAL_WEIGHT = 3.0
GAP = 0.0015  # metres between pads that touch
STAY_WEIGHT = 0.05  # per degree
PULP_TILT = 1.2  # how far a pulp's normal leans from the pad towards the tip


@dataclass(frozen=True)
class Pad:
    """A surface point (metres, rest pose) with outward normal, fixed to one joint."""

    joint: int
    point: Float[np.ndarray, "3"]
    normal: Float[np.ndarray, "3"]


class Contacts:
    """Pads of one hand and the solver that brings two of them together."""

    def __init__(
        self, hand: SkinnedHand, articulation: Articulation, tips: Float[np.ndarray, "5 3"]
    ) -> None:
        self.hand = hand
        self.articulation = articulation
        self.ends = dict(zip(FINGERS, tips, strict=True))

    def pad(self, finger: str, phalanx: int, along: float, side: str = "palmar") -> Pad:
        """The palmar, dorsal or radial skin at a fraction of a phalanx's length."""
        radial, dorsal, _ = self.articulation.axes[FINGER_CHAINS[finger][phalanx] - 1]
        normal = {"palmar": -dorsal, "dorsal": dorsal, "radial": radial}[side]
        return self._surface_pad(finger, phalanx, along, normal)

    def pulp(self, finger: str, along: float = 0.7) -> Pad:
        """The skin between pad and tip, where fingertips meet in a pinch."""
        _, up, bone = self.articulation.axes[FINGER_CHAINS[finger][-1] - 1]
        normal = PULP_TILT * bone - up
        return self._surface_pad(finger, 2, along, normal / np.linalg.norm(normal))

    def _surface_pad(
        self, finger: str, phalanx: int, along: float, normal: Float[np.ndarray, "3"]
    ) -> Pad:
        chain = FINGER_CHAINS[finger]
        joint = chain[phalanx]
        bone = self.articulation.axes[joint - 1, 2]
        start = self.hand.joints[joint]
        end = self.ends[finger] if phalanx == 2 else self.hand.joints[chain[phalanx + 1]]
        centre = start + bone * along * np.linalg.norm(end - start)
        # Well outside the skin, the nearest surface point lies straight above the bone.
        outside = centre + 2 * self._radius(joint, start, bone) * normal
        surface, _, _ = closest_points(outside[None], self.hand.template, self.hand.faces)
        return Pad(joint, surface[0], normal)

    def touch(
        self,
        compact: Float[np.ndarray, "21"],
        pairs: list[tuple[Pad, Pad]],
        free: Int[np.ndarray, "K"],
        gap: float = GAP,
    ) -> Float[np.ndarray, "21"]:
        """Move the free angles until each pair of pads faces each other at `gap` metres."""

        def residual(values: Float[np.ndarray, "K"]) -> Float[np.ndarray, "R"]:
            trial = compact.copy()
            trial[free] = values
            stay = STAY_WEIGHT * (values - compact[free])
            return np.concatenate([*self._mismatches(trial, pairs, gap), stay])

        low, high = LOWER[free], UPPER[free]
        start = np.clip(compact[free], low + 0.1, high - 0.1)
        solution = scipy.optimize.least_squares(residual, start, bounds=(low, high))
        result = compact.copy()
        result[free] = solution.x
        return result

    def pinch(self, compact: Float[np.ndarray, "21"], finger: str) -> Float[np.ndarray, "21"]:
        """Thumb against a fingertip."""
        block = FINGER_BLOCKS[finger]
        free = np.r_[np.arange(block, block + 3), THUMB_BLOCK]
        return self.touch(compact, [(self.pulp("thumb"), self.pulp(finger))], free)

    def thumb_over(
        self, compact: Float[np.ndarray, "21"], finger: str, along: float = 0.9
    ) -> Float[np.ndarray, "21"]:
        """Thumb pad on the back of a bent finger's middle phalanx."""
        pair = (self.pad("thumb", 2, 0.55), self.pad(finger, 1, along, "dorsal"))
        return self.touch(compact, [pair], THUMB_BLOCK)

    def _mismatches(
        self, compact: Float[np.ndarray, "21"], pairs: list[tuple[Pad, Pad]], gap: float
    ) -> Iterator[Float[np.ndarray, "3"]]:
        for first, second in pairs:
            a, normal_a = self._place(compact, first)
            b, normal_b = self._place(compact, second)
            yield POSITION_WEIGHT * (a - b + gap * (normal_a - normal_b) / 2)
            yield NORMAL_WEIGHT * (normal_a + normal_b)

    def _place(
        self, compact: Float[np.ndarray, "21"], pad: Pad
    ) -> tuple[Float[np.ndarray, "3"], Float[np.ndarray, "3"]]:
        pose = self.articulation.pose(expand(compact))
        rotations, translations = joint_transforms(local_rotations(pose), self.hand.joints)
        turn = rotations[pad.joint]
        return turn @ pad.point + translations[pad.joint], turn @ pad.normal

    def _radius(
        self, joint: int, start: Float[np.ndarray, "3"], bone: Float[np.ndarray, "3"]
    ) -> float:
        skin = self.hand.template[self.hand.weights.argmax(1) == joint]
        _, across = along_and_across(skin - start, bone)
        return float(np.median(across))
