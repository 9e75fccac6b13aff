"""Light on surfaces: a sun or lamp with soft shadows, light from all around, a little gloss.

Light is computed at the vertices and interpolated over the triangles, which at 128 pixels looks
like per-pixel shading at a fraction of its cost. Amounts of light are linear RGB.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int

from handlib.data.synthetic.rasterizer import depth_map
from handlib.data.synthetic.solids import cross

_LAMP_DISTANCE = 1.2
"""Metres from the scene to the lamp."""
SKY = np.array([0.0, -0.6, -0.8])
"""Where most of the light comes from that comes from all around: above and behind the camera."""
_SHADOW_BIAS = 0.006
"""Metres by which a blocker has to be nearer to the lamp, or surfaces would shadow themselves."""


@dataclass(frozen=True)
class Light:
    """direction: unit vector towards the lamp, camera frame. lamp, sky, ground: linear RGB."""

    direction: Float[np.ndarray, "3"]
    lamp: Float[np.ndarray, "3"]
    sky: Float[np.ndarray, "3"]
    ground: Float[np.ndarray, "3"]


def draw_light(rng: np.random.Generator) -> Light:
    """A room's light: a lamp or window above and before the scene, from warm to cool."""
    azimuth, height = rng.uniform(-1.4, 1.4), rng.uniform(0.25, 1.2)
    direction = np.array(
        [np.sin(azimuth) * np.cos(height), -np.sin(height), -np.cos(azimuth) * np.cos(height)]
    )
    warmth = rng.uniform(-1, 1)
    tint = np.array([1 + 0.10 * warmth, 1, 1 - 0.14 * warmth])
    share = rng.uniform(0.35, 0.75)  # of the light that comes from the lamp
    around = np.array([1 - 0.04 * warmth, 1, 1 + 0.06 * warmth]) * (1 - share)
    bounce = rng.uniform(0.35, 0.8)
    return Light(direction, 1.5 * share * tint, around, bounce * around * tint)


def lit(
    normals: Float[np.ndarray, "V 3"],
    light: Light,
    shadow: Float[np.ndarray, " V"],
    open_sky: Float[np.ndarray, " V"],
) -> Float32[np.ndarray, "V 3"]:
    """Light that falls on each vertex: multiply it with the surface's colour."""
    lamp = np.clip(normals @ light.direction, 0, 1) * shadow
    up = 0.5 - 0.5 * normals[:, 1:2]
    around = light.ground + up * (light.sky - light.ground)
    around *= (0.55 + 0.45 * open_sky)[:, None]  # hollows get less, but some from every side
    return (lamp[:, None] * light.lamp + around).astype(np.float32)


def gloss(
    vertices: Float[np.ndarray, "V 3"],
    normals: Float[np.ndarray, "V 3"],
    light: Light,
    shadow: Float[np.ndarray, " V"],
    strength: Float[np.ndarray, " V"] | float,
) -> Float32[np.ndarray, "V 3"]:
    """Light that each vertex mirrors towards the camera (Blinn's half vector)."""
    points, normals = vertices.T.copy(), normals.T.copy()  # planes: NumPy is slow along 3
    to_camera = -points / np.linalg.norm(points, axis=0)
    half = to_camera + light.direction[:, None]
    half /= np.linalg.norm(half, axis=0)
    shine = np.clip((normals * half).sum(0), 0, 1) ** 24 * shadow * strength
    grazing = (1 - np.clip((normals * to_camera).sum(0), 0, 1)) ** 4 * strength * 0.35
    mirrored = shine * light.lamp[:, None] + grazing * light.sky[:, None]
    return mirrored.T.astype(np.float32)


def seen_from(
    direction: Float[np.ndarray, "3"],
    vertices: Float[np.ndarray, "V 3"],
    faces: Int[np.ndarray, "F 3"],
    used: int,
    size: int = 80,
) -> Float32[np.ndarray, " V"]:
    """How much of a lamp in this direction each vertex sees, 0..1, by a depth map from there.

    The map covers the first `used` vertices; what lies outside it is not shadowed.
    """
    centre = vertices[:used].mean(0)
    rotation = _towards(-direction)
    seen = (vertices - centre) @ rotation.T + np.array([0, 0, _LAMP_DISTANCE])
    extent = np.abs(seen[:used, :2]).max() + 0.01
    focal = 0.5 * size * _LAMP_DISTANCE / extent
    middle = (size - 1) / 2
    intrinsics = np.array([[focal, 0, middle], [0, focal, middle], [0, 0, 1]])
    wide = size + 4  # a frame of two pixels, where nothing is in the way
    depth = np.full((wide, wide), np.inf, np.float32)
    depth[2:-2, 2:-2] = depth_map(seen, faces, intrinsics, size) + np.float32(_SHADOW_BIAS)
    at = np.rint(focal * seen[:, :2] / seen[:, 2:] + middle).clip(-1, size).astype(int) + 2
    taps = [dy * wide + dx for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    nearest = depth.take(at[:, 1] * wide + at[:, 0] + np.array(taps)[:, None])
    return (seen[:, 2] < nearest).mean(0, dtype=np.float32)


def _towards(forward: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3 3"]:
    """A rotation whose third row is `forward`."""
    side = cross(np.eye(3)[np.argmin(np.abs(forward))], forward)
    side /= np.linalg.norm(side)
    return np.stack([side, cross(forward, side), forward])
