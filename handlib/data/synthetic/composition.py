"""Draws scenes: who, which pose, what is held, from where, what hides the hand, and how much.

All chance comes from one generator, so a scene is a function of its seed. Held objects hide what
they hide from the best of a few views; a thing passing in front adds what is missing to the
share that was aimed at.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32
from scipy.spatial.transform import Rotation
from torch import Tensor

from handlib.data.synthetic import materials
from handlib.data.synthetic.backgrounds import background
from handlib.data.synthetic.grasps import Grasp, grasp
from handlib.data.synthetic.objects import KINDS, SPLITS, EverydayObject, instance
from handlib.data.synthetic.occlusion import SmallView, cover, shrink
from handlib.data.synthetic.rasterizer import rasterize
from handlib.data.synthetic.scene import PlacedThing, Scene
from handlib.data.synthetic.shading import draw_light
from handlib.data.synthetic.skin import forearm, hand_surface, paint
from handlib.hands.hand_model import HandModel
from handlib.hands.pose_prior import load_corpus

Generator = np.random.Generator

_PERSON_SEED = 0x9E0B1E
_PALM_VIEW = np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]])
"""Hand frame to camera: fingers up, the palm towards the camera."""
_SMALL = 48
"""Pixels of the raster that occlusion is aimed on."""
_SLEEVES = ("white", "grey", "black", "blue", "brown", "teal", "red")
_LARGE_KINDS = ("box", "bowl", "bottle", "mug", "phone", "can", "ball")


@dataclass(frozen=True)
class StillsConfig:
    """What the images show; every field is part of the cache's key."""

    spin: float = 80.0  # degrees about the hand's long axis; with 110 minutes of training fail
    tilt: float = 30.0  # degrees towards the camera; likewise with 40
    roll: float = 45.0  # degrees in the image plane; likewise with 75
    bare: float = 0.12  # share of hands that nothing hides on purpose
    most_hidden: float = 0.95  # the others' hidden share is uniform from 0.02 to this
    held: float = 0.42  # share of hands that hold something
    distractors: float = 0.33  # share of images with a thing behind the hand
    skin_coloured: float = (
        0.20  # share of things with the hand's colour: colour gives nothing away
    )
    corpus_noise: float = 0.05  # radians per joint angle, below the width of a corpus cluster
    blends: float = 0.25  # share of free hands half-way between two corpus poses
    off_axis: float = 4.0  # degrees: a crop is rarely in the middle of the camera's image
    fill: tuple[float, float] = (0.55, 0.85)  # the hand's extent over the image's side
    distance: tuple[float, float] = (0.40, 0.85)  # metres, as at a desk or in HO-3D
    people: int = 200  # shapes and skin tones per split
    instances: int = 24  # objects of each kind per split


@dataclass(frozen=True)
class RestHand:
    """A hand in MANO's own frame, its wrist closed: what all views of it share."""

    betas: Float[Tensor, "10"]
    fingers: Float32[np.ndarray, "15 3"]
    vertices: Float[np.ndarray, "V 3"]
    joints: Float[np.ndarray, "21 3"]


def rest_hand(
    hand: HandModel, betas: Float[Tensor, "10"], fingers: Float32[np.ndarray, "15 3"]
) -> RestHand:
    """Shape and bend a hand."""
    pose = torch.nn.functional.pad(torch.from_numpy(fingers), (0, 0, 1, 0))
    output = hand(pose[None], betas[None])
    vertices = hand_surface(hand).close(output.vertices[0].double().numpy())
    return RestHand(betas, fingers, vertices, output.joints[0].double().numpy())


@dataclass(frozen=True)
class Posed:
    """A hand in the camera frame with its labels, before anything is in front of it."""

    pose: Float32[np.ndarray, "16 3"]
    betas: Float[Tensor, "10"]
    translation: Float32[np.ndarray, "3"]
    joints: Float32[np.ndarray, "21 3"]
    vertices: Float32[np.ndarray, "V 3"]
    rotation: Float[np.ndarray, "3 3"]
    shift: Float[np.ndarray, "3"]
    intrinsics: Float[np.ndarray, "3 3"]

    def place(self, held: Grasp, thing: EverydayObject) -> PlacedThing:
        """An object given in the hand's rest frame, in the camera frame."""
        position = self.rotation @ held.position + self.shift
        return PlacedThing(thing, self.rotation @ held.rotation, position)


@dataclass(frozen=True)
class Person:
    """A hand's owner."""

    name: str
    betas: Float[Tensor, "10"]
    back: Float[np.ndarray, "3"]
    palm: Float[np.ndarray, "3"]


def person(split: str, number: int) -> Person:
    """Owner `number` of a split's hands."""
    rng = np.random.default_rng((_PERSON_SEED, SPLITS.index(split), number))
    betas = np.clip(rng.normal(0, 0.8, 10), -2, 2).astype(np.float32)
    return Person(f"{split}-{number}", torch.from_numpy(betas), *materials.skin_colour(rng))


def compose(
    rng: Generator, split: str, size: int, config: StillsConfig, hand: HandModel
) -> tuple[Scene, Posed, Person]:
    """Draw a whole scene for an image of `size` pixels."""
    owner = person(split, int(rng.integers(config.people)))
    target = 0.0
    if rng.random() >= config.bare:
        target = rng.uniform(0.02, config.most_hidden)
    posed, things, view = _pose_hand(rng, split, size, config, hand, owner, target)
    if target > view.hidden + 0.02:
        things.append(_passing(rng, split, config, owner, posed, view, target))
    if rng.random() < config.distractors:
        things.append(_behind(rng, split, config, owner, posed))
    surface = hand_surface(hand)
    skin = paint(rng, surface, owner.back, owner.palm)
    normals = surface.normals(posed.vertices)
    sleeve = materials.thing_colour(rng, _SLEEVES)
    scene = Scene(
        surface=surface,
        vertices=posed.vertices,
        normals=normals,
        skin=skin,
        skin_gloss=rng.uniform(0.02, 0.10),
        arm=forearm(rng, posed.vertices, normals, surface, skin, sleeve),
        things=tuple(things),
        light=draw_light(rng),
        intrinsics=posed.intrinsics,
        background=background(rng, split, size),
    )
    return scene, posed, owner


def _pose_hand(
    rng: Generator,
    split: str,
    size: int,
    config: StillsConfig,
    hand: HandModel,
    owner: Person,
    target: float,
) -> tuple[Posed, list[PlacedThing], SmallView]:
    """A free hand from one view, or a holding hand from the view that hides the right share."""
    if target == 0 or rng.random() >= config.held:
        rest = rest_hand(hand, owner.betas, _free_pose(rng, split, config))
        posed = _see(rng, size, config, rest)
        return posed, [], _small_view(posed, hand, size, [])
    thing = _draw_thing(rng, split, config, tuple(KINDS))
    held = grasp(rng, hand, owner.betas, thing)
    rest = rest_hand(hand, owner.betas, held.fingers)
    best: tuple[Posed, list[PlacedThing], SmallView] | None = None
    for _ in range(3):
        posed = _see(rng, size, config, rest)
        placed = [_tinted(rng, config, owner, posed.place(held, thing))]
        view = _small_view(posed, hand, size, placed)
        if best is None or _miss(view, target) < _miss(best[2], target):
            best = posed, placed, view
        if -0.03 < target - view.hidden < 0.25:
            break
    assert best is not None
    return best


def _miss(view: SmallView, target: float) -> float:
    """Too much hidden cannot be mended, too little can."""
    excess = view.hidden - target
    return 3 * excess if excess > 0 else -excess


def _free_pose(rng: Generator, split: str, config: StillsConfig) -> Float32[np.ndarray, "15 3"]:
    corpus = _corpus(split)
    fingers = corpus[rng.integers(len(corpus))]
    if rng.random() < config.blends:
        other = corpus[rng.integers(len(corpus))]
        fingers = fingers + rng.uniform(0.2, 0.8) * (other - fingers)
    scale = 1 + rng.normal(0, 0.06, (15, 1))
    noise = rng.normal(0, config.corpus_noise, (15, 3)) * (np.abs(fingers) > 0.02)
    return (fingers * scale + noise).astype(np.float32)


_CORPORA: dict[str, np.ndarray] = {}


def _corpus(split: str) -> np.ndarray:
    if split not in _CORPORA:
        _CORPORA[split] = load_corpus(split).numpy()
    return _CORPORA[split]


def _see(rng: Generator, size: int, config: StillsConfig, rest: RestHand) -> Posed:
    """Look at a hand: turn it, put it before the camera, and cut the image around it."""
    turn = [rng.uniform(-angle, angle) for angle in (config.roll, config.tilt, config.spin)]
    root = Rotation.from_euler("ZXY", turn, degrees=True).as_matrix() @ _PALM_VIEW
    axis_angle = Rotation.from_matrix(root).as_rotvec()[None]
    away = np.tan(np.radians(rng.uniform(-config.off_axis, config.off_axis, 2)))
    goal = rng.uniform(*config.distance) * np.append(away, 1)
    # MANO turns about the wrist: x -> R (x - J0) + J0 + t, so t moves the turned hand to its goal.
    wrist = rest.joints[0]
    translation = (goal - root @ (rest.joints.mean(0) - wrist) - wrist).astype(np.float32)
    shift = translation + wrist - root @ wrist
    vertices = (rest.vertices @ root.T + shift).astype(np.float32)
    return Posed(
        pose=np.concatenate([axis_angle, rest.fingers]).astype(np.float32),
        betas=rest.betas,
        translation=translation,
        joints=(rest.joints @ root.T + shift).astype(np.float32),
        vertices=vertices,
        rotation=root,
        shift=shift,
        intrinsics=_crop(rng, size, config, vertices),
    )


def _crop(
    rng: Generator, size: int, config: StillsConfig, vertices: Float[np.ndarray, "V 3"]
) -> Float[np.ndarray, "3 3"]:
    """The camera of a square image around the hand, not exactly centred."""
    flat = vertices[:, :2] / vertices[:, 2:]
    low, high = flat.min(0), flat.max(0)
    fill = rng.uniform(*config.fill)
    focal = fill * size / (high - low).max()
    room = 0.5 * (0.97 - fill) * size  # the hand stays inside
    centre = (size - 1) / 2 + rng.uniform(-0.5, 0.5, 2) * min(room, 0.1 * size) * 2
    x, y = centre - focal * (low + high) / 2
    return np.array([[focal, 0, x], [0, focal, y], [0, 0, 1]])


def _small_view(posed: Posed, hand: HandModel, size: int, things: list[PlacedThing]) -> SmallView:
    intrinsics = shrink(posed.intrinsics, size, _SMALL)
    seen = rasterize(posed.vertices, hand_surface(hand).faces, intrinsics, _SMALL, _SMALL)
    depth = seen.depth_map(_SMALL, _SMALL)
    amodal = np.isfinite(depth)
    visible = amodal
    for placed in things:
        mesh = placed.thing.mesh
        vertices = mesh.vertices @ placed.rotation.T + placed.position
        blocker = rasterize(vertices, mesh.faces, intrinsics, _SMALL, _SMALL)
        visible = visible & (depth < blocker.depth_map(_SMALL, _SMALL))
    return SmallView(intrinsics, amodal, visible)


def _draw_thing(
    rng: Generator, split: str, config: StillsConfig, kinds: tuple[str, ...]
) -> EverydayObject:
    kind = kinds[rng.integers(len(kinds))]
    return instance(split, kind, int(rng.integers(config.instances)))


def _tinted(
    rng: Generator, config: StillsConfig, owner: Person, placed: PlacedThing
) -> PlacedThing:
    """The thing as it is or, for a share of all things, in the colour of the owner's skin."""
    if rng.random() >= config.skin_coloured:
        return placed
    luminance = placed.thing.texels.mean(1, keepdims=True)
    contrast = np.clip(luminance / luminance.mean(), 0.1, 4) ** 0.35
    skin = owner.back + rng.uniform(0, 1) * (owner.palm - owner.back)
    texels = (skin * contrast * rng.uniform(0.8, 1.2)).astype(np.float32)
    return PlacedThing(placed.thing, placed.rotation, placed.position, texels)


def _passing(
    rng: Generator,
    split: str,
    config: StillsConfig,
    owner: Person,
    posed: Posed,
    view: SmallView,
    target: float,
) -> PlacedThing:
    """A thing between camera and hand that brings the hidden share to the target."""
    large = target - view.hidden > 0.35
    thing = _draw_thing(rng, split, config, _LARGE_KINDS if large else tuple(KINDS))
    rotation = Rotation.random(rng=rng).as_matrix()
    nearest = posed.vertices[:, 2].min()
    depth = nearest - 0.8 * thing.radius - rng.uniform(0.0, 0.25) * nearest
    depth = max(depth, 0.12 + thing.radius)
    position = cover(rng, thing, rotation, view, depth, target)
    return _tinted(rng, config, owner, PlacedThing(thing, rotation, position))


def _behind(
    rng: Generator, split: str, config: StillsConfig, owner: Person, posed: Posed
) -> PlacedThing:
    """A distractor behind the hand, near it in the image."""
    thing = _draw_thing(rng, split, config, tuple(KINDS))
    depth = posed.vertices[:, 2].max() + thing.radius + rng.uniform(0.02, 0.4)
    size = 2 * posed.intrinsics[0, 2] + 1
    pixel = np.append(rng.uniform(0.0, 1.0, 2) * size, 1)
    position = np.linalg.solve(posed.intrinsics, pixel) * depth
    rotation = Rotation.random(rng=rng).as_matrix()
    return _tinted(rng, config, owner, PlacedThing(thing, rotation, position))
