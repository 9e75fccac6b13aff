"""The gallery's numbers are the metric's, its order is stated, and it draws what it is given."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from handlib.data.batch import HandBatch
from handlib.data.sequence_batch import SequenceBatch
from handlib.viz.clip_panels import deformer_panels
from handlib.viz.forest import Line, forest
from handlib.viz.model_gallery import Hands, ModelGallery

SHARES = [0.5, 0.0, 0.9]


@pytest.fixture
def gallery(hand):
    """Three images with a truth and a model that stretches every hand by a tenth."""
    generator = torch.Generator().manual_seed(0)
    true = hand(0.2 * torch.randn(3, 16, 3, generator=generator), torch.zeros(3, 10))
    far = true.joints + torch.tensor([0.0, 0, 0.6])
    camera = torch.tensor([[120.0, 0, 31.5], [0, 120, 31.5], [0, 0, 1]]).expand(3, 3, 3)
    pixels = far @ camera[0].T
    batch = HandBatch(
        image=torch.rand(3, 3, 64, 64, generator=generator),
        intrinsics=camera,
        joints=far,
        joints_px=pixels[..., :2] / pixels[..., 2:],
        occlusion=torch.tensor(SHARES),
    )
    models = {
        "truth": Hands(true.joints, true.vertices),
        "larger": Hands(1.1 * true.joints, 1.1 * true.vertices),
    }
    return ModelGallery(batch, models, hand.faces, rows=2)


def test_errors_are_distances_from_the_wrist(gallery):
    joints = gallery.models["truth"].joints.numpy()
    expected = 100 * np.linalg.norm(joints - joints[:, :1], axis=-1).mean(1)  # a tenth, in mm
    np.testing.assert_allclose(gallery.errors["larger"], expected, rtol=1e-4)
    assert gallery.errors["truth"].max() < 1e-3


def test_rows_go_from_bare_to_hidden_and_the_words_hold_the_numbers(gallery):
    assert gallery.order == [1, 0, 2]
    picture = gallery.illustration()
    assert picture.png.startswith(b"\x89PNG")
    first, last = picture.alt.index("0% hidden"), picture.alt.index("90% hidden")
    assert first < last and "50% hidden" not in picture.alt  # every n-th of two rows
    assert f"larger {gallery.errors['larger'][1]:.0f} mm" in picture.alt
    gallery.first = 1
    assert "50% hidden" in gallery.illustration().alt


def test_a_model_with_other_images_is_refused(gallery):
    few = Hands(*(part[:2] for part in gallery.models["truth"]))
    with pytest.raises(ValueError, match="expected 3 hands of 'few'.*found 2"):
        ModelGallery(gallery.batch, {"few": few}, gallery.faces)


@pytest.fixture
def window(hand):
    """One window of seven frames of 64 pixels, of a hand that does not move."""
    true = hand(torch.zeros(1, 16, 3), torch.zeros(1, 10), torch.tensor([[0.0, 0, 0.6]]))
    camera = torch.tensor([[120.0, 0, 31.5], [0, 120, 31.5], [0, 0, 1]])
    pixels = true.joints[0] @ camera.T
    return SequenceBatch(
        image=torch.rand(1, 7, 3, 64, 64, generator=torch.Generator().manual_seed(0)),
        intrinsics=camera.expand(1, 7, 3, 3),
        boxes=torch.tensor([4.0, 4, 60, 60]).expand(1, 7, 4),
        left=torch.zeros(1, dtype=torch.bool),
        pose=torch.zeros(1, 7, 16, 3),
        betas=torch.zeros(1, 7, 10),
        joints=true.joints.expand(1, 7, 21, 3),
        joints_px=(pixels[:, :2] / pixels[:, 2:]).expand(1, 7, 21, 2),
        occlusion=torch.linspace(0, 0.6, 7)[None],
        side=("right",),
    )


def test_the_panels_words_hold_the_networks_own_numbers(small_deformer, window):
    torch.manual_seed(0)
    model = small_deformer().eval()
    picture = deformer_panels(model, window)
    with torch.no_grad():
        found = model(window.image, window.boxes)
    truth = window.joints[0, 3] - window.joints[0, 3, :1]
    for hands, words in (
        (found.joints[0, 3], "own hand is"),
        (found.fused_joints[0], "fused one"),
    ):
        error = 1000 * (hands - hands[:1] - truth).norm(dim=1).mean()
        assert f"{words} {error:.0f} mm" in picture.alt
    weights = ", ".join(f"{c:.2f}" for c in found.confidence[0].tolist())
    assert f"({weights})" in picture.alt and "0%, 10%, 20%" in picture.alt


def test_panels_refuse_what_they_cannot_show(small_deformer, window):
    with pytest.raises(ValueError, match="fuse_every=True"):
        deformer_panels(small_deformer(fuse_every=True), window)
    two = {name: torch.cat([value, value]) for name, value in window._tensors().items()}
    with pytest.raises(ValueError, match="expected one window, found 2"):
        deformer_panels(small_deformer(), replace(window, **two))


def test_effects_intervals_and_printed_numbers_are_drawn_where_they_are():
    lines = [Line("a", "one", 1.0, (0.5, 2.0), 1.5), Line("a", "two", -1.0, None, None)]
    (ax,) = forest(lines, "mm").axes
    spots = {g: [line.get_xydata()[0].tolist() for line in ax.lines if line.get_gid() == g]
             for g in ("measured", "printed")}  # fmt: skip
    assert spots == {"measured": [[1.0, 0.0], [-1.0, 1.0]], "printed": [[1.5, 0.0]]}
    (interval,) = ax.collections
    assert [segment.tolist() for segment in interval.get_segments()] == [[[0.5, 0], [2, 0]]]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["a: one", "a: two"]
    with pytest.raises(ValueError, match="at least one effect"):
        forest([], "mm")
