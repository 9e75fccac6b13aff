"""The occlusion lab: only the thing changes, and the hidden share is that of the masks."""

import pytest
import torch

from handlib.data.synthetic import SyntheticHands
from handlib.hands import load_hand
from handlib.models import HandOccNet, HandOccNetConfig
from handlib.viz.occlusion_lab import OcclusionLab


@pytest.fixture(scope="module")
def lab():
    torch.manual_seed(0)
    model = HandOccNet(HandOccNetConfig.course(), load_hand())
    return OcclusionLab(model, SyntheticHands("test", 4, cache=False), index=0)


def test_the_hand_stays_and_the_thing_hides_it(lab):
    free, covered, beside = lab.look(), lab.look(0.5), lab.look(3.0)
    assert torch.equal(free.amodal, covered.amodal)
    assert covered.hidden > free.hidden + 0.05
    assert beside.hidden == free.hidden and torch.equal(beside.image, free.image)
    share = 1 - covered.visible.sum() / covered.amodal.sum()
    assert covered.hidden == pytest.approx(float(share))


def test_a_nearer_thing_is_larger(lab):
    changed = [
        (lab.look(0.5, 0.5, nearness).image != lab.look().image).float().mean()
        for nearness in (0.0, 0.9)
    ]
    assert changed[1] > changed[0]


def test_without_the_thing_it_scores_the_unhidden_hand(lab):
    view = lab.look()
    joints, truth = view.prediction.joints[0], torch.from_numpy(lab.still.posed.joints)
    slow = [
        float(((a - joints[0]) - (b - truth[0])).square().sum().sqrt())
        for a, b in zip(joints, truth, strict=True)
    ]
    assert view.error == pytest.approx(sum(slow) / 21, rel=1e-4)


def test_the_widget_follows_its_sliders(lab):
    box = lab.widget()
    across, picture = box.children[0].children[0], box.children[1]
    before = picture.value
    across.value = 1.3
    assert lab.x == 1.3 and picture.value != before and "<img alt=" in picture.value
