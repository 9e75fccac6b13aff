"""The whole network against the plain one, in values and gradients, under every switch."""

import re
from dataclasses import replace

import pytest
import torch
from plain_handoccnet import PlainHandOccNet
from torch.nn import functional as F

from handlib.models import HandOccNet, HandOccNetConfig, baselines, fuse_for_inference, record
from handlib.models.conv_norm import ConvNorm
from handlib.models.official_names import HANDOCCNET, renamed

SWITCHES = [
    {},
    {"gate": "mean"},
    {"gate": None},
    {"heads": 1},
    {"depth": 1},
    {"necessity": "convolutions"},
    {"fit_query_residual": True},
    {"fit_merge": "residual"},
    {"set_update_keys": True},
    {"set": False},
    {"fit": False},
    {"fit": False, "set": False, "necessity": "none"},
    {"width": 16, "expansion": 1},
    {"joints_to_head": True},
    {"feature_readout": True},
    {"width": 8, "expansion": 2, "mlp_ratio": 2, "unread_smooth2": False},
    {"gate": "mean", "heads": 1, "depth": 1, "necessity": "convolutions", "fit_merge": "residual"},
]
NECESSITY = [f"backbone.necessity.{index}" for index in (0, 2, 4)]
COMPARED = ("pose", "betas", "joints_img", "heatmaps")
AIDS = ("masks", "early_heatmaps", "depths")


def plain_key(key, config):
    """The official key, for networks of any necessity map and any depth of hourglass."""

    def level(match):
        missing = 0 if match[2] == "3" else 4 - config.halvings
        return f".hg.{int(match[1]) - missing}.{match[2]}."

    key = re.sub(r"\.hg\.(\d)\.(\d)\.", level, renamed(key, HANDOCCNET))
    return re.sub(r"^necessity\.conv(\d)", lambda m: NECESSITY[int(m[1]) - 1], key)


def pair(config, hand):
    """The plain network in double precision, and ours, with the same weights."""
    torch.manual_seed(0)
    plain, ours = PlainHandOccNet(config).double(), HandOccNet(config, hand)
    with torch.no_grad():
        for key, value in plain.named_parameters():  # away from the start: nothing zero or tiny
            # Small gates: nearly binary ones multiply single precision's rounding.
            gain = 0.1 if re.search("query2|key2", key) else 1.0
            value.copy_(gain * torch.randn_like(value) / max(value[0].numel(), 1) ** 0.5)
    state = plain.state_dict()
    named = {key: state[plain_key(key, config)] for key in ours.state_dict()}
    ours.load_state_dict({k: named[k].reshape(v.shape) for k, v in ours.state_dict().items()})
    assert {plain_key(key, config) for key in named} == set(state)
    return plain, ours


def close(ours, plain, tolerance):
    scale = plain.abs().max().clamp_min(1e-12)
    return ((ours.double() - plain).abs().max() / scale).item() < tolerance


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_equals_the_plain_network(switches, tiny, hand):
    config = replace(tiny, **switches)
    plain, ours = pair(config, hand)
    image = torch.rand(3, 3, config.image_size, config.image_size)
    expected, prediction = plain(image.double()), ours(image)
    compared = [*COMPARED, *(name for name in AIDS if name in expected)]
    for name in compared:
        assert close(getattr(prediction, name), expected[name], 1e-3), name
    for name in set(AIDS) - set(expected):
        assert getattr(prediction, name) is None
    sum(expected[name].square().sum() for name in compared).backward()
    sum(getattr(prediction, name).square().sum() for name in compared).backward()
    gradients = {key: value.grad for key, value in plain.named_parameters()}
    largest = max(g.abs().max() for g in gradients.values() if g is not None)
    for key, value in ours.named_parameters():
        theirs = gradients[plain_key(key, config)]
        if theirs is None:
            assert value.grad is None, key
        else:
            difference = (value.grad.flatten() - theirs.flatten()).abs().max()
            assert difference < 1e-2 * largest, key


def test_folding_the_norms_changes_nothing(tiny, hand):
    _, model = pair(tiny, hand)
    image = torch.rand(2, 3, 64, 64)
    for _ in range(3):
        model(image)  # running statistics move away from 0 and 1
    fused = fuse_for_inference(model)
    model.eval()
    with torch.inference_mode():
        ours, theirs = fused(image), model(image)
    for name in COMPARED:
        assert close(getattr(ours, name), getattr(theirs, name).double(), 1e-3), name
    assert not [m for m in fused.modules() if isinstance(m, ConvNorm)]
    assert not any(p.requires_grad for p in fused.parameters())
    assert all(p.requires_grad for p in model.backbone.parameters())


def test_the_course_network_trains(hand):
    torch.manual_seed(0)
    model = HandOccNet(HandOccNetConfig.course(), hand)
    assert 0.5e6 < sum(p.numel() for p in model.parameters()) < 1e6
    prediction = model(torch.rand(2, 3, 128, 128))
    assert prediction.masks.shape == (2, 2, 16, 16)
    read = (prediction.vertices, prediction.masks, prediction.early_heatmaps)
    sum(value.square().sum() for value in read).backward()
    for name, value in model.named_parameters():
        assert value.grad is not None and value.grad.isfinite().all(), name


def test_the_course_network_starts_near_the_rest_pose(hand):
    model = HandOccNet(HandOccNetConfig.course(), hand)
    rest = hand(torch.zeros(1, 16, 3), torch.zeros(1, 10))
    with torch.inference_mode():
        prediction = model(torch.rand(2, 3, 128, 128))
    assert (prediction.vertices - rest.vertices).norm(dim=-1).max() < 0.02


def test_vertices_are_the_hands(tiny, hand):
    model = HandOccNet(tiny, hand)
    with torch.inference_mode():
        prediction = model(torch.rand(2, 3, 64, 64))
        expected = hand(prediction.pose, prediction.betas)
    assert torch.equal(prediction.vertices, expected.vertices)
    assert torch.equal(prediction.joints, expected.joints)


def test_the_hand_is_no_part_of_the_weights(tiny, hand):
    model = HandOccNet(tiny, hand)
    assert not [key for key in model.state_dict() if key.startswith("hand.")]
    assert not list(hand.parameters())


def test_half_precision_keeps_metres_in_full(hand):
    model = HandOccNet(HandOccNetConfig.course(), hand).eval()
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        prediction = model(torch.rand(1, 3, 128, 128))
    assert prediction.vertices.dtype == prediction.pose.dtype == torch.float32
    assert prediction.heatmaps.dtype == torch.float32
    identity = prediction.pose @ prediction.pose.mT
    assert (identity - torch.eye(3)).abs().max() < 1e-5


def test_records_the_pass_itself(tiny, hand):
    plain, model = pair(tiny, hand)
    image = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        expected = plain(image.double())
        silent = model(image)
        with record(model) as maps:
            watched = model(image)
    for name in COMPARED:
        assert close(getattr(watched, name), getattr(silent, name).double(), 1e-3), name
    for name in ("primary", "secondary", "fit", "set", "heatmaps", "joints_img", "encoding"):
        assert close(maps[name], expected[name], 1e-3), name
    assert torch.equal(maps["heatmaps"], watched.heatmaps)
    assert maps["fit.0.softmax"].shape == maps["set.1.softmax"].shape == (2, 4, 64, 64)
    assert torch.equal(maps["fit.1.correlation"], maps["fit.1.softmax"] * maps["fit.1.gate"])
    total = maps["primary"] + maps["secondary"]
    torch.testing.assert_close(total, maps["features"])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"image_size": 250}, "power of two"),
        ({"image_size": 16}, "power of two"),
        ({"heads": 3}, "multiple of heads"),
        ({"width": 4, "expansion": 2}, "at least 16"),
        ({"necessity": "none"}, "fit=False"),
    ],
)
def test_refuses_configs_that_cannot_work(wrong, message):
    with pytest.raises(ValueError, match=message):
        HandOccNetConfig(**wrong)


def test_names_the_image_size_it_needs(tiny, hand):
    with pytest.raises(ValueError, match=r"\(B, 3, 64, 64\), found \(1, 3, 32, 32\)"):
        HandOccNet(tiny, hand)(torch.rand(1, 3, 32, 32))


def by_hand(blocks, x):
    """Two 3×3 convolutions and their norms in evaluation, the skip, leaky ReLU: block by block."""
    state = blocks.state_dict()
    for block in range(len(blocks)):
        y = x
        for layer in ("conv1", "conv2"):
            kernel = state[f"{block}.{layer}.conv.weight"]
            norm = {k.split(".")[-1]: v for k, v in state.items() if f"{block}.{layer}.norm" in k}
            y = F.conv2d(y, kernel, padding=1)
            y = (y - norm["running_mean"].view(-1, 1, 1)) / (
                norm["running_var"].view(-1, 1, 1) + 1e-5
            ).sqrt()
            y = y * norm["weight"].view(-1, 1, 1) + norm["bias"].view(-1, 1, 1)
            y = y + x if layer == "conv2" else y
            y = torch.where(y > 0, y, 0.01 * y)
        x = y
    return x


def test_residual_blocks_stand_behind_f_and_reach_four_cells(tiny, hand):
    model = HandOccNet(baselines.HANDOCCNET["residual_blocks"](tiny), hand).eval()
    plain = HandOccNet(baselines.HANDOCCNET["backbone"](tiny), hand)
    wanting = plain.load_state_dict(model.state_dict(), strict=False)
    assert not wanting.missing_keys
    assert {key.split(".")[0] for key in wanting.unexpected_keys} == {"residual"}
    with torch.no_grad(), record(model) as maps:
        model(torch.rand(2, 3, 64, 64))
        features = maps["features"]
        assert torch.allclose(by_hand(model.residual, features), maps["fit"], atol=1e-5)
        wide = torch.rand(1, 16, 16, 16)
        changed = wide.clone()
        changed[..., 8, 8] += 1
        moved = (model.residual(changed) - model.residual(wide)).abs().sum((0, 1)) > 0
    expected = torch.zeros(16, 16, dtype=torch.bool)
    expected[4:13, 4:13] = True
    assert torch.equal(moved, expected)
