"""FPHA: joints found again in a small tree, in millimetres and in another camera's frame."""

import numpy as np
import pytest
import torch
from PIL import Image

from handlib.data import FPHA, collate, windows
from handlib.data.augmentation import AugmentationConfig, augment
from handlib.data.files import DataFileError
from handlib.hands.skeleton import COMMON_TO_FPHA

from .recorded import centroid, dots, right_hand, truth

HAND = right_hand("manopth")
K = np.array([[1395.749023, 0, 935.732544], [0, 1395.749268, 540.681030], [0, 0, 1]])
ROTATION = np.array(
    [
        [0.999988496304, -0.00468848412856, 0.000982563360594],
        [0.00469115935266, 0.999985218048, -0.00273845880292],
        [-0.000969709653873, 0.00274303671904, 0.99999576807],
    ]
)
SHIFT = np.array([25.7, 1.22, 3.902])  # millimetres
NAMES = [
    "Subject_1/open_milk/1",
    "Subject_1/use_flash/2",
    "Subject_2/close_milk/4",
    "Subject_3/stir/1",
    "Subject_5/put_salt/10",
    "Subject_6/pour_wine/1",
]
FRAMES = [3, 0, 2, 2, 2, 1]


class Tree:
    def __init__(self, root, videos="Video_files", scale=1.0):
        self.root, self.known = root, {}
        for sequence, (name, count) in enumerate(zip(NAMES, FRAMES, strict=True)):
            rows = []
            for frame in range(count):
                known = truth(100 * sequence + frame, HAND, (0.02, 0.01, 0.45), K)
                self.known[f"{name}/{frame:04d}"] = known
                colour = root / videos / name / "color" / f"color_{frame:04d}.jpeg"
                colour.parent.mkdir(parents=True, exist_ok=True)
                size = (round(1920 * scale), round(1080 * scale))
                pixels = (known.pixels + 0.5) * scale - 0.5
                dots(pixels, size, 8 * scale).save(colour, quality=95)
                depth = root / videos / name / "depth" / f"depth_{frame:04d}.png"
                depth.parent.mkdir(exist_ok=True)
                Image.fromarray(np.full((480, 640), 432, np.uint16)).save(depth)
                # p_colour = R p_depth + t, undone with the matrix's inverse.
                at_depth = np.linalg.solve(ROTATION, (1000 * known.joints - SHIFT).T).T
                numbers = at_depth[list(COMMON_TO_FPHA)].ravel()
                rows.append(f"{frame} " + " ".join(f"{number:.6f}" for number in numbers))
            skeleton = root / "Hand_pose_annotation_v1" / name / "skeleton.txt"
            skeleton.parent.mkdir(parents=True)
            skeleton.write_text("".join(row + "\n" for row in rows))
        lines = ["Training 3", f"{NAMES[0]} 0", f"{NAMES[1]} 4", f"{NAMES[2]} 3", "Test 2"]
        listing = root / "data_split_action_recognition.txt"
        listing.write_text("\n".join([*lines, f"{NAMES[4]} 7", f"{NAMES[5]} 9"]) + "\n")


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return Tree(tmp_path_factory.mktemp("fpha"))


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HANDLIB_CACHE", str(tmp_path / "cache"))


def names(data):
    return list(dict.fromkeys(data.name(index).rsplit("/", 1)[0] for index in range(len(data))))


@pytest.mark.parametrize(
    ("setup", "split", "expected"),
    [
        ("action", "train", [0]),  # 1 is empty, 2 is damaged, 3 is not listed
        ("action", "test", [4, 5]),
        ("subject", "train", [0, 3]),
        ("subject", "test", [4, 5]),
        ("object", "train", [3, 4]),
        ("object", "test", [0, 5]),
    ],
)
def test_splits(tree, setup, split, expected):
    data = FPHA(tree.root, split, setup)
    assert names(data) == [NAMES[k] for k in expected]
    assert len(data) == sum(FRAMES[k] for k in expected)
    assert [len(frames) for frames in data.sequences if len(frames)] == [
        FRAMES[k] for k in expected
    ]


@pytest.mark.parametrize("crop", [None, "handoccnet"])
def test_joints_are_those_of_the_known_hand(tree, crop):
    data = FPHA(tree.root, "test", "subject", crop)
    for index in range(len(data)):
        known, sample = tree.known[data.name(index)], data[index]
        np.testing.assert_allclose(sample.joints.numpy(), known.joints, atol=1e-6)
        if crop is None:
            np.testing.assert_allclose(sample.joints_px.numpy(), known.pixels, atol=2e-3)
        for label in (sample.pose, sample.betas, sample.translation, sample.masks):
            assert label is None
        assert sample.identity == data.name(index)[:9] and sample.side == "right"


@pytest.mark.parametrize(("videos", "scale"), [("Video_files", 1.0), ("Video_files_480", 0.25)])
@pytest.mark.parametrize("crop", [None, "handoccnet"])
def test_the_image_shows_the_joints_at_every_size(tmp_path, videos, scale, crop):
    data, found = FPHA(Tree(tmp_path, videos, scale).root, "train", crop=crop), 0
    for index in range(len(data)):
        sample = data[index]
        zoom = float(sample.intrinsics[0, 0]) / K[0, 0]
        for joint, pixel in enumerate(sample.joints_px):
            others = torch.cat([sample.joints_px[:joint], sample.joints_px[joint + 1 :]])
            if (others - pixel).norm(dim=-1).min() > 20 * zoom:
                image = sample.image
                if crop is None:  # a square around the joint
                    corner = (pixel - 13 * zoom).round().int()
                    x, y, side = *corner.tolist(), round(26 * zoom)
                    image, pixel = image[:, y : y + side, x : x + side], pixel - corner
                centre = centroid(image, pixel, 12 * zoom)
                assert (centre - pixel).norm() < 0.3 * max(zoom, 0.5)
                found += 1
    assert found > 15


def test_windows_batches_and_augmentation_take_joints_alone(tree):
    data = FPHA(tree.root, "test")
    assert windows(data, 3, 1)[1].frames == (0, 1, 1)
    batch = collate([data[0], data[1]])
    assert batch.pose is None and batch.joints.shape == (2, 21, 3)
    strong = AugmentationConfig(scale=0.2, rotation=40.0, shift=0.1)
    moved = augment(batch, strong, torch.Generator().manual_seed(1))
    pixels = moved.joints @ moved.intrinsics.mT
    torch.testing.assert_close(
        pixels[..., :2] / pixels[..., 2:], moved.joints_px, atol=2e-3, rtol=0
    )
    assert (moved.joints - batch.joints).abs().max() > 1e-3 and moved.pose is None


def test_depth_in_metres(tree):
    depth = FPHA(tree.root, "test").depth(0)
    assert depth.shape == (480, 640) and (depth == np.float32(0.432)).all()


def test_errors_name_the_file_and_the_remedy(tmp_path):
    tree = Tree(tmp_path)
    with pytest.raises(ValueError, match="split: expected one of train, test, found 'val'"):
        FPHA(tree.root, "val")
    with pytest.raises(ValueError, match="setup: expected one of action, subject, object"):
        FPHA(tree.root, "train", "s0")
    with pytest.raises(ValueError, match="crop: expected handoccnet or None, found 'deformer'"):
        FPHA(tree.root, "train", crop="deformer")
    with pytest.raises(FileNotFoundError, match="Hand_pose_annotation_v1: expected.*The root"):
        FPHA(tree.root / "nowhere", "train")
    listing = tree.root / "data_split_action_recognition.txt"
    text = listing.read_text()
    listing.write_text(text.replace("Test 2", "Subject_1/fly/1 3\nTest 2"))
    with pytest.raises(DataFileError, match="expected an annotation of every.*Subject_1/fly/1"):
        FPHA(tree.root, "train")
    listing.write_text("<html>")
    with pytest.raises(DataFileError, match="recognition.txt: expected lines such as"):
        FPHA(tree.root, "train")
    listing.unlink()
    with pytest.raises(FileNotFoundError, match="recognition.txt: expected the list"):
        FPHA(tree.root, "train")
    data = FPHA(tree.root, "train", "subject")
    with pytest.raises(ValueError, match="occlusion"):
        data.occlusion(0)
    skeleton = tree.root / "Hand_pose_annotation_v1" / NAMES[0] / "skeleton.txt"
    for text, message in (
        ("0 1 2\n", "expected 64 numbers a line"),
        ("7" + " 1" * 63, "frames 0"),
    ):
        skeleton.write_text(text)
        with pytest.raises(DataFileError, match=f"skeleton.txt: .*{message}"):
            FPHA(tree.root, "train", "subject")
