"""What a network's maps say, against a loop over images, queries and keys."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from handlib.data.sample import HandMasks, HandSample
from handlib.evaluation.map_scores import MapScore, map_scores
from handlib.hands.skeleton import FINGER_JOINTS, FINGERS, MANO_JOINT_NAMES
from handlib.models import HandOccNet, HandOccNetConfig, record
from handlib.models.baselines import HANDOCCNET

CELL = 8
SIDE = 4
SIZE = CELL * SIDE


class BlockHands(torch.utils.data.Dataset):
    """Images whose tokens lie on one thing each: visible hand, hidden hand or background."""

    def __len__(self):
        return 5

    def __getitem__(self, index):
        draw = np.random.default_rng(index)
        kind = draw.integers(3, size=(SIDE, SIDE))
        if index == 4:
            kind[kind == 1] = 2  # nothing is hidden here
        parts = draw.integers(1, 17, size=(SIDE, SIDE))
        grown = torch.from_numpy(np.kron(kind, np.ones((CELL, CELL), int)))
        amodal = grown != 2
        return HandSample(
            image=torch.from_numpy(draw.random((3, SIZE, SIZE), dtype=np.float32)),
            intrinsics=torch.eye(3),
            pose=None,
            betas=None,
            translation=None,
            joints=None,
            joints_px=torch.from_numpy(draw.uniform(-4, SIZE, (21, 2)).astype(np.float32)),
            masks=HandMasks(
                grown == 0,
                amodal,
                torch.from_numpy(np.kron(parts, np.ones((CELL, CELL), int))).byte() * amodal,
            ),
        )


@pytest.fixture(scope="module")
def model(hand):
    torch.manual_seed(3)
    small = {"image_size": SIZE, "channels": 8, "head_widths": (16, 16)}
    model = HandOccNet(replace(HandOccNetConfig.course(), **small), hand).eval()
    for parameter in model.parameters():  # far from the start, where all rows are flat
        parameter.data += 0.1 * torch.randn_like(parameter)
    return model


def auc(value, positives, negatives):
    """How often a positive's value is the larger one; equal ones count one half."""
    pairs = [(value[p], value[n]) for p in positives for n in negatives]
    wins = [1.0 if p > n else 0.5 if p == n else 0.0 for p, n in pairs]
    return sum(wins) / len(wins) if wins else math.nan


def by_loop(model):
    """The same numbers from the definitions, one image, query and key at a time."""
    found = {}
    data = BlockHands()
    for index in range(len(data)):
        sample = data[index]
        with torch.no_grad(), record(model) as maps:
            model(sample.image[None])
        tokens = [(r, c) for r in range(SIDE) for c in range(SIDE)]
        kind, part = {}, {}
        for token in tokens:
            row, column = (CELL * k for k in token)
            seen, hand = sample.masks.visible[row, column], sample.masks.amodal[row, column]
            kind[token] = "visible hand" if seen else "hidden hand" if hand else "background"
            part[token] = (
                MANO_JOINT_NAMES[int(sample.masks.parts[row, column]) - 1] if hand else ""
            )
        at = {token: number for number, token in enumerate(tokens)}
        seen = [t for t in tokens if kind[t] == "visible hand"]
        hidden = [t for t in tokens if kind[t] == "hidden hand"]
        nothing = [t for t in tokens if kind[t] == "background"]

        necessity = dict(zip(tokens, maps["necessity"].flatten().tolist(), strict=True))
        rows, gate = maps["fit.0.softmax"][0], maps["fit.0.gate"][0, ..., 0]
        numbers = {"necessity": auc(necessity, seen, hidden + nothing)}
        for head in range(len(gate)):
            opened = dict(zip(tokens, gate[head].tolist(), strict=True))
            numbers[f"gate.{head}"] = auc(opened, hidden, nothing)
        for name, queries in zip(
            ("visible hand", "hidden hand", "background"), (seen, hidden, nothing), strict=True
        ):
            mass, kept = [], []
            for query in queries:
                for head in range(len(gate)):
                    given = sum(rows[head, at[query], at[key]].item() for key in seen)
                    mass.append(given)
                    kept.append(given * gate[head, at[query]].item())
            numbers[f"mass.{name}"] = np.mean(mass) if mass else math.nan
            numbers[f"kept.{name}"] = np.mean(kept) if kept else math.nan
        for name, rows in (
            ("area", torch.ones(1, 16, 16)),
            ("fit", maps["fit.0.softmax"][0]),
            ("set", maps["set.0.softmax"][0]),
        ):
            shares = []
            for finger in FINGERS:
                x, y = sample.joints_px[FINGER_JOINTS[finger][-1]].tolist()
                token = (math.floor((y + 0.5) / CELL), math.floor((x + 0.5) / CELL))
                own = [t for t in seen if part[t].startswith(finger)]
                any_finger = [t for t in seen if not part[t].startswith("wrist")]
                if token in hidden and own:
                    row = rows.mean(0)[at[token]]
                    shares.append(
                        sum(row[at[t]].item() for t in own)
                        / sum(row[at[t]].item() for t in any_finger)
                    )
            numbers[f"own_finger.{name}"] = np.mean(shares) if shares else math.nan
        for name, value in numbers.items():
            found.setdefault(name, []).append(value)
    return {name: np.array(values) for name, values in found.items()}


def test_every_score_is_that_of_a_loop(model):
    expected = by_loop(model)
    found = map_scores(model, BlockHands(), batch_size=2)
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        known = values[~np.isnan(values)]
        assert found[name].images == len(known), name
        assert found[name].mean == pytest.approx(known.mean(), abs=1e-5), name
        assert known.min() - 1e-6 <= found[name].low <= found[name].high <= known.max() + 1e-6
    assert found["gate.0"].images == 4  # the last image hides nothing
    assert map_scores(model, BlockHands(), images=3)["necessity"].images == 3


@pytest.mark.parametrize(
    ("variant", "absent"),
    [
        ("backbone", {"necessity", "gate", "mass", "own_finger.fit"}),
        ("softmax_fit", {"gate"}),
        ("fit_without_set", {"own_finger.set"}),
    ],
)
def test_a_network_without_a_map_has_no_score_of_it(hand, model, variant, absent):
    torch.manual_seed(0)
    other = HandOccNet(HANDOCCNET[variant](model.config), hand)
    names = map_scores(other, BlockHands(), images=2).keys()
    assert not [name for name in names if name.split(".")[0] in absent or name in absent]
    assert "own_finger.area" in names


def test_without_a_gate_all_mass_is_kept(hand, model):
    torch.manual_seed(0)
    found = map_scores(HandOccNet(HANDOCCNET["softmax_fit"](model.config), hand), BlockHands())
    assert found["kept.background"] == found["mass.background"]


def test_nothing_measured_is_nan_and_rests_on_no_image():
    score = MapScore.of(torch.tensor([math.nan, math.nan]))
    assert math.isnan(score.mean) and math.isnan(score.low) and score.images == 0
