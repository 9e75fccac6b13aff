"""The result files that a checkout of the course ships: what the experiments found."""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "figures" / "evidence"


def load_evidence(name: str, folder: Path | str = FOLDER) -> dict[str, Any]:
    """The newest result of `handlib experiment NAME` that was committed.

    Raises:
        FileNotFoundError: there is none; the message says how to make it.
    """
    path = Path(folder) / f"{name}.json"
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} does not exist: work in a checkout of the course, "
            f"or make it with `handlib experiment {name}`"
        )
    return json.loads(path.read_text(encoding="utf-8"))
