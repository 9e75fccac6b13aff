"""The explorer changes the number that it names, and shows what that one moves."""

import pytest

from handlib.hands import load_named_poses
from handlib.hands.skeleton import MANO_JOINT_NAMES
from handlib.viz.number_explorer import NUMBER_NAMES, NumberExplorer


@pytest.fixture
def explorer(hand):
    return NumberExplorer(hand, load_named_poses(), pose="flat")


def test_there_are_58_numbers_and_each_has_its_own_name():
    assert len(set(NUMBER_NAMES)) == 58
    assert NUMBER_NAMES[47].startswith("θ") and NUMBER_NAMES[48].startswith("β")


def test_only_the_number_asked_for_changes(explorer):
    explorer.number, explorer.amount = 50, -1.5
    before, after = explorer.numbers()
    assert (after - before).nonzero().flatten().tolist() == [50]
    assert after[50] == -1.5


@pytest.mark.parametrize("joint", ["index_mcp", "ring_dip", "thumb_cmc"])
def test_an_angle_moves_what_hangs_on_its_joint(hand, explorer, joint):
    """Without pose offsets nothing but the joint's own finger could move, by its skin weights."""
    first = MANO_JOINT_NAMES.index(joint)
    explorer.number, explorer.amount = 3 * first + 2, 0.5
    last = first + 2 - (first - 1) % 3
    held = hand.skinning_weights[:, first : last + 1].sum(1)
    moved = explorer.moved()
    assert moved[held > 0.9].mean() > 3
    assert moved[held == 0].mean() < 0.1


def test_nothing_moves_without_an_amount_and_everything_with_the_wrist(explorer):
    explorer.number, explorer.amount = 1, 0.0
    assert not explorer.moved().any()
    explorer.amount = 0.5
    assert explorer.moved().min() > 0.5


def test_the_controls_redraw_the_picture(explorer):
    controls, picture = explorer.widget().children
    number, amount, pose = controls.children
    before = picture.value
    number.value, amount.value, pose.value = 48, 2.0, "fist"
    assert (explorer.number, explorer.amount, explorer.pose) == (48, 2.0, "fist")
    assert picture.value != before
    assert "number 48, β0 +2.0 σ" in picture.value and "fist" in picture.value
