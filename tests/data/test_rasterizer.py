"""The z-buffer against Embree, and interpolation against closed forms."""

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from handlib.data.synthetic.rasterizer import NEAR, rasterize

from .scenes import cast, pixel_rays, scene_meshes, still

SIZE = 128


def camera(size: int, focal: float = 1.9) -> np.ndarray:
    middle = (size - 1) / 2
    return np.array([[focal * size, 0, middle], [0, focal * size, middle], [0, 0, 1]])


@pytest.mark.parametrize("index", range(6))
def test_scenes_look_as_a_ray_caster_sees_them(index: int) -> None:
    scene = still(index).scene
    rays = pixel_rays(scene.intrinsics, 64)
    for mesh in scene_meshes(scene):
        depth, face = cast(mesh, rays)
        seen = rasterize(mesh.vertices, mesh.faces, scene.intrinsics, 64, 64)
        drawn = seen.depth_map(64, 64).ravel()
        differ = np.isfinite(drawn) != np.isfinite(depth)
        assert differ.mean() < 0.001  # rays along an edge
        both = np.isfinite(drawn) & np.isfinite(depth)
        assert np.quantile(np.abs(drawn[both] - depth[both]), 0.99) < 2e-4
        same = seen.face == face[seen.pixel]
        assert same.mean() > 0.985  # neighbours share pixels on their common edge


def test_a_spheres_outline_is_its_projected_circle() -> None:
    ball = trimesh.creation.icosphere(subdivisions=5, radius=0.05)
    ball.apply_translation([0, 0, 0.5])
    seen = rasterize(ball.vertices, ball.faces, camera(SIZE), SIZE, SIZE)
    radius = 1.9 * SIZE * 0.05 / np.sqrt(0.5**2 - 0.05**2)
    assert len(seen.pixel) == pytest.approx(np.pi * radius**2, rel=0.01)
    middle = SIZE // 2 * SIZE + SIZE // 2
    assert seen.depth[seen.pixel == middle] == pytest.approx(0.45, abs=1e-4)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_weights_give_back_the_point_on_the_ray(seed: int) -> None:
    rng = np.random.default_rng(seed)
    corners = rng.uniform(-0.3, 0.3, (3, 3)) + [0, 0, 0.8]
    faces = np.array([[0, 1, 2], [0, 2, 1]], np.int32)  # one of both faces the camera
    seen = rasterize(corners, faces, camera(32), 32, 32)
    point = seen.interpolate(corners, faces)
    expected = pixel_rays(camera(32), 32)[seen.pixel] * seen.depth[:, None]
    np.testing.assert_allclose(point, expected, atol=1e-4)


def test_nearer_surfaces_win() -> None:
    square = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]) * 0.1
    vertices = np.concatenate([square + [0, 0, 0.6], square * 0.3 + [0, 0, 0.5]])
    faces = np.array([[0, 2, 1], [0, 3, 2], [4, 6, 5], [4, 7, 6]], np.int32)
    depth = rasterize(vertices, faces, camera(32), 32, 32).depth_map(32, 32)
    assert depth[16, 16] == pytest.approx(0.5)
    assert depth[16, 7] == pytest.approx(0.6)
    assert np.isinf(depth[0, 0])


def test_back_faces_and_triangles_at_the_camera_are_dropped() -> None:
    triangle = np.array([[-0.1, -0.1, 0.5], [0.1, -0.1, 0.5], [0, 0.1, 0.5]])
    front = np.array([[0, 2, 1]], np.int32)
    assert len(rasterize(triangle, front, camera(32), 32, 32).pixel)
    assert not len(rasterize(triangle, front[:, ::-1], camera(32), 32, 32).pixel)
    triangle[0, 2] = NEAR / 2
    assert not len(rasterize(triangle, front, camera(32), 32, 32).pixel)
