"""A hand in motion: finger joints, orientation and place as functions of time."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32
from scipy.spatial.transform import Rotation
from torch import Tensor

from handlib.data.synthetic.skin import hand_surface
from handlib.data.synthetic.trajectories import Track, Tremor
from handlib.data.synthetic.views import PALM_VIEW
from handlib.hands.hand_model import HandModel
from handlib.hands.pose_prior import joint_limits, pose_from_motions


@dataclass(frozen=True)
class HandMotion:
    """One hand's way through a clip.

    fingers: flexion, abduction and twist of the 15 joints, radians, 45 in a row. angles: roll in
    the image plane, tilt towards the camera, spin about the hand's long axis, radians. place:
    metres, camera frame, of the point `pivot` of the hand at rest, which the angles turn about.
    """

    betas: Float[Tensor, "10"]
    fingers: Track
    angles: Track
    place: Track
    finger_tremor: Tremor
    angle_tremor: Tremor
    place_tremor: Tremor
    pivot: Float[np.ndarray, "3"]

    def finger_pose(self, time: Float[np.ndarray, " T"]) -> Float32[np.ndarray, "T 15 3"]:
        """Axis-angles of the finger joints."""
        motions = self.fingers.at(time) + self.finger_tremor.at(time)
        return pose_from_motions(torch.from_numpy(motions.reshape(-1, 15, 3)).float()).numpy()

    def root(
        self, time: Float[np.ndarray, " T"]
    ) -> tuple[Float[np.ndarray, "T 3 3"], Float[np.ndarray, "T 3"]]:
        """Rotation and shift from the hand's rest frame to the camera's."""
        rotation = turned(self.angles.at(time) + self.angle_tremor.at(time))
        place = self.place.at(time) + self.place_tremor.at(time)
        return rotation, place - rotation @ self.pivot


def turned(angles: Float[np.ndarray, "T 3"]) -> Float[np.ndarray, "T 3 3"]:
    """Hand frame to camera for roll, tilt and spin from the view of an upright palm."""
    return Rotation.from_euler("ZXY", angles).as_matrix() @ PALM_VIEW


def rest_joints(hand: HandModel, betas: Float[Tensor, "10"]) -> Float[np.ndarray, "21 3"]:
    """Of the flat hand of this shape."""
    return hand(torch.zeros(1, 16, 3), betas[None]).joints[0].double().numpy()


def within_limits(
    motions: Float[np.ndarray, "15 3"], margin: Float[np.ndarray, "15 3"]
) -> Float[np.ndarray, "15 3"]:
    """Joint motions cut to what the joints allow, less a margin that is left to tremor."""
    low, high = joint_limits().double().numpy().transpose(2, 0, 1)
    return np.clip(motions, low + margin, high - margin)


def tremor_margin(amplitude: float) -> Float[np.ndarray, "15 3"]:
    """The tremor of each motion: `amplitude` radians, less where a joint hardly moves."""
    low, high = joint_limits().double().numpy().transpose(2, 0, 1)
    return np.minimum(amplitude, 0.15 * (high - low))


@dataclass(frozen=True)
class Poses:
    """A hand at T times, camera frame; rotation and shift bring it there from its rest frame."""

    fingers: Float32[np.ndarray, "T 15 3"]
    rotation: Float[np.ndarray, "T 3 3"]
    shift: Float[np.ndarray, "T 3"]
    vertices: Float32[np.ndarray, "T V 3"]
    joints: Float32[np.ndarray, "T 21 3"]


def pose_hand(motion: HandMotion, time: Float[np.ndarray, " T"], hand: HandModel) -> Poses:
    """The hand at these times."""
    fingers = motion.finger_pose(time)
    rotation, shift = motion.root(time)
    pose = torch.nn.functional.pad(torch.from_numpy(fingers), (0, 0, 1, 0))
    rest = hand(pose, motion.betas.expand(len(time), 10))
    surface = hand_surface(hand)
    ring = rest.vertices[:, surface.wrist].mean(1, keepdim=True)
    vertices = torch.cat([rest.vertices, ring], 1)

    def placed(points: Tensor) -> np.ndarray:
        moved = points.double().numpy() @ rotation.swapaxes(1, 2) + shift[:, None]
        return moved.astype(np.float32)

    return Poses(fingers, rotation, shift, placed(vertices), placed(rest.joints))


@contextmanager
def one_thread() -> Iterator[None]:
    """Sums in one order, and so the same bits, however many threads torch has."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            yield
    finally:
        torch.set_num_threads(threads)
