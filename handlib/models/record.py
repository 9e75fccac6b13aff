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
    detach: bool
    maps: dict[str, Tensor] = field(default_factory=dict)


# A context variable, not a global: another thread that runs the same model is not recorded.
_open_recorders: ContextVar[tuple[_Recorder, ...]] = ContextVar("open_recorders", default=())


@contextmanager
def record(model: nn.Module, detach: bool = True) -> Iterator[dict[str, Tensor]]:
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

    Deformer's, with T frames, F = B·T of them in all, N tokens in a hand box and A heads:

    | name | shape | what |
    |---|---|---|
    | `features`, `rois` | (F, C, H, W), (F, C, h, w) | P2; what lies inside the hand boxes |
    | `spatial.{i}.attention` | (F, A, N, N) | of encoder layer i: row = query, column = key |
    | `spatial.memory` | (F, N, C) | the encoder's tokens |
    | `spatial.heatmaps`, `spatial.joints_img` | (F, 21, h, w), (F, 21, 2) | in the hand box |
    | `spatial.decoder.{i}.attention` | (F, A, 1, N) | where the hand query looks |
    | `spatial.feature` | (F, C) | F⁺, the frame in one vector |
    | `temporal.{i}.attention` | (B, A, T, T) | from frame to frame |
    | `temporal.memory` | (B, T, C) | F⁺⁺ |
    | `temporal.decoder.{i}.attention` | (B, A, 1, T) | which frames the shape is read from |
    | `temporal.shape` | (B, C) | the window in one vector |
    | `pose6d`, `forward_motion`, `backward_motion` | (B, T, 16, m) | θ_i, f_i, b_i |
    | `confidence_logits`, `confidence` | (B, T) | c before and after the softmax |
    | `fused_pose` | (B, 16, 3, 3) or (B, T, 16, 3, 3) | θ̂ |

    Each decoder also shows its queries' `self_attention`. The motion discriminator has
    `attention` (B, T, 1), its frames' weights.

    Token n is the cell in row n // w and column n % w. Maps are on the model's device, and
    detached unless a loss is to reach them; a second pass in the same block overwrites the first.
    Recorders nest, close when an exception leaves the block, and see only their own model in
    their own thread.
    """
    places = {module: _place(path) for path, module in model.named_modules()}
    recorder = _Recorder(places, detach)
    token = _open_recorders.set((*_open_recorders.get(), recorder))
    try:
        yield recorder.maps
    finally:
        _open_recorders.reset(token)


def tap(module: nn.Module, name: str, value: Tensor) -> Tensor:
    """Show `value` to the recorders open on `module`'s model and hand it on.

    An empty name is for a module that is itself named after what it makes.
    """
    for recorder in _open_recorders.get():
        if module in recorder.places:
            kept = value.detach() if recorder.detach else value
            recorder.maps[(recorder.places[module] + name).rstrip(".")] = kept
    return value


def recording(module: nn.Module) -> bool:
    """Whether a recorder is open on a model that holds `module`."""
    return any(module in recorder.places for recorder in _open_recorders.get())


def _place(path: str) -> str:
    """`fit.blocks.0` is written `fit.0.`: readers count blocks, not containers."""
    return f"{path}.".replace("encoder.blocks.", "").replace("blocks.", "").lstrip(".")
