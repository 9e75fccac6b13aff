"""Draws scenes: who, which pose, what is held, from where, what hides the hand, and how much.

All chance comes from one generator, so a scene is a function of its seed. Held objects hide what
they hide from the best of a few views; a thing passing in front adds what is missing to the
share that was aimed at.
"""

import numpy as np
from jaxtyping import Float32

from handlib.data.synthetic import materials
from handlib.data.synthetic.backgrounds import background
from handlib.data.synthetic.casting import (
    LARGE_KINDS,
    SLEEVES,
    Person,
    any_rotation,
    corpus,
    draw_thing,
    person,
    tinted,
)
from handlib.data.synthetic.config import StillsConfig
from handlib.data.synthetic.grasps import grasp
from handlib.data.synthetic.objects import KINDS, Split
from handlib.data.synthetic.occlusion import SmallView, cover
from handlib.data.synthetic.scene import PlacedThing, Scene
from handlib.data.synthetic.shading import draw_light
from handlib.data.synthetic.skin import draw_arm, forearm, hand_surface, paint
from handlib.data.synthetic.views import Posed, rest_hand, see, small_view
from handlib.hands.hand_model import HandModel

Generator = np.random.Generator


def compose(
    rng: Generator, split: Split, size: int, config: StillsConfig, hand: HandModel
) -> tuple[Scene, Posed, Person]:
    """Draw a whole scene for an image of `size` pixels."""
    owner = person(split, int(rng.integers(config.people)))
    target = 0.0
    if rng.random() >= config.bare:
        target = 0.02 + (config.most_hidden - 0.02) * rng.random() ** config.skew
    posed, things, view = _pose_hand(rng, split, size, config, hand, owner, target)
    if target > view.hidden + 0.02:
        things.append(_passing(rng, split, config, owner, posed, view, target))
    if rng.random() < config.distractors:
        things.append(_behind(rng, split, config, owner, posed))
    surface = hand_surface(hand)
    skin = paint(rng, surface, owner.back, owner.palm)
    normals = surface.normals(posed.vertices)
    sleeve = materials.thing_colour(rng, SLEEVES)
    gloss = rng.uniform(0.02, 0.10)
    arm = draw_arm(rng, sleeve)
    scene = Scene(
        surface=surface,
        vertices=posed.vertices,
        normals=normals,
        skin=skin,
        skin_gloss=gloss,
        arm=forearm(posed.vertices, normals, surface, skin, arm),
        things=tuple(things),
        light=draw_light(rng),
        intrinsics=posed.intrinsics,
        background=background(rng, split, size),
    )
    return scene, posed, owner


def _pose_hand(
    rng: Generator,
    split: Split,
    size: int,
    config: StillsConfig,
    hand: HandModel,
    owner: Person,
    target: float,
) -> tuple[Posed, list[PlacedThing], SmallView]:
    """A free hand from one view, or a holding hand from the view that hides the right share."""
    if target == 0 or rng.random() >= config.held:
        rest = rest_hand(hand, owner.betas, _free_pose(rng, split, config))
        posed = see(rng, size, config, rest)
        return posed, [], small_view(posed, hand, size, [])
    thing = draw_thing(rng, split, config.instances)
    held = grasp(rng, hand, owner.betas, thing)
    rest = rest_hand(hand, owner.betas, held.fingers)
    best: tuple[Posed, list[PlacedThing], SmallView] | None = None
    for _ in range(3):
        posed = see(rng, size, config, rest)
        placed = [tinted(rng, config.skin_coloured, owner, posed.place(held, thing))]
        view = small_view(posed, hand, size, placed)
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


def _free_pose(rng: Generator, split: Split, config: StillsConfig) -> Float32[np.ndarray, "15 3"]:
    poses = corpus(split)
    fingers = poses[rng.integers(len(poses))]
    if rng.random() < config.blends:
        other = poses[rng.integers(len(poses))]
        fingers = fingers + rng.uniform(0.2, 0.8) * (other - fingers)
    scale = 1 + rng.normal(0, 0.06, (15, 1))
    noise = rng.normal(0, config.corpus_noise, (15, 3)) * (np.abs(fingers) > 0.02)
    return (fingers * scale + noise).astype(np.float32)


def _passing(
    rng: Generator,
    split: Split,
    config: StillsConfig,
    owner: Person,
    posed: Posed,
    view: SmallView,
    target: float,
) -> PlacedThing:
    """A thing between camera and hand that brings the hidden share to the target."""
    large = target - view.hidden > 0.35
    thing = draw_thing(rng, split, config.instances, LARGE_KINDS if large else tuple(KINDS))
    rotation = any_rotation(rng)
    nearest = float(posed.vertices[:, 2].min())
    depth = nearest - 0.8 * thing.radius - rng.uniform(0.0, 0.25) * nearest
    depth = max(depth, 0.12 + thing.radius)
    position = cover(rng, thing, rotation, view, depth, target)
    return tinted(rng, config.skin_coloured, owner, PlacedThing(thing, rotation, position))


def _behind(
    rng: Generator, split: Split, config: StillsConfig, owner: Person, posed: Posed
) -> PlacedThing:
    """A distractor behind the hand, near it in the image."""
    thing = draw_thing(rng, split, config.instances)
    depth = float(posed.vertices[:, 2].max()) + thing.radius + rng.uniform(0.02, 0.4)
    size = 2 * posed.intrinsics[0, 2] + 1
    pixel = np.append(rng.uniform(0.0, 1.0, 2) * size, 1)
    position = np.linalg.solve(posed.intrinsics, pixel) * depth
    rotation = any_rotation(rng)
    return tinted(rng, config.skin_coloured, owner, PlacedThing(thing, rotation, position))
