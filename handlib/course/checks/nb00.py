"""Checks of notebook 00. The oracles are loops over single pixels, joints and coordinates.

Letters: H×W pixels, N points.
"""

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from handlib.course.check import Attempt, exercise, expect_close
from handlib.course.text import Text

HIDDEN_SHARE = Text(
    "it is the hidden share, not the visible one", "보이는 비율이 아니라 가려진 비율이어야 합니다"
)
OF_THE_HAND = Text(
    "the hand's own pixels are the whole, not the image's",
    "이미지 전체가 아니라 손 전체의 픽셀 수로 나누어야 합니다",
)
OVER_ALL_OF_IT = Text(
    "hidden pixels are divided by all of the hand's pixels, not by the visible ones",
    "가려진 픽셀 수를 보이는 픽셀이 아니라 손 전체의 픽셀 수로 나누어야 합니다",
)
A_SHARE = Text("the result is a share, not a count", "픽셀 수가 아니라 비율이어야 합니다")
DIVIDED = Text(
    "the first two coordinates are divided by the third",
    "처음 두 좌표를 세 번째 좌표로 나누어야 합니다",
)
CAMERA_FIRST = Text(
    "K stands left of a column: K x, not x K", "K는 왼쪽에서 곱해야 합니다 (x K가 아니라 K x)"
)
CENTRED = Text(
    "the principal point (last column of K) is added",
    "주점(principal point, K의 마지막 열)을 더해야 합니다",
)
X_BEFORE_Y = Text("x comes before y", "x가 y보다 먼저 와야 합니다")
MILLIMETRES = Text("the result is in millimetres", "결과는 mm 단위여야 합니다")
FROM_THE_WRIST = Text(
    "both hands are moved so that their wrists coincide",
    "두 손의 손목이 일치하도록 옮긴 뒤 비교해야 합니다",
)
WRIST_NOT_MEAN = Text(
    "the wrist is what coincides, not the mean of the joints",
    "관절의 평균이 아니라 손목을 일치시켜야 합니다",
)
DISTANCES = Text(
    "each joint's error is a distance in space (√ of the summed squares)",
    "관절별 오차는 3차원 거리(제곱합의 제곱근)여야 합니다",
)
MEAN_OF_DISTANCES = Text(
    "the mean is taken of the distances, not of their squares",
    "제곱의 평균이 아니라 거리의 평균이어야 합니다",
)
OVER_ALL_JOINTS = Text(
    "all 21 joints count, the wrist with its error of zero too",
    "오차가 0인 손목을 포함해 21개 관절 모두를 평균해야 합니다",
)


def _masks() -> Iterator[tuple[Tensor, Tensor]]:
    """Partly hidden hands, one in full view, one wholly hidden, one of a single pixel."""
    generator = torch.Generator().manual_seed(0)
    for height, width, seen in ((5, 7, 0.4), (8, 3, 0.8), (4, 4, 1.0), (6, 5, 0.0)):
        amodal = torch.rand(height, width, generator=generator) < 0.6
        yield amodal & (torch.rand(height, width, generator=generator) < seen), amodal
    single = torch.zeros(3, 2, dtype=torch.bool)
    single[1, 1] = True
    yield single, single


@exercise("Exercise 0.1, the hidden share", "연습문제 0.1, 가려진 비율")
def occlusion_ratio(attempt: Attempt) -> None:
    """Hidden over amodal hand pixels, of bool masks (H, W)."""
    for visible, amodal in _masks():
        pairs = list(zip(visible.flatten().tolist(), amodal.flatten().tolist(), strict=True))
        hand = sum(whole for _, whole in pairs)
        hidden = sum(whole and not seen for seen, whole in pairs)
        expect_close(
            attempt(visible, amodal),
            np.array(hidden / hand),
            {
                HIDDEN_SHARE: np.array(1 - hidden / hand),
                OF_THE_HAND: np.array(hidden / len(pairs)),
                OVER_ALL_OF_IT: np.array(hidden / max(hand - hidden, 1)),
                A_SHARE: np.array(float(hidden)),
            },
        )


def _project(points: Tensor, intrinsics: Tensor) -> np.ndarray:
    k = intrinsics.double().tolist()
    rows = []
    for point in points.double().tolist():
        u, v, w = (sum(a * b for a, b in zip(row, point, strict=True)) for row in k)
        rows.append((u / w, v / w))
    return np.array(rows).reshape(-1, 2)


def _cameras() -> Iterator[tuple[Tensor, Tensor]]:
    """Several points and one alone, near and far, before cameras with unlike focal lengths."""
    generator = torch.Generator().manual_seed(1)
    for count, focal, skew in ((4, (300.0, 280.0), 2.0), (1, (90.0, 120.0), 0.0)):
        intrinsics = torch.tensor([[focal[0], skew, 63.5], [0, focal[1], 40.0], [0, 0, 1]])
        points = torch.randn(count, 3, generator=generator) / 10
        points[:, 2] = 0.3 + torch.rand(count, generator=generator)
        yield points, intrinsics


@exercise("Exercise 0.2, from metres to pixels", "연습문제 0.2, 미터에서 픽셀로")
def project_points(attempt: Attempt) -> None:
    """Points (N, 3) in the camera's frame and intrinsics (3, 3) to pixels (N, 2)."""
    for points, intrinsics in _cameras():
        right = _project(points, intrinsics)
        x, k = points.double().numpy(), intrinsics.double().numpy()
        turned = x @ k
        expect_close(
            attempt(points, intrinsics),
            right,
            {
                DIVIDED: (x @ k.T)[:, :2],
                CAMERA_FIRST: turned[:, :2] / turned[:, 2:],
                CENTRED: right - k[:2, 2],
                X_BEFORE_Y: right[:, ::-1],
            },
            tolerance=1e-4,
        )


def _pairs_of_hands() -> Iterator[tuple[Tensor, Tensor]]:
    """Two different hands, the same hand elsewhere (error 0), and errors in one joint only."""
    generator = torch.Generator().manual_seed(2)
    truth = torch.randn(21, 3, generator=generator) / 20
    away = torch.tensor([0.1, -0.2, 0.5])
    yield truth + torch.randn(21, 3, generator=generator) / 50 + away, truth
    yield truth + away, truth
    one = truth.clone()
    one[8] += torch.tensor([0.0, 0.003, 0.004])
    yield one, truth


def _distances(predicted: Tensor, truth: Tensor, roots: bool = True) -> np.ndarray:
    """Metres, joint by joint, with both wrists in the origin or as the hands stand."""
    found, right = predicted.double().tolist(), truth.double().tolist()
    shift = [a - b if roots else 0.0 for a, b in zip(found[0], right[0], strict=True)]
    return np.array(
        [
            math.sqrt(sum((a - b - s) ** 2 for a, b, s in zip(p, q, shift, strict=True)))
            for p, q in zip(found, right, strict=True)
        ]
    )


@exercise("Exercise 0.3, the error of a hand", "연습문제 0.3, 손의 오차")
def root_aligned_error(attempt: Attempt) -> None:
    """Mean distance in millimetres of joints (21, 3) in metres, wrists (joint 0) aligned."""
    for predicted, truth in _pairs_of_hands():
        distances = _distances(predicted, truth)
        gap = (predicted - truth).double().numpy()
        from_wrist, from_mean = gap - gap[0], gap - gap.mean(0)
        expect_close(
            attempt(predicted, truth),
            np.array(1000 * distances.mean()),
            {
                MILLIMETRES: np.array(distances.mean()),
                FROM_THE_WRIST: np.array(1000 * _distances(predicted, truth, roots=False).mean()),
                WRIST_NOT_MEAN: np.array(1000 * np.linalg.norm(from_mean, axis=1).mean()),
                DISTANCES: np.array(1000 * np.abs(from_wrist).mean()),
                MEAN_OF_DISTANCES: np.array(1000 * math.sqrt((distances**2).mean())),
                OVER_ALL_JOINTS: np.array(1000 * distances[1:].mean()),
            },
            tolerance=1e-3,
        )
