"""Rooms, walls and table tops behind the hand: plates that are painted once and cropped often."""

from functools import lru_cache

import numpy as np
from jaxtyping import Float32
from scipy.ndimage import uniform_filter1d

from handlib.data.synthetic import materials
from handlib.data.synthetic.materials import Colour, thing_colour
from handlib.data.synthetic.objects import SPLITS, Split

PLATES = 96
"""Plates in each split's pool."""

_SIZE = 192
_PLATE_SEED = 0xBAC4
_WOODS = (  # sRGB of birch, oak, beech, walnut, wenge and weathered wood
    (0.80, 0.70, 0.55),
    (0.66, 0.53, 0.38),
    (0.70, 0.52, 0.40),
    (0.42, 0.31, 0.23),
    (0.24, 0.19, 0.16),
    (0.55, 0.53, 0.50),
)
_WALLS = ("white", "grey", "white", "brown", "teal", "blue", "yellow")


def background(rng: np.random.Generator, split: Split, size: int) -> Float32[np.ndarray, "S S 3"]:
    """A crop, at times mirrored, of one of the split's plates; linear RGB."""
    image = plate(split, int(rng.integers(PLATES)))
    side = rng.uniform(0.6, 1.0) * _SIZE
    left, top = rng.uniform(0, _SIZE - side, 2)
    steps = (np.arange(size) + 0.5) * (side / size)
    columns, rows = (left + steps).astype(int), (top + steps).astype(int)
    if rng.random() < 0.5:
        columns = columns[::-1]
    return image.take(rows, 0).take(columns, 1)


@lru_cache(maxsize=3 * PLATES)
def plate(split: Split, number: int) -> Float32[np.ndarray, "S S 3"]:
    """Plate `number` of a split, larger than any crop of it; linear RGB."""
    rng = np.random.default_rng((_PLATE_SEED, SPLITS.index(split), number))
    kind = rng.choice(["room", "top", "wall", "far"], p=[0.4, 0.25, 0.15, 0.2])
    painter = {"room": _room, "top": _table_top, "wall": _wall, "far": _far}[kind]
    plate = painter(rng)
    vignette = 1 + 0.06 * materials.smooth_noise(rng, _SIZE, _SIZE, 2)
    return np.clip(plate * vignette[..., None], 0.004, 1).astype(np.float32)


def _wall_colour(rng: np.random.Generator) -> Colour:
    colour = thing_colour(rng, _WALLS)
    return 0.55 * colour + 0.45 * colour.mean()


def _wall(rng: np.random.Generator) -> np.ndarray:
    """A plain wall, lit from one side."""
    y, x = np.mgrid[:_SIZE, :_SIZE] / _SIZE - 0.5
    turn = rng.uniform(0, 2 * np.pi)
    light = 0.75 + 0.5 * rng.uniform(0, 0.8) * (np.cos(turn) * x + np.sin(turn) * y)
    grain = 1 + 0.010 * materials.smooth_noise(rng, _SIZE, _SIZE, 60)
    return _wall_colour(rng) * (light * grain)[..., None]


def _table_top(rng: np.random.Generator) -> np.ndarray:
    """A table or a cloth seen from above."""
    tile = _surface(rng)
    scale = rng.uniform(0.6, 1.4)
    turn = rng.uniform(0, np.pi)
    y, x = np.mgrid[:_SIZE, :_SIZE] * scale
    u = (np.cos(turn) * x - np.sin(turn) * y).astype(int) % tile.shape[1]
    v = (np.sin(turn) * x + np.cos(turn) * y).astype(int) % tile.shape[0]
    light = 0.8 + 0.25 * materials.smooth_noise(rng, _SIZE, _SIZE, 2)
    return soften(tile[v, u] * light[..., None], int(rng.integers(1, 3)))


def _surface(rng: np.random.Generator) -> np.ndarray:
    if rng.random() < 0.5:
        tone = np.array(_WOODS[rng.integers(len(_WOODS))]) * rng.uniform(0.85, 1.15)
        return materials.wood(rng, materials.srgb_to_linear(tone), _SIZE, _SIZE)
    if rng.random() < 0.5:
        return materials.cloth(rng, _wall_colour(rng), _SIZE, _SIZE)
    return np.tile(materials.plain(rng, _wall_colour(rng), 0.01), (_SIZE // 32, _SIZE // 32, 1))


def _room(rng: np.random.Generator) -> np.ndarray:
    """A table before a wall with things out of focus."""
    plate = _far(rng) if rng.random() < 0.5 else _wall(rng)
    horizon = int(_SIZE * rng.uniform(0.35, 0.8))
    tile = _surface(rng)
    row = np.arange(horizon, _SIZE)
    depth = 60 / (row - horizon + rng.uniform(12, 40))
    column = np.arange(_SIZE) - _SIZE / 2
    u = (depth[:, None] * column * 1.5).astype(int) % tile.shape[1]
    v = np.broadcast_to((depth * 120).astype(int)[:, None] % tile.shape[0], u.shape)
    table = soften(tile[v, u], 1)
    fade = np.clip((row - horizon) / 40, 0, 1)[:, None, None]
    plate[horizon:] = table * (0.75 + 0.25 * fade)
    return soften(plate, int(rng.integers(1, 4)))


def _far(rng: np.random.Generator) -> np.ndarray:
    """Furniture, shelves and windows far out of focus."""
    plate = _wall(rng)
    for _ in range(rng.integers(3, 9)):
        width, height = (rng.uniform(0.08, 0.45, 2) * _SIZE).astype(int)
        left, top = rng.integers(-20, _SIZE - 10, 2)
        colour = thing_colour(rng, ("white", "grey", "brown", "black", "blue", "green", "red"))
        area = plate[max(top, 0) : top + height, max(left, 0) : left + width]
        area += rng.uniform(0.5, 1) * (0.7 * colour + 0.3 * colour.mean() - area)
    if rng.random() < 0.3:
        left, width = rng.integers(0, _SIZE - 40), rng.integers(20, 60)
        plate[10 : rng.integers(60, 130), left : left + width] = 0.95
    return soften(plate, int(rng.integers(3, 9)))


def soften(image: np.ndarray, radius: int) -> np.ndarray:
    """Blur rows and columns by two box filters; edges are repeated."""
    width = 2 * radius + 1
    for axis in (0, 1, 0, 1):
        image = uniform_filter1d(image, width, axis, mode="nearest")
    return image
