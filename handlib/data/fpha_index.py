"""FPHA's sequences, its three protocols, and all of its skeletons in one array."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from tqdm.auto import tqdm

from handlib.data.files import DataFileError, existing, first_existing, read_text
from handlib.data.index import Index, open_index, stamps

SETUPS = ("action", "subject", "object")
SPLITS = ("train", "test")
LIST = "data_split_action_recognition.txt"

ADVICE = (
    "The root is the folder with Video_files, Hand_pose_annotation_v1 and "
    f"{LIST} (https://github.com/guiggh/hand_pose_action)."
)
_TRAIN_SUBJECTS = ("Subject_1", "Subject_3", "Subject_4")
# The authors list objects, not actions; which action handles which object is our reading:
# one pricks with the fork, sprinkles with the spray, and toasts with a glass, not a bottle.
_TEST_OBJECTS = (
    *("peanut_butter", "prick", "milk", "tea_bag", "liquid_soap", "sprinkle", "flash", "paper"),
    *("calculator", "cell_phone", "coin", "card", "pour_wine"),
)
IGNORED = ("Subject_2/close_milk/4", "Subject_2/put_tea_bag/2", "Subject_4/flip_sponge/2")
"""Damaged recordings, by the authors' word."""
_MAY_LACK = ("Subject_5/use_flash/6",)  # listed, but not in every copy


class FPHAFiles(NamedTuple):
    """The images of a data set, by the frames' names (`FPHA.name`)."""

    root: Path

    def image(self, name: str) -> Path:
        """The colour image, of either size.

        Raises:
            FileNotFoundError: there is none.
        """
        return self._file(name, "color", ".jpeg")

    def depth(self, name: str) -> Path:
        """The depth camera's image.

        Raises:
            FileNotFoundError: there is none.
        """
        return self._file(name, "depth", ".png")

    def folders(self, sequence: str, kind: str) -> list[Path]:
        """Where a sequence's images of a kind, color or depth, may be."""
        videos = ("Video_files", "Video_files_480")
        return [self.root / name / sequence / kind for name in videos]

    def _file(self, name: str, kind: str, suffix: str) -> Path:
        sequence, frame = name.rsplit("/", 1)
        folders = self.folders(sequence, kind)
        paths = [folder / f"{kind}_{frame}{suffix}" for folder in folders]
        return first_existing(paths, f"a frame's {kind} image", ADVICE)


def skeletons(root: Path) -> tuple[Path, list[Path]]:
    """The folder of annotations, and the file of each sequence in it.

    Raises:
        FileNotFoundError: there is none.
    """
    folder = first_existing(
        [root / "Hand_pose_annotation_v1", root / "Hand_pose_annotation_v1_1"],
        "the hands' annotations",
        ADVICE,
    )
    paths = sorted(folder.glob("Subject_*/*/*/skeleton.txt"))
    if not paths:
        existing(folder / "Subject_1", "folders <action>/<repetition>/skeleton.txt", ADVICE)
    return folder, paths


def open_fpha_index(root: Path) -> Index:
    """All annotated sequences: `name` ("Subject_1/open_milk/2"), `start` of each in `joints`.

    joints: metres in the frame of the depth camera, in FPHA's order; sequence k has rows
    start[k] to start[k + 1]. A sequence whose file is empty has none.

    Raises:
        FileNotFoundError: no annotations.
        DataFileError: a skeleton file that cannot be read.
    """
    folder, paths = skeletons(root)
    key = [str(root.resolve()), stamps(root, paths)]
    return open_index("fpha", key, lambda: _read_all(folder, paths))


def chosen(root: Path, index: Index, setup: str, split: str) -> list[int]:
    """Numbers of the sequences of a split; those that the authors call damaged are left out."""
    names = index["name"].tolist()
    if setup == "action":
        wanted = listed(root / LIST, split)
        unknown = unannotated(root, split, names)
        if unknown:
            raise DataFileError(
                f"{root}: expected an annotation of every listed sequence, found none of "
                f"{len(unknown)}, such as {min(unknown)}. {ADVICE}"
            )
    else:
        wanted = {name for name in names if in_test(name, setup) == (split == "test")}
    return [k for k, name in enumerate(names) if name in wanted and name not in IGNORED]


def unannotated(root: Path, split: str, names: Iterable[str]) -> set[str]:
    """Sequences of the official split that are not among `names`, and should be.

    Raises:
        FileNotFoundError, DataFileError: no list, or one that cannot be read.
    """
    return listed(root / LIST, split) - {*names, *IGNORED, *_MAY_LACK}


def in_test(name: str, setup: str) -> bool:
    """Whether a sequence is for testing on unseen subjects, or on unseen objects."""
    subject, action, _ = name.split("/")
    if setup == "subject":
        return subject not in _TRAIN_SUBJECTS
    return any(word in action for word in _TEST_OBJECTS)


def listed(path: Path, split: str) -> set[str]:
    """The sequences of a part of the official split.

    One line says "Training 600", one "Test 575"; each is followed by its sequences.

    Raises:
        FileNotFoundError, DataFileError: no list, or one that cannot be read.
    """
    existing(path, "the list of training and test sequences", ADVICE)
    text = read_text(path, "the list of training and test sequences")
    found: dict[str, set[str]] = {"train": set(), "test": set()}
    part = "train"
    for line in text.splitlines():
        words = line.split()
        if not words:
            continue
        if words[0].lower().startswith(("train", "test")):
            part = "test" if words[0].lower().startswith("test") else "train"
        elif words[0].count("/") == 2:
            found[part].add(words[0])
        else:
            raise DataFileError(
                f"{path}: expected lines such as Subject_1/open_milk/1 0, found {line!r:.80}"
            )
    return found[split]


def _read_all(folder: Path, paths: list[Path]) -> dict[str, np.ndarray]:
    bar = tqdm(paths, desc="FPHA's skeletons, once", unit=" sequences", leave=False)
    joints = [read_skeleton(path) for path in bar]
    return {
        "name": np.array([path.parent.relative_to(folder).as_posix() for path in paths], "U96"),
        "start": np.cumsum([0, *map(len, joints)]),
        "joints": np.concatenate([np.zeros((0, 21, 3), np.float32), *joints]),
    }


def read_skeleton(path: Path) -> Float[np.ndarray, "F 21 3"]:
    """Joints in metres. Row i is frame i: its number, then 21 points in millimetres.

    Raises:
        DataFileError: it cannot be read.
    """
    text = read_text(path, "lines of numbers")
    try:
        rows = np.array([line.split() for line in text.splitlines() if line.strip()], np.float64)
        rows = rows.reshape(-1, 64) if len(rows) else np.zeros((0, 64))
    except ValueError as error:
        raise DataFileError(
            f"{path}: expected 64 numbers a line, the frame and 21 points, but {error}. "
            "Unpack the annotations again."
        ) from error
    if not (rows[:, 0] == np.arange(len(rows))).all():
        raise DataFileError(f"{path}: expected frames 0, 1, 2, ..., found {rows[:4, 0]}, ...")
    broken = np.flatnonzero(~np.isfinite(rows).all(1))
    if len(broken):
        raise DataFileError(
            f"{path}: expected finite numbers, found others in the line of frame {broken[0]}. "
            "Unpack the annotations again."
        )
    return (rows[:, 1:].reshape(-1, 21, 3) / 1000).astype(np.float32)
