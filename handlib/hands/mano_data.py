"""What a MANO file holds, checked: Romero, Tzionas and Black, "Embodied Hands", TOG 2017, sec. 3.

Wherever the numbers come from (an .npz, the official pickle, arrays in memory) they pass through
`ManoData.from_arrays`, so nothing behind it has to doubt a shape or a parent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from handlib.hands.skeleton import MANO_JOINT_NAMES, PARENTS, Side

VERTICES, FACES, JOINTS, BETAS = 778, 1538, 16, 10
FINGER_ANGLES = 3 * (JOINTS - 1)
POSE_FEATURES = 9 * (JOINTS - 1)

SHAPES = {
    "v_template": (VERTICES, 3),
    "shapedirs": (VERTICES, 3, BETAS),
    "posedirs": (VERTICES, 3, POSE_FEATURES),
    "J_regressor": (JOINTS, VERTICES),
    "weights": (VERTICES, JOINTS),
    "kintree_table": (2, JOINTS),
    "f": (FACES, 3),
    "hands_mean": (FINGER_ANGLES,),
    "hands_components": (FINGER_ANGLES, FINGER_ANGLES),
}
"""The keys that are read, with their shapes; a file may hold more."""

# The root's parent is -1, which the official file stores in an unsigned type.
_ROOT_PARENTS = (-1, 2**32 - 1, 2**64 - 1)
_ROW_SUM_TOLERANCE = 1e-3


class ManoFileError(ValueError):
    """A file is not the MANO model it was taken for; the message says what to do."""


@dataclass(frozen=True)
class ManoData:
    """The numbers of one hand, metres and radians, in MANO's vertex and joint order."""

    template: Float[np.ndarray, "778 3"]
    shapedirs: Float[np.ndarray, "778 3 10"]
    posedirs: Float[np.ndarray, "778 3 135"]
    joint_regressor: Float[np.ndarray, "16 778"]
    skinning_weights: Float[np.ndarray, "778 16"]
    faces: Int[np.ndarray, "1538 3"]
    hands_mean: Float[np.ndarray, "45"]
    hands_components: Float[np.ndarray, "45 45"]

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any], source: str) -> "ManoData":
        """Check arrays under MANO's own keys and take them over in double precision.

        Raises:
            ManoFileError: a key is missing, or an array has the wrong shape, kind or contents.
                `source` names the file in the message.
        """
        missing = [key for key in SHAPES if key not in arrays]
        if missing:
            raise ManoFileError(
                f"{source}: expected a MANO hand model, found no {', '.join(missing)} "
                f"(keys there: {', '.join(map(str, arrays)) or 'none'}). "
                "Use MANO_RIGHT.pkl or MANO_LEFT.pkl of MANO v1.2, or the same keys in an .npz."
            )
        _check_tree(_integers(arrays, "kintree_table", source), source)
        return cls(
            template=_floats(arrays, "v_template", source),
            shapedirs=_floats(arrays, "shapedirs", source),
            posedirs=_floats(arrays, "posedirs", source),
            joint_regressor=_row_stochastic(arrays, "J_regressor", source),
            skinning_weights=_row_stochastic(arrays, "weights", source),
            faces=_faces(arrays, source),
            hands_mean=_floats(arrays, "hands_mean", source),
            hands_components=_floats(arrays, "hands_components", source),
        )

    @property
    def side(self) -> Side:
        """Side of the hand, by MANO's rest pose: a right hand's fingers point to -x."""
        joints = self.joint_regressor @ self.template
        knuckle = MANO_JOINT_NAMES.index("middle_mcp")
        return "right" if joints[knuckle, 0] < joints[0, 0] else "left"

    def mirrored(self) -> "ManoData":
        """The other hand: reflected in x, with the same vertex numbers.

        Under M = diag(-1, 1, 1) a rotation R becomes M R M, so an axis-angle (x, y, z) becomes
        (x, -y, -z), and entry ij of a pose feature changes sign with M_ii M_jj. Triangles turn
        round, so that normals go on pointing outwards.
        """
        point = np.array([-1.0, 1.0, 1.0])
        feature = np.tile(np.outer(point, point).ravel(), JOINTS - 1)
        angle = np.tile([1.0, -1.0, -1.0], JOINTS - 1)
        return replace(
            self,
            template=self.template * point,
            shapedirs=self.shapedirs * point[:, None],
            posedirs=self.posedirs * point[:, None] * feature,
            faces=np.ascontiguousarray(self.faces[:, ::-1]),
            hands_mean=self.hands_mean * angle,
            hands_components=self.hands_components * angle,
        )


def _array(arrays: Mapping[str, Any], key: str, source: str, kinds: str) -> np.ndarray:
    array, shape = arrays[key], SHAPES[key]
    if not isinstance(array, np.ndarray) or array.dtype.kind not in kinds:
        found = getattr(array, "dtype", type(array).__name__)
        raise ManoFileError(f"{source}: '{key}' should be an array of numbers, found {found}.")
    if array.shape != shape:
        raise ManoFileError(
            f"{source}: '{key}' should have shape {shape}, found {array.shape}. "
            "Only hands with MANO's 778 vertices and 16 joints can be read."
        )
    return array


def _floats(arrays: Mapping[str, Any], key: str, source: str) -> np.ndarray:
    array = _array(arrays, key, source, kinds="fiu").astype(np.float64)
    if not np.isfinite(array).all():
        raise ManoFileError(f"{source}: '{key}' holds numbers that are not finite.")
    return array


def _integers(arrays: Mapping[str, Any], key: str, source: str) -> np.ndarray:
    return _array(arrays, key, source, kinds="iu")


def _row_stochastic(arrays: Mapping[str, Any], key: str, source: str) -> np.ndarray:
    array = _floats(arrays, key, source)
    worst = np.abs(array.sum(1) - 1).max()
    if worst > _ROW_SUM_TOLERANCE:
        raise ManoFileError(
            f"{source}: rows of '{key}' should sum to 1, found one off by {worst:.3g}."
        )
    return array


def _faces(arrays: Mapping[str, Any], source: str) -> np.ndarray:
    faces = _integers(arrays, "f", source).astype(np.int64)
    if faces.min() < 0 or faces.max() >= VERTICES:
        raise ManoFileError(
            f"{source}: 'f' should hold vertex numbers 0 to {VERTICES - 1}, "
            f"found {faces.min()} to {faces.max()}."
        )
    return faces


def _check_tree(kintree: np.ndarray, source: str) -> None:
    parents, joints = kintree.tolist()
    rooted = parents[0] in _ROOT_PARENTS and tuple(parents[1:]) == PARENTS[1:]
    if not rooted or joints != list(range(JOINTS)):
        raise ManoFileError(
            f"{source}: 'kintree_table' should be MANO's tree, parents {list(PARENTS)} of joints "
            f"0 to {JOINTS - 1}; found {parents} of {joints}."
        )
