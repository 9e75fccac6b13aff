"""The plain network beside the library's, with the same weights."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for plain_handoccnet and parity.fill

from handlib.models import HandOccNetConfig


@pytest.fixture(scope="session")
def tiny():
    """Every layer of the released network, at a size that runs in milliseconds."""
    return HandOccNetConfig(
        image_size=64, blocks=(2, 1, 1, 1), width=4, channels=16, head_widths=(32, 24)
    )
