"""Trees that one side wrote by its own arithmetic are read back by the other as the scene was."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from handlib.data import FPHA, HO3D, DexYCB, valid_frames
from handlib.data.camera import project
from handlib.data.files import DataFileError
from handlib.data.trees.film import HAND, Camera, film
from handlib.data.trees.fpha_tree import COLOUR
from handlib.data.trees.placed import PlacedHand
from handlib.data.trees.rig import rig
from handlib.hands import load_hand

from . import damage
from .scenes import scene_meshes
from .seen import green_pixels, hand_depth, mesh_depth, overlap

MOST_SUBJECTS = ("*-subject-02", "*-subject-0[4-9]", "*-subject-10")
MIRROR = np.array([-1.0, 1.0, 1.0])
TIPS = {
    "ho3d": {"right": [728, 353, 442, 576, 694]},
    "manopth": {"right": [745, 317, 444, 556, 673], "left": [745, 317, 445, 556, 673]},
}


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("HANDLIB_CACHE", str(tmp_path_factory.mktemp("cache")))


class Moment:
    """A recording's scene as one camera sees it, by arithmetic of this file alone."""

    def __init__(self, recording, frame: int, camera: Camera, tips: str = "manopth"):
        self.scene, posed = recording.moment(frame)
        self.left = recording.side == "left"
        self.rotation, self.position = camera.extrinsics
        self.betas = posed.betas.numpy()
        self.vertices = self._local(posed.vertices[:778])
        self.joints = self._local(posed.joints)
        self.joints[4::4] = self.vertices[TIPS[tips][recording.side]]

    def _local(self, points):
        points = points.astype(float) * (MIRROR if self.left else 1)
        return (points - self.position) @ self.rotation

    def visible(self, vertices, intrinsics, shape):
        """Where `vertices` are seen behind everything else in the scene."""
        _, rest = scene_meshes(self.scene)
        rest.vertices = self._local(rest.vertices)
        if self.left:
            rest.faces = rest.faces[:, ::-1]
        hand = hand_depth(vertices, self.left, intrinsics, shape)
        return hand < mesh_depth(rest, intrinsics, shape)


def agree(sample, moment: Moment, tmp_path, hand=None) -> int:
    """The sample is that moment; returns the number of visible pixels that were compared."""
    np.testing.assert_allclose(sample.joints, moment.joints, atol=1e-5)
    pixels = project(sample.joints, sample.intrinsics)
    torch.testing.assert_close(pixels, sample.joints_px, atol=2e-3, rtol=0)
    vertices = moment.vertices
    if hand is not None:
        output = hand(sample.pose[None], sample.betas[None], sample.translation[None])
        np.testing.assert_allclose(sample.betas, moment.betas, atol=1e-6)
        np.testing.assert_allclose(output.joints[0], moment.joints, atol=1e-5)
        np.testing.assert_allclose(output.vertices[0], moment.vertices, atol=1e-5)
        vertices = output.vertices[0].double().numpy()
    values = (255 * sample.image.permute(1, 2, 0)).round().byte().numpy()
    path = tmp_path / "sample.png"
    Image.fromarray(values).save(path)
    image = green_pixels(path)
    visible = moment.visible(vertices, sample.intrinsics.double().numpy(), image.shape)
    if visible.sum() > 2000:
        assert overlap(visible, image) > 0.96  # a colour cannot tell which half of an edge is hand
        return int(visible.sum())
    return 0


def ho3d_moment(tree, name: str) -> Moment:
    sequence, frame = name.split("/")
    recording = tree.recordings[ord(sequence[3]) - ord("A")]
    return Moment(recording, int(frame), rig(2)[int(sequence[-1])], "ho3d")


@pytest.mark.parametrize("crop", [None, "handoccnet", "deformer"])
def test_ho3d_train(ho3d_tree, crop, tmp_path):
    root = ho3d_tree.root
    data = HO3D(root, "train", root.name, crop=crop, mano=root / "mano", masks=True)
    hand = load_hand(root / "mano", fingertips="ho3d")
    assert len(data) == 8 and data.valid.all()
    assert sorted(len(frames) for frames in data.sequences) == [1, 1, 3, 3]
    compared = 0
    for index, sample in enumerate(data[k] for k in range(len(data))):
        moment = ho3d_moment(ho3d_tree, data.name(index))
        compared += agree(sample, moment, tmp_path, hand) > 0
        shape = sample.image.shape[1:]
        visible = moment.visible(moment.vertices, sample.intrinsics.double().numpy(), shape)
        if visible.sum() > 2000:  # the set knows them at a quarter of the image's resolution
            assert overlap(visible, sample.masks.visible.numpy()) > 0.93
    assert compared >= 6
    assert len({sample.identity for sample in (data[0], data[3], data[6])}) == 2


def test_the_mesh_of_ho3d_covers_the_hand_that_was_rendered(ho3d_tree):
    root, compared = ho3d_tree.root, 0
    data = HO3D(root, "train", root.name, crop=None, mano=root / "mano")
    hand = load_hand(root / "mano")
    films: dict[str, list] = {}
    for index in range(len(data)):
        sequence, number = data.name(index).split("/")
        moment, camera = ho3d_moment(ho3d_tree, data.name(index)), rig(2)[int(sequence[-1])]
        recording = ho3d_tree.recordings[ord(sequence[3]) - ord("A")]
        if sequence not in films:
            films[sequence] = list(film(recording, camera))
        rendered = films[sequence][int(number)].labels == HAND
        sample = data[index]
        output = hand(sample.pose[None], sample.betas[None], sample.translation[None])
        vertices, intrinsics = output.vertices[0].double().numpy(), sample.intrinsics.double()
        visible = moment.visible(vertices, intrinsics.numpy(), rendered.shape)
        if visible.sum() > 2000:
            compared += 1
            assert overlap(visible, rendered) > 0.97
    assert compared >= 6


def test_ho3d_depth_and_occlusion(ho3d_tree):
    root = ho3d_tree.root
    data = HO3D(root, "train", root.name, mano=root / "mano")
    for index in range(len(data)):
        moment = ho3d_moment(ho3d_tree, data.name(index))
        camera = rig(2)[int(data.name(index).split("/")[0][-1])].intrinsics
        hand = hand_depth(moment.vertices, False, camera, (480, 640))
        visible = moment.visible(moment.vertices, camera, (480, 640))
        assert np.abs(data.depth(index) - hand)[visible].max() < 0.002
        share = 1 - visible.sum() / np.isfinite(hand).sum()
        assert data.occlusion(index) == pytest.approx(share, abs=0.05)


def test_ho3d_evaluation(ho3d_tree, tmp_path):
    root = ho3d_tree.root
    data = HO3D(root, "evaluation", root.name)
    names = (root / "evaluation.txt").read_text().split()
    assert [data.name(k) for k in range(len(data))] == names
    for index, name in enumerate(names):
        moment, sample = ho3d_moment(ho3d_tree, name), data[index]
        agree(sample, moment, tmp_path)
        np.testing.assert_allclose(data.wrist(index), moment.joints[0], atol=1e-5)
        assert sample.pose is None and sample.betas is None
        flat = project(torch.from_numpy(moment.vertices).float(), sample.intrinsics)
        low, high = sample.box.unflatten(0, (2, 2))
        assert (flat > low - 1).all() and (flat < high + 1).all()


SPLITS = {
    ("s0", "train"): {"right": 16, "left": 0},
    ("s0", "val"): {"right": 0, "left": 0},
    ("s0", "test"): {"right": 0, "left": 8},
    ("s1", "train"): {"right": 16, "left": 8},
    ("s1", "test"): {"right": 0, "left": 0},
    ("s2", "train"): {"right": 12, "left": 6},
    ("s2", "val"): {"right": 2, "left": 1},
    ("s2", "test"): {"right": 2, "left": 1},
    ("s3", "train"): {"right": 16, "left": 8},
    ("s3", "test"): {"right": 0, "left": 0},
}


@pytest.mark.parametrize(("setup", "split"), SPLITS)
def test_dexycb_splits(dexycb_tree, setup, split):
    if not any(SPLITS[setup, split].values()):
        with pytest.raises(DataFileError, match="found none"):
            DexYCB(dexycb_tree.root, setup, split, crop=None)
        return
    data = DexYCB(dexycb_tree.root, setup, split, crop=None)
    sides = [data.frame(k).side for k in range(len(data))]
    assert {side: sides.count(side) for side in ("right", "left")} == SPLITS[setup, split]


@pytest.mark.parametrize("crop", [None, "handoccnet", "deformer"])
@pytest.mark.parametrize(("split", "number"), [("train", 0), ("test", 1)])
def test_dexycb(dexycb_tree, split, number, crop, tmp_path):
    root, recording = dexycb_tree.root, dexycb_tree.recordings[number]
    data = DexYCB(root, setup="s0", split=split, crop=crop, mano=root / "mano", masks=True)
    hand = load_hand(root / "mano", side=recording.side)
    cameras, compared = rig(8, master=2), 0
    assert len(data) == 8 * recording.length and data.valid.all()
    for index in range(len(data)):
        camera, frame = divmod(index, recording.length)
        assert data.name(index).split("/")[3] == f"{frame:06d}"
        sample, moment = data[index], Moment(recording, frame, cameras[camera])
        assert sample.side == recording.side
        compared += agree(sample, moment, tmp_path, hand) > 0
        visible = moment.visible(
            moment.vertices, sample.intrinsics.double().numpy(), sample.image.shape[1:]
        )
        if visible.sum() > 2000:
            assert overlap(visible, sample.masks.visible.numpy()) > 0.98
    assert compared >= 5


def test_left_hands_of_dexycb_shown_as_right_ones(dexycb_tree, tmp_path):
    """Mirrored back, in the image and in space, a left hand is the scene that was filmed."""
    root, recording = dexycb_tree.root, dexycb_tree.recordings[1]
    data = DexYCB(root, "s0", "test", mano=root / "mano", masks=True, mirror_left=True)
    assert len(data) == 8
    hand = load_hand(root / "mano")
    for sample, camera in zip((data[k] for k in range(8)), rig(8, master=2), strict=True):
        assert sample.side == "right"
        moment = Moment(replace(recording, side="right"), 0, camera.mirrored())
        moment.joints[12] = moment.vertices[445]  # as annotated; a right hand's tip is 444
        agree(sample, moment, tmp_path)
        output = hand(sample.pose[None], sample.betas[None], sample.translation[None])
        np.testing.assert_allclose(output.vertices[0], moment.vertices, atol=1e-5)


def test_fpha(fpha_tree, tmp_path):
    for split, recording in zip(("train", "test"), fpha_tree.recordings, strict=True):
        for crop in ("handoccnet", None):
            data = FPHA(fpha_tree.root, split=split, setup="action", crop=crop)
            assert len(data) == recording.length
            for index in range(len(data)):
                moment = Moment(recording, index, Camera(COLOUR, 1920, 1080))
                assert agree(data[index], moment, tmp_path) > 0
                assert data.depth(index).shape == (480, 640)


def test_frames_without_a_hand_are_known_and_left_out(ho3d_tree, dexycb_tree, tmp_path):
    root = damage.copy(ho3d_tree.root, tmp_path / ho3d_tree.root.name)
    damage.unannotate(root / "train" / "SynA10" / "meta" / "0001.pkl")
    (root / "train" / "SynA11" / "meta" / "0002.pkl").unlink()
    data = HO3D(root, "train", root.name)
    without = [data.name(k) for k in np.flatnonzero(~data.valid).tolist()]
    assert without == ["SynA10/0001", "SynA11/0002"] and len(data) == 8
    assert len(valid_frames(data)) == 6
    if root.name == "v3":
        return  # once is enough for the other set
    root = damage.copy(dexycb_tree.root, tmp_path / "dexycb", *MOST_SUBJECTS)
    (labels,) = root.glob("20200820-subject-03/*_140000/840412060917/labels_000001.npz")
    damage.unlabel(labels)
    data = DexYCB(root, "s0", "train", crop=None, mano=root / "mano", partial=True)
    assert np.flatnonzero(~data.valid).tolist() == [5] and len(data) == 16
    assert data[5].joints is None and data[5].pose is None
    assert data[4].joints is not None


def test_damaged_files_are_named(ho3d_tree, dexycb_tree, fpha_tree, tmp_path):
    root = damage.copy(ho3d_tree.root, tmp_path / ho3d_tree.root.name)
    (image,) = (root / "train" / "SynA10" / "rgb").glob("0000.*")
    damage.truncate(image)
    data = HO3D(root, "train", root.name)
    with pytest.raises(DataFileError, match=image.name):
        data[0]
    damage.truncate(root / "evaluation" / "SynC10" / "meta" / "0000.pkl")
    with pytest.raises(DataFileError, match="0000.pkl"):
        HO3D(root, "evaluation", root.name)[0]
    if root.name == "v3":
        return
    root = damage.copy(dexycb_tree.root, tmp_path / "dexycb", *MOST_SUBJECTS)
    for path in root.glob("20200820-subject-03/*_140000/*/color_*.jpg"):
        damage.truncate(path)
    with pytest.raises(DataFileError, match="color_000000.jpg"):
        DexYCB(root, "s0", "train", partial=True)[0]
    root = damage.copy(fpha_tree.root, tmp_path / "fpha")
    for path in root.rglob("*.jpeg"):
        damage.truncate(path)
    with pytest.raises(DataFileError, match="color_0000.jpeg"):
        FPHA(root, "train")[0]


def test_a_box_outside_the_image_gives_an_empty_crop(ho3d_tree, tmp_path):
    root = damage.copy(ho3d_tree.root, tmp_path / ho3d_tree.root.name)
    path = root / "evaluation" / "SynC10" / "meta" / "0000.pkl"
    damage.change_meta(path, handBoundingBox=[2000, 1500, 2200, 1700])
    data = HO3D(root, "evaluation", root.name)
    assert data.name(0) == "SynC10/0000"
    assert data[0].image.shape == (3, 256, 256) and data[0].image.std() == 0


def test_incomplete_dexycb(dexycb_tree, tmp_path):
    root = damage.copy(dexycb_tree.root, tmp_path / "dexycb", *MOST_SUBJECTS)
    (folder,) = root.glob("20200709-subject-01/*_141000")
    (folder / "meta.yml").unlink()
    with pytest.raises(DataFileError, match="expected 100 sequences"):
        DexYCB(root, "s0", "train")
    assert len(DexYCB(root, "s0", "train", crop=None, partial=True)) == 16


def test_empty_skeletons_of_fpha(fpha_tree, tmp_path):
    root = damage.copy(fpha_tree.root, tmp_path / "fpha")
    (skeleton,) = (root / "Hand_pose_annotation_v1" / "Subject_1").rglob("skeleton.txt")
    skeleton.write_text("")
    with pytest.raises(DataFileError, match="found none"):
        FPHA(root, "train")
    assert len(FPHA(root, "test")) == 1


def test_placed_hands_move_and_mirror_like_their_points():
    """Rotation and shift, taken along, still carry the rest hand to the points."""
    rng = np.random.default_rng(3)
    rest = rng.normal(size=(778, 3))
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    turn *= np.linalg.det(turn)
    shift, wrist = rng.normal(size=(2, 3))
    points = rest @ turn.T + shift
    hand = PlacedHand(
        "right", np.zeros(10), np.zeros((15, 3)), wrist, turn, shift, points, points[:21]
    )
    for moved, sign in ((hand.moved(turn, shift), 1.0), (hand.mirrored(), MIRROR)):
        carried = (rest * sign - moved.wrist) @ moved.rotation.T + moved.wrist + moved.translation
        np.testing.assert_allclose(carried, moved.vertices, atol=1e-12)
