from dataclasses import replace

import torch

from handlib.data.batch import collate


def test_collate_stacks_every_field(random_hands):
    samples = [random_hands(3)[index] for index in range(3)]
    batch = collate(samples)
    assert len(batch) == 3
    for index, sample in enumerate(samples):
        for name in ("image", "intrinsics", "pose", "betas", "translation", "joints", "joints_px"):
            assert torch.equal(getattr(batch, name)[index], getattr(sample, name))
        assert torch.equal(batch.visible[index], sample.masks.visible)
        assert torch.equal(batch.amodal[index], sample.masks.amodal)
        assert batch.occlusion[index].item() == torch.tensor(sample.occlusion).item()
    assert batch.side == ("right",) * 3


def test_what_one_sample_lacks_the_batch_lacks(random_hands):
    first, second = random_hands(2)[0], random_hands(2)[1]
    batch = collate([first, replace(second, masks=None, occlusion=None)])
    assert batch.visible is None and batch.amodal is None and batch.occlusion is None


def test_to_moves_every_tensor(random_batch):
    moved = random_batch.to("meta")
    assert moved.image.device.type == moved.amodal.device.type == "meta"
    assert moved.side == random_batch.side
