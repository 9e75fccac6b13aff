"""DexYCB's official splits, and what each subject's recordings hold."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from tqdm.auto import tqdm

from handlib.data.files import DataFileError, array_of, existing, read_npz, read_yaml
from handlib.data.index import Index, open_index, stamps
from handlib.data.readable import as_arrays, look

SETUPS = ("s0", "s1", "s2", "s3")
SPLITS = ("train", "val", "test")
SEQUENCES = 100
"""Of each subject: 20 objects, each handled five times."""

SUBJECTS = (
    "20200709-subject-01",
    "20200813-subject-02",
    "20200820-subject-03",
    "20200903-subject-04",
    "20200908-subject-05",
    "20200918-subject-06",
    "20200928-subject-07",
    "20201002-subject-08",
    "20201015-subject-09",
    "20201022-subject-10",
)
SERIALS = (
    "836212060125",
    "839512060362",
    "840412060917",
    "841412060263",
    "932122060857",
    "932122060861",
    "932122061900",
    "932122062010",
)
"""The cameras, in the toolkit's order."""

ADVICE = (
    "The root is the folder with 20200709-subject-01 .. 20201022-subject-10 and calibration, as "
    "unpacked from https://dex-ycb.github.io"
)
_SUBJECTS_OF_S1 = {"train": (*range(6), 9), "val": (6,), "test": (7, 8)}
_SUBJECTS_OF_S0 = {"train": range(10), "val": range(2), "test": range(2, 10)}
_CAMERAS_OF_S2 = {"train": range(6), "val": (6,), "test": (7,)}
_OBJECTS_OF_S3 = {"val": (3, 19), "test": (7, 11, 15)}


def belongs(setup: str, split: str, subject: int, sequence: int, camera: int) -> bool:
    """Whether a split has the subject's sequence by this camera, all counted from 0.

    sequence: its place among the subject's, sorted by name; five in a row handle one object.
    """
    thing, trial = divmod(sequence, 5)
    match setup:
        case "s0":  # seen subjects and objects: the last trial is held out
            return subject in _SUBJECTS_OF_S0[split] and (trial != 4) == (split == "train")
        case "s1":  # unseen subjects
            return subject in _SUBJECTS_OF_S1[split]
        case "s2":  # unseen views
            return camera in _CAMERAS_OF_S2[split]
        case _:  # s3: unseen objects
            held_out = next((name for name, k in _OBJECTS_OF_S3.items() if thing in k), "train")
            return held_out == split


def open_subject(root: Path, number: int, partial: bool) -> Index | None:
    """What subject `number` recorded; None if it is not there and `partial` allows that.

    A row for each sequence: `name`, `frames`, `side`, `betas`, `grasped` (place of the object
    at hand among `ycb_ids`), `ycb` (its number), `cameras` (which are there), `start` (of each
    camera's frames in `valid`). `valid`: whether a frame's hand is labelled; `unread`: frames
    of which that is not known (`readable.settled`).

    Raises:
        FileNotFoundError: a folder or a calibration is missing.
        DataFileError: sequences or cameras are missing, and `partial` does not allow it.
    """
    folder = root / SUBJECTS[number]
    if partial and not folder.is_dir():
        return None
    existing(folder, "the recordings of a subject", ADVICE)
    names = sorted(path.name for path in folder.iterdir() if (path / "meta.yml").is_file())
    if len(names) != SEQUENCES and not partial:
        raise DataFileError(
            f"{folder}: expected {SEQUENCES} sequences with a meta.yml, found {len(names)}. The "
            "official splits count them, so unpack the rest, or take what is there with "
            "partial=True and call the result something else."
        )
    metas = [folder / name / "meta.yml" for name in names]
    key = [str(root.resolve()), stamps(root, metas)]
    index = open_index("dexycb", key, lambda: _read_subject(root, folder, names))
    cameras = index["cameras"]
    if not partial and not cameras.all():
        row = int(np.flatnonzero(~cameras.all(1))[0])
        raise DataFileError(
            f"{folder / names[row]}: expected {len(SERIALS)} cameras, found "
            f"{int(cameras[row].sum())}. Unpack the rest, or take what is there with partial=True."
        )
    return index


def _read_subject(root: Path, folder: Path, names: list[str]) -> dict[str, np.ndarray]:
    rows = [read_sequence(root, folder / name) for name in names]
    cameras = np.array([[(folder / n / s).is_dir() for s in SERIALS] for n in names], bool)
    frames = np.array([row["frames"] for row in rows], int)
    cameras = cameras.reshape(-1, len(SERIALS)) | (frames == 0)[:, None]
    counts = np.where(cameras, frames[:, None], 0)
    paths = _label_paths(folder, names, frames, cameras)
    bar = tqdm(total=int(counts.sum()), desc=f"{folder.name}, once", unit=" frames", leave=False)
    with bar, ThreadPoolExecutor(8) as readers:  # they wait for the disk
        looks = readers.map(lambda path: look(partial(is_labelled, path)), paths)
        found = as_arrays([_count(bar, one) for one in looks])
    return {
        "name": np.array(names, "U64"),
        "frames": frames,
        "side": np.array([row["side"] for row in rows], "U5"),
        "betas": np.array([row["betas"] for row in rows], np.float32).reshape(-1, 10),
        "grasped": np.array([row["grasped"] for row in rows], int),
        "ycb": np.array([row["ycb"] for row in rows], int),
        "cameras": cameras,
        "start": (counts.cumsum() - counts.ravel()).reshape(counts.shape),
        **found,
    }


def read_sequence(root: Path, folder: Path) -> dict[str, Any]:
    """`frames`, `side`, `betas`, `grasped` and `ycb` of a sequence; see `open_subject`.

    Raises:
        FileNotFoundError, DataFileError: its meta.yml or its hand's shape cannot be read.
    """
    path = folder / "meta.yml"
    meta = read_yaml(path)
    try:
        grasped = int(meta["ycb_grasp_ind"])
        row = {
            "frames": int(meta["num_frames"]),
            "side": str(meta["mano_sides"][0]),
            "grasped": grasped,
            "ycb": int(meta["ycb_ids"][grasped]),
        }
        calibration = str(meta["mano_calib"][0])
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise DataFileError(
            f"{path}: expected num_frames, mano_sides, mano_calib, ycb_ids and ycb_grasp_ind of "
            f"one hand, found {sorted(meta)} ({error!r}). Unpack the archive again."
        ) from error
    if row["side"] not in ("right", "left"):
        raise DataFileError(f"{path}: expected mano_sides [right] or [left], found {row['side']}")
    # An empty sequence keeps its place in the count; nobody needs its hand's shape.
    betas = _read_betas(root, calibration) if row["frames"] else np.zeros(10)
    return row | {"betas": betas}


def _read_betas(root: Path, calibration: str) -> Float[np.ndarray, "10"]:
    path = root / "calibration" / f"mano_{calibration}" / "mano.yml"
    existing(path, "the hand shape that a sequence names", ADVICE)
    return array_of(read_yaml(path), "betas", (10,), path)


def _label_paths(
    folder: Path, names: list[str], frames: np.ndarray, cameras: Bool[np.ndarray, "S 8"]
) -> Iterator[Path]:
    for name, count, present in zip(names, frames, cameras, strict=True):
        for serial, there in zip(SERIALS, present, strict=True):
            for frame in range(count if there else 0):
                yield folder / name / serial / f"labels_{frame:06d}.npz"


def is_labelled(path: Path) -> bool:
    """Whether a frame's labels are more than zeros and -1."""
    labels = read_npz(path, ["pose_m", "joint_3d"])
    return bool(labels["pose_m"].any()) and not bool((labels["joint_3d"] == -1).all())


def _count(bar: tqdm, found: bool | None) -> bool | None:
    bar.update()
    return found
