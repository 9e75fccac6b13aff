"""Where a hand and a thing are, in whatever frame a data set wants its labels in.

A hand is carried from MANO's rest frame to another by x -> rotation x + shift. In that form a
change of frame is two products; the data sets' translation, which is added after a turn about the
wrist, is read off at the end.
"""

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial.transform import Rotation

from handlib.hands.skeleton import Side

_MIRROR = np.diag([-1.0, 1.0, 1.0])


@dataclass(frozen=True)
class PlacedHand:
    """A hand with its labels in one frame, metres and radians.

    fingers: axis-angles of MANO's 15 finger joints. wrist: J0(betas), in the rest frame.
    joints: common order, fingertips as in `skeleton.FINGERTIPS["manopth"]`.
    """

    side: Side
    betas: Float[np.ndarray, "10"]
    fingers: Float[np.ndarray, "15 3"]
    wrist: Float[np.ndarray, "3"]
    rotation: Float[np.ndarray, "3 3"]
    shift: Float[np.ndarray, "3"]
    vertices: Float[np.ndarray, "778 3"]
    joints: Float[np.ndarray, "21 3"]

    @property
    def root(self) -> Float[np.ndarray, "3"]:
        """Axis-angle of the whole hand."""
        return Rotation.from_matrix(self.rotation).as_rotvec()

    @property
    def translation(self) -> Float[np.ndarray, "3"]:
        """t of x -> rotation (x - wrist) + wrist + t, as MANO's layers have it."""
        return self.shift - self.wrist + self.rotation @ self.wrist

    def moved(
        self, rotation: Float[np.ndarray, "3 3"], shift: Float[np.ndarray, "3"]
    ) -> "PlacedHand":
        """The same hand in the frame that x -> rotation x + shift leads to."""
        return replace(
            self,
            rotation=rotation @ self.rotation,
            shift=rotation @ self.shift + shift,
            vertices=self.vertices @ rotation.T + shift,
            joints=self.joints @ rotation.T + shift,
        )

    def mirrored(self) -> "PlacedHand":
        """The other hand, its frame and its rest frame reflected in x."""
        return replace(
            self,
            side="left" if self.side == "right" else "right",
            fingers=self.fingers * [1.0, -1.0, -1.0],  # axial vectors
            wrist=_MIRROR @ self.wrist,
            rotation=_MIRROR @ self.rotation @ _MIRROR,
            shift=_MIRROR @ self.shift,
            vertices=self.vertices @ _MIRROR,
            joints=self.joints @ _MIRROR,
        )


@dataclass(frozen=True)
class ThingPose:
    """A thing in one frame: x -> rotation x + position. vertices, faces: in its own frame."""

    kind: str
    name: str
    rotation: Float[np.ndarray, "3 3"]
    position: Float[np.ndarray, "3"]
    vertices: Float[np.ndarray, "V 3"]
    faces: Int[np.ndarray, "F 3"]

    @property
    def box(self) -> Float[np.ndarray, "8 3"]:
        """The eight corners in the thing's own frame."""
        sides = zip(self.vertices.min(0), self.vertices.max(0), strict=True)
        return np.array(list(product(*sides)), float)

    def moved(
        self, rotation: Float[np.ndarray, "3 3"], shift: Float[np.ndarray, "3"]
    ) -> "ThingPose":
        """The same thing in the frame that x -> rotation x + shift leads to."""
        return replace(
            self,
            rotation=rotation @ self.rotation,
            position=rotation @ self.position + shift,
        )

    def mirrored(self) -> "ThingPose":
        """The mirror image of the thing, reflected in x with its frame."""
        return replace(
            self,
            name=f"{self.name}-mirrored",
            rotation=_MIRROR @ self.rotation @ _MIRROR,
            position=_MIRROR @ self.position,
            vertices=self.vertices @ _MIRROR,
            faces=self.faces[:, ::-1],
        )


def mirror_matrix() -> Float[np.ndarray, "3 3"]:
    """The reflection in x."""
    return _MIRROR.copy()
