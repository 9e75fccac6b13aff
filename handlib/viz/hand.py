"""Drawing hands: shaded mesh, 21-joint skeleton, and the hidden part of a hand hatched.

The mesh goes through the library's own rasteriser, so a drawn hand and a synthetic image agree
about what covers what. Camera frame OpenCV, metres; pixel (0, 0) is the centre of the first.
"""

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from torch import Tensor

from handlib.data.synthetic.rasterizer import rasterize
from handlib.hands.skeleton import BONES, FINGER_JOINTS
from handlib.viz import theme

_LIGHT = np.array([-0.35, -0.55, -0.75])
_SUPERSAMPLING = 3
_CRISP = 384  # pixels along the side of a drawn hand, whatever the photograph under it has
_CLAY = (0.62, 0.74, 0.84)  # not skin: a drawn hand is not taken for the photographed one
# Light where nothing is the matter, so that the hand's shading shows; ordered in lightness.
_PAINT = LinearSegmentedColormap.from_list("paint", ["#e3ebf1", theme.ORANGE, "#8a2f00"])


def render_hand(
    vertices: Float[np.ndarray, "V 3"],
    faces: Int[np.ndarray, "F 3"],
    intrinsics: Float[np.ndarray, "3 3"],
    size: int,
    colour: tuple[float, float, float] | Float[np.ndarray, "V 3"] = _CLAY,
    shade: float = 0.65,
) -> Float32[np.ndarray, "size size 4"]:
    """A mesh as an RGBA image, smooth, matt and anti-aliased.

    Args:
        colour: one for the mesh, or one for each vertex.
        shade: how much darker what is turned away from the light is, 0 to 1.
    """
    fine = size * _SUPERSAMPLING
    fragments = rasterize(vertices, faces, _finer(intrinsics, _SUPERSAMPLING), fine, fine)
    normals = fragments.interpolate(_normals(vertices, faces), faces)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-9
    light = np.clip(normals @ (_LIGHT / np.linalg.norm(_LIGHT)), 0, 1)
    rgba = np.zeros((fine * fine, 4), np.float32)
    painted = np.broadcast_to(np.asarray(colour, float), vertices.shape)
    paint = fragments.interpolate(painted, faces)
    rgba[fragments.pixel, :3] = (1 - shade + shade * light)[:, None] * paint
    rgba[fragments.pixel, 3] = 1
    return _shrink(rgba.reshape(fine, fine, 4))


def _finer(intrinsics: Float[np.ndarray, "3 3"], times: int) -> Float[np.ndarray, "3 3"]:
    """The same camera with smaller pixels: x -> n x + (n - 1)/2 keeps pixel centres right."""
    finer = intrinsics * np.array([[times], [times], [1.0]])
    finer[:2, 2] += (times - 1) / 2
    return finer


def _shrink(rgba: Float32[np.ndarray, "n n 4"]) -> Float32[np.ndarray, "m m 4"]:
    size = len(rgba) // _SUPERSAMPLING
    blocks = rgba.reshape(size, _SUPERSAMPLING, size, _SUPERSAMPLING, 4)
    covered = blocks[..., 3:].sum((1, 3))
    colour = blocks[..., :3].sum((1, 3)) / np.maximum(covered, 1)
    return np.concatenate([colour, covered / _SUPERSAMPLING**2], axis=2).astype(np.float32)


def _normals(
    vertices: Float[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"]
) -> Float[np.ndarray, "V 3"]:
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    normals = np.zeros_like(vertices)
    for i in range(3):
        np.add.at(normals, faces[:, i], np.cross(b - a, c - a))
    return normals


def portrait(
    vertices: Float[np.ndarray, "V 3"], size: int, fill: float = 0.85
) -> tuple[Float[np.ndarray, "V 3"], Float[np.ndarray, "3 3"]]:
    """Place a hand that has no translation in front of a camera that sees all of it.

    Args:
        fill: the share of the picture's side that the hand takes.

    Returns:
        Vertices in the camera's frame, and its intrinsics. The camera is one metre away, far
        enough that perspective does not bend the fingers.
    """
    centre = (vertices.min(0) + vertices.max(0)) / 2
    placed = vertices - centre + np.array([0.0, 0.0, 1.0])
    extent = (vertices.max(0) - vertices.min(0))[:2].max()
    focal, middle = fill * size / extent, (size - 1) / 2
    return placed, np.array([[focal, 0, middle], [0, focal, middle], [0, 0, 1.0]])


def draw_hand(
    ax: Axes,
    vertices: Float[Tensor, "V 3"],
    faces: Int[Tensor, "F 3"],
    intrinsics: Float[Tensor, "3 3"] | None = None,
    size: int = 256,
    opacity: float = 1.0,
    title: str = "",
) -> None:
    """Draw a hand over what `ax` shows, an image of side `size` seen through `intrinsics`.

    Without `intrinsics` it is a portrait: the whole hand, wherever it stands.
    """
    mesh, triangles = vertices.detach().double().numpy(), faces.numpy()
    if intrinsics is None:
        mesh, camera = portrait(mesh, size)
    else:
        camera = intrinsics.double().numpy()
    times = -(-_CRISP // size)
    rgba = render_hand(mesh, triangles, _finer(camera, times), size * times)
    rgba[..., 3] *= opacity
    ax.imshow(rgba.clip(0, 1), extent=(-0.5, size - 0.5, size - 0.5, -0.5))
    ax.set_title(title)
    ax.set_axis_off()


def draw_vertex_values(
    ax: Axes,
    vertices: Float[Tensor, "V 3"],
    faces: Int[Tensor, "F 3"],
    values: Float[Tensor, "V"],
    limits: tuple[float, float],
    intrinsics: Float[Tensor, "3 3"] | None = None,
    size: int = _CRISP,
    title: str = "",
) -> ScalarMappable:
    """A hand painted by one number a vertex; a portrait, as in `draw_hand`, without `intrinsics`.

    Returns:
        What a colour bar needs.
    """
    mesh = vertices.detach().double().numpy()
    scale = ScalarMappable(Normalize(*limits), _PAINT)
    colours = scale.to_rgba(values.detach().numpy())[:, :3]
    camera = None if intrinsics is None else intrinsics.double().numpy()
    if camera is None:
        mesh, camera = portrait(mesh, size)
    rgba = render_hand(mesh, faces.numpy(), camera, size, colours, shade=0.5)
    ax.imshow(rgba.clip(0, 1))
    ax.set_title(title)
    ax.set_axis_off()
    return scale


def draw_placed(
    ax: Axes,
    joints: Float[Tensor, "21 3"],
    vertices: Float[Tensor, "V 3"],
    joints_px: Float[Tensor, "21 2"],
    faces: Int[Tensor, "F 3"],
    intrinsics: Float[Tensor, "3 3"],
    size: int,
    title: str = "",
) -> None:
    """`draw_hand` of a hand without a place: where its joints fall onto `joints_px`."""
    place = fit_translation(joints, joints_px, intrinsics)
    draw_hand(ax, vertices + place, faces, intrinsics, size, title=title)


def fit_translation(
    joints: Float[Tensor, "21 3"],
    joints_px: Float[Tensor, "21 2"],
    intrinsics: Float[Tensor, "3 3"],
) -> Float[Tensor, "3"]:
    """Where to put a hand that has no translation so that its joints project onto `joints_px`.

    Least squares in the camera frame: (x + t_x) - u (z + t_z) = 0 and the same for y, with (u, v)
    the joint's ray. Linear, and exact when the two sets of joints agree.
    """
    rays = torch.cat([joints_px, torch.ones_like(joints_px[:, :1])], 1) @ intrinsics.inverse().T
    u, v = rays[:, :1], rays[:, 1:2]
    one, zero = torch.ones_like(u), torch.zeros_like(u)
    design = torch.cat([torch.cat([one, zero, -u], 1), torch.cat([zero, one, -v], 1)])  # 42 3
    target = torch.cat([u * joints[:, 2:] - joints[:, :1], v * joints[:, 2:] - joints[:, 1:2]])
    return torch.linalg.lstsq(design, target).solution[:, 0]


def draw_skeleton(
    ax: Axes, joints: Float[Tensor, "21 2"], hidden: Bool[Tensor, "21"] | None = None
) -> None:
    """The 21 joints (pixels, common order) and their bones; hidden joints are hollow."""
    points = joints.detach().numpy()
    finger_of = {j: finger for finger, joints in FINGER_JOINTS.items() for j in joints}
    for parent, child in BONES:
        colour = theme.FINGER[finger_of[child]]
        ax.plot(*points[[parent, child]].T, color=theme.PAPER, linewidth=3.2, zorder=2)
        ax.plot(*points[[parent, child]].T, color=colour, linewidth=1.8, zorder=3)
    for joint, (x, y) in enumerate(points):
        colour = theme.FINGER[finger_of.get(joint, "wrist")]
        hollow = hidden is not None and bool(hidden[joint])
        face = theme.PAPER if hollow else colour
        ax.plot(x, y, "o", markersize=4, color=colour, markerfacecolor=face, zorder=4)


def draw_bones(ax: Axes, joints: Float[Tensor, "21 2"]) -> None:
    """The bones alone, grey, behind what is compared with them."""
    points = joints.detach().numpy()
    for parent, child in BONES:
        ax.plot(*points[[parent, child]].T, color=theme.MUTED, linewidth=1.5, zorder=1)


def draw_joint_errors(
    ax: Axes, predicted: Float[Tensor, "21 3"], truth: Float[Tensor, "21 3"]
) -> None:
    """Two hands in metres seen along z: the truth in colour, the prediction grey, errors as lines.

    Both in a camera's frame (y down), aligned as the error to be shown asks for.
    """
    found, right = 1000 * predicted[:, :2].numpy(), 1000 * truth[:, :2].numpy()
    draw_bones(ax, torch.from_numpy(found))
    draw_skeleton(ax, torch.from_numpy(right))
    for start, end in zip(found, right, strict=True):
        ax.plot(*zip(start, end, strict=True), color=theme.INK, linewidth=0.9, zorder=5)
    ax.plot(*found.T, "o", markersize=3.5, color=theme.INK, markerfacecolor=theme.PAPER, zorder=6)
    ax.set_aspect("equal")
    ax.invert_yaxis()
    ax.set_xlabel("mm")


def draw_hidden(ax: Axes, visible: Bool[Tensor, "H W"], amodal: Bool[Tensor, "H W"]) -> None:
    """Outline the whole hand and hatch the part of it that something covers."""
    hidden = (amodal & ~visible).float().numpy()
    ax.contourf(hidden, levels=[0.5, 1.5], colors="none", hatches=["/////"])
    ax.contour(amodal.float().numpy(), levels=[0.5], colors=[theme.ORANGE], linewidths=1.3)
