"""How a value moves from one goal to the next: minimum-jerk moves that may overlap, and tremor.

Arm movements are close to those of least jerk (Flash and Hogan, "The Coordination of Arm
Movements", Journal of Neuroscience 5, 1985), and a change of goal in the middle of a move looks as
if a second move were added to the first (Flash and Henis, "Arm Trajectory Modifications during
Reaching towards Visual Targets", Journal of Cognitive Neuroscience 3, 1991).
"""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float


def minimum_jerk(phase: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """Share of the way done at a share of the time; no speed or acceleration at either end."""
    t = np.clip(phase, 0, 1)
    return t * t * t * (10 - 15 * t + 6 * t * t)


@dataclass(frozen=True)
class Track:
    """D values that follow K moves: the sum of all moves so far, each from key k to key k + 1.

    start, end: of each move, in seconds, neither ever going back. Then every value is a convex
    combination of its keys: limits that all keys keep are kept on the way.
    lag: seconds by which each value comes later than the others.
    """

    start: Float[np.ndarray, " K"]
    end: Float[np.ndarray, " K"]
    keys: Float[np.ndarray, "K+1 D"]
    lag: Float[np.ndarray, " D"] | float = 0.0

    def at(self, time: Float[np.ndarray, " T"]) -> Float[np.ndarray, "T D"]:
        """The values at these times."""
        late = time[:, None, None] - self.lag - self.start[:, None]  # T K D
        done = minimum_jerk(late / (self.end - self.start)[:, None])
        return self.keys[0] + (done * np.diff(self.keys, axis=0)).sum(1)


@dataclass
class Moves:
    """A track in the making."""

    keys: list[np.ndarray]
    start: list[float] = field(default_factory=list)
    end: list[float] = field(default_factory=list)

    def add(self, start: float, duration: float, key: np.ndarray) -> None:
        """A move to `key`; it may begin before the last one has come to its end."""
        self.start.append(max([start, *self.start[-1:]]))
        self.end.append(max([start + duration, *self.end[-1:]]))
        self.keys.append(key)

    def track(self, lag: Float[np.ndarray, " D"] | float = 0.0) -> Track:
        """All moves so far."""
        return Track(np.array(self.start), np.array(self.end), np.stack(self.keys), lag)


@dataclass(frozen=True)
class Tremor:
    """Slow small movements of a hand that is held still, never larger than `amplitude`."""

    amplitude: Float[np.ndarray, " D"]
    frequency: Float[np.ndarray, "3 D"]
    phase: Float[np.ndarray, "3 D"]

    @classmethod
    def draw(cls, rng: np.random.Generator, amplitude: Float[np.ndarray, " D"]) -> "Tremor":
        """Three waves of 0.2 to 0.9 Hz for each value."""
        shape = (3, len(amplitude))
        return cls(amplitude, rng.uniform(0.2, 0.9, shape), rng.uniform(0, 2 * np.pi, shape))

    def at(self, time: Float[np.ndarray, " T"]) -> Float[np.ndarray, "T D"]:
        """What it adds at these times."""
        angle = 2 * np.pi * self.frequency * time[:, None, None] + self.phase
        return self.amplitude * np.sin(angle).mean(1)
