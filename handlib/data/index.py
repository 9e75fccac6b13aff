"""The index of a data set on disk: arrays made once and mapped into memory ever after.

Half a million frames are looked at once, with a bar that says how far it is. Later openings read
nothing but the names of files: arrays come from the cache page by page, and a worker process maps
the same pages in place of a copy.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from handlib.data.synthetic.cache import CacheError, cache_root

INDEX_VERSION = 2
"""Raise it with every change of what an index holds: old ones are then left alone."""


class Index:
    """Named arrays of one folder in the cache, read-only; `notes` are arrays to write into."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._arrays: dict[str, np.ndarray] = {}

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._arrays:
            self._arrays[name] = _map(self.folder / f"{name}.npy", "r")
        return self._arrays[name]

    def __contains__(self, name: str) -> bool:
        return (self.folder / f"{name}.npy").is_file()

    def notes(self, name: str, count: int) -> np.ndarray:
        """`count` floats that every process shares, NaN until somebody writes them."""
        name = f"notes-{name}"
        if name not in self._arrays:
            path = self.folder / f"{name}.npy"
            if not path.is_file():
                _write_array(path, np.full(count, np.nan, np.float32))
            self._arrays[name] = _map(path, "r+")
        return self._arrays[name]

    def __getstate__(self) -> dict[str, Any]:
        # A mapped array would be pickled with all its contents: a worker maps it anew.
        return {"folder": self.folder, "_arrays": {}}


def open_index(kind: str, key: Any, make: Callable[[], Mapping[str, np.ndarray]]) -> Index:
    """The index for `key`, made by `make` if the cache has none; two processes make it once.

    key: all that the index depends on, such as the root and `stamps` of the lists of frames.

    Raises:
        CacheError: the cache cannot be written.
    """
    digest = hashlib.sha256(json.dumps([INDEX_VERSION, key]).encode()).hexdigest()[:16]
    folder = cache_root() / "index" / f"{kind}-{digest}"
    if folder.is_dir():
        return Index(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if not folder.is_dir():
                _write(folder, make())
    except (PermissionError, NotADirectoryError) as error:
        if str(folder.parent) not in str(error):
            raise
        raise CacheError(
            f"{folder}: the index of {kind} cannot be written ({error}). "
            "Set HANDLIB_CACHE to a folder that can be written."
        ) from error
    return Index(folder)


def stamps(root: Path, paths: Iterable[Path]) -> list[tuple[str, int, int]]:
    """Name, size and time of change of files and folders: what tells an index is out of date."""
    found = [(path, path.stat()) for path in paths]
    return [(str(path.relative_to(root)), s.st_size, s.st_mtime_ns) for path, s in found]


def _write(folder: Path, arrays: Mapping[str, np.ndarray]) -> None:
    draft = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".draft-"))
    try:
        for name, array in arrays.items():
            np.save(draft / f"{name}.npy", array, allow_pickle=False)
        os.replace(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _write_array(path: Path, array: np.ndarray) -> None:
    """In one step; of two processes the later one wins, with the same empty array."""
    draft = path.with_name(f".{path.name}-{os.getpid()}.npy")
    np.save(draft, array, allow_pickle=False)
    os.replace(draft, path)


def _map(path: Path, mode: Any) -> np.ndarray:
    try:
        if path.stat().st_size and np.load(path, mmap_mode="r", allow_pickle=False).size:
            return np.load(path, mmap_mode=mode, allow_pickle=False)
        return np.load(path, allow_pickle=False)  # an empty array cannot be mapped
    except (ValueError, EOFError, OSError) as error:
        raise CacheError(
            f"{path}: expected an array of an index, but {error}. Delete the folder "
            f"{path.parent.name}; it will be made again."
        ) from error
