"""The written HO-3D, read as its description says: OpenGL, metres, MANO's order of joints."""

import json
import pickle
import pickletools

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from handlib.data.trees.python2_pickle import dumps

from .seen import green_pixels, hand_depth, mano_layer, overlap, pixels

# x, y, z of the annotations to x right, y down, z forward.
FLIP = np.array([1.0, -1.0, -1.0])
# Wrist; index, middle, little, ring, thumb of three joints each; five tips, thumb to little.
COMMON = [0, 13, 14, 15, 16, 1, 2, 3, 17, 4, 5, 6, 18, 10, 11, 12, 19, 7, 8, 9, 20]
HAND_KEYS = {"handPose", "handTrans", "handBeta", "handJoints3D"}
EVAL_KEYS = {
    "camIDList",
    "camMat",
    "handBoundingBox",
    "handJoints3D",
    "objCorners3D",
    "objCorners3DRest",
    "objLabel",
    "objName",
    "objRot",
    "objTrans",
}


def listed(root, split):
    return [line.split("/") for line in (root / f"{split}.txt").read_text().splitlines()]


def read_meta(root, split, sequence, frame):
    data = (root / split / sequence / "meta" / f"{frame}.pkl").read_bytes()
    return pickle.loads(data, encoding="latin1")


def file(root, split, sequence, kind, frame):
    (path,) = (root / split / sequence / kind).glob(f"{frame}.*")
    return path


def decode_depth(path):
    """As the official reader: red plus 256 green, in steps of an eighth of a millimetre."""
    channels = pixels(path).astype(float)
    return (channels[..., 0] + 256 * channels[..., 1]) * 0.00012498664727900177


def project(points, camera):
    flat = points @ camera.T
    return flat[:, :2] / flat[:, 2:]


def posed(tree, sequence, frame):
    """The scene's labels: camera 0 sees it in its own frame."""
    recording = tree.recordings[ord(sequence[3]) - ord("A")]
    return recording.moment(int(frame))[1]


def test_what_is_listed_is_there_and_of_the_right_kind(ho3d_tree):
    root = ho3d_tree.root
    v3 = root.name == "v3"
    train, evaluation = listed(root, "train"), listed(root, "evaluation")
    assert len(train) == 8 and len(evaluation) == 4  # two cameras each
    for split, frames in (("train", train), ("evaluation", evaluation)):
        for sequence, frame in frames:
            assert len(frame) == 4
            assert file(root, split, sequence, "rgb", frame).suffix == (".jpg" if v3 else ".png")
            for kind in ("rgb", "depth"):
                assert pixels(file(root, split, sequence, kind, frame)).shape == (480, 640, 3)
    segments = sorted((root / f"HO3D_{root.name}_segmentations_rendered").rglob("*.*"))
    assert len(segments) == 12
    assert {path.suffix for path in segments} == {".png" if v3 else ".jpg"}
    assert {pixels(path).shape for path in segments} == {(120, 160, 3)}


def test_keys_and_shapes(ho3d_tree):
    root = ho3d_tree.root
    for sequence, frame in listed(root, "train"):
        meta = read_meta(root, "train", sequence, frame)
        assert set(meta) == (EVAL_KEYS - {"handBoundingBox"}) | HAND_KEYS
        assert meta["handPose"].shape == (48,) and meta["handJoints3D"].shape == (21, 3)
        assert meta["handTrans"].shape == (3,) and meta["handBeta"].shape == (10,)
        assert meta["objRot"].shape == (3, 1)
    for sequence, frame in listed(root, "evaluation"):
        meta = read_meta(root, "evaluation", sequence, frame)
        assert set(meta) == EVAL_KEYS and meta["handJoints3D"].shape == (3,)


def test_joints_are_the_scenes(ho3d_tree):
    root = ho3d_tree.root
    for sequence, frame in listed(root, "train"):
        if sequence[-1] != "0":
            continue
        meta, truth = read_meta(root, "train", sequence, frame), posed(ho3d_tree, sequence, frame)
        joints = (meta["handJoints3D"] * FLIP)[COMMON]
        inner = [k for k in range(21) if k % 4 or k == 0]
        np.testing.assert_allclose(joints[inner], truth.joints[inner], atol=1e-6)
        tips = truth.vertices[[728, 353, 442, 576, 694]]
        np.testing.assert_allclose(joints[4::4], tips, atol=1e-6)


def test_parameters_give_the_hand_in_the_image(ho3d_tree):
    """smplx on the parameters as they stand, flipped, lies where the image shows skin."""
    root, seen = ho3d_tree.root, 0
    for sequence, frame in listed(root, "train"):
        meta = read_meta(root, "train", sequence, frame)
        vertices = mano_layer("right", meta["handPose"], meta["handBeta"], meta["handTrans"])
        vertices = vertices * FLIP
        if sequence[-1] == "0":
            truth = posed(ho3d_tree, sequence, frame).vertices[:778]
            np.testing.assert_allclose(vertices, truth, atol=1e-5)
        depth = decode_depth(file(root, "train", sequence, "depth", frame))
        hand = hand_depth(vertices, False, meta["camMat"], depth.shape)
        visible = np.isfinite(hand) & (depth > hand - 0.002)
        image = green_pixels(file(root, "train", sequence, "rgb", frame))
        assert overlap(visible, image) > 0.97, (sequence, frame)
        assert np.abs(depth - hand)[visible].max() < 0.002
        folder = root / f"HO3D_{root.name}_segmentations_rendered" / "train" / sequence / "seg"
        (segments,) = folder.glob(f"{frame}.*")
        red, _, blue = pixels(segments).transpose(2, 0, 1)
        quarter = visible.reshape(120, 4, 160, 4).mean((1, 3)) >= 0.5
        assert overlap(quarter, red > 128) > 0.93, (sequence, frame)
        assert not ((red > 128) & (blue > 128)).any()
        seen += visible.sum() > 1000
    assert seen >= 6


def test_evaluation_shows_the_wrist_and_keeps_the_rest_apart(ho3d_tree):
    root = ho3d_tree.root
    joints = np.array(json.loads((root / "evaluation_xyz.json").read_text()))
    vertices = np.array(json.loads((root / "evaluation_verts.json").read_text()))
    assert joints.shape == (4, 21, 3) and vertices.shape == (4, 778, 3)
    for row, (sequence, frame) in enumerate(listed(root, "evaluation")):
        meta = read_meta(root, "evaluation", sequence, frame)
        np.testing.assert_allclose(joints[row, 0], meta["handJoints3D"], atol=1e-12)
        box = meta["handBoundingBox"]
        flat = project(vertices[row] * FLIP, meta["camMat"])
        assert (
            np.abs(flat.min(0) - box[:2]).max() <= 1 and np.abs(flat.max(0) - box[2:]).max() <= 1
        )
        if sequence[-1] == "0":
            truth = posed(ho3d_tree, sequence, frame)
            np.testing.assert_allclose(vertices[row] * FLIP, truth.vertices[:778], atol=1e-6)
            np.testing.assert_allclose(joints[row, 1] * FLIP, truth.joints[5], atol=1e-6)


def test_the_object_is_where_its_corners_are(ho3d_tree):
    root = ho3d_tree.root
    for sequence, frame in listed(root, "train"):
        meta = read_meta(root, "train", sequence, frame)
        turn = Rotation.from_rotvec(meta["objRot"].reshape(3)).as_matrix()
        posed_box = meta["objCorners3DRest"] @ turn.T + meta["objTrans"]
        np.testing.assert_allclose(posed_box, meta["objCorners3D"], atol=1e-9)
        assert (meta["objCorners3D"][:, 2] < 0).all()  # before a camera that looks along -z
        if sequence[-1] == "0":
            recording = ho3d_tree.recordings[ord(sequence[3]) - ord("A")]
            placed = recording.moment(int(frame))[0].things[0]
            mesh = placed.thing.mesh.vertices @ placed.rotation.T + placed.position
            local = (mesh * FLIP - meta["objTrans"]) @ turn
            low, high = meta["objCorners3DRest"].min(0), meta["objCorners3DRest"].max(0)
            np.testing.assert_allclose([local.min(0), local.max(0)], [low, high], atol=1e-5)


def test_pickles_are_those_of_python_2(ho3d_tree):
    root = ho3d_tree.root
    sequence, frame = listed(root, "train")[0]
    data = (root / "train" / sequence / "meta" / f"{frame}.pkl").read_bytes()
    names, texts = set(), 0
    for opcode, argument, _ in pickletools.genops(data):
        names |= {argument} if opcode.name == "GLOBAL" else set()
        texts += opcode.name in ("BINUNICODE", "SHORT_BINUNICODE", "BINBYTES")
        assert opcode.proto <= 2
    assert names == {"numpy.core.multiarray _reconstruct", "numpy ndarray", "numpy dtype"}
    assert texts == 0


@pytest.mark.parametrize("dtype", ["f8", "f4", "i4", "u1", "?"])
def test_pickles_read_back(dtype):
    array = np.arange(12).reshape(3, 4).astype(dtype)
    content = {"a": array, "b": [None, True, -5, 2.5, "x" * 300], "c": (array[:0], array.T)}
    found = pickle.loads(dumps(content), encoding="latin1")
    assert found["b"] == content["b"]
    for one, other in zip([found["a"], *found["c"]], [array, array[:0], array.T], strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    with pytest.raises(TypeError, match="set"):
        dumps({"a": {1}})
