"""A data set of random but consistent samples, and a network small enough for a unit test."""

from dataclasses import replace

import pytest
import torch
from torch.utils.data import Dataset

from handlib.data.camera import project
from handlib.data.sample import HandMasks, HandSample


class RandomHands(Dataset):
    """Labels that fit together; the image is a white disc at each joint."""

    def __init__(self, hand, size, seed=0, resolution=32):
        self.hand, self.size, self.seed, self.resolution = hand, size, seed, resolution

    def __len__(self):
        return self.size

    def shape(self, drawn, index):
        return drawn

    def __getitem__(self, index):
        generator = torch.Generator().manual_seed(1000 * self.seed + index)
        pose = 0.4 * torch.randn(16, 3, generator=generator)
        betas = self.shape(torch.randn(10, generator=generator), index)
        translation = torch.tensor([0.0, 0.0, 0.6]) + 0.02 * torch.randn(3, generator=generator)
        joints = self.hand(pose[None], betas[None], translation[None]).joints[0]
        side, focal = self.resolution, 2.0 * self.resolution
        intrinsics = torch.tensor([[focal, 0, 0.4 * side], [0, focal, 0.55 * side], [0, 0, 1]])
        joints_px = project(joints, intrinsics)
        grid = torch.stack(torch.meshgrid([torch.arange(side)] * 2, indexing="xy"), -1).float()
        distance = (grid[None] - joints_px[:, None, None]).norm(dim=-1)
        amodal = (distance < 2).any(0)
        visible = amodal & (grid[..., 0] < side / 2)
        parts = amodal.to(torch.uint8)
        return HandSample(
            image=(distance < 1.5).any(0).float().expand(3, -1, -1).clone(),
            intrinsics=intrinsics,
            pose=pose,
            betas=betas,
            translation=translation,
            joints=joints,
            joints_px=joints_px,
            masks=HandMasks(visible, amodal, parts),
            occlusion=1 - visible.sum().item() / max(1, amodal.sum().item()),
            identity=str(index),
        )


class RandomClips(RandomHands):
    """Clips of unconnected poses, each of one person."""

    def __init__(self, hand, clips, frames, seed=0, resolution=32):
        super().__init__(hand, clips * frames, seed, resolution)
        self.frames = frames
        self.sequences = [range(c * frames, (c + 1) * frames) for c in range(clips)]

    def shape(self, drawn, index):
        generator = torch.Generator().manual_seed(index // self.frames)
        return torch.randn(10, generator=generator)


@pytest.fixture
def random_hands(hand):
    def make(size, seed=0, resolution=32):
        return RandomHands(hand, size, seed, resolution)

    return make


@pytest.fixture
def random_clips(hand):
    def make(clips, frames, seed=0, resolution=32):
        return RandomClips(hand, clips, frames, seed, resolution)

    return make


@pytest.fixture
def random_batch(random_hands):
    from handlib.data.batch import collate

    data = random_hands(6, resolution=64)
    return collate([data[i] for i in range(len(data))])


@pytest.fixture
def tiny_model(hand):
    from handlib.models.handoccnet import HandOccNet, HandOccNetConfig

    def make(seed=0, **changes):
        torch.manual_seed(seed)
        course = {
            "image_size": 32,
            "channels": 8,
            "heads": 2,
            "depth": 1,
            "head_widths": (16, 16),
        }
        return HandOccNet(replace(HandOccNetConfig.course(), **(course | changes)), hand)

    return make
