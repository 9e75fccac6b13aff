"""A subset of HO-3D as a folder of its own: the frames' files, and lists that name no others."""

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

from tqdm.auto import tqdm

from handlib.data.ho3d import HO3D
from handlib.data.ho3d_files import HO3DFiles
from handlib.data.recorded import RecordedSet
from handlib.data.subsets.draw import draw_subset
from handlib.data.subsets.frames import named_frames
from handlib.data.subsets.subset_file import SubsetFile
from handlib.data.trees.folder import RENDERED, is_rendered, new_tree

_TRUTHS = ("evaluation_xyz.json", "evaluation_verts.json")
_README = """# A part of HO-3D {version}

{counts}, chosen and copied by `handlib data subset`; `train_subset.json` and
`evaluation_subset.json` say how. All files are unchanged, but the lists, and the truth of the
evaluation, have these frames alone.

The terms of the data set hold for the copy, too. Neighbours in time were not copied: to train on
windows of a video, take the whole set and `handlib train deformer --subset train_subset.json`.
"""


def check_copy(root: Path, source: RecordedSet, overwrite: bool = False) -> HO3D:
    """The source itself, if `copy_ho3d` can write a part of it to `root`.

    Raises:
        ValueError: not HO-3D's training split, or a folder within the data set or around it.
        FileExistsError: there is something at `root`, and `overwrite` does not allow it.
    """
    if not isinstance(source, HO3D) or source.split != "train":
        raise ValueError(
            f"copy: expected HO-3D's training split, found {type(source).__name__}'s "
            f"{getattr(source, 'split', 'frames')}. Others cannot be cut without other official "
            "splits; write the list of frames (--out) and train on the whole set with --subset."
        )
    new, old = root.resolve(), source.root.resolve()
    if new == old or new in old.parents or old in new.parents:
        raise ValueError(f"copy: expected a folder apart from {source.root}, found {root}")
    if root.exists() and not overwrite and (root.is_file() or any(root.iterdir())):
        raise FileExistsError(
            f"{root}: there is something already, and nothing was written. Give a folder that is "
            "new or empty, or allow to replace an earlier copy (overwrite=True, --force)."
        )
    return source


def copy_ho3d(
    root: Path, source: RecordedSet, subset: SubsetFile, overwrite: bool = False
) -> None:
    """Write the subset as a tree in the layout of HO-3D, whole or not at all.

    It needs frames to test on: a quarter as many of the evaluation split, drawn by the same seed.
    Depth and rendered segmentations are copied where the data set has them.

    Raises:
        ValueError, FileExistsError: as `check_copy`.
        TreeExistsError: `root` holds anything but an earlier, unchanged copy.
        FileNotFoundError: a file of a frame is missing.
    """
    train = check_copy(root, source, overwrite)
    evaluation = HO3D(train.root, "evaluation", train.version, crop=None)
    judged = draw_subset(evaluation, -(-len(subset.frames) // 4), subset.seed)
    origin = f"{RENDERED}, a part" if is_rendered(train.root) else "copied from a data set"
    with new_tree(root, f"ho3d-{train.version}", origin) as draft:
        for dataset, few in ((train, subset), (evaluation, judged)):
            few.save(draft / f"{dataset.split}_subset.json")
            _copy_split(dataset, few, draft)
        counts = f"{len(subset.frames):,} frames to train on and {len(judged.frames):,} to test on"
        text = _README.format(version=train.version, counts=counts)
        (draft / "README.md").write_text(text, encoding="utf-8")


def _copy_split(dataset: HO3D, subset: SubsetFile, draft: Path) -> None:
    """Frames, their list in the set's order, and their rows of the truth."""
    chosen = named_frames(dataset, subset.frames, "subset")
    names = [chosen.name(k) for k in range(len(chosen))]
    for name in tqdm(names, desc=f"{dataset.split}, copied", unit=" frames", leave=False):
        _copy_frame(dataset.files, name, draft)
    listing = "".join(f"{name}\n" for name in names)
    (draft / f"{dataset.split}.txt").write_text(listing, encoding="utf-8")
    for truth in _TRUTHS if dataset.split == "evaluation" else ():
        if (dataset.root / truth).is_file():
            rows = json.loads((dataset.root / truth).read_bytes())
            kept = json.dumps([rows[index] for index in chosen.indices])
            (draft / truth).write_text(kept, encoding="utf-8")


def _copy_frame(files: HO3DFiles, name: str, draft: Path) -> None:
    for path in _paths(files, name):
        within = Path(*path.parts[-4:])  # split, sequence, kind, file
        if within.parts[2] == "seg":
            within = Path(files.segmentations()[0].parent.name, within)
        (draft / within).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, draft / within)


def _paths(files: HO3DFiles, name: str) -> Iterable[Path]:
    yield files.image(name)
    yield files.annotation(name)
    if files.depth(name).is_file():
        yield files.depth(name)
    try:
        yield files.segmentation(name)
    except FileNotFoundError:
        return
