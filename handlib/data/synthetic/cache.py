"""Finished images on disk, made once: shards of some 64 that every process maps into memory.

A shard is one .npy file of records, written beside its final name and moved there in one step, so
it is either whole or absent: generation can be interrupted, goes on where it stopped, and a
larger set grows out of a smaller one. A file lock keeps two processes from making the same set.
"""

import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock
from platformdirs import user_cache_path
from tqdm.auto import tqdm

SHARD = 64
"""Records per file, unless a recipe says otherwise."""


class CacheError(RuntimeError):
    """The cache cannot be written or a file in it is damaged."""


def cache_root() -> Path:
    """Folder of all caches: HANDLIB_CACHE if it is set, else the user's cache folder."""
    chosen = os.environ.get("HANDLIB_CACHE")
    return Path(chosen) if chosen else user_cache_path("handlib")


def write_shard(folder: Path, number: int, records: np.ndarray) -> None:
    """Move a finished shard into place in one step.

    Raises:
        CacheError: the disk is full.
    """
    draft = folder / f".{number:06d}-{os.getpid()}.tmp"
    try:
        with draft.open("wb") as file:
            np.save(file, records, allow_pickle=False)
        os.replace(draft, shard_path(folder, number))
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise CacheError(_full(folder, records.nbytes)) from error
        raise
    finally:
        draft.unlink(missing_ok=True)


def shard_path(folder: Path, number: int) -> Path:
    """File of shard `number`."""
    return folder / f"{number:06d}.npy"


def open_shard(folder: Path, number: int) -> np.ndarray:
    """Map a shard into memory.

    Raises:
        CacheError: the file is damaged.
    """
    path = shard_path(folder, number)
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise CacheError(
            f"{path} is no whole shard of images ({error}). "
            "Delete this file; it will be made again."
        ) from error


def missing_shards(folder: Path, count: int) -> list[int]:
    """Shards among the first `count` that are not on disk."""
    return [number for number in range(count) if not shard_path(folder, number).exists()]


@dataclass(frozen=True)
class Recipe:
    """How the records of one folder are made.

    make: renders a shard in this process. command: a program that takes a JSON list of shard
    numbers as its last argument, and writes these shards into the folder. shard: records per file.
    """

    folder: Path
    record_bytes: int
    make: Callable[[int], np.ndarray]
    command: tuple[str, ...]
    label: str
    shard: int = SHARD


def fill(recipe: Recipe, size: int) -> None:
    """Make the shards that the first `size` records need and that are not there yet.

    Raises:
        CacheError: there is not enough room on the disk, or making them failed.
    """
    count = -(-size // recipe.shard)
    if not missing_shards(recipe.folder, count):
        return
    _create(recipe.folder)
    with FileLock(recipe.folder / "lock"):
        missing = missing_shards(recipe.folder, count)
        _check_room(recipe.folder, len(missing) * recipe.shard * recipe.record_bytes)
        _remove_leftovers(recipe.folder)
        images = len(missing) * recipe.shard
        with tqdm(total=images, desc=recipe.label, unit="image", leave=False) as bar:
            if min(len(missing), _cores()) > 1:
                _fill_in_processes(recipe, missing, bar)
                return
            for number in missing:
                write_shard(recipe.folder, number, recipe.make(number))
                bar.update(recipe.shard)


def _fill_in_processes(recipe: Recipe, missing: list[int], bar: tqdm) -> None:
    """One process per core. Plain programs need no guard in the user's script, and no fork.

    Their standard input is a pipe from here: when this process is gone, they stop.
    """
    workers = min(len(missing), _cores())
    environment = os.environ | {
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(sys.path),  # a notebook may have found the package by path
    }
    with tempfile.TemporaryFile("w+", encoding="utf-8") as log:
        processes = [
            subprocess.Popen(
                [*recipe.command, json.dumps(missing[k::workers])],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=environment,
            )
            for k in range(workers)
        ]
        try:
            while any(process.poll() is None for process in processes):
                time.sleep(0.1)
                left = len(missing_shards(recipe.folder, max(missing) + 1))
                done = (len(missing) - left) * recipe.shard
                bar.update(done - bar.n)
        finally:
            for process in processes:
                process.terminate()
                process.communicate()
        if any(process.returncode for process in processes):
            log.seek(0)
            raise CacheError(f"making {recipe.label} failed:\n{log.read()[-2000:]}")


def stop_with_parent() -> None:
    """End this process when the one that started it closes the pipe to it, however it ended."""

    def watch() -> None:
        sys.stdin.read()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _cores() -> int:
    return (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )


def _create(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CacheError(
            f"cannot create the cache folder {folder} ({error}). "
            "Set HANDLIB_CACHE to a folder that can be written, or use cache=False."
        ) from error


def _check_room(folder: Path, needed: int) -> None:
    if shutil.disk_usage(folder).free < needed + 2**26:
        raise CacheError(_full(folder, needed))


def _full(folder: Path, needed: int) -> str:
    free = shutil.disk_usage(folder).free
    return (
        f"not enough room for {needed / 2**20:.0f} MiB of images in {folder} "
        f"({free / 2**20:.0f} MiB free). Free some, ask for fewer images, or set HANDLIB_CACHE "
        "to a folder on another disk."
    )


def _remove_leftovers(folder: Path) -> None:
    """Half-written files of an interrupted run; the lock says that nobody is writing them."""
    for path in folder.glob(".*.tmp"):
        path.unlink(missing_ok=True)
