"""Exponential average of a model's weights: an aid of the course recipe, not of the paper.

At a high learning rate the weights keep jumping about the solution; their average sits in it
(Polyak averaging). Batch-norm statistics are averaged along.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class WeightAverage:
    """Follows the floating-point state of `model`; decay 0 is the plain current state."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.current = {
            name: value.detach()
            for name, value in model.state_dict().items()
            if value.is_floating_point()
        }
        self.average = {name: value.clone() for name, value in self.current.items()}

    def update(self, step: int) -> None:
        """Take in the weights after optimiser step `step` (from 0); early steps weigh more."""
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(list(self.average.values()), list(self.current.values()), 1 - decay)

    def load(self, average: dict[str, Tensor]) -> None:
        """Go on from a saved average."""
        _copy(average, self.average)

    def apply(self) -> None:
        """Put the average into the model, for good."""
        _copy(self.average, self.current)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The model holds the average inside the block and its own weights after it."""
        kept = {name: value.clone() for name, value in self.current.items()}
        self.apply()
        try:
            yield
        finally:
            _copy(kept, self.current)


@torch.no_grad()
def _copy(source: dict[str, Tensor], target: dict[str, Tensor]) -> None:
    for name, value in target.items():
        value.copy_(source[name])
