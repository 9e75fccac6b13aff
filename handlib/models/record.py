"""Named intermediates of a real forward pass: `with record(model) as maps: model(image)`.

A module calls `tap(self, name, value)` where something worth looking at appears. With no recorder
open that is one look at an empty tuple; with one open, the value is kept under the module's place
in the network and the name. Nothing is recomputed, so a map belongs to the very pass that made
the output. `recording(self)` tells a module that somebody wants a value which a fused kernel
would never form: the N×N correlation.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from torch import Tensor, nn


@dataclass(frozen=True)
class _Recorder:
    places: dict[nn.Module, str]
    maps: dict[str, Tensor] = field(default_factory=dict)


# A context variable, not a global: another thread that runs the same model is not recorded.
_open_recorders: ContextVar[tuple[_Recorder, ...]] = ContextVar("open_recorders", default=())


@contextmanager
def record(model: nn.Module) -> Iterator[dict[str, Tensor]]:
    """Keep every named intermediate of `model`'s forward passes inside the `with` block.

    HandOccNet's names, with C channels, h×w cells, N = h·w tokens and A heads:

    | name | shape | what |
    |---|---|---|
    | `c2` … `c5`, `features` | (B, C, h, w) | the ResNet's stages; the pyramid's output F |
    | `necessity` | (B, 1, h, w) | M |
    | `primary`, `secondary` | (B, C, h, w) | F_p = F⊗M and F_s = F⊗(1−M) |
    | `fit.{i}.softmax` | (B, A, N, N) | C_soft of block i: row = query, column = key |
    | `fit.{i}.gate` | (B, A, N, 1) | C_sig, one number for a query and head |
    | `fit.{i}.correlation` | (B, A, N, N) | C = C_soft ⊗ C_sig |
    | `fit` | (B, C, h, w) | F_FIT |
    | `set.{i}.softmax` | (B, A, N, N) | the self-attention of SET's block i |
    | `set` | (B, C, h, w) | F_SET |
    | `heatmaps`, `joints_img` | (B, 21, h, w), (B, 21, 2) | softmax over cells; its mean (u, v) |
    | `encoding` | (B, 4·C) | what the MANO head reads |

    Token n is the cell in row n // w and column n % w. Maps are detached and on the model's
    device; a second pass in the same block overwrites the first. Recorders nest, close when an
    exception leaves the block, and see only their own model in their own thread.
    """
    places = {module: _place(path) for path, module in model.named_modules()}
    recorder = _Recorder(places)
    token = _open_recorders.set((*_open_recorders.get(), recorder))
    try:
        yield recorder.maps
    finally:
        _open_recorders.reset(token)


def tap(module: nn.Module, name: str, value: Tensor) -> Tensor:
    """Show `value` to the recorders open on `module`'s model and hand it on."""
    for recorder in _open_recorders.get():
        if module in recorder.places:
            recorder.maps[recorder.places[module] + name] = value.detach()
    return value


def recording(module: nn.Module) -> bool:
    """Whether a recorder is open on a model that holds `module`."""
    return any(module in recorder.places for recorder in _open_recorders.get())


def _place(path: str) -> str:
    """`fit.blocks.0` is written `fit.0.`: readers count blocks, not containers."""
    return f"{path}.".replace("blocks.", "").lstrip(".")
