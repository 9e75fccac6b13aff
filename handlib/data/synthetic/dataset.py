"""`SyntheticHands`: the course's own images of half-hidden hands, with every label exact."""

import hashlib
import json
import sys
from dataclasses import asdict
from functools import cached_property, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from handlib.data.camera import project
from handlib.data.sample import HandMasks, HandSample
from handlib.data.synthetic.cache import (
    SHARD,
    Recipe,
    cache_root,
    fill,
    open_shard,
    stop_with_parent,
    write_shard,
)
from handlib.data.synthetic.config import StillsConfig
from handlib.data.synthetic.objects import SPLITS, Split
from handlib.data.synthetic.stills import Still, make_still
from handlib.hands.hand_model import HandModel, load_hand

RENDERER_VERSION = 4
"""Raise it with every change that alters an image or a label: old caches are then left alone."""

_VISIBLE = 0x80  # bit of the label byte; the others hold the part
_ASSETS = ("MANO_RIGHT.npz", "corpus.npz", "poses.json")


class SyntheticHands(Dataset[HandSample]):
    """Rendered right hands, held objects and things in front of them.

    Image `index` of a split depends on (split, seed, index) alone, whatever the size of the set,
    the order of access or the number of workers. Splits share no pose of the corpus, no object,
    texture, background or person, and no seed. Occlusion is spread over 0 to 0.95.

    With `cache` the images are made on first use, in one process per core, and stay on disk
    (`HANDLIB_CACHE` or the user's cache folder; 65 kB each at 128 pixels). Without it each access
    renders.

    Raises:
        ValueError: unknown split, or a size or resolution that cannot be.
        CacheError: the cache cannot be written.
    """

    def __init__(
        self,
        split: Split,
        size: int,
        seed: int = 0,
        resolution: int = 128,
        cache: bool = True,
        config: StillsConfig | None = None,
    ) -> None:
        if split not in SPLITS:
            raise ValueError(f"split: expected one of {', '.join(SPLITS)}, found {split!r}")
        if size < 1 or seed < 0:
            raise ValueError(f"expected size >= 1 and seed >= 0, found {size} and {seed}")
        if resolution < 32 or resolution % 4:
            raise ValueError(
                f"resolution: expected a multiple of 4 from 32 on, found {resolution}"
            )
        self.split, self.size, self.seed, self.resolution = split, size, seed, resolution
        self.config = config or StillsConfig()
        self.cache = cache
        self._shards: dict[int, np.ndarray] = {}
        if cache:
            fill(self._recipe(), size)

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> HandSample:
        if not -self.size <= index < self.size:
            raise IndexError(f"index {index} of a set of {self.size} images")
        index = int(index) % self.size
        if not self.cache:
            return _sample(_record(self.render(index), self.resolution))
        number, row = divmod(index, SHARD)
        if number not in self._shards:
            self._shards[number] = open_shard(self.folder, number)
        return _sample(self._shards[number][row])

    def __getstate__(self) -> dict[str, Any]:
        # Maps and the hand stay behind: a worker opens its own.
        return self.__dict__ | {"_shards": {}}

    def render(self, index: int) -> Still:
        """The image anew, with the scene it shows."""
        return make_still(
            self.split, self.seed, index, self.resolution, self.config, shipped_hand()
        )

    @cached_property
    def folder(self) -> Path:
        """Where this set is kept; the name changes with everything that shapes the images."""
        stamp = json.dumps([RENDERER_VERSION, asdict(self.config), _asset_digests()])
        key = hashlib.sha256(stamp.encode()).hexdigest()[:12]
        return cache_root() / "stills" / f"{self.split}-{self.seed}-{self.resolution}-{key}"

    def _recipe(self) -> Recipe:
        spec = json.dumps([self.split, self.seed, self.resolution, asdict(self.config)])
        program = f"from handlib.data.synthetic.dataset import work; work({spec!r})"
        return Recipe(
            folder=self.folder,
            record_bytes=_layout(self.resolution).itemsize,
            make=self._render_shard,
            command=(sys.executable, "-c", program),
            label=f"{self.split} images",
        )

    def _render_shard(self, number: int) -> np.ndarray:
        indices = range(number * SHARD, (number + 1) * SHARD)
        return np.stack([_record(self.render(index), self.resolution) for index in indices])


def work(spec: str) -> None:
    """Render the shards named by the last argument of the command line: a worker's whole life."""
    stop_with_parent()
    torch.set_num_threads(1)
    split, seed, resolution, options = json.loads(spec)
    lists = {name: tuple(value) for name, value in options.items() if isinstance(value, list)}
    config = StillsConfig(**(options | lists))
    images = SyntheticHands(split, 1, seed, resolution, cache=False, config=config)
    for number in json.loads(sys.argv[-1]):
        write_shard(images.folder, number, images._render_shard(number))


@lru_cache(maxsize=1)
def shipped_hand() -> HandModel:
    """The hand of all synthetic images."""
    return load_hand()


@lru_cache(maxsize=1)
def _asset_digests() -> list[str]:
    folder = files("handlib") / "assets"
    return [hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in _ASSETS]


def _layout(size: int) -> np.dtype:
    return np.dtype(
        [
            ("image", np.uint8, (3, size, size)),
            ("labels", np.uint8, (size, size)),
            ("intrinsics", np.float32, (3, 3)),
            ("pose", np.float32, (16, 3)),
            ("betas", np.float32, (10,)),
            ("translation", np.float32, (3,)),
            ("joints", np.float32, (21, 3)),
            ("occlusion", np.float32),
            ("identity", "S16"),
        ]
    )


def _record(still: Still, size: int) -> np.ndarray:
    record = np.zeros((), _layout(size))
    record["image"] = still.image.transpose(2, 0, 1)
    record["labels"] = still.picture.parts | (_VISIBLE * still.picture.visible.astype(np.uint8))
    for name in ("intrinsics", "pose", "translation", "joints"):
        record[name] = getattr(still.posed, name)
    record["betas"] = still.posed.betas.numpy()
    record["occlusion"], record["identity"] = still.occlusion, still.identity.encode()
    return record


def _sample(record: Any) -> HandSample:
    def tensor(name: str) -> Tensor:
        return torch.from_numpy(np.array(record[name]))

    labels, intrinsics, joints = tensor("labels"), tensor("intrinsics"), tensor("joints")
    parts = labels & (_VISIBLE - 1)
    return HandSample(
        # In NumPy: torch would wake its threads for so little, and wait for them.
        image=torch.from_numpy(record["image"] * np.float32(1 / 255)),
        intrinsics=intrinsics,
        pose=tensor("pose"),
        betas=tensor("betas"),
        translation=tensor("translation"),
        joints=joints,
        joints_px=project(joints, intrinsics),
        masks=HandMasks(visible=labels >= _VISIBLE, amodal=parts > 0, parts=parts),
        occlusion=float(record["occlusion"]),
        side="right",
        identity=record["identity"].item().decode(),
    )
