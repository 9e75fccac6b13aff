"""The largest result of a few operations, counted by hand."""

import torch
from torch.nn import functional as F

from handlib.course.sizes import largest_result


def test_the_largest_tensor_counts_even_when_a_small_one_is_returned():
    a, b = torch.ones(7, 3), torch.ones(11, 3)
    assert largest_result(lambda: (a @ b.T).sum()) == 77
    assert largest_result(lambda: a @ b.sum(0)) == 7


def test_a_fused_kernel_never_returns_the_table():
    q, k, v = torch.ones(3, 1, 1, 128, 4).unbind()
    table = 128 * 128
    assert largest_result(lambda: (q @ k.mT).softmax(-1) @ v) == table
    assert largest_result(lambda: F.scaled_dot_product_attention(q, k, v)) < table
