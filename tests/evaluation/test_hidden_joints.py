"""Which joints are hidden, and how far off a network places them, against a loop."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset

from handlib.data import SyntheticHands
from handlib.data.batch import collate
from handlib.evaluation.hidden_joints import hidden_joints, joint_errors
from handlib.models import HandOccNet, HandOccNetConfig


class Listed(Dataset):
    """Samples that are already made."""

    def __init__(self, samples):
        self.samples = samples

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        return self.samples[index]


@pytest.fixture(scope="module")
def samples():
    data = SyntheticHands("test", 12)
    return [data[i] for i in range(12)]


def slow(samples):
    """By joint: "hidden", "visible" or nothing, from the sample's own masks."""
    for sample in samples:
        for x, y in sample.joints_px.tolist():
            column, row = round(x), round(y)
            inside = 0 <= row < 128 and 0 <= column < 128
            if not inside or not sample.masks.amodal[row, column]:
                yield ""
            else:
                yield "visible" if sample.masks.visible[row, column] else "hidden"


def test_hidden_joints_against_a_loop(samples):
    hidden, visible = hidden_joints(collate(samples))
    told = np.array(list(slow(samples))).reshape(12, 21)
    np.testing.assert_array_equal(hidden, told == "hidden")
    np.testing.assert_array_equal(visible, told == "visible")
    assert hidden.any() and visible.any() and not (hidden & visible).any()


def test_errors_are_distances_in_pixels(hand, samples):
    model = HandOccNet(HandOccNetConfig.course(), hand)
    found = joint_errors(model, Listed(samples), batch_size=5)
    told = np.array(list(slow(samples))).reshape(12, 21)
    with torch.inference_mode():
        placed = model.eval()(torch.stack([sample.image for sample in samples])).joints_img
    for i, sample in enumerate(samples):
        # Half a pixel lies before the middle of the first one.
        pixels = placed[i].numpy() * 128 - 0.5
        distance = np.linalg.norm(pixels - sample.joints_px.numpy(), axis=1)
        for name, values in found.items():
            mine = distance[told[i] == name]
            expected = mine.mean() if len(mine) else np.nan
            np.testing.assert_allclose(values[i], expected, rtol=1e-4)


def test_a_hand_in_full_view_has_no_hidden_joints(hand, samples):
    masks = replace(samples[0].masks, visible=samples[0].masks.amodal)
    model = HandOccNet(HandOccNetConfig.course(), hand)
    found = joint_errors(model, Listed([replace(samples[0], masks=masks)]))
    assert found["hidden"].isnan().all() and found["visible"].isfinite().all()
