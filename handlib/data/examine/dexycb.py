"""A folder of DexYCB: calibration, every subject's sequences, and the files of each frame."""

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from handlib.data.depth import read_millimetre_depth
from handlib.data.dexycb_files import (
    SIZE,
    DexYCBFiles,
    hull,
    intrinsics_of,
    read_labels,
    read_segments,
)
from handlib.data.dexycb_index import (
    ADVICE,
    SEQUENCES,
    SERIALS,
    SUBJECTS,
    is_labelled,
    read_sequence,
)
from handlib.data.examine.findings import Finding, Survey, folder_finding, look
from handlib.data.files import read_image


class _Clip(NamedTuple):
    """What one camera saw of a sequence. name: subject/sequence/serial."""

    name: str
    frames: int
    grasped: int


class DexYCBSurvey(Survey):
    """All ten subjects must be there, with a hundred sequences each: the splits count them.

    Models may be absent altogether. There is one version.
    """

    title = "DexYCB"

    def __init__(self, root: Path) -> None:
        self.root, self.files = root, DexYCBFiles(root)
        self.notes, self.overview = [], []
        self._clips: list[_Clip] = []
        self._things: set[int] = set()
        self.overview += [look("calibration", partial(intrinsics_of, root, s)) for s in SERIALS]
        for subject in SUBJECTS:
            self._look_at_subject(root / subject)
        self._look_at_models()
        self._start = np.cumsum([0, *(clip.frames for clip in self._clips)])
        there = sum((root / subject).is_dir() for subject in SUBJECTS)
        self.notes.insert(0, f"{len(self):,} frames of {there} subjects; all is 582,000 of 10")

    def __len__(self) -> int:
        return int(self._start[-1])

    def frame(self, index: int) -> list[Finding]:
        """Colour, depth and labels."""
        number = int(np.searchsorted(self._start, index, side="right")) - 1
        clip = self._clips[number]
        name = f"{clip.name}/{index - int(self._start[number]):06d}"
        folder, labels = self.root / clip.name, self.files.labels(name)
        return [
            look("image", lambda: read_image(self.files.image(name), size=SIZE), folder),
            look("labels", lambda: _is_labelled(labels, clip.grasped), folder),
            look("depth", lambda: read_millimetre_depth(self.files.depth(name)), folder),
        ]

    def _look_at_subject(self, folder: Path) -> None:
        self.overview.append(folder_finding(folder, "a subject's recordings", ADVICE))
        if not folder.is_dir():
            return
        names = sorted(path.name for path in folder.iterdir() if path.is_dir())
        if len(names) != SEQUENCES:
            message = f"{folder}: expected {SEQUENCES} sequences, found {len(names)}. {ADVICE}"
            self.overview.append(Finding("subject", "missing", message))
        for name in names:
            self._look_at_sequence(folder / name)

    def _look_at_sequence(self, folder: Path) -> None:
        row: dict[str, Any] = {}
        self.overview.append(
            look("sequence", lambda: row.update(read_sequence(self.root, folder)))
        )
        if not row or not row["frames"]:
            return
        self._things.add(row["ycb"])
        for serial in SERIALS:
            what = f"{row['frames']} frames of a camera"
            self.overview.append(folder_finding(folder / serial, what, ADVICE))
            name = f"{folder.parent.name}/{folder.name}/{serial}"
            self._clips.append(_Clip(name, row["frames"], row["grasped"]))

    def _look_at_models(self) -> None:
        if not (self.root / "models").is_dir():
            self.notes.append('no models, which crop="deformer" needs')
            return
        things = sorted(self._things)
        self.overview += [look("model", partial(hull, self.root, n)) for n in things]


def _is_labelled(path: Path, grasped: int) -> bool:
    read_labels(path, grasped)
    read_segments(path)
    return is_labelled(path)
