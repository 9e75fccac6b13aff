"""Recorders: nested, of another model, in another thread, and after an exception."""

import threading

import pytest
import torch
from torch import nn

from handlib.models.record import record, recording, tap


class Doubler(nn.Module):
    def forward(self, x):
        self.was_recorded = recording(self)
        return tap(self, "double", 2 * x)


class Chain(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([Doubler(), Doubler()])

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return tap(self, "end", x)


def test_names_follow_the_place_in_the_network():
    model = nn.ModuleDict({"fit": Chain()})
    with record(model) as maps:
        model["fit"](torch.ones(1))
    assert maps.keys() == {"fit.0.double", "fit.1.double", "fit.end"}
    assert maps["fit.1.double"].item() == 4


def test_silent_when_closed_or_of_another_model():
    model = Chain()
    with record(Chain()) as maps:
        model(torch.ones(1))
    assert not maps and not model.blocks[0].was_recorded
    with record(model) as maps:
        pass
    model(torch.ones(1))
    assert not maps


def test_nested_recorders_each_keep_theirs():
    model = Chain()
    with record(model) as outer:
        with record(model.blocks[0]) as inner:
            model(torch.ones(1))
        assert inner.keys() == {"double"}
        model(torch.full((1,), 5.0))
    assert inner["double"].item() == 2
    assert outer["end"].item() == 20


def test_an_exception_closes_the_recorder():
    model = Chain()
    with pytest.raises(ZeroDivisionError), record(model):
        raise ZeroDivisionError
    model(torch.ones(1))
    assert not model.blocks[0].was_recorded


def test_another_thread_is_not_recorded():
    model = Chain()
    with record(model) as maps:
        thread = threading.Thread(target=model, args=(torch.ones(1),))
        thread.start()
        thread.join()
    assert not maps


def test_maps_hold_no_graph():
    model = Chain()
    with record(model) as maps:
        output = model(torch.ones(1, requires_grad=True))
    assert output.requires_grad and not maps["end"].requires_grad
