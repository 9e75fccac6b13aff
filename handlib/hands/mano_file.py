"""Read a MANO hand from disk, .npz or the official pickle, without running anything in it."""

import io
import zipfile
from collections.abc import Iterable
from os import PathLike
from pathlib import Path

import numpy as np

from handlib.hands.mano_data import SHAPES, ManoData, ManoFileError
from handlib.hands.mano_pickle import read_pickled_arrays

# The official pickle takes 3.8 MB, the same numbers as .npz less; anything far beyond is no hand.
MAX_BYTES = 64 * 2**20
_ZIP = b"PK\x03\x04"


def read_mano_file(path: str | PathLike[str]) -> ManoData:
    """Read a hand from MANO_RIGHT.pkl, MANO_LEFT.pkl, or an .npz with the same keys.

    The pickle's chumpy and scipy objects are decoded here, so neither package is needed, and no
    object of the file's choosing is ever made. The contents decide the format, not the suffix.

    Raises:
        FileNotFoundError: no such file.
        ManoFileError: not a hand in MANO's format, damaged, or holding anything but data.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: no such file. MANO's files come from https://mano.is.tue.mpg.de "
            "(mano_v1_2.zip, folder models); load_hand() without a path needs none."
        )
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise ManoFileError(
            f"{path}: expected a hand model of a few MB, found {size / 2**20:.0f} MB. "
            "Give the path of MANO_RIGHT.pkl, MANO_LEFT.pkl or an .npz with the same keys."
        )
    data = path.read_bytes()
    read = _read_npz if data.startswith(_ZIP) else read_pickled_arrays
    try:
        arrays = read(data, SHAPES)
    except Exception as error:  # zipfile, zlib, NumPy and pickle raise a dozen kinds
        raise ManoFileError(
            f"{path}: expected a hand model as MANO's own pickle or an .npz of plain arrays, but "
            f"{error}. Nothing in the file was run. If it is MANO's, copy or download it again."
        ) from error
    return ManoData.from_arrays(arrays, source=str(path))


def _read_npz(data: bytes, keys: Iterable[str]) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > MAX_BYTES:
        raise ValueError(f"it unpacks to {unpacked / 2**20:.0f} MB")
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return {key: arrays[key] for key in keys if key in arrays}
