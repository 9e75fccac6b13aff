"""Product with a matrix whose columns each matter to few rows, such as a hand's blend shapes.

What bends one finger moves no vertex of another, so that of the columns of `posedirs` most are
zero over a whole stretch of vertices: 86 % of the shipped hand's entries are. Rows are taken in
blocks, and each block knows which columns to read. A matrix of few zeros stays in one piece.
"""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

BLOCK = 390  # rows: 130 vertices. Smaller blocks skip more, but make more and slower products.


class LocalProduct(nn.Module):
    """M x, with the zeros of M skipped a block at a time. M is fixed and gets no gradient."""

    def __init__(self, matrix: Float[Tensor, "R K"]) -> None:
        super().__init__()
        mostly_zero = 2 * int(matrix.count_nonzero()) < matrix.numel()
        for number, block in enumerate(matrix.split(BLOCK if mostly_zero else len(matrix))):
            columns = block.any(dim=0).nonzero().squeeze(1)
            self.register_buffer(f"columns_{number}", columns, persistent=False)
            self.register_buffer(f"block_{number}", block[:, columns], persistent=False)
        self.count = number + 1

    def forward(self, x: Float[Tensor, "K B"]) -> Float[Tensor, "R B"]:
        blocks = [self.get_buffer(f"block_{number}") for number in range(self.count)]
        columns = [self.get_buffer(f"columns_{number}") for number in range(self.count)]
        return _Product.apply(x, blocks, columns)


class _Product(torch.autograd.Function):
    """Blocks write into one result, where autograd would join and cut arrays of its size."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, blocks: Sequence[Tensor], columns: Sequence[Tensor]
    ) -> Tensor:
        ctx.blocks, ctx.columns, ctx.inputs = blocks, columns, len(x)
        rows = [len(block) for block in blocks]
        result = x.new_empty(sum(rows), x.shape[1])
        for part, block, read in zip(result.split(rows), blocks, columns, strict=True):
            torch.mm(block, x[read], out=part)
        return result

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        total = gradient.new_zeros(ctx.inputs, gradient.shape[1])
        parts = gradient.split([len(block) for block in ctx.blocks])
        for part, block, read in zip(parts, ctx.blocks, ctx.columns, strict=True):
            total.index_add_(0, read, block.mT @ part)
        return total, None, None
