"""The file of a subset: which frames by name, of what, how they were drawn."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from handlib.atomic import replacing
from handlib.data.files import DataFileError, existing
from handlib.data.subsets.balance import sequence_of

SETS = ("ho3d", "dexycb", "fpha")
UNKNOWN = "unknown"
"""The bin of frames whose occlusion is not known."""
_ADVICE = "Make the file again with `handlib data subset`."


@dataclass(frozen=True)
class BinCount:
    """A bin of occlusion: frames that are in it, and how many of them are in the subset."""

    bin: str
    available: int
    taken: int


@dataclass(frozen=True)
class SubsetFile:
    """Frames of one split of a recorded data set, by names that outlive any index.

    data: "ho3d", "dexycb" or "fpha". setup: HO-3D's version, or the set's way to split. split: in
    the set's own words. size: asked for. labelled: frames of the split with labels. pool: how
    many of those the draw was from. frames: as the set's `name` has them, in its order.
    """

    data: str
    setup: str
    split: str
    seed: int
    size: int
    labelled: int
    pool: int
    occlusion: tuple[BinCount, ...]
    frames: tuple[str, ...]

    def save(self, path: Path, overwrite: bool = False) -> None:
        """Write the file in one piece.

        Raises:
            FileExistsError: there is one, and `overwrite` does not allow to replace it.
        """
        check_new(path, overwrite)
        values = {**asdict(self), "count": len(self.frames), "frames": list(self.frames)}
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")

    def lines(self) -> Iterator[str]:
        """What was drawn, for people."""
        pool = "" if self.pool == self.labelled else f", drawn from {self.pool:,} of them"
        yield (
            f"{self.data} {self.setup}, {self.split}: {len(self.frames):,} of {self.labelled:,} "
            f"labelled frames{pool}, seed {self.seed}"
        )
        yield "hidden        taken  available"
        for row in self.occlusion:
            yield f"{row.bin:10}{row.taken:9,}{row.available:11,}"
        if all(row.bin == UNKNOWN for row in self.occlusion if row.taken):
            yield "occlusion is not known, so sequences alone are balanced"
        counts = Counter(map(sequence_of, self.frames)).values()
        spread = f"{min(counts)} to {max(counts)}" if len(set(counts)) > 1 else str(max(counts))
        yield f"{len(counts):,} sequences, frames of each: {spread}"


def check_new(path: Path, overwrite: bool = False) -> None:
    """Refuse to write over a file.

    Raises:
        FileExistsError: there is one, and `overwrite` does not allow to replace it.
    """
    if path.is_dir() or path.exists() and not overwrite:
        raise FileExistsError(
            f"{path}: there is something already, and nothing was written. Give another name, or "
            "allow to replace a file (overwrite=True, --force)."
        )


def read_subset(path: Path) -> SubsetFile:
    """The subset that a file holds.

    Raises:
        FileNotFoundError: there is no file.
        DataFileError: it is no such file, or a field of it is missing or makes no sense.
    """
    existing(path, "a subset's list of frames", _ADVICE)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataFileError(f"{path}: expected JSON, but {error}. {_ADVICE}") from error
    if not isinstance(values, dict):
        kind = type(values).__name__
        raise DataFileError(f"{path}: expected named fields, found a {kind}. {_ADVICE}")
    for field, (what, fits) in _FIELDS.items():
        if field not in values or not fits(values[field]):
            raise _fault(path, field, what, values.get(field))
    frames = values["frames"]
    if len(frames) != values["count"]:
        raise _fault(path, "frames", f"{values['count']:,} names, as 'count' says", len(frames))
    rows = tuple(BinCount(**row) for row in values["occlusion"])
    taken = sum(row.taken for row in rows)
    if taken != len(frames):
        raise _fault(path, "occlusion", f"{len(frames):,} frames taken, as 'count' says", taken)
    chosen = {name: values[name] for name in _FIELDS if name != "count"}
    return SubsetFile(**chosen | {"occlusion": rows, "frames": tuple(frames)})


def _fault(path: Path, field: str, what: str, found: Any) -> DataFileError:
    text = "nothing" if found is None else f"{found!r:.60}"
    return DataFileError(f"{path}: field '{field}': expected {what}, found {text}. {_ADVICE}")


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and value.isalnum()


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0  # True is no count


def _are_names(value: Any) -> bool:
    texts = isinstance(value, list) and all(isinstance(name, str) for name in value)
    return texts and 0 < len(value) == len(set(value)) and all("/" in name for name in value)


def _are_bins(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_bin, value))


def _is_bin(row: Any) -> bool:
    if not isinstance(row, dict) or row.keys() != {"bin", "available", "taken"}:
        return False
    counts = _is_count(row["available"]) and _is_count(row["taken"])
    return isinstance(row["bin"], str) and counts and row["taken"] <= row["available"]


_FIELDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "data": (f"one of {', '.join(SETS)}", lambda value: value in SETS),
    "setup": ("a word such as v2 or s0", _is_word),
    "split": ("a word such as train", _is_word),
    "seed": ("a whole number", lambda value: type(value) is int),
    "size": ("a number of frames", _is_count),
    "labelled": ("a number of frames", _is_count),
    "pool": ("a number of frames", _is_count),
    "count": ("a number of frames", _is_count),
    "occlusion": ("rows of bin, available and taken, which is not more", _are_bins),
    "frames": ("a list of names such as ABF10/0000, each once", _are_names),
}
