"""Written, read back and accepted; damaged in every way, and each damage named."""

import re

import numpy as np
import pytest
import torch

from handlib.evaluation.dexycb_submission import dexycb_faults, write_dexycb
from handlib.hands.skeleton import COMMON_TO_HO3D
from handlib.metrics import dexycb_scores

IDS = [3, 0, 17, 4, 90_001, 8, 9, 10, 11, 12, 13, 14]  # gaps are frames without labels


@pytest.fixture
def result(tmp_path, hands):
    path = tmp_path / "s0_test.txt"
    write_dexycb(path, IDS, hands.joints)
    return path


def rows(path):
    return np.array([line.split(",") for line in path.read_text().splitlines()], float)


def rewrite(path, ids, joints):
    with path.open("w") as file:
        for image_id, hand in zip(ids, joints, strict=True):
            file.write(",".join([str(int(image_id)), *map(str, hand.ravel())]) + "\n")


def test_lines_are_in_millimetres_in_the_order_of_the_ids(result, hands):
    found = rows(result)
    assert found.shape == (12, 64) and found[:, 0].tolist() == sorted(IDS)
    for image_id, *numbers in found:
        joints = hands.joints[IDS.index(image_id)].numpy()
        assert np.allclose(np.reshape(numbers, (21, 3)), 1000 * joints, atol=1e-3)
    back = torch.from_numpy(found[:, 1:].reshape(-1, 21, 3) / 1000)
    order = np.argsort(IDS).tolist()
    assert dexycb_scores(hands.joints[order], back)["absolute_mpjpe"] < 1e-3


def test_what_is_written_is_accepted(result):
    assert dexycb_faults(result) == []
    assert dexycb_faults(result, IDS) == []
    assert dexycb_faults(result, set(IDS[:5])) == []


@pytest.mark.parametrize(
    ("ids", "joints", "match"),
    [
        (IDS[:-1], lambda j: j, r"joints: expected the shape \(11, 21, 3\)"),
        (IDS[:-1] + IDS[:1], lambda j: j, "image_ids"),
        ([-1] + IDS[1:], lambda j: j, "image_ids"),
        (IDS, lambda j: j * torch.nan, "joints: expected finite"),
    ],
)
def test_nothing_is_written_from_what_does_not_fit(result, hands, ids, joints, match):
    before = result.read_text()
    with pytest.raises(ValueError, match=match):
        write_dexycb(result, ids, joints(hands.joints))
    assert result.read_text() == before


DAMAGE = {
    "metres": (lambda i, j: (i, j / 1000), ["expected millimetres, .* probably metres"]),
    "OpenGL": (lambda i, j: (i, j * [1, -1, -1]), ["expected the OpenCV .* probably the OpenGL"]),
    "one behind": (
        lambda i, j: (i, np.where(np.arange(12)[:, None, None] == 7, -j, j)),
        ["1 hands, first hand 7, are behind the camera"],
    ),
    "HO-3D's order": (
        lambda i, j: (i, j[:, list(COMMON_TO_HO3D)]),
        ["expected the common joint order, .* in the HO-3D order"],
    ),
    "tip to base": (
        lambda i, j: (i, j[:, [0, *(4 * f + k for f in range(5) for k in (4, 3, 2, 1))]]),
        ["implausible bones, .*wrist to"],
    ),
    "root-relative": (lambda i, j: (i, j - j[:, :1]), ["the wrists lie at the origin"]),
    "no prediction": (
        lambda i, j: (i, np.where(np.arange(12)[:, None, None] < 2, -1, j)),
        ["2 hands, first hand 0, have all joints in one point"],
    ),
    "an id twice": (
        lambda i, j: (np.where(i == 8, 9, i), j),
        ["1 given twice, first 9", "1 missing, first 8; ids count the frames without labels"],
    ),
    "a negative id": (lambda i, j: (np.where(i == 3, -3, i), j), ["1 below 0", "1 missing"]),
    "numbered anew": (
        lambda i, j: (np.arange(12), j),
        ["5 missing, first 12; ids count the frames without labels"],
    ),
    "one left out": (lambda i, j: (i[1:], j[1:]), ["1 missing, first 0"]),
    "NaN": (
        lambda i, j: (i, np.where(np.arange(12)[:, None, None] == 4, np.nan, j)),
        ["found NaN or infinity in 1 hands, first hand 4"],
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_named_and_nothing_else(name, result):
    change, expected = DAMAGE[name]
    table = rows(result)
    rewrite(result, *change(table[:, 0].astype(int), table[:, 1:].reshape(12, 21, 3)))
    faults = dexycb_faults(result, IDS)
    assert len(faults) == len(expected), faults
    for words, fault in zip(expected, faults, strict=True):
        assert re.search(words, fault), faults


def test_lines_that_cannot_be_read_are_counted_by_kind(result):
    lines = result.read_text().splitlines()
    lines[1] = lines[1].rsplit(",", 1)[0]
    lines[3] = "three," + lines[3].split(",", 1)[1]
    lines[4] = lines[4].rsplit(",", 1)[0] + ",far"
    lines[5] = ""
    result.write_text("\n".join(["image_id,x1,y1,z1", *lines]) + "\n")
    assert dexycb_faults(result) == [
        "expected 64 fields between commas, found 4: 1 lines, first line 1",
        "expected 64 fields between commas, found 63: 1 lines, first line 3",
        "expected a whole number as image_id: 1 lines, first line 5",
        "expected numbers after the image_id: 1 lines, first line 6",
        "expected 64 fields between commas, found 1: 1 lines, first line 7",
    ]


def test_all_faults_are_named_at_once(result):
    table = rows(result)
    joints = table[:, 1:].reshape(12, 21, 3)[:, list(COMMON_TO_HO3D)] * [1, -1, -1] / 1000
    rewrite(result, table[:, 0] + 1, joints)
    faults = dexycb_faults(result, IDS)
    for words in ("missing", "probably metres", "OpenGL", "HO-3D order"):
        assert any(words in fault for fault in faults), (words, faults)


def test_no_file_and_an_empty_one(tmp_path):
    assert "no such file" in dexycb_faults(tmp_path / "absent.txt")[0]
    empty = tmp_path / "empty.txt"
    empty.touch()
    assert "empty file" in dexycb_faults(empty)[0]
