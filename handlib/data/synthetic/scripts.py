"""What a hand does in a clip: it gestures, waves, points, or picks a thing up and puts it down.

Goals follow one another; `Track` moves the hand between them. Poses are those of the split's
corpus; a gesture such as pointing is the nearest that the split has to it, so that no pose goes
from one split to another.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float

from handlib.data.synthetic.casting import Person, corpus, draw_thing
from handlib.data.synthetic.config import SequencesConfig
from handlib.data.synthetic.grasps import Grasp, grasp
from handlib.data.synthetic.hand_motion import (
    HandMotion,
    rest_joints,
    tremor_margin,
    turned,
    within_limits,
)
from handlib.data.synthetic.objects import EverydayObject, Split
from handlib.data.synthetic.trajectories import Moves, Tremor
from handlib.hands.hand_model import HandModel
from handlib.hands.pose_prior import load_named_poses, motions_from_pose

Generator = np.random.Generator


@dataclass(frozen=True)
class Handling:
    """A thing in the hand from one time to another; it lies where it was taken and is left."""

    thing: EverydayObject
    grasp: Grasp
    taken: float
    left: float


@dataclass
class Script:
    """A hand's goals, written one after the other. Times in seconds; `now` is where it ends."""

    rng: Generator
    split: Split
    config: SequencesConfig
    owner: Person
    fingers: Moves
    angles: Moves
    place: Moves
    home: Float[np.ndarray, "3"]
    reach: float
    now: float = 0.0
    handling: Handling | None = field(default=None)

    def move(
        self,
        duration: float,
        fingers: np.ndarray | None = None,
        angles: np.ndarray | None = None,
        place: np.ndarray | None = None,
    ) -> None:
        """Go to new goals, where there are any, in `duration` seconds."""
        goals = ((self.fingers, fingers), (self.angles, angles), (self.place, place))
        for moves, goal in goals:
            if goal is not None:
                moves.add(self.now, duration, goal.ravel())
        self.now += duration

    def pause(self, seconds: float) -> None:
        """Stay; a negative time starts the next move before the last one has ended."""
        self.now += seconds

    def some_angles(self) -> np.ndarray:
        """An orientation the whole clip may take."""
        limits = np.radians([self.config.roll, self.config.tilt, self.config.spin])
        return self.rng.uniform(-limits, limits)

    def some_place(self) -> np.ndarray:
        """A place within reach of the clip's middle."""
        turn, far = self.rng.uniform(0, 2 * np.pi), self.reach * self.rng.uniform(0.4, 1)
        depth = self.rng.uniform(-0.04, 0.04)
        return self.home + [far * np.cos(turn), 0.7 * far * np.sin(turn), depth]

    def some_fingers(self, name: str | None = None) -> np.ndarray:
        """A pose of the split, any one or the like of a named one, as joint motions."""
        poses = corpus(self.split) if name is None else _alike(self.split, name)
        motions = motions_from_pose(torch.from_numpy(poses[self.rng.integers(len(poses))]))
        varied = motions.numpy() * (1 + self.rng.normal(0, 0.06, (15, 1)))
        varied += self.rng.normal(0, self.config.corpus_noise, (15, 3))
        return within_limits(varied, tremor_margin(self.config.tremor))


@lru_cache(maxsize=64)
def _alike(split: Split, name: str) -> np.ndarray:
    """The split's poses that are nearest to a named one."""
    poses, goal = corpus(split), load_named_poses()[name][1:].numpy()
    distance = np.linalg.norm(poses - goal, axis=2).mean(1)
    return poses[np.argsort(distance)[:12]]


def gesture(script: Script) -> None:
    """From one pose of the fingers to another, while the hand turns and moves."""
    rng = script.rng
    script.move(
        rng.uniform(0.45, 0.95),
        fingers=script.some_fingers(),
        angles=script.some_angles() if rng.random() < 0.75 else None,
        place=script.some_place() if rng.random() < 0.75 else None,
    )
    script.pause(rng.uniform(-0.15, 0.35))


def wave(script: Script) -> None:
    """An open hand, swung from side to side about a point on the forearm."""
    rng = script.rng
    middle, centre = script.some_angles() * [0.3, 0.6, 0.6], script.some_place()
    opened = script.some_fingers("spread" if rng.random() < 0.5 else "flat")
    script.move(rng.uniform(0.5, 0.8), opened, middle, centre)
    swing, period = np.radians(rng.uniform(12, 26)), rng.uniform(0.30, 0.42)
    side = rng.choice([-1.0, 1.0])
    for _ in range(rng.integers(4, 7)):
        side = -side
        angles = middle + [side * swing, 0, rng.normal(0, 0.05)]
        script.move(period, angles=angles, place=centre + [side * 0.09 * swing, 0, 0])
        script.pause(-0.2 * period)
    script.pause(0.3 * period)


def point(script: Script) -> None:
    """An outstretched finger goes towards something and back, once or twice."""
    rng = script.rng
    angles, place = script.some_angles(), script.some_place()
    script.move(rng.uniform(0.5, 0.8), script.some_fingers("point"), angles, place)
    for _ in range(rng.integers(1, 3)):
        forwards = turned(angles[None])[0] @ np.array([-1.0, 0, 0])  # where the fingers are
        thrust = rng.uniform(0.03, 0.07) * forwards
        angles = angles + rng.normal(0, 0.12, 3)
        script.move(rng.uniform(0.3, 0.45), angles=angles, place=place + thrust)
        script.pause(rng.uniform(0.05, 0.4))
        script.move(rng.uniform(0.35, 0.5), place=place)


def handle(script: Script, hand: HandModel) -> None:
    """Reach for a thing, close the hand on it, carry and turn it, put it down, let go."""
    rng, config = script.rng, script.config
    thing = draw_thing(rng, script.split, config.instances)
    held = grasp(rng, hand, script.owner.betas, thing)
    motions = motions_from_pose(torch.from_numpy(held.fingers)).numpy()
    closed = within_limits(motions, tremor_margin(config.tremor / 4))
    opened = _opened(closed)
    angles, place = script.some_angles(), script.some_place()
    script.move(rng.uniform(0.5, 0.8), opened, angles, place + _back(rng, angles))
    script.move(rng.uniform(0.4, 0.6), place=place)
    script.move(rng.uniform(0.3, 0.45), fingers=closed)
    taken = script.now
    script.pause(0.05)
    for _ in range(rng.integers(1, 4)):
        angles, place = script.some_angles(), script.some_place()
        script.move(rng.uniform(0.55, 1.0), angles=angles, place=place)
        script.pause(rng.uniform(0.0, 0.2))
    script.handling = Handling(thing, held, taken, script.now)
    script.move(rng.uniform(0.3, 0.4), fingers=opened)
    script.move(rng.uniform(0.45, 0.6), place=place + _back(rng, angles))


def _opened(closed: np.ndarray) -> np.ndarray:
    """The same grasp with stretched fingers; the thumb stays opposite to them."""
    share = np.full((15, 3), 1.0)
    share[:, 0] = 0.3
    return closed * share


def _back(rng: Generator, angles: np.ndarray) -> np.ndarray:
    """The way from a thing in the hand to a place where the open hand is clear of it."""
    return turned(angles[None])[0] @ [rng.uniform(0.03, 0.07), rng.uniform(0.04, 0.08), 0]


ACTIONS: dict[str, Callable[[Script], None]] = {"gesture": gesture, "wave": wave, "point": point}


def write_script(
    rng: Generator,
    split: Split,
    config: SequencesConfig,
    hand: HandModel,
    owner: Person,
    duration: float,
) -> tuple[HandMotion, Handling | None]:
    """Draw what happens in a clip that shows the times from 0 to `duration`."""
    script = _blank(rng, split, config, owner)
    handles = rng.random() < config.handled
    if handles:
        handle(script, hand)
    else:
        ACTIONS[rng.choice(list(ACTIONS), p=config.actions)](script)
    while script.now < duration + 0.3:
        gesture(script)
    # The clip is a cut out of all that, at times from the middle of a move on.
    latest = script.now - duration
    if script.handling is not None:
        latest = min(latest, script.handling.left - 0.5 * duration)
    return _cut(script, hand, rng.uniform(0.1, max(latest, 0.1)), handles)


def _blank(rng: Generator, split: Split, config: SequencesConfig, owner: Person) -> Script:
    away = np.tan(np.radians(rng.uniform(-config.off_axis, config.off_axis, 2)))
    home = rng.uniform(*config.distance) * np.append(away, 1)
    fingers, angles, place = (Moves([np.zeros(count)]) for count in (45, 3, 3))
    reach = rng.uniform(*config.reach)
    script = Script(rng, split, config, owner, fingers, angles, place, home, reach)
    script.fingers.keys[0] = script.some_fingers().ravel()
    script.angles.keys[0], script.place.keys[0] = script.some_angles(), script.some_place()
    return script


def _cut(
    script: Script, hand: HandModel, start: float, handles: bool
) -> tuple[HandMotion, Handling | None]:
    """The script as seen from a clip that begins at `start`."""
    rng, config, found = script.rng, script.config, script.handling
    for moves in (script.fingers, script.angles, script.place):
        moves.start = [time - start for time in moves.start]
        moves.end = [time - start for time in moves.end]
    joints = rest_joints(hand, script.owner.betas)
    tremor = config.tremor / 4 if handles else config.tremor  # what is held leaves no play
    lag = 0.0 if handles else rng.uniform(0, 0.06, 15).repeat(3)
    motion = HandMotion(
        betas=script.owner.betas,
        fingers=script.fingers.track(lag),
        angles=script.angles.track(),
        place=script.place.track(),
        finger_tremor=Tremor.draw(rng, tremor_margin(tremor).ravel()),
        angle_tremor=Tremor.draw(rng, np.full(3, np.radians(2.0))),
        place_tremor=Tremor.draw(rng, np.full(3, 0.003)),
        pivot=0.6 * joints.mean(0) + 0.4 * joints[0],
    )
    if found is None:
        return motion, None
    return motion, Handling(found.thing, found.grasp, found.taken - start, found.left - start)
