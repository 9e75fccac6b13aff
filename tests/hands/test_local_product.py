"""The product by blocks against the whole one."""

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

from handlib.hands.local_product import BLOCK, LocalProduct


def local_matrix(rows):
    """Column 0 matters everywhere, 1 in the first block, 2 in the others, 3 to 5 nowhere."""
    matrix = torch.randn(rows, 6, dtype=torch.float64)
    matrix[BLOCK:, 1] = matrix[:BLOCK, 2] = matrix[:, 3:] = 0
    return matrix


@pytest.mark.parametrize("rows", [1, BLOCK, 2 * BLOCK + 7])
def test_equals_the_whole_product(rows):
    matrix, x = local_matrix(rows), torch.randn(6, 5, dtype=torch.float64)
    torch.testing.assert_close(LocalProduct(matrix)(x), matrix @ x)


def test_zeros_of_a_block_are_not_read():
    x = torch.randn(6, 2, dtype=torch.float64)
    x[2:] = torch.nan
    result = LocalProduct(local_matrix(BLOCK + 1))(x)
    assert result[:BLOCK].isfinite().all() and result[BLOCK:].isnan().all()


def test_a_matrix_of_few_zeros_stays_in_one_piece():
    matrix, x = torch.randn(BLOCK + 5, 6), torch.randn(6, 3)
    product = LocalProduct(matrix)
    assert len(list(product.buffers())) == 2
    torch.testing.assert_close(product(x), matrix @ x)


def test_a_matrix_of_zeros():
    assert LocalProduct(torch.zeros(3, 4))(torch.ones(4, 2)).equal(torch.zeros(3, 2))


def test_gradients():
    product = LocalProduct(local_matrix(BLOCK + 3))
    x = torch.randn(6, 2, dtype=torch.float64, requires_grad=True)
    assert gradcheck(product, x, fast_mode=True)
    assert gradgradcheck(product, x, fast_mode=True)


def test_no_array_of_the_file_gets_into_a_checkpoint():
    assert not LocalProduct(local_matrix(4)).state_dict()
