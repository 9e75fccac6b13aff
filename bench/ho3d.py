"""HO-3D's fourteen scores against the evaluation as written down, in nested loops over vertices.

The loops (tests/evaluation/plain_ho3d.py) get one sample, ours many, both in time per sample,
after all scores of that one sample agreed. `row by row` is the F-score of the loops with the inner
one in NumPy, four comparisons both ways: printed without a claim. The last line scales our time
to the 11,524 images of version 2.
"""

import argparse
from functools import partial

import numpy as np
import torch
from plain_ho3d import ho3d_scores as plain_scores

from bench.turns import take_turns
from handlib.hands.hand_model import load_hand
from handlib.hands.skeleton import COMMON_TO_HO3D
from handlib.metrics import ho3d_scores

SAMPLES = 256
IMAGES = 11_524
EQUAL = 1e-6
ROUNDS = 3


def run(options: argparse.Namespace) -> float:
    """How many times as fast as the loops, per sample, after the scores agreed."""
    many = samples(SAMPLES)
    one = [array[:1] for array in many]
    expected, found = plain_scores(*one), ho3d_scores(*one)
    for name, score in expected.items():
        if not abs(score - found[name]) <= EQUAL:
            raise SystemExit(f"HO-3D: {name} is {found[name]:.8f}, in loops {score:.8f}")
    few = argparse.Namespace(rounds=min(options.rounds, ROUNDS), cpu=options.cpu)
    times = take_turns(
        {
            "plain": partial(plain_scores, *one),
            "row by row": partial(f_scores_by_row, many[2][0], many[3][0]),
            "ho3d_scores": partial(ho3d_scores, *many),
        },
        few,
    )
    each = {name: float(np.median(values)) for name, values in times.items()}
    each["ho3d_scores"] /= SAMPLES
    print("HO-3D's scores, per sample of 778 vertices")
    for name, seconds in each.items():
        print(f"  {name:20} {1000 * seconds:8.2f} ms  {each['plain'] / seconds:7.1f}")
    total = IMAGES * each["ho3d_scores"]
    print(f"  {IMAGES:,} images: {total:.0f} s, from {SAMPLES}", flush=True)
    return each["plain"] / each["ho3d_scores"]


def samples(count: int) -> list[np.ndarray]:
    """Hands as true and as predicted with errors of about 1 cm; joints in HO-3D's order."""
    hand = load_hand()
    pose, betas = 0.3 * torch.randn(count, 16, 3), torch.randn(count, 10)
    true = hand(pose, betas)
    guess = hand(pose + 0.1 * torch.randn_like(pose), betas + 0.3 * torch.randn_like(betas))
    offset = 0.005 * torch.randn(count, 1, 3)
    order = list(COMMON_TO_HO3D)
    arrays = true.joints[:, order], guess.joints[:, order] + offset
    surfaces = true.vertices, guess.vertices + offset
    return [array.double().numpy() for array in (*arrays, *surfaces)]


def f_scores_by_row(one: np.ndarray, other: np.ndarray) -> None:
    """The work of F at two thresholds, raw and aligned, with one row of distances at a time."""
    for _ in range(4):
        for points, others in ((one, other), (other, one)):
            for point in points:
                np.linalg.norm(others - point, axis=1).min()
