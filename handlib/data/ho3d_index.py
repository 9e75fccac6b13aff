"""Which frames HO-3D has, in what order, and which of them are annotated."""

import json
import re
from functools import partial
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32
from tqdm.auto import tqdm

from handlib.data.files import DataFileError, existing, read_annotation, read_text
from handlib.data.index import Index, open_index, stamps
from handlib.data.readable import as_arrays, look
from handlib.hands.skeleton import HO3D_TO_COMMON

SPLITS = ("train", "evaluation")

OPENGL = torch.diag(torch.tensor([1.0, -1.0, -1.0]))
"""OpenGL's camera frame (x right, y up, looking along -z) to OpenCV's, and back."""

ADVICE = (
    "The root is the folder with train/, evaluation/ and both lists, as unpacked from HO-3D's "
    "archive (https://github.com/shreyashampali/ho3d); check also `version`."
)
_LINE = re.compile(r"[\w-]+/\d+")


def open_ho3d_index(root: Path, split: str, version: str) -> Index:
    """The frames of `<split>.txt`, training frames sorted, evaluation frames in its order.

    Frames are kept in runs of consecutive numbers: `sequence` (name), `first` (number) and
    `start` (index) of each. `valid`: whether the frame is annotated; `unread`: frames of
    which that is not known (`readable.settled`). `joints`: the evaluation's truth, in the common
    order and OpenCV's frame, if `evaluation_xyz.json` is there.

    Raises:
        FileNotFoundError: no list, or no annotations of a listed sequence.
        DataFileError: a list that cannot be read.
    """
    listing = existing(root / f"{split}.txt", "HO-3D's list of frames", ADVICE)
    frames = read_list(listing)
    if split == "train":
        frames.sort()
    truth = root / "evaluation_xyz.json"
    truths = [truth] if split == "evaluation" and truth.is_file() else []
    folders = [root / split / name / "meta" for name in sorted({name for name, _ in frames})]
    for folder in folders:
        existing(folder, f"the annotations of frames in {listing.name}", ADVICE)

    def make() -> dict[str, np.ndarray]:
        looks = _looks(root / split, frames) if split == "train" else [True] * len(frames)
        arrays = _runs(frames) | as_arrays(looks)
        if truths:
            arrays["joints"] = evaluation_joints(truth, len(frames))
        return arrays

    key = [str(root.resolve()), split, version, stamps(root, [listing, *truths, *folders])]
    return open_index("ho3d", key, make)


def read_list(path: Path) -> list[tuple[str, int]]:
    """Sequence and number of each frame in a list such as train.txt, in its order.

    Raises:
        DataFileError: it is empty, or not such a list.
    """
    lines = read_text(path, "a list of frames").split()
    if not lines:
        raise DataFileError(f"{path}: expected a list of frames, found an empty file. {ADVICE}")
    for line in lines:
        if not _LINE.fullmatch(line):
            raise DataFileError(
                f"{path}: expected lines such as ABF10/0000, found {line!r:.80}. {ADVICE}"
            )
    pairs = (line.split("/") for line in lines)
    return [(sequence, int(number)) for sequence, number in pairs]


def _runs(frames: list[tuple[str, int]]) -> dict[str, np.ndarray]:
    """Consecutive numbers of one sequence, as few runs as there are."""
    names = np.array([name for name, _ in frames])
    numbers = np.array([number for _, number in frames])
    breaks = (names[1:] != names[:-1]) | (np.diff(numbers) != 1)
    start = np.concatenate([[0], np.flatnonzero(breaks) + 1])
    return {"sequence": names[start], "first": numbers[start], "start": start}


def is_annotated(path: Path) -> bool:
    """Whether a hand is annotated; some frames have no annotation, some one of None.

    Raises:
        DataFileError: there is an annotation that cannot be read.
    """
    return path.is_file() and read_annotation(path, ["handPose"]).get("handPose") is not None


def _looks(folder: Path, frames: list[tuple[str, int]]) -> list[bool | None]:
    paths = (folder / name / "meta" / f"{number:04d}.pkl" for name, number in frames)
    bar = tqdm(paths, "HO-3D's annotations, once", total=len(frames), unit=" frames", leave=False)
    return [look(partial(is_annotated, path)) for path in bar]


def evaluation_joints(path: Path, count: int) -> Float32[np.ndarray, "N 21 3"]:
    """True joints of the `count` evaluation frames, common order, in OpenCV's frame.

    Raises:
        DataFileError: the file cannot be read, or is another version's.
    """
    return _evaluation_truth(path, count, 21)[:, HO3D_TO_COMMON]


def evaluation_vertices(root: Path, count: int) -> Float32[np.ndarray, "N 778 3"] | None:
    """True vertices of the `count` evaluation frames, in OpenCV's frame; None without the file.

    Raises:
        DataFileError: `evaluation_verts.json` cannot be read, or is another version's.
    """
    path = root / "evaluation_verts.json"
    return _evaluation_truth(path, count, 778) if path.is_file() else None


def _evaluation_truth(path: Path, count: int, points: int) -> Float32[np.ndarray, "N P 3"]:
    """The truth of the evaluation frames, published in November 2024."""
    try:
        truth = np.array(json.loads(path.read_bytes()), np.float32)
    except ValueError as error:
        raise DataFileError(f"{path}: expected lists of numbers, but {error}") from error
    if truth.shape != (count, points, 3):
        raise DataFileError(
            f"{path}: expected {points} points of each of the {count} frames of evaluation.txt, "
            f"found shape {truth.shape}. Take the file of this version of HO-3D, or remove it."
        )
    if not np.isfinite(truth).all():
        raise DataFileError(
            f"{path}: expected finite numbers, found others for frame "
            f"{int(np.flatnonzero(~np.isfinite(truth).all((1, 2)))[0])} of evaluation.txt. "
            "Take the file as it was published, or remove it."
        )
    return truth @ OPENGL.numpy()
