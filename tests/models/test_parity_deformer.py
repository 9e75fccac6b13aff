"""Our Deformer with the official weights against the official network's outputs."""

import pytest
import torch
from parity import fill
from parity.vectors import assert_equal, load, names, official_state

from handlib.hands.rotations import rotmat_to_axis_angle
from handlib.models import official, record
from handlib.models.official_names import DEFORMER, DISCRIMINATOR, renamed

BOX = (24.0, 16.0, 232.0, 248.0)


@pytest.fixture(scope="module")
def state():
    return official_state("deformer")


@pytest.fixture(scope="module")
def model(state, hand):
    return official.load_deformer(state, hand)


@pytest.fixture(scope="module")
def discriminator(state):
    return official.load_discriminator(state)


def window_of_seven():
    frames = torch.from_numpy(fill.image("frames", (1, 7, 3, 256, 256)))
    return frames, torch.tensor(BOX).expand(1, 7, 4)


def two_windows_of_six():
    """Boxes that differ from frame to frame and leave the image; no frame stands in the middle."""
    frames = torch.from_numpy(fill.image("frames", (2, 6, 3, 256, 256)))
    n = torch.arange(12.0)[:, None]
    boxes = torch.tensor(BOX) + n * torch.tensor([-9.0, 5.0, 3.0, -11.0])
    return frames, boxes.unflatten(0, (2, 6))


CASES = {"deformer": window_of_seven, "deformer_b2t6": two_windows_of_six}


@pytest.fixture(scope="module", params=CASES)
def case(request, model, discriminator):
    """(our outputs by the names of the vectors, the vectors)"""
    frames, boxes = CASES[request.param]()
    motion = torch.from_numpy(fill.image("motion", (3, 7, 46)))
    with torch.inference_mode(), record(model) as maps:
        prediction = model(frames, boxes)
        score = discriminator(motion)
    ours = {
        "rois": maps["rois"],
        "spatial_memory": maps["spatial.memory"].transpose(0, 1),
        "spatial_query": maps["spatial.feature"][:, None],
        "joints2d": prediction.joints_img.flatten(0, 1),
        "temporal_memory": maps["temporal.memory"].transpose(0, 1),
        "shape_feature": maps["temporal.shape"],
        "betas": prediction.betas,
        "pose6d": prediction.pose6d.flatten(0, 1).flatten(1),
        "forward_motion6d": prediction.forward_motion.flatten(0, 1).flatten(1),
        "backward_motion6d": prediction.backward_motion.flatten(0, 1).flatten(1),
        "confidence_logits": maps["confidence_logits"].flatten()[:, None],
        "confidences": prediction.confidence,
        "fused_rotmats": prediction.fused_pose,
        "fused_axis_angle": rotmat_to_axis_angle(prediction.fused_pose).flatten(1),
        "discriminator_score": score,
    }
    return ours, load(request.param)


def test_every_vector_is_compared(case):
    ours, vectors = case
    assert names(vectors) == ours.keys()


@pytest.mark.parametrize(
    "name",
    ["rois", "spatial_memory", "spatial_query", "joints2d", "temporal_memory", "shape_feature"]
    + ["betas", "pose6d", "forward_motion6d", "backward_motion6d", "confidence_logits"]
    + ["confidences", "fused_rotmats", "fused_axis_angle", "discriminator_score"],
)
def test_equals_the_official_network(name, case):
    ours, vectors = case
    assert_equal(name, ours[name], vectors)


def test_parameters_of_each_part(model, discriminator):
    def count(*modules):
        return sum(p.numel() for module in modules for p in module.parameters())

    spatial, temporal, head = model.spatial, model.temporal, model.motion_head
    assert count(model) == 32_533_909
    assert count(model.backbone) == 23_508_032
    assert count(model.pyramid) == 1_574_144
    assert count(spatial.encoder) == count(temporal.encoder) == 1_187_328
    assert count(spatial.decoder) == count(temporal.decoder) == 1_979_136
    assert count(spatial.joints) + spatial.temperature.numel() == 137_002
    assert count(head.hidden1, head.hidden2) == 830_976
    assert count(head) - count(head.hidden1, head.hidden2) == 150_827
    assert count(discriminator) == 11_692_034


def test_our_keys_and_the_official_ones_pair_up(model, discriminator, state):
    ours = {f"honet.{renamed(key, DEFORMER)}" for key in model.state_dict()}
    ours |= {
        f"motion_discriminator.{renamed(key, DISCRIMINATOR)}" for key in discriminator.state_dict()
    }
    assert ours == state.keys()
