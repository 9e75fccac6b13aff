"""One rendered clip as a function of (split, seed, number), and its frames, in any order.

All that stays the same is drawn once: the hand's owner, skin, sleeve, camera, light, background,
and what happens. Each frame is then a scene like those of the stills, seen by an open shutter.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Float32

from handlib.data.synthetic import materials
from handlib.data.synthetic.backgrounds import background
from handlib.data.synthetic.casting import SLEEVES, person
from handlib.data.synthetic.config import SequencesConfig
from handlib.data.synthetic.hand_motion import one_thread, pose_hand, rest_joints
from handlib.data.synthetic.moving_things import (
    Encounter,
    MovingThing,
    behind,
    in_front,
    in_hand,
)
from handlib.data.synthetic.objects import SPLITS, Split
from handlib.data.synthetic.render import Picture, render
from handlib.data.synthetic.scene import PlacedThing, Scene
from handlib.data.synthetic.scripts import write_script
from handlib.data.synthetic.shading import Light, draw_light
from handlib.data.synthetic.skin import (
    ARM_STEPS,
    ArmStyle,
    HandSurface,
    arm_direction,
    draw_arm,
    forearm,
    hand_surface,
    paint,
)
from handlib.data.synthetic.stills import Still, expose, meter, quantise
from handlib.data.synthetic.views import Posed, glance
from handlib.hands.hand_model import HandModel

_CLIP_SEED = 0xC119
_LONG_ARM = (*ARM_STEPS, 0.40, 0.52)
_STEP = 2.0
"""Pixels between two moments of an exposure, at most."""
_MOST_MOMENTS = 9
_LONG = 2.0
"""Seconds; in a shorter clip a second passing thing would leave no clear view of the hand."""


@dataclass(frozen=True)
class Look:
    """What does not change in a clip."""

    surface: HandSurface
    skin: Float32[np.ndarray, "V 3"]
    gloss: float
    arm: ArmStyle
    light: Light
    intrinsics: Float[np.ndarray, "3 3"]
    background: Float32[np.ndarray, "S S 3"]


class Clip:
    """A clip of `frames` images of `size` pixels, ready to be rendered frame by frame."""

    def __init__(
        self,
        split: Split,
        seed: int,
        number: int,
        frames: int,
        size: int,
        config: SequencesConfig,
        hand: HandModel,
    ) -> None:
        self.key = (_CLIP_SEED, SPLITS.index(split), seed, number)
        self.size, self.frames, self.config, self.hand = size, frames, config, hand
        rng = np.random.default_rng(self.key)
        self.owner = person(split, int(rng.integers(config.people)))
        with one_thread():
            duration = (frames - 1) / config.rate
            self.motion, handling = write_script(rng, split, config, hand, self.owner, duration)
            self.exposure = rng.uniform(*config.exposure)
            self.times = np.arange(frames) / config.rate
            self.poses = pose_hand(self.motion, self.times, hand)
            ends = np.concatenate([self.times - self.exposure / 2, self.times + self.exposure / 2])
            opened_closed = pose_hand(self.motion, ends, hand).vertices
        self._opened, self._closed = np.split(opened_closed, 2)
        self._wrist = rest_joints(hand, self.owner.betas)[0]
        self.look = self._draw_look(rng, split)
        self._arm_bends = self._swing_arm()
        self.things: list[MovingThing] = []
        if handling is not None:
            self.things.append(in_hand(rng, config, self.owner, self.motion, handling))
        self._pass(rng, split)
        if rng.random() < config.distractors:
            farthest = float(self.poses.vertices[..., 2].max())
            camera = self.look.intrinsics
            self.things.append(behind(rng, split, config, self.owner, camera, farthest))
        self.balance, self.softness = meter(rng, self._without_things().light)
        self.grain = np.float32(rng.uniform(0.4, 3.0))

    def render(self, frame: int) -> Still:
        """Frame `frame` with its labels, those of the middle of the exposure."""
        scene = self.scene(frame)
        picture = render(scene, self._moments(frame, scene))
        rng = np.random.default_rng((*self.key, frame))
        grain = rng.standard_normal(picture.light.shape, np.float32) * self.grain
        screen = expose(picture.light, self.balance, self.softness)
        image = quantise(screen + grain)
        return Still(image, picture, self.posed(frame), self.owner.name, scene)

    def scene(self, frame: int) -> Scene:
        """What is there in the middle of the exposure."""
        time = self.times[frame : frame + 1]
        return self._scene_of(
            frame, self.poses.vertices[frame], [t.at(time)[0] for t in self.things]
        )

    def posed(self, frame: int) -> Posed:
        """The hand's labels."""
        poses = self.poses
        rotation, shift = poses.rotation[frame], poses.shift[frame]
        return Posed(
            fingers=poses.fingers[frame],
            betas=self.owner.betas,
            translation=(shift - self._wrist + rotation @ self._wrist).astype(np.float32),
            joints=poses.joints[frame],
            vertices=poses.vertices[frame],
            rotation=rotation,
            shift=shift,
            intrinsics=self.look.intrinsics,
        )

    def _scene_of(self, frame: int, vertices: np.ndarray, things: list[PlacedThing]) -> Scene:
        look = self.look
        normals = look.surface.normals(vertices)
        style = replace(look.arm, bend=self._arm_bends[frame])
        return Scene(
            surface=look.surface,
            vertices=vertices,
            normals=normals,
            skin=look.skin,
            skin_gloss=look.gloss,
            arm=forearm(vertices, normals, look.surface, look.skin, style, _LONG_ARM),
            things=tuple(things),
            light=look.light,
            intrinsics=look.intrinsics,
            background=look.background,
        )

    def _moments(self, frame: int, scene: Scene) -> list[Scene]:
        """The scene at other times of the exposure, the more, the farther anything moves."""
        half = self.exposure / 2 * np.array([-1, 1])
        ends = self.times[frame] + half
        way = self._pixels_moved(frame, scene, [thing.at(ends) for thing in self.things])
        count = min(2 * int(np.ceil(way / _STEP / 2 - 0.3)) + 1, _MOST_MOMENTS)
        if count <= 1:
            return []
        offsets = ((np.arange(count) + 0.5) / count - 0.5) * 2  # of half the exposure
        offsets = np.delete(offsets, count // 2)
        placed = [t.at(self.times[frame] + offsets * half[1]) for t in self.things]
        return [
            self._moved(scene, self._between(frame, offset), [p[k] for p in placed])
            for k, offset in enumerate(offsets)
        ]

    def _moved(self, scene: Scene, vertices: np.ndarray, things: list[PlacedThing]) -> Scene:
        """The scene a moment later: the forearm goes along with the wrist."""
        arm, loop = scene.arm.mesh, self.look.surface.wrist
        shift = np.tile(vertices[loop] - scene.vertices[loop], (len(arm.vertices) // len(loop), 1))
        mesh = replace(arm, vertices=arm.vertices + shift)
        return replace(
            scene, vertices=vertices, arm=replace(scene.arm, mesh=mesh), things=tuple(things)
        )

    def _between(self, frame: int, offset: float) -> np.ndarray:
        """The hand at -1..1 of the exposure: through its beginning, middle and end."""
        start, middle, end = (
            self._opened[frame], self.poses.vertices[frame], self._closed[frame]
        )  # fmt: skip
        bow = (start + end) / 2 - middle
        return (middle + offset / 2 * (end - start) + offset**2 * bow).astype(np.float32)

    def _pixels_moved(self, frame: int, scene: Scene, ends: list[list[PlacedThing]]) -> float:
        """The longest way in the image while the shutter is open, of what the image shows."""
        pairs = [(self._opened[frame][::5], self._closed[frame][::5])]
        for start, end in ends:
            corners = start.thing.mesh.vertices[::9]
            pairs.append(tuple(corners @ p.rotation.T + p.position for p in (start, end)))
        focal, centre = self.look.intrinsics[0, 0], self.look.intrinsics[:2, 2]
        longest = 0.0
        for start, end in pairs:
            start, end = (focal * p[:, :2] / p[:, 2:] + centre for p in (start, end))
            inside = ((start > -8) & (start < self.size + 8)).all(1)
            if inside.any():
                longest = max(longest, np.linalg.norm(end - start, axis=1)[inside].max())
        return float(longest)

    def _draw_look(self, rng: np.random.Generator, split: Split) -> Look:
        surface = hand_surface(self.hand)
        return Look(
            surface=surface,
            skin=paint(rng, surface, self.owner.back, self.owner.palm),
            gloss=rng.uniform(0.02, 0.10),
            arm=draw_arm(rng, materials.thing_colour(rng, SLEEVES)),
            light=draw_light(rng),
            intrinsics=_camera(rng, self.size, self.config, self.poses.vertices),
            background=background(rng, split, self.size),
        )

    def _swing_arm(self) -> np.ndarray:
        """The forearm's bend in each frame: it follows half of what the hand does at the wrist."""
        start = arm_direction(self.poses.vertices, self.look.surface)
        return self.look.arm.bend + 0.5 * (start.mean(0) - start)

    def _pass(self, rng: np.random.Generator, split: Split) -> None:
        """Things that pass between camera and hand, at times well inside the clip."""
        if rng.random() < self.config.bare:
            return
        again = rng.random() < self.config.twice
        count = 2 if again and self.times[-1] > _LONG else 1
        for k in range(count):
            share = (k + rng.uniform(0.2, 0.8)) / count
            frame = round((0.15 + 0.7 * share) * (self.frames - 1))
            time = self.times[frame : frame + 1]
            placed = [thing.at(time)[0] for thing in self.things]
            around = slice(max(frame - 8, 0), frame + 9)
            nearest = float(self.poses.vertices[around, ::7, 2].min())
            for thing in placed:
                nearest = min(nearest, float(thing.position[2]) - 0.7 * thing.thing.radius)
            camera, faces = self.look.intrinsics, self.look.surface.faces
            view = glance(self.poses.vertices[frame], camera, faces, self.size, placed)
            meeting = Encounter(time[0], view, nearest, camera, self.size)
            self.things.append(in_front(rng, split, self.config, self.owner, meeting))

    def _without_things(self) -> Picture:
        middle = self.frames // 2
        return render(self._scene_of(middle, self.poses.vertices[middle], []))


def _camera(
    rng: np.random.Generator,
    size: int,
    config: SequencesConfig,
    vertices: Float[np.ndarray, "T V 3"],
) -> Float[np.ndarray, "3 3"]:
    """The camera of a square image around all that the hand does, not exactly centred."""
    flat = vertices[..., :2] / vertices[..., 2:]
    low, high = flat.min((0, 1)), flat.max((0, 1))
    margin = rng.uniform(*config.margin)
    focal = (1 - 2 * margin) * size / (high - low).max()
    room = size - focal * (high - low)  # left over on both sides together
    free = np.maximum(room / 2 - 0.015 * size, 0)
    centre = (size - 1) / 2 + rng.uniform(-0.8, 0.8, 2) * free
    cx, cy = centre - focal * (low + high) / 2
    return np.array([[focal, 0, cx], [0, focal, cy], [0, 0, 1]])
