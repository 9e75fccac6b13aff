"""A feature map in three colours: its three principal components.

The first one sets the lightness, the second blue against yellow, the third green against red, in
Oklab (Ottosson 2020), where equal steps look equal. Whoever cannot tell red from green loses the
third and smallest component only.
"""

import torch
from jaxtyping import Float
from torch import Tensor

_TO_LMS = ((1.0, 0.3963377774, 0.2158037573), (1.0, -0.1055613458, -0.0638541728))
_OKLAB_TO_LMS = torch.tensor([*_TO_LMS, (1.0, -0.0894841775, -1.2914855480)])
_LMS_TO_RGB = torch.tensor(
    [
        (4.0767416621, -3.3077115913, 0.2309699292),
        (-1.2684380046, 2.6097574011, -0.3413193965),
        (-0.0041960863, -0.7034186147, 1.7076147010),
    ]
)
_WIDEST = 2.5  # standard deviations at the ends of the scale
_REACH = (0.30, 0.12, 0.12)  # of lightness, green to red, blue to yellow


def principal_components(
    features: Float[Tensor, "B C h w"],
) -> tuple[Float[Tensor, "B 3 h w"], Float[Tensor, "3"]]:
    """The three components of largest variance over all cells of all images.

    They share one basis, so that the same value means the same in every image. Their signs are
    free; we make the largest weight positive, so that a second run gives the same colours.

    Returns:
        The components, each with standard deviation 1, and their shares of the variance.

    Raises:
        ValueError: fewer than three channels.
    """
    channels = features.shape[1]
    if channels < 3:
        raise ValueError(f"features: expected at least 3 channels, found {channels}")
    centred = features.detach().double() - features.detach().double().mean((0, 2, 3), keepdim=True)
    cells = centred.transpose(1, 3).reshape(-1, channels)
    variances, vectors = torch.linalg.eigh(cells.T @ cells / len(cells))
    basis = vectors[:, -3:].flip(1)  # C 3, largest first
    strongest = basis.abs().argmax(0, keepdim=True)
    basis = basis * basis.gather(0, strongest).sign()
    top = variances[-3:].flip(0)
    scores = torch.einsum("bchw,ck->bkhw", centred, basis / top.clamp(min=1e-12).sqrt())
    return scores.float(), (top / variances.sum().clamp(min=1e-12)).float()


def to_colours(components: Float[Tensor, "B 3 h w"]) -> Float[Tensor, "B 3 h w"]:
    """Components of standard deviation 1 to sRGB in 0..1."""
    first, second, third = (components / _WIDEST).clamp(-1, 1).unbind(1)
    lightness, red, yellow = _REACH
    oklab = torch.stack([0.62 + lightness * first, red * third, yellow * second], 1)
    lms = torch.einsum("ij,bjhw->bihw", _OKLAB_TO_LMS, oklab) ** 3
    light = torch.einsum("ij,bjhw->bihw", _LMS_TO_RGB, lms).clamp(0, 1)
    return torch.where(light < 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
