"""Small trees in the layout of the recorded data sets, with hands that are known exactly."""

from dataclasses import dataclass
from importlib.resources import files

import numpy as np
import torch
from PIL import Image

from handlib.data.synthetic.rasterizer import rasterize
from handlib.data.synthetic.skin import hand_surface
from handlib.hands import load_hand

MANO = str(files("handlib") / "assets" / "MANO_RIGHT.npz")
SIZE = (640, 480)
INTRINSICS = np.array([[617.343, 0, 312.42], [0, 617.343, 241.42], [0, 0, 1]])
FLIP = np.array([1.0, -1.0, -1.0])


@dataclass(frozen=True)
class Truth:
    """A hand in OpenCV's frame: what the loaders have to find again."""

    pose: torch.Tensor
    betas: torch.Tensor
    translation: torch.Tensor
    vertices: np.ndarray
    joints: np.ndarray
    pixels: np.ndarray


def truth(seed: int, hand, centre=(0.02, -0.03, 0.6), intrinsics=INTRINSICS) -> Truth:
    """A random hand around `centre`, metres."""
    draw = torch.Generator().manual_seed(seed)
    pose = 0.3 * torch.randn(16, 3, generator=draw)
    pose[0] = 1.5 * torch.randn(3, generator=draw)
    betas = 0.7 * torch.randn(10, generator=torch.Generator().manual_seed(seed // 100))
    out = hand(pose[None], betas[None])
    translation = torch.tensor(centre) - out.joints[0].mean(0)
    out = hand(pose[None], betas[None], translation[None])
    joints = out.joints[0].double().numpy()
    homogeneous = joints @ intrinsics.T
    return Truth(
        pose,
        betas,
        translation,
        out.vertices[0].numpy(),
        joints,
        homogeneous[:, :2] / homogeneous[:, 2:],
    )


def dots(pixels: np.ndarray, size=SIZE, radius: float = 4.0) -> Image.Image:
    """White discs on grey, anti-aliased well enough that their centroid is their centre."""
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    image = np.zeros((size[1], size[0]))
    for u, v in pixels:
        image = np.maximum(image, (radius + 0.5 - np.hypot(x - u, y - v)).clip(0, 1))
    return Image.fromarray((image * 255).round().astype(np.uint8)).convert("RGB")


def centroid(image: torch.Tensor, near: torch.Tensor, radius: float) -> torch.Tensor:
    """Centre of brightness around a pixel."""
    side = image.shape[-1]
    grid = torch.stack(torch.meshgrid([torch.arange(side)] * 2, indexing="xy"), -1).float()
    weight = image.mean(0) * ((grid - near).norm(dim=-1) < radius)
    return (grid * weight[..., None]).sum((0, 1)) / weight.sum()


def silhouette(known: Truth, hand, size=SIZE, intrinsics=INTRINSICS) -> np.ndarray:
    """The whole hand's mask."""
    surface = hand_surface(hand)
    closed = surface.close(known.vertices)
    seen = rasterize(closed, surface.faces, intrinsics, size[1], size[0])
    mask = np.zeros(size[0] * size[1], bool)
    mask[seen.pixel] = True
    return mask.reshape(size[1], size[0])


def right_hand(fingertips: str):
    return load_hand(MANO, fingertips=fingertips)
