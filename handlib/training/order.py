"""The order of the data and every other random choice, as a function of (seed, position).

No generator's state runs through training, so a run that is resumed in the middle of an epoch
sees the same batches, changed in the same way, as one that was never interrupted.
"""

import hashlib
from collections.abc import Iterator

import torch
from torch.utils.data import Sampler


def generator_at(*key: int) -> torch.Generator:
    """A generator that belongs to `key`, say (seed, step).

    The key is hashed, since torch's CPU generator reads only 32 bits of a seed.
    """
    digest = hashlib.sha256(repr(key).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:4], "big"))


class BatchOrder(Sampler[list[int]]):
    """Batches of indices from batch `first` up to `last`, each epoch in its own random order.

    What does not fill a batch at the end of an epoch is left out of that epoch.
    """

    drop_last = True  # read by accelerate, as is batch_size

    def __init__(self, size: int, batch_size: int, seed: int, first: int, last: int) -> None:
        if size < batch_size:
            raise ValueError(
                f"batch_size: expected at most the {size} samples of the training set, "
                f"found {batch_size}; use a smaller batch or more data"
            )
        self.size, self.batch_size, self.seed = size, batch_size, seed
        self.first, self.last = first, last

    def __len__(self) -> int:
        return self.last - self.first

    def __iter__(self) -> Iterator[list[int]]:
        per_epoch = self.size // self.batch_size
        epoch, order = -1, torch.empty(0)
        for batch in range(self.first, self.last):
            if batch // per_epoch != epoch:
                epoch = batch // per_epoch
                order = torch.randperm(self.size, generator=generator_at(self.seed, epoch))
            start = batch % per_epoch * self.batch_size
            yield order[start : start + self.batch_size].tolist()
