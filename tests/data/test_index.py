"""Indices: made once, mapped, made anew when a list changes, light to hand to a worker."""

import os
import pickle

import numpy as np
import pytest

from handlib.data.index import open_index, stamps
from handlib.data.synthetic.cache import CacheError


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HANDLIB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def counted(arrays):
    def make():
        make.calls += 1
        return arrays

    make.calls = 0
    return make


def test_made_once_and_mapped():
    make = counted({"valid": np.arange(1000) % 3 > 0, "name": np.array(["a", "bc"])})
    first, second = open_index("set", ["key"], make), open_index("set", ["key"], make)
    assert make.calls == 1
    assert isinstance(second["valid"], np.memmap) and "name" in second and "x" not in second
    np.testing.assert_array_equal(first["valid"], np.arange(1000) % 3 > 0)
    assert second["name"].tolist() == ["a", "bc"]
    with pytest.raises(ValueError, match="read-only"):
        second["valid"][0] = True
    assert open_index("set", ["other"], counted({"valid": np.zeros(2)}))["valid"].shape == (2,)


def test_empty_arrays():
    index = open_index("set", 1, lambda: {"valid": np.zeros(0, bool)})
    assert index["valid"].shape == (0,)


def test_a_changed_list_changes_the_key(tmp_path):
    path = tmp_path / "train.txt"
    path.write_text("ABF10/0000")
    keys = [stamps(tmp_path, [path])]
    path.write_text("ABF10/0001")
    os.utime(path, ns=(1, 1))
    keys.append(stamps(tmp_path, [path]))
    path.write_text("ABF10/00012")
    os.utime(path, ns=(1, 1))
    keys.append(stamps(tmp_path, [path]))
    assert len({str(key) for key in keys}) == 3


def test_a_worker_gets_no_arrays():
    index = open_index("set", 2, lambda: {"valid": np.zeros(10**6, bool)})
    assert index["valid"].shape == (10**6,)
    sent = pickle.dumps(index)
    assert len(sent) < 1000
    assert pickle.loads(sent)["valid"].shape == (10**6,)


def test_notes_are_shared():
    index = open_index("set", 3, lambda: {"valid": np.zeros(5, bool)})
    notes = index.notes("share", 5)
    assert np.isnan(notes).all()
    notes[2] = 0.5
    other = pickle.loads(pickle.dumps(index)).notes("share", 5)
    assert other[2] == 0.5 and np.isnan(other[[0, 1, 3, 4]]).all()


def test_a_failed_making_leaves_nothing(cache):
    def fail():
        raise RuntimeError("interrupted")

    with pytest.raises(RuntimeError, match="interrupted"):
        open_index("set", 4, fail)
    assert not [path for path in (cache / "index").iterdir() if path.is_dir()]
    assert open_index("set", 4, lambda: {"valid": np.ones(1)})["valid"][0] == 1


def test_a_damaged_index_says_what_to_delete():
    index = open_index("set", 5, lambda: {"valid": np.zeros(5, bool)})
    (index.folder / "valid.npy").write_bytes(b"not an array")
    with pytest.raises(CacheError, match="Delete the folder set-"):
        open_index("set", 5, lambda: {})["valid"]


def test_a_cache_that_cannot_be_written(cache):
    cache.write_text("a file")
    with pytest.raises(CacheError, match="Set HANDLIB_CACHE"):
        open_index("set", 6, lambda: {"valid": np.zeros(5, bool)})
