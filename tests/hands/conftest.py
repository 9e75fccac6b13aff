"""The shipped hand's arrays, shared by the tests of files."""

from importlib.resources import files

import numpy as np
import pytest


@pytest.fixture(scope="module")
def arrays() -> dict[str, np.ndarray]:
    """The shipped hand in the number types of the official file."""
    with np.load(str(files("handlib") / "assets" / "MANO_RIGHT.npz"), allow_pickle=False) as file:
        numbers = {key: file[key] for key in file if file[key].dtype.kind in "fiu"}
    return {
        key: array.astype("f8") if array.dtype.kind == "f" else array.astype("u4")
        for key, array in numbers.items()
    }
