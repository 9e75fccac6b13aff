"""Our extension: M and FIT's gates are shown what to be."""

from dataclasses import replace

import pytest
import torch

from handlib.data.batch import collate
from handlib.losses import LossConfig, handoccnet_loss, map_cross_entropy
from handlib.models import HandOccNet, record
from handlib.training import recipes

ONLY_MAPS = replace(
    LossConfig(0.0, 0.0, 0.0, 0.0, 0.0),
    necessity=1.0,
    gate=1.0,
)


@pytest.fixture
def guided(tiny_model, hand):
    torch.manual_seed(5)
    return HandOccNet(replace(tiny_model().config, guided=True), hand)


def test_what_is_predicted_is_what_is_recorded(guided, random_hands):
    image = collate([random_hands(2)[k] for k in range(2)]).image
    with record(guided) as maps:
        prediction = guided(image)
    assert torch.equal(prediction.necessity, maps["necessity"])
    heads = guided.config.heads
    for block in range(guided.config.depth):
        shown = prediction.gates[:, block * heads : (block + 1) * heads].flatten(2)
        assert torch.equal(shown, maps[f"fit.{block}.gate"][..., 0])
    assert not hasattr(guided.eval()(image), "necessity")


def test_guidance_changes_no_output(guided, hand, random_hands):
    plain = HandOccNet(replace(guided.config, guided=False), hand)
    plain.load_state_dict(guided.state_dict())
    image = collate([random_hands(2)[k] for k in range(2)]).image
    torch.testing.assert_close(guided(image).vertices, plain(image).vertices)


def test_the_terms_reach_the_map_and_the_gates(guided, hand, random_hands):
    batch = collate([random_hands(2)[k] for k in range(2)])
    terms = handoccnet_loss(guided(batch.image), batch, hand, ONLY_MAPS)
    terms["total"].backward()
    for part in (guided.necessity, guided.fit.blocks[0].gate, guided.backbone):
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in part.parameters())
    assert all(p.grad is None for p in guided.mano_head.parameters())


def test_cross_entropy_by_hand():
    mask = torch.zeros(1, 4, 4, dtype=torch.bool)
    mask[0, :2, :2] = True
    mask[0, 2, 2] = True  # a quarter of the last cell
    found = torch.tensor([[[[0.9, 0.2], [0.1, 0.5]]]])
    share = [1.0, 0.0, 0.0, 0.25]
    cells = zip(share, found.flatten().tolist(), strict=True)
    expected = [
        -(t * torch.tensor(p).log() + (1 - t) * torch.tensor(1 - p).log()) for t, p in cells
    ]
    torch.testing.assert_close(map_cross_entropy(found, mask), torch.stack(expected).mean())


def test_unguided_networks_are_refused_by_the_terms(tiny_model, hand, random_hands):
    batch = collate([random_hands(2)[k] for k in range(2)])
    with pytest.raises(ValueError, match="guided=True"):
        handoccnet_loss(tiny_model()(batch.image), batch, hand, ONLY_MAPS)


@pytest.mark.parametrize("change", [{"gate": None}, {"necessity": "none"}, {"fit": False}])
def test_what_has_no_gate_cannot_be_guided(tiny_model, change):
    with pytest.raises(ValueError, match="guided"):
        replace(tiny_model().config, guided=True, **change)


def test_the_command_line_knows_the_variant():
    plan = recipes.plan("handoccnet", "course", "guided")
    assert plan.network.guided and plan.training.loss.gate > 0 < plan.training.loss.necessity
