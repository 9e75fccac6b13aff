"""How fast synthetic images and clips are made: a cold cache, two processes, start-up included.

The aims, on two free cores at 128 pixels: 120 images a second, 150 frames of clips a second.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest import mock

from handlib.data.synthetic import SyntheticHands, SyntheticSequences
from handlib.data.synthetic.rendered_set import RenderedSet

IMAGES = 4096  # as many as a short training uses: imports and the first objects weigh little
FRAMES = 32  # in a clip
AIM, FRAMES_AIM = 120, 150
CORES = 2


def run(images: int = IMAGES) -> tuple[float, float]:
    """Print and return how many images and how many frames of clips are made a second."""
    clips = max(1, images // FRAMES)
    stills = _time("images", AIM, lambda: SyntheticHands("train", images))
    frames = _time("frames", FRAMES_AIM, lambda: SyntheticSequences("train", clips, frames=FRAMES))
    return stills, frames


def _time(what: str, aim: int, make: Callable[[], RenderedSet]) -> float:
    """Make a set in a temporary cache, open it again and read it."""
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.dict(os.environ, {"HANDLIB_CACHE": folder}),
        few_cores() as cores,
    ):
        start, work = time.perf_counter(), _seconds_of_work()
        count = len(make())
        rate = count / (time.perf_counter() - start)
        work = _seconds_of_work() - work
        start = time.perf_counter()
        made = make()
        opened = time.perf_counter() - start
        for index in range(count):
            made[index]
        read = (time.perf_counter() - start - opened) / count
    print(f"synthetic {what}: {count} made on {cores} cores, {rate:.0f} a second (aim: {aim}),")
    print(f"  {1e3 * work / count:.1f} ms of work each, on a busy machine the surer figure;")
    print(f"  opened in {1e3 * opened:.1f} ms, read in {1e3 * read:.2f} ms each", flush=True)
    return rate


def _seconds_of_work() -> float:
    """Of this process and those it has started and waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


@contextmanager
def few_cores() -> Iterator[int]:
    """Keep to two cores where the system can: the aim is for two, whatever the machine has."""
    if not hasattr(os, "sched_setaffinity"):
        yield os.cpu_count() or 1
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:CORES])
    try:
        yield len(os.sched_getaffinity(0))
    finally:
        os.sched_setaffinity(0, before)


if __name__ == "__main__":
    run()
