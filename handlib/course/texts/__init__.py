"""The course's tables and quizzes as YAML, in English and Korean."""

from importlib.resources import files
from typing import Any

import yaml


def load(name: str) -> Any:
    """The parsed file `name`.yaml of this folder."""
    return yaml.safe_load((files(__name__) / f"{name}.yaml").read_text(encoding="utf-8"))
