"""RoIAlign (He et al. 2017): the part of a feature map inside a box, on a grid of a fixed size.

Deformer crops the hand's features this way (section 3.1), in the older, un-shifted form that the
released code calls `aligned=False`: cell k of the map stands at coordinate k. A bin's value is the
mean of n_y·n_x bilinear samples. Bilinear weights are products of one weight along y and one along
x, so the mean is too, and each box needs two small matrices: out = W_y · F · W_xᵀ. There is no
gather, no loop over boxes, and the gradient is two matrix products again.

A 3×3 convolution just before it commutes with it, as both are linear: `smooth_then_align` samples
first and multiplies at the bins alone, for 32² of them from a map of 64² a quarter of the places.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F


def roi_align(
    features: Float[Tensor, "N C H W"],
    boxes: Float[Tensor, "N 4"],
    size: int,
    stride: int,
) -> Float[Tensor, "N C {size} {size}"]:
    """The features of box n (x1, y1, x2, y2 in pixels of image n) on size × size bins.

    `stride` is pixels per cell. Boxes may leave the image: a sample more than a cell outside
    counts as zero, a nearer one takes the border's value. Boxes get no gradient.
    """
    along_y, along_x = _weights(features, boxes, size, stride)
    return _sample(features, along_y, along_x).permute(0, 3, 1, 2)


def smooth_then_align(
    features: Float[Tensor, "N C H W"],
    smooth: nn.Conv2d,
    boxes: Float[Tensor, "N 4"],
    size: int,
    stride: int,
) -> Float[Tensor, "N D {size} {size}"]:
    """`roi_align(smooth(features), ...)` for a 3×3 convolution with padding 1, the cheaper way.

    The convolution is a sum over nine shifted maps, and to shift the map is to shift the bins'
    weights the other way. What the shift pushes over the edge met the zero padding.
    """
    along_y, along_x = _weights(features, boxes, size, stride)
    weight = smooth.weight.permute(2, 3, 1, 0).flatten(1, 2)  # of each row: 3·C D
    bias = weight.new_zeros(weight.shape[2]) if smooth.bias is None else smooth.bias
    bins = along_y.sum(2)[:, :, None] * along_x.sum(2)[:, None]  # N size size, 1 inside the map
    result = bins[..., None] * bias
    along_x = _shifted(along_x).transpose(1, 2).flatten(1, 2)  # N size·3 W
    for rows, weight_of_row in zip(_shifted(along_y).unbind(1), weight, strict=True):
        neighbours = _sample(features, rows, along_x).unflatten(2, (size, 3)).flatten(3)
        result = result + neighbours @ weight_of_row
    return result.permute(0, 3, 1, 2)


def _sample(
    features: Float[Tensor, "N C H W"],
    along_y: Float[Tensor, "N rows H"],
    along_x: Float[Tensor, "N columns W"],
) -> Float[Tensor, "N rows columns C"]:
    """W_y · F · W_xᵀ, channels last: then every product runs along the channels."""
    cells = features.permute(0, 2, 3, 1)  # N H W C
    rows = (along_y @ cells.flatten(2)).unflatten(2, cells.shape[2:])
    return along_x[:, None] @ rows


def _shifted(weights: Float[Tensor, "N bins cells"]) -> Float[Tensor, "N 3 bins cells"]:
    """The weights of the same bins on the map moved by 1, 0 and −1 cells."""
    padded = F.pad(weights, (1, 1)).unfold(2, weights.shape[2], 1)  # N bins 3 cells
    return padded.flip(2).transpose(1, 2)


def _weights(
    features: Float[Tensor, "N C H W"], boxes: Float[Tensor, "N 4"], size: int, stride: int
) -> tuple[Float[Tensor, "N {size} H"], Float[Tensor, "N {size} W"]]:
    """W_y and W_x of every box."""
    x1, y1, x2, y2 = (boxes.detach().float() / stride).unbind(1)
    along_y = _bin_weights(y1, y2, size, features.shape[2])
    along_x = _bin_weights(x1, x2, size, features.shape[3])
    return along_y.to(features.dtype), along_x.to(features.dtype)


def _bin_weights(
    start: Float[Tensor, " N"], end: Float[Tensor, " N"], bins: int, cells: int
) -> Float[Tensor, "N {bins} {cells}"]:
    """How much each cell of one axis counts in each bin of the box.

    A bin holds ⌈length / bins⌉ samples at the centres of equal parts; each axis and box has its
    own number. A sample at p counts max(0, 1 − |p − k|) in cell k.
    """
    cell = torch.arange(cells, device=start.device)
    bin_number = torch.arange(bins, device=start.device)[:, None]
    length = (end - start).clamp(min=1)
    samples = (length / bins).ceil()  # N
    most = int(samples.max()) if len(samples) else 1
    within = (torch.arange(most, device=start.device) + 0.5) / samples[:, None]  # N S, in bins
    along = (bin_number + within[:, None]) / bins  # N bins S, of the box
    position = start[:, None, None] + along * length[:, None, None]
    counts = (within < 1)[:, None] & (position >= -1) & (position <= cells)
    distance = position.clamp(0, cells - 1)[..., None] - cell  # N bins S cells
    weight = (1 - distance.abs()).clamp(min=0) * counts[..., None]
    return weight.sum(dim=2) / samples[:, None, None]
