import pytest
import torch

from handlib.training.order import BatchOrder, generator_at


def test_an_epoch_visits_every_sample_at_most_once():
    batches = list(BatchOrder(size=10, batch_size=3, seed=0, first=0, last=6))
    first, second = sum(batches[:3], []), sum(batches[3:], [])
    assert len(set(first)) == len(set(second)) == 9
    assert first != second


def test_starting_in_the_middle_goes_on_where_the_whole_would():
    whole = list(BatchOrder(10, 3, seed=5, first=0, last=9))
    assert list(BatchOrder(10, 3, seed=5, first=4, last=9)) == whole[4:]
    assert len(BatchOrder(10, 3, 5, 4, 9)) == 5
    assert list(BatchOrder(10, 3, seed=6, first=0, last=9)) != whole


def test_a_batch_larger_than_the_data_is_refused():
    with pytest.raises(ValueError, match="at most the 2 samples"):
        BatchOrder(2, 3, 0, 0, 1)


def test_generators_differ_with_every_part_of_the_key():
    keys = [(0, 0), (0, 1), (1, 0), (0, 2**32), (2**32, 0), (0, 0, 1)]
    draws = {torch.rand(1, generator=generator_at(*key)).item() for key in keys}
    assert len(draws) == len(keys)
    assert torch.equal(
        torch.rand(3, generator=generator_at(1, 2)), torch.rand(3, generator=generator_at(1, 2))
    )
