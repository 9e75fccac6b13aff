"""Film a recording with a camera of any place, lens and image size: full frames with depth.

The renderer draws square images. A frame of W x H pixels, W >= H, is the middle H rows of a
square of W pixels whose camera has its principal point (W - H) / 2 rows lower, so image and
intrinsics fit exactly.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, UInt8
from scipy.ndimage import zoom

from handlib.data.synthetic.backgrounds import background
from handlib.data.synthetic.rasterizer import rasterize
from handlib.data.synthetic.render import render
from handlib.data.synthetic.rendered_set import shipped_hand
from handlib.data.synthetic.scene import Scene
from handlib.data.synthetic.skin import Forearm
from handlib.data.synthetic.stills import expose, meter, quantise
from handlib.data.synthetic.views import Posed
from handlib.data.trees.placed import PlacedHand, ThingPose, mirror_matrix
from handlib.data.trees.recording import Recording

NOTHING, HAND, ARM, FIRST_THING = 0, 1, 2, 3
"""Values of `FullFrame.labels`; the things follow one another from FIRST_THING on."""

_FILM_SEED = 0xF117
_PLATE = 192  # pixels of the backgrounds that are enlarged to a full frame
_ARM = 0.6  # metres by which a forearm is made longer, to leave the frame


@dataclass(frozen=True)
class Camera:
    """A pinhole camera, OpenCV frame. rotation, position: p_world = rotation p + position."""

    intrinsics: Float[np.ndarray, "3 3"]
    width: int = 640
    height: int = 480
    rotation: Float[np.ndarray, "3 3"] | None = None
    position: Float[np.ndarray, "3"] | None = None

    @property
    def extrinsics(self) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "3"]]:
        """(rotation, position), those of the world where none were given."""
        rotation = np.eye(3) if self.rotation is None else self.rotation
        return rotation, np.zeros(3) if self.position is None else self.position

    def mirrored(self) -> "Camera":
        """The camera that sees the mirror image (x -> -x) of what this one sees, left to right."""
        (rotation, position), mirror = self.extrinsics, mirror_matrix()
        intrinsics = self.intrinsics.copy()
        intrinsics[0, 2] = self.width - 1 - intrinsics[0, 2]
        return replace(
            self,
            intrinsics=intrinsics,
            rotation=mirror @ rotation @ mirror,
            position=mirror @ position,
        )


@dataclass(frozen=True)
class FullFrame:
    """One frame with what is in it, everything in the camera's frame, metres.

    depth: of the nearest surface, 0 where there is none (backgrounds are far away). labels:
    NOTHING, HAND (at least half of the pixel), ARM, or FIRST_THING + the thing's number.
    """

    image: UInt8[np.ndarray, "H W 3"]
    depth: Float32[np.ndarray, "H W"]
    labels: UInt8[np.ndarray, "H W"]
    hand: PlacedHand
    things: tuple[ThingPose, ...]

    def mirrored(self) -> "FullFrame":
        """Left and right exchanged in the image and in space."""
        return FullFrame(
            np.ascontiguousarray(self.image[:, ::-1]),
            np.ascontiguousarray(self.depth[:, ::-1]),
            np.ascontiguousarray(self.labels[:, ::-1]),
            self.hand.mirrored(),
            tuple(thing.mirrored() for thing in self.things),
        )


def film(recording: Recording, camera: Camera, number: int = 0) -> Iterator[FullFrame]:
    """The recording's frames. The world is the recording's own frame.

    number: tells the cameras of one recording apart; each has its background and its noise, and
    keeps the exposure of its first frame.
    """
    left = recording.side == "left"
    seeing = camera.mirrored() if left else camera
    rng = np.random.default_rng((_FILM_SEED, *recording.key, number))
    behind = _enlarged(background(rng, recording.split, _PLATE), camera.width)
    lens: tuple[Float[np.ndarray, "3"], float] | None = None
    grain = np.float32(rng.uniform(0.4, 3.0))
    for k in range(recording.length):
        scene, posed = recording.moment(k)
        light, frame = _see(scene, posed, behind, seeing)
        lens = lens or meter(rng, light)
        noise = rng.standard_normal(light.shape, np.float32) * grain
        frame = replace(frame, image=quantise(expose(light, *lens) + noise))
        yield frame.mirrored() if left else frame


def _see(
    scene: Scene, posed: Posed, behind: Float32[np.ndarray, "W W 3"], camera: Camera
) -> tuple[Float32[np.ndarray, "H W 3"], FullFrame]:
    """Linear light, and the frame without its image."""
    width, height = camera.width, camera.height
    rotation, position = camera.extrinsics
    turn, shift = rotation.T, -rotation.T @ position
    scene = _moved(scene, turn, shift)
    rows = slice((width - height) // 2, (width + height) // 2)
    square = camera.intrinsics.copy()
    square[1, 2] += rows.start
    picture = render(replace(scene, intrinsics=square, background=behind))
    depth, labels = _depth(scene, camera, picture.visible[rows])
    things = tuple(
        ThingPose(
            placed.thing.kind,
            placed.thing.name,
            placed.rotation,
            placed.position,
            placed.thing.mesh.vertices.astype(float),
            placed.thing.mesh.faces,
        )
        for placed in scene.things
    )
    light = picture.light[rows]
    blank = np.zeros(light.shape, np.uint8)
    return light, FullFrame(blank, depth, labels, _hand(posed).moved(turn, shift), things)


def _enlarged(plate: Float32[np.ndarray, "S S 3"], size: int) -> Float32[np.ndarray, "W W 3"]:
    share = size / len(plate)
    return zoom(plate, (share, share, 1), order=1, mode="nearest", grid_mode=True)


def _moved(scene: Scene, turn: Float[np.ndarray, "3 3"], shift: Float[np.ndarray, "3"]) -> Scene:
    """The scene in the frame of another camera, with a forearm that reaches out of the image."""
    things = [
        replace(t, rotation=turn @ t.rotation, position=turn @ t.position + shift)
        for t in scene.things
    ]
    arm = _long(scene)
    return replace(
        scene,
        vertices=(scene.vertices @ turn.T + shift).astype(np.float32),
        normals=(scene.normals @ turn.T).astype(np.float32),
        arm=replace(arm, mesh=arm.mesh.moved(turn, shift)),
        things=tuple(things),
        light=replace(scene.light, direction=turn @ scene.light.direction),
    )


def _long(scene: Scene) -> Forearm:
    rings = scene.arm.mesh.vertices.reshape(-1, len(scene.surface.wrist), 3).copy()
    along = rings[-1].mean(0) - rings[-2].mean(0)
    rings[-1] += _ARM * along / np.linalg.norm(along)
    return replace(scene.arm, mesh=replace(scene.arm.mesh, vertices=rings.reshape(-1, 3)))


def _depth(
    scene: Scene, camera: Camera, hand: Bool[np.ndarray, "H W"]
) -> tuple[Float32[np.ndarray, "H W"], UInt8[np.ndarray, "H W"]]:
    """Depth at pixel centres, and labels: `hand` first, then whatever is nearest."""
    meshes = [(scene.vertices, scene.surface.faces)]
    meshes.append((scene.arm.mesh.vertices, scene.arm.mesh.faces))
    for placed in scene.things:
        mesh = placed.thing.mesh.moved(placed.rotation, placed.position)
        meshes.append((mesh.vertices, mesh.faces))
    size = camera.height, camera.width
    depths = np.stack(
        [rasterize(v, f, camera.intrinsics, *size).depth_map(*size) for v, f in meshes]
    )
    nearest, others = depths.min(0), depths[1:]
    labels = np.where(np.isfinite(others.min(0)), ARM + others.argmin(0), NOTHING)
    labels[hand] = HAND
    depth = np.where(np.isfinite(nearest), nearest, 0)
    return depth.astype(np.float32), labels.astype(np.uint8)


def _hand(posed: Posed) -> PlacedHand:
    model = shipped_hand()
    with torch.inference_mode():
        rest = model(torch.zeros(1, 16, 3), posed.betas[None])
    return PlacedHand(
        side=model.side,
        betas=posed.betas.double().numpy(),
        fingers=posed.fingers.astype(float),
        wrist=rest.joints[0, 0].double().numpy(),
        rotation=posed.rotation,
        shift=posed.shift,
        vertices=posed.vertices[: len(rest.vertices[0])].astype(float),
        joints=posed.joints.astype(float),
    )
