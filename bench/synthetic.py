"""How fast synthetic images are made: a cold cache, one process per core, start-up included.

The aim is 120 finished images of 128 pixels a second on two cores.
"""

import os
import tempfile
import time
from unittest import mock

from handlib.data.synthetic import SyntheticHands

IMAGES = 1536


def run(images: int = IMAGES) -> float:
    """Make a set in a temporary cache; prints and returns images per second."""
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.dict(os.environ, {"HANDLIB_CACHE": folder}),
    ):
        start = time.perf_counter()
        SyntheticHands("train", images)
        rate = images / (time.perf_counter() - start)
        start = time.perf_counter()
        hands = SyntheticHands("train", images)
        opened = time.perf_counter() - start
        for index in range(images):
            hands[index]
        read = (time.perf_counter() - start - opened) / images
    print(f"synthetic images: made {rate:.0f} a second; opened in {1e3 * opened:.1f} ms,", end=" ")
    print(f"read in {1e3 * read:.2f} ms each")
    return rate


if __name__ == "__main__":
    run()
