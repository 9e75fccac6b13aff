"""Principal components against SciPy's SVD, colours against a second pass through Oklab."""

import pytest
import torch
from scipy.linalg import svd

from handlib.viz.feature_colours import principal_components, to_colours


@pytest.fixture
def features():
    mixing = torch.randn(7, 7) * torch.tensor([5.0, 3, 2, 1, 0.5, 0.2, 0.1])
    return torch.einsum("ij,bjhw->bihw", mixing, torch.randn(3, 7, 4, 5)) + 10


def test_components_are_those_of_the_singular_value_decomposition(features):
    found, shares = principal_components(features)
    cells = features.permute(0, 2, 3, 1).reshape(-1, 7).double()
    u, s, _ = svd((cells - cells.mean(0)).numpy(), full_matrices=False)
    for k in range(3):
        ours = found[:, k].reshape(-1).double()
        theirs = torch.from_numpy(u[:, k]) * len(cells) ** 0.5
        sign = torch.sign(ours @ theirs)
        torch.testing.assert_close(ours, sign * theirs, rtol=1e-4, atol=1e-5)
        assert shares[k] == pytest.approx(s[k] ** 2 / (s**2).sum(), rel=1e-4)


def test_the_sign_follows_the_features_and_not_the_solver(features):
    found, _ = principal_components(features)
    other, _ = principal_components(-features)
    torch.testing.assert_close(other, -found)


def test_two_channels_are_refused():
    with pytest.raises(ValueError, match="at least 3 channels, found 2"):
        principal_components(torch.zeros(1, 2, 4, 4))


def test_the_first_component_is_lightness_and_alone_gives_grey():
    ramp = torch.linspace(-3, 3, 9).view(1, 1, 1, 9)
    grey = to_colours(torch.cat([ramp, 0 * ramp, 0 * ramp], 1))[0, :, 0]
    assert (grey.amax(0) - grey.amin(0)).max() < 2e-3
    assert (grey[0].diff() >= 0).all() and grey[0, -1] > grey[0, 0] + 0.5


def test_second_is_blue_to_yellow_and_third_green_to_red():
    blue, yellow = to_colours(torch.tensor([[0.0, -2, 0], [0, 2, 0]])[..., None, None])[..., 0, 0]
    green, red = to_colours(torch.tensor([[0.0, 0, -2], [0, 0, 2]])[..., None, None])[..., 0, 0]
    assert blue[2] > blue[0] and yellow[0] > yellow[2]
    assert green[1] > green[0] and red[0] > red[1]
    assert all(c.min() >= 0 and c.max() <= 1 for c in (blue, yellow, green, red))
