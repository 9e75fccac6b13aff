"""Meshes and distance fields of everyday objects against trimesh, and hands that hold them."""

import numpy as np
import pytest
import torch
import trimesh

from handlib.data.synthetic.grasps import grasp
from handlib.data.synthetic.objects import KINDS, EverydayObject, instance
from handlib.data.synthetic.rendered_set import shipped_hand
from handlib.data.synthetic.skin import hand_surface
from handlib.data.synthetic.views import rest_hand

KIND_NAMES = sorted(KINDS)


def solids(thing: EverydayObject) -> list[trimesh.Trimesh]:
    """The closed meshes of all parts, seams welded by position."""
    welded = []
    for part in thing.parts:
        mesh = part.solid.mesh()
        body = trimesh.Trimesh(mesh.vertices.astype(float) + part.offset, mesh.faces)
        body.merge_vertices(merge_norm=True, merge_tex=True, digits_vertex=6)
        body.update_faces(body.nondegenerate_faces())
        welded.append(body)
    return welded


def signed_distance(body: trimesh.Trimesh, points: np.ndarray) -> np.ndarray:
    """The slow way: every point against every triangle."""
    count, faces = len(points), len(body.faces)
    pairs = np.tile(body.triangles, (count, 1, 1)), points.repeat(faces, 0)
    gap = np.linalg.norm(trimesh.triangles.closest_point(*pairs) - pairs[1], axis=1)
    nearest = gap.reshape(count, faces).min(1)
    return np.where(body.contains(points), -nearest, nearest)


@pytest.mark.parametrize("kind", KIND_NAMES)
@pytest.mark.parametrize("number", [0, 1, 2])
def test_objects_are_closed_and_face_outwards(kind: str, number: int) -> None:
    thing = instance("train", kind, number)
    for body in solids(thing):
        assert body.is_watertight and body.is_winding_consistent
        assert body.volume > 0
    mesh = thing.mesh
    a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
    flat = np.cross(b - a, c - a)
    mean = mesh.normals[mesh.faces].mean(1)
    area = np.linalg.norm(flat, axis=1)
    assert ((flat * mean).sum(1)[area > 1e-9] > 0).all()
    np.testing.assert_allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-5)
    assert mesh.uv.min() >= 0 and mesh.uv.max() <= 1


@pytest.mark.parametrize("kind", ["bottle", "box", "phone", "pen", "ball", "banana"])
def test_distance_agrees_with_the_mesh(kind: str) -> None:
    thing = instance("train", kind, 3)
    points = np.random.default_rng(0).uniform(-0.1, 0.1, (150, 3))
    exact = np.min([signed_distance(body, points) for body in solids(thing)], axis=0)
    # The field is smooth where the mesh has flat facets and a few per cent of ripple.
    np.testing.assert_allclose(thing.distance(points), exact, atol=0.003)


def test_a_cups_hull_is_full() -> None:
    assert instance("train", "mug", 0).distance(np.zeros((1, 3)))[0] < -0.02


@pytest.mark.parametrize("kind", KIND_NAMES)
@pytest.mark.parametrize("number", [0, 1])
def test_held_objects_touch_the_hand_and_do_not_sink_into_it(kind: str, number: int) -> None:
    rng = np.random.default_rng([number, KIND_NAMES.index(kind)])
    thing, hand = instance("val", kind, number), shipped_hand()
    betas = torch.from_numpy(np.clip(rng.normal(0, 0.8, 10), -2, 2).astype(np.float32))
    with torch.inference_mode():
        held = grasp(rng, hand, betas, thing)
        rest = rest_hand(hand, betas, held.fingers)
    gap = thing.distance((rest.vertices - held.position) @ held.rotation)
    assert -0.006 < gap.min() < 0.003
    finger = (hand_surface(hand).joint - 1) // 3
    reach = [gap[finger == k].min() for k in range(5)]
    assert np.sort(reach)[1] < 0.004  # at least two fingers touch it
    np.testing.assert_allclose(held.rotation @ held.rotation.T, np.eye(3), atol=1e-6)


def test_larger_things_bend_the_fingers_less() -> None:
    hand, bends = shipped_hand(), []
    for kind in ("bowl", "tool"):
        thing = instance("train", kind, 0)
        with torch.inference_mode():
            held = grasp(np.random.default_rng(5), hand, torch.zeros(10), thing)
        bends.append(np.linalg.norm(held.fingers[:12], axis=1).sum())
    assert bends[0] < bends[1] - 1
