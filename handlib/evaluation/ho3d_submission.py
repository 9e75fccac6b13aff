"""HO-3D's submission: `pred.json` in a zip, written from predictions, and examined before upload.

The file is [joints, vertices] with N×21×3 and N×778×3 numbers: metres in the OpenGL frame, HO-3D's
joint order, frames in the order of `evaluation.txt`, each wrist where the data set has it.
"""

import json
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from handlib.atomic import replacing
from handlib.evaluation.plausible import Convention, hand_faults, median_reach
from handlib.evaluation.stacking import listed, stack
from handlib.hands.skeleton import COMMON_TO_HO3D

MEMBER = "pred.json"
IMAGES = {11_524: "version 2", 20_137: "version 3"}
JOINTS, VERTICES = 21, 778
CONVENTION = Convention(unit="metres", frame="OpenGL", order="HO-3D", side="right")
APART = 0.5  # of a hand's reach, between the middles of its joints and of its vertices
_TO_OPENGL = torch.tensor([1.0, -1.0, -1.0])


def write_ho3d(
    path: Path,
    frames: Sequence[str],
    joints: Float[Tensor, "N 21 3"],
    vertices: Float[Tensor, "N V 3"],
    roots: Float[Tensor, "N 3"],
    listing: Path,
) -> None:
    """Write a submission, atomically; numbers are rounded to a micrometre.

    frames: what each prediction is for, such as "SM1/0000", in any order. joints, vertices:
    metres, OpenCV frame, common order and MANO's 778, wherever the model has put the hand.
    roots: the wrists that HO-3D gives away, OpenCV frame; joints and vertices are moved so that
    the wrists are there. listing: HO-3D's `evaluation.txt`, whose order the file gets.

    Raises:
        ValueError: `path` is no .zip, shapes do not fit, NaN, or frames that are missing,
            doubled or not listed.
    """
    if path.suffix != ".zip":
        raise ValueError(f"path: expected a name that ends in .zip, found {path.name}")
    _require_shapes(frames, joints=joints, vertices=vertices, roots=roots)
    order = _rows(frames, listed(listing), listing)
    joints, vertices, roots = (x.detach().cpu() for x in (joints, vertices, roots))
    shift = (roots - joints[:, 0])[:, None]
    columns = list(COMMON_TO_HO3D)
    parts = (joints + shift)[:, columns] * _TO_OPENGL, (vertices + shift) * _TO_OPENGL
    member = zipfile.ZipInfo(MEMBER)  # without a date: the same predictions give the same file
    member.compress_type = zipfile.ZIP_DEFLATED
    with (
        replacing(path) as temporary,
        zipfile.ZipFile(temporary, "w") as archive,
        archive.open(member, "w", force_zip64=True) as file,
    ):
        pieces = chain("[", _as_json(parts[0], order), ",", _as_json(parts[1], order), "]")
        for piece in pieces:
            file.write(piece.encode())


def ho3d_faults(path: Path, listing: Path | None = None) -> list[str]:
    """Everything that is wrong with a submission (.zip, or the .json itself); empty if nothing.

    listing: `evaluation.txt`; else the number of hands must be that of one of the versions.
    """
    try:
        content = _content(path)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        return [str(error)]
    expected = [len(listed(listing))] if listing else list(IMAGES)
    joints, joint_faults = stack(content[0], JOINTS, "joints")
    vertices, vertex_faults = stack(content[1], VERTICES, "vertices")
    return [
        *_count_fault("joints", len(joints), expected),
        *_count_fault("vertices", len(vertices), expected),
        *joint_faults,
        *vertex_faults,
        *hand_faults(joints, CONVENTION),
        *_apart_fault(joints, vertices),
    ]


def _as_json(samples: Float[Tensor, "N P 3"], order: list[int]) -> Iterator[str]:
    """A list of samples, one at a time: all of them as Python's numbers would fill the memory."""
    yield "["
    for number, row in enumerate(order):
        rounded = samples[row].double().round(decimals=6).tolist()
        yield ("," if number else "") + json.dumps(rounded)
    yield "]"


def _content(path: Path) -> list[Any]:
    """[joints, vertices] as lists of anything; exceptions say why it is not that."""
    text = path.read_bytes() if path.suffix == ".json" else _member(path)
    try:
        content = json.loads(text)
    except ValueError as error:
        raise ValueError(f"{MEMBER}: expected JSON, found: {error}") from error
    parts = [type(part).__name__ for part in content] if isinstance(content, list) else None
    if parts != ["list", "list"]:
        found = f"list of {', '.join(parts)}" if parts else type(content).__name__
        raise ValueError(
            f"{MEMBER}: expected two lists, of joints and of vertices, found a {found}"
        )
    return content


def _member(path: Path) -> bytes:
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path}: expected a zip file with {MEMBER} in it, found another kind")
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if MEMBER not in names:
            inside = [name for name in names if name.endswith("/" + MEMBER)]
            advice = "; zip it without its folder (zip -j)" if inside else ""
            raise ValueError(f"{path}: expected {MEMBER} in the zip, found {names[:5]}{advice}")
        return archive.read(MEMBER)


def _count_fault(what: str, found: int, expected: list[int]) -> list[str]:
    if found in expected:
        return []
    known = " or ".join(
        f"{count:,} ({IMAGES[count]})" if count in IMAGES else f"{count:,}" for count in expected
    )
    return [f"{what}: expected {known} hands, found {found:,}"]


def _apart_fault(joints: np.ndarray, vertices: np.ndarray) -> list[str]:
    count = min(len(joints), len(vertices))
    between = joints[:count].mean(1) - vertices[:count].mean(1)
    usable = np.isfinite(between).all(1)
    if not usable.any():
        return []
    distance = np.median(np.linalg.norm(between[usable], axis=-1))
    reach = median_reach(joints[:count][usable])
    if distance <= APART * reach:
        return []
    return [
        f"the middles of joints and vertices are {distance:.4g} apart, a hand reaches {reach:.4g} "
        "(medians): both need the same unit, frame, position and order of images"
    ]


def _require_shapes(frames: Sequence[str], **tensors: Tensor) -> None:
    for name, tensor in tensors.items():
        tail = {"joints": (JOINTS, 3), "vertices": (VERTICES, 3), "roots": (3,)}[name]
        expected, found = (len(frames), *tail), tuple(tensor.shape)
        if found != expected:
            raise ValueError(f"{name}: expected the shape {expected}, found {found}")
        if not tensor.isfinite().all():
            raise ValueError(f"{name}: expected finite numbers, found NaN or infinity")


def _rows(frames: Sequence[str], wanted: list[str], listing: Path) -> list[int]:
    """For each wanted frame the row of its prediction."""
    rows = {frame: row for row, frame in enumerate(frames)}
    problems = {
        "missing": sorted(set(wanted) - set(rows)),
        "not listed": sorted(set(rows) - set(wanted)),
        "given twice": sorted(frame for row, frame in enumerate(frames) if rows[frame] != row),
    }
    for problem, names in problems.items():
        if names:
            raise ValueError(
                f"frames: expected those of {listing}, each once; "
                f"{len(names)} {problem}, first {names[0]}"
            )
    return [rows[frame] for frame in wanted]
