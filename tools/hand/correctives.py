"""MANO's pose blend shapes (`posedirs`), fitted so that linear skinning keeps its volume.

The target surface is half dual-quaternion skinning and half its delta-mush smoothing (Mancewicz
et al. 2014), with the folds on the palm side of bent joints smoothed until they no longer cut
into themselves. A ridge regression over poses finds the rest-space offsets; each vertex listens
only to the joints that move it.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float, Int

from .collision import SelfIntersection
from .mesh import averaging_matrix, unique_edges, vertex_normals
from .skinning import (
    dual_quaternion_blend,
    joint_transforms,
    linear_blend,
    rotation_matrices,
    unit,
)

WEIGHT_SMOOTHING = 3  # Laplacian steps; MakeHuman's weights are sharp at the PIP joints
MUSH_SMOOTHING = 4
FOLD_SMOOTHING = 6  # at most; a fold is smoothed together with its neighbours
RIDGE = 2e-4  # per pose
LOCALITY = 0.01  # a joint counts for a vertex from this skin weight on


def smooth_weights(
    weights: Float[np.ndarray, "V 16"], faces: Int[np.ndarray, "F 3"]
) -> Float[np.ndarray, "V 16"]:
    """Skin weights after a few half-way averaging steps, rows summing to 1."""
    step = _smoothing_step(faces, len(weights))
    for _ in range(WEIGHT_SMOOTHING):
        weights = step @ weights
    return weights / weights.sum(1, keepdims=True)


@dataclass(frozen=True)
class SkinnedHand:
    """Everything that MANO's forward pass at zero betas needs; poses are (15,3) without wrist."""

    template: Float[np.ndarray, "V 3"]
    faces: Int[np.ndarray, "F 3"]
    weights: Float[np.ndarray, "V 16"]
    joints: Float[np.ndarray, "16 3"]
    correctives: Float[np.ndarray, "V 3 135"]

    def vertices(self, pose: Float[np.ndarray, "15 3"]) -> Float[np.ndarray, "V 3"]:
        """Posed vertices, equal to smplx's."""
        local = local_rotations(pose)
        rest = self.template + self.correctives @ pose_feature(local)
        return linear_blend(rest, self.weights, *joint_transforms(local, self.joints))


class CorrectiveTarget:
    """The surface a pose should have."""

    def __init__(self, hand: SkinnedHand) -> None:
        self.hand = hand
        self.step = _smoothing_step(hand.faces, len(hand.template))
        self.guide = _furthest_neighbour(hand.template, hand.faces)
        self.tangle = SelfIntersection(hand.faces, len(hand.template))
        smooth = self._smooth(hand.template)
        offset = hand.template - smooth
        self.detail = np.einsum("vba,vb->va", self._frames(smooth), offset)

    def __call__(self, pose: Float[np.ndarray, "15 3"]) -> Float[np.ndarray, "V 3"]:
        transforms = joint_transforms(local_rotations(pose), self.hand.joints)
        dual = dual_quaternion_blend(self.hand.template, self.hand.weights, *transforms)
        smooth = self._smooth(dual)
        mush = smooth + np.einsum("vab,vb->va", self._frames(smooth), self.detail)
        return self._open_folds((dual + mush) / 2)

    def _open_folds(self, vertices: Float[np.ndarray, "V 3"]) -> Float[np.ndarray, "V 3"]:
        for _ in range(FOLD_SMOOTHING):
            inside = self.tangle.inside(vertices)
            if not inside.any():
                break
            around = self.step @ inside.astype(float) > 0.1
            vertices = np.where(around[:, None], self.step @ vertices, vertices)
        return vertices

    def _smooth(self, vertices: Float[np.ndarray, "V 3"]) -> Float[np.ndarray, "V 3"]:
        for _ in range(MUSH_SMOOTHING):
            vertices = self.step @ vertices
        return vertices

    def _frames(self, vertices: Float[np.ndarray, "V 3"]) -> Float[np.ndarray, "V 3 3"]:
        normal = vertex_normals(vertices, self.hand.faces)
        tangent = vertices[self.guide] - vertices
        tangent = unit(tangent - normal * (tangent * normal).sum(1, keepdims=True))
        return np.stack([tangent, np.cross(normal, tangent), normal], axis=2)


def fit_correctives(
    hand: SkinnedHand, poses: Float[np.ndarray, "N 15 3"]
) -> Float[np.ndarray, "V 3 135"]:
    """Ridge fit of the rest-space offsets that take linear skinning to the target."""
    target = CorrectiveTarget(hand)
    features = np.stack([pose_feature(local_rotations(pose)) for pose in poses])
    offsets = np.stack([_rest_offsets(hand, pose, target(pose)) for pose in poses])
    correctives = np.zeros((*hand.template.shape, features.shape[1]))
    for joints, members in _vertices_by_joints(hand.weights).items():
        columns = np.concatenate([np.arange(9 * (j - 1), 9 * j) for j in joints])
        inputs = features[:, columns]
        gram = inputs.T @ inputs + RIDGE * len(poses) * np.eye(len(columns))
        right = inputs.T @ offsets[:, members].reshape(len(poses), -1)
        solution = np.linalg.solve(gram, right).reshape(len(columns), len(members), 3)
        correctives[np.ix_(members, range(3), columns)] = solution.transpose(1, 2, 0)
    return correctives


def residuals(hand: SkinnedHand, poses: Float[np.ndarray, "N 15 3"]) -> Float[np.ndarray, "N V"]:
    """Distance of each skinned vertex from its target, metres."""
    target = CorrectiveTarget(hand)
    return np.stack([np.linalg.norm(hand.vertices(pose) - target(pose), axis=1) for pose in poses])


def local_rotations(pose: Float[np.ndarray, "15 3"]) -> Float[np.ndarray, "16 3 3"]:
    """Rotation matrices with the wrist at rest."""
    return rotation_matrices(np.vstack([np.zeros((1, 3)), pose]))


def pose_feature(local: Float[np.ndarray, "16 3 3"]) -> Float[np.ndarray, "135"]:
    """MANO's pose feature: entries of R - I of the 15 finger joints."""
    return (local[1:] - np.eye(3)).ravel()


def _rest_offsets(
    hand: SkinnedHand, pose: Float[np.ndarray, "15 3"], wanted: Float[np.ndarray, "V 3"]
) -> Float[np.ndarray, "V 3"]:
    """Offsets to the template that make linear skinning hit the wanted vertices exactly."""
    rotations, translations = joint_transforms(local_rotations(pose), hand.joints)
    blended = np.einsum("vj,jab->vab", hand.weights, rotations)
    moved = wanted - hand.weights @ translations
    return np.linalg.solve(blended, moved[..., None])[..., 0] - hand.template


def _vertices_by_joints(weights: Float[np.ndarray, "V 16"]) -> dict[tuple[int, ...], list[int]]:
    groups: dict[tuple[int, ...], list[int]] = {}
    for vertex, row in enumerate(weights[:, 1:] > LOCALITY):
        if row.any():
            groups.setdefault(tuple(int(j) + 1 for j in np.flatnonzero(row)), []).append(vertex)
    return groups


def _smoothing_step(faces: Int[np.ndarray, "F 3"], size: int) -> sp.csr_matrix:
    return ((sp.identity(size) + averaging_matrix(faces, size)) / 2).tocsr()


def _furthest_neighbour(
    vertices: Float[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"]
) -> Int[np.ndarray, "V"]:
    """A neighbour per vertex that fixes its tangent frame; the furthest turns least by noise."""
    a, b = unique_edges(faces).T
    length = np.linalg.norm(vertices[a] - vertices[b], axis=1)
    shortest_first = np.argsort(np.r_[length, length], kind="stable")
    guide = np.zeros(len(vertices), int)
    guide[np.r_[a, b][shortest_first]] = np.r_[b, a][shortest_first]
    return guide
