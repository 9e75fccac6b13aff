"""What is hidden here is told over there: a task whose answer lies in a distant token alone.

A map of 9×9 cells. On one edge five fingers are seen, each by its name and four numbers ±1 (how
it is bent, say). On the other edge eight names stand in hidden cells without their numbers. Five
of them must be filled in from the other edge; three are strangers, seen nowhere, where the answer
is zero. At least three cells lie in between.

Claims: FIT solves it; convolutions that do not reach that far, and F_p alone, cannot. Then, one
by one, what lets softmax alone stay silent where nothing matches: the gate, keys that are empty,
the MLP behind the attention.
"""

import time
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from handlib.experiments.evidence import origin, spread
from handlib.models import initialise
from handlib.models.attention import Pooling
from handlib.models.block import AttentionBlock
from handlib.models.fit import FIT, ResidualMerge
from handlib.models.record import record
from handlib.training.run import write_json

COMMAND = "handlib experiment distant_token"
SIDE, EDGE = 9, 3  # cells of the map's side; columns at either edge that hold tokens
NAMES, TOLD, NUMBERS = 8, 5, 4  # hidden fingers, those also seen, and the numbers of a finger
CHANNELS = 32
SOLVED, FAILED = 0.1, 0.9  # of the error that silence makes


@dataclass(frozen=True)
class Scenes:
    """B scenes. A token is the finger's name, one-hot, and its numbers; empty cells are zero.

    The hidden fingers' order is told ones first; cells are numbered row by row.
    """

    primary: Float[Tensor, "B 12 9 9"]  # what is seen: names and numbers
    secondary: Float[Tensor, "B 12 9 9"]  # what is hidden: names alone
    hidden: Int[Tensor, "B 8"]  # the hidden fingers' cells
    told_at: Int[Tensor, "B 5"]  # where the told ones' numbers are seen
    answers: Float[Tensor, "B 8 4"]  # strangers': zero


def make_scenes(count: int, generator: torch.Generator, empty_keys: bool = True) -> Scenes:
    """Scenes at random, half of them mirrored.

    Args:
        empty_keys: False fills every other cell of `primary` with one of the five seen fingers,
            so that no key is empty (and answers may lie near).
    """

    def draw(among: Int[Tensor, " n"], size: int) -> Int[Tensor, "B {size}"]:
        order = torch.rand(count, len(among), generator=generator).argsort(1)
        return among[order[:, :size]]

    cells = torch.arange(SIDE * SIDE).view(SIDE, SIDE)
    left, right = cells[:, :EDGE].flatten(), cells[:, -EDGE:].flatten()
    told_at, hidden = draw(left, TOLD), draw(right, NAMES)
    mirrored = torch.rand(count, 1, generator=generator) < 0.5
    mirror = cells.flip(1).flatten()
    told_at = torch.where(mirrored, mirror[told_at], told_at)
    hidden = torch.where(mirrored, mirror[hidden], hidden)

    names = torch.eye(NAMES)[draw(torch.arange(NAMES), NAMES)]  # B 8 8
    numbers = torch.randint(2, (count, TOLD, NUMBERS), generator=generator) * 2.0 - 1
    seen = torch.cat([names[:, :TOLD], numbers], dim=2)  # B 5 12
    scene = torch.arange(count)[:, None]
    if empty_keys:
        primary = torch.zeros(count, SIDE * SIDE, NAMES + NUMBERS)
    else:
        primary = seen[scene, torch.randint(TOLD, (count, SIDE * SIDE), generator=generator)]
    primary[scene, told_at] = seen
    secondary = torch.zeros(count, SIDE * SIDE, NAMES + NUMBERS)
    secondary[scene, hidden] = F.pad(names, (0, NUMBERS))
    answers = F.pad(numbers, (0, 0, 0, NAMES - TOLD))
    return Scenes(_to_map(primary), _to_map(secondary), hidden, told_at, answers)


@dataclass(frozen=True)
class Variant:
    """One network and the scenes that it learns from."""

    middle: Literal["fit", "convolution", "primary"] = "fit"
    gate: Pooling | None = "sum"  # FIT's; None is softmax alone
    mlp: bool = True  # FIT's, behind the attention
    empty_keys: bool = True
    layers: int = 3  # convolutions of 3×3: so many cells in each direction are seen


REACH = {
    "FIT": Variant(),
    "softmax alone": Variant(gate=None),
    "convolutions, 3 cells": Variant("convolution"),
    "convolutions, 7 cells": Variant("convolution", layers=7),
    "F_p alone": Variant("primary"),
}
"""Who can fetch the answer? It lies four cells away or further."""

SILENCE = {
    (gated, mlp, empty): Variant("fit", "sum" if gated else None, mlp, empty)
    for gated, mlp, empty in product((False, True), repeat=3)
}
"""Who can stay silent? By (gate, MLP, empty keys)."""


class Convolutions(nn.Module):
    """3×3 convolutions over F_p + F_s."""

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1) for _ in range(layers)
        )

    def forward(
        self, primary: Float[Tensor, "B C h w"], secondary: Float[Tensor, "B C h w"]
    ) -> Float[Tensor, "B C h w"]:
        x = primary + secondary
        for layer in self.layers:
            x = x + F.relu(layer(x))
        return x


class PrimaryAlone(nn.Module):
    """F_p goes on, each cell by itself; F_s is thrown away, as spatial attention does."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(CHANNELS, CHANNELS, 1)

    def forward(
        self, primary: Float[Tensor, "B C h w"], secondary: Float[Tensor, "B C h w"]
    ) -> Float[Tensor, "B C h w"]:
        return primary + F.relu(self.conv(primary))


class DistantTokenNet(nn.Module):
    """(F_p, F_s) of scenes to four numbers in every cell; `middle` is what differs."""

    def __init__(self, variant: Variant) -> None:
        super().__init__()
        # Without bias: an empty cell stays zero.
        self.stem = nn.Conv2d(NAMES + NUMBERS, CHANNELS, 1, bias=False)
        self.middle = _middle(variant)
        self.readout = nn.Conv2d(CHANNELS, NUMBERS, 1)

    def forward(self, scenes: Scenes) -> Float[Tensor, "B 8 4"]:
        """The hidden cells' numbers."""
        y = self.middle(self.stem(scenes.primary), self.stem(scenes.secondary))
        tokens = self.readout(y).flatten(2).mT  # B 81 4
        return tokens.gather(1, scenes.hidden[..., None].expand(-1, -1, NUMBERS))


def train(variant: Variant, seed: int, steps: int = 300, batch: int = 32) -> DistantTokenNet:
    """A network from nothing, on scenes that are drawn anew in every step; some seconds."""
    torch.manual_seed(seed)
    network, generator = DistantTokenNet(variant), torch.Generator().manual_seed(seed)
    trained = [p for p in network.parameters() if p.requires_grad]
    adam = torch.optim.AdamW(trained, lr=3e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(adam, max_lr=3e-3, total_steps=steps)
    for _ in range(steps):
        scenes = make_scenes(batch, generator, variant.empty_keys)
        loss = F.mse_loss(network(scenes), scenes.answers)
        adam.zero_grad()
        loss.backward()
        adam.step()
        schedule.step()
    return network.eval()


def score(network: DistantTokenNet, variant: Variant, count: int = 2000) -> dict[str, float]:
    """Squared error where the answer is told, and where it is a stranger's, on unseen scenes.

    In units of the answers' mean square, 1: silence scores 1 and 0. For FIT also the mean gate at
    both, and `mass`, the softmax's share on the one right cell (with empty keys).
    """
    scenes = make_scenes(count, torch.Generator().manual_seed(2**31), variant.empty_keys)
    with torch.no_grad(), record(network) as maps:
        error = (network(scenes) - scenes.answers).square().mean(dim=2)
    found = _told_and_stranger("", error)
    if "middle.0.gate" in maps:
        gates = maps["middle.0.gate"].flatten(1).gather(1, scenes.hidden)
        found |= _told_and_stranger("gate_", gates)
    if "middle.0.softmax" in maps and variant.empty_keys:
        scene = torch.arange(count)[:, None]
        mass = maps["middle.0.softmax"][scene, 0, scenes.hidden[:, :TOLD], scenes.told_at]
        found["mass"] = mass.mean().item()
    return {name: round(value, 4) for name, value in found.items()}


def run(output: Path, seeds: int = 3, steps: int = 300) -> dict[str, Any]:
    """Train every variant from every seed, and write OUTPUT/distant_token.json."""
    made_by = origin(COMMAND)  # of the source that runs, whatever is committed meanwhile
    started, started_cpu = time.monotonic(), time.process_time()
    reach = {name: _runs(variant, seeds, steps) for name, variant in REACH.items()}
    silence: list[dict[str, Any]] = [
        {"gate": gate, "mlp": mlp, "empty_keys": empty}
        | {"runs": reach[name] if name else _runs(variant, seeds, steps)}
        for (gate, mlp, empty), variant in SILENCE.items()
        for name in [next((n for n, v in REACH.items() if v == variant), "")]
    ]
    result = {
        "claim": "FIT fetches what a distant token tells; short convolutions and F_p cannot",
        "holds": _holds(reach),
        **made_by,
        "minutes": round((time.monotonic() - started) / 60, 2),
        "cpu_minutes": round((time.process_time() - started_cpu) / 60, 2),
        "seeds": list(range(seeds)),
        "steps": steps,
        "reach": [{"network": name, "runs": runs} | _spread(runs) for name, runs in reach.items()],
        "silence": [row | _spread(row["runs"]) for row in silence],
        "configuration": {name: asdict(variant) for name, variant in REACH.items()},
    }
    write_json(output / "distant_token.json", result)
    return result


def _runs(variant: Variant, seeds: int, steps: int) -> list[dict[str, float]]:
    return [score(train(variant, seed, steps), variant) for seed in range(seeds)]


def _spread(runs: list[dict[str, float]]) -> dict[str, Any]:
    return {"spread": {name: spread([run[name] for run in runs]) for name in runs[0]}}


def _holds(reach: dict[str, list[dict[str, float]]]) -> bool:
    out_of_reach = reach["convolutions, 3 cells"] + reach["F_p alone"]
    return all(run["told"] < SOLVED for run in reach["FIT"]) and all(
        run["told"] > FAILED for run in out_of_reach
    )


def _told_and_stranger(name: str, values: Float[Tensor, "B 8"]) -> dict[str, float]:
    told, stranger = values[:, :TOLD].mean().item(), values[:, TOLD:].mean().item()
    return {f"{name}told": told, f"{name}stranger": stranger}


def _middle(variant: Variant) -> nn.Module:
    if variant.middle == "convolution":
        return Convolutions(variant.layers)
    if variant.middle == "primary":
        return PrimaryAlone()
    block = AttentionBlock(CHANNELS, SIDE, 1, 2, variant.gate, query_residual=False)
    if not variant.mlp:
        for parameter in block.mlp.narrow.parameters():
            nn.init.zeros_(parameter).requires_grad_(False)
    fit = FIT([block], ResidualMerge())
    initialise.position_scale(fit, 0.02)
    return fit


def _to_map(tokens: Float[Tensor, "B 81 C"]) -> Float[Tensor, "B C 9 9"]:
    return tokens.mT.unflatten(2, (SIDE, SIDE))
