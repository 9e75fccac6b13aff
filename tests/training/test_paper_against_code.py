"""Every switch of the paper-against-code table, flipped: what changes, and what stays equal."""

import hashlib
import importlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
import torch

from handlib.course import paper_against_code
from handlib.data.batch import collate
from handlib.data.sequence_batch import collate_windows
from handlib.data.windows import windows
from handlib.losses import handoccnet_loss
from handlib.models import Deformer, DeformerConfig, HandOccNet, HandOccNetConfig, record
from handlib.sequence_losses import sequence_loss
from handlib.training.order import BatchOrder

ROWS = {row.id: row for row in paper_against_code.rows()}
HANDOCCNET = HandOccNetConfig(
    image_size=64, blocks=(1, 1, 1, 1), width=4, channels=16, head_widths=(32, 24)
)
DEFORMER = DeformerConfig(
    cells=4, blocks=(1, 1, 1, 1), width=4, channels=16, heads=2, hidden=24, head_widths=(32, 24)
)
SCOPE = {
    name: value
    for module in ("hands", "losses", "sequence_losses", "training")
    for name, value in vars(importlib.import_module(f"handlib.{module}")).items()
}


@dataclass(frozen=True)
class Flip:
    """Runs a row's default and its switch, and names what must differ and what may not."""

    run: Callable[..., dict[str, torch.Tensor]]
    changed: tuple[str, ...]
    same: tuple[str, ...]


def fill(model):
    """Weights that belong to their names, so what two networks share is equal in both."""
    with torch.no_grad():
        for name, value in model.named_parameters():
            seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
            drawn = torch.randn(value.shape, generator=torch.Generator().manual_seed(seed))
            value.copy_(drawn / max(value[0].numel(), 1) ** 0.5)
    return model.eval()


def seen(model, *inputs):
    """What a forward pass returns and what the recorder keeps of it."""
    with torch.inference_mode(), record(model) as maps:
        prediction = model(*inputs)
    returned = {name: value for name, value in vars(prediction).items() if value is not None}
    return dict(maps) | returned


def network(config, hand, random_hands, random_clips):
    frames, corner, side = torch.rand(2, 5, 3, 64, 64), torch.rand(2, 5, 2), torch.rand(2, 5, 1)
    if isinstance(config, HandOccNetConfig):
        return seen(fill(HandOccNet(config, hand)), frames[:, 0])
    boxes = torch.cat([20 * corner, 20 * corner + 20 + 30 * side], dim=-1)
    return seen(fill(Deformer(config, hand)), frames, boxes)


def another_size(config, hand, random_hands, random_clips):
    """A cell of the heatmaps is 8 pixels at every size; 512 is too much to keep every map of."""
    small = replace(config, heads=1, depth=1)
    model = fill(HandOccNet(small, hand))
    size = config.image_size
    with torch.inference_mode():
        prediction = model(torch.rand(1, 3, size, size))
    kernel = model.backbone.state_dict()
    heatmaps = prediction.heatmaps
    return {**kernel, "heatmaps": heatmaps, "cell": torch.tensor(size / heatmaps.shape[-1])}


def start(config, hand, random_hands, random_clips):
    """The weights of an untrained network."""
    return dict(HandOccNet(config, hand).named_parameters())


def image_terms(config, hand, random_hands, random_clips):
    data = random_hands(4, resolution=64)
    batch = collate([data[i] for i in range(len(data))])
    prediction = fill(HandOccNet(HANDOCCNET, hand))(batch.image)
    return handoccnet_loss(prediction, batch, hand, config)


def window_terms(config, hand, random_hands, random_clips):
    data = windows(random_clips(2, 4, resolution=64), length=3, gap=1)
    batch = collate_windows([data[1], data[6]])
    model = fill(Deformer(DEFORMER, hand))
    terms = sequence_loss(model(batch.image, batch.boxes), batch, hand, config)
    terms["total"].backward()
    return terms | {"gradient": model.motion_head.pose.weight.grad}


def recipe(config, hand, random_hands, random_clips):
    steps = config.images // config.batch_size
    rates = [config.learning_rate_at(seen) for seen in range(0, 3_000_000, 10_000)]
    (first,) = BatchOrder(100, config.batch_size, config.seed, 0, 1)
    return {
        "steps": torch.tensor(steps),
        "rates": torch.tensor(rates),
        "batch": torch.tensor(first),
    }


def open_hand(fingertips, hand, random_hands, random_clips):
    output = fingertips(torch.zeros(1, 16, 3), torch.zeros(1, 10))
    tips = output.joints[:, 4::4]
    inner = torch.stack([output.joints[:, i] for i in range(21) if i == 0 or i % 4], dim=1)
    return {"vertices": output.vertices, "tips": tips, "inner joints": inner}


FRAMES_AND_MOTIONS = ("pose", "betas", "forward_motion", "backward_motion", "confidence")
SEEN_ALONE = ("spatial.0.attention", "spatial.memory", "heatmaps", "joints_img")
OTHER_TERMS = ("joints_img", "betas", "frames_vertices", "frames_joints", "fused_vertices")
OTHER_IMAGE_TERMS = ("vertices", "joints", "pose", "betas", "joints_img")

FLIPS = {
    "H4": Flip(another_size, ("heatmaps",), ("cell", "stem.conv.weight")),
    "H5": Flip(network, ("necessity", "primary", "pose"), ("features",)),
    "H6": Flip(network, ("fit.0.gate", "fit", "pose"), ("primary", "secondary", "fit.0.softmax")),
    "H7": Flip(network, ("fit.0.softmax", "fit", "pose"), ("primary", "secondary")),
    "H8": Flip(network, ("fit", "pose"), ("secondary", "fit.0.correlation")),
    "H9": Flip(network, ("set.1.softmax", "set", "pose"), ("fit", "set.0.softmax")),
    "H10": Flip(network, ("fit", "pose"), ("fit.0.correlation", "fit.1.correlation")),
    "H11": Flip(network, ("fit", "pose"), ("primary", "secondary", "fit.0.correlation")),
    "H12": Flip(start, ("fit.blocks.0.query_position",), ("fit.blocks.0.query.weight",)),
    "H13": Flip(recipe, ("batch", "steps"), ("rates",)),
    "H14": Flip(image_terms, ("heatmap", "total"), OTHER_IMAGE_TERMS),
    "H15": Flip(image_terms, ("recorded_joints", "total"), OTHER_IMAGE_TERMS),
    "H16": Flip(open_hand, ("tips",), ("vertices", "inner joints")),
    "D5": Flip(network, ("forward_motion", "fused_pose"), ("pose", "betas", "confidence")),
    "D6": Flip(network, ("fused_pose", "fused_joints"), FRAMES_AND_MOTIONS),
    "D7": Flip(network, ("fused_pose", "fused_joints"), FRAMES_AND_MOTIONS),
    "D8": Flip(network, ("spatial.feature", "pose", "fused_pose"), SEEN_ALONE),
    "D9": Flip(network, ("monocular_pose",), (*FRAMES_AND_MOTIONS, "fused_pose")),
    "D10": Flip(window_terms, ("smooth",), (*OTHER_TERMS, "frames_pose")),
    "D11": Flip(window_terms, ("frames_pose", "forward_pose", "fused_pose"), OTHER_TERMS),
    "D12": Flip(recipe, ("steps",), ("rates", "batch")),
    "D14": Flip(window_terms, ("forward_vertices", "backward_pose", "total"), OTHER_TERMS),
    "D15": Flip(network, ("betas", "vertices"), ("pose", "forward_motion", "fused_pose")),
    "D16": Flip(window_terms, ("gradient",), (*OTHER_TERMS, "frames_pose", "total")),
    "D23": Flip(network, ("spatial.5.attention", "pose"), ("spatial.2.attention", "rois")),
}


def settings(row_id):
    """The row's default and its switch, as the table writes it, networks at the tests' size."""
    switch = ROWS[row_id].switch
    if "(" in switch:
        return [eval(call, SCOPE) for call in (switch[: switch.index("(")] + "()", switch)]
    small = HANDOCCNET if row_id[0] == "H" else DEFORMER
    flipped = replace(small, **eval(f"dict({switch})"))
    return [small, flipped]


def equal(one, other):
    return one.shape == other.shape and torch.allclose(one, other, rtol=1e-4, atol=1e-6)


def test_every_row_has_a_switch_that_is_flipped_here_or_says_why_it_has_none():
    assert FLIPS.keys() == {row.id for row in ROWS.values() if row.switch}
    for row in ROWS.values():
        assert bool(row.switch) != bool(row.no_switch), row.id


@pytest.mark.parametrize("row_id", FLIPS)
def test_a_switch_changes_what_it_says_and_no_more(row_id, hand, random_hands, random_clips):
    flip = FLIPS[row_id]
    found = []
    for setting in settings(row_id):
        torch.manual_seed(0)
        found.append(flip.run(setting, hand, random_hands, random_clips))
    before, after = found
    for name in flip.changed:
        assert name in before.keys() | after.keys(), name
        kept = name in before and name in after and equal(before[name], after[name])
        assert not kept, f"{name} is the same with {ROWS[row_id].switch}"
    for name in flip.same:
        assert equal(before[name], after[name]), f"{name} differs with {ROWS[row_id].switch}"
