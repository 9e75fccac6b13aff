"""The cache: the same bytes however it is made, and never half a file."""

import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from handlib.data.batch import collate
from handlib.data.synthetic import SyntheticHands, cache, dataset
from handlib.data.synthetic.cache import SHARD, CacheError
from handlib.data.synthetic.config import StillsConfig

SIZE = 32  # pixels: these tests are about files


def hands(size: int, **options: object) -> SyntheticHands:
    return SyntheticHands("test", size, resolution=SIZE, **options)


def program(size: int) -> str:
    """What another process runs to get the same set."""
    return (
        "from handlib.data.synthetic import SyntheticHands\n"
        f"SyntheticHands('test', {size}, resolution={SIZE})\n"
    )


def surroundings(root: Path) -> dict[str, str]:
    """Its environment."""
    path = os.pathsep.join(sys.path)
    return os.environ | {"HANDLIB_CACHE": str(root), "PYTHONPATH": path}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.npy"))}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of two shards, made by worker processes."""
    root = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HANDLIB_CACHE", str(root))
        patch.setattr(cache, "_cores", lambda: 2)
        hands(SHARD + 1)
    return root


@pytest.fixture
def filled(finished: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HANDLIB_CACHE", str(finished))
    return finished


def test_workers_and_one_process_make_the_same_images(filled: Path) -> None:
    cached, fresh = hands(SHARD + 1), hands(SHARD + 1, cache=False)
    for index in (SHARD, 3, 0):  # in this process, in another order
        one, other = cached[index], fresh[index]
        assert torch.equal(one.image, other.image)
        assert torch.equal(one.joints, other.joints)
        assert torch.equal(one.masks.parts, other.masks.parts)
        assert one.identity == other.identity


def test_torch_threads_change_nothing() -> None:
    images, threads = hands(4, cache=False), torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        before = [images[k].image for k in range(4)]
        torch.set_num_threads(2)
        assert all(torch.equal(images[k].image, before[k]) for k in range(4))
    finally:
        torch.set_num_threads(threads)


def test_smaller_sets_use_a_part_of_a_larger_one(
    filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dataset, "make_still", None)  # rendering would fail
    assert len(hands(5)) == 5
    assert torch.equal(hands(5)[4].image, hands(SHARD + 1)[4].image)


def test_loader_workers_read_the_same_samples(filled: Path) -> None:
    images = hands(24)
    images[0]  # maps a shard, which must not travel
    assert len(pickle.dumps(images)) < 5000
    loader = DataLoader(images, 8, num_workers=2, collate_fn=collate)
    loaded = torch.cat([batch.image for batch in loader])
    assert torch.equal(loaded, torch.stack([sample.image for sample in images]))


def test_key_changes_with_all_that_shapes_an_image(monkeypatch: pytest.MonkeyPatch) -> None:
    sets = [
        hands(1, cache=False),
        hands(1, cache=False, seed=1),
        hands(1, cache=False, config=StillsConfig(spin=70.0)),
        SyntheticHands("test", 1, resolution=64, cache=False),
        SyntheticHands("val", 1, resolution=SIZE, cache=False),
    ]
    folders = [images.folder for images in sets]
    monkeypatch.setattr(dataset, "RENDERER_VERSION", -1)
    folders.append(hands(1, cache=False).folder)
    monkeypatch.undo()
    monkeypatch.setattr(dataset, "asset_digests", lambda: ["another hand"])
    folders.append(hands(1, cache=False).folder)
    assert len(set(folders)) == len(folders)


def test_a_killed_run_is_taken_up_again(
    filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kill the process in the middle of its work, then ask again: the bytes are the same."""
    whole = contents(hands(1).folder)
    process = subprocess.Popen(
        [sys.executable, "-c", program(3 * SHARD)],
        env=surroundings(tmp_path),
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while not list(tmp_path.rglob("*.npy")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    monkeypatch.setenv("HANDLIB_CACHE", str(tmp_path))
    monkeypatch.setattr(cache, "_cores", lambda: 1)
    folder = hands(1, cache=False).folder
    (folder / ".000001-torn.tmp").write_bytes(b"half")
    hands(2 * SHARD)
    made = contents(folder)
    assert {name: made[name] for name in whole} == whole


def test_two_processes_at_once_make_each_image_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two programs ask for the same set; together they render every index exactly once."""
    log = tmp_path / "log"
    logging = (
        "from handlib.data.synthetic import dataset\n"
        "original = dataset.SyntheticHands._render_shard\n"
        "def logged(self, number):\n"
        f"    open({str(log)!r}, 'a').write(f'{{number}}\\n')\n"
        "    return original(self, number)\n"
        "dataset.SyntheticHands._render_shard = logged\n"
    )
    command = [sys.executable, "-c", logging + program(4)]
    both = [
        subprocess.Popen(command, env=surroundings(tmp_path), stderr=subprocess.DEVNULL)
        for _ in range(2)
    ]
    assert [process.wait() for process in both] == [0, 0]
    assert log.read_text() == "0\n"


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANDLIB_CACHE", str(tmp_path))
    monkeypatch.setattr(cache.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 2**20}))
    with pytest.raises(CacheError, match="1 MiB free.*HANDLIB_CACHE"):
        hands(1)


def test_a_folder_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HANDLIB_CACHE", str(tmp_path / "file"))
    with pytest.raises(CacheError, match="cache=False"):
        hands(1)


def test_a_failing_worker_shows_its_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = cache.Recipe(
        tmp_path,
        1,
        lambda number: np.zeros(1),
        (sys.executable, "-c", "raise SystemExit('no such hand')"),
        "images",
    )
    monkeypatch.setattr(cache, "_cores", lambda: 2)
    with pytest.raises(CacheError, match="no such hand"):
        cache.fill(recipe, 2 * SHARD)


def test_a_damaged_shard_is_named(tmp_path: Path) -> None:
    path = cache.shard_path(tmp_path, 0)
    cache.write_shard(tmp_path, 0, np.zeros(64))
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(CacheError, match="000000.npy"):
        cache.open_shard(tmp_path, 0)
