"""Shape checks on before handlib is imported, and the same seeds before every test."""

import os
import random

os.environ.setdefault("MPLBACKEND", "agg")
# One thread: sums are split the same way on every machine, and small tensors wait for nobody.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import hypothesis
import numpy as np
import pytest
import torch
from jaxtyping import install_import_hook

install_import_hook("handlib", "beartype.beartype")

# Examples are the same in every run and no test is timed: a failure means a change, not bad luck.
hypothesis.settings.register_profile("handlib", derandomize=True, deadline=None)
hypothesis.settings.load_profile("handlib")


@pytest.fixture(autouse=True)
def same_seeds() -> None:
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
