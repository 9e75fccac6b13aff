"""Write pickles as Python 2 wrote MANO's, opcode by opcode: an oracle apart from the reader."""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Global:
    module: str
    name: str


@dataclass(frozen=True, eq=False)
class Object:
    """`made(*arguments)`, or `made.__new__(made, *arguments)`, then its state."""

    made: Global
    arguments: tuple[Any, ...] = ()
    state: Any = None
    new: bool = False


def write(folder: Path, content: bytes, name: str = "MANO_RIGHT.pkl") -> Path:
    """A file with these bytes."""
    (folder / name).write_bytes(content)
    return folder / name


NDARRAY = Global("numpy", "ndarray")


def python2_pickle(value: Any) -> bytes:
    """The value in pickle protocol 2, with byte strings as only Python 2 writes them."""
    return b"\x80\x02" + _write(value) + b"."


def ndarray(array: np.ndarray) -> Object:
    order = array.dtype.str[0]
    dtype = Object(
        Global("numpy", "dtype"),
        (array.dtype.str[1:], 0, 1),
        (3, order, None, None, None, -1, -1, 0),
    )
    fortran = array.flags.f_contiguous and not array.flags.c_contiguous
    raw = array.tobytes(order="F" if fortran else "C").decode("latin1")
    state = (1, array.shape, dtype, fortran, raw)
    return Object(
        Global("numpy.core.multiarray", "_reconstruct"), (NDARRAY, (0,), "b"), state=state
    )


def chumpy_select(array: np.ndarray) -> Object:
    """As MANO's shapedirs: ten of more directions, picked from a longer chumpy array."""
    longer = np.concatenate([array, np.full((*array.shape[:-1], 3), 7.0)], axis=-1)
    picked = np.arange(longer.size).reshape(longer.shape)[..., : array.shape[-1]].ravel()
    bookkeeping = {"_dirty_vars": Object(Global("__builtin__", "set"), (["x"],)), "_itr": None}
    leaf = Object(Global("chumpy.ch", "Ch"), state={"x": ndarray(longer), **bookkeeping}, new=True)
    state = {
        "a": leaf,
        "idxs": ndarray(picked),
        "preferred_shape": array.shape,
        **bookkeeping,
    }
    return Object(Global("chumpy.reordering", "Select"), state=state, new=True)


def csc_matrix(dense: np.ndarray) -> Object:
    columns, rows = np.nonzero(dense.T)
    state = {
        "data": ndarray(dense[rows, columns]),
        "indices": ndarray(rows.astype("<i4")),
        "indptr": ndarray(np.searchsorted(columns, np.arange(dense.shape[1] + 1)).astype("<i4")),
        "_shape": dense.shape,
        "maxprint": 50,
    }
    return Object(Global("scipy.sparse.csc", "csc_matrix"), state=state, new=True)


def mano_content(arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """The dictionary of a MANO pickle, each entry in the type that the official file has."""
    content: dict[str, Any] = {key: ndarray(array) for key, array in arrays.items()}
    content["shapedirs"] = chumpy_select(arrays["shapedirs"])
    content["J_regressor"] = csc_matrix(arrays["J_regressor"])
    content["posedirs"] = ndarray(np.asfortranarray(arrays["posedirs"]))
    content["bs_style"], content["bs_type"] = "lbs", "lrotmin"
    return content


def _write(value: Any) -> bytes:
    match value:
        case None:
            return b"N"
        case bool():
            return b"\x88" if value else b"\x89"
        case int():
            return b"\x8a\x08" + struct.pack("<q", value)
        case float():
            return b"G" + struct.pack(">d", value)
        case str():
            return b"T" + struct.pack("<i", len(value)) + value.encode("latin1")
        case tuple():
            return b"(" + b"".join(map(_write, value)) + b"t"
        case list():
            return b"](" + b"".join(map(_write, value)) + b"e"
        case dict():
            items = (_write(key) + _write(item) for key, item in value.items())
            return b"}(" + b"".join(items) + b"u"
        case Global():
            return f"c{value.module}\n{value.name}\n".encode()
        case Object():
            made = _write(value.made) + _write(value.arguments) + (b"\x81" if value.new else b"R")
            return made if value.state is None else made + _write(value.state) + b"b"
    raise TypeError(type(value))
