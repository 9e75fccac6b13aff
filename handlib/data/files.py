"""Files of the recorded data sets, read so that nothing in them is ever run.

Every error names the file, what was expected there, what was found and what to do.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

from handlib.hands.mano_pickle import ARRAY_GLOBALS, read_pickled_arrays


class DataFileError(ValueError):
    """A file of a data set is damaged or not what its name promises."""


def one_of(name: str, value: str, known: Sequence[str]) -> None:
    """Check a choice.

    Raises:
        ValueError: it is not among those known.
    """
    if value not in known:
        raise ValueError(f"{name}: expected one of {', '.join(known)}, found {value!r}")


def existing(path: Path, what: str, advice: str) -> Path:
    """The path itself.

    Raises:
        FileNotFoundError: there is nothing.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path}: expected {what}, found nothing. {advice}")
    return path


def first_existing(paths: Sequence[Path], what: str, advice: str) -> Path:
    """The first of the paths where something is; `existing` of the first if nothing is."""
    found = (path for path in paths if path.exists())
    return next(found, None) or existing(paths[0], what, advice)


def read_text(path: Path, what: str) -> str:
    """A text file.

    Raises:
        FileNotFoundError: there is none.
        DataFileError: it is not text.
    """
    existing(path, what, "Unpack the data set's archive again.")
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _damaged(path, what, error) from error


def read_image(
    path: Path, mode: str | None = "RGB", size: tuple[int, int] | None = None
) -> Image.Image:
    """An image in memory, in Pillow's `mode`, or as it is stored for None.

    size: width and height that it must have. All of its pixels are decoded, so an image that
    breaks off is found.
    """
    existing(path, "an image", "Unpack the data set's archive again, or remove it from the list.")
    try:
        with Image.open(path) as image:
            found = image.copy() if mode is None else image.convert(mode)
    except Exception as error:  # damaged images raise a dozen kinds
        raise _damaged(path, "an image", error) from error
    if size and found.size != size:
        (wide, high), (width, height) = size, found.size
        raise DataFileError(
            f"{path}: expected {wide} × {high} pixels, for which the camera's intrinsics are, "
            f"found {width} × {height}. Take the image as it was published."
        )
    return found


def read_npz(path: Path, keys: Iterable[str]) -> dict[str, np.ndarray]:
    """The arrays under `keys`, all of which must be there; Python objects are refused."""
    keys = tuple(keys)
    existing(path, "an .npz of labels", "Unpack the data set's archive again.")
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            missing = [key for key in keys if key not in arrays]
            if not missing:
                return {key: arrays[key] for key in keys}
            found = ", ".join(arrays) or "no array"
    except Exception as error:  # zipfile, zlib and NumPy raise a dozen kinds
        raise _damaged(path, "an .npz of labels", error) from error
    raise DataFileError(
        f"{path}: expected the arrays {', '.join(keys)}; found {found}. "
        "Unpack the data set's archive again."
    )


def read_annotation(path: Path, keys: Iterable[str]) -> dict[str, Any]:
    """Those of the keys that a pickled dictionary of arrays has, whichever Python wrote it."""
    existing(path, "a pickled annotation", "Unpack the data set's archive again.")
    try:
        return read_pickled_arrays(path.read_bytes(), keys, ARRAY_GLOBALS)
    except Exception as error:  # damaged pickles raise a dozen kinds
        raise _damaged(path, "a pickled dictionary of arrays", error) from error


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file's mapping; besides plain values it may hold `!!python/tuple`, as a tuple."""
    existing(path, "a YAML file", "Unpack the data set's archive again.")
    try:
        content = yaml.load(path.read_bytes(), _TupleLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise _damaged(path, "YAML of plain values", error) from error
    if not isinstance(content, dict):
        raise DataFileError(f"{path}: expected named values, found a {type(content).__name__}")
    return content


def array_of(
    values: dict[str, Any], key: str, shape: tuple[int, ...], path: Path, reshape: bool = False
) -> np.ndarray:
    """The numbers under `key` as float64.

    reshape: whether another shape with as many numbers will do.

    Raises:
        DataFileError: they are missing, not numbers, of another shape, NaN or infinite.
    """
    try:
        array = np.asarray([] if values.get(key) is None else values[key], np.float64)
    except (TypeError, ValueError):
        array = np.empty(0)
    fits = array.size == int(np.prod(shape)) if reshape else array.shape == shape
    if not fits:
        found = f"shape {array.shape}" if array.dtype.kind == "f" and array.size else "none"
        raise DataFileError(f"{path}: expected '{key}' with shape {shape}, found {found}")
    broken = array[~(np.abs(array) <= np.finfo(np.float32).max)]  # samples are float32
    if broken.size:
        raise DataFileError(
            f"{path}: expected finite numbers under '{key}', found {broken[0]} among them. "
            "Unpack the data set's archive again; if it stays so, remove the frame from the list."
        )
    return array.reshape(shape)


class _TupleLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Plain values, and tuples: no other Python object is ever made."""


def _tuple(loader: Any, node: Any) -> tuple[Any, ...]:
    return tuple(loader.construct_sequence(node, deep=True))


_TupleLoader.add_constructor("tag:yaml.org,2002:python/tuple", _tuple)


def _damaged(path: Path, what: str, error: Exception) -> DataFileError:
    return DataFileError(
        f"{path}: expected {what}, but {error}. Nothing in the file was run. "
        "Unpack the data set's archive again; if it stays so, remove the frame from the list."
    )
