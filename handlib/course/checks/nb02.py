"""Checks of notebook 02. The oracles are loops over single points and pixels in double precision.

Letters: N points, B images of H×W pixels, F the turn from OpenGL's camera frame to OpenCV's.
"""

import itertools
from collections.abc import Callable, Iterator

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from handlib.course.check import Attempt, exercise, expect_close
from handlib.course.text import Text

EACH_ITS_FOCAL = Text(
    "x is divided by fx and y by fy", "x는 fx로, y는 fy로 나누어야 합니다 (서로 다를 수 있습니다)"
)
CENTRE_FIRST = Text(
    "the principal point is subtracted before the division by the focal length",
    "focal length로 나누기 전에 주점(principal point)을 빼야 합니다",
)
CENTRE_SUBTRACTED = Text(
    "the principal point is subtracted: the camera's axis does not meet pixel (0, 0)",
    "주점(principal point)을 빼야 합니다 (카메라 축은 픽셀 (0, 0)을 지나지 않습니다)",
)
TIMES_DEPTH = Text(
    "the ray is stretched until its z is the depth, x and y too",
    "x, y에도 depth를 곱해 z가 depth와 같아지도록 ray를 늘려야 합니다",
)
DEPTH_NOT_DISTANCE = Text(
    "depth is z along the camera's axis, not the distance from the camera",
    "depth는 camera까지의 거리가 아니라 카메라 축 방향의 z입니다",
)
HALF_PIXEL = Text(
    "the crop's left edge goes to −0.5, where the first pixel begins, not to 0",
    "crop의 왼쪽 가장자리는 0이 아니라 첫 픽셀이 시작되는 −0.5로 가야 합니다",
)
CENTRE_SCALED = Text(
    "the principal point is scaled too, not only shifted",
    "주점(principal point)은 옮기기만 하지 말고 scale도 곱해야 합니다",
)
FOCAL_SCALED = Text(
    "a resize scales the focal lengths", "크기를 바꾸면 focal length에도 scale을 곱해야 합니다"
)
FROM_THE_EDGE = Text(
    "the crop begins at its edge, x − side/2, not at its centre",
    "crop은 중심이 아니라 가장자리 x − side/2에서 시작합니다",
)
X_ACROSS = Text("x is across (cx), y is down (cy)", "x는 가로(cx), y는 세로(cy)입니다")
LARGER_WHEN_ENLARGED = Text(
    "the scale is size / side: pixels of the crop over pixels of the image",
    "scale은 size / side입니다 (crop의 픽셀 수 / 원본의 픽셀 수)",
)
LAST_ROW = Text("the last row of K stays 0, 0, 1", "K의 마지막 행은 0, 0, 1이어야 합니다")
OF_THE_HAND = Text(
    "the whole hand's pixels are the denominator, not the image's",
    "이미지 전체가 아니라 손 전체(amodal)의 픽셀 수로 나누어야 합니다",
)
INTERSECTED = Text(
    "only visible pixels inside the amodal mask count: the two masks may disagree",
    "amodal mask 안에 있는 보이는 픽셀만 세어야 합니다 (두 mask는 다를 수 있습니다)",
)
NOT_THE_UNION = Text(
    "the denominator is the amodal mask, not the union of both (that would be an IoU)",
    "분모는 두 mask의 합집합이 아니라 amodal mask여야 합니다 (합집합이면 IoU가 됩니다)",
)
HIDDEN_NOT_SEEN = Text(
    "it is the hidden share, not the visible one", "보이는 비율이 아니라 가려진 비율이어야 합니다"
)
EACH_IMAGE = Text("every image has a share of its own", "이미지마다 따로 비율을 구해야 합니다")
NO_HAND_IS_HIDDEN = Text(
    "a hand with no pixel in the image is wholly hidden: 1",
    "이미지 안에 손 픽셀이 하나도 없으면 완전히 가려진 것으로 보아 1이어야 합니다",
)
Y_AND_Z = Text(
    "z changes its sign as well as y; one alone would be a mirror",
    "y뿐 아니라 z의 부호도 바뀌어야 합니다 (하나만 바꾸면 거울상이 됩니다)",
)
Z_AND_Y = Text(
    "y changes its sign as well as z; one alone would be a mirror",
    "z뿐 아니라 y의 부호도 바뀌어야 합니다 (하나만 바꾸면 거울상이 됩니다)",
)
PIVOT_IS_J0 = Text(
    "the hand turns about J0, not about the origin: t′ = F (J0 + t) − J0",
    "손은 원점이 아니라 J0을 중심으로 회전합니다: t′ = F (J0 + t) − J0",
)
J0_TAKEN_OFF = Text(
    "the model adds J0 again, so it is subtracted: t′ = F (J0 + t) − J0",
    "모델이 J0을 다시 더하므로 빼 주어야 합니다: t′ = F (J0 + t) − J0",
)
TRANSLATION_TURNED = Text(
    "the translation is turned as well as the rotation",
    "rotation뿐 아니라 translation도 변환해야 합니다",
)
FROM_THE_LEFT = Text(
    "F turns the camera's frame, not the hand's: it stands left of R",
    "F는 손이 아니라 camera의 좌표계를 돌리므로 R의 왼쪽에 곱해야 합니다",
)
FROM_BOTH_SIDES = Text(
    "F stands left of R only: the hand's own rest frame does not change",
    "F는 R의 왼쪽에만 곱해야 합니다 (손의 rest 좌표계는 바뀌지 않습니다)",
)

Numbers = np.ndarray


def _camera(generator: np.random.Generator) -> Numbers:
    fx, fy = generator.uniform(200, 900, 2)
    cx, cy = generator.uniform(50, 300, 2)
    return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])


def _float(array: Numbers) -> Tensor:
    return torch.tensor(array, dtype=torch.float32)


def _double(tensor: Tensor) -> Numbers:
    return tensor.double().numpy()


Lift = Callable[[float, float, float, Numbers], list[float]]


def _right_lift(u: float, v: float, z: float, k: Numbers) -> list[float]:
    return [z * (u - k[0, 2]) / k[0, 0], z * (v - k[1, 2]) / k[1, 1], z]


def _distance(u: float, v: float, z: float, k: Numbers) -> list[float]:
    ray = np.array(_right_lift(u, v, 1.0, k))
    return list(z * ray / np.linalg.norm(ray))


_WRONG_LIFTS: dict[Text, Lift] = {
    EACH_ITS_FOCAL: lambda u, v, z, k: [*(z * ([u, v] - k[:2, 2]) / k[0, 0]), z],
    CENTRE_FIRST: lambda u, v, z, k: [*(z * ([u, v] / k.diagonal()[:2] - k[:2, 2])), z],
    CENTRE_SUBTRACTED: lambda u, v, z, k: [z * u / k[0, 0], z * v / k[1, 1], z],
    TIMES_DEPTH: lambda u, v, z, k: [*_right_lift(u, v, 1.0, k)[:2], z],
    DEPTH_NOT_DISTANCE: _distance,
}


@exercise("Exercise 2.1, from pixels back into space", "연습문제 2.1, 픽셀에서 공간으로")
def lift_pixels(attempt: Attempt) -> None:
    """Points (N, 3) of pixels (N, 2), depths (N,) and K (3, 3)."""
    generator = np.random.default_rng(2)
    for points in (1, 5):
        pixels = _float(generator.uniform(0, 400, (points, 2)))
        depth = _float(generator.uniform(0.3, 1.2, points))
        intrinsics = _float(_camera(generator))
        inputs = pixels, depth, intrinsics
        wrong = {name: _lift_each(lift, *inputs) for name, lift in _WRONG_LIFTS.items()}
        expect_close(attempt(*inputs), _lift_each(_right_lift, *inputs), wrong)


def _lift_each(lift: Lift, pixels: Tensor, depth: Tensor, intrinsics: Tensor) -> Numbers:
    pairs = zip(_double(pixels), _double(depth), strict=True)
    k = _double(intrinsics)
    return np.array([lift(u, v, z, k) for (u, v), z in pairs])


def _camera_of(move: Callable[[float, float], tuple[float, float]], k: Numbers) -> Numbers:
    """The camera whose pixels are `move` of the pixels of camera `k`, read off three rays."""

    def see(x: float, y: float) -> Numbers:
        return np.array(move(k[0, 0] * x + k[0, 2], k[1, 1] * y + k[1, 2]))

    middle = see(0.0, 0.0)
    (fx, _), (_, fy) = see(1.0, 0.0) - middle, see(0.0, 1.0) - middle
    return np.array([[fx, 0, middle[0]], [0, fy, middle[1]], [0, 0, 1]])


@exercise("Exercise 2.2, the camera of a crop", "연습문제 2.2, crop의 camera")
def crop_intrinsics(attempt: Attempt) -> None:
    """K (3, 3) of the square around (x, y), `side` wide, resized to `size` pixels."""
    generator = np.random.default_rng(3)
    for side, size in ((200.0, 128), (90.5, 256), (64.0, 64)):
        intrinsics = _float(_camera(generator))
        k, (x, y) = _double(intrinsics), generator.uniform(80, 400, 2).tolist()
        found = attempt(intrinsics, x, y, side, size)
        s = size / side
        right = _cropped(k, x, y, side, s)
        unscaled, focal = right.copy(), right.copy()
        unscaled[:2, 2] = k[:2, 2] - [x - side / 2, y - side / 2]
        focal[0, 0], focal[1, 1] = k[0, 0], k[1, 1]
        mistakes = {
            HALF_PIXEL: _cropped(k, x, y, side, s, half=0.0),
            CENTRE_SCALED: unscaled,
            FOCAL_SCALED: focal,
            FROM_THE_EDGE: _cropped(k, x + side / 2, y + side / 2, side, s),
            X_ACROSS: _cropped(k, y, x, side, s),
            LARGER_WHEN_ENLARGED: _cropped(k, x, y, side, 1 / s),
            LAST_ROW: right * [[1], [1], [s]],
        }
        expect_close(found, right, mistakes, tolerance=1e-4)


def _cropped(
    k: Numbers, x: float, y: float, side: float, scale: float, half: float = 0.5
) -> Numbers:
    """Edge to edge: a pixel's distance from the crop's left and upper edge is scaled."""

    def move(u: float, v: float) -> tuple[float, float]:
        return (u - (x - side / 2)) * scale - half, (v - (y - side / 2)) * scale - half

    return _camera_of(move, k)


def _masks() -> Iterator[tuple[Tensor, Tensor]]:
    """Masks seen by a camera, which stick out of the amodal ones; one hand beside its image."""
    generator = torch.Generator().manual_seed(4)
    for images, height, width, seen in ((2, 5, 7, 0.6), (3, 6, 4, 0.3), (1, 4, 4, 1.0)):
        amodal = torch.rand(images, height, width, generator=generator) < 0.6
        yield torch.rand(images, height, width, generator=generator) < seen, amodal
    nowhere = torch.zeros(2, 3, 5, dtype=torch.bool)
    nowhere[0, 1] = True
    yield nowhere.clone(), nowhere


@exercise("Exercise 2.3, the occlusion ratio", "연습문제 2.3, occlusion ratio")
def occlusion_ratio(attempt: Attempt) -> None:
    """1 − |visible ∩ amodal| / |amodal| (B,) of bool masks (B, H, W)."""
    for visible, amodal in _masks():
        images, pixels = len(amodal), amodal[0].numel()
        seen, whole, inside, either = (np.zeros(images) for _ in range(4))
        for b, row, column in itertools.product(*map(range, amodal.shape)):
            v, a = bool(visible[b, row, column]), bool(amodal[b, row, column])
            seen[b] += v
            whole[b] += a
            inside[b] += v and a
            either[b] += v or a
        with np.errstate(divide="ignore", invalid="ignore"):
            share = inside / whole
            right = np.where(whole > 0, 1 - share, 1.0)
            mistakes = {
                NO_HAND_IS_HIDDEN: np.where(whole > 0, 1 - share, 0),
                HIDDEN_NOT_SEEN: np.where(whole > 0, share, 0),
                INTERSECTED: np.where(whole > 0, 1 - seen / whole, 1),
                OF_THE_HAND: (whole - inside) / pixels,
                NOT_THE_UNION: 1 - inside / either,
                EACH_IMAGE: np.full(images, 1 - inside.sum() / whole.sum()),
            }
        expect_close(attempt(visible, amodal), right, mistakes)


def _annotations() -> Iterator[tuple[Numbers, Numbers, Numbers]]:
    """Rotation, translation and J0 of hands in an OpenGL frame."""
    generator = np.random.default_rng(5)
    for _ in range(2):
        yield (
            Rotation.random(random_state=generator).as_matrix(),
            generator.normal(size=3) * 0.1 - [0, 0, 0.6],
            generator.normal(size=3) * 0.05,
        )


def _side_by_side(rotation: Numbers, translation: Numbers) -> Numbers:
    return np.concatenate([rotation, translation[:, None]], 1)


def _read_off(turn: Numbers, rotation: Numbers, translation: Numbers, rest: Numbers) -> Numbers:
    """[R′ | t′] from where the model's points 0 and J0 + e_k land, turned point by point."""

    def land(point: Numbers) -> Numbers:
        return turn @ (rotation @ (point - rest) + rest + translation)

    columns = [land(rest + e) - land(rest) for e in np.eye(3)]
    return _side_by_side(np.stack(columns, 1), land(rest) - rest)


@exercise("Exercise 2.4, from OpenGL to OpenCV", "연습문제 2.4, OpenGL에서 OpenCV로")
def opengl_to_opencv(attempt: Attempt) -> None:
    """[R′ | t′] (3, 4) of R (3, 3), t (3,) and J0 (3,)."""
    flip, only_y, only_z = (np.diag(signs) for signs in ([1.0, -1, -1], [1, -1, 1], [1, 1, -1]))
    for annotation in _annotations():
        inputs = [_float(x) for x in annotation]
        rotation, translation, rest = (_double(x) for x in inputs)
        right = _read_off(flip, rotation, translation, rest)
        turned, placed = right[:, :3], right[:, 3]
        expect_close(
            attempt(*inputs),
            right,
            {
                PIVOT_IS_J0: _side_by_side(turned, flip @ translation),
                J0_TAKEN_OFF: _side_by_side(turned, placed + rest),
                TRANSLATION_TURNED: _side_by_side(turned, translation),
                FROM_THE_LEFT: _side_by_side(rotation @ flip, placed),
                FROM_BOTH_SIDES: _side_by_side(flip @ rotation @ flip, placed),
                Y_AND_Z: _read_off(only_y, rotation, translation, rest),
                Z_AND_Y: _read_off(only_z, rotation, translation, rest),
            },
        )
