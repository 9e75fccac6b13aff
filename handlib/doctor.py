"""What this machine has, what of the course works on it, and how to mend what does not."""

import hashlib
import os
import platform
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.resources import files
from pathlib import Path
from typing import Literal

import psutil
import torch
from packaging.requirements import Requirement

from handlib import weights
from handlib.data.synthetic.cache import cache_root
from handlib.hands import load_hand

GIB = 2**30
# Folders that tell a data set from an empty or misplaced download.
DATASETS = {
    "HO-3D": ("HANDLIB_HO3D", ("train", "evaluation", "train.txt", "evaluation.txt")),
    "DexYCB": ("HANDLIB_DEXYCB", ("calibration", "models", "20200709-subject-01")),
    "FPHA": ("HANDLIB_FPHA", ("Hand_pose_annotation_v1", "Video_files")),
}


@dataclass(frozen=True)
class Check:
    """One finding. "missing" is no fault: something the course works without."""

    name: str
    state: Literal["ok", "missing", "broken"]
    found: str
    mend: str = ""

    def __str__(self) -> str:
        mark = {"ok": "✓", "missing": "·", "broken": "✗"}[self.state]
        line = f"{mark} {self.name:<14}{self.found}"
        return f"{line}\n  {'':<14}→ {self.mend}" if self.mend else line


def examine() -> list[Check]:
    """Every check, in the order of a newcomer's questions. Takes a second or two."""
    checks = [
        _python(),
        _packages(),
        _processor(),
        _memory(),
        _accelerator(),
        _half_precision(),
        _cache(),
        _assets(),
        _weights(),
        _mano(os.environ.get("HANDLIB_MANO")),
    ]
    return checks + [
        _dataset(name, variable, os.environ.get(variable), parts)
        for name, (variable, parts) in DATASETS.items()
    ]


def _python() -> Check:
    return Check("Python", "ok", f"{platform.python_version()} on {platform.platform(terse=True)}")


def _packages() -> Check:
    try:
        needs = [Requirement(line) for line in requires("handlib") or []]
    except PackageNotFoundError:
        return Check("packages", "broken", "handlib is not installed", "run `make lab`")
    wrong = [
        f"{need.name} {found or 'is missing'} (needs {need.specifier})"
        for need in needs
        if need.marker is None or need.marker.evaluate()
        for found in [_version(need.name)]
        if found is None or not need.specifier.contains(found, prereleases=True)
    ]
    if wrong:
        return Check("packages", "broken", ", ".join(wrong), "run `make lab`, it installs them")
    return Check("packages", "ok", f"torch {torch.__version__}, numpy {version('numpy')}")


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _processor() -> Check:
    usable = torch.get_num_threads()
    found = f"{os.cpu_count()} cores, {usable} used by torch"
    if usable >= 2:
        return Check("processor", "ok", found)
    return Check("processor", "missing", found, "the course's minutes are meant for two cores")


def _memory() -> Check:
    memory = psutil.virtual_memory()
    found = f"{memory.available / GIB:.1f} of {memory.total / GIB:.1f} GiB free"
    if memory.available > 2 * GIB:
        return Check("memory", "ok", found)
    return Check("memory", "broken", found, "close other programs: the notebooks need up to 2 GiB")


def _accelerator() -> Check:
    if torch.cuda.is_available():
        return Check("GPU", "ok", torch.cuda.get_device_name())
    if torch.backends.mps.is_available():
        return Check("GPU", "ok", "Apple (MPS)")
    return Check("GPU", "missing", "none, and the course needs none; the papers' recipes do")


def _half_precision() -> Check:
    """Measured, since a processor may know bf16 and be slow at it."""
    seconds = {}
    for kind in (torch.float32, torch.bfloat16):
        x = torch.ones(512, 512, dtype=kind)
        x @ x
        start = time.perf_counter()
        for _ in range(10):
            x @ x
        seconds[kind] = time.perf_counter() - start
    gain = seconds[torch.float32] / seconds[torch.bfloat16]
    if gain > 1.3:
        return Check("bf16", "ok", f"{gain:.1f} times as fast as float32: try --bf16")
    return Check("bf16", "missing", f"no faster than float32 here ({gain:.1f} times)")


def _cache() -> Check:
    folder = cache_root()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(there).free
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    found = f"{size / GIB:.2f} GiB in {folder}, {free / GIB:.1f} GiB free"
    if not os.access(there, os.W_OK):
        mend = "set HANDLIB_CACHE to a folder that can be written"
    elif free < 2 * GIB:
        mend = "free 2 GiB, or set HANDLIB_CACHE to a folder on another disk"
    else:
        return Check("image cache", "ok", found)
    return Check("image cache", "broken", found, mend)


def _assets() -> Check:
    folder = Path(str(files("handlib"))) / "assets"
    again = "install handlib again, `make lab` does"
    if not (folder / "SHA256SUMS").is_file():
        return Check("hand", "broken", f"{folder}: no SHA256SUMS", again)
    sums = [line.split(maxsplit=1) for line in (folder / "SHA256SUMS").read_text().splitlines()]
    wrong = [name for digest, name in sums if _sha256(folder / name) != digest]
    if wrong:
        return Check("hand", "broken", f"{', '.join(wrong)}: not as shipped", again)
    return Check("hand", "ok", f"the shipped CC0 hand, {len(sums)} files as shipped")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _weights() -> Check:
    names = weights.names()
    return _works(
        "weights",
        lambda: [weights.verified(weights.card(name)) for name in names],
        f"{', '.join(names) or 'none shipped'}, as their cards say",
    )


def _mano(path: str | None) -> Check:
    if path is None:
        return Check(
            "MANO",
            "missing",
            "HANDLIB_MANO is not set; the shipped hand is used",
            "to use your licensed files, set it to the folder with MANO_RIGHT.pkl",
        )
    return _works("MANO", lambda: load_hand(path), path)


def _works(name: str, attempt: Callable[[], object], found: str) -> Check:
    try:
        attempt()
    except (OSError, ValueError) as error:
        return Check(name, "broken", str(error))
    return Check(name, "ok", found)


def _dataset(name: str, variable: str, root: str | None, parts: Iterable[str]) -> Check:
    if root is None:
        return Check(name, "missing", f"{variable} is not set; no notebook needs it")
    absent = [part for part in parts if not (Path(root) / part).exists()]
    if absent:
        mend = f"set {variable} to the folder that holds {', '.join(parts)}"
        return Check(name, "broken", f"{root}: no {', '.join(absent)}", mend)
    return Check(name, "ok", root)
