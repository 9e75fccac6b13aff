"""The playground's mistakes are the ones it names, and each score sees what it should."""

import pytest
import torch

from handlib.hands import load_named_poses
from handlib.viz.hand_explorer import upright
from handlib.viz.metric_playground import MetricPlayground


@pytest.fixture
def playground(hand):
    pose = load_named_poses()["tripod"]
    return MetricPlayground(hand, torch.cat([upright(-35.0)[None], pose[1:]]))


def test_without_a_mistake_every_score_is_perfect(playground):
    scores = playground.scores()
    errors = ("as it stands", "root-aligned", "Procrustes", "PA mesh")
    assert all(scores[name] == pytest.approx(0, abs=1e-3) for name in errors)
    assert scores["PA F@5"] == scores["PA F@15"] == 1
    assert scores["PA AUC"] > 0.99  # rounding noise is more than the first threshold, 0


def test_a_shift_shows_by_its_length_until_the_roots_are_aligned(playground):
    playground.shift = 30
    scores = playground.scores()
    assert scores["as it stands"] == pytest.approx(30, abs=1e-3)
    assert scores["root-aligned"] == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize(("name", "value"), [("size", 120.0), ("turn", 40.0)])
def test_size_and_turn_are_gone_only_after_procrustes(playground, name, value):
    setattr(playground, name, value)
    scores = playground.scores()
    assert scores["root-aligned"] > 10
    assert scores["Procrustes"] == pytest.approx(0, abs=1e-3)


def test_the_size_is_a_share_of_every_distance(playground):
    playground.size = 80
    distances = playground.truth().joints[0].norm(dim=-1)
    assert playground.scores()["as it stands"] == pytest.approx(200 * float(distances.mean()))


def test_a_mirrored_hand_is_forgiven_only_if_mirroring_is_allowed(playground):
    playground.mirrored = True
    scores = playground.scores()
    assert scores["Procrustes"] > 10
    assert scores["Procrustes, mirroring allowed"] == pytest.approx(0, abs=1e-3)


def test_flattened_fingers_stay_wrong_after_every_alignment(playground):
    playground.flatten = 1.0
    assert (playground.predicted().joints - playground.truth().joints)[0, 0].norm() < 1e-6
    assert min(playground.scores()[n] for n in playground.aligned()) > 5


def test_the_words_hold_the_numbers_and_the_widget_follows(playground):
    controls, picture = playground.widget().children
    shift, *_, mirrored = controls.children
    before = picture.value
    shift.value, mirrored.value = 20, True
    assert (playground.shift, playground.mirrored) == (20, True)
    assert picture.value != before
    assert "Moved by 20 mm" in picture.value and "mirrored" in picture.value
