"""Labels of finished images against independent computations, and how occlusion is spread."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import binary_dilation

from handlib.data.camera import project
from handlib.data.synthetic import SyntheticHands
from handlib.data.synthetic.config import StillsConfig
from handlib.data.synthetic.occlusion import shrink
from handlib.data.synthetic.render import render
from handlib.data.synthetic.rendered_set import shipped_hand
from handlib.data.synthetic.stills import make_still

from .scenes import cast, pixel_rays, scene_meshes, still

INDICES = range(8)


@pytest.fixture(scope="module")
def samples() -> SyntheticHands:
    return SyntheticHands("val", 12, resolution=64, cache=False)


@pytest.mark.parametrize("index", INDICES)
def test_masks_and_parts_agree_with_a_ray_caster(index: int) -> None:
    made = still(index)
    size, fine = 64, 128
    rays = pixel_rays(shrink(made.scene.intrinsics, size, fine), fine)
    hand, rest = scene_meshes(made.scene)
    depth, face = cast(hand, rays)
    blocker, _ = cast(rest, rays)

    def share(samples: np.ndarray) -> np.ndarray:
        return samples.reshape(size, 2, size, 2).mean((1, 3))

    amodal, visible = share(np.isfinite(depth)), share(depth < blocker)
    sure = np.abs(amodal - 0.375) > 0.2  # a sample more or less does not matter there
    assert (made.picture.amodal == (amodal >= 0.5))[sure].mean() > 0.999
    sure = np.abs(visible - 0.375) > 0.2
    assert (made.picture.visible == (visible >= 0.5))[sure].mean() > 0.998
    hidden = 1 - (visible >= 0.5).sum() / (amodal >= 0.5).sum()
    assert made.occlusion == pytest.approx(hidden, abs=0.015)
    labels = np.where(face >= 0, made.scene.surface.face_part[face], 0).reshape(fine, fine)
    inside = amodal == 1
    expected = np.max([labels[i::2, j::2] for i in (0, 1) for j in (0, 1)], 0)
    assert (made.picture.parts == expected)[inside].mean() > 0.99
    assert not made.picture.parts[~made.picture.amodal].any()
    assert made.picture.parts[made.picture.amodal].all()
    assert not (made.picture.visible & ~made.picture.amodal).any()


def test_labels_fit_together(samples: SyntheticHands) -> None:
    hand = shipped_hand()
    for sample in samples:
        output = hand(sample.pose[None], sample.betas[None], sample.translation[None])
        torch.testing.assert_close(output.joints[0], sample.joints, atol=1e-6, rtol=0)
        pixels = project(output.joints[0], sample.intrinsics)
        torch.testing.assert_close(pixels, sample.joints_px, atol=1e-3, rtol=0)
        assert (sample.joints_px > -0.5).all() and (sample.joints_px < 63.5).all()
        masks = sample.masks
        assert masks is not None and sample.occlusion is not None
        hidden = 1 - masks.visible.sum() / masks.amodal.sum()
        assert sample.occlusion == pytest.approx(hidden.item(), abs=1e-6)
        assert sample.image.min() >= 0 and sample.image.max() <= 1


def test_the_amodal_mask_is_of_the_hand_alone() -> None:
    """Joints inside the hand lie on it, whatever stands in front."""
    for index in INDICES:
        made = still(index)
        pixels = project(
            torch.from_numpy(made.posed.joints), torch.from_numpy(made.posed.intrinsics).float()
        )
        column, row = pixels.round().int().numpy().T
        near = binary_dilation(made.picture.amodal, iterations=2)  # fingertips are on the skin
        assert near[row, column].all()


def test_image_shows_what_the_masks_say() -> None:
    """Where the hand is hidden or absent its colour must not show: repaint it and compare."""
    scene = still(2).scene
    other = render(replace(scene, skin=1 - scene.skin))
    before = render(scene)
    changed = np.abs(other.light - before.light).max(2) > 0.02
    touched = changed & ~before.visible
    edge = binary_dilation(before.visible, np.ones((3, 3)))
    assert changed[before.visible].mean() > 0.95
    assert not (touched & ~edge).any()


def test_occlusion_covers_the_whole_range() -> None:
    config, hand = StillsConfig(instances=2), shipped_hand()
    hidden = [make_still("train", 3, k, 32, config, hand).occlusion for k in range(60)]
    counts, _ = np.histogram(hidden, [0, 0.05, 0.25, 0.5, 0.75, 1.0])
    assert (counts >= [8, 6, 8, 4, 2]).all(), counts
    assert 0.2 < np.mean(hidden) < 0.45


def test_resolution_does_not_change_the_hand() -> None:
    small, large = still(1, 32), still(1, 64)
    np.testing.assert_array_equal(small.posed.pose, large.posed.pose)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 0}, "size"),
        ({"size": 3, "seed": -1}, "seed"),
        ({"size": 3, "resolution": 30}, "multiple of 4"),
    ],
)
def test_impossible_sets_are_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SyntheticHands("train", cache=False, **options)


def test_index_beyond_the_end_is_refused(samples: SyntheticHands) -> None:
    with pytest.raises(IndexError, match="12 images"):
        samples[12]
    assert torch.equal(samples[-1].image, samples[11].image)
