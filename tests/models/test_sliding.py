"""Sliding over a clip against the windows one by one."""

from dataclasses import fields

import pytest
import torch
from torch import Tensor

from handlib.data.windows import window_indices
from handlib.models.sliding import slide


@pytest.fixture(scope="module")
def clip():
    generator = torch.Generator().manual_seed(0)
    frames = torch.rand(11, 3, 64, 64, generator=generator)
    corner = 20 * torch.rand(11, 2, generator=generator)
    return frames, torch.cat([corner, corner + 30], dim=1)


@pytest.mark.parametrize("valid", [None, [True] * 4 + [False] + [True] * 6])
def test_equals_window_by_window(valid, clip, small_deformer):
    model = small_deformer().eval()
    frames, boxes = clip
    together = slide(model, frames, boxes, length=5, gap=2, valid=valid)
    centres = [i for i in range(11) if valid is None or valid[i]]
    assert len(together.betas) == len(centres)
    for row, centre in enumerate(centres):
        window = list(window_indices(range(11), valid, centre, 5, 2))
        with torch.no_grad():
            alone = model(frames[window][None], boxes[window][None])
        for field in fields(alone):
            value = getattr(alone, field.name)
            if isinstance(value, Tensor):
                ours = getattr(together, field.name)[row]
                assert torch.allclose(ours, value[0], atol=1e-5), field.name
