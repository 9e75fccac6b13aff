"""MANO files of every kind: read to the same numbers, or refused without running anything."""

import io
import pickle
import sys
import types
import zipfile
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse

from handlib.hands import ManoData, ManoFileError, load_hand, read_mano_file

from .mano_pickles import mano_content, python2_pickle, write

SHIPPED = files("handlib") / "assets" / "MANO_RIGHT.npz"
UNSIGNED_ROOT = 4294967295


@pytest.fixture(scope="module")
def official(arrays: dict[str, np.ndarray]) -> bytes:
    return python2_pickle(mano_content(arrays))


def write_npz(folder: Path, arrays: dict[str, Any]) -> Path:
    np.savez(folder / "MANO_RIGHT.npz", **arrays)
    return folder / "MANO_RIGHT.npz"


def assert_same(found: ManoData, expected: ManoData) -> None:
    for name in ManoData.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def test_official_pickle(tmp_path: Path, official: bytes, arrays: dict[str, np.ndarray]) -> None:
    assert arrays["kintree_table"][0, 0] == UNSIGNED_ROOT
    found = read_mano_file(write(tmp_path, official))
    assert_same(found, read_mano_file(str(SHIPPED)))
    np.testing.assert_array_equal(found.shapedirs, arrays["shapedirs"])


def test_needs_neither_chumpy_nor_scipy(
    tmp_path: Path, official: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("chumpy", "scipy", "scipy.sparse"):
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, "chumpy.ch", raising=False)
    assert read_mano_file(write(tmp_path, official)).side == "right"


def chumpy_modules(monkeypatch: pytest.MonkeyPatch) -> tuple[type, type]:
    """Modules that let today's Python pickle objects under chumpy's names."""

    def module_with(name: str, made: str) -> type:
        module = types.ModuleType(name)
        setattr(module, made, type(made, (), {"__module__": name}))
        monkeypatch.setitem(sys.modules, name, module)
        return getattr(module, made)

    monkeypatch.setitem(sys.modules, "chumpy", types.ModuleType("chumpy"))
    return module_with("chumpy.ch", "Ch"), module_with("chumpy.reordering", "Select")


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("picks", [True, False])
def test_pickled_again_by_python_3(
    tmp_path: Path,
    arrays: dict[str, np.ndarray],
    monkeypatch: pytest.MonkeyPatch,
    protocol: int,
    picks: bool,
) -> None:
    ch, select = chumpy_modules(monkeypatch)
    leaf, chosen = ch(), select()
    leaf.x, leaf.dirty = arrays["shapedirs"].ravel()[::-1].copy(), set()
    chosen.a, chosen.preferred_shape = leaf, (778, 3, 10)
    chosen.idxs = np.arange(leaf.x.size)[::-1].copy()
    if not picks:
        leaf.x, chosen = arrays["shapedirs"], leaf
    regressor = scipy.sparse.csc_matrix(arrays["J_regressor"])
    content = {**arrays, "shapedirs": chosen, "J_regressor": regressor}
    if protocol < 2:
        with pytest.raises(ManoFileError, match="copy_reg._reconstructor"):
            read_mano_file(write(tmp_path, pickle.dumps(content, protocol)))
        return
    found = read_mano_file(write(tmp_path, pickle.dumps(content, protocol)))
    assert_same(found, ManoData.from_arrays(arrays, "memory"))


def test_contents_decide_not_the_suffix(tmp_path: Path, official: bytes) -> None:
    assert read_mano_file(write(tmp_path, official, "hand.npz")).side == "right"
    assert read_mano_file(write(tmp_path, SHIPPED.read_bytes(), "hand.pkl")).side == "right"


def test_cut_short(tmp_path: Path, official: bytes) -> None:
    packed = SHIPPED.read_bytes()
    for share in (0.01, 0.3, 0.9, 0.999):
        for whole, name in ((official, "MANO_RIGHT.pkl"), (packed, "MANO_RIGHT.npz")):
            path = write(tmp_path, whole[: int(share * len(whole))], name)
            with pytest.raises(ManoFileError, match="copy or download it again"):
                read_mano_file(path)


def test_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "MANO_RIGHT.pkl"
    with path.open("wb") as file:
        file.truncate(65 * 2**20)
    with pytest.raises(ManoFileError, match="found 65 MB"):
        read_mano_file(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("f.npy", bytes(65 * 2**20))
    with pytest.raises(ManoFileError, match="unpacks to 65 MB"):
        read_mano_file(path)


def test_npz_with_objects(tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, **{**arrays, "shapedirs": np.array([Path("object")])})
    with pytest.raises(ManoFileError, match="allow_pickle"):
        read_mano_file(write(tmp_path, buffer.getvalue(), "MANO_RIGHT.npz"))


def changed(array: np.ndarray, index: Any, value: Any) -> np.ndarray:
    array = array.copy()
    array[index] = value
    return array


WRONG: dict[str, tuple[str, Callable[[np.ndarray], Any], str]] = {
    "shape": ("v_template", lambda a: a[:-1], r"'v_template'.*\(778, 3\), found \(777, 3\)"),
    "flat": ("posedirs", lambda a: a.reshape(2334, 135), "'posedirs' should have shape"),
    "body": ("weights", lambda a: np.ones((778, 24)) / 24, "'weights' should have shape"),
    "text": ("hands_mean", lambda a: a.astype(str), "'hands_mean' should be an array of numbers"),
    "complex": ("hands_mean", lambda a: a + 0j, "'hands_mean'.*complex128"),
    "not finite": ("shapedirs", lambda a: changed(a, (5, 0, 1), np.nan), "'shapedirs'.*finite"),
    "sums": ("weights", lambda a: changed(a, 7, 0.2), "'weights' should sum to 1"),
    "regressor": ("J_regressor", lambda a: 2 * a, "'J_regressor' should sum to 1"),
    "tree": ("kintree_table", lambda a: changed(a, (0, 4), 1), "'kintree_table'"),
    "root": ("kintree_table", lambda a: changed(a, (0, 0), 5), "'kintree_table'"),
    "numbering": ("kintree_table", lambda a: a[:, ::-1], "'kintree_table'"),
    "vertex": ("f", lambda a: changed(a, (3, 1), 778), "'f' should hold vertex numbers.*778"),
    "fractions": ("f", lambda a: a.astype(float), "'f' should be an array"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_contents_name_the_key(
    tmp_path: Path, arrays: dict[str, np.ndarray], name: str
) -> None:
    key, change, message = WRONG[name]
    with pytest.raises(ManoFileError, match=message):
        read_mano_file(write_npz(tmp_path, {**arrays, key: change(arrays[key])}))


@pytest.mark.parametrize("key", ["v_template", "hands_components", "kintree_table"])
def test_missing_key(tmp_path: Path, arrays: dict[str, np.ndarray], key: str) -> None:
    rest = {name: array for name, array in arrays.items() if name != key}
    with pytest.raises(ManoFileError, match=f"found no {key} .keys there"):
        read_mano_file(write_npz(tmp_path, rest))


@pytest.mark.parametrize("root", [-1, UNSIGNED_ROOT, 2**64 - 1])
def test_any_spelling_of_the_root(
    tmp_path: Path, arrays: dict[str, np.ndarray], root: int
) -> None:
    dtype = "u8" if root > UNSIGNED_ROOT else "i8"
    kintree = changed(arrays["kintree_table"].astype(dtype), (0, 0), root)
    assert read_mano_file(write_npz(tmp_path, {**arrays, "kintree_table": kintree}))


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="mano.is.tue.mpg.de"):
        read_mano_file(tmp_path / "MANO_RIGHT.pkl")
    with pytest.raises(FileNotFoundError, match="no MANO_LEFT.pkl or MANO_LEFT.npz"):
        load_hand(tmp_path, side="left")


def test_the_other_hand_is_refused(tmp_path: Path, official: bytes) -> None:
    path = write(tmp_path, official, "MANO_LEFT.pkl")
    for given_path in (path, tmp_path):
        with pytest.raises(ManoFileError, match="asked for a left hand, found a right one"):
            load_hand(given_path, side="left")
