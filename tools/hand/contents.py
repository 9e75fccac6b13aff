"""What the shipped files hold: the arrays of a MANO file, and the named poses with their axes."""

from typing import Any

import numpy as np
from jaxtyping import Float

from .grasping import Capsules
from .packaging import rounded
from .result import Build
from .rig import MANO_JOINT_NAMES, PARENTS

MOTIONS = ("flexion", "abduction", "twist")
POSES_ABOUT = (
    "Named poses, joint axes and limits of MANO_RIGHT.npz (right hand, flat rest pose, metres and "
    "radians). poses: name -> 16 axis-angles in the order of joints, wrist first and zero; full "
    "angles, nothing is to be added. axes: unit vectors in the rest frame; a positive angle about "
    "flexion bends towards the palm, about abduction spreads away from the middle finger (the "
    "middle finger itself: towards the thumb), about twist turns about the bone. A joint's "
    "rotation is exp(flexion) exp(abduction) exp(twist). limits: joint -> [low, high] of each "
    "angle. objects: for each named grasp the capsule it holds, in the hand's rest frame: centre, "
    "unit axis, half_length (half the distance between its ends' centres; 0 is a ball), radius."
)


def mano_arrays(build: Build) -> dict[str, np.ndarray]:
    """The keys and shapes of a MANO file, float32 and uint32."""
    parents = np.array([np.uint32(parent & 0xFFFFFFFF) for parent in PARENTS], np.uint32)
    floats = {
        "v_template": build.shape.template,
        "shapedirs": build.shape.directions,
        "posedirs": build.hand.correctives,
        "J_regressor": build.regressor,
        "weights": build.hand.weights,
        "J": build.hand.joints,
        "hands_mean": build.poses.mean,
        "hands_components": build.poses.components,
        "hands_coeffs": build.poses.coefficients,
    }
    return {
        **{name: array.astype(np.float32) for name, array in floats.items()},
        "f": build.hand.faces.astype(np.uint32),
        "kintree_table": np.stack([parents, np.arange(16, dtype=np.uint32)]),
        "bs_style": np.array("lbs"),
        "bs_type": np.array("lrotmin"),
    }


def poses_json(build: Build) -> dict[str, Any]:
    """Content of poses.json."""
    articulation = build.articulation
    axes = articulation.axes.copy()
    axes[:, 1] *= articulation.spread[:, None]
    named = {name: np.vstack([np.zeros((1, 3)), pose]) for name, pose in build.named.items()}
    return {
        "about": POSES_ABOUT,
        "joints": list(MANO_JOINT_NAMES),
        "axes": _by_joint(axes),
        "limits": _by_joint(articulation.limits),
        "objects": {name: _capsule(capsule) for name, capsule in build.grasped.items()},
        "poses": {name: rounded(pose) for name, pose in named.items()},
    }


def _by_joint(values: Float[np.ndarray, "15 3 K"]) -> dict[str, Any]:
    return {
        joint: dict(zip(MOTIONS, rounded(row), strict=True))
        for joint, row in zip(MANO_JOINT_NAMES[1:], values, strict=True)
    }


def _capsule(capsule: Capsules) -> dict[str, Any]:
    (half_length,), (radius,) = rounded(capsule.half_length), rounded(capsule.radius)
    centre, axis = rounded(capsule.centre[0]), rounded(capsule.axis[0])
    return {"centre": centre, "axis": axis, "half_length": half_length, "radius": radius}
