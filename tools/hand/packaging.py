"""Write the asset files: byte-identical from run to run, each replaced atomically."""

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

CHECKSUMS = "SHA256SUMS"
# The earliest time a zip entry can carry; `np.savez` would store the clock.
FIXED_TIME = (1980, 1, 1, 0, 0, 0)


def write_npz(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """A compressed .npz whose bytes depend on the arrays alone."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy", FIXED_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            data = io.BytesIO()
            np.lib.format.write_array(data, np.asarray(array, order="C"), allow_pickle=False)
            archive.writestr(entry, data.getvalue())
    _replace(path, buffer.getvalue())


def write_text(path: Path, text: str) -> None:
    """UTF-8 text with a newline at its end."""
    _replace(path, (text.rstrip("\n") + "\n").encode())


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Indented JSON with each innermost list of numbers on one line."""
    write_text(path, _format(content))


def write_checksums(folder: Path) -> None:
    """`SHA256SUMS` over all other files, in the format of `sha256sum -c`."""
    files = sorted(path for path in folder.iterdir() if path.name != CHECKSUMS and path.is_file())
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}" for path in files]
    write_text(folder / CHECKSUMS, "\n".join(lines))


def rounded(array: np.ndarray, digits: int = 5) -> list[Any]:
    """Nested lists of rounded floats, without negative zeros."""
    return (np.round(array, digits) + 0.0).tolist()


def _format(value: Any, indent: str = "") -> str:
    deeper = indent + " "
    if isinstance(value, Mapping):
        rows = [f"{deeper}{json.dumps(k)}: {_format(v, deeper)}" for k, v in value.items()]
        return "{\n" + ",\n".join(rows) + f"\n{indent}}}"
    if isinstance(value, list) and value and isinstance(value[0], list):
        rows = [deeper + _format(item, deeper) for item in value]
        return "[\n" + ",\n".join(rows) + f"\n{indent}]"
    return json.dumps(value, ensure_ascii=False)


def _replace(path: Path, data: bytes) -> None:
    temporary = path.with_name(path.name + ".partial")
    temporary.write_bytes(data)
    os.replace(temporary, path)
