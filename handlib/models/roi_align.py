"""RoIAlign (He et al. 2017): the part of a feature map inside a box, on a grid of a fixed size.

Deformer crops the hand's features this way (section 3.1), in the older, un-shifted form that the
released code calls `aligned=False`: cell k of the map stands at coordinate k. A bin's value is the
mean of n_y·n_x bilinear samples. Bilinear weights are products of one weight along y and one along
x, so the mean is too, and each box needs two small matrices: out = W_y · F · W_xᵀ. There is no
gather, no loop over boxes, and the gradient is two matrix products again.
"""

import torch
from jaxtyping import Float
from torch import Tensor


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
    x1, y1, x2, y2 = (boxes.detach().float() / stride).unbind(1)
    along_y = _bin_weights(y1, y2, size, features.shape[2]).to(features.dtype)
    along_x = _bin_weights(x1, x2, size, features.shape[3]).to(features.dtype)
    columns = features @ along_x.mT[:, None]  # N C H size
    return along_y[:, None] @ columns


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
