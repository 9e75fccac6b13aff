"""What a run has recorded: every loss term at every step, and scores on validation data."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass
class History:
    """Columns of equal length: `images` seen after each step, and each loss term at that step.

    `scores` has its own, shorter columns: images, root_aligned and procrustes (metres), of videos
    acceleration (metres per frame²), and only grows where validation data were given.
    """

    images: list[float] = field(default_factory=list)
    terms: dict[str, list[float]] = field(default_factory=dict)
    scores: dict[str, list[float]] = field(default_factory=dict)

    def add_step(self, seen: int, terms: Mapping[str, Tensor]) -> None:
        """Record one optimiser step."""
        self.images.append(float(seen))
        for name, value in terms.items():
            self.terms.setdefault(name, []).append(value.item())

    def add_scores(self, **scores: float) -> None:
        """Record one validation."""
        for name, value in scores.items():
            self.scores.setdefault(name, []).append(value)

    def to_tensors(self) -> dict[str, Tensor]:
        """The columns as float64, named term.NAME and score.NAME, exact."""
        columns = {"images": self.images}
        columns |= {f"term.{name}": column for name, column in self.terms.items()}
        columns |= {f"score.{name}": column for name, column in self.scores.items()}
        return {
            name: torch.tensor(column, dtype=torch.float64) for name, column in columns.items()
        }

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> "History":
        """Inverse of `to_tensors`."""
        columns = {name: tensor.tolist() for name, tensor in tensors.items()}

        def group(kind: str) -> dict[str, list[float]]:
            return {
                name.removeprefix(kind): column
                for name, column in columns.items()
                if name.startswith(kind)
            }

        return cls(columns["images"], group("term."), group("score."))
