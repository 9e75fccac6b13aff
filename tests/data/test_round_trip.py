"""Written trees read by the loaders: hands of a colour of their own show where they are."""

import numpy as np
import pytest
import torch

from handlib.data import FPHA, HO3D, DexYCB
from handlib.hands import HandPair, load_hand


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HANDLIB_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def pair():
    return HandPair(load_hand(), load_hand(side="left"))


def check_image(sample):
    """The visible mask covers what is green, but for the seam."""
    red, green, blue = sample.image
    seen = (green > 1.5 * red) & (green > 1.5 * blue) & (green > 0.1)
    visible = sample.masks.visible
    both, either = (seen & visible).sum(), (seen | visible).sum()
    if sample.occlusion < 0.6:
        assert both > 0.85 * either
    else:
        assert seen.sum() <= 0.6 * sample.masks.amodal.sum()


def check_labels(sample, hand):
    made = hand(sample.pose[None], sample.betas[None], sample.translation[None])
    torch.testing.assert_close(made.joints[0], sample.joints, atol=1e-5, rtol=0)


def spans(joints):
    """Distances between joints, whatever the camera; of joints that every toolchain has."""
    base = np.asarray(joints, float)[[0, 1, 2, 3, *range(5, 8), *range(9, 12), 13, 17]]
    return np.linalg.norm(base[:, None] - base, axis=-1)


def filmed(tree):
    return [r.moment(k)[1].joints for r in tree.recordings for k in range(r.length)]


@pytest.mark.parametrize("crop", ["handoccnet", "deformer"])
def test_ho3d(ho3d_tree, pair, crop):
    version = ho3d_tree.root.name
    data = HO3D(ho3d_tree.root, "train", version, crop, mano=pair, masks=True)
    known = [spans(joints) for joints in filmed(ho3d_tree)]
    hand = load_hand(fingertips="ho3d")
    assert len(data) == 8 and data.valid.all()
    for index in range(len(data)):
        check_labels(data[index], hand)
        check_image(data[index])
        found = spans(data[index].joints)
        assert min(np.abs(found - other).max() for other in known) < 1e-5


def test_ho3d_evaluation(ho3d_tree):
    data = HO3D(ho3d_tree.root, "evaluation", ho3d_tree.root.name)
    known = [spans(joints) for joints in filmed(ho3d_tree)]
    for index in range(len(data)):
        sample = data[index]
        assert sample.pose is None and sample.box is not None
        assert min(np.abs(spans(sample.joints) - other).max() for other in known) < 1e-5
        torch.testing.assert_close(data.wrist(index), sample.joints[0], atol=1e-5, rtol=0)


@pytest.mark.parametrize(("split", "side", "count"), [("train", "right", 16), ("test", "left", 8)])
def test_dexycb(dexycb_tree, pair, split, side, count):
    data = DexYCB(dexycb_tree.root, "s0", split, mano=pair, masks=True)
    right = DexYCB(dexycb_tree.root, "s0", split, mano=pair, masks=True, mirror_left=True)
    assert len(data) == count
    for index in range(0, count, 3):
        assert data[index].side == side and right[index].side == "right"
        check_labels(data[index], getattr(pair, side))
        check_labels(right[index], pair.right)
        check_image(data[index])
        check_image(right[index])


def test_fpha(fpha_tree):
    known = [spans(joints) for joints in filmed(fpha_tree)]
    for split, count in (("train", 2), ("test", 1)):
        data = FPHA(fpha_tree.root, split)
        assert len(data) == count
        for index in range(count):
            found = spans(data[index].joints)
            assert min(np.abs(found - other).max() for other in known) < 1e-5
