"""Times by turns, medians, ratios: what every part of `make bench` is measured with."""

import argparse
import statistics
import time
from collections.abc import Callable

from torch import Tensor

Outputs = dict[str, Tensor]
Runner = Callable[[Tensor], Outputs]


def take_turns(
    actions: dict[str, Callable[[], object]], options: argparse.Namespace
) -> dict[str, list[float]]:
    """Seconds of each action in each round, after one that is not counted."""
    clock = time.process_time if options.cpu else time.perf_counter
    times: dict[str, list[float]] = {name: [] for name in actions}
    for action in actions.values():
        action()
    for _ in range(options.rounds):
        for name, action in actions.items():
            start = clock()
            action()
            times[name].append(clock() - start)
    return times


def report(
    title: str, times: dict[str, list[float]], notes: dict[str, str] | None = None
) -> dict[str, float]:
    """Print the medians and return how many times as fast as the first each is."""
    medians = {name: statistics.median(values) for name, values in times.items()}
    first = next(iter(medians.values()))
    ratios = {name: first / median for name, median in medians.items()}
    print(title)
    for name, median in medians.items():
        note = (notes or {}).get(name, "")
        print(
            f"  {name:20} {1000 * median:8.0f} ms  {ratios[name]:5.2f}  {note}".rstrip(),
            flush=True,
        )
    return ratios
