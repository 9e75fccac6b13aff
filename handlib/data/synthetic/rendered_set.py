"""What rendered images and rendered videos share: samples from the cache, or made on the spot."""

import hashlib
import json
import sys
from abc import ABC, abstractmethod
from dataclasses import asdict
from functools import cached_property, lru_cache
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch.utils.data import Dataset

from handlib.data.sample import HandSample
from handlib.data.synthetic.cache import (
    SHARD,
    Recipe,
    cache_root,
    fill,
    open_shard,
    stop_with_parent,
    write_shard,
)
from handlib.data.synthetic.objects import SPLITS, Split
from handlib.data.synthetic.records import layout, pack, unpack
from handlib.data.synthetic.stills import Still
from handlib.hands.hand_model import HandModel, load_hand

_ASSETS = ("MANO_RIGHT.npz", "corpus.npz", "poses.json")


class RenderedSet(Dataset[HandSample], ABC):
    """`count` images of a split that are rendered on first use and kept on disk.

    A subclass says how image `index` is made (`render`), and all that shapes it (`_stamp`,
    `_name`, `_options`).

    Raises:
        ValueError: unknown split, or a seed or resolution that cannot be.
        CacheError: the cache cannot be written.
    """

    kind: ClassVar[str]
    """The folder in the cache."""
    config_type: ClassVar[type]
    config: Any
    shard = SHARD
    """Images in a file of the cache."""

    def __init__(self, split: Split, count: int, seed: int, resolution: int, cache: bool) -> None:
        if split not in SPLITS:
            raise ValueError(f"split: expected one of {', '.join(SPLITS)}, found {split!r}")
        if count < 1 or seed < 0:
            raise ValueError(f"expected size >= 1 and seed >= 0, found {count} and {seed}")
        if resolution < 32 or resolution % 4:
            raise ValueError(
                f"resolution: expected a multiple of 4 from 32 on, found {resolution}"
            )
        self.split, self.seed, self.resolution = split, seed, resolution
        self._count, self.cache = count, cache
        self._shards: dict[int, np.ndarray] = {}
        if cache:
            fill(self._recipe(), count)

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> HandSample:
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} of a set of {len(self)} images")
        index = int(index) % len(self)
        if not self.cache:
            return unpack(pack(self.render(index), self.resolution))
        number, row = divmod(index, self.shard)
        if number not in self._shards:
            self._shards[number] = open_shard(self.folder, number)
        return unpack(self._shards[number][row])

    def __getstate__(self) -> dict[str, Any]:
        # Maps and the hand stay behind: a worker opens its own.
        return self.__dict__ | {"_shards": {}}

    @abstractmethod
    def render(self, index: int) -> Still:
        """The image anew, with the scene it shows."""

    @cached_property
    def folder(self) -> Path:
        """Where this set is kept; the name changes with everything that shapes the images."""
        key = hashlib.sha256(json.dumps(self._stamp()).encode()).hexdigest()[:12]
        return cache_root() / self.kind / f"{self._name()}-{key}"

    @abstractmethod
    def _stamp(self) -> list[Any]:
        """What the key is made of."""

    def _name(self) -> str:
        return f"{self.split}-{self.seed}-{self.resolution}"

    def _options(self) -> dict[str, Any]:
        """Arguments that make the same set in another process, the configuration apart."""
        return {"split": self.split, "seed": self.seed, "resolution": self.resolution}

    def _recipe(self) -> Recipe:
        kind = type(self)
        spec = json.dumps([kind.__module__, kind.__name__, self._options(), asdict(self.config)])
        program = f"from {__name__} import work; work({spec!r})"
        return Recipe(
            folder=self.folder,
            record_bytes=layout(self.resolution).itemsize,
            make=self._render_shard,
            command=(sys.executable, "-c", program),
            label=f"{self.split} images",
            shard=self.shard,
        )

    def _render_shard(self, number: int) -> np.ndarray:
        indices = range(number * self.shard, (number + 1) * self.shard)
        return np.stack([pack(self.render(index), self.resolution) for index in indices])


def work(spec: str) -> None:
    """Render the shards named by the last argument of the command line: a worker's whole life."""
    stop_with_parent()
    torch.set_num_threads(1)
    module, name, options, config = json.loads(spec)
    kind = getattr(import_module(module), name)
    lists = {key: tuple(value) for key, value in config.items() if isinstance(value, list)}
    images = kind(size=1, cache=False, config=kind.config_type(**(config | lists)), **options)
    for number in json.loads(sys.argv[-1]):
        write_shard(images.folder, number, images._render_shard(number))


@lru_cache(maxsize=1)
def shipped_hand() -> HandModel:
    """The hand of all synthetic images."""
    return load_hand()


@lru_cache(maxsize=1)
def asset_digests() -> list[str]:
    """Of the files that shape every synthetic image."""
    folder = files("handlib") / "assets"
    return [hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in _ASSETS]
