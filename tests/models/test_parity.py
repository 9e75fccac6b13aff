"""Our network with the official weights against the official network's outputs."""

import pytest
import torch
from parity import fill
from parity.vectors import assert_equal, load, names, official_state

from handlib.hands.rotations import rotmat_to_axis_angle
from handlib.models import official, record
from handlib.models.official_names import HANDOCCNET, renamed

# Gates with arguments up to 4,000 multiply the rounding of what comes before them.
TOLERANCE = {"fit": 1e-3, "set": 1e-3, "heatmaps": 1e-3}


@pytest.fixture(scope="module")
def model(hand):
    # Channels first, as the original ran: other orders of summation differ by up to 1.4e-3 after
    # FIT's nearly binary gates, more on some processors than on others.
    model = official.load_handoccnet(official_state("handoccnet"), hand)
    return model.to(memory_format=torch.contiguous_format)


@pytest.fixture(scope="module")
def ours(model):
    image = torch.from_numpy(fill.image("image", (2, 3, 256, 256)))
    with torch.inference_mode(), record(model) as maps:
        prediction = model(image)
    return {
        "necessity_map": maps["necessity"],
        **{name: maps[name] for name in ("primary", "secondary", "fit", "set")},
        "heatmaps": prediction.heatmaps,
        "joints_img": prediction.joints_img,
        "mano_encoding": maps["encoding"],
        "rotmats": prediction.pose,
        "axis_angle": rotmat_to_axis_angle(prediction.pose).flatten(1),
        "betas": prediction.betas,
    }


@pytest.fixture(scope="module")
def vectors():
    return load("handoccnet")


def test_every_vector_is_compared(ours, vectors):
    assert names(vectors) == ours.keys()


@pytest.mark.parametrize(
    "name",
    ["necessity_map", "primary", "secondary", "fit", "set", "heatmaps", "joints_img"]
    + ["mano_encoding", "rotmats", "axis_angle", "betas"],
)
def test_equals_the_official_network(name, ours, vectors):
    assert_equal(name, ours[name], vectors, TOLERANCE.get(name, 1e-4))


def test_parameters_of_each_part(model):
    def count(*modules):
        return sum(p.numel() for module in modules for p in module.parameters())

    fpn, heatmaps = model.pyramid, model.heatmaps
    assert count(model) == 39_319_352
    assert count(model.backbone) == 23_508_032
    assert count(fpn.laterals) == 984_064
    assert count(fpn.smooth, fpn.smooth2) == 1_180_160
    assert count(model.necessity) == 100
    assert count(model.fit.blocks) == 2_758_656
    assert count(model.fit.merge) == 1_901_312
    assert count(model.set) == 2_495_488
    assert count(heatmaps.hourglass) == 2_788_864
    assert count(heatmaps) - count(heatmaps.hourglass) == 286_250
    assert count(model.encoder) == 1_787_648
    assert count(model.mano_head) == 1_628_778


def test_our_keys_and_the_official_ones_pair_up(model):
    theirs = [renamed(key, HANDOCCNET) for key in model.state_dict()]
    assert sorted(theirs) == sorted(official_state("handoccnet"))
