"""maxMSE against a slow loop, its bounds, its gradient in closed form, and zero error."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from handlib.max_mse import max_mse, max_mse_weights, squared_errors


def slow(predicted, target):
    total = 0.0
    for sample, truth in zip(predicted.tolist(), target.tolist(), strict=True):
        errors = [
            sum((a - b) ** 2 for a, b in zip(p, t, strict=True))
            for p, t in zip(sample, truth, strict=True)
        ]
        total += sum(e * e for e in errors) / sum(errors)
    return total / len(predicted)


def test_equals_the_sums():
    predicted, target = torch.randn(2, 4, 9, 3, dtype=torch.float64)
    assert max_mse(predicted, target).item() == pytest.approx(slow(predicted, target))
    assert max_mse(predicted, target, detach=True).item() == pytest.approx(slow(predicted, target))


@given(st.lists(st.floats(0, 1e3), min_size=1, max_size=8))
def test_lies_between_the_mean_error_and_the_largest(distances):
    points = torch.tensor(distances, dtype=torch.float64)[:, None]
    errors = points.square()
    value = max_mse(points, torch.zeros_like(points))
    assert errors.mean() * (1 - 1e-9) <= value <= errors.max() * (1 + 1e-9)
    assert max_mse_weights(errors.squeeze(1)).sum().item() in (0, pytest.approx(1))


def test_equal_errors_are_d_times_the_mean_squared_error():
    target = torch.randn(2, 5, 3)
    predicted = target + torch.tensor([0.1, -0.2, 0.3])
    mse = (predicted - target).square().mean()
    assert max_mse(predicted, target).item() == pytest.approx(3 * mse.item(), rel=1e-4)


def test_gradient_with_given_weights_is_theirs_times_the_plain_one():
    predicted = torch.randn(1, 6, 3, dtype=torch.float64, requires_grad=True)
    target = torch.zeros_like(predicted)
    max_mse(predicted, target, detach=True).backward()
    weights = max_mse_weights(squared_errors(predicted, target)).detach()
    assert torch.allclose(predicted.grad, weights[..., None] * 2 * predicted.detach())


def test_gradient_through_the_weights_in_closed_form():
    """d/de_i of Σe²/Σe is 2·w_i − maxMSE: points below half the value are pushed away."""
    predicted = torch.randn(1, 6, 3, dtype=torch.float64, requires_grad=True)
    target = torch.zeros_like(predicted)
    value = max_mse(predicted, target)
    value.backward()
    errors = squared_errors(predicted, target).detach()
    slope = 2 * errors / errors.sum() - value.detach() / errors.sum()
    assert torch.allclose(predicted.grad, slope[..., None] * 2 * predicted.detach())


@pytest.mark.parametrize("detach", [False, True])
def test_zero_error_gives_zero_and_a_zero_gradient(detach):
    predicted = torch.zeros(2, 4, 3, requires_grad=True)
    value = max_mse(predicted, torch.zeros(2, 4, 3), detach)
    value.backward()
    assert value.item() == 0 and torch.equal(predicted.grad, torch.zeros(2, 4, 3))


def test_samples_count_alike():
    predicted = torch.stack([torch.full((4, 3), 0.1), torch.full((4, 3), 10.0)])
    both = max_mse(predicted, torch.zeros(2, 4, 3))
    alone = [max_mse(p[None], torch.zeros(1, 4, 3)) for p in predicted]
    assert both.item() == pytest.approx(sum(alone).item() / 2)
