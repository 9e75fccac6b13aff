"""Temporal encoders that Deformer's paper compares with, at the size of ours.

Both take the place of `TemporalTransformer`: the same features in, the same two results out. They
follow the idea of VIBE (Kocabas et al. 2020) and TCMR (Choi et al. 2021), not their exact layers:
those read body features of another network.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from handlib.models.record import tap


class RecurrentTemporal(nn.Module):
    """In the manner of VIBE: a gated recurrent network over time, added to what came in."""

    def __init__(self, channels: int, layers: int = 2) -> None:
        super().__init__()
        self.gru = nn.GRU(channels, channels, layers, batch_first=True, bidirectional=True)
        self.back = nn.Linear(2 * channels, channels)

    def forward(
        self, features: Float[Tensor, "B T C"]
    ) -> tuple[Float[Tensor, "B T C"], Float[Tensor, "B C"]]:
        """(features with their context, their mean over time)."""
        states, _ = self.gru(features)  # B T 2C
        memory = tap(self, "memory", features + self.back(states))
        return memory, memory.mean(dim=1)


class PastAndFuture(nn.Module):
    """In the manner of TCMR: the middle frame is also forecast from its past and its future.

    Forecasts do not see the middle frame, so that the network cannot lean on it alone; attention
    weighs them against the reading that does. Other frames keep that reading.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.all = RecurrentTemporal(channels, layers=1)
        self.past = nn.GRU(channels, channels, batch_first=True)
        self.future = nn.GRU(channels, channels, batch_first=True)
        self.score = nn.Linear(channels, 1)

    def forward(
        self, features: Float[Tensor, "B T C"]
    ) -> tuple[Float[Tensor, "B T C"], Float[Tensor, "B C"]]:
        """As `RecurrentTemporal`; frame T // 2 is the weighed one."""
        middle = features.shape[1] // 2
        memory, shape = self.all(features)
        readings = [memory[:, middle]]
        if middle:
            readings.append(self.past(features[:, :middle])[0][:, -1])
        if middle + 1 < features.shape[1]:
            readings.append(self.future(features[:, middle + 1 :].flip(1))[0][:, -1])
        stacked = torch.stack(readings, dim=1)  # B 3 C
        weights = tap(self, "weights", self.score(stacked).softmax(dim=1))
        centre = (weights * stacked).sum(dim=1, keepdim=True)
        return torch.cat([memory[:, :middle], centre, memory[:, middle + 1 :]], dim=1), shape
