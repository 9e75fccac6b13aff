"""A video of numbered frames, for the tests of windows and of their batches."""

import torch
from torch.utils.data import Dataset

from handlib.data.sample import HandMasks, HandSample


class NumberedFrames(Dataset):
    """Sequences of the given lengths; frame n carries its number in its translation."""

    def __init__(self, *lengths, valid=None, side="right", size=8):
        ends = [sum(lengths[: k + 1]) for k in range(len(lengths))]
        self.sequences = tuple(range(e - n, e) for e, n in zip(ends, lengths, strict=True))
        if valid is not None:
            self.valid = valid
        self.side, self.size, self.read = side, size, []

    def __len__(self):
        return sum(map(len, self.sequences))

    def __getitem__(self, index):
        self.read.append(index)
        draw = torch.Generator().manual_seed(index)
        joints = torch.rand(21, 3, generator=draw) * 0.1 + torch.tensor([0.0, 0.0, 0.5])
        intrinsics = torch.tensor([[40.0, 0, 4.0], [0, 40.0, 3.0], [0, 0, 1]])
        pixels = joints @ intrinsics.T
        amodal = torch.rand(self.size, self.size, generator=draw) > 0.4
        visible = amodal & (torch.rand(self.size, self.size, generator=draw) > 0.5)
        return HandSample(
            image=torch.rand(3, self.size, self.size, generator=draw),
            intrinsics=intrinsics,
            pose=torch.rand(16, 3, generator=draw),
            betas=torch.zeros(10),
            translation=torch.full((3,), float(index)),
            joints=joints,
            joints_px=pixels[:, :2] / pixels[:, 2:],
            masks=HandMasks(visible, amodal, amodal.to(torch.uint8)),
            occlusion=index / 1000,
            side=self.side,
        )
