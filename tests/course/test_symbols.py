"""Every symbol has the shape that the library gives it, under the name in the table."""

import re
from importlib import import_module
from typing import get_type_hints

import pytest
import torch
from jaxtyping import Float
from torch import Tensor

from handlib.course.course_map import entries
from handlib.course.symbols import symbols
from handlib.hands import load_hand
from handlib.models import HandOccNet, HandOccNetConfig, record

SYMBOLS = symbols()
recorded = [s for s in SYMBOLS if s.code.startswith("maps[")]
named = [s for s in SYMBOLS if s.code and s not in recorded]


def name(symbol):
    return f"{symbol.paper}: {symbol.symbol}"


@pytest.fixture(scope="module")
def maps(small_deformer):
    """What a small network of each paper makes of random images."""
    model = HandOccNet(HandOccNetConfig.course(), load_hand()).eval()
    with torch.no_grad(), record(model) as handoccnet:
        model(torch.rand(2, 3, 128, 128))
    model = small_deformer().eval()
    boxes = torch.tensor([4.0, 4, 60, 60]).expand(2, 7, 4)
    with torch.no_grad(), record(model) as deformer:
        model(torch.rand(2, 7, 3, 64, 64), boxes)
    return {"HandOccNet": handoccnet, "course": handoccnet, "Deformer": deformer}


@pytest.mark.parametrize("symbol", recorded, ids=name)
def test_a_recorded_map_has_the_shape(symbol, maps):
    key = re.fullmatch(r'maps\["(.*)"\]', symbol.code)[1]
    assert isinstance(maps[symbol.paper][key], Float[Tensor, symbol.shape])


def find(code):
    """The object and, of a field, its annotation."""
    words = code.split(".")
    for end in range(len(words), 0, -1):
        try:
            found = import_module(".".join(["handlib", *words[:end]]))
        except ModuleNotFoundError:
            continue
        rest = words[end:]
        if len(rest) == 2:
            return get_type_hints(getattr(found, rest[0]))[rest[1]]
        return getattr(found, rest[0])
    raise AssertionError(code)


@pytest.mark.parametrize("symbol", named, ids=name)
def test_the_name_exists_and_says_the_same_shape(symbol):
    found = find(symbol.code)
    hints = get_type_hints(found) if callable(found) and not isinstance(found, type) else {}
    said = {getattr(hint, "dim_str", None) for hint in [found, *hints.values()]} - {None}
    assert not said or not symbol.shape or symbol.shape in said, said


def test_entries_are_complete():
    numbers = {entry.number for entry in entries()}
    for symbol in SYMBOLS:
        assert symbol.notebook in numbers and symbol.where
        assert re.search("[가-힣]", symbol.meaning.ko)
        assert "|" not in symbol.tex and "$" not in symbol.tex  # it stands in a table, in $...$
    for paper in {symbol.paper for symbol in SYMBOLS}:
        mine = [symbol.symbol for symbol in SYMBOLS if symbol.paper == paper]
        assert len(mine) == len(set(mine))
