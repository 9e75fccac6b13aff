"""Wall time and peak memory of a notebook's kernel, measured from outside while it runs."""

import threading
import time

import psutil

SAMPLE_SECONDS = 0.2


class KernelUsage:
    """Samples the resident memory of a process and its children until `stop` is called."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._started = time.monotonic()
        self._done = threading.Event()
        self._peak_bytes = 0
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def _sample(self) -> None:
        finished = False
        while not finished:
            finished = self._done.wait(SAMPLE_SECONDS)  # and once more at the end
            self._peak_bytes = max(self._peak_bytes, resident_bytes(self._process))

    def stop(self) -> tuple[float, float]:
        """Returns minutes since the start and the peak in MB (1e6 bytes)."""
        self._done.set()
        self._thread.join()
        return (time.monotonic() - self._started) / 60, self._peak_bytes / 1e6


def resident_bytes(process: psutil.Process) -> int:
    """Memory of a process and its children; 0 once it has ended."""
    try:
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    total = 0
    for member in family:
        try:
            total += member.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total
