"""DexYCB's result file: one line a frame, `image_id,x1,y1,z1,...,x21,y21,z21`, and its faults.

Millimetres in the camera's OpenCV frame, common joint order. An image_id is the frame's place
among all frames of the split, those without labels included: a list of labelled frames only,
numbered anew, gives other ids.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float
from torch import Tensor

from handlib.atomic import replacing
from handlib.evaluation.plausible import Convention, hand_faults
from handlib.evaluation.stacking import count_and_first, listed, stack
from handlib.hands.skeleton import JOINT_NAMES

FIELDS = 1 + 3 * len(JOINT_NAMES)
CONVENTION = Convention(unit="millimetres", frame="OpenCV", order="common")


def write_dexycb(path: Path, image_ids: Sequence[int], joints: Float[Tensor, "N 21 3"]) -> None:
    """Write a result file, atomically, in the order of the ids.

    image_ids: the official index of each frame. joints: metres, OpenCV frame, common order, in
    the camera's frame (a root-relative model's joints need the wrist added first).

    Raises:
        ValueError: shapes that do not fit, NaN, or ids that are negative or given twice.
    """
    expected, found = (len(image_ids), len(JOINT_NAMES), 3), tuple(joints.shape)
    if found != expected:
        raise ValueError(f"joints: expected the shape {expected}, found {found}")
    if not joints.isfinite().all():
        raise ValueError("joints: expected finite numbers, found NaN or infinity")
    if len(set(image_ids)) < len(image_ids) or min(image_ids, default=0) < 0:
        raise ValueError(
            "image_ids: expected numbers from 0 on, each once; two are equal or below"
        )
    rows = zip(image_ids, (1000 * joints.double()).flatten(1).tolist(), strict=True)
    with replacing(path) as temporary, temporary.open("w") as file:
        for image_id, numbers in sorted(rows):
            file.write(f"{image_id},{','.join(f'{number:.4f}' for number in numbers)}\n")


def dexycb_faults(path: Path, image_ids: Iterable[int] | None = None) -> list[str]:
    """Everything that is wrong with a result file; empty if nothing.

    image_ids: the frames with labels; each must have a line. Others may have one.
    """
    if not path.is_file():
        return [f"{path}: no such file"]
    lines = path.read_text(errors="replace").splitlines()
    if not lines:
        return [f"{path}: expected a line a frame, found an empty file"]
    ids, samples, faults = _parse(lines)
    joints, sample_faults = stack(samples, len(JOINT_NAMES), "joints")
    return [
        *faults,
        *_id_faults(ids, image_ids),
        *sample_faults,
        *hand_faults(joints, CONVENTION),
    ]


def labelled_ids(listing: Path) -> list[int]:
    """The image ids in a text file, one a line.

    Raises:
        FileNotFoundError, ValueError: there is no such file, or something else in it.
    """
    words = listed(listing)
    strange = [word for word in words if not word.isdecimal()]
    if strange:
        raise ValueError(f"{listing}: expected an image_id a line, found {strange[0]!r}")
    return [int(word) for word in words]


def _parse(lines: list[str]) -> tuple[list[int], list[np.ndarray], list[str]]:
    """Ids and joints of the lines that can be read, and the faults of the others."""
    ids, samples = [], []
    wrong: defaultdict[str, list[int]] = defaultdict(list)
    for number, line in enumerate(lines, 1):
        fields = line.split(",")
        if len(fields) != FIELDS:
            wrong[f"expected {FIELDS} fields between commas, found {len(fields)}"].append(number)
            continue
        try:
            image_id = int(fields[0])
        except ValueError:
            wrong["expected a whole number as image_id"].append(number)
            continue
        try:
            sample = np.array([float(field) for field in fields[1:]]).reshape(-1, 3)
        except ValueError:
            wrong["expected numbers after the image_id"].append(number)
            continue
        ids.append(image_id)
        samples.append(sample)
    faults = [f"{kind}: {count_and_first(where, 'lines')}" for kind, where in wrong.items()]
    return ids, samples, faults


def _id_faults(ids: list[int], wanted: Iterable[int] | None) -> list[str]:
    values, counts = np.unique(np.array(ids, int), return_counts=True)
    faults = []
    for problem, those in (("below 0", values[values < 0]), ("given twice", values[counts > 1])):
        if len(those):
            faults.append(f"image_id: {len(those):,} {problem}, first {those[0]}")
    missing = sorted(set(() if wanted is None else wanted) - set(ids))
    if missing:
        faults.append(
            f"image_id: expected every frame with labels, {len(missing):,} missing, "
            f"first {missing[0]}; ids count the frames without labels, too"
        )
    return faults
