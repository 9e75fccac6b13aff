"""How large the tensors are that a function makes on its way."""

from collections.abc import Callable

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode


class _Sizes(TorchDispatchMode):
    largest = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        result = function(*args, **(kwargs or {}))
        if isinstance(result, Tensor):
            self.largest = max(self.largest, result.numel())
        return result


def largest_result(run: Callable[[], object]) -> int:
    """How many numbers the largest tensor holds that any operation of `run()` returns.

    Only what an operation returns is seen: a fused kernel's working memory is not.
    """
    with _Sizes() as sizes:
        run()
    return sizes.largest
