"""What an image of a tree shows, for comparison with what its labels say."""

import numpy as np
import torch
import trimesh
from PIL import Image

from handlib.data.synthetic.rendered_set import shipped_hand
from handlib.data.synthetic.skin import hand_surface
from handlib.hands import load_hand

from .scenes import cast


def pixels(path) -> np.ndarray:
    with Image.open(path) as image:
        return np.array(image)


def green_pixels(path) -> np.ndarray:
    """The hands of the tests' trees are green."""
    red, green, blue = pixels(path).astype(int).transpose(2, 0, 1)
    return green > 1.3 * np.maximum(red, blue) + 10


def hand_depth(vertices: np.ndarray, left: bool, intrinsics: np.ndarray, shape) -> np.ndarray:
    """Depth of the hand's mesh at each pixel by ray casting, inf where it is not (OpenCV)."""
    surface = hand_surface(shipped_hand())
    faces = surface.faces[:, ::-1] if left else surface.faces
    mesh = trimesh.Trimesh(surface.close(vertices), faces, process=False)
    return mesh_depth(mesh, intrinsics, shape)


def mesh_depth(mesh: trimesh.Trimesh, intrinsics: np.ndarray, shape) -> np.ndarray:
    """Depth of any closed mesh likewise."""
    depth = np.full(shape, np.inf)
    flat = mesh.vertices @ intrinsics.T
    flat = flat[:, :2] / flat[:, 2:]
    low = np.floor(flat.min(0)).clip(0).astype(int)
    high = (np.ceil(flat.max(0)) + 1).clip(0, shape[::-1]).astype(int)
    window = np.s_[low[1] : high[1], low[0] : high[0]]  # the rest cannot see it
    v, u = np.mgrid[window].reshape(2, -1)
    rays = np.stack([u, v, np.ones_like(u)]).astype(float)
    if len(u):
        seen, _ = cast(mesh, np.linalg.solve(intrinsics, rays).T)
        depth[window] = seen.reshape(depth[window].shape)
    return depth


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union."""
    return float((one & other).sum() / max((one | other).sum(), 1))


def mano_layer(side: str, pose: np.ndarray, betas: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Vertices by smplx: full angles (48,), metres."""
    layer = load_hand(side=side).smplx()
    rows = [torch.as_tensor(np.array(x), dtype=torch.float32)[None] for x in (pose, betas, shift)]
    with torch.inference_mode():
        output = layer(
            global_orient=rows[0][:, :3], hand_pose=rows[0][:, 3:], betas=rows[1], transl=rows[2]
        )
    return output.vertices[0].double().numpy()
