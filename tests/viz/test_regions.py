"""Fingers are where the parts say, counted pixel by pixel."""

import pytest
import torch

from handlib.hands.skeleton import FINGERS, MANO_JOINT_NAMES
from handlib.viz import regions


def test_each_finger_s_share_is_counted_pixel_by_pixel():
    parts = torch.randint(17, (2, 8, 8), generator=torch.Generator().manual_seed(0))
    found = regions.finger_shares(parts.to(torch.uint8), side=2)
    for b in range(2):
        for k, finger in enumerate(FINGERS):
            for token in range(4):
                y, x = divmod(token, 2)
                pixels = parts[b, 4 * y : 4 * y + 4, 4 * x : 4 * x + 4].flatten().tolist()
                names = [MANO_JOINT_NAMES[p - 1] if p else "" for p in pixels]
                expected = sum(name.split("_")[0] == finger for name in names) / 16
                assert found[b, k, token] == pytest.approx(expected)
