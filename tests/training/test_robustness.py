"""Disturbed pictures: the scores against NumPy and SciPy, the pictures against closed forms."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from torch.utils.data import Subset

from handlib.evaluation.robustness import (
    DISTURBANCES,
    Disturbance,
    described,
    robustness,
)
from handlib.training.evaluate import evaluate


@pytest.fixture
def data(random_hands):
    return random_hands(5)  # of 32 pixels


@pytest.fixture
def seen(data):
    """The pictures that a model is shown under one disturbance."""

    def show(batch_size=5, **changes):
        shown = []

        def model(image):
            shown.append(image)
            return SimpleNamespace(joints=torch.zeros(len(image), 21, 3))

        robustness(model, data, {"one": Disturbance(**changes)}, batch_size)
        return torch.cat(shown)

    return show


def test_undisturbed_scores_are_those_of_evaluate(tiny_model, data):
    model = tiny_model()
    (row,) = robustness(model, data, {"none": Disturbance()}, batch_size=2)
    scores = evaluate(model, data).means()
    assert row.count == 5
    assert row.root_aligned == pytest.approx(scores["root_aligned"], abs=1e-5)
    assert row.procrustes == pytest.approx(scores["procrustes"], abs=1e-5)


def test_the_truth_turns_with_the_picture(data):
    """A model that always answers the first hand, against each hand turned by SciPy."""
    answer = data[0].joints
    turn = Rotation.from_euler("z", 90, degrees=True).as_matrix()
    still = (answer - answer[0]).numpy()
    distances = [
        np.linalg.norm(still - (one.joints - one.joints[0]).numpy() @ turn.T, axis=1).mean()
        for one in (data[index] for index in range(5))
    ]

    def model(image):
        return SimpleNamespace(joints=answer.expand(len(image), -1, -1))

    turned = {name: Disturbance(angle=angle) for name, angle in (("a", 0.0), ("b", 90.0))}
    upright, row = robustness(model, data, turned, batch_size=2)
    assert row.root_aligned == pytest.approx(np.mean(distances), abs=1e-5)
    assert abs(row.root_aligned - upright.root_aligned) > 0.005
    assert row.procrustes == pytest.approx(upright.procrustes, abs=1e-5)  # blind to turns


def test_a_quarter_turn_is_numpys(data, seen):
    expected = np.rot90(data[0].image.numpy(), -1, (1, 2))  # x towards y: clockwise on the screen
    assert abs(seen(angle=90.0)[0].numpy() - expected).max() < 1e-3


def test_a_shift_moves_whole_pixels(data, seen):
    moved, image = seen(shift=(0.25, 0.125))[0], data[0].image
    assert torch.allclose(moved[:, 4:, 8:], image[:, :-4, :-8], atol=1e-4)
    assert moved[:, :3].max() == 0


def test_colours_of_light(data, seen):
    image = torch.stack([data[index].image for index in range(5)])
    tint = torch.tensor([0.5, 0.8, 0.2])
    tinted = seen(tint=(0.5, 0.8, 0.2))
    assert torch.allclose(tinted, image * tint[:, None, None], atol=1e-4)
    assert torch.allclose(seen(brightness=0.5), image / 2, atol=1e-4)


def test_noise_is_of_the_sample_not_of_its_batch(seen):
    first = seen(noise=0.1)
    assert torch.equal(seen(noise=0.1, batch_size=2), first)
    grain = first - seen()
    assert not torch.allclose(grain[0], grain[1], atol=0.05)


def test_black_and_white_has_no_colour(data):
    coloured = [
        replace(one, image=one.image * torch.tensor([0.9, 0.5, 0.2])[:, None, None])
        for one in (data[index] for index in range(5))
    ]

    def model(image):
        assert torch.allclose(image, image[:, :1].expand_as(image), atol=1e-5)
        assert 0.5 < image.max() < 0.7  # BT.601's grey of that colour is 0.585
        return SimpleNamespace(joints=torch.zeros(len(image), 21, 3))

    robustness(model, Subset(coloured, range(5)), {"grey": DISTURBANCES["black and white"]})


def test_a_card_says_errors_in_millimetres_and_amounts(tiny_model, data):
    chosen = {name: DISTURBANCES[name] for name in ("none", "cheap camera")}
    rows = robustness(tiny_model(), data, chosen)
    first, second = described(rows)
    assert first["amounts"] == {} and second["amounts"]["quality"] == 30
    assert second["root_aligned"] == pytest.approx(1000 * rows[1].root_aligned, abs=0.01)
    assert second["procrustes"] == pytest.approx(1000 * rows[1].procrustes, abs=0.01)
