"""Skinning against a slow loop, its gradients against finite differences."""

import numpy as np
import torch
from torch.autograd import gradcheck, gradgradcheck

from handlib.hands.skinning import skin


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
