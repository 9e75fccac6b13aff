"""Decode pickled arrays without numpy's, scipy's or chumpy's own unpickling.

The official MANO file was written by Python 2 and names seven globals, HO-3D's annotations name
some of them. Here each becomes an inert record that only keeps what the file says about it, and
any other name is refused, so no code but this module's runs. Arrays are then decoded from the
records, for the keys asked for alone.
"""

import io
import math
import pickle
import pickletools
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

# The official file needs some hundreds of either. Bounds the unpickler's memory and recursion.
_MAX_OPCODES = 20_000
_MAX_ENTRIES = 10_000_000


def read_pickled_arrays(
    data: bytes,
    keys: Iterable[str],
    known: "Mapping[tuple[str, str], type[_Record]] | None" = None,
) -> dict[str, Any]:
    """The values under those of the keys that a pickled dictionary has, arrays decoded.

    known: the globals that the pickle may name: those of a MANO file, or `ARRAY_GLOBALS`.

    Raises:
        pickle.UnpicklingError: the pickle holds a global, a kind of array or an object state that
            such a file has no use for. Damaged files raise many other exceptions.
    """
    _check_size(data)
    content = _InertUnpickler(data, known or _MANO_GLOBALS).load()
    if not isinstance(content, dict):
        raise pickle.UnpicklingError(f"it holds one {type(content).__name__}, no named arrays")
    found = {key: content[key] for key in keys if key in content}
    return {key: _plain(value) for key, value in found.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [item.decode() if isinstance(item, _Record) else item for item in value]
    return value.decode() if isinstance(value, _Record) else value


def _check_size(data: bytes) -> None:
    for count, (opcode, argument, _) in enumerate(pickletools.genops(data)):
        memo = int(argument) if argument and "PUT" in opcode.name else 0
        if max(count, memo) > _MAX_OPCODES:
            raise pickle.UnpicklingError("it holds far more objects than a hand")


class _Record:
    """One object of the file: constructor arguments and state, neither acted upon.

    Records are classes, not functions, and have slots, so a file's BUILD instruction cannot set
    any attribute of theirs but `state`.
    """

    __slots__ = ("arguments", "state")
    arguments: tuple[Any, ...]
    state: Any

    def __new__(cls, *arguments: Any) -> "_Record":
        record = super().__new__(cls)
        record.arguments, record.state = arguments, None
        return record

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def field(self, name: str) -> Any:
        """One attribute of the pickled object."""
        if not isinstance(self.state, dict) or name not in self.state:
            raise pickle.UnpicklingError(f"a {type(self).__name__} lacks '{name}'")
        return self.state[name]

    def decode(self) -> np.ndarray:
        """The array that the record stands for."""
        raise pickle.UnpicklingError(f"a {type(self).__name__} stands where an array belongs")


class PythonSet(_Record):
    """`set`, bookkeeping of chumpy."""


class PythonBytes(_Record):
    """`_codecs.encode(text, "latin1")`: how Python 3 writes bytes into an old-style pickle."""


class NumpyArrayType(_Record):
    """`numpy.ndarray`, named as the type to reconstruct."""


class NumpyDtype(_Record):
    """`numpy.dtype`: arguments (code, align, copy), state (version, byte order, ...)."""

    def dtype(self) -> np.dtype:
        """The plain number type; structures, strings and objects are refused."""
        code = self.arguments[0]
        if not isinstance(code, str) or not re.fullmatch("[iuf][1248]|b1", code):
            raise pickle.UnpicklingError(f"an array of '{code}' is not one of plain numbers")
        return np.dtype(code).newbyteorder(self.state[1] if self.state else "=")


class NumpyArray(_Record):
    """`numpy._reconstruct`: state (version, shape, dtype, Fortran order, bytes)."""

    def decode(self) -> np.ndarray:
        if self.arguments[0] is not NumpyArrayType or not isinstance(self.state, tuple):
            raise pickle.UnpicklingError("an array is not a plain one")
        _, shape, dtype, fortran, raw = self.state
        return _array(raw, dtype, shape, "F" if fortran else "C")


class NumpyBuffer(_Record):
    """`numpy._frombuffer`, arrays in pickle protocol 5: arguments (bytes, dtype, shape, order)."""

    def decode(self) -> np.ndarray:
        return _array(*self.arguments)


class NumpyScalar(_Record):
    """`numpy.core.multiarray.scalar`, one number: arguments (dtype, bytes)."""

    def decode(self) -> np.ndarray:
        dtype, raw = self.arguments
        return _array(raw, dtype, (), "C")


class ChumpyArray(_Record):
    """`chumpy.ch.Ch`, a leaf of chumpy's graph: its value is the attribute x."""

    def decode(self) -> np.ndarray:
        return _decode(self.field("x"))


class ChumpySelect(_Record):
    """`chumpy.reordering.Select`: some entries of another chumpy array, in another shape."""

    def decode(self) -> np.ndarray:
        entries = _decode(self.field("a")).ravel()[_decode(self.field("idxs"))]
        return entries.reshape(_shape(self.field("preferred_shape")))


class ScipyColumns(_Record):
    """`scipy.sparse.csc_matrix`: the entries column by column, with their row numbers."""

    def decode(self) -> np.ndarray:
        rows, columns = _shape(self.field("_shape"))
        values, row = _decode(self.field("data")), _decode(self.field("indices"))
        starts = _decode(self.field("indptr")).astype(np.int64)
        counts = np.diff(starts)
        whole = starts[0] == 0 and starts[-1] == len(values) and (counts >= 0).all()
        if len(counts) != columns or not whole:
            raise pickle.UnpicklingError("a sparse matrix contradicts itself")
        dense = np.zeros((rows, columns))
        np.add.at(dense, (row, np.repeat(np.arange(columns), counts)), values)
        return dense


_PLAIN_GLOBALS: dict[tuple[str, str], type[_Record]] = {
    ("_codecs", "encode"): PythonBytes,
    ("numpy", "ndarray"): NumpyArrayType,
    ("numpy", "dtype"): NumpyDtype,
    ("numpy.core.multiarray", "_reconstruct"): NumpyArray,
    ("numpy._core.multiarray", "_reconstruct"): NumpyArray,
    ("numpy.core.numeric", "_frombuffer"): NumpyBuffer,
    ("numpy._core.numeric", "_frombuffer"): NumpyBuffer,
}
ARRAY_GLOBALS: dict[tuple[str, str], type[_Record]] = {
    **_PLAIN_GLOBALS,
    ("numpy.core.multiarray", "scalar"): NumpyScalar,
    ("numpy._core.multiarray", "scalar"): NumpyScalar,
}
"""What a dictionary of NumPy arrays and numbers names."""
_MANO_GLOBALS: dict[tuple[str, str], type[_Record]] = {
    **_PLAIN_GLOBALS,
    ("__builtin__", "set"): PythonSet,
    ("builtins", "set"): PythonSet,
    ("chumpy.ch", "Ch"): ChumpyArray,
    ("chumpy.reordering", "Select"): ChumpySelect,
    ("scipy.sparse.csc", "csc_matrix"): ScipyColumns,
    ("scipy.sparse._csc", "csc_matrix"): ScipyColumns,
}


class _InertUnpickler(pickle.Unpickler):
    def __init__(self, data: bytes, known: Mapping[tuple[str, str], type[_Record]]) -> None:
        super().__init__(io.BytesIO(data), encoding="latin1")
        self.known = known

    def find_class(self, module: str, name: str) -> type[_Record]:
        if (module, name) not in self.known:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which no such file does")
        return self.known[module, name]


def _decode(value: Any) -> np.ndarray:
    if not isinstance(value, _Record):
        raise pickle.UnpicklingError(f"a {type(value).__name__} stands where an array belongs")
    return value.decode()


def _shape(value: Any) -> tuple[int, ...]:
    whole = isinstance(value, tuple) and all(type(n) is int and n >= 0 for n in value)
    if not whole or math.prod(value) > _MAX_ENTRIES:
        raise pickle.UnpicklingError(f"{value!r:.80} is no shape of an array of a hand")
    return value


def _array(raw: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    if isinstance(raw, PythonBytes):
        raw = raw.arguments[0]
    if isinstance(raw, str):
        raw = raw.encode("latin1")
    if not isinstance(raw, bytes | bytearray) or not isinstance(dtype, NumpyDtype):
        raise pickle.UnpicklingError("an array lacks its bytes or its number type")
    stored = np.frombuffer(raw, dtype.dtype()).reshape(_shape(shape), order=order)
    return stored.astype(stored.dtype.newbyteorder("="))
