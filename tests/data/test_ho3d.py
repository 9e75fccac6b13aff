"""HO-3D: the labels found again in a small tree written from the format's description."""

import json
import pickle

import numpy as np
import pytest
import torch
from mano_pickles import ndarray, python2_pickle
from PIL import Image

from handlib.data import HO3D, collate, valid_frames, windows
from handlib.data.camera import project
from handlib.data.files import DataFileError
from handlib.hands.rotations import axis_angle_to_rotmat, rotmat_to_axis_angle
from handlib.hands.skeleton import COMMON_TO_HO3D

from .recorded import FLIP, INTRINSICS, MANO, SIZE, centroid, dots, right_hand, silhouette, truth

HAND = right_hand("ho3d")


def opengl_annotation(known):
    """The annotation whose hand, made in OpenGL's frame and then flipped, is the known one."""
    flip = torch.tensor(FLIP, dtype=torch.float32)
    root = rotmat_to_axis_angle(torch.diag(flip) @ axis_angle_to_rotmat(known.pose[0]))
    pose = torch.cat([root[None], known.pose[1:]])
    wrist = torch.from_numpy(known.joints[0] * FLIP).float()
    at_rest = HAND(torch.zeros(1, 16, 3), known.betas[None]).joints[0, 0]
    translation = wrist - at_rest
    # The model itself says whether this is right: it must put the hand where it was, flipped.
    made = HAND(pose[None], known.betas[None], translation[None])
    np.testing.assert_allclose(made.vertices[0].numpy(), known.vertices * FLIP, atol=1e-5)
    return {
        "handPose": pose.double().numpy().ravel(),
        "handTrans": translation.double().numpy(),
        "handBeta": known.betas.double().numpy(),
        "handJoints3D": (made.joints[0].double().numpy())[list(COMMON_TO_HO3D)],
    }


def write_meta(path, content, python2=True):
    wrapped = {k: ndarray(v) if isinstance(v, np.ndarray) else v for k, v in content.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(python2_pickle(wrapped) if python2 else pickle.dumps(content))


class Tree:
    """Two sequences for training, one for the evaluation; the second lacks a number."""

    def __init__(self, root, version="v2"):
        self.root, self.version, self.known = root / "HO3D", version, {}
        train = [("ABF10", n) for n in range(4)] + [("MC2", n) for n in (0, 1, 3)]
        for split, names in (("train", train[::-1]), ("evaluation", [("SM1", 5), ("SM1", 6)])):
            for number, name in enumerate(names):
                self.write(split, *name, 100 * len(name[0]) + number)
            lines = "".join(f"{name}/{number:04d}\n" for name, number in names)
            (self.root / f"{split}.txt").write_text(lines)

    def write(self, split, sequence, number, seed):
        known = self.known[sequence, number] = truth(seed, HAND)
        folder, name = self.root / split / sequence, f"{number:04d}"
        corners = np.stack(np.meshgrid(*[[-0.05, 0.05]] * 3), -1).reshape(8, 3) + (0.1, 0, 0.6)
        content = opengl_annotation(known) | {
            "camMat": INTRINSICS,
            "objCorners3D": corners * FLIP,
            "objRot": np.zeros((3, 1)),
            "objName": "003_cracker_box",
            "objLabel": 2,
            "camIDList": ["0", "1"],
        }
        if split == "evaluation":
            low, high = known.pixels.min(0), known.pixels.max(0)
            corners = [*low.tolist(), *high.tolist()]
            # The list's kind of numbers is not written anywhere.
            content["handBoundingBox"] = (
                corners if number % 2 == 0 else [*map(np.float64, corners)]
            )
            content["handJoints3D"] = content["handJoints3D"][0]
            for key in ("handPose", "handTrans", "handBeta"):
                del content[key]
        write_meta(folder / "meta" / f"{name}.pkl", content, python2=number % 2 == 0)
        (folder / "rgb").mkdir(exist_ok=True)
        suffix = ".png" if self.version == "v2" else ".jpg"
        dots(known.pixels).save(folder / "rgb" / f"{name}{suffix}", quality=95)
        (folder / "depth").mkdir(exist_ok=True)
        units = np.full((480, 640), 4661, np.uint16)
        channels = np.stack([units % 256, units // 256, units * 0], -1).astype(np.uint8)
        Image.fromarray(channels).save(folder / "depth" / f"{name}.png")

    def segment(self, sequence, number, suffix, cover):
        """The rendered segmentation; `cover` of the image's width is the object."""
        mask = silhouette(self.known[sequence, number], HAND)
        colours = np.zeros((480, 640, 3), np.uint8)
        colours[mask] = (255, 0, 0)
        colours[:, : int(640 * cover)] = (0, 0, 255)
        folder = self.root.parent / f"HO3D_{self.version}_segmentations_rendered"
        folder = folder / "train" / sequence / "seg"
        folder.mkdir(parents=True, exist_ok=True)
        small = Image.fromarray(colours).resize((160, 120), Image.Resampling.NEAREST)
        small.save(folder / f"{number:04d}{suffix}", quality=90)
        seen = mask.copy()
        seen[:, : int(640 * cover)] = False
        return mask, seen


@pytest.fixture
def tree(tmp_path, monkeypatch):
    monkeypatch.setenv("HANDLIB_CACHE", str(tmp_path / "cache"))
    return Tree(tmp_path)


@pytest.mark.parametrize("crop", [None, "handoccnet", "deformer"])
def test_labels_are_those_of_the_known_hand(tree, crop):
    data = HO3D(tree.root, "train", crop=crop)
    assert len(data) == 7
    for index, name in enumerate(sorted(key for key in tree.known if key[0] != "SM1")):
        known, sample = tree.known[name], data[index]
        assert data.name(index) == f"{name[0]}/{name[1]:04d}"
        np.testing.assert_allclose(sample.joints.numpy(), known.joints, atol=1e-5)
        again = HAND(sample.pose[None], sample.betas[None], sample.translation[None])
        np.testing.assert_allclose(again.vertices[0].numpy(), known.vertices, atol=1e-5)
        projected = project(sample.joints, sample.intrinsics)
        torch.testing.assert_close(projected, sample.joints_px, atol=2e-3, rtol=0)
        assert sample.side == "right" and sample.masks is None and sample.occlusion is None
        torch.testing.assert_close(data.wrist(index), sample.joints[0])
    whole = data[0].image.shape
    assert whole == {None: (3, 480, 640), "handoccnet": (3, 256, 256)}.get(crop, (3, 512, 512))


@pytest.mark.parametrize("crop", ["handoccnet", "deformer"])
def test_the_image_moves_with_the_joints(tree, crop):
    """Each fingertip's white disc is where joints_px say, wherever no other disc is near."""
    data, found = HO3D(tree.root, "train", crop=crop, resolution=320), 0
    for index in range(len(data)):
        sample = data[index]
        scale = sample.intrinsics[0, 0] / INTRINSICS[0, 0]
        for joint, pixel in enumerate(sample.joints_px):
            others = torch.cat([sample.joints_px[:joint], sample.joints_px[joint + 1 :]])
            inside = ((pixel > 12 * scale) & (pixel < 320 - 12 * scale)).all()
            if inside and (others - pixel).norm(dim=-1).min() > 12 * scale:
                centre = centroid(sample.image, pixel, 7 * float(scale))
                assert (centre - pixel).norm() < 0.15 * scale
                found += 1
    assert found > 10


def test_the_same_person_has_one_name(tree):
    data = HO3D(tree.root, "train")
    names = [data[index].identity for index in range(7)]
    assert len(set(names[:4])) == 1 and len(set(names[4:])) == 1 and names[0] != names[4]


def test_windows_stop_at_a_missing_number(tree):
    data = HO3D(tree.root, "train")
    assert data.sequences == (range(0, 4), range(4, 6), range(6, 7))
    assert data.valid.all()
    assert windows(data, 3, 1)[5].frames == (4, 5, 5)


@pytest.mark.parametrize("missing", [True, False])
def test_frames_without_annotation_are_not_valid(tree, missing):
    path = tree.root / "train" / "ABF10" / "meta" / "0002.pkl"
    path.unlink()
    if not missing:
        empty = dict.fromkeys(("handPose", "handJoints3D", "objCorners3D"))
        write_meta(path, {"camMat": INTRINSICS} | empty)
    data = HO3D(tree.root, "train", crop=None)
    assert np.flatnonzero(~data.valid).tolist() == [2]
    assert len(valid_frames(data)) == 6 and len(windows(data)) == 6
    assert windows(data, 3, 1)[1].frames == (0, 1, 1)
    if not missing:
        assert data[2].pose is None and data[2].joints is None
        with pytest.raises(ValueError, match="ABF10/0002: this frame has no labels"):
            HO3D(tree.root, "train")[2]


def test_evaluation_knows_a_box_and_the_wrist(tree):
    data = HO3D(tree.root, "evaluation")
    assert [data.name(i) for i in range(2)] == ["SM1/0005", "SM1/0006"]
    for index, number in enumerate((5, 6)):
        known, sample = tree.known["SM1", number], data[index]
        for label in (sample.pose, sample.betas, sample.translation, sample.joints):
            assert label is None
        np.testing.assert_allclose(data.wrist(index).numpy(), known.joints[0], atol=1e-5)
        # The crop is 1.5 times the longer side of the given box, around its middle.
        low, high = known.pixels.min(0), known.pixels.max(0)
        side = 1.5 * (high - low).max()
        assert sample.intrinsics[0, 0].item() == pytest.approx(617.343 * 256 / side, rel=1e-4)
        np.testing.assert_allclose(sample.box.numpy(), [-0.5, -0.5, 255.5, 255.5], atol=1e-3)
    batch = collate([data[0], data[1]])
    assert batch.pose is None and batch.box.shape == (2, 4)


def test_published_truth_of_the_evaluation(tree):
    numbers = [(tree.known["SM1", n].joints * FLIP)[list(COMMON_TO_HO3D)].tolist() for n in (5, 6)]
    (tree.root / "evaluation_xyz.json").write_text(json.dumps(numbers))
    sample = HO3D(tree.root, "evaluation")[1]
    np.testing.assert_allclose(sample.joints.numpy(), tree.known["SM1", 6].joints, atol=1e-6)
    (tree.root / "evaluation_xyz.json").write_text(json.dumps(numbers[:1]))
    with pytest.raises(DataFileError, match=r"evaluation_xyz.json: .*2 frames.*\(1, 21, 3\)"):
        HO3D(tree.root, "evaluation")


def test_depth_in_metres(tree):
    depth = HO3D(tree.root, "train").depth(3)
    assert depth.shape == SIZE[::-1]
    np.testing.assert_allclose(depth, 4661 * 0.00012498664727900177, rtol=1e-6)


@pytest.mark.parametrize(("version", "suffix"), [("v2", ".jpg"), ("v3", ".png")])
def test_masks_and_hidden_share(tmp_path, monkeypatch, version, suffix):
    monkeypatch.setenv("HANDLIB_CACHE", str(tmp_path / "cache"))
    tree = Tree(tmp_path, version)
    middle = tree.known["ABF10", 1].pixels[:, 0].mean() / 640
    whole, seen = tree.segment("ABF10", 1, suffix, middle)
    data = HO3D(tree.root, "train", version, crop=None, mano=MANO, masks=True)
    sample = data[1]
    assert np.count_nonzero(sample.masks.amodal.numpy() != whole) < 0.01 * whole.sum()
    # The annotation is a quarter as wide: its edges are off by up to four pixels.
    assert np.count_nonzero(sample.masks.visible.numpy() != seen) < 0.25 * whole.sum()
    assert (sample.masks.amodal | ~sample.masks.visible).all()
    assert (sample.masks.parts > 0).equal(sample.masks.amodal)
    expected = 1 - seen.sum() / whole.sum()
    assert 0.1 < expected < 0.9
    assert sample.occlusion == pytest.approx(expected, abs=0.06)
    crop = HO3D(tree.root, "train", version, mano=MANO, masks=True)
    assert crop[1].occlusion == sample.occlusion == crop.occlusion(1)
    wide = crop[1].intrinsics[0, 0].item() / INTRINSICS[0, 0]
    assert crop[1].masks.amodal.sum().item() == pytest.approx(whole.sum() * wide**2, rel=0.03)
    # Kept: the segmentation is not read again.
    for path in tmp_path.rglob("seg/*"):
        path.unlink()
    assert crop.occlusion(1) == sample.occlusion
    with pytest.raises(FileNotFoundError, match="seg.*masks=False"):
        crop.occlusion(0)


def test_masks_need_the_files_of_mano(tree):
    with pytest.raises(ValueError, match="masks=True.*MANO_RIGHT.pkl"):
        HO3D(tree.root, "train", masks=True)
    with pytest.raises(ValueError, match="occlusion.*MANO_RIGHT.pkl"):
        HO3D(tree.root, "train").occlusion(0)


def test_errors_name_the_file_and_the_remedy(tree):
    with pytest.raises(ValueError, match="split: expected one of train, evaluation, found 'test'"):
        HO3D(tree.root, "test")
    with pytest.raises(ValueError, match="version: expected one of v2, v3"):
        HO3D(tree.root, "train", "v4")
    with pytest.raises(ValueError, match="crop: expected handoccnet, deformer or None"):
        HO3D(tree.root, "train", crop="square")
    with pytest.raises(ValueError, match="resolution: whole images"):
        HO3D(tree.root, "train", crop=None, resolution=64)
    with pytest.raises(FileNotFoundError, match=r"train.txt: expected HO-3D's list.*The root is"):
        HO3D(tree.root / "train", "train")
    (tree.root / "train" / "ABF10" / "rgb" / "0000.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"0000.png: expected the frame's image"):
        HO3D(tree.root, "train")[0]
    with pytest.raises(IndexError, match="index 7 of a set of 7 frames"):
        HO3D(tree.root, "train")[7]
    (tree.root / "train.txt").write_text("ABF10/0000\n../../secret/0001\n")
    with pytest.raises(DataFileError, match=r"train.txt: expected lines such as .*secret"):
        HO3D(tree.root, "train")
    (tree.root / "train.txt").write_text("ABF10/0000\nXX1/0001\n")
    with pytest.raises(FileNotFoundError, match=r"XX1.meta: expected the annotations"):
        HO3D(tree.root, "train")


class Attack:
    def __reduce__(self):
        return print, ("run",)


@pytest.mark.parametrize("content", [b"html", pickle.dumps({"handPose": Attack()})])
def test_a_damaged_or_forged_annotation_is_refused(tree, content, capsys):
    data = HO3D(tree.root, "train")
    (tree.root / "train" / "ABF10" / "meta" / "0000.pkl").write_bytes(content)
    with pytest.raises(DataFileError, match=r"0000.pkl: expected a pickled.*Nothing in the file"):
        data[0]
    assert not capsys.readouterr().out
