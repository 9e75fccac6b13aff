"""The task whose answer lies in a distant token: what its scenes hold, and who can reach it."""

import json
from dataclasses import asdict, replace

import pytest
import torch

from handlib.experiments import distant_token
from handlib.experiments.distant_token import (
    NAMES,
    REACH,
    SIDE,
    SILENCE,
    TOLD,
    DistantTokenNet,
    make_scenes,
    score,
    train,
)
from handlib.experiments.evidence import load_evidence


def token(scene_map, cell):
    """(name, numbers) in one cell; the name is None where the cell is empty."""
    values = scene_map[:, cell // SIDE, cell % SIDE].tolist()
    named = values[:NAMES]
    return (named.index(1.0) if any(named) else None), values[NAMES:]


@pytest.mark.parametrize("empty_keys", [True, False])
def test_an_answer_is_what_the_same_finger_shows_elsewhere(empty_keys):
    scenes = make_scenes(20, torch.Generator().manual_seed(3), empty_keys)
    for b in range(20):
        shown = [token(scenes.primary[b], cell) for cell in range(SIDE * SIDE)]
        for i, cell in enumerate(scenes.hidden[b].tolist()):
            name, numbers = token(scenes.secondary[b], cell)
            assert numbers == [0] * 4
            told = {tuple(found) for other, found in shown if other == name}
            answer = tuple(scenes.answers[b, i].tolist())
            assert told == ({answer} if i < TOLD else set())
            if i < TOLD:
                assert token(scenes.primary[b], int(scenes.told_at[b, i]))[0] == name
        empty = sum(name is None for name, _ in shown)
        assert empty == (SIDE * SIDE - TOLD if empty_keys else 0)


def test_at_least_three_cells_lie_between():
    scenes = make_scenes(200, torch.Generator().manual_seed(4))
    columns = (scenes.hidden[:, :, None] % SIDE - scenes.told_at[:, None] % SIDE).abs()
    assert columns.min() == 4 and columns.max() == 8
    leftmost = scenes.told_at[:, 0] % SIDE < SIDE // 2
    assert 60 < leftmost.sum() < 140  # mirrored every other time


@pytest.mark.parametrize("name", REACH)
def test_who_can_read_what_is_told(name):
    """Before any training: does a hidden cell's output depend on the numbers over there?"""
    torch.manual_seed(0)
    network = DistantTokenNet(REACH[name])
    scenes = make_scenes(4, torch.Generator().manual_seed(5))
    primary = scenes.primary.clone().requires_grad_()
    network(replace(scenes, primary=primary)).square().sum().backward()
    there = scenes.told_at[:, None].expand(-1, 4, -1)
    reaches = bool(primary.grad[:, NAMES:].flatten(2).gather(2, there).abs().sum() > 0)
    assert reaches == (name not in ("convolutions, 3 cells", "F_p alone"))


def test_silence_scores_one_where_the_answer_is_told_and_zero_for_strangers():
    network = DistantTokenNet(REACH["F_p alone"])
    for parameter in network.readout.parameters():
        torch.nn.init.zeros_(parameter)
    assert score(network, REACH["F_p alone"], count=50) == {"told": 1.0, "stranger": 0.0}


def test_attention_on_the_right_cell_is_found_in_the_record():
    """Queries and keys read names alone, and strongly: the whole mass is on the right cell."""
    network = DistantTokenNet(REACH["FIT"])
    block, names = network.middle.blocks[0], torch.zeros(32, 12)
    names[:NAMES, :NAMES] = torch.eye(NAMES)
    with torch.no_grad():
        network.stem.weight.copy_(names[..., None, None])
        for layer in (block.query, block.key):
            layer.weight.copy_(20 * torch.eye(32)[..., None, None])
            layer.bias.zero_()
    assert score(network, REACH["FIT"], count=20)["mass"] == pytest.approx(1, abs=1e-3)


def test_the_same_seed_gives_the_same_network():
    one, same, other = (score(train(REACH["FIT"], s, 10), REACH["FIT"], 50) for s in (1, 1, 2))
    assert one == same != other


def test_the_result_file_holds_every_seed(tmp_path, monkeypatch):
    monkeypatch.setattr(distant_token, "REACH", {n: REACH[n] for n in ("FIT", "F_p alone")})
    few = (True, True, True), (False, False, False)
    monkeypatch.setattr(distant_token, "SILENCE", {key: SILENCE[key] for key in few})
    monkeypatch.setattr(distant_token, "_holds", lambda reach: False)
    distant_token.run(tmp_path, seeds=2, steps=2)
    result = json.loads((tmp_path / "distant_token.json").read_text())
    fit, bare = result["reach"][0], result["silence"][1]
    assert [len(row["runs"]) for row in (fit, bare)] == [2, 2]
    assert result["silence"][0]["runs"] == fit["runs"]
    again = score(train(REACH["FIT"], 1, steps=2), REACH["FIT"])
    assert fit["runs"][1] == again
    low, high = sorted(run["told"] for run in fit["runs"])
    assert (fit["spread"]["told"]["min"], fit["spread"]["told"]["max"]) == (low, high)


def test_the_shipped_result_is_of_todays_networks_and_holds():
    result = load_evidence("distant_token")
    assert result["configuration"] == {name: asdict(v) for name, v in REACH.items()}
    found = {(row["gate"], row["mlp"], row["empty_keys"]) for row in result["silence"]}
    assert found == set(SILENCE) and len(result["seeds"]) >= 3
    for row in result["reach"]:
        solved = row["network"] in ("FIT", "softmax alone")
        for run in row["runs"]:
            assert run["told"] < 0.1 if solved else run["told"] > 0.9
    assert result["holds"]
