"""DexYCB: splits counted, and the labels found again in a small tree."""

from collections import Counter

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from handlib.data import DexYCB, collate, valid_frames, windows
from handlib.data.camera import project
from handlib.data.dexycb_index import SERIALS, SUBJECTS, belongs
from handlib.data.files import DataFileError
from handlib.hands import load_hand

from .recorded import INTRINSICS, dots, silhouette, truth

FRAMES, CAMERAS = 3, SERIALS[:2]


class Tree:
    """Six sequences of two subjects by two cameras; the last frame of each is not labelled."""

    def __init__(self, root, mano):
        self.root, self.known = root / "DexYCB", {}
        self.hands = {side: load_hand(mano, side) for side in ("right", "left")}
        for number in (0, 6):
            for sequence in range(6):
                self.write(number, sequence, "left" if sequence == 1 else "right")
        for serial in CAMERAS:
            path = self.root / "calibration" / "intrinsics" / f"{serial}_640x480.yml"
            path.parent.mkdir(parents=True, exist_ok=True)
            (fx, _, cx), (_, fy, cy) = INTRINSICS[:2].tolist()
            colour = {"fx": fx, "fy": fy, "ppx": cx, "ppy": cy}
            path.write_text(yaml.safe_dump({"color": colour, "depth": {}}))
        cube = np.stack(np.meshgrid(*[[-0.04, 0.04]] * 3), -1).reshape(8, 3)
        model = self.root / "models" / "003_cracker_box" / "textured_simple.obj"
        model.parent.mkdir(parents=True)
        model.write_text("".join("v {} {} {}\n".format(*v) for v in [*cube, (0, 0, 0)]))

    def write(self, number, sequence, side):
        folder = self.root / SUBJECTS[number] / f"20200709_14{sequence:02d}00"
        folder.mkdir(parents=True)
        calibration = f"20200709_140042_{SUBJECTS[number][9:]}_{side}"
        meta = {
            "serials": list(SERIALS),
            "num_frames": FRAMES,
            "ycb_ids": [5, 2],
            "ycb_grasp_ind": 1,
            "mano_sides": [side],
            "mano_calib": [calibration],
        }
        (folder / "meta.yml").write_text(yaml.safe_dump(meta))
        for camera, serial in enumerate(CAMERAS):
            (folder / serial).mkdir()
            for frame in range(FRAMES):
                seed = 100 * number + 10 * sequence + 5 * camera + frame
                betas = self.frame(folder / serial, frame, seed, side)
        shapes = self.root / "calibration" / f"mano_{calibration}"
        shapes.mkdir(parents=True, exist_ok=True)
        (shapes / "mano.yml").write_text(yaml.safe_dump({"betas": betas.tolist()}))

    def frame(self, folder, number, seed, side):
        hand = self.hands[side]
        known = truth(seed, hand)
        coefficients = torch.linalg.solve(
            hand.hands_components.double().T,
            (known.pose[1:].flatten() - hand.hands_mean).double(),
        )
        seg, mask = np.zeros((480, 640), np.uint8), silhouette(known, hand)
        seg[mask] = 255
        middle = int(known.pixels[:, 0].mean())
        seg[:, :middle] = 2
        labels = {
            "seg": seg,
            "pose_y": np.zeros((2, 3, 4), np.float32),
            "pose_m": np.concatenate(
                [known.pose[0].numpy(), coefficients.numpy(), known.translation.numpy()]
            )[None].astype(np.float32),
            "joint_3d": known.joints[None].astype(np.float32),
            "joint_2d": known.pixels[None].astype(np.float32),
        }
        labels["pose_y"][1] = np.concatenate([np.eye(3), [[0.15], [0.02], [0.6]]], 1)
        if number == FRAMES - 1:
            labels |= {"pose_m": 0 * labels["pose_m"]}
            labels |= {key: np.full_like(labels[key], -1) for key in ("joint_3d", "joint_2d")}
        np.savez_compressed(folder / f"labels_{number:06d}.npz", **labels)
        dots(known.pixels).save(folder / f"color_{number:06d}.jpg", quality=95)
        depth = Image.fromarray(np.full((480, 640), 1234, np.uint16))
        depth.save(folder / f"aligned_depth_to_color_{number:06d}.png")
        sequence = f"{folder.parent.parent.name}/{folder.parent.name}"
        share = 1 - mask[:, middle:].sum() / mask.sum()
        self.known[f"{sequence}/{folder.name}/{number:06d}"] = known, side, share
        return known.betas.double().numpy()


@pytest.fixture(scope="module")
def tree(tmp_path_factory, mano):
    return Tree(tmp_path_factory.mktemp("tree"), mano)


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch, tree):
    monkeypatch.setenv("HANDLIB_CACHE", str(tree.root.parent / "cache"))


COUNTS = {  # sequences by cameras, of the published table
    "s0": {"train": 800 * 8, "val": 40 * 8, "test": 160 * 8},
    "s1": {"train": 700 * 8, "val": 100 * 8, "test": 200 * 8},
    "s2": {"train": 1000 * 6, "val": 1000, "test": 1000},
    "s3": {"train": 750 * 8, "val": 100 * 8, "test": 150 * 8},
}


@pytest.mark.parametrize("setup", COUNTS)
def test_splits_have_the_published_sizes_and_share_nothing(setup):
    clips = [(p, s, c) for p in range(10) for s in range(100) for c in range(8)]
    counts, owners = Counter(), Counter()
    for split in COUNTS[setup]:
        mine = [clip for clip in clips if belongs(setup, split, *clip)]
        counts[split] = len(mine)
        owners.update(mine)
    assert counts == COUNTS[setup]
    assert set(owners.values()) == {1}


@pytest.mark.parametrize("crop", [None, "handoccnet", "deformer"])
@pytest.mark.parametrize(("setup", "split", "clips"), [("s0", "train", 20), ("s1", "val", 12)])
def test_labels_are_those_of_the_known_hand(tree, mano, crop, setup, split, clips):
    data = DexYCB(tree.root, setup, split, crop=crop, mano=mano, partial=True)
    assert len(data) == clips * FRAMES
    assert data.valid.tolist() == [True, True, False] * clips
    for index in np.flatnonzero(data.valid)[::7].tolist():
        (known, side, _), sample = tree.known[data.name(index)], data[index]
        assert sample.side == side
        np.testing.assert_allclose(sample.joints.numpy(), known.joints, atol=1e-5)
        hand = tree.hands[side]
        again = hand(sample.pose[None], sample.betas[None], sample.translation[None])
        np.testing.assert_allclose(again.vertices[0].numpy(), known.vertices, atol=2e-5)
        np.testing.assert_allclose(sample.pose.numpy(), known.pose.numpy(), atol=2e-4)
        projected = project(sample.joints, sample.intrinsics)
        torch.testing.assert_close(projected, sample.joints_px, atol=2e-3, rtol=0)
        assert sample.identity == data.name(index)[9:19]


def test_frames_are_in_the_order_of_the_toolkit(tree):
    data = DexYCB(tree.root, "s1", "val", partial=True)
    expected = [
        f"{SUBJECTS[6]}/20200709_14{sequence:02d}00/{serial}/{frame:06d}"
        for sequence in range(6)
        for serial in CAMERAS
        for frame in range(FRAMES)
    ]
    assert [data.name(index) for index in range(len(data))] == expected
    assert data.sequences == tuple(range(3 * k, 3 * k + 3) for k in range(12))


def test_deformers_crop_holds_the_grasped_object(tree):
    data = DexYCB(tree.root, "s1", "val", crop="deformer", partial=True)
    sample = data[0]
    known = tree.known[data.name(0)][0]
    cube = np.stack(np.meshgrid(*[[-0.04, 0.04]] * 3), -1).reshape(8, 3) + (0.15, 0.02, 0.6)
    corners = cube @ INTRINSICS.T
    corners = corners[:, :2] / corners[:, 2:]
    low, high = known.pixels.min(0), known.pixels.max(0)
    wide = [(low + high) / 2 + f * 0.75 * (high - low) for f in (-1, 1)]
    points = np.concatenate([corners, wide])
    side = (points.max(0) - points.min(0)).max()
    zoom = sample.intrinsics[0, 0].item() / INTRINSICS[0, 0]
    assert zoom == pytest.approx(512 / side, rel=1e-4)
    middle = (points.max(0) + points.min(0)) / 2
    moved = middle * zoom + sample.intrinsics[:2, 2].numpy() - zoom * INTRINSICS[:2, 2]
    np.testing.assert_allclose(moved, 255.5, atol=1e-2)


def test_without_mano_joints_alone_are_known(tree):
    data = DexYCB(tree.root, "s1", "val", partial=True)
    sample = data[0]
    assert sample.pose is None and sample.betas is None and sample.translation is None
    assert sample.joints is not None
    with pytest.raises(ValueError, match="MANO_RIGHT.pkl"):
        DexYCB(tree.root, "s1", "val", partial=True, masks=True)


def test_unlabelled_frames(tree, mano):
    data = DexYCB(tree.root, "s1", "val", crop=None, mano=mano, partial=True)
    assert data[2].joints is None and data[2].pose is None
    assert windows(data, 3, 1)[1].frames == (0, 1, 1)
    assert len(valid_frames(data)) == len(windows(data)) == 24
    with pytest.raises(ValueError, match="000002: this frame has no labels"):
        DexYCB(tree.root, "s1", "val", partial=True)[2]
    with pytest.raises(ValueError, match="pose: expected a label"):
        collate([data[1], data[2]])


def test_masks_and_hidden_share(tree, mano):
    data = DexYCB(tree.root, "s1", "val", crop=None, mano=mano, masks=True, partial=True)
    for index in (0, 7):
        sample, (known, side, share) = data[index], tree.known[data.name(index)]
        assert side == ("left" if index == 7 else "right")
        assert 0.1 < share < 0.9
        whole = silhouette(known, tree.hands[side])
        assert np.count_nonzero(sample.masks.amodal.numpy() != whole) < 0.01 * whole.sum()
        assert sample.occlusion == pytest.approx(share, abs=0.01)
        assert data.occlusion(index) == sample.occlusion
    test = DexYCB(tree.root, "s0", "test", mano=mano, partial=True)
    assert test.name(0).startswith(SUBJECTS[6]) and test.occlusion(0) > 0


def test_left_hands_are_mirrored_into_right_ones(tree, mano):
    """The tree's left model is the mirror image of its right one, so the labels still fit."""
    options = dict(crop=None, mano=mano, partial=True)
    plain = DexYCB(tree.root, "s1", "val", **options)
    data = DexYCB(tree.root, "s1", "val", mirror_left=True, masks=True, **options)
    for index in (0, 6, 10):
        before, after = plain[index], data[index]
        assert before.side == ("right" if index == 0 else "left") and after.side == "right"
        if before.side == "right":
            assert before.image.equal(after.image) and before.pose.equal(after.pose)
            continue
        assert after.image.equal(before.image.flip(-1))
        projected = project(after.joints, after.intrinsics)
        torch.testing.assert_close(projected, after.joints_px, atol=2e-3, rtol=0)
        across = 639 - before.joints_px[:, 0]
        torch.testing.assert_close(after.joints_px[:, 0], across, atol=1e-2, rtol=0)
        known = tree.known[data.name(index)][0]
        hand = tree.hands["right"]
        again = hand(after.pose[None], after.betas[None], after.translation[None])
        expected = known.vertices * np.float32([-1, 1, 1])
        np.testing.assert_allclose(again.vertices[0].numpy(), expected, atol=2e-5)
        assert after.occlusion == pytest.approx(plain.occlusion(index), abs=0.01)
        overlap = (after.masks.visible & ~after.masks.amodal).sum()
        assert overlap == 0 and after.masks.visible.any()


def test_depth_in_metres(tree):
    depth = DexYCB(tree.root, "s1", "val", partial=True).depth(0)
    assert depth.shape == (480, 640) and (depth == np.float32(1.234)).all()


def test_errors_name_the_file_and_the_remedy(tree, mano, tmp_path):
    with pytest.raises(ValueError, match="setup: expected one of s0, s1, s2, s3, found 's4'"):
        DexYCB(tree.root, "s4", "train")
    with pytest.raises(ValueError, match="split: expected one of train, val, test"):
        DexYCB(tree.root, "s0", "evaluation")
    with pytest.raises(
        DataFileError, match="subject-01: expected 100 sequences.*found 6.*partial"
    ):
        DexYCB(tree.root, "s0", "train")
    with pytest.raises(FileNotFoundError, match=r"subject-01: expected the recordings.*The root"):
        DexYCB(tmp_path, "s0", "train", partial=True)
    with pytest.raises(FileNotFoundError, match="no MANO_LEFT.pkl or MANO_LEFT.npz"):
        (tmp_path / "MANO_RIGHT.npz").write_bytes((mano / "MANO_RIGHT.npz").read_bytes())
        DexYCB(tree.root, "s1", "val", mano=tmp_path, partial=True)
