"""Drawn hands stand where the camera sees them."""

import numpy as np
import pytest
import torch

from handlib.viz import hand, theme

CUBE = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) * 0.05
FACES = np.array(
    [
        *([0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5]),
        *([0, 4, 5], [0, 5, 1], [2, 3, 7], [2, 7, 6]),
        *([0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3]),
    ]
)


def cube_at(x, y, z):
    return CUBE + np.array([x, y, z])


def test_a_cubes_picture_has_the_area_and_the_place_of_its_front_face():
    camera = np.array([[100.0, 0, 31.5], [0, 100, 31.5], [0, 0, 1]])
    alpha = hand.render_hand(cube_at(0, 0.05, 1.05), FACES, camera, 64)[..., 3]
    # The front face, one metre away, spans 10 x 10 pixels around (31.5, 36.5 to 36.5).
    assert alpha.sum() == pytest.approx(100, rel=0.06)
    rows, columns = np.nonzero(alpha > 0.5)
    assert columns.mean() == pytest.approx(31.5, abs=0.1)
    assert rows.mean() == pytest.approx(36.5, abs=0.3)


def test_edges_are_smooth_and_colours_in_range():
    camera = np.array([[90.0, 0, 31.2], [0, 90, 31.2], [0, 0, 1]])
    rgba = hand.render_hand(cube_at(0, 0, 1.0), FACES, camera, 64)
    assert rgba.min() >= 0 and rgba.max() <= 1
    assert len(np.unique(rgba[..., 3].round(3))) > 3


def test_a_portrait_shows_the_whole_hand():
    placed, camera = hand.portrait(cube_at(3, -2, 0.4) * [1, 2, 1], size=100, fill=0.8)
    pixels = placed @ camera.T
    pixels = pixels[:, :2] / pixels[:, 2:]
    assert pixels.min() > 0 and pixels.max() < 99
    assert np.ptp(pixels[:, 1]) == pytest.approx(80, rel=0.1)


def test_hidden_joints_are_hollow():
    ax = theme.figure(2, 2).subplots()
    hidden = torch.zeros(21, dtype=torch.bool)
    hidden[8] = True
    hand.draw_skeleton(ax, torch.rand(21, 2), hidden)
    joints = [line for line in ax.lines if line.get_marker() == "o"]
    hollow = [line.get_markerfacecolor() == theme.PAPER for line in joints]
    assert hollow == hidden.tolist()
    assert len(ax.lines) == 21 + 2 * 20


def test_hatching_covers_the_hidden_part_only():
    amodal = torch.zeros(20, 20, dtype=torch.bool)
    amodal[5:15, 5:15] = True
    visible = amodal.clone()
    visible[:, 10:] = False
    ax = theme.figure(2, 2).subplots()
    hand.draw_hidden(ax, visible, amodal)
    (x0, y0), (x1, y1) = ax.collections[0].get_paths()[0].get_extents().get_points()
    assert (x0, x1) == pytest.approx((9.5, 14.5)) and (y0, y1) == pytest.approx((4.5, 14.5))


def test_the_translation_that_puts_joints_onto_their_pixels_is_found():
    generator = torch.Generator().manual_seed(3)
    joints = 0.1 * torch.randn(21, 3, generator=generator)
    truth = torch.tensor([0.05, -0.02, 0.6])
    camera = torch.tensor([[200.0, 0, 63.5], [0, 210, 60], [0, 0, 1]])
    projected = (joints + truth) @ camera.T
    pixels = projected[:, :2] / projected[:, 2:]
    torch.testing.assert_close(hand.fit_translation(joints, pixels, camera), truth)


def test_every_vertex_has_its_own_colour():
    """A cube whose left side is red and whose right side is green is both, in that order."""
    camera = np.array([[100.0, 0, 31.5], [0, 100, 31.5], [0, 0, 1]])
    colours = np.where(CUBE[:, :1] < 0, [[1.0, 0, 0]], [[0.0, 1, 0]])
    rgba = hand.render_hand(cube_at(0, 0, 1.05), FACES, camera, 64, colours, shade=0.0)
    row = rgba[31][rgba[31, :, 3] == 1]
    assert (np.diff(row[:, 0]) < 0).all() and (np.diff(row[:, 1]) > 0).all()
    np.testing.assert_allclose(row[:, 0] + row[:, 1], 1, atol=1e-3)


def test_a_painted_hands_scale_spans_the_limits():
    ax = theme.figure(2, 2).subplots()
    values = torch.linspace(0, 7, len(CUBE))
    mesh, faces = torch.from_numpy(cube_at(0, 0, 1.0)), torch.from_numpy(FACES)
    scale = hand.draw_vertex_values(ax, mesh, faces, values, (0.0, 4.0), size=32)
    assert scale.get_clim() == (0.0, 4.0)
    drawn = ax.images[0].get_array()[..., :3][ax.images[0].get_array()[..., 3] == 1]
    assert len(np.unique(drawn.round(2), axis=0)) > 10
