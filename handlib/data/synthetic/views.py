"""A hand before a camera: at rest, turned and placed, cut out, and small for a first look."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, Float32, Int
from scipy.spatial.transform import Rotation
from torch import Tensor

from handlib.data.synthetic.config import StillsConfig
from handlib.data.synthetic.grasps import Grasp
from handlib.data.synthetic.objects import EverydayObject
from handlib.data.synthetic.occlusion import SmallView, shrink
from handlib.data.synthetic.rasterizer import depth_map
from handlib.data.synthetic.scene import PlacedThing
from handlib.data.synthetic.skin import hand_surface
from handlib.hands.hand_model import HandModel

PALM_VIEW = np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]])
"""Hand frame to camera: fingers up, the palm towards the camera."""
_SMALL = 48
"""Pixels of the raster that occlusion is aimed on."""


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

    fingers: Float32[np.ndarray, "15 3"]
    betas: Float[Tensor, "10"]
    translation: Float32[np.ndarray, "3"]
    joints: Float32[np.ndarray, "21 3"]
    vertices: Float32[np.ndarray, "V 3"]
    rotation: Float[np.ndarray, "3 3"]
    shift: Float[np.ndarray, "3"]
    intrinsics: Float[np.ndarray, "3 3"]

    @cached_property
    def pose(self) -> Float32[np.ndarray, "16 3"]:
        """Axis-angles of the root and the finger joints, in MANO's order."""
        root = Rotation.from_matrix(self.rotation).as_rotvec()[None]
        return np.concatenate([root, self.fingers]).astype(np.float32)

    def place(self, held: Grasp, thing: EverydayObject) -> PlacedThing:
        """An object given in the hand's rest frame, in the camera frame."""
        position = self.rotation @ held.position + self.shift
        return PlacedThing(thing, self.rotation @ held.rotation, position)


def see(rng: np.random.Generator, size: int, config: StillsConfig, rest: RestHand) -> Posed:
    """Look at a hand: turn it, put it before the camera, and cut the image around it."""
    turn = [rng.uniform(-angle, angle) for angle in (config.roll, config.tilt, config.spin)]
    root = Rotation.from_euler("ZXY", turn, degrees=True).as_matrix() @ PALM_VIEW
    away = np.tan(np.radians(rng.uniform(-config.off_axis, config.off_axis, 2)))
    goal = rng.uniform(*config.distance) * np.append(away, 1)
    # MANO turns about the wrist: x -> R (x - J0) + J0 + t, so t moves the turned hand to its goal.
    wrist = rest.joints[0]
    translation = (goal - root @ (rest.joints.mean(0) - wrist) - wrist).astype(np.float32)
    shift = translation + wrist - root @ wrist
    vertices = (rest.vertices @ root.T + shift).astype(np.float32)
    return Posed(
        fingers=rest.fingers,
        betas=rest.betas,
        translation=translation,
        joints=(rest.joints @ root.T + shift).astype(np.float32),
        vertices=vertices,
        rotation=root,
        shift=shift,
        intrinsics=_crop(rng, size, config, vertices),
    )


def _crop(
    rng: np.random.Generator, size: int, config: StillsConfig, vertices: Float[np.ndarray, "V 3"]
) -> Float[np.ndarray, "3 3"]:
    """The camera of a square image around the hand, not exactly centred."""
    x, y, z = vertices.T.copy()
    flat = np.stack([x / z, y / z])
    low, high = flat.min(1), flat.max(1)
    fill = rng.uniform(*config.fill)
    focal = fill * size / (high - low).max()
    room = 0.5 * (0.97 - fill) * size  # the hand stays inside
    centre = (size - 1) / 2 + rng.uniform(-0.5, 0.5, 2) * min(room, 0.1 * size) * 2
    cx, cy = centre - focal * (low + high) / 2
    return np.array([[focal, 0, cx], [0, focal, cy], [0, 0, 1]])


def small_view(posed: Posed, hand: HandModel, size: int, things: list[PlacedThing]) -> SmallView:
    """What a few pixels show of the hand behind the things it holds."""
    return glance(posed.vertices, posed.intrinsics, hand_surface(hand).faces, size, things)


def glance(
    vertices: Float[np.ndarray, "V 3"],
    intrinsics: Float[np.ndarray, "3 3"],
    faces: Int[np.ndarray, "F 3"],
    size: int,
    things: list[PlacedThing],
) -> SmallView:
    """`small_view` of a surface that was posed elsewhere."""
    small = shrink(intrinsics, size, _SMALL)
    depth = depth_map(vertices, faces, small, _SMALL)
    amodal = np.isfinite(depth)
    visible = amodal
    for placed in things:
        mesh = placed.thing.mesh
        moved = mesh.vertices @ placed.rotation.T + placed.position
        visible = visible & (depth < depth_map(moved, mesh.faces, small, _SMALL))
    return SmallView(small, amodal, visible)
