"""Written, read back and accepted; damaged in every way, and each damage named."""

import json
import re
import zipfile

import numpy as np
import pytest
import torch

from handlib.evaluation.ho3d_submission import ho3d_faults, write_ho3d
from handlib.hands.skeleton import HO3D_TO_COMMON, TO_COMMON, inverse
from handlib.metrics import ho3d_scores

FRAMES = [f"SM1/{number:04d}" for number in range(7)] + [f"AP10/{n:04d}" for n in range(5)]
TO_OPENGL = np.array([1, -1, -1])


@pytest.fixture
def listing(tmp_path):
    path = tmp_path / "evaluation.txt"
    path.write_text("\n".join(FRAMES) + "\n")
    return path


@pytest.fixture
def submission(tmp_path, listing, hands):
    """A file of the true hands, and what is in it as arrays."""
    path = tmp_path / "pred.zip"
    write_ho3d(path, FRAMES, hands.joints, hands.vertices, hands.joints[:, 0], listing)
    return path


def content(path):
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["pred.json"]
        joints, vertices = json.loads(archive.read("pred.json"))
    return np.array(joints), np.array(vertices)


def zipped(path, value, name="pred.json"):
    text = value if isinstance(value, str) else json.dumps(value)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, text)
    return path


def test_the_file_holds_opengl_metres_in_ho3d_order(submission, hands):
    joints, vertices = content(submission)
    expected = np.empty((12, 21, 3))
    for common, ho3d in enumerate(HO3D_TO_COMMON):
        x, y, z = hands.joints[:, common].T.numpy()
        expected[:, ho3d] = np.stack([x, -y, -z], 1)
    assert np.allclose(joints, expected, atol=1e-6)
    assert np.allclose(vertices, hands.vertices.numpy() * TO_OPENGL, atol=1e-6)
    assert (
        max(ho3d_scores(expected, joints, vertices, vertices)[n] for n in ("xyz_mean3d",)) < 1e-3
    )


def test_hands_are_moved_to_the_given_wrists_and_into_the_listed_order(tmp_path, hands, listing):
    order = torch.randperm(12, generator=torch.Generator().manual_seed(1)).tolist()
    joints, vertices = hands.joints[order], hands.vertices[order]
    away = joints[:, :1] + torch.tensor([0.0, 0.1, 3.0])
    path = tmp_path / "sub" / "folder" / "pred.zip"
    frames = [FRAMES[row] for row in order]
    write_ho3d(path, frames, joints - away, vertices - away, joints[:, 0], listing)
    found_joints, found_vertices = content(path)
    expected = hands.joints[:, list(inverse(HO3D_TO_COMMON))].numpy() * TO_OPENGL
    assert np.allclose(found_joints, expected, atol=2e-6)
    assert np.allclose(found_vertices, hands.vertices.numpy() * TO_OPENGL, atol=2e-6)
    assert ho3d_faults(path, listing) == []


def test_the_same_predictions_give_the_same_bytes(submission, listing, hands):
    first = submission.read_bytes()
    write_ho3d(submission, FRAMES, hands.joints, hands.vertices, hands.joints[:, 0], listing)
    assert submission.read_bytes() == first
    assert [path.name for path in submission.parent.glob(".*")] == []


def test_what_is_written_is_accepted(submission, listing):
    assert ho3d_faults(submission, listing) == []
    joints, vertices = content(submission)
    bare = submission.with_name("pred.json")
    bare.write_text(json.dumps([joints.tolist(), vertices.tolist()]))
    assert ho3d_faults(bare, listing) == []
    faults = ho3d_faults(submission)
    assert len(faults) == 2 and all("expected 11,524 (version 2) or 20,137" in f for f in faults)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda a: a | {"frames": FRAMES[:-1] + ["SM1/9999"]}, "1 missing, first AP10/0004"),
        (lambda a: a | {"frames": FRAMES[:-1] + FRAMES[:1]}, "1 missing"),
        (lambda a: a | {"frames": FRAMES[:-1]}, r"joints: expected the shape \(11, 21, 3\)"),
        (lambda a: a | {"vertices": a["vertices"][:, :9]}, r"found \(12, 9, 3\)"),
        (lambda a: a | {"roots": a["roots"] * torch.nan}, "roots: expected finite"),
        (lambda a: a | {"path": a["path"].with_suffix(".json")}, "ends in .zip"),
    ],
)
def test_nothing_is_written_from_what_does_not_fit(submission, listing, hands, change, match):
    arguments = {
        "path": submission,
        "frames": FRAMES,
        "joints": hands.joints,
        "vertices": hands.vertices,
        "roots": hands.joints[:, 0],
        "listing": listing,
    }
    before = submission.read_bytes()
    with pytest.raises(ValueError, match=match):
        write_ho3d(**change(arguments))
    assert submission.read_bytes() == before


def permuted(order):
    return list(inverse(TO_COMMON[order]))


DAMAGE = {
    "too few": (lambda j, v: (j[:-1], v), ["joints: expected 12 hands, found 11"]),
    "too many": (
        lambda j, v: (np.concatenate([j, j[:1]]), np.concatenate([v, v[:1]])),
        ["joints: expected 12 hands, found 13", "vertices: expected 12 hands, found 13"],
    ),
    "16 joints": (
        lambda j, v: (j[:, :16], v),
        ["joints: expected 21×3 finite numbers, found the shape 16×3 in 12 hands, first hand 0"],
    ),
    "flat": (lambda j, v: (j.reshape(12, 63), v), ["the shape 63 in 12 hands"]),
    "OpenCV": (lambda j, v: (j * TO_OPENGL, v * TO_OPENGL), ["probably the OpenCV frame"]),
    "z turned alone": (
        lambda j, v: (j * [1, -1, 1], v * [1, -1, 1]),
        ["expected right hands, found fingers that bend away"],
    ),
    "some behind": (
        lambda j, v: (
            np.where(np.arange(12)[:, None, None] == 5, j * TO_OPENGL, j),
            v,
        ),
        ["1 hands, first hand 5, are behind the camera"],
    ),
    "millimetres": (
        lambda j, v: (1000 * j, 1000 * v),
        [r"expected metres, in which hands reach 0.08 to 0.3 .*probably millimetres"],
    ),
    "centimetres": (lambda j, v: (100 * j, 100 * v), ["probably centimetres"]),
    "no unit": (lambda j, v: (1e6 * j, 1e6 * v), ["no unit fits"]),
    "common order": (
        lambda j, v: (j[:, list(HO3D_TO_COMMON)], v),
        ["expected the HO-3D joint order, .* shorter in the common order"],
    ),
    "FPHA's order": (
        lambda j, v: (j[:, list(HO3D_TO_COMMON)][:, permuted("FPHA")], v),
        ["shorter in the FPHA order"],
    ),
    "tips swapped": (
        lambda j, v: (j[:, [*range(16), 20, 17, 18, 19, 16]], v),
        ["implausible bones.* thumb_ip to thumb_tip"],
    ),
    "at the origin": (
        lambda j, v: (j - j[:, :1], v - j[:, :1]),
        ["the wrists lie at the origin"],
    ),
    "vertices elsewhere": (
        lambda j, v: (j, v - j[:, :1]),
        ["the middles of joints and vertices are"],
    ),
    "vertices in OpenCV": (
        lambda j, v: (j, v * TO_OPENGL),
        ["the middles of joints and vertices"],
    ),
    "no prediction": (
        lambda j, v: (np.where(np.arange(12)[:, None, None] == 3, 0, j), v),
        ["1 hands, first hand 3, have all joints in one point"],
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_named_and_nothing_else(name, submission, listing):
    change, expected = DAMAGE[name]
    joints, vertices = change(*content(submission))
    faults = ho3d_faults(zipped(submission, [joints.tolist(), vertices.tolist()]), listing)
    assert len(faults) == len(expected), faults
    assert all(re.search(words, fault) for words, fault in zip(expected, faults, strict=True))


def test_numbers_that_are_none_are_counted_by_kind(submission, listing):
    joints, vertices = (array.tolist() for array in content(submission))
    joints[2][4][1] = float("nan")
    joints[9][0][0] = float("inf")
    joints[3][4][1] = None
    joints[4][0][0] = "0.1"
    joints[5][0] = [1.0, 2.0]
    joints[6] = 3
    faults = ho3d_faults(zipped(submission, [joints, vertices]), listing)
    start = "joints: expected 21×3 finite numbers, found "
    assert faults == [
        start + "NaN or infinity in 2 hands, first hand 2",
        start + "something that is no number in 2 hands, first hand 3",
        start + "rows of different lengths in 1 hands, first hand 5",
        start + "the shape of a single value in 1 hands, first hand 6",
    ]


def test_hands_keep_their_numbers_behind_one_that_is_unusable(submission, listing):
    joints, vertices = content(submission)
    joints[1] = np.nan
    joints[2] = -0.5
    joints[5] *= TO_OPENGL
    faults = ho3d_faults(zipped(submission, [joints.tolist(), vertices.tolist()]), listing)
    assert [re.search("first hand [0-9]", fault)[0] for fault in faults] == [
        "first hand 1",
        "first hand 2",
        "first hand 5",
    ]


def test_all_faults_are_named_at_once(submission, listing):
    joints, vertices = content(submission)
    wrong = 1000 * joints[:-1, list(HO3D_TO_COMMON)] * TO_OPENGL
    vertices[3, 5] = np.nan
    faults = ho3d_faults(zipped(submission, [wrong.tolist(), vertices.tolist()]), listing)
    for words in ("found 11", "millimetres", "OpenCV frame", "common order", "NaN", "apart"):
        assert any(words in fault for fault in faults), (words, faults)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("result.json", "[[], []]", "expected pred.json in the zip, found ['result.json']"),
        ("run/pred.json", "[[], []]", "without its folder (zip -j)"),
        ("pred.json", "[[[1, 2", "pred.json: expected JSON, found: Expecting ',' delimiter"),
        ("pred.json", "{}", "expected two lists, of joints and of vertices, found a dict"),
        ("pred.json", "[[], [], []]", "found a list of list, list, list"),
        ("pred.json", "[1, []]", "found a list of int, list"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path, listing, name, text, words):
    faults = ho3d_faults(zipped(tmp_path / "pred.zip", text, name), listing)
    assert len(faults) == 1 and words in faults[0], faults


def test_no_file_no_zip_and_a_broken_zip(tmp_path, submission, listing):
    assert "no such file" in ho3d_faults(tmp_path / "absent.zip")[0]
    text = tmp_path / "text.zip"
    text.write_text("[[], []]")
    assert "found another kind" in ho3d_faults(text)[0]
    data = bytearray(submission.read_bytes())
    data[len(data) // 2] ^= 255
    submission.write_bytes(data)
    assert len(ho3d_faults(submission, listing)) == 1


def test_an_empty_submission(tmp_path):
    faults = ho3d_faults(zipped(tmp_path / "pred.zip", [[], []]))
    assert len(faults) == 2 and all("found 0" in fault for fault in faults)
