"""Clips: what stays and what moves, labels, blur, occlusion, and the same bits in any order."""

import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from handlib.data import SyntheticSequences, collate, collate_windows, windows
from handlib.data.camera import project, square_boxes
from handlib.data.synthetic import SequencesConfig, cache, sequences
from handlib.data.synthetic.clips import Clip
from handlib.data.synthetic.hand_motion import one_thread, pose_hand
from handlib.data.synthetic.moving_things import InHand
from handlib.data.synthetic.render import render
from handlib.data.synthetic.rendered_set import shipped_hand
from handlib.hands.pose_prior import joint_limits, motions_from_pose

FRAMES = 24
SIZE = 32  # pixels, where the picture itself does not matter


def clips(size: int, frames: int = 6, **options: object) -> SyntheticSequences:
    return SyntheticSequences("test", size, frames=frames, resolution=SIZE, **options)


@pytest.fixture(scope="module")
def plans() -> list[Clip]:
    """What happens in some clips; nothing is rendered yet."""
    config, hand = SequencesConfig(), shipped_hand()
    return [Clip("train", 4, number, FRAMES, 64, config, hand) for number in range(24)]


@pytest.fixture(scope="module")
def filmed() -> SyntheticSequences:
    return SyntheticSequences("val", 2, frames=8, resolution=64, cache=False)


def test_labels_fit_together(filmed: SyntheticSequences) -> None:
    hand = shipped_hand()
    for index in range(len(filmed)):
        sample = filmed[index]
        output = hand(sample.pose[None], sample.betas[None], sample.translation[None])
        torch.testing.assert_close(output.joints[0], sample.joints, atol=1e-6, rtol=0)
        pixels = project(sample.joints, sample.intrinsics)
        torch.testing.assert_close(pixels, sample.joints_px, atol=1e-3, rtol=0)
        hidden = 1 - sample.masks.visible.sum() / sample.masks.amodal.sum()
        assert sample.occlusion == pytest.approx(hidden.item(), abs=1e-6)
        assert sample.image.min() >= 0 and sample.image.max() <= 1


def test_shape_camera_and_owner_stay_the_same_in_a_clip(filmed: SyntheticSequences) -> None:
    owners = []
    for frames in filmed.sequences:
        first, *others = (filmed[index] for index in frames)
        for sample in others:
            assert torch.equal(sample.betas, first.betas)
            assert torch.equal(sample.intrinsics, first.intrinsics)
            assert sample.identity == first.identity and sample.side == "right"
            assert not torch.equal(sample.pose[0], first.pose[0])
            assert not torch.equal(sample.pose[1:], first.pose[1:])
            assert not torch.equal(sample.translation, first.translation)
        owners.append(first.identity)
    assert owners[0] != owners[1]


def test_a_pixel_that_only_shows_the_background_hardly_changes(plans: list[Clip]) -> None:
    """Background and light are constant: a soft shadow darkens a whole corner alike."""
    for clip in plans[:4]:
        scenes = [clip.scene(frame) for frame in (0, FRAMES // 2, FRAMES - 1)]
        corners = [render(replace(s, things=())).light[:3, :3] for s in scenes]
        first, *others = [corner / corner.mean() for corner in corners]
        for other in others:
            np.testing.assert_allclose(other, first, rtol=0.03)


def test_sequences_are_the_clips_one_after_the_other(filmed: SyntheticSequences) -> None:
    assert len(filmed) == 16
    assert [*filmed.sequences] == [range(8), range(8, 16)]
    assert filmed.valid.tolist() == [True] * 16


def test_joints_stay_within_their_limits(plans: list[Clip]) -> None:
    low, high = joint_limits().unbind(-1)
    for clip in plans:
        motions = motions_from_pose(torch.from_numpy(clip.poses.fingers))
        assert (motions > low - 1e-3).all() and (motions < high + 1e-3).all()


def test_motion_is_smooth(plans: list[Clip]) -> None:
    """At a thousand frames a second no joint jumps or jerks: speed and acceleration of a hand."""
    hand = shipped_hand()
    for clip in plans[:8]:
        time = np.arange(0, clip.times[-1], 0.001)
        with one_thread():
            joints = pose_hand(clip.motion, time, hand).joints.astype(float)
        speed = np.linalg.norm(np.diff(joints, axis=0), axis=2) / 0.001
        assert speed.max() < 5  # metres a second
        # Over 20 ms: the labels are single precision, which differences of 1 ms would show.
        jump = np.linalg.norm(joints[40:] - 2 * joints[20:-20] + joints[:-40], axis=2) / 0.02**2
        assert jump.max() < 120  # metres a second squared
        assert np.ptp(joints.mean(1), axis=0).max() > 0.01


def test_the_hand_stays_in_the_image_and_is_large_enough(plans: list[Clip]) -> None:
    shares = []
    for clip in plans:
        intrinsics = torch.from_numpy(clip.look.intrinsics).float().expand(FRAMES, 3, 3)
        pixels = project(torch.from_numpy(clip.poses.vertices), intrinsics)
        assert pixels.min() > -0.5 and pixels.max() < clip.size - 0.5
        boxes = square_boxes(project(torch.from_numpy(clip.poses.joints), intrinsics))
        shares += ((boxes[:, 2] - boxes[:, 0]) / clip.size).tolist()
    assert np.percentile(shares, 5) > 0.35
    assert 0.5 < np.median(shares) < 0.9


def test_a_held_thing_moves_with_the_hand_and_rests_otherwise(plans: list[Clip]) -> None:
    paths = [thing.path for clip in plans for thing in clip.things]
    held = [path for path in paths if isinstance(path, InHand)]
    assert len(held) > 4
    for path in held:
        taken, left = path.handling.taken, path.handling.left
        before, _ = path.at(np.array([taken - 0.5, taken]))
        np.testing.assert_array_equal(before[0], before[1])
        time = np.linspace(taken, left, 20)
        rotation, position = path.at(time)
        root, shift = path.motion.root(time)
        local = np.einsum("tji,tj->ti", root, position - shift)  # in the hand's own frame
        np.testing.assert_allclose(local, np.tile(local[0], (20, 1)), atol=1e-9)
        turned = root.swapaxes(1, 2) @ rotation
        np.testing.assert_allclose(turned, np.tile(turned[0], (20, 1, 1)), atol=1e-9)
        around = np.arange(taken - 0.05, left + 0.05, 0.001)
        steps = np.linalg.norm(np.diff(path.at(around)[1], axis=0), axis=1)
        assert steps.max() < 0.005  # it does not jump when it is taken or left


def test_occlusion_is_spread_and_varies_within_clips() -> None:
    config, hand = SequencesConfig(instances=2), shipped_hand()
    made = [Clip("train", 9, number, 32, 32, config, hand) for number in range(24)]
    hidden = np.array([[clip.render(k).occlusion for k in range(0, 32, 3)] for clip in made])
    shares = np.histogram(hidden, [0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0])[0] / hidden.size
    assert (shares >= [0.2, 0.06, 0.06, 0.06, 0.04, 0.05]).all(), shares
    assert 0.25 < np.mean(hidden) < 0.5
    assert (hidden > 0.9).any(1).mean() > 0.25
    assert (hidden.min(1) < 0.15).mean() > 0.75
    assert (np.ptp(hidden, 1) > 0.3).mean() > 0.75


def fastest(plans: list[Clip]) -> tuple[Clip, int]:
    """The frame in which the hand moves farthest while the shutter is open."""
    best = []
    for clip in plans:
        way = np.linalg.norm(clip._closed - clip._opened, axis=2).max(1) * (
            clip.look.intrinsics[0, 0] / clip.poses.vertices[..., 2].mean(1)
        )
        best.append((way.max(), int(way.argmax())))
    number = int(np.argmax([way for way, _ in best]))
    return plans[number], best[number][1]


def test_a_blurred_frame_is_the_mean_of_many_sharp_ones(plans: list[Clip]) -> None:
    """Against fully rendered pictures at many times of the exposure, each with its own hand."""
    clip, frame = fastest(plans)
    time = clip.times[frame] + clip.exposure * ((np.arange(15) + 0.5) / 15 - 0.5)
    with one_thread():
        hands = pose_hand(clip.motion, time, clip.hand).vertices
    things = [thing.at(time) for thing in clip.things]
    sharp = [
        render(clip._scene_of(frame, hands[k], [placed[k] for placed in things])).light
        for k in range(15)
    ]
    scene = clip.scene(frame)
    blurred = clip.render(frame).picture
    mean = np.mean(sharp, 0)
    still = render(scene).light
    seen = np.abs(still - mean).max(2) > 0.05
    assert seen.sum() > 20  # it does move
    error, before = np.abs(blurred.light - mean)[seen], np.abs(still - mean)[seen]
    assert error.mean() < 0.35 * before.mean()
    assert np.abs(blurred.light - mean).mean() < 0.01
    np.testing.assert_array_equal(blurred.amodal, render(scene).amodal)
    np.testing.assert_array_equal(blurred.visible, render(scene).visible)


def test_nothing_is_blurred_while_the_shutter_is_open_for_no_time(plans: list[Clip]) -> None:
    config = SequencesConfig(exposure=(0.0, 0.0))
    clip = Clip("train", 4, 1, 5, 64, config, shipped_hand())
    for frame in range(5):
        assert clip._moments(frame, clip.scene(frame)) == []


def test_order_and_neighbours_change_nothing() -> None:
    few, many = clips(2, cache=False), clips(3, cache=False)
    for index in (7, 0, 11, 3, 8):
        one, other = few[index], many[index]
        assert torch.equal(one.image, other.image)
        assert torch.equal(one.joints, other.joints)
        assert torch.equal(one.masks.parts, other.masks.parts)


def test_torch_threads_change_nothing() -> None:
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        before = [sample.image for sample in clips(1, cache=False)]
        torch.set_num_threads(2)
        after = [sample.image for sample in clips(1, cache=False)]
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of two shards of ten clips each, made by two processes."""
    root = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HANDLIB_CACHE", str(root))
        patch.setattr(cache, "_cores", lambda: 2)
        clips(11)
    return root


def test_cached_clips_are_those_rendered_here(
    filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANDLIB_CACHE", str(filled))
    fresh = clips(11, cache=False)
    monkeypatch.setattr(sequences, "Clip", None)  # rendering would fail
    cached = clips(11)
    assert [len(np.load(path)) for path in sorted(cached.folder.glob("*.npy"))] == [60, 60]
    kept = [cached[index] for index in (60, 3, 65)]
    monkeypatch.undo()
    for index, one in zip((60, 3, 65), kept, strict=True):
        other = fresh[index]
        assert torch.equal(one.image, other.image) and torch.equal(one.pose, other.pose)
        assert torch.equal(one.masks.visible, other.masks.visible)
        assert one.identity == other.identity


def test_loader_workers_read_the_same_windows(
    filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANDLIB_CACHE", str(filled))
    made = windows(clips(4), length=3, gap=2)
    made[0]
    assert len(pickle.dumps(made.dataset)) < 5000
    loader = DataLoader(made, 6, num_workers=2, collate_fn=collate_windows)
    loaded = torch.cat([batch.image for batch in loader])
    here = collate_windows([made[index] for index in range(len(made))])
    assert torch.equal(loaded, here.image)
    assert len(here) == 24 and here.image.shape[1:] == (3, 3, SIZE, SIZE)
    flat = collate([made.dataset[index] for index in range(24)])
    assert torch.equal(here.image[:, 1], flat.image)


def test_another_process_makes_the_same_clips(
    filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two programs at once, on an empty cache: each file is there once, with the same bytes."""
    program = (
        "from handlib.data import SyntheticSequences\n"
        f"SyntheticSequences('test', 3, frames=6, resolution={SIZE})\n"
    )
    surroundings = os.environ | {
        "HANDLIB_CACHE": str(tmp_path),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    both = [
        subprocess.Popen(
            [sys.executable, "-c", program], env=surroundings, stderr=subprocess.DEVNULL
        )
        for _ in range(2)
    ]
    assert [process.wait() for process in both] == [0, 0]
    monkeypatch.setenv("HANDLIB_CACHE", str(filled))
    ours = clips(3).folder / "000000.npy"
    (theirs,) = tmp_path.rglob("*.npy")
    assert theirs.read_bytes() == ours.read_bytes()


def test_key_changes_with_all_that_shapes_a_clip(monkeypatch: pytest.MonkeyPatch) -> None:
    sets = [
        clips(1, cache=False),
        clips(1, cache=False, seed=1),
        clips(1, cache=False, frames=7),
        clips(1, cache=False, config=SequencesConfig(rate=30.0)),
        SyntheticSequences("test", 1, frames=6, resolution=64, cache=False),
        SyntheticSequences("val", 1, frames=6, resolution=SIZE, cache=False),
    ]
    folders = [made.folder for made in sets]
    for name, value in {
        "RENDERER_VERSION": -1,
        "CLIPS_VERSION": -1,
        "asset_digests": lambda: ["another hand"],
    }.items():
        with monkeypatch.context() as patch:
            patch.setattr(sequences, name, value)
            folders.append(clips(1, cache=False).folder)
    assert len(set(folders)) == len(folders)


def test_splits_and_seeds_show_different_clips() -> None:
    poses = {
        SyntheticSequences(split, 1, seed, 2, SIZE, cache=False)[0].pose.numpy().tobytes()
        for split in ("train", "val", "test")
        for seed in (0, 1)
    }
    assert len(poses) == 6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 0}, "size"),
        ({"size": 3, "frames": 0}, "frames"),
        ({"size": 3, "resolution": 30}, "multiple of 4"),
    ],
)
def test_impossible_sets_are_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SyntheticSequences("train", cache=False, **options)


def test_a_clip_of_one_frame() -> None:
    made = clips(2, frames=1, cache=False)
    assert [*made.sequences] == [range(1), range(1, 2)]
    assert made[1].image.shape == (3, SIZE, SIZE)
