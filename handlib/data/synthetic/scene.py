"""A scene, ready to be rendered: a posed hand, its forearm, things, light, camera, background."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32

from handlib.data.synthetic.objects import EverydayObject
from handlib.data.synthetic.shading import Light
from handlib.data.synthetic.skin import Forearm, HandSurface


@dataclass(frozen=True)
class PlacedThing:
    """An object in the camera frame; `texels` replaces its own colours if it is given."""

    thing: EverydayObject
    rotation: Float[np.ndarray, "3 3"]
    position: Float[np.ndarray, "3"]
    texels: Float32[np.ndarray, "T 3"] | None = None


@dataclass(frozen=True)
class Scene:
    """Everything in the camera frame, metres; colours are linear RGB.

    vertices, normals: of the hand with its wrist closed. skin: colour per vertex.
    intrinsics: of the finished image of `background`'s size.
    """

    surface: HandSurface
    vertices: Float[np.ndarray, "V 3"]
    normals: Float32[np.ndarray, "V 3"]
    skin: Float32[np.ndarray, "V 3"]
    skin_gloss: float
    arm: Forearm
    things: tuple[PlacedThing, ...]
    light: Light
    intrinsics: Float[np.ndarray, "3 3"]
    background: Float32[np.ndarray, "S S 3"]
