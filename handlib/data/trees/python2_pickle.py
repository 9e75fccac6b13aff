"""Pickles as Python 2 and the NumPy of its time wrote them, as HO-3D's annotations are.

Against what today's `pickle.dumps` writes, text is stored as bytes, and arrays name `numpy.core`,
which NumPy 2 calls `numpy._core`.
"""

import pickle
import struct
from collections.abc import Iterable
from typing import Any

import numpy as np

_ARRAY_STATE = 1  # versions of the states that NumPy reads
_TYPE_STATE = 3


def dumps(content: Any) -> bytes:
    """Protocol 2: dictionaries, lists, tuples, numbers, text, None and arrays of numbers.

    Raises:
        TypeError: anything else.
    """
    return pickle.PROTO + b"\x02" + _encode(content) + pickle.STOP


def _encode(value: Any) -> bytes:
    match value:
        case None:
            return pickle.NONE
        case bool():
            return pickle.NEWTRUE if value else pickle.NEWFALSE
        case int():
            return pickle.BININT + struct.pack("<i", value)
        case float():
            return pickle.BINFLOAT + struct.pack(">d", value)
        case str():
            return _string(value.encode("latin1"))
        case bytes():
            return _string(value)
        case tuple():
            return pickle.MARK + _all(value) + pickle.TUPLE
        case list():
            return pickle.EMPTY_LIST + pickle.MARK + _all(value) + pickle.APPENDS
        case dict():
            pairs = (part for pair in value.items() for part in pair)
            return pickle.EMPTY_DICT + pickle.MARK + _all(pairs) + pickle.SETITEMS
        case np.ndarray():
            return _array(np.ascontiguousarray(value))
    raise TypeError(f"no Python 2 pickle for {type(value).__name__}")


def _all(values: Iterable[Any]) -> bytes:
    return b"".join(_encode(value) for value in values)


def _string(data: bytes) -> bytes:
    """A str of Python 2."""
    if len(data) < 256:
        return pickle.SHORT_BINSTRING + bytes([len(data)]) + data
    return pickle.BINSTRING + struct.pack("<i", len(data)) + data


def _named(module: str, name: str) -> bytes:
    return pickle.GLOBAL + f"{module}\n{name}\n".encode()


def _array(array: np.ndarray) -> bytes:
    """An empty array that is then given its state: shape, type, order and contents."""
    if array.dtype.kind not in "biuf":
        raise TypeError(f"no Python 2 pickle for an array of {array.dtype}")
    blank = pickle.MARK + _named("numpy", "ndarray") + _all([(0,), b"b"]) + pickle.TUPLE
    order = "|" if array.dtype.itemsize == 1 else "<"
    kind = _encode((array.dtype.str[1:], 0, 1)) + pickle.REDUCE
    state = _encode((_TYPE_STATE, order, None, None, None, -1, -1, 0)) + pickle.BUILD
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return (
        _named("numpy.core.multiarray", "_reconstruct")
        + blank
        + pickle.REDUCE
        + (pickle.MARK + _all([_ARRAY_STATE, array.shape]))
        + (_named("numpy", "dtype") + kind + state)
        + (_all([False, little.tobytes()]) + pickle.TUPLE)
        + pickle.BUILD
    )
