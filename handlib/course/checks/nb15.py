"""Checks of notebook 15. The oracles are loops in double precision, and PyTorch's own GRU cell.

Letters: T frames, N joints, B windows or samples, W numbers of state.
"""

import numpy as np
import torch
from torch import Tensor, nn

from handlib.course.check import Attempt, exercise, expect_close
from handlib.course.text import Text

BOTH_NEIGHBOURS = Text(
    "the acceleration is x[t−1] − 2 x[t] + x[t+1]",
    "가속도는 x[t−1] − 2 x[t] + x[t+1]이어야 합니다",
)
NOT_SPEED = Text(
    "accelerations are compared, not speeds", "속도가 아니라 가속도를 비교해야 합니다"
)
OF_THE_DIFFERENCE = Text(
    "the length is that of the difference of both accelerations",
    "두 가속도의 차이를 먼저 구한 다음 그 길이를 재야 합니다",
)
LENGTH = Text(
    "a joint's error is the length of three coordinates, not their mean square",
    "관절의 오차는 세 좌표의 제곱 평균이 아니라 길이여야 합니다",
)
OVER_JOINTS = Text("the joints are averaged, not added up", "관절은 더하지 말고 평균해야 합니다")
Z_KEEPS = Text(
    "z keeps the old state: h' = (1 − z) n + z h",
    "z는 이전 state의 비율이어야 합니다: h' = (1 − z) n + z h",
)
R_BEFORE_TANH = Text(
    "r multiplies the state's part of the proposal, inside the tanh",
    "r은 tanh 안에서 state 쪽 항에 곱해야 합니다",
)
R_STATE_ONLY = Text(
    "r multiplies the state's part alone, not the frame's",
    "r은 입력 쪽 항이 아니라 state 쪽 항에만 곱해야 합니다",
)
ORDER_R_Z_N = Text(
    "the parts come in the order r, z, n", "나눈 부분의 순서는 r, z, n이어야 합니다"
)
PROPOSAL_TANH = Text("the proposal goes through a tanh", "제안 n은 tanh를 거쳐야 합니다")
REAL_IS_ONE = Text(
    "the judge wants 1 for real and 0 for fake", "판별기의 목표는 real이 1, fake가 0이어야 합니다"
)
WITHIN_KIND = Text(
    "each kind is compared with itself in the other set, whatever the others are",
    "각 종류는 다른 종류와 관계없이 real과 fake의 자기 비율끼리 비교해야 합니다",
)
LEAST_SQUARES = Text(
    "it is the minimum of a (D − 1)² + b D²", "a (D − 1)² + b D²의 최솟값이어야 합니다"
)
OVER_FRAMES = Text(
    "the constant part is the mean over the frames of each window",
    "일정한 부분은 각 window에서 frame 방향으로 평균한 값이어야 합니다",
)
IN_ALL_FRAMES = Text(
    "the constant part counts in all T frames", "일정한 부분은 T개 frame 모두에서 세어야 합니다"
)
NOT_THE_REST = Text(
    "the share is that of the constant part, not of the rest",
    "변하는 부분이 아니라 일정한 부분의 비율이어야 합니다",
)
ALL_WINDOWS = Text(
    "squares of all windows are added up before dividing",
    "나누기 전에 모든 window의 제곱을 더해야 합니다",
)
SQUARES = Text("squares are compared, not lengths", "길이가 아니라 제곱을 비교해야 합니다")


def _random(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _accelerations(x: Tensor, middle: int = 2) -> np.ndarray:
    """(T − 2, N, 3), frame by frame; the middle frame is taken off `middle` times."""
    p = x.double().numpy()
    return np.array([p[t - 1] - middle * p[t] + p[t + 1] for t in range(1, len(p) - 1)])


@exercise("Exercise 15.1, acceleration error", "연습문제 15.1, acceleration error")
def acceleration_errors(attempt: Attempt) -> None:
    """(T − 2,) of joints (T, N, 3) twice."""
    for frames, joints in ((7, 4), (3, 21), (5, 1)):
        p, q = _random(frames, frames, joints, 3), _random(frames + 1, frames, joints, 3)
        off = _accelerations(p) - _accelerations(q)
        one = _accelerations(p, 1) - _accelerations(q, 1)
        speed = np.diff((p - q).double().numpy(), axis=0)
        expect_close(
            attempt(p, q),
            _lengths(off).mean(1),
            {
                BOTH_NEIGHBOURS: _lengths(one).mean(1),
                NOT_SPEED: _lengths(speed).mean(1),
                OF_THE_DIFFERENCE: _apart(p, q).mean(1),
                LENGTH: (off**2).mean((1, 2)),
                OVER_JOINTS: _lengths(off).sum(1),
            },
        )


def _lengths(vectors: np.ndarray) -> np.ndarray:
    return np.sqrt((vectors**2).sum(-1))


def _apart(p: Tensor, q: Tensor) -> np.ndarray:
    """The wrong order: lengths first, then their difference."""
    return np.abs(_lengths(_accelerations(p)) - _lengths(_accelerations(q)))


def _mixed(a: Tensor, b: Tensor, h: Tensor, mistake: str = "", order: str = "rzn") -> np.ndarray:
    """One step of a GRU, number by number."""
    place = {name: k * h.shape[1] for k, name in enumerate(order)}
    x, s, old = (v.double().numpy() for v in (a, b, h))
    new = np.empty_like(old)
    for i, row in enumerate(old):
        for j, kept in enumerate(row):
            at = {name: start + j for name, start in place.items()}
            r = 1 / (1 + np.exp(-(x[i, at["r"]] + s[i, at["r"]])))
            z = 1 / (1 + np.exp(-(x[i, at["z"]] + s[i, at["z"]])))
            there, here = x[i, at["n"]], s[i, at["n"]]
            inner = r * (there + here) if mistake == "r on both" else there + r * here
            n = np.tanh(inner)
            if mistake == "r outside":
                n = r * np.tanh(there + here)
            if mistake == "no tanh":
                n = inner
            z = 1 - z if mistake == "z swapped" else z
            new[i, j] = (1 - z) * n + z * kept
    return new


@exercise("Exercise 15.2, one step of a GRU", "연습문제 15.2, GRU의 한 단계")
def gru_step(attempt: Attempt) -> None:
    """The next state (B, W) of A (B, 3W), B (B, 3W) and h (B, W)."""
    for samples, width in ((2, 3), (1, 1), (4, 2)):
        torch_cell = nn.GRUCell(2, width)
        for k, parameter in enumerate(torch_cell.parameters()):
            parameter.data = _random(k, *parameter.shape)
        x, h = _random(7, samples, 2), _random(8, samples, width)
        with torch.no_grad():
            a = x @ torch_cell.weight_ih.T + torch_cell.bias_ih
            b = h @ torch_cell.weight_hh.T + torch_cell.bias_hh
            right = torch_cell(x, h).numpy()
        expect_close(
            attempt(a, b, h),
            right,
            {
                Z_KEEPS: _mixed(a, b, h, "z swapped"),
                R_STATE_ONLY: _mixed(a, b, h, "r on both"),
                R_BEFORE_TANH: _mixed(a, b, h, "r outside"),
                PROPOSAL_TANH: _mixed(a, b, h, "no tanh"),
                ORDER_R_Z_N: _mixed(a, b, h, order="zrn"),
            },
        )


@exercise("Exercise 15.3, the best judge", "연습문제 15.3, 최적의 판별기")
def best_scores(attempt: Attempt) -> None:
    """(K,) scores of shares a (K,) and b (K,), against a search over all scores."""
    for kinds in (4, 2, 7):
        generator = torch.Generator().manual_seed(kinds)
        a, b = torch.rand(2, kinds, generator=generator)
        a[0], b[-1] = 0, 0  # a kind that only one side makes
        a, b = a / a.sum(), b / b.sum()
        real, fake = a.double().numpy(), b.double().numpy()
        expect_close(
            attempt(a, b),
            np.array([_lowest(x, y) for x, y in zip(real, fake, strict=True)]),
            {
                REAL_IS_ONE: fake / (real + fake),
                WITHIN_KIND: real / (real + fake).sum(),
                LEAST_SQUARES: (real > fake).astype(float),
            },
            tolerance=1e-4,
        )


def _lowest(a: float, b: float) -> float:
    """The D of the smallest a (D − 1)² + b D², by halving where its difference changes sign."""
    low, high, step = -1.0, 2.0, 1e-4
    for _ in range(60):
        middle = (low + high) / 2
        left, right = (a * (d - 1) ** 2 + b * d**2 for d in (middle - step, middle + step))
        low, high = (middle, high) if left > right else (low, middle)
    return (low + high) / 2


def _parts(error: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Squares of the constant part and of the whole, one sum a window."""
    e = error.double().numpy()
    constant = [sum(frames) / len(frames) for frames in e]
    return (
        np.array([len(frames) * (c**2).sum() for c, frames in zip(constant, e, strict=True)]),
        np.array([sum((frame**2).sum() for frame in frames) for frames in e]),
    )


@exercise("Exercise 15.4, what stays the same", "연습문제 15.4, 변하지 않는 부분의 비율")
def constant_share(attempt: Attempt) -> None:
    """Share () of the constant part of errors (B, T, n)."""
    for windows, frames, n in ((3, 4, 2), (5, 7, 3), (1, 2, 1)):
        error = _random(frames, windows, frames, n) + _random(n, windows, 1, n)
        error[0] *= 3  # windows differ in size
        constant, whole = _parts(error)
        right = constant.sum() / whole.sum()
        across = windows * (error.double().mean(0) ** 2).sum().item() / whole.sum()
        mistakes = {
            IN_ALL_FRAMES: right / frames,
            NOT_THE_REST: 1 - right,
            SQUARES: right**0.5,
        }
        if windows > 1:
            mistakes |= {OVER_FRAMES: across, ALL_WINDOWS: (constant / whole).mean()}
        named = {text: np.array(value) for text, value in mistakes.items()}
        expect_close(attempt(error), np.array(right), named)
