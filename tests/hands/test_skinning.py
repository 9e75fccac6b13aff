"""Skinning against a slow loop, its gradients against finite differences."""

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

from handlib.hands.skinning import skin, skin_and_pick


def test_skinning_gradients() -> None:
    """More samples than are skinned at a time, and second derivatives."""
    weights = torch.rand(5, 4, dtype=torch.float64)
    for batch, check in ((40, gradcheck), (2, gradgradcheck)):
        transforms = torch.randn(batch, 4, 3, 4, dtype=torch.float64, requires_grad=True)
        points = torch.randn(batch, 3, 5, dtype=torch.float64, requires_grad=True)
        assert check(lambda t, p: skin(t, p, weights), (transforms, points), fast_mode=True)


def test_skinning_by_loops() -> None:
    transforms, points = torch.randn(3, 4, 3, 4), torch.randn(3, 3, 5)
    weights = torch.rand(5, 4)
    expected = torch.zeros(3, 5, 3)
    for sample, vertex, joint in np.ndindex(3, 5, 4):
        turn, shift = transforms[sample, joint].split([3, 1], dim=1)
        moved = turn @ points[sample, :, vertex] + shift[:, 0]
        expected[sample, vertex] += weights[vertex, joint] * moved
    torch.testing.assert_close(skin(transforms, points, weights), expected)


@pytest.mark.parametrize("batch", [1, 3])
def test_picked_points_and_their_gradients(batch: int) -> None:
    """One point twice, and a gradient that the caller still needs."""
    transforms, points = torch.randn(batch, 4, 3, 4), torch.randn(batch, 3, 5, requires_grad=True)
    weights, picked = torch.rand(5, 4), torch.tensor([4, 0, 4])
    given = (torch.randn(batch, 5, 3), torch.randn(batch, 3, 3))
    kept = [x.clone() for x in given]
    outputs = skin_and_pick(transforms, points, weights, picked)
    (found,) = torch.autograd.grad(outputs, points, given)
    vertices = skin(transforms, points, weights)
    assert torch.equal(outputs[1], vertices[:, picked])
    (expected,) = torch.autograd.grad((vertices, vertices[:, picked]), points, given)
    torch.testing.assert_close(found, expected)
    assert all(torch.equal(a, b) for a, b in zip(given, kept, strict=True))
