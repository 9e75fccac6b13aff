"""A folder of HO-3D: both lists, and the files of each listed frame."""

from collections import Counter
from pathlib import Path
from typing import Any

from handlib.data.depth import read_ho3d_depth
from handlib.data.examine.findings import Finding, Survey, folder_finding, look
from handlib.data.files import DataFileError, existing, read_image
from handlib.data.ho3d import SIZE, read_labels, read_wrist
from handlib.data.ho3d_files import HO3DFiles
from handlib.data.ho3d_index import ADVICE, SPLITS, evaluation_joints, read_list

_OFFICIAL = {
    ("v2", "train"): 66_034,
    ("v2", "evaluation"): 11_524,
    ("v3", "train"): 83_325,
    ("v3", "evaluation"): 20_137,
}
"""Frames in the published lists; that of v3's training list is by others' count."""


class HO3DSurvey(Survey):
    """Depth and rendered segmentations may be absent altogether; single ones may not.

    The version is that of the first image: v2 has PNG, v3 has JPEG.
    """

    def __init__(self, root: Path) -> None:
        self.root, self.version = root, _version(root)
        self.title = f"HO-3D {self.version}"
        self.notes, self.overview = [], []
        self._frames: list[tuple[HO3DFiles, str]] = []
        self._optional: set[tuple[str, str]] = set()
        for split in SPLITS:
            self._look_at_split(split)

    def __len__(self) -> int:
        return len(self._frames)

    def frame(self, index: int) -> list[Finding]:
        """Image and annotation; depth and segmentation where the split has any."""
        files, name = self._frames[index]
        path = files.annotation(name)
        sequence = path.parent.parent
        found = [
            look("image", lambda: read_image(files.image(name), size=SIZE), sequence / "rgb"),
            look("annotation", lambda: _is_labelled(path, files.split), path.parent),
        ]
        if (files.split, "depth") in self._optional:
            depth = files.depth(name)
            found.append(look("depth", lambda: read_ho3d_depth(depth), depth.parent))
        if (files.split, "seg") in self._optional:
            folder = _folder(files, name.split("/")[0], "seg")
            found.append(
                look("segmentation", lambda: read_image(files.segmentation(name)), folder)
            )
        return found

    def _look_at_split(self, split: str) -> None:
        listing = self.root / f"{split}.txt"
        frames: list[tuple[str, int]] = []

        def read() -> None:
            frames.extend(read_list(existing(listing, "HO-3D's list of frames", ADVICE)))

        self.overview.append(look("list", read))
        self._note_size(listing, split, frames)
        files = HO3DFiles(self.root, split, self.version)
        self._frames += [(files, f"{sequence}/{number:04d}") for sequence, number in frames]
        counts = Counter(sequence for sequence, _ in frames)
        self._look_at_folders(files, counts)
        if split == "evaluation" and frames:
            self._look_at_truth(len(frames))

    def _note_size(self, listing: Path, split: str, frames: list[tuple[str, int]]) -> None:
        official = _OFFICIAL[self.version, split]
        same = "as many as" if len(frames) == official else f"{official:,} are"
        sequences = len({sequence for sequence, _ in frames})
        self.notes.append(
            f"{listing.name}: {len(frames):,} frames in {sequences} sequences, "
            f"{same} in the published {self.version}"
        )

    def _look_at_folders(self, files: HO3DFiles, counts: Counter[str]) -> None:
        for kind in ("rgb", "meta", "depth", "seg"):
            if kind in _OPTIONAL:
                if not any(_folder(files, sequence, kind).is_dir() for sequence in counts):
                    self.notes.append(f"{files.split}: no {_OPTIONAL[kind]}")
                    continue
                self._optional.add((files.split, kind))
            self.overview += [
                folder_finding(_folder(files, sequence, kind), f"{count:,} listed frames", ADVICE)
                for sequence, count in counts.items()
            ]

    def _look_at_truth(self, count: int) -> None:
        path = self.root / "evaluation_xyz.json"
        if path.exists():
            self.overview.append(look("truth", lambda: evaluation_joints(path, count)))
        else:
            self.notes.append(f"evaluation: no {path.name}, without which there is no score")


_OPTIONAL = {
    "depth": "depth, which no network here needs",
    "seg": "rendered segmentations, which masks and occlusion need",
}


def _version(root: Path) -> str:
    folders = (folder for split in SPLITS for folder in sorted((root / split).glob("*/rgb")))
    images = (image for folder in folders for image in folder.iterdir())
    first = next((image for image in images if image.suffix in (".png", ".jpg")), None)
    return "v3" if first and first.suffix == ".jpg" else "v2"


def _folder(files: HO3DFiles, sequence: str, kind: str) -> Path:
    """Where a sequence's files are; segmentations have several places."""
    if kind != "seg":
        return files.root / files.split / sequence / kind
    folders = [place / sequence / kind for place in files.segmentations()]
    return next((folder for folder in folders if folder.is_dir()), folders[0])


def _is_labelled(path: Path, split: str) -> Any:
    """Whether a training frame has a hand; that an evaluation frame has a wrist and a box."""
    labels = read_labels(path)
    if split == "train":
        return "pose" in labels
    read_wrist(path)
    if labels["box"] is None:
        raise DataFileError(f"{path}: expected 'handBoundingBox' with shape (4,), found none")
    return True
