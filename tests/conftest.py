"""Shape checks on before handlib is imported, the same seeds before every test; a hand."""

import os
import random
from dataclasses import replace

os.environ.setdefault("MPLBACKEND", "agg")
# One thread: sums are split the same way on every machine, and small tensors wait for nobody.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import hypothesis
import numpy as np
import pytest
import torch
from jaxtyping import install_import_hook

install_import_hook("handlib", "beartype.beartype")

from handlib.hands import load_hand
from handlib.models import Deformer, DeformerConfig

# Examples are the same in every run and no test is timed: a failure means a change, not bad luck.
hypothesis.settings.register_profile("handlib", derandomize=True, deadline=None)
hypothesis.settings.load_profile("handlib")

SMALL_DEFORMER = DeformerConfig(
    cells=4,
    blocks=(1, 1, 1, 1),
    width=4,
    channels=16,
    heads=2,
    hidden=24,
    depth=1,
    head_widths=(32, 24),
)


@pytest.fixture(scope="session")
def hand():
    return load_hand()


@pytest.fixture(scope="session")
def small_deformer(hand):
    """Every layer of the released network, at a size that runs in milliseconds."""

    def make(other_hand=None, seed=0, **changes):
        torch.manual_seed(seed)
        return Deformer(replace(SMALL_DEFORMER, **changes), other_hand or hand)

    return make


@pytest.fixture(autouse=True)
def same_seeds() -> None:
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
