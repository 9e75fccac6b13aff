"""Things in a clip as functions of time: at rest, in a hand, or on their way past it."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Float32
from scipy.spatial.transform import Rotation

from handlib.data.synthetic.casting import (
    LARGE_KINDS,
    Person,
    any_rotation,
    draw_thing,
    tinted,
)
from handlib.data.synthetic.config import SequencesConfig
from handlib.data.synthetic.hand_motion import HandMotion
from handlib.data.synthetic.objects import KINDS, EverydayObject, Split
from handlib.data.synthetic.occlusion import SmallView, cover
from handlib.data.synthetic.scene import PlacedThing
from handlib.data.synthetic.scripts import Handling
from handlib.data.synthetic.trajectories import Moves, Track

Generator = np.random.Generator
Poses = tuple[Float[np.ndarray, "T 3 3"], Float[np.ndarray, "T 3"]]


@runtime_checkable
class Path(Protocol):
    """Where a thing is."""

    def at(self, time: Float[np.ndarray, " T"]) -> Poses:
        """Its rotations and positions in the camera frame."""


@dataclass(frozen=True)
class MovingThing:
    """A thing and its path; `texels` replaces its own colours if it is given."""

    thing: EverydayObject
    path: Path
    texels: Float32[np.ndarray, "T 3"] | None = None

    def at(self, time: Float[np.ndarray, " T"]) -> list[PlacedThing]:
        """The thing at each of these times."""
        rotations, positions = self.path.at(time)
        return [
            PlacedThing(self.thing, rotation, position, self.texels)
            for rotation, position in zip(rotations, positions, strict=True)
        ]


@dataclass(frozen=True)
class AtRest:
    """It stays where it is."""

    rotation: Float[np.ndarray, "3 3"]
    position: Float[np.ndarray, "3"]

    def at(self, time: Float[np.ndarray, " T"]) -> Poses:
        """The same at all times."""
        count = len(time)
        return np.tile(self.rotation, (count, 1, 1)), np.tile(self.position, (count, 1))


@dataclass(frozen=True)
class InHand:
    """It moves with the hand while the hand holds it, and lies there before and after."""

    motion: HandMotion
    handling: Handling

    def at(self, time: Float[np.ndarray, " T"]) -> Poses:
        """At the hand of that time or of the nearest time at which it is held."""
        held = np.clip(time, self.handling.taken, self.handling.left)
        rotation, shift = self.motion.root(held)
        grasp = self.handling.grasp
        return rotation @ grasp.rotation, rotation @ grasp.position + shift


@dataclass(frozen=True)
class Passing:
    """It comes, stays for a moment and goes, turning a little. turns: rotation vectors."""

    rotation: Float[np.ndarray, "3 3"]
    turns: Track
    positions: Track

    def at(self, time: Float[np.ndarray, " T"]) -> Poses:
        """On its track."""
        turn = Rotation.from_rotvec(self.turns.at(time)).as_matrix()
        return turn @ self.rotation, self.positions.at(time)


def in_hand(
    rng: Generator, config: SequencesConfig, owner: Person, motion: HandMotion, handling: Handling
) -> MovingThing:
    """The thing that the hand handles."""
    here = PlacedThing(handling.thing, np.eye(3), np.zeros(3))
    colours = tinted(rng, config.skin_coloured, owner, here).texels
    return MovingThing(handling.thing, InHand(motion, handling), colours)


def behind(
    rng: Generator,
    split: Split,
    config: SequencesConfig,
    owner: Person,
    intrinsics: Float[np.ndarray, "3 3"],
    farthest: float,
) -> MovingThing:
    """A thing that stands behind all that the hand does; `farthest` is the hand's depth."""
    thing = draw_thing(rng, split, config.instances)
    depth = farthest + thing.radius + rng.uniform(0.03, 0.4)
    pixel = np.append(rng.uniform(0, 1, 2) * (2 * intrinsics[:2, 2] + 1), 1)
    position = np.linalg.solve(intrinsics, pixel) * depth
    placed = PlacedThing(thing, any_rotation(rng), position)
    colours = tinted(rng, config.skin_coloured, owner, placed).texels
    return MovingThing(thing, AtRest(placed.rotation, position), colours)


@dataclass(frozen=True)
class Encounter:
    """The moment that a thing hides the hand at: `view` and `nearest` depth of the hand then.

    size: of the image, pixels.
    """

    time: float
    view: SmallView
    nearest: float
    intrinsics: Float[np.ndarray, "3 3"]
    size: int


def in_front(
    rng: Generator, split: Split, config: SequencesConfig, owner: Person, meeting: Encounter
) -> MovingThing:
    """A thing that hides some or all of the hand at one moment, and none of it before."""
    hides = rng.random() < config.hidden
    target = 1.0 if hides else max(rng.uniform(0.1, 0.95), meeting.view.hidden)
    large = hides or target > 0.35
    thing = draw_thing(rng, split, config.instances, LARGE_KINDS if large else tuple(KINDS))
    rotation = any_rotation(rng)
    depth = meeting.nearest - 0.8 * thing.radius - rng.uniform(0.0, 0.2) * meeting.nearest
    depth = max(depth, 0.12 + thing.radius)
    position = cover(rng, thing, rotation, meeting.view, depth, target)
    colours = tinted(rng, config.skin_coloured, owner, PlacedThing(thing, rotation, position))
    if not hides and rng.random() < config.standing:
        return MovingThing(thing, AtRest(rotation, position), colours.texels)
    path = _pass(rng, thing, rotation, position, meeting, hides)
    return MovingThing(thing, path, colours.texels)


def _pass(
    rng: Generator,
    thing: EverydayObject,
    rotation: np.ndarray,
    position: np.ndarray,
    meeting: Encounter,
    hides: bool,
) -> Passing:
    """From outside the image to `position`, where it stays a moment, and out again."""
    stay = rng.uniform(0.1, 0.6) if hides else rng.uniform(0.0, 0.5)
    come, go = rng.uniform(0.6, 1.3, 2)
    turn = rng.uniform(0, 2 * np.pi)
    on = turn + (rng.normal(np.pi, 0.5) if rng.random() < 0.65 else rng.normal(0, 0.3))
    outside = [_outside(thing, position, meeting, angle) for angle in (turn, on)]
    places = Moves([outside[0]])
    places.add(meeting.time - stay / 2 - come, come, position)
    places.add(meeting.time + stay / 2, go, outside[1])
    spin = Moves([rng.normal(0, 0.35, 3)])
    spin.add(places.start[0], come, np.zeros(3))
    spin.add(places.start[1], go, rng.normal(0, 0.35, 3))
    return Passing(rotation, spin.track(), places.track())


def _outside(
    thing: EverydayObject, position: np.ndarray, meeting: Encounter, angle: float
) -> np.ndarray:
    """The nearest place in this direction, as deep, from where nothing of it is in the image."""
    focal, depth = meeting.intrinsics[0, 0], position[2]
    radius = focal * thing.radius / max(depth - thing.radius, 0.05)
    start = meeting.intrinsics[:2] @ (position / depth)
    direction = np.array([np.cos(angle), np.sin(angle)])
    goal = np.where(direction > 0, meeting.size - 0.5 + radius, -0.5 - radius)
    way = ((goal - start) / np.where(np.abs(direction) < 1e-3, 1e-3, direction)).min()
    return position + np.append(max(way, 0) * direction, 0) * depth / focal
