"""What is taken out is gone, and nothing else has changed."""

import pytest
import torch
from torch import nn

from handlib.models.ablation import without


def network():
    return nn.Sequential(nn.Linear(3, 4), nn.GELU(), nn.Linear(4, 4))


def test_the_named_parameters_are_zero_and_all_others_stay():
    whole = network()
    found = without(whole, "0.bias", "2.").state_dict()
    for name, before in whole.state_dict().items():
        gone = name in ("0.bias", "2.weight", "2.bias")
        assert torch.equal(found[name], torch.zeros_like(before) if gone else before)


def test_the_network_itself_is_left_alone():
    whole = network()
    x = torch.randn(5, 3)
    before = whole(x)
    assert not without(whole, "2.")(x).any()
    assert torch.equal(whole(x), before)


def test_a_name_that_nothing_has_is_refused():
    with pytest.raises(ValueError, match=r"names: .* found 'fit\.'; there are 0\.weight, 0\.bias"):
        without(network(), "2.", "fit.")
