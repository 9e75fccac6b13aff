"""A folder of FPHA: the official split, every sequence's skeletons, and each frame's images."""

from functools import partial
from pathlib import Path

import numpy as np

from handlib.data.depth import read_millimetre_depth
from handlib.data.examine.findings import Finding, Survey, look
from handlib.data.files import DataFileError, read_image
from handlib.data.fpha_index import (
    ADVICE,
    IGNORED,
    SPLITS,
    FPHAFiles,
    read_skeleton,
    skeletons,
    unannotated,
)


class FPHASurvey(Survey):
    """Sequences are those with annotations; depth may be absent altogether. Of one version.

    Sequences that the authors call damaged are left out, as by the loader. Some files of
    skeletons are published empty.
    """

    title = "FPHA"

    def __init__(self, root: Path) -> None:
        self.root, self.files = root, FPHAFiles(root)
        self.notes, self.overview = [], []
        self._names: list[str] = []
        self._counts: list[int] = []
        self.overview.append(look("annotations", lambda: self._look_at_all(*skeletons(root))))
        self._start = np.cumsum([0, *self._counts])
        self.overview += [look("list", partial(self._look_at_list, s)) for s in SPLITS]
        self.notes.append(f"{len(self):,} frames in {len(self._names):,} annotated sequences")
        self._depth = any(self._folder(name, "depth") for name in self._names)
        if not self._depth:
            self.notes.append("no depth, which no network here needs")

    def __len__(self) -> int:
        return int(self._start[-1])

    def frame(self, index: int) -> list[Finding]:
        """The colour image, and depth if there is any."""
        number = int(np.searchsorted(self._start, index, side="right")) - 1
        sequence = self._names[number]
        name = f"{sequence}/{index - int(self._start[number]):04d}"
        colour = self._folder(sequence, "color") or self.files.folders(sequence, "color")[0]
        depth = self._folder(sequence, "depth") or self.files.folders(sequence, "depth")[0]
        found = [look("image", lambda: read_image(self.files.image(name)), colour)]
        if self._depth:
            found.append(
                look("depth", lambda: read_millimetre_depth(self.files.depth(name)), depth)
            )
        return found

    def _look_at_all(self, folder: Path, paths: list[Path]) -> None:
        for path in paths:
            name = path.parent.relative_to(folder).as_posix()
            if name not in IGNORED:
                self._look_at_sequence(path, name)

    def _look_at_sequence(self, path: Path, name: str) -> None:
        folder = self._folder(name, "color")
        images = sum(1 for _ in folder.glob("color_*.jpeg")) if folder else 0
        rows: list[int] = []

        def read() -> bool:
            rows.append(len(read_skeleton(path)))
            if 0 < rows[0] < images:
                raise DataFileError(
                    f"{path}: expected a line for each of the {images} colour images, found "
                    f"{rows[0]}. Unpack the annotations again."
                )
            return rows[0] > 0

        self.overview.append(look("skeletons", read))
        self._names.append(name)
        self._counts.append(rows[0] if rows else images)
        if not folder:
            message = f"{name}: expected the folder of its colour images, found none. {ADVICE}"
            self.overview.append(Finding("folder", "missing", message))

    def _look_at_list(self, split: str) -> None:
        absent = unannotated(self.root, split, self._names)
        if absent:
            raise DataFileError(
                f"{self.root}: expected annotations of all listed sequences, found none of "
                f"{', '.join(sorted(absent))}. {ADVICE}"
            )

    def _folder(self, sequence: str, kind: str) -> Path | None:
        return next((f for f in self.files.folders(sequence, kind) if f.is_dir()), None)
