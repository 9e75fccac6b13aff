"""The written DexYCB, read as its description says: cameras to world, 45 coefficients, metres."""

import re
from functools import cache
from importlib.resources import files

import numpy as np
import pytest
import trimesh
import yaml
from scipy.spatial.transform import Rotation

from handlib.data.trees import write_dexycb

from .conftest import still
from .seen import green_pixels, hand_depth, mano_layer, mesh_depth, overlap, pixels

SERIALS = [
    "836212060125",
    "839512060362",
    "840412060917",
    "841412060263",
    "932122060857",
    "932122060861",
    "932122061900",
    "932122062010",
]
SUBJECT = "20200820-subject-03"
MIRROR = np.array([-1.0, 1.0, 1.0])


def read_yaml(path):
    return yaml.load(path.read_text(), Loader=yaml.FullLoader)


def sequences(root):
    """Folders, sides and what was filmed, of the two sequences with frames."""
    folders = sorted(path for path in (root / SUBJECT).iterdir())
    return [(folders[0], "right", 0), (folders[4], "left", 1)]


def camera(root, serial):
    color = read_yaml(root / "calibration" / "intrinsics" / f"{serial}_640x480.yml")["color"]
    return np.array([[color["fx"], 0, color["ppx"]], [0, color["fy"], color["ppy"]], [0, 0, 1]])


def to_world(root, folder, serial):
    name = read_yaml(folder / "meta.yml")["extrinsics"]
    poses = read_yaml(root / "calibration" / f"extrinsics_{name}" / "extrinsics.yml")
    numbers = poses["extrinsics"][serial]
    assert isinstance(numbers, tuple) and len(numbers) == 12
    matrix = np.array(numbers).reshape(3, 4)
    np.testing.assert_allclose(matrix[:, :3] @ matrix[:, :3].T, np.eye(3), atol=1e-12)
    assert np.linalg.det(matrix[:, :3]) > 0
    return matrix[:, :3], matrix[:, 3]


def betas(root, folder):
    (name,) = read_yaml(folder / "meta.yml")["mano_calib"]
    return np.array(read_yaml(root / "calibration" / f"mano_{name}" / "mano.yml")["betas"])


@cache
def hand_file():
    path = files("handlib") / "assets" / "MANO_RIGHT.npz"
    with path.open("rb") as file, np.load(file) as arrays:
        return {key: arrays[key] for key in ("hands_mean", "hands_components")}


def full_pose(pose_m, side):
    """Full angles: the mean and a sum of components; the left hand's are the mirrored right's."""
    sign = np.tile([1.0, 1.0, 1.0] if side == "right" else [1.0, -1.0, -1.0], 15)
    arrays = hand_file()
    fingers = arrays["hands_mean"] * sign
    for coefficient, component in zip(pose_m[3:48], arrays["hands_components"], strict=True):
        fingers = fingers + coefficient * component * sign
    return np.concatenate([pose_m[:3], fingers])


def vertices(pose_m, shape, side):
    return mano_layer(side, full_pose(pose_m.astype(float), side), shape, pose_m[48:])


def posed(tree, number, frame):
    """The scene's vertices and joints in the world, that of the third camera."""
    truth = tree.recordings[number].moment(frame)[1]
    sign = MIRROR if number else 1.0
    joints = truth.joints * sign
    if number:  # manopth's tip of a left middle finger
        joints[12] = truth.vertices[445] * sign
    return truth.vertices[:778] * sign, joints


def frames(tree):
    for folder, side, number in sequences(tree.root):
        for serial in SERIALS:
            for path in sorted((folder / serial).glob("labels_*.npz")):
                with np.load(path) as labels:
                    yield folder, side, number, serial, path, dict(labels)


def test_every_subject_has_a_hundred_sequences(dexycb_tree):
    subjects = sorted(path for path in dexycb_tree.root.iterdir() if "subject" in path.name)
    assert len(subjects) == 10
    assert [path.name[-2:] for path in subjects] == [f"{k:02d}" for k in range(1, 11)]
    total = []
    for subject in subjects:
        folders = sorted(subject.iterdir())
        assert len(folders) == 100
        assert all(re.fullmatch(r"\d{8}_\d{6}", folder.name) for folder in folders)
        total += [read_yaml(folder / "meta.yml")["num_frames"] for folder in folders[::20]]
    folders = sorted((dexycb_tree.root / SUBJECT).iterdir())
    metas = [read_yaml(folder / "meta.yml") for folder in folders[:5]]
    assert [meta["num_frames"] for meta in metas] == [2, 0, 0, 0, 1]
    assert metas[0]["mano_sides"] == ["right"] and metas[4]["mano_sides"] == ["left"]
    assert metas[0]["serials"] == SERIALS


def test_shapes_and_types(dexycb_tree):
    count = 0
    for folder, _, _, _, path, labels in frames(dexycb_tree):
        things = len(read_yaml(folder / "meta.yml")["ycb_ids"])
        expected = {
            "seg": ((480, 640), np.uint8),
            "pose_y": ((things, 3, 4), np.float32),
            "pose_m": ((1, 51), np.float32),
            "joint_3d": ((1, 21, 3), np.float32),
            "joint_2d": ((1, 21, 2), np.float32),
        }
        found = {key: (value.shape, value.dtype) for key, value in labels.items()}
        assert found == expected
        number = path.stem.removeprefix("labels_")
        assert pixels(path.with_name(f"color_{number}.jpg")).shape == (480, 640, 3)
        depth = pixels(path.with_name(f"aligned_depth_to_color_{number}.png"))
        assert depth.shape == (480, 640) and depth.dtype == np.uint16
        count += 1
    assert count == 3 * 8


def test_all_cameras_agree_on_the_world(dexycb_tree):
    root = dexycb_tree.root
    for folder, _, number, serial, path, labels in frames(dexycb_tree):
        rotation, position = to_world(root, folder, serial)
        joints = labels["joint_3d"][0].astype(float)
        _, truth = posed(dexycb_tree, number, int(path.stem[-6:]))
        np.testing.assert_allclose(joints @ rotation.T + position, truth, atol=1e-6)
        flat = joints @ camera(root, serial).T
        pixel = flat[:, :2] / flat[:, 2:]
        np.testing.assert_allclose(labels["joint_2d"][0], pixel, atol=1e-3)


def test_coefficients_give_the_hand_in_the_image(dexycb_tree):
    root = dexycb_tree.root
    for folder, side, number, serial, path, labels in frames(dexycb_tree):
        mesh = vertices(labels["pose_m"][0], betas(root, folder), side)
        rotation, position = to_world(root, folder, serial)
        truth, _ = posed(dexycb_tree, number, int(path.stem[-6:]))
        np.testing.assert_allclose(mesh @ rotation.T + position, truth, atol=1e-5)
        name = path.stem.removeprefix("labels_")
        depth = pixels(path.with_name(f"aligned_depth_to_color_{name}.png")) / 1000.0
        hand = hand_depth(mesh, side == "left", camera(root, serial), depth.shape)
        visible = np.isfinite(hand) & (depth > hand - 0.002)
        assert np.abs(depth - hand)[visible].max() < 0.002
        assert overlap(visible, labels["seg"] == 255) > 0.97, path
        if visible.sum() > 2000:  # else the blur of the lens at the edge counts for too much
            image = green_pixels(path.with_name(f"color_{name}.jpg"))
            assert overlap(visible, image) > 0.96, path


def test_poses_in_the_world(dexycb_tree):
    root = dexycb_tree.root
    for folder, side, number in sequences(root):
        with np.load(folder / "pose.npz") as poses:
            hands, things = poses["pose_m"], poses["pose_y"]
        meta = read_yaml(folder / "meta.yml")
        assert hands.shape == (meta["num_frames"], 1, 51)
        assert things.shape == (meta["num_frames"], len(meta["ycb_ids"]), 7)
        for k in range(meta["num_frames"]):
            mesh = vertices(hands[k, 0], betas(root, folder), side)
            np.testing.assert_allclose(mesh, posed(dexycb_tree, number, k)[0], atol=1e-5)
    for folder, _, _, serial, path, labels in frames(dexycb_tree):
        rotation, position = to_world(root, folder, serial)
        with np.load(folder / "pose.npz") as poses:
            things = poses["pose_y"][int(path.stem[-6:])]
        for pose, local in zip(things, labels["pose_y"], strict=True):
            turn = Rotation.from_quat(pose[:4]).as_matrix()
            np.testing.assert_allclose(rotation @ local[:, :3], turn, atol=1e-5)
            np.testing.assert_allclose(rotation @ local[:, 3] + position, pose[4:], atol=1e-5)


def test_things_are_where_their_labels_are(dexycb_tree):
    """Where a label names a thing, the depth is that of its mesh, placed by the label."""
    root, seen = dexycb_tree.root, 0
    for folder, side, take, serial, path, labels in frames(dexycb_tree):
        ids = read_yaml(folder / "meta.yml")["ycb_ids"]
        assert len(set(ids)) == len(ids) and all(1 <= i <= 21 for i in ids)
        assert set(np.unique(labels["seg"])) <= {0, 255, *ids}
        number = path.stem.removeprefix("labels_")
        depth = pixels(path.with_name(f"aligned_depth_to_color_{number}.png")) / 1000
        scene, _ = dexycb_tree.recordings[take].moment(int(number))
        for i, pose, placed in zip(ids, labels["pose_y"], scene.things, strict=True):
            mesh = placed.thing.mesh
            points = mesh.vertices * (MIRROR if side == "left" else 1)
            faces = mesh.faces[:, ::-1] if side == "left" else mesh.faces
            points = points @ pose[:, :3].T + pose[:, 3]
            solid = trimesh.Trimesh(points, faces, process=False)
            if (points[:, 2] < 0.05).any():
                continue
            found = mesh_depth(solid, camera(root, serial), depth.shape)
            inside = labels["seg"] == i
            near = np.abs(found - depth)[inside] < 0.003
            assert near.sum() >= 0.95 * inside.sum() - 20  # its edge is where the hand's blurs
            seen += inside.sum() > 500
    assert seen > 10


def test_places_that_cannot_be_are_refused(tmp_path):
    one = still("train", 0)
    for places in ([(10, 0)], [(0, 100)], [(0, 0), (0, 1)]):
        with pytest.raises(ValueError, match="places: expected 1"):
            write_dexycb(tmp_path / "tree", [one], places)
    with pytest.raises(ValueError, match="places: expected 2"):
        write_dexycb(tmp_path / "tree", [one, one], [(1, 1), (1, 1)])
    assert not list(tmp_path.iterdir())
