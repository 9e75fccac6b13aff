"""The explorer walks from bare to hidden hands and says each image's own error."""

import dataclasses
import re

import pytest
import torch

from handlib.data import SyntheticHands, collate
from handlib.data.camera import normalise_pixels
from handlib.models import HandPrediction
from handlib.viz.prediction_explorer import PredictionExplorer


@pytest.fixture(scope="module")
def batch():
    rendered = SyntheticHands("val", size=3, cache=False)
    return collate([rendered[i] for i in range(3)])


@pytest.fixture
def explorer(batch, hand):
    """Perfect predictions, but for 7 mm in every joint but the wrist of image 1."""
    posed = hand(batch.pose, batch.betas)
    joints = posed.joints.clone()
    joints[1, 1:, 0] += 0.007
    prediction = HandPrediction(
        pose=torch.eye(3).expand(3, 16, 3, 3),
        betas=batch.betas,
        vertices=posed.vertices,
        joints=joints,
        joints_img=normalise_pixels(batch.joints_px, 128),
        heatmaps=torch.zeros(3, 21, 16, 16),
    )
    necessity = {name: torch.full((3, 1, 16, 16), 0.5) for name in ("first", "second")}
    return PredictionExplorer(batch, prediction, necessity, hand.faces)


def test_images_come_in_order_of_hidden_share(batch, explorer):
    shares = batch.occlusion[explorer.order]
    assert torch.equal(shares, shares.sort().values)


def test_the_error_is_the_images_own(explorer):
    expected = torch.tensor([0.0, 7 * 20 / 21, 0.0])
    assert torch.allclose(explorer.errors, expected, atol=1e-3)
    explorer.rank = explorer.order.index(1)
    assert "error 7 mm" in explorer.illustration().caption


def test_maps_and_prediction_name_their_weights(explorer):
    still = explorer.illustration()
    for text in (still.alt, still.caption, still.caption_ko):
        assert "first" in text and "second" in text
    assert "mesh predicted by the weights first" in still.alt


def test_the_slider_redraws_the_picture(explorer):
    controls, picture = explorer.widget().children
    (slider,) = controls.children
    before = picture.value
    slider.value = slider.max
    assert explorer.rank == 2 and picture.value != before
    assert re.search("Image 3 of 3", picture.value)


def test_a_batch_without_masks_is_refused(batch, explorer):
    bare = dataclasses.replace(batch, visible=None)
    with pytest.raises(ValueError, match="masks and occlusion"):
        PredictionExplorer(bare, explorer.prediction, explorer.necessity, explorer.faces)
