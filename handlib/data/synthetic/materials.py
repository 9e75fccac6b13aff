"""Colours and textures: the real range of skin tones, and surfaces of everyday things.

Skin follows the individual typology angle ITA = atan((L* - 50) / b*) of CIELAB (Chardon et al.
1991), whose classes run from above 55 degrees (very light) to below -30 degrees (dark; Del Bino
and Bernerd, British Journal of Dermatology 169, 2013). Colours are linear RGB: light adds up
there; the camera applies the sRGB curve at the end.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

Colour = Float[np.ndarray, "3"]
Texture = Float[np.ndarray, "H W 3"]

_HUES = {  # hue, least and most saturation, least and most value, as packages and crockery have
    "white": (0.11, 0.00, 0.10, 0.80, 0.95, 5),
    "grey": (0.60, 0.00, 0.08, 0.25, 0.70, 3),
    "black": (0.60, 0.00, 0.15, 0.05, 0.16, 3),
    "red": (0.99, 0.60, 0.85, 0.45, 0.80, 3),
    "orange": (0.07, 0.55, 0.80, 0.65, 0.90, 2),
    "yellow": (0.13, 0.45, 0.80, 0.70, 0.92, 2),
    "green": (0.36, 0.25, 0.60, 0.25, 0.60, 2),
    "teal": (0.49, 0.25, 0.55, 0.30, 0.60, 1),
    "blue": (0.60, 0.35, 0.75, 0.25, 0.70, 4),
    "brown": (0.07, 0.35, 0.60, 0.22, 0.50, 2),
}


def srgb_to_linear(colour: np.ndarray) -> np.ndarray:
    """Screen values 0..1 to amounts of light (IEC 61966-2-1)."""
    return np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)


def lab_to_linear(lab: Float[np.ndarray, "3"]) -> Colour:
    """CIELAB under D65 to linear RGB, cut to the gamut."""
    lightness = (lab[0] + 16) / 116
    f = np.array([lightness + lab[1] / 500, lightness, lightness - lab[2] / 200])
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * [0.9505, 1.0, 1.089]
    to_rgb = np.array(
        [[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]]
    )
    return np.clip(to_rgb @ xyz, 0.005, 1)


def skin_colour(rng: np.random.Generator) -> tuple[Colour, Colour]:
    """Back of the hand and palm of one person, ITA uniform over the real range.

    The palm has little pigment whatever the person's tone: it is lighter, the darker the tone
    the more, and redder.
    """
    angle = np.radians(rng.uniform(-50, 60))
    yellow = rng.uniform(12, 19)
    lightness = np.clip(50 + yellow * np.tan(angle), 27, 74)
    red = rng.uniform(7, 12)
    yellow *= np.clip(lightness / 55, 0.6, 1)
    back = np.array([lightness, red, yellow])
    palm = np.array([0.55 * lightness + 0.45 * 68, red + rng.uniform(2, 5), yellow])
    return lab_to_linear(back), lab_to_linear(palm)


def thing_colour(rng: np.random.Generator, names: Sequence[str] = tuple(_HUES)) -> Colour:
    """A muted colour of an everyday thing, one of the named families."""
    share = np.array([_HUES[name][-1] for name in names], float)
    hue, *ends, _ = _HUES[names[rng.choice(len(names), p=share / share.sum())]]
    saturation, value = rng.uniform(ends[0], ends[1]), rng.uniform(ends[2], ends[3])
    turn = (hue + rng.normal(0, 0.015) + np.array([1, 2 / 3, 1 / 3])) % 1
    ramp = np.clip(np.abs(turn * 6 - 3) - 1, 0, 1)
    return srgb_to_linear(value * (1 - saturation + saturation * ramp))


def plain(rng: np.random.Generator, colour: Colour, unevenness: float = 0.04) -> Texture:
    """One colour, hardly uneven."""
    return colour * (1 + unevenness * smooth_noise(rng, 32, 32, 6)[..., None])


def label(
    rng: np.random.Generator, base: Colour, from_v: float = 0.1, to_v: float = 0.9
) -> Texture:
    """A printed package: bands, a logo and lines of small print between two heights."""
    height, width = 96, 96
    texture = np.broadcast_to(base, (height, width, 3)).copy()
    low, high = int(from_v * height), int(to_v * height)
    paper = texture[low:high]
    paper[:] = thing_colour(rng)
    for _ in range(rng.integers(1, 4)):
        start, thick = rng.integers(0, len(paper)), rng.integers(2, 16)
        paper[start : start + thick] = thing_colour(rng)
    ink = thing_colour(rng)
    for side in (0, width // 2):
        _logo(rng, paper[:, side : side + width // 2], ink)
        _small_print(rng, paper[:, side : side + width // 2])
    return texture * (1 + 0.04 * smooth_noise(rng, height, width, 6)[..., None])


def _logo(rng: np.random.Generator, area: Texture, ink: Colour) -> None:
    height, width = area.shape[:2]
    y, x = np.mgrid[:height, :width]
    cy, cx = height * rng.uniform(0.25, 0.6), width * rng.uniform(0.4, 0.6)
    ry, rx = height * rng.uniform(0.08, 0.22), width * rng.uniform(0.18, 0.42)
    power = rng.choice([2, 8])
    area[np.abs((y - cy) / ry) ** power + np.abs((x - cx) / rx) ** power < 1] = ink
    word = np.abs(y - cy) < 0.35 * ry
    area[word & (np.abs(x - cx) < 0.7 * rx) & (x % 5 > 0)] = thing_colour(rng, ("white", "black"))


def _small_print(rng: np.random.Generator, area: Texture) -> None:
    height, width = area.shape[:2]
    ink = thing_colour(rng, ("white", "black"))
    for row in range(int(0.7 * height), height - 2, 3):
        end = rng.integers(width // 3, width - 4)
        gaps = rng.random(end - 4) < 0.2
        area[row, 4:end][~gaps] = 0.6 * ink + 0.4 * area[row, 4:end][~gaps]


def stripes(rng: np.random.Generator, colours: Sequence[Colour], along_v: bool = True) -> Texture:
    """Bands of the given colours with irregular widths."""
    edges = np.sort(rng.uniform(0.1, 0.9, 2 * rng.integers(1, 4)))
    band = np.searchsorted(edges, np.linspace(0, 1, 64)) % len(colours)
    texture = np.asarray(colours)[band][:, None].repeat(16, 1)
    return texture if along_v else texture.swapaxes(0, 1)


def wood(rng: np.random.Generator, colour: Colour, height: int = 96, width: int = 96) -> Texture:
    """Fine grain along v, slightly bent, with boards of slightly different tone."""
    x = np.linspace(0, 1, width)[None] + 0.015 * smooth_noise(rng, height, width, 3)
    rings = np.interp(x * 60 % 60, np.arange(61), rng.normal(0, 1, 61))
    fibre = np.repeat(rng.normal(0, 1, (1, width)), height, 0)
    board = rng.normal(0, 1, 8)[np.clip(x * rng.uniform(2, 6), 0, 7).astype(int)]
    return colour * np.clip(1 + 0.06 * rings + 0.03 * fibre + 0.06 * board, 0.5, 1.5)[..., None]


def cloth(rng: np.random.Generator, colour: Colour, height: int = 96, width: int = 96) -> Texture:
    """A woven fabric, plain or with a loose check."""
    y, x = np.mgrid[:height, :width]
    weave = 0.05 * ((x + y) % 2) + 0.06 * smooth_noise(rng, height, width, 8)
    texture = colour * (1 + weave)[..., None]
    if rng.random() < 0.4:
        period = rng.integers(10, 24)
        lines = ((x % period) < period // 3) * 0.5 + ((y % period) < period // 3) * 0.5
        texture = texture + 0.6 * lines[..., None] * (thing_colour(rng) - texture)
    return texture


def screen(rng: np.random.Generator) -> Texture:
    """A phone's front: dark glass, at times with a dim picture on it."""
    texture = np.full((64, 32, 3), 0.012)
    if rng.random() < 0.6:
        glow = np.linspace(0, 1, 58)[:, None, None]
        texture[3:61, 2:30] = (1 - glow) * thing_colour(rng) + glow * thing_colour(rng)
        for row in range(8, 52, 11):
            texture[row : row + 7, 5:27] = thing_colour(rng, ("white", "grey"))
    return texture


def smooth_noise(rng: np.random.Generator, height: int, width: int, cells: int) -> np.ndarray:
    """Low-frequency noise of unit scale: a coarse random grid, interpolated smoothly."""
    grid = rng.normal(0, 1, (cells + 2, cells + 2))
    if width == 1:
        grid = grid[:, :2]  # all that its one column is made of
    return _upsample(_upsample(grid, height).T, width).T


def _upsample(grid: np.ndarray, size: int) -> np.ndarray:
    at = np.linspace(0, len(grid) - 1.001, size)
    low = at.astype(int)
    t = (at - low)[:, None]
    t = t * t * (3 - 2 * t)
    return (1 - t) * grid[low] + t * grid[low + 1]
