"""A tree appears whole or not at all, and never in the place of somebody's data."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MARKER = "handlib_tree.json"
"""The file by which a written tree is known: its layout, its source, the number of its files."""
RENDERED = "rendered by handlib"
"""How the source of trees begins that show the shipped hand."""


class TreeExistsError(FileExistsError):
    """The folder is in use for something else."""


@contextmanager
def new_tree(root: Path, layout: str, source: str = RENDERED) -> Iterator[Path]:
    """An empty folder to fill, which takes the place of `root` once it is complete.

    A tree that was written here before, and not been changed since, is replaced.

    Raises:
        TreeExistsError: `root` is a file, or a folder with anything else in it.
    """
    root = Path(os.path.abspath(root))
    check_free(root)
    root.parent.mkdir(parents=True, exist_ok=True)
    draft = root.with_name(f".{root.name}.{os.getpid()}")
    draft.mkdir()
    try:
        yield draft
        marker = {"layout": layout, "source": source, "files": _count(draft) + 1}
        (draft / MARKER).write_text(json.dumps(marker, indent=1) + "\n", encoding="utf-8")
        check_free(root)  # it may have been filled in the meantime
        if root.exists():
            shutil.rmtree(root)
        os.replace(draft, root)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def is_rendered(root: Path) -> bool:
    """Whether a folder is a tree written here, or a copied part of one, not a set of others."""
    try:
        marker = json.loads((root / MARKER).read_text(encoding="utf-8"))
        return str(marker["source"]).startswith(RENDERED)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def check_free(root: Path) -> None:
    """Refuse a place that holds anything but an unchanged tree written here.

    Raises:
        TreeExistsError: what is there instead.
    """
    if not root.exists():
        return
    if not root.is_dir():
        raise TreeExistsError(f"{root}: expected a folder to write to, found a file")
    if not any(root.iterdir()):
        return
    advice = "Nothing was written. Give a folder that is new or empty."
    try:
        written = json.loads((root / MARKER).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        raise TreeExistsError(
            f"{root}: this folder holds files, but no tree that handlib wrote. {advice}"
        ) from None
    if _count(root) != written:
        raise TreeExistsError(
            f"{root}: handlib wrote {written} files here, and there are {_count(root)} now. "
            f"{advice}"
        )


def _count(folder: Path) -> int:
    return sum(not path.is_dir() for path in folder.rglob("*"))
