"""Scenes and an independent renderer that the tests of the synthetic images share."""

from functools import lru_cache

import numpy as np
import trimesh

from handlib.data.synthetic.config import StillsConfig
from handlib.data.synthetic.rendered_set import shipped_hand
from handlib.data.synthetic.scene import Scene
from handlib.data.synthetic.stills import Still, make_still


@lru_cache
def still(index: int, size: int = 64, split: str = "train") -> Still:
    """An image that many tests look at, made once."""
    return make_still(split, 11, index, size, StillsConfig(), shipped_hand())


def scene_meshes(scene: Scene) -> tuple[trimesh.Trimesh, trimesh.Trimesh]:
    """The hand, and everything else, as plain meshes placed by their scene's transforms."""
    hand = trimesh.Trimesh(scene.vertices, scene.surface.faces, process=False)
    parts = [trimesh.Trimesh(scene.arm.mesh.vertices, scene.arm.mesh.faces, process=False)]
    for placed in scene.things:
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = placed.rotation, placed.position
        mesh = trimesh.Trimesh(placed.thing.mesh.vertices, placed.thing.mesh.faces, process=False)
        parts.append(mesh.apply_transform(pose))
    return hand, trimesh.util.concatenate(parts)


def pixel_rays(intrinsics: np.ndarray, size: int) -> np.ndarray:
    """Directions through all pixel centres, row by row, z = 1."""
    v, u = np.mgrid[:size, :size].reshape(2, -1)
    pixels = np.stack([u, v, np.ones_like(u)]).astype(float)
    return np.linalg.solve(intrinsics, pixels).T


def cast(mesh: trimesh.Trimesh, rays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Depth (inf: nothing) and triangle (-1: nothing) of each ray from the camera, by Embree.

    Only triangles that face the camera are seen, as closed surfaces have it from outside.
    """
    facing = (mesh.face_normals * mesh.triangles_center).sum(1) < 0
    front = trimesh.Trimesh(mesh.vertices, mesh.faces[facing], process=False)
    hits, ray, triangle = front.ray.intersects_location(
        np.zeros_like(rays), rays, multiple_hits=False
    )
    depth = np.full(len(rays), np.inf)
    face = np.full(len(rays), -1)
    depth[ray], face[ray] = hits[:, 2], np.flatnonzero(facing)[triangle]
    return depth, face
