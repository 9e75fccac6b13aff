"""`handlib predict` on a small image and small networks, read back by trimesh and Pillow."""

import json

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image, ImageOps
from typer.testing import CliRunner

from handlib import cli
from handlib.data import SyntheticHands
from handlib.data.camera import SquareCrop, project
from handlib.data.crops import cut_image
from handlib.hands import load_hand
from handlib.models.handoccnet import HandOccNet, HandOccNetConfig
from handlib.photos import open_photos, predict_photos
from handlib.training.checkpoint import write_tensors
from handlib.training.data import DataConfig
from handlib.training.run import RunConfig
from handlib.training.trained import Trained

BOX = "20,12,80,70"
SIZE = (120, 90)


def call(*words):
    return CliRunner().invoke(cli.app, ["predict", *map(str, words)])


@pytest.fixture
def photo(tmp_path):
    """An image that is not symmetric in any way."""
    pixels = np.random.default_rng(0).integers(0, 255, (9, 12, 3), np.uint8)
    path = tmp_path / "photo.png"
    Image.fromarray(pixels).resize(SIZE, Image.Resampling.BICUBIC).save(path)
    return path


def values(folder, name="photo"):
    return json.loads((folder / f"{name}.json").read_text())


def test_files_agree_with_the_hand_model(photo, hand, tmp_path):
    out = tmp_path / "out"
    done = call(photo, "--box", BOX, "--out", out)
    assert done.exit_code == 0, done.output
    endings = (".obj", ".ply", ".json", "_overlay.png")
    assert {path.name for path in out.iterdir()} == {f"photo{ending}" for ending in endings}
    found = values(out)
    posed = hand(torch.tensor([found["pose"]]), torch.tensor([found["betas"]]))
    for name in ("photo.obj", "photo.ply"):
        mesh = trimesh.load(out / name, process=False, maintain_order=True)
        np.testing.assert_allclose(mesh.vertices, posed.vertices[0], atol=2e-6)
        np.testing.assert_array_equal(mesh.faces, hand.faces)
    np.testing.assert_allclose(found["joints"], posed.joints[0], atol=2e-6)
    with Image.open(out / "photo_overlay.png") as drawn, Image.open(photo) as plain:
        assert drawn.size == plain.size
        changed = (np.asarray(drawn) != np.asarray(plain)).any(2)
    assert found["translation"] is not None
    placed = posed.vertices[0] + torch.tensor(found["translation"])
    pixels = project(placed, torch.tensor(found["intrinsics"])).numpy()
    inside = pixels[((pixels > 1) & (pixels < np.array(SIZE) - 2)).all(1)].round().astype(int)
    assert changed[inside[:, 1], inside[:, 0]].mean() > 0.9
    rows, columns = np.nonzero(changed)
    assert columns.min() >= pixels[:, 0].min() - 2 and columns.max() <= pixels[:, 0].max() + 2
    assert rows.min() >= pixels[:, 1].min() - 2 and rows.max() <= pixels[:, 1].max() + 2


def test_a_mirrored_image_of_a_left_hand_gives_the_mirrored_hand(photo, tmp_path):
    right, left = tmp_path / "right", tmp_path / "left"
    assert call(photo, "--box", BOX, "--out", right).exit_code == 0
    flipped = tmp_path / "flipped" / "photo.png"
    flipped.parent.mkdir()
    ImageOps.mirror(Image.open(photo)).save(flipped)
    box = "39,12,99,70"  # 119 - x
    assert call(flipped, "--box", box, "--left", "--out", left).exit_code == 0
    meshes = [trimesh.load(p / "photo.obj", process=False) for p in (right, left)]
    np.testing.assert_allclose(meshes[0].vertices * [-1, 1, 1], meshes[1].vertices, atol=1e-5)
    outside = [mesh.face_normals[0] for mesh in meshes]
    np.testing.assert_allclose(outside[0] * [-1, 1, 1], outside[1], atol=1e-3)
    found = values(left)
    assert found["side"] == "left"
    posed = load_hand(side="left")(torch.tensor([found["pose"]]), torch.tensor([found["betas"]]))
    np.testing.assert_allclose(posed.vertices[0], meshes[1].vertices, atol=1e-5)
    np.testing.assert_allclose(posed.joints[0], found["joints"], atol=1e-5)
    placed = project(
        posed.joints[0] + torch.tensor(found["translation"]), torch.tensor(found["intrinsics"])
    )
    other = values(right)
    there = project(
        torch.tensor(other["joints"]) + torch.tensor(other["translation"]),
        torch.tensor(other["intrinsics"]),
    )
    np.testing.assert_allclose(SIZE[0] - 1 - there[:, 0], placed[:, 0], atol=0.05)
    np.testing.assert_allclose(there[:, 1], placed[:, 1], atol=0.05)


def test_a_mask_gives_its_box_and_folders_go_by_number(photo, tmp_path):
    mask = np.zeros(SIZE[::-1], np.uint8)
    mask[12:71, 20:81] = 1  # as good as 255
    frames, masks = tmp_path / "frames", tmp_path / "masks"
    for folder in (frames, masks):
        folder.mkdir()
    for number in (10, 9, 2):
        Image.open(photo).save(frames / f"f{number}.png")
        Image.fromarray(mask).save(masks / f"f{number}.png")
    opened = open_photos([frames], masks=[masks])
    assert [one.path.name for one in opened] == ["f2.png", "f9.png", "f10.png"]
    assert opened[0].corners.flatten().tolist() == [20, 12, 80, 70]
    done = call(frames, "--mask", masks, "--out", tmp_path / "out")
    assert done.exit_code == 0 and len(list((tmp_path / "out").iterdir())) == 12


def test_upright_as_the_camera_was_held(photo, tmp_path):
    turned = tmp_path / "turned.jpg"
    image = Image.open(photo)
    exif = image.getexif()
    exif[0x0112] = 6  # to be turned by 90° before it is shown
    image.save(turned, exif=exif)
    (one,) = open_photos([turned], ["10,10,60,80"])
    assert (one.width, one.height) == SIZE[::-1] == one.image().size


def test_mistakes_are_answered_in_a_line(photo, tmp_path):
    no_image, empty, small = (tmp_path / name for name in ("a.png", "empty.png", "small.png"))
    no_image.write_text("no image")
    Image.new("L", SIZE).save(empty)
    Image.new("L", (30, 30), 255).save(small)
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"0")
    out = ("--out", tmp_path / "out")
    wrong = {
        "neither a box nor a mask": (photo,),
        "both a box and a mask": (photo, "--box", BOX, "--mask", empty),
        "120×90": (photo, "--box", "300,300,400,400"),
        "x1 < x2": (photo, "--box", "50,12,20,70"),
        "four numbers": (photo, "--box", "1,2,3"),
        "a.png: expected an image": (no_image, "--box", BOX),
        "b.png: expected an image, found no such file": (tmp_path / "b.png", "--box", BOX),
        "found a video": (clip, "--box", BOX),
        "found an empty one": (photo, "--mask", empty),
        "small.png: expected the size of photo.png": (photo, "--mask", small),
        "--focal": (photo, "--box", BOX, "--focal", 0),
        "one for all": (photo, "--box", BOX, "--box", BOX),
        "different name": (photo, photo, "--box", BOX),
        "run.json": (photo, "--box", BOX, "--run", tmp_path),
    }
    for text, words in wrong.items():
        refused = call(*words, *out)
        assert refused.exit_code == 2 and text in refused.output, (text, refused.output)
        assert refused.output.count("\n") == 1, refused.output
    assert not (tmp_path / "out").exists()


def test_nothing_is_overwritten_unasked(photo, tmp_path):
    other = tmp_path / "photo.json"
    other.write_text("mine")
    refused = call(photo, "--box", BOX, "--out", tmp_path)
    assert refused.exit_code == 2 and "photo.json: expected no such file" in refused.output
    assert other.read_text() == "mine" and not (tmp_path / "photo.obj").exists()
    assert call(photo, "--box", BOX, "--out", tmp_path, "--replace").exit_code == 0
    assert values(tmp_path)["side"] == "right"


def test_a_run_is_used_and_what_has_no_place_is_not_drawn(photo, hand, tmp_path, monkeypatch):
    network = HandOccNetConfig(
        image_size=32, blocks=(1, 1, 1, 1), width=16, channels=8, heads=2, depth=1,
        head_widths=(16, 16),
    )  # fmt: skip
    run, out = tmp_path / "run", tmp_path / "out"
    RunConfig(network, DataConfig(), "handlib train").save(run)
    write_tensors(run / "model.safetensors", HandOccNet(network, hand).state_dict(), {})
    monkeypatch.setattr(
        "handlib.photos.predict.fit_translation", lambda *_: torch.tensor([0.0, 0.0, -1.0])
    )
    assert call(photo, "--box", BOX, "--out", out, "--run", run).exit_code == 0
    assert values(out)["network"]["run"] == str(run) and values(out)["translation"] is None
    with Image.open(out / "photo_overlay.png") as drawn, Image.open(photo) as plain:
        assert np.array_equal(np.asarray(drawn), np.asarray(plain.convert("RGB")))


@pytest.mark.parametrize("fuse_every", [False, True])
def test_a_deformer_reads_a_folder_as_one_video(photo, small_deformer, tmp_path, fuse_every):
    """Frame by frame what the network says of the window around it, in the crop's own pixels."""
    model = small_deformer(fuse_every=fuse_every).eval()
    trained = Trained(model, tmp_path, 64, 1, {})
    frames = tmp_path / "frames"
    frames.mkdir()
    for k in range(5):
        ImageOps.solarize(Image.open(photo), 40 * k).save(frames / f"{k}.png")
    hands = predict_photos(trained, open_photos([frames], [BOX]))
    side = 1.5 * 60 * 1.4  # BOX is 60 wide, around (50, 41)
    crop = SquareCrop(50.0, 41.0, side)
    shown = [cut_image(Image.open(frames / f"{k}.png"), crop, 64) for k in (0, 0, 1, 2, 3, 4, 4)]
    half = 64 / 1.4 / 2
    box = torch.tensor([31.5 - half, 31.5 - half, 31.5 + half, 31.5 + half])
    with torch.no_grad():
        window = model(torch.stack(shown)[None], box.expand(1, 7, 4))
    joints = window.fused_joints[:, 3] if fuse_every else window.fused_joints
    torch.testing.assert_close(hands[2].joints, joints[0], atol=1e-5, rtol=0)
    pixels = 41 - 45 + 90 * window.joints_img[0, 3, :, 1]
    torch.testing.assert_close(hands[2].joints_px[:, 1], pixels, atol=0.01, rtol=0)
    for one in hands:
        posed = model.hand(one.pose[None], one.betas[None])
        torch.testing.assert_close(posed.vertices[0], one.vertices, atol=1e-5, rtol=0)


def test_a_rendered_hand_is_found_where_it_is(tmp_path):
    """The shipped network on an image of its own kind, in a larger picture."""
    data = SyntheticHands("test", 1, 0, 128)
    sample = data[0]
    pixels = (255 * sample.image.permute(1, 2, 0)).byte().numpy()
    canvas = Image.new("RGB", (400, 300), (90, 90, 90))
    canvas.paste(Image.fromarray(pixels), (200, 100))
    canvas.save(tmp_path / "scene.png")
    truth = sample.joints_px + torch.tensor([200.0, 100.0])
    box = ",".join(f"{x:g}" for x in (*truth.amin(0).tolist(), *truth.amax(0).tolist()))
    done = call(tmp_path / "scene.png", "--box", box, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    found = torch.tensor(values(tmp_path / "out", "scene")["joints_px"])
    extent = (truth.amax(0) - truth.amin(0)).max()
    assert (found - truth).norm(dim=-1).mean() < 0.2 * extent
