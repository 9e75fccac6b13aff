"""What a folder of HO-3D, DexYCB or FPHA holds: what is there, missing, broken, of which version.

Files are read by the readers of the loaders, so what is fine here can be loaded. What handlib
does not read, such as the textures of models, is not looked at.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from tqdm.auto import tqdm

from handlib.data.dexycb_index import SUBJECTS
from handlib.data.examine.dexycb import DexYCBSurvey
from handlib.data.examine.findings import Finding, Survey, Tally
from handlib.data.examine.fpha import FPHASurvey
from handlib.data.examine.ho3d import HO3DSurvey
from handlib.data.files import existing, one_of

__all__ = ["Finding", "Layout", "Survey", "Tally", "findings", "guess", "survey"]

Layout = Literal["ho3d", "dexycb", "fpha"]
_SURVEYS: dict[Layout, Callable[[Path], Survey]] = {
    "ho3d": HO3DSurvey,
    "dexycb": DexYCBSurvey,
    "fpha": FPHASurvey,
}
_SIGNS: dict[Layout, tuple[str, ...]] = {
    "ho3d": ("train.txt", "evaluation.txt", "train", "evaluation"),
    "dexycb": ("calibration/intrinsics", *SUBJECTS),
    "fpha": (
        *("Hand_pose_annotation_v1", "Hand_pose_annotation_v1_1", "Video_files"),
        *("Video_files_480", "data_split_action_recognition.txt"),
    ),
}
_READERS, _BATCH = 8, 256  # threads; frames that they are given at a time


def guess(root: Path) -> Layout:
    """Which data set a folder holds, by the names in it.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: none of the three, or several.
    """
    existing(root, "the folder of a data set", "Give the one that its archives are unpacked in.")
    found = [k for k, signs in _SIGNS.items() if any((root / sign).exists() for sign in signs)]
    if len(found) != 1:
        what = " and ".join(found) or "nothing of them"
        raise ValueError(
            f"{root}: expected the folder of HO-3D, DexYCB or FPHA, found {what}. "
            "Give the folder itself, or say what it should be (--as)."
        )
    return found[0]


def survey(root: Path, layout: Layout | None = None) -> Survey:
    """What is to be looked at in a data set's folder; the set is guessed if not named.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: an unknown layout, or a folder that cannot be guessed.
    """
    layout = guess(root) if layout is None else layout
    one_of("layout", layout, get_args(Layout))
    existing(root, "the folder of a data set", "Give the one that its archives are unpacked in.")
    return _SURVEYS[layout](root)


def findings(found: Survey, limit: int | None = None) -> Iterator[Finding]:
    """One finding for each file, as they are read; first those that whole sequences depend on.

    limit: look at so many frames, evenly spaced. Nothing is kept in memory; on a terminal a bar
    says how far it is.

    Raises:
        ValueError: limit below 1.
    """
    if limit is not None and limit < 1:
        raise ValueError(f"limit: expected at least 1 frame, found {limit}")
    yield from found.overview
    count = min(limit or len(found), len(found))
    chosen = np.linspace(0, len(found) - 1, count).round().astype(int)
    bar = tqdm(total=count, desc=found.title, unit=" frames", leave=False, disable=None)
    with bar, ThreadPoolExecutor(_READERS) as readers:  # they wait for the disk
        for start in range(0, count, _BATCH):
            for frame in readers.map(found.frame, chosen[start : start + _BATCH].tolist()):
                bar.update()
                yield from frame
