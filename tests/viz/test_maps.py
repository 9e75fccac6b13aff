"""Maps lie on the pixels that their tokens cover, and panels show the numbers they are given."""

import numpy as np
import pytest
import torch

from handlib.viz import maps, regions, theme


def axes():
    return theme.figure(2, 2).subplots()


def test_to_grid_is_the_mean_of_each_tokens_pixels():
    mask = torch.rand(3, 12, 12, generator=torch.Generator().manual_seed(0)) > 0.5
    shares = regions.to_grid(mask, 4)
    for b, row, column in np.ndindex(3, 4, 4):
        pixels = mask[b, 3 * row : 3 * row + 3, 3 * column : 3 * column + 3]
        assert shares[b, row, column] == pytest.approx(pixels.float().mean().item())


def test_token_regions():
    amodal = torch.zeros(1, 8, 8, dtype=torch.bool)
    visible = amodal.clone()
    amodal[0, :4] = True  # the upper half is hand,
    visible[0, :4, :4] = True  # its left part seen,
    amodal[0, 4, 0] = True  # and a single pixel more reaches into the lower left token
    found = regions.token_regions(visible, amodal, side=2)
    assert {name: where[0].tolist() for name, where in found.items()} == {
        "visible hand": [True, False, False, False],
        "hidden hand": [False, True, False, False],
        "background": [False, False, False, True],
    }


def test_mean_over_leaves_images_without_the_region_empty():
    values = torch.tensor([[1.0, 3.0, 8.0], [1.0, 2.0, 3.0]])
    region = torch.tensor([[True, True, False], [False, False, False]])
    means = regions.mean_over(values, region)
    assert means[0] == 2 and means[1].isnan()


def test_overlay_and_query_mark_cover_the_tokens_own_pixels():
    ax = axes()
    drawn = maps.overlay(ax, torch.rand(3, 32, 32), torch.rand(4, 4))
    maps.mark_query(ax, row=1, column=2, grid=4, size=32)
    assert drawn.get_extent() == [-0.5, 31.5, 31.5, -0.5]
    mark = ax.patches[-1]
    assert mark.get_bbox().bounds == (15.5, 7.5, 8.0, 8.0)  # pixels 16..23 by 8..15


def test_a_map_fresh_from_a_network_can_be_drawn():
    drawn = maps.overlay(axes(), torch.rand(3, 8, 8), torch.rand(4, 4, requires_grad=True))
    assert drawn.get_clim()[1] <= 1


def test_the_panels_state_the_sums_before_and_after_the_gate():
    row = torch.full((4, 4), 1 / 16)
    gate = torch.full((4, 4), 0.25)
    fig = maps.correlation_panels(torch.rand(3, 16, 16), row, gate, (2, 1))
    titles = [ax.get_title() for ax in fig.axes[:4]]
    assert titles == ["query at (2, 1)", "C_soft, sum 1.00", "C_sig, here 0.25", "C, sum 0.25"]


def test_row_and_product_share_a_colour_scale():
    row = torch.zeros(4, 4)
    row[0, 0] = 0.8
    fig = maps.correlation_panels(torch.rand(3, 16, 16), row, torch.full((4, 4), 0.1), (0, 0))
    limits = [ax.images[1].get_clim() for ax in (fig.axes[1], fig.axes[3])]
    assert limits[0] == limits[1] == pytest.approx((0, 0.8))


def test_a_number_table_writes_every_number():
    ax = axes()
    maps.number_table(ax, torch.tensor([[0.25, 1.0]]), ["row"], ["a", "b"])
    assert [t.get_text() for t in ax.texts] == ["0.25", "1.00"]


def test_a_number_table_of_other_numbers_keeps_them_legible():
    """The brightest colour is that of `top`; dark ink stands on it, white on the darkest."""
    ax = axes()
    maps.number_table(ax, torch.tensor([[0.0, 60.0]]), ["row"], ["a", "b"], top=60.0, digits=1)
    assert [t.get_text() for t in ax.texts] == ["0.0", "60.0"]
    assert [t.get_color() for t in ax.texts] == [theme.PAPER, theme.INK]
    assert ax.images[0].norm.vmax == 60
