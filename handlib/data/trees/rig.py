"""Cameras that stand around a scene and look at its middle."""

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from handlib.data.trees.film import Camera

_MIDDLE = np.array([0.0, 0.0, 0.70])
_FOCAL = 617.343  # pixels at 640 x 480
_CENTRE = (312.42, 241.42)


def rig(count: int, master: int = 0) -> list[Camera]:
    """`count` cameras of 640 x 480 pixels; the frame of camera `master` is the world.

    They turn about a point 0.7 m in front of the master by up to 40 degrees, and no two have the
    same lens.
    """
    order = np.roll(np.arange(count), master)
    return [Camera(_lens(k), 640, 480, *_pose(int(order[k]), count)) for k in range(count)]


def _lens(k: int) -> Float[np.ndarray, "3 3"]:
    fx, fy = _FOCAL - 1.7 * k, _FOCAL - 1.3 * k
    return np.array([[fx, 0, _CENTRE[0] + 0.9 * k], [0, fy, _CENTRE[1] - 0.6 * k], [0, 0, 1]])


def _pose(place: int, count: int) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "3"]]:
    """Camera to world. Place 0 is the world; the others lie on an ellipse around it."""
    if place == 0:
        return np.eye(3), np.zeros(3)
    turn = 2 * np.pi * place / count
    angles = [40 * np.cos(turn), 18 * np.sin(turn), 12 * np.sin(2 * turn)]
    rotation = Rotation.from_euler("yxz", angles, degrees=True).as_matrix()
    return rotation, _MIDDLE - rotation @ _MIDDLE
