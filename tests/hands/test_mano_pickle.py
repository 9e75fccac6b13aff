"""Forged and broken pickles: refused by name, and nothing in them is run."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlib.hands import ManoFileError, read_mano_file
from handlib.hands.mano_pickle import read_pickled_arrays

from .mano_pickles import NDARRAY, Global, Object, mano_content, ndarray, python2_pickle, write


class Attack:
    """Pickles to a call of its choice."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


def crafted(made: str, *arguments: Any) -> Object:
    return Object(Global(*made.rsplit(" ", 1)), arguments)


ATTACKS = {
    "posix.system": Attack(os.system, "touch marker"),
    "builtins.eval": Attack(eval, "open('marker', 'w')"),
    "builtins.exec": Attack(exec, "open('marker', 'w')"),
    "__builtin__.getattr": crafted("__builtin__ getattr", "x", "y"),
    "builtins.bytearray": bytearray(3),
    "nt.system": crafted("nt system", "touch marker"),
    "numpy.f2py.crackfortran": crafted("numpy.f2py crackfortran", "x"),
    "numpy.load": crafted("numpy load", "marker"),
    "numpy.core.multiarray.scalar": crafted("numpy.core.multiarray scalar", "x"),
    "numpy.core.multiarray.fromfile": crafted("numpy.core.multiarray fromfile", "x"),
    "numpy.memmap": crafted("numpy memmap", "marker"),
    "chumpy.ch.depends_on": crafted("chumpy.ch depends_on", "x"),
    "scipy.sparse.csc.warn": crafted("scipy.sparse.csc warn", "x"),
    "handlib.hands.mano_file.read_mano_file": crafted("handlib.hands.mano_file read_mano_file"),
}


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("place", ["alone", "a key too many", "inside an array"])
def test_refused_by_name(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arrays: dict[str, np.ndarray],
    name: str,
    place: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    attack = ATTACKS[name]
    if isinstance(attack, Object):
        deep = Object(Global("numpy", "dtype"), (attack,))
        wrapped: Any = {"alone": attack, "a key too many": {"x": attack}}.get(place, {"f": deep})
        path = write(tmp_path, python2_pickle(wrapped))
    else:
        wrapped = {"alone": attack, "a key too many": {**arrays, "x": attack}}.get(place)
        path = write(tmp_path, pickle.dumps(wrapped or {"f": {"x": (attack,)}}))
    with pytest.raises(ManoFileError, match=f"MANO_RIGHT.pkl: .*names {name},"):
        read_mano_file(path)
    assert not (tmp_path / "marker").exists()


def test_dotted_names_reach_nothing(tmp_path: Path) -> None:
    """Protocol 4 may name attributes of a permitted class."""
    stack_global = b"\x80\x04\x8c\x05numpy\x8c\x0endarray.tofile\x93."
    with pytest.raises(ManoFileError, match=r"numpy\.ndarray\.tofile"):
        read_mano_file(write(tmp_path, stack_global))


FLOATS = np.zeros((778, 3))
RECONSTRUCT = Global("numpy.core.multiarray", "_reconstruct")
DTYPE = Global("numpy", "dtype")


def array_of(dtype: Any, raw: Any = "", shape: Any = (778, 3), made: Any = NDARRAY) -> Object:
    return Object(RECONSTRUCT, (made, (0,), "b"), (1, shape, dtype, False, raw))


F8 = Object(DTYPE, ("f8", 0, 1), (3, "<", None, None, None, -1, -1, 0))
ITSELF = b"\x80\x02}(U\nv_templatecchumpy.ch\nCh\n)\x81q\x00}(U\x01xh\x00ubu."
ODD = {
    "objects": array_of(Object(DTYPE, ("O8", 0, 1))),
    "records": array_of(Object(DTYPE, ("V8", 0, 1), (3, "|", None, ("a",), {}, 8, 1, 16))),
    "number type by length": array_of(Object(DTYPE, ("f8,f8", 0, 1))),
    "other array type": array_of(F8, FLOATS.tobytes().decode("latin1"), made=DTYPE),
    "too few bytes": array_of(F8, "x" * 80),
    "shape with -1": array_of(F8, FLOATS.tobytes().decode("latin1"), shape=(-1, 3)),
    "shape of strings": array_of(F8, FLOATS.tobytes().decode("latin1"), shape=("778", 3)),
    "huge shape": array_of(F8, "", shape=(2**30, 2**30)),
    "no dtype": array_of("f8", FLOATS.tobytes().decode("latin1")),
    "no state": Object(RECONSTRUCT, (NDARRAY, (0,), "b")),
    "odd state": Object(RECONSTRUCT, (NDARRAY, (0,), "b"), "state"),
    "a set": Object(Global("__builtin__", "set"), ([1],)),
    "chumpy without x": Object(Global("chumpy.ch", "Ch"), state={"y": 1}, new=True),
    "chumpy of a number": Object(Global("chumpy.ch", "Ch"), state={"x": 1}, new=True),
    "a class": NDARRAY,
    "text": "778 vertices",
    "state for a class": b"\x80\x02}(U\nv_templatecnumpy\ndtype\n}(U\x01xU\x01yubu.",
    "endless recursion": ITSELF,
    "persistent object": b"\x80\x02}(U\nv_templateP1\nu.",
    "extension": b"\x80\x02}(U\nv_template\x82\x01u.",
    "memo beyond reason": b"\x80\x02}r\xff\xff\xff\x7f.",
    "a list": b"\x80\x02].",
    "too many objects": b"\x80\x02](" + b"N" * 30_000 + b"e.",
    "html": b"<!DOCTYPE html><html>Please sign in</html>",
    "nothing": b"",
}


@pytest.mark.parametrize("name", ODD)
def test_odd_pickles_are_refused(tmp_path: Path, arrays: dict[str, np.ndarray], name: str) -> None:
    odd = ODD[name]
    content = {**mano_content(arrays), "v_template": odd}
    path = write(tmp_path, odd if isinstance(odd, bytes) else python2_pickle(content))
    with pytest.raises(ManoFileError, match="MANO_RIGHT.pkl: "):
        read_mano_file(path)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("indptr", ndarray(np.array([0, 2**40], "<i8"))),
        ("indptr", ndarray(np.r_[1, np.zeros(778)].astype("<i4"))),
        ("indices", ndarray(np.full(1, 99, "<i4"))),
        ("_shape", (2**40, 2**40)),
        ("_shape", (16, 777)),
    ],
)
def test_contradictory_sparse_matrix(
    tmp_path: Path, arrays: dict[str, np.ndarray], field: str, value: Any
) -> None:
    content = mano_content(arrays)
    content["J_regressor"].state[field] = value
    with pytest.raises(ManoFileError):
        read_mano_file(write(tmp_path, python2_pickle(content)))


@given(st.binary(max_size=60), st.sampled_from([b"", b"\x80\x02", b"\x80\x04", b"\x80\x02}("]))
def test_noise_is_never_a_hand(noise: bytes, start: bytes) -> None:
    try:
        found = read_pickled_arrays(start + noise, ["v_template"])
    except Exception:
        return
    assert found == {}
