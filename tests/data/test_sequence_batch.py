"""Batches of windows: every frame in its place, one draw of augmentation for a window."""

import pytest
import torch

from handlib.data import augment_windows, collate, collate_windows, windows
from handlib.data.augmentation import AugmentationConfig
from handlib.data.camera import SquareCrop, project
from handlib.hands.rotations import axis_angle_to_rotmat

from .videos import NumberedFrames

STRONG = AugmentationConfig(scale=0.3, rotation=40.0, shift=0.1, colour=0.2)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def items():
    made = windows(NumberedFrames(9, 5, side="left"), 3, 2)
    return [made[index] for index in (4, 0, 9, 13)]


@pytest.fixture
def batch(items):
    return collate_windows(items)


def test_every_frame_is_in_its_place(items, batch):
    for row, window in enumerate(items):
        for time, sample in enumerate(window.samples):
            assert torch.equal(batch.image[row, time], sample.image)
            assert torch.equal(batch.pose[row, time], sample.pose)
            assert torch.equal(batch.translation[row, time], sample.translation)
            assert torch.equal(batch.visible[row, time], sample.masks.visible)
            assert torch.equal(batch.amodal[row, time], sample.masks.amodal)
            assert batch.occlusion[row, time].item() == pytest.approx(sample.occlusion)
    assert len(batch) == 4 and batch.side == ("left",) * 4 and batch.left.all()


def test_boxes_are_the_square_crops_of_the_joints(batch):
    for row in range(4):
        for time in range(3):
            crop = SquareCrop.around(batch.joints_px[row, time])
            half = crop.side / 2
            expected = [crop.x - half, crop.y - half, crop.x + half, crop.y + half]
            torch.testing.assert_close(batch.boxes[row, time], torch.tensor(expected))


def test_flat_frames_are_those_of_a_batch_of_images(items, batch):
    flat = batch.flat()
    direct = collate([sample for window in items for sample in window.samples])
    for name, value in vars(direct).items():
        ours = getattr(flat, name)
        assert torch.equal(ours, value) if isinstance(value, torch.Tensor) else ours == value


def test_right_hands_and_frames_without_masks():
    from dataclasses import replace

    made = windows(NumberedFrames(5), 3, 1)[2]
    bare = replace(made.samples[0], masks=None, occlusion=None)
    batch = collate_windows([replace(made, samples=(bare, *made.samples[1:]))])
    assert batch.visible is None and batch.amodal is None and batch.occlusion is None
    assert not batch.left.any()
    assert augment_windows(batch, STRONG, generator()).amodal is None


def test_to_moves_every_tensor(batch):
    moved = batch.to("meta")
    for name, value in vars(moved).items():
        if isinstance(value, torch.Tensor):
            assert value.device.type == "meta", name


def test_windows_of_different_lengths_are_refused(items):
    other = windows(NumberedFrames(9), 5, 1)[4]
    with pytest.raises(ValueError, match=r"found \[3, 5\]"):
        collate_windows([*items, other])


def test_labels_follow_the_augmentation(batch):
    moved = augment_windows(batch, STRONG, generator())
    projected = project(moved.joints, moved.intrinsics)
    torch.testing.assert_close(projected, moved.joints_px, atol=2e-3, rtol=0)
    assert (moved.joints_px - batch.joints_px).abs().max() > 1
    for row in range(4):
        for time in range(3):
            crop = SquareCrop.around(moved.joints_px[row, time])
            assert moved.boxes[row, time, 2].item() == pytest.approx(
                crop.x + crop.side / 2, abs=1e-4
            )


def test_frames_of_a_window_share_the_draw_and_windows_differ(batch):
    """Turn, zoom, shift and colour, read off from what went in and what came out."""
    moved = augment_windows(batch, STRONG, generator())
    before, after = (axis_angle_to_rotmat(b.pose[:, :, 0]) for b in (batch, moved))
    turn = after @ before.mT
    torch.testing.assert_close(turn, turn[:, :1].expand_as(turn), atol=1e-5, rtol=0)
    torch.testing.assert_close(
        moved.intrinsics, moved.intrinsics[:, :1].expand_as(moved.intrinsics)
    )
    for one in range(4):
        for other in range(one):
            assert (turn[one, 0] - turn[other, 0]).abs().max() > 1e-3
            assert (moved.intrinsics[one, 0] - moved.intrinsics[other, 0]).abs().max() > 1e-2


def test_frames_of_a_window_share_the_noises_amount_and_not_the_noise(batch):
    from dataclasses import replace

    grey = replace(batch, image=torch.full_like(batch.image, 0.5))
    noise = augment_windows(grey, AugmentationConfig(noise=0.1), generator()).image - 0.5
    amounts = noise.flatten(2).std(-1)  # window, frame
    assert (amounts.std(1) < 0.1 * amounts.mean(1)).all()
    assert amounts.mean(1).std() > 0.01
    for window in noise:
        flat = window.flatten(1)
        assert (torch.corrcoef(flat) - torch.eye(len(flat))).abs().max() < 0.2


def test_colours_of_a_window_change_alike(batch):
    from dataclasses import replace

    grey = replace(batch, image=torch.full_like(batch.image, 0.5))
    moved = augment_windows(grey, AugmentationConfig(colour=0.2), generator())
    tint = moved.image.mean((-1, -2))
    torch.testing.assert_close(tint, tint[:, :1].expand_as(tint))
    assert (tint[0, 0] - tint[1, 0]).abs().max() > 0.01


def test_deformers_recipe_changes_all_frames_of_a_window_alike(batch):
    """The same picture in every frame is the same picture afterwards, and another per window."""
    from dataclasses import replace

    picture = torch.rand(3, *batch.image.shape[-2:]).expand_as(batch.image)
    camera = batch.intrinsics[:1, :1].expand_as(batch.intrinsics)
    still = replace(batch, image=picture, intrinsics=camera)
    config = AugmentationConfig.deformer_paper()
    moved = augment_windows(still, config, generator())
    torch.testing.assert_close(moved.image, moved.image[:, :1].expand_as(moved.image))
    assert (moved.image[0, 0] - moved.image[1, 0]).abs().max() > 0.1
    assert torch.equal(moved.image, augment_windows(still, config, generator()).image)
    assert not torch.equal(moved.image, augment_windows(still, config, generator(1)).image)
    projected = project(moved.joints, moved.intrinsics)
    where = project(batch.joints, camera)
    again = augment_windows(replace(still, joints_px=where), config, generator())
    torch.testing.assert_close(projected, again.joints_px, atol=2e-3, rtol=0)


def test_no_change_is_exact(batch):
    assert augment_windows(batch, AugmentationConfig.none(), generator()) is batch
