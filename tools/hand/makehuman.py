"""Read MakeHuman's base mesh, morph targets, phenotype weights and skin weights.

Facts of the files: units are decimetres, y up; groups `joint-*` are little cubes whose centre is
a joint; a target is a sparse list `index dx dy dz` over ALL base vertices, joint cubes included.
"""

import gzip
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

METRES_PER_UNIT = 0.1
AGES = {"baby": 0.0, "child": 0.1875, "young": 0.5, "old": 1.0}
MUSCLES = {"minmuscle": 0.0, "averagemuscle": 0.5, "maxmuscle": 1.0}
WEIGHTS = {"minweight": 0.0, "averageweight": 0.5, "maxweight": 1.0}
RACES = ("african", "asian", "caucasian")


@dataclass(frozen=True)
class BaseMesh:
    """Vertices (N,3) in decimetres, the body's quads, and the vertex ids of each joint cube."""

    vertices: Float[np.ndarray, "N 3"]
    quads: Int[np.ndarray, "Q 4"]
    cubes: Mapping[str, Int[np.ndarray, "K"]]


@dataclass(frozen=True)
class Phenotype:
    """MakeHuman's sliders, each in 0..1; the default is the neutral adult."""

    races: tuple[float, float, float] = (1 / 3, 1 / 3, 1 / 3)
    gender: float = 0.5
    age: float = 0.5
    muscle: float = 0.5
    weight: float = 0.5
    height: float = 0.5
    proportions: float = 0.5


def read_base_mesh(folder: Path) -> BaseMesh:
    """Parse `base.obj`: body quads from group `body`, joints from groups `joint-*`."""
    vertices: list[list[float]] = []
    groups: dict[str, list[list[int]]] = {}
    group = ""
    for line in (folder / "3dobjs/base.obj").read_text().splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "v":
            vertices.append([float(number) for number in rest.split()])
        elif kind == "g":
            group = rest.strip()
        elif kind == "f":
            corners = [int(corner.split("/")[0]) - 1 for corner in rest.split()]
            groups.setdefault(group, []).append(corners)
    cubes = {name: np.unique(faces) for name, faces in groups.items() if name.startswith("joint-")}
    return BaseMesh(np.array(vertices), np.array(groups["body"]), cubes)


class Targets:
    """Morph targets restricted to the given base vertices, read once each."""

    def __init__(self, folder: Path, rows: Int[np.ndarray, "M"], base_size: int) -> None:
        self._folder = folder / "targets"
        self._rows = rows
        self._base_size = base_size
        self.read = cache(self._read)

    def _read(self, name: str) -> Float[np.ndarray, "M 3"] | None:
        path = self._folder / f"{name}.target.gz"
        if not path.exists():
            # MakeHuman ships no file where a combination of sliders changes nothing.
            return None
        dense = np.zeros((self._base_size, 3))
        with gzip.open(path, "rt") as lines:
            for line in lines:
                if line.strip() and not line.startswith("#"):
                    index, *offset = line.split()
                    dense[int(index)] = [float(number) for number in offset]
        return dense[self._rows]


def macro_weights(person: Phenotype) -> dict[str, float]:
    """Weights of the macro targets: products of piecewise-linear slider weights."""
    genders = {"female": 1 - person.gender, "male": person.gender}
    ages = _piecewise(person.age, AGES)
    muscles = _piecewise(person.muscle, MUSCLES)
    fatness = _piecewise(person.weight, WEIGHTS)
    races = dict(zip(RACES, person.races, strict=True))
    weights: dict[str, float] = {}
    for race, gender, age in itertools.product(races, genders, ages):
        name = f"macrodetails/{race}-{gender}-{age}"
        weights[name] = races[race] * genders[gender] * ages[age]
    height = _two_sided(person.height, "minheight", "maxheight")
    shape = _two_sided(person.proportions, "uncommonproportions", "idealproportions")
    for gender, age, muscle, fat in itertools.product(genders, ages, muscles, fatness):
        weight = genders[gender] * ages[age] * muscles[muscle] * fatness[fat]
        body = f"{gender}-{age}-{muscle}-{fat}"
        weights[f"macrodetails/universal-{body}"] = weight
        weights[f"macrodetails/height/{body}-{height[0]}"] = weight * height[1]
        weights[f"macrodetails/proportions/{body}-{shape[0]}"] = weight * shape[1]
    return {name: weight for name, weight in weights.items() if weight > 0}


def read_skin_weights(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Bone name -> (vertex, weight) pairs of MakeHuman's own CC0 weights."""
    path = folder / "rigs/standard/weights.makehuman.json"
    return json.loads(path.read_text())["weights"]


def _piecewise(value: float, anchors: Mapping[str, float]) -> dict[str, float]:
    """Hat functions: at most two neighbouring anchors share the weight 1."""
    positions = list(anchors.values())
    hats = np.eye(len(positions))
    return {
        name: float(np.interp(value, positions, hat))
        for name, hat in zip(anchors, hats, strict=True)
    }


def _two_sided(value: float, low: str, high: str) -> tuple[str, float]:
    """The middle value needs no target; either side grows linearly to 1."""
    return (low if value < 0.5 else high), abs(value - 0.5) * 2
