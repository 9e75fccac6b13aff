"""Which pixels a feature depends on: the effective receptive field (Luo et al. 2016), measured.

A feature vector f at one cell depends on pixel p as strongly as its gradient there is long. The
influence of p is the squared Frobenius norm of ∂f/∂p, added up over the channels of f and over
red, green and blue.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from handlib.models.handoccnet import HandOccNet

STRIDES = {"c2": 4, "c3": 8, "c4": 16, "c5": 32, "F": 8}  # pixels from cell to cell
_RING = 4  # pixels


def levels(model: HandOccNet, image: Float[Tensor, "B 3 S S"]) -> dict[str, Tensor]:
    """c2 to c5, before the pyramid, and F, behind it; with gradients, unlike `record`."""
    stages = model.backbone(image)
    features = model.feature_norm(model.pyramid(stages))
    return dict(zip(STRIDES, [*stages, features], strict=True))


def cell_of(
    pixels: Float[Tensor, "*B 2"], size: int, level: str
) -> tuple[Int[Tensor, "*B"], Int[Tensor, "*B"]]:
    """Row and column of the level's cell that a pixel (x, y) lies in, or of the nearest."""
    stride = STRIDES[level]
    cells = ((pixels + 0.5) / stride).floor().long().clamp(0, size // stride - 1)
    return cells[..., 1], cells[..., 0]


def influence(
    model: HandOccNet,
    image: Float[Tensor, "B 3 S S"],
    level: str,
    pixels: Float[Tensor, "B 2"],
    probes: int | None = None,
) -> Float[Tensor, "B S S"]:
    """Every pixel's influence on the feature at `pixels`, one place (x, y) for each image.

    Args:
        level: one of `STRIDES`.
        probes: so many backward passes with random signs z in place of one for each channel. The
            mean of |zᵀ ∂f/∂p|² is the influence, so few do where many images are averaged.

    Raises:
        ValueError: the network is in training mode, where batch norm makes a feature depend on
            all images of the batch, or there is no such level.
    """
    if model.training:
        raise ValueError("model: expected one in eval mode, found training mode; call .eval()")
    if level not in STRIDES:
        raise ValueError(f"level: expected one of {', '.join(STRIDES)}, found '{level}'")
    image = image.detach().requires_grad_()
    features = levels(model, image)[level]
    row, column = cell_of(pixels, image.shape[-1], level)
    f = features[torch.arange(len(image)), :, row, column]  # B C
    total = torch.zeros_like(image[:, 0])
    for z in _directions(f, probes):
        (gradient,) = torch.autograd.grad(f, image, z, retain_graph=True)
        total += gradient.square().sum(1)
    return total / (probes or 1)


def distance_from(pixels: Float[Tensor, "B 2"], size: int) -> Float[Tensor, "B S S"]:
    """Of every pixel of a size × size image, in pixels."""
    ticks = torch.arange(float(size))
    x, y = pixels[:, 0, None, None], pixels[:, 1, None, None]
    return torch.hypot(ticks - x, ticks[:, None] - y)


def by_distance_alone(
    values: Float[Tensor, "B S S"], distance: Float[Tensor, "B S S"]
) -> Float[Tensor, "B S S"]:
    """Each value replaced by the mean of its ring, 4 pixels wide, around the place.

    What an influence would be if it fell off in the same way but did not care what a pixel shows.
    """
    ring = (distance / _RING).long().flatten(1)  # B N
    rings = int(ring.max()) + 1
    flat = values.flatten(1)
    total = flat.new_zeros(len(flat), rings).scatter_add(1, ring, flat)
    count = flat.new_zeros(len(flat), rings).scatter_add(1, ring, torch.ones_like(flat))
    return (total / count.clamp(min=1)).gather(1, ring).view_as(values)


def share(values: Float[Tensor, "B S S"], mask: Bool[Tensor, "B S S"]) -> Float[Tensor, " B"]:
    """What part of each image's total lies inside its mask."""
    return (values * mask).sum((1, 2)) / values.sum((1, 2))


def radius(
    values: Float[Tensor, "B S S"], distance: Float[Tensor, "B S S"], part: float
) -> Float[Tensor, " B"]:
    """The smallest distance within which that part (0..1) of each image's total lies."""
    near, order = distance.flatten(1).sort(stable=True)  # B N
    inside = values.flatten(1).gather(1, order).cumsum(1)
    enough = (inside >= part * inside[:, -1:]).float().argmax(1, keepdim=True)
    return near.gather(1, enough)[:, 0]


def _directions(f: Float[Tensor, "B C"], probes: int | None) -> Float[Tensor, "P B C"]:
    """Each channel by itself, or random signs for all of them."""
    if probes is None:
        return torch.eye(f.shape[1])[:, None].expand(-1, *f.shape)
    return 2.0 * torch.randint(0, 2, (probes, *f.shape)) - 1
