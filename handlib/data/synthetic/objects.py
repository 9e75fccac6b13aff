"""Ten kinds of everyday objects, each instance with its own size, profile and printing.

An object is a few solids with textures. Its origin is where a hand grips it, z its long axis.
The instances of a split come from seeds of that split alone (`instance`), so no test image shows
an object, or a texture, that was trained on.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, Float32, Int

from handlib.data.synthetic import materials
from handlib.data.synthetic.materials import Texture, thing_colour
from handlib.data.synthetic.solids import Mesh, Revolved, RoundedBox, Tube, join

Generator = np.random.Generator
Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)
_INSTANCE_SEED = 0x0B7EC7


@dataclass(frozen=True)
class Part:
    """A solid, where it sits in the object, and what it is made of."""

    solid: Revolved | RoundedBox | Tube
    texture: Texture
    gloss: float = 0.15
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class EverydayObject:
    """Parts in one frame.

    grip: how a hand holds it: "wrap" (long axis across the palm), "flat" (long axis along the
    fingers, thin side on the palm), "cup" (its bottom in the palm).
    girth: radius in metres around the grip.
    """

    kind: str
    name: str
    parts: tuple[Part, ...]
    grip: str
    girth: float
    seed: tuple[int, ...] = field(default=())

    @cached_property
    def mesh(self) -> Mesh:
        """All parts joined."""
        meshes = [part.solid.mesh() for part in self.parts]
        return join(
            [
                m.moved(np.eye(3), np.array(p.offset))
                for m, p in zip(meshes, self.parts, strict=True)
            ]
        )

    @cached_property
    def face_part(self) -> Int[np.ndarray, " F"]:
        """Which part each triangle of `mesh` belongs to."""
        counts = [len(part.solid.mesh().faces) for part in self.parts]
        return np.repeat(np.arange(len(counts), dtype=np.int32), counts)

    @cached_property
    def gloss(self) -> Float32[np.ndarray, " V"]:
        """Per vertex of `mesh`."""
        return np.concatenate(
            [np.full(len(p.solid.mesh().vertices), p.gloss, np.float32) for p in self.parts]
        )

    @cached_property
    def texels(self) -> Float32[np.ndarray, "T 3"]:
        """All parts' textures, one after the other, row by row."""
        return np.concatenate([p.texture.reshape(-1, 3) for p in self.parts]).astype(np.float32)

    @cached_property
    def radius(self) -> float:
        """Of the sphere about the origin that holds the object, metres."""
        return float(np.linalg.norm(self.mesh.vertices, axis=1).max())

    def distance(self, points: Float[np.ndarray, "P 3"]) -> Float[np.ndarray, " P"]:
        """Signed distance to the object's filled hull, metres."""
        return np.min([part.solid.distance(points - part.offset) for part in self.parts], axis=0)


def _profile(*rows: tuple[float | int, float | int]) -> np.ndarray:
    """A closed-up profile, its z shifted so that the middle of its height is 0."""
    profile = np.array(rows, float)
    profile[:, 1] -= (profile[:, 1].min() + profile[:, 1].max()) / 2
    return profile


def _can(rng: Generator) -> tuple[tuple[Part, ...], str, float]:
    radius, height = rng.uniform(0.027, 0.040), rng.uniform(0.085, 0.135)
    metal = np.full(3, rng.uniform(0.35, 0.55))
    neck = 0.88 * radius
    outline = _profile(
        (0, 0.003), (neck, 0.003), (neck, 0), (radius, 0.007), (radius, height - 0.010),
        (neck, height), (0.93 * neck, height), (0.93 * neck, height - 0.004), (0, height - 0.004),
    )  # fmt: skip
    can = Part(Revolved(outline), materials.label(rng, metal, 0.06, 0.92), gloss=0.5)
    return (can,), "wrap", radius


def _bottle(rng: Generator) -> tuple[tuple[Part, ...], str, float]:
    radius, height = rng.uniform(0.028, 0.040), rng.uniform(0.17, 0.25)
    shoulder, neck = height * rng.uniform(0.55, 0.70), rng.uniform(0.010, 0.014)
    body = thing_colour(rng, ("white", "green", "teal", "blue", "brown", "grey", "black"))
    outline = np.array([
        (0, 0.0), (0.9 * radius, 0), (radius, 0.006), (radius, shoulder),
        (0.9 * radius, shoulder + 0.15 * (height - shoulder)),
        (0.6 * radius, shoulder + 0.40 * (height - shoulder)),
        (neck, shoulder + 0.62 * (height - shoulder)), (neck, height - 0.018), (0, height - 0.018),
    ])  # fmt: skip
    lid = np.array([(0, 0), (neck + 0.003, 0), (neck + 0.003, 0.02), (0, 0.02)])
    middle = 0.5 * shoulder
    start, end = rng.uniform(0.08, 0.2), shoulder / height * rng.uniform(0.8, 0.98)
    return (
        Part(
            Revolved(outline - [0, middle]), materials.label(rng, body, start, end), gloss=0.4
        ),
        Part(Revolved(lid + [0, height - 0.02 - middle], 16),
             materials.plain(rng, thing_colour(rng))),
    ), "wrap", radius  # fmt: skip


def _mug(rng: Generator) -> tuple[tuple[Part, ...], str, float]:
    radius, height = rng.uniform(0.036, 0.045), rng.uniform(0.080, 0.105)
    foot, wall = radius * rng.uniform(0.8, 1.0), 0.0035
    outline = _profile(
        (0, 0), (0.95 * foot, 0), (foot, 0.004), (0.5 * (foot + radius), 0.4 * height),
        (radius, 0.8 * height), (radius, height), (radius - wall, height),
        (radius - wall, 0.75 * height), (foot - wall, 0.010), (0, 0.008),
    )  # fmt: skip
    glaze = thing_colour(rng)
    patterns = (
        materials.plain(rng, glaze),
        materials.stripes(rng, [glaze, thing_colour(rng)]),
        materials.label(rng, glaze, 0.25, 0.8),
    )
    texture = patterns[rng.integers(3)]
    turn = np.linspace(-np.pi / 2, np.pi / 2, 11)
    reach, rise = rng.uniform(0.022, 0.030), 0.32 * height
    line = np.stack([radius - 0.002 + reach * np.cos(turn), 0 * turn, rise * np.sin(turn)], 1)
    handle = Tube(line, np.full(len(turn), rng.uniform(0.0045, 0.006)), 10)
    return (
        Part(Revolved(outline), texture, gloss=0.5),
        Part(handle, materials.plain(rng, glaze), gloss=0.5),
    ), "wrap", radius  # fmt: skip


def _bowl(rng: Generator) -> tuple[tuple[Part, ...], str, float]:
    radius, height, wall = rng.uniform(0.055, 0.080), rng.uniform(0.042, 0.065), 0.004
    foot, curve = 0.45 * radius, rng.uniform(0.4, 0.7)
    t = np.linspace(0, 1, 7)
    outer = np.stack([foot + (radius - foot) * t**curve, 0.006 + (height - 0.006) * t], 1)
    inner = (outer - [wall, 0] + np.outer(1 - t, [0, wall]))[::-1]
    rows = [(0, 0), (foot, 0), *outer.tolist(), *inner.tolist(), (0, 0.006 + wall)]
    glaze = thing_colour(rng)
    texture = materials.stripes(rng, [glaze, glaze, thing_colour(rng)])
    outline = np.array(rows) - [0, 0.4 * height]
    return (Part(Revolved(outline, 30), texture, gloss=0.5),), "cup", radius


def _box(rng: Generator) -> tuple[tuple[Part, ...], str, float]:
    half = np.array([rng.uniform(0.014, 0.032), rng.uniform(0.025, 0.048), 0])
    half[2] = rng.uniform(max(0.04, half[1]), 0.10)
    base = thing_colour(rng)
    front = materials.label(rng, base, rng.uniform(0, 0.2), rng.uniform(0.8, 1.0))
    side = np.broadcast_to(front[:, :1], front.shape)  # the front's bands go on round the corner
    end = materials.plain(rng, np.asarray(base)).repeat(3, 0).repeat(3, 1)
    across, upright = (1, 0, 2), (0, 1, 2)  # which way z runs on each side: see RoundedBox.mesh
    sides = [front.transpose(upright), side.transpose(across), end]
    others = [front.transpose(across), side.transpose(upright), end]
    atlas = np.concatenate([np.concatenate(sides, 1), np.concatenate(others, 1)])
    return (Part(RoundedBox(half, 0.0015), atlas, gloss=0.1),), "wrap", half[0]


def _phone(rng: Generator) -> tuple[tuple[Part, ...], str, float]:
    half = np.array([rng.uniform(0.0335, 0.0385), 0.0042, rng.uniform(0.066, 0.080)])
    shell = materials.plain(rng, thing_colour(rng, ("black", "grey", "white", "blue", "red")))
    atlas = np.resize(shell, (128, 96, 3))
    # The atlas' middle column holds the two large sides, +-y; the front looks away from the palm.
    atlas[64:, 32:64] = materials.screen(rng)
    return (Part(RoundedBox(half, 0.004), atlas, gloss=0.6),), "flat", half[1]


def _banana(rng: Generator) -> tuple[tuple[Part, ...], str, float]:
    t = np.linspace(-1, 1, 15)
    bend, length = rng.uniform(0.45, 0.7), rng.uniform(0.15, 0.19)
    turn = length / 2 / bend
    line = np.stack([turn * (np.cos(bend * t) - 1), 0 * t, turn * np.sin(bend * t)], 1)
    girth = rng.uniform(0.0155, 0.019)
    radii = girth * np.clip(1 - np.abs(t) ** 4, 0, 1) ** 0.5 * (1 - 0.12 * t)
    radii = np.maximum(radii, 0.0042)
    ripe = materials.srgb_to_linear(np.array([0.90, rng.uniform(0.68, 0.80), 0.22]))
    peel = materials.plain(rng, ripe, 0.08)
    spots = materials.smooth_noise(rng, 32, 32, 14) > 1.4
    peel[spots] *= [0.45, 0.35, 0.3]
    peel[:2], peel[-3:] = 0.03, 0.05
    return (Part(Tube(line, radii, 15, 0.10), peel, gloss=0.1),), "wrap", girth


def _pen(rng: Generator) -> tuple[tuple[Part, ...], str, float]:
    radius, length = rng.uniform(0.0038, 0.0060), rng.uniform(0.135, 0.15)
    outline = _profile(
        (0, 0), (0.0008, 0), (0.7 * radius, 0.012), (radius, 0.02), (radius, length), (0, length)
    )
    barrel = [thing_colour(rng), thing_colour(rng, ("black", "grey", "white"))]
    texture = materials.stripes(rng, barrel)
    return (Part(Revolved(outline, 12), texture, gloss=0.4),), "wrap", radius


def _tool(rng: Generator) -> tuple[tuple[Part, ...], str, float]:
    return _hammer(rng) if rng.random() < 0.5 else _screwdriver(rng)


def _screwdriver(rng: Generator) -> tuple[tuple[Part, ...], str, float]:
    radius, length = rng.uniform(0.012, 0.017), rng.uniform(0.09, 0.12)
    z = np.linspace(-0.5, 0.5, 9)
    waist = radius * (1 - rng.uniform(0.05, 0.2) * np.cos(2 * np.pi * z) ** 2)
    rows = [(0, -0.5 * length), *zip(waist, z * length, strict=True), (0, 0.5 * length)]
    shaft = np.array([(0, 0), (0.003, 0), (0.003, 0.095), (0.0012, 0.11), (0, 0.11)])
    texture = materials.stripes(rng, [thing_colour(rng), thing_colour(rng)])
    steel = materials.plain(rng, np.full(3, 0.4))
    return (
        Part(Revolved(np.array(rows), 18), texture, gloss=0.3),
        Part(Revolved(shaft, 10), steel, gloss=0.8, offset=(0.0, 0.0, 0.5 * length)),
    ), "wrap", radius  # fmt: skip


def _hammer(rng: Generator) -> tuple[tuple[Part, ...], str, float]:
    radius, length = rng.uniform(0.012, 0.016), rng.uniform(0.20, 0.27)
    start = -0.06
    rows = [(0, 0), (radius, 0.0), (1.05 * radius, 0.03), (radius, 0.09), (0.75 * radius, 0.14),
            (0.7 * radius, length), (0, length)]  # fmt: skip
    oak = materials.srgb_to_linear(np.array([0.66, 0.47, 0.30]) * rng.uniform(0.6, 1.1))
    grip = materials.wood(rng, oak) if rng.random() < 0.6 else materials.stripes(
        rng, [thing_colour(rng, ("black", "grey")), thing_colour(rng)]
    )  # fmt: skip
    half = np.array([rng.uniform(0.04, 0.055), 0.012, 0.012])
    steel = materials.plain(rng, np.full(3, rng.uniform(0.06, 0.3)))
    return (
        Part(Revolved(np.array(rows) + [0, start], 18), grip, gloss=0.1),
        Part(RoundedBox(half, 0.003), steel, gloss=0.6, offset=(0.0, 0.0, length + start - 0.008)),
    ), "wrap", radius  # fmt: skip


def _ball(rng: Generator) -> tuple[tuple[Part, ...], str, float]:
    radius = rng.uniform(0.024, 0.042)
    turn = np.linspace(-np.pi / 2, np.pi / 2, 15)
    outline = radius * np.stack([np.cos(turn), np.sin(turn)], 1)
    outline[[0, -1], 0] = 0
    colours = [thing_colour(rng), thing_colour(rng)]
    texture = materials.stripes(rng, colours, bool(rng.random() < 0.5))
    return (Part(Revolved(outline), texture, gloss=0.2),), "wrap", radius


KINDS: dict[str, Callable[[Generator], tuple[tuple[Part, ...], str, float]]] = {
    "mug": _mug,
    "can": _can,
    "bottle": _bottle,
    "box": _box,
    "bowl": _bowl,
    "phone": _phone,
    "banana": _banana,
    "pen": _pen,
    "tool": _tool,
    "ball": _ball,
}


@lru_cache(maxsize=1024)
def instance(split: Split, kind: str, number: int) -> EverydayObject:
    """The object `number` of a kind in a split; other splits never see it."""
    seed = (_INSTANCE_SEED, SPLITS.index(split), list(KINDS).index(kind), number)
    parts, grip, girth = KINDS[kind](np.random.default_rng(seed))
    return EverydayObject(kind, f"{split}-{kind}-{number}", parts, grip, girth, seed)
