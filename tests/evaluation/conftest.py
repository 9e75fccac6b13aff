import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))  # for plain_ho3d

from handlib.hands import load_hand
from handlib.hands.pose_prior import load_corpus


@pytest.fixture(scope="session")
def hands():
    """Twelve right hands, natural poses in any direction, some 0.7 m before an OpenCV camera."""
    generator = torch.Generator().manual_seed(0)
    fingers = load_corpus("test")[::50][:12]
    wrists = torch.randn(12, 1, 3, generator=generator)
    places = torch.tensor([0, 0, 0.7]) + 0.1 * torch.randn(12, 3, generator=generator)
    betas = torch.randn(12, 10, generator=generator)
    output = load_hand()(torch.cat([wrists, fingers], 1), betas, places)
    return SimpleNamespace(joints=output.joints, vertices=output.vertices)
