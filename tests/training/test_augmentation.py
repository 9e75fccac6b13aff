import math
from dataclasses import replace

import pytest
import scipy.stats
import torch
from scipy.ndimage import center_of_mass
from scipy.spatial.transform import Rotation

from handlib.data.augmentation import AugmentationConfig, augment, draw_changes
from handlib.data.camera import project

STRONG = AugmentationConfig(scale=0.3, rotation=40.0, shift=0.1, colour=0.2)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def changed(random_batch):
    return augment(random_batch, STRONG, generator())


def test_joints_project_to_their_pixels(random_batch, changed):
    projected = project(changed.joints, changed.intrinsics)
    assert torch.allclose(projected, changed.joints_px, atol=2e-3)
    assert (changed.joints_px - random_batch.joints_px).abs().max() > 5


def test_the_parameters_make_the_joints(hand, changed):
    made = hand(changed.pose, changed.betas, changed.translation).joints
    assert torch.allclose(made, changed.joints, atol=2e-6)


def test_the_root_turns_about_the_cameras_axis(random_batch, changed):
    before = Rotation.from_rotvec(random_batch.pose[:, 0].numpy())
    turn = (Rotation.from_rotvec(changed.pose[:, 0].numpy()) * before.inv()).as_rotvec()
    assert abs(turn[:, :2]).max() < 1e-5
    assert abs(turn[:, 2]).max() > math.radians(10)
    assert torch.equal(changed.pose[:, 1:], random_batch.pose[:, 1:])
    assert torch.allclose(changed.joints[..., 2], random_batch.joints[..., 2])


def test_a_positive_angle_turns_x_towards_y(random_batch):
    joints = torch.zeros_like(random_batch.joints) + torch.tensor([0.1, 0.0, 1.0])
    batch = replace(random_batch, joints=joints)
    moved = augment(batch, AugmentationConfig(rotation=40.0), generator())
    before = Rotation.from_rotvec(batch.pose[:, 0].numpy())
    angle = (Rotation.from_rotvec(moved.pose[:, 0].numpy()) * before.inv()).as_rotvec()[:, 2]
    assert torch.allclose(
        moved.joints[:, 0, 1], 0.1 * torch.from_numpy(angle).sin().float(), atol=1e-6
    )


def test_the_picture_follows_the_pixels(random_batch):
    """A dot at each sample's fifth joint is found again where the joint has gone."""
    size = random_batch.image.shape[-1]
    grid = torch.stack(torch.meshgrid([torch.arange(size)] * 2, indexing="xy"), -1)  # H W 2
    centre = random_batch.joints_px[:, 5, None, None]
    dots = (-(grid - centre).square().sum(-1) / 8).exp()[:, None].expand(-1, 3, -1, -1)
    batch = replace(random_batch, image=dots.contiguous(), visible=dots[:, 0] > 0.5)
    moved = augment(batch, replace(STRONG, colour=0.0), generator(3))
    for image, visible, pixel in zip(
        moved.image, moved.visible, moved.joints_px[:, 5], strict=True
    ):
        if pixel.min() > 8 and pixel.max() < size - 9:
            assert center_of_mass(image[0].numpy())[::-1] == pytest.approx(pixel.tolist(), abs=0.2)
            assert center_of_mass(visible.numpy())[::-1] == pytest.approx(pixel.tolist(), abs=0.7)


def test_visible_stays_inside_amodal(changed):
    assert not (changed.visible & ~changed.amodal).any()


def test_no_change_is_exact(random_batch):
    assert augment(random_batch, AugmentationConfig.none(), generator()) is random_batch


def test_colour_alone_scales_the_channels(random_batch):
    batch = replace(random_batch, image=torch.full_like(random_batch.image, 0.5))
    moved = augment(batch, AugmentationConfig(colour=0.2), generator())
    inner = moved.image[:, :, 2:-2, 2:-2]
    assert torch.allclose(inner, inner[..., :1, :1].expand_as(inner), atol=1e-5)
    assert 0.39 < inner.min() < 0.48 and 0.52 < inner.max() < 0.61
    assert torch.allclose(moved.joints_px, batch.joints_px, atol=1e-3)


def test_same_generator_same_change(random_batch, changed):
    again = augment(random_batch, STRONG, generator())
    assert torch.equal(again.image, changed.image) and torch.equal(again.pose, changed.pose)
    other = augment(random_batch, STRONG, generator(1))
    assert not torch.equal(other.image, changed.image)


def test_papers_recipe_turns_three_samples_in_five(random_batch):
    config = AugmentationConfig.paper()
    turned = [
        (augment(random_batch, config, generator(seed)).pose - random_batch.pose)
        .abs()
        .amax((1, 2))
        for seed in range(60)
    ]
    share = (torch.cat(turned) > 1e-4).float().mean().item()
    assert share == pytest.approx(0.6, abs=0.08)


def draws(config, count=4000):
    return draw_changes(count, config, generator())


def test_deformers_recipe_draws_over_its_whole_ranges():
    drawn = draws(AugmentationConfig.deformer_paper())
    expected = {
        "brightness": (0.5, 1.5),
        "saturation": (0.5, 1.5),
        "hue": (-0.15, 0.15),
        "contrast": (0.5, 1.5),
        "blur": (0.0, 0.5),
    }
    for name, limits in expected.items():
        values = getattr(drawn.colour, name)
        uniform = scipy.stats.uniform(limits[0], limits[1] - limits[0])
        assert scipy.stats.kstest(values.numpy(), uniform.cdf).pvalue > 0.01, name
    spin = scipy.stats.uniform(-math.pi, 2 * math.pi)
    assert scipy.stats.kstest(drawn.angle.numpy(), spin.cdf).pvalue > 0.01
    shift = scipy.stats.uniform(-0.1, 0.2)
    assert scipy.stats.kstest(drawn.shift.flatten().numpy(), shift.cdf).pvalue > 0.01
    assert drawn.scale.min() == pytest.approx(0.8) and drawn.scale.max() == pytest.approx(1.2)
    assert (drawn.tint == 1).all()


def test_colours_are_drawn_apart_from_each_other():
    drawn = draws(AugmentationConfig.deformer_paper())
    columns = torch.stack([*vars(drawn.colour).values(), drawn.angle, *drawn.shift.T])
    assert (torch.corrcoef(columns) - torch.eye(len(columns))).abs().max() < 0.06


def test_the_picture_is_recoloured_before_its_edge_turns_black(random_batch):
    """What comes from outside the image stays black: no contrast or blur reaches it."""
    bright = replace(random_batch, image=torch.full_like(random_batch.image, 0.9))
    moved = augment(bright, replace(AugmentationConfig.deformer_paper(), scale=0.0), generator())
    corners = moved.image[:, :, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert corners.amin((1, 2)).max() == 0
    assert moved.image.amax((1, 2, 3)).min() > 0.4


def test_handoccnets_recipe_is_untouched_by_the_other_switches():
    drawn = draws(AugmentationConfig.paper())
    assert drawn.colour is None and drawn.shift.abs().max() == 0


OLD_RECIPES = {
    "none": AugmentationConfig.none(),
    "paper": AugmentationConfig.paper(),
    "deformer_paper": AugmentationConfig.deformer_paper(),
}


@pytest.mark.parametrize("name", OLD_RECIPES)
def test_a_camera_without_noise_draws_nothing(name):
    """Runs from before noise and JPEG repeat: what follows in the stream is where it was."""
    config, count = OLD_RECIPES[name], 7
    ours, plain = generator(), generator()
    assert draw_changes(count, config, ours).sensor is None
    torch.randn(count, generator=plain)  # scale
    torch.randn(count, generator=plain)  # angle
    torch.rand(count, generator=plain)  # who is turned
    for columns in (2, 3, 1):  # shift, tint, spin
        torch.rand(count, columns, generator=plain)
    if name == "deformer_paper":
        torch.rand(count, 5, generator=plain)  # colours and blur
    assert torch.equal(ours.get_state(), plain.get_state())


@pytest.mark.parametrize("name", OLD_RECIPES)
def test_noise_and_jpeg_leave_the_draws_before_them_alone(name):
    before = draws(OLD_RECIPES[name], 50)
    after = draws(replace(OLD_RECIPES[name], noise=0.1, jpeg=30), 50)
    for field in ("scale", "angle", "shift", "tint"):
        assert torch.equal(getattr(before, field), getattr(after, field)), field
    if before.colour is not None:
        for field, amount in vars(before.colour).items():
            assert torch.equal(getattr(after.colour, field), amount), field


def test_noise_and_quality_are_drawn_over_their_whole_ranges():
    sensor = draws(AugmentationConfig.photographs()).sensor
    uniform = scipy.stats.uniform(0, AugmentationConfig.photographs().noise)
    assert scipy.stats.kstest(sensor.noise.numpy(), uniform.cdf).pvalue > 0.01
    counts = torch.bincount(sensor.quality, minlength=102)[30:]
    assert counts.sum() == len(sensor.quality)
    assert scipy.stats.chisquare(counts.numpy()).pvalue > 0.01
    assert len(sensor.seed.unique()) > 0.99 * len(sensor.seed)


@pytest.mark.parametrize("config", [{"noise": 0.1}, {"jpeg": 30}])
def test_each_of_noise_and_jpeg_alone(random_batch, config):
    sensor = draws(AugmentationConfig(**config)).sensor
    assert (sensor.noise.max() > 0) == ("noise" in config)
    assert (sensor.quality.min() <= 100) == ("jpeg" in config)
    moved = augment(random_batch, AugmentationConfig(**config), generator())
    difference = (moved.image - random_batch.image).abs()
    assert difference.max() > 0.05
    assert torch.allclose(moved.joints_px, random_batch.joints_px, atol=1e-3)
    assert torch.equal(moved.visible, random_batch.visible)


def test_labels_follow_photographs(hand, random_batch):
    moved = augment(random_batch, AugmentationConfig.photographs(), generator())
    assert torch.allclose(project(moved.joints, moved.intrinsics), moved.joints_px, atol=2e-3)
    made = hand(moved.pose, moved.betas, moved.translation).joints
    assert torch.allclose(made, moved.joints, atol=2e-6)
    assert moved.image.min() >= 0 and moved.image.max() <= 1


def test_photographs_repeat(random_batch):
    first, again, other = (
        augment(random_batch, AugmentationConfig.photographs(), generator(seed))
        for seed in (5, 5, 6)
    )
    assert torch.equal(first.image, again.image)
    assert not torch.equal(first.image, other.image)


def test_without_masks(random_batch):
    batch = replace(random_batch, visible=None, amodal=None)
    moved = augment(batch, STRONG, generator())
    assert moved.visible is None and moved.amodal is None
