"""Take something out of a trained network and see what is missed."""

import copy
from typing import TypeVar

from torch import nn

Network = TypeVar("Network", bound=nn.Module)


def without(network: Network, *names: str) -> Network:
    """A copy whose parameters with a name that begins so are zero; the network stays as it is.

    Zero also takes away what every input has in common, as a bias does: compare with a control.

    Args:
        names: beginnings of parameters' names, such as "fit.blocks.0.query.".

    Raises:
        ValueError: no parameter is called so.
    """
    twin = copy.deepcopy(network)
    parameters = dict(twin.named_parameters())
    for beginning in names:
        chosen = [name for name in parameters if name.startswith(beginning)]
        if not chosen:
            raise ValueError(
                f"names: expected the beginning of a parameter's name, found {beginning!r}; "
                f"there are {', '.join(parameters)}"
            )
        for name in chosen:
            nn.init.zeros_(parameters[name])
    return twin
