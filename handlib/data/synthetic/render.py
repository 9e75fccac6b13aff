"""A `Scene` to light and labels: twice the resolution inside, averaged 2 x 2 at the end."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, UInt8

from handlib.data.synthetic.backgrounds import soften
from handlib.data.synthetic.occlusion import shrink
from handlib.data.synthetic.rasterizer import Fragments, rasterize
from handlib.data.synthetic.scene import PlacedThing, Scene
from handlib.data.synthetic.shading import SKY, gloss, lit, seen_from
from handlib.data.synthetic.solids import Mesh, join

_NUDGES = ((0.125, -0.375), (-0.125, 0.375), (0.375, 0.125), (-0.375, -0.125))
"""Pixels; opposite ones follow each other, so that two already leave the image in place."""


@dataclass(frozen=True)
class Picture:
    """Linear light of the image, and the labels of `handlib.data.sample.HandMasks`.

    A pixel belongs to a mask if at least half of its samples do.
    """

    light: Float32[np.ndarray, "S S 3"]
    visible: Bool[np.ndarray, "S S"]
    amodal: Bool[np.ndarray, "S S"]
    parts: UInt8[np.ndarray, "S S"]


def render(scene: Scene, moments: Sequence[Scene] = ()) -> Picture:
    """Draw the hand and everything else, each on its own, then let the nearer one win.

    moments: the same scene a little before and after, with everything where it is then. The
    light is the mean over all of them, as on a sensor while its shutter is open; the labels are
    those of `scene`.
    """
    size = len(scene.background)
    rest = _join_things(scene)
    light = _vertex_light(scene, rest)
    view = _see(scene, rest, shrink(scene.intrinsics, size, 2 * size), 2 * size)
    mixed = _average(_paint(scene, rest, view, light))
    if moments:
        mixed = (mixed + _sum_of(moments, light)) * np.float32(1 / (1 + len(moments)))
    mixed, coverage = mixed[:3], mixed[3]
    backdrop = scene.background.transpose(2, 0, 1) * _cast_shadow(scene, coverage)
    mixed += (1 - coverage) * backdrop
    amodal, parts = _label(scene, view.hand, 2 * size)
    visible = _mask(view.seen_hand.pixel, 2 * size)
    return Picture(mixed.transpose(1, 2, 0), visible, amodal, parts)


class _View(NamedTuple):
    """The whole hand, and what of it and of the rest the camera sees."""

    hand: Fragments
    seen_hand: Fragments
    seen_rest: Fragments


def _see(scene: Scene, rest: "_Rest", intrinsics: Float[np.ndarray, "3 3"], size: int) -> _View:
    hand = rasterize(scene.vertices, scene.surface.faces, intrinsics, size, size)
    other = rasterize(rest.mesh.vertices, rest.mesh.faces, intrinsics, size, size)
    blocker = other.depth_map(size, size).ravel()
    seen_hand = hand.where(hand.depth < blocker.take(hand.pixel))
    taken = np.zeros(size * size, bool)
    taken[seen_hand.pixel] = True
    return _View(hand, seen_hand, other.where(~taken.take(other.pixel)))


def _paint(
    scene: Scene, rest: "_Rest", view: _View, light: tuple[np.ndarray, np.ndarray]
) -> Float32[np.ndarray, "4 F F"]:
    """Red, green and blue of the hand and the rest, and whether they cover the sample."""
    hand_light, rest_light = light
    size = view.hand.width
    samples = np.zeros((4, size * size), np.float32)
    hand_colour = view.seen_hand.interpolate(hand_light, scene.surface.faces)
    _fill(samples, view.seen_hand.pixel, hand_colour)
    _fill(samples, view.seen_rest.pixel, _colour_things(rest, rest_light, view.seen_rest))
    return samples.reshape(4, size, size)


def _sum_of(
    moments: Sequence[Scene], light: tuple[np.ndarray, np.ndarray]
) -> Float32[np.ndarray, "4 S S"]:
    """`_paint` of all moments, which last too short for the light on a surface to change.

    One sample for each pixel is enough, in another place in each moment: Haeberli and Akeley,
    "The Accumulation Buffer: Hardware Support for High-Quality Rendering", SIGGRAPH 1990.
    """
    size = len(moments[0].background)
    total = np.zeros((4, size, size), np.float32)
    for moment, nudge in zip(moments, cycle(_NUDGES), strict=False):
        rest, intrinsics = _join_things(moment), moment.intrinsics.copy()
        intrinsics[:2, 2] += nudge
        total += _paint(moment, rest, _see(moment, rest, intrinsics, size), light)
    return total


def _fill(
    samples: Float32[np.ndarray, "4 N"],
    pixel: Int[np.ndarray, " P"],
    colour: Float[np.ndarray, "P 3"],
) -> None:
    """Paint opaque pixels, plane by plane: NumPy is slow along a pixel's three colours."""
    for plane, values in zip(samples, (*colour.T, 1), strict=True):
        plane[pixel] = values


@dataclass(frozen=True)
class _Rest:
    """All that is not hand, as one mesh."""

    mesh: Mesh
    tint: Float32[np.ndarray, "V 3"]
    gloss: Float32[np.ndarray, " V"]
    face_texture: Int[np.ndarray, " F"]
    textures: Int[np.ndarray, "3 T"]  # first texel, height, width
    texels: Float32[np.ndarray, "3 N"]


def _join_things(scene: Scene) -> _Rest:
    meshes, tints, glosses = [scene.arm.mesh], [scene.arm.colour], []
    glosses = [np.full(len(scene.arm.colour), scene.skin_gloss, np.float32)]
    face_texture = [np.zeros(len(scene.arm.mesh.faces), np.int32)]
    texels, textures, first = [np.ones((1, 3), np.float32)], [(0, 1, 1)], 1
    for placed in scene.things:
        thing = placed.thing
        meshes.append(thing.mesh.moved(placed.rotation, placed.position))
        tints.append(np.ones_like(thing.mesh.vertices))
        glosses.append(thing.gloss)
        face_texture.append(thing.face_part + len(textures))
        texels.append(_texels(placed))
        for part in thing.parts:
            height, width = part.texture.shape[:2]
            textures.append((first, height, width))
            first += height * width
    return _Rest(
        join(meshes),
        np.concatenate(tints),
        np.concatenate(glosses),
        np.concatenate(face_texture),
        np.array(textures).T,
        np.concatenate(texels).T,
    )


def _texels(placed: PlacedThing) -> np.ndarray:
    return placed.thing.texels if placed.texels is None else placed.texels


def _vertex_light(scene: Scene, rest: _Rest) -> tuple[np.ndarray, np.ndarray]:
    """Light that leaves each vertex of the hand (3), and light and gloss of the rest (6)."""
    count = len(scene.vertices)
    vertices = np.concatenate([scene.vertices.astype(np.float32), rest.mesh.vertices])
    faces = np.concatenate([scene.surface.faces, rest.mesh.faces + count])
    normals = np.concatenate([scene.normals, rest.mesh.normals])
    shine = np.concatenate([np.full(count, scene.skin_gloss, np.float32), rest.gloss])
    shadow = seen_from(scene.light.direction, vertices, faces, count)
    open_sky = seen_from(SKY, vertices, faces, count, size=40)
    falling = lit(normals, scene.light, shadow, open_sky)
    mirrored = gloss(vertices, normals, scene.light, shadow, shine)
    hand = scene.skin * falling[:count] + mirrored[:count]
    return hand, np.concatenate([rest.tint * falling[count:], mirrored[count:]], 1)


def _colour_things(rest: _Rest, light: np.ndarray, seen: Fragments) -> np.ndarray:
    values = seen.interpolate(np.concatenate([light, rest.mesh.uv], 1), rest.mesh.faces).T
    first, height, width = rest.textures.take(rest.face_texture.take(seen.face), 1)
    column = np.minimum((values[6] * width).astype(int), width - 1)
    row = np.minimum((values[7] * height).astype(int), height - 1)
    texel = rest.texels.take(first + row * width + column, 1)
    return (texel * values[:3] + values[3:6]).T


def _cast_shadow(scene: Scene, coverage: Float[np.ndarray, "S S"]) -> np.ndarray:
    """A soft shadow of everything on what is behind it, pushed away from the lamp."""
    step = 4
    coarse = _average(_average(coverage))
    shift = np.rint(-3 * scene.light.direction[:2]).astype(int)
    dark = soften(np.roll(coarse, (int(shift[1]), int(shift[0])), (0, 1)), 2)
    dark = soften(dark.repeat(step, 0).repeat(step, 1), step // 2)
    lamp, sky = scene.light.lamp.mean(), scene.light.sky.mean()
    return (1 - 0.55 * (lamp / (lamp + sky)) * dark).astype(np.float32)


def _average(image: Float[np.ndarray, "*C H W"]) -> Float[np.ndarray, "*C h w"]:
    rows = image[..., 0::2, :] + image[..., 1::2, :]
    return (rows[..., 0::2] + rows[..., 1::2]) * np.float32(0.25)


def _mask(pixel: Int[np.ndarray, " P"], fine: int) -> Bool[np.ndarray, "S S"]:
    samples = np.zeros(fine * fine, np.float32)
    samples[pixel] = 1
    return _average(samples.reshape(fine, fine)) >= 0.5


def _label(
    scene: Scene, hand: Fragments, fine: int
) -> tuple[Bool[np.ndarray, "S S"], UInt8[np.ndarray, "S S"]]:
    """The amodal mask, and in each of its pixels the highest label among the samples."""
    amodal = _mask(hand.pixel, fine)
    labels = np.zeros((fine, fine), np.uint8)
    labels.ravel()[hand.pixel] = scene.surface.face_part.take(hand.face)
    rows = np.maximum(labels[0::2], labels[1::2])
    highest = np.maximum(rows[:, 0::2], rows[:, 1::2])
    return amodal, np.where(amodal, highest, np.uint8(0))
