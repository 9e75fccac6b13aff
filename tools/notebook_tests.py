"""How the tests run notebooks: pytest with nbval, our guard, two threads, and no network."""

import os
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GUARD = ROOT / "tests" / "notebooks"
TOOLS = ROOT / "tools"

# nbval's own default waits 2000 s for a kernel that died; the guard sets each notebook's limit
# from its declared minutes, and this is the upper bound for one that declares none.
LONGEST_CELL_SECONDS = 300


def arguments(notebooks: Iterable[Path]) -> list[str]:
    """Options for pytest that execute `notebooks` cell by cell."""
    return [
        "-p",
        "nbval_guard",
        "--nbval-lax",
        "--nbval-current-env",
        f"--nbval-cell-timeout={LONGEST_CELL_SECONDS}",
        "--nbval-kernel-startup-timeout=120",
        "--durations=15",
        # Serial: the long notebook needs both cores, and measured minutes must mean something.
        "-p",
        "no:cacheprovider",
        *map(str, notebooks),
    ]


def environment() -> dict[str, str]:
    """Variables for the kernels: the offline switch is a sitecustomize on PYTHONPATH.

    The library is the one beside these tools, also in a second work tree of the repository.
    """
    nowhere = "http://127.0.0.1:9"
    return {
        "PYTHONPATH": os.pathsep.join(map(str, (GUARD / "offline", GUARD, TOOLS, ROOT))),
        "OMP_NUM_THREADS": "2",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "http_proxy": nowhere,
        "https_proxy": nowhere,
        "no_proxy": "127.0.0.1,localhost",
        "JUPYTER_PLATFORM_DIRS": "1",
    }
