"""Checks of notebook 13. The oracles are loops in double precision, rotations by SciPy.

Letters: B windows, T frames, n numbers a pose; i is the frame that guesses, j the one guessed.
"""

from collections.abc import Iterator

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from handlib.course.check import Attempt, exercise, expect_close
from handlib.course.text import Text

GUESSER_FIRST = Text(
    "[i, j] is frame i's guess of frame j", "[i, j]는 frame i가 추정한 frame j의 pose여야 합니다"
)
BACKWARD_FROM_J_PLUS_1 = Text(
    "the backward sum runs over k = j+1 … i (the paper's index slip: j … i−1)",
    "backward 합의 범위는 k = j+1 … i여야 합니다 (논문의 식은 j … i−1로 잘못 적혀 있습니다)",
)
FORWARD_UNTIL_J = Text(
    "the forward sum runs over k = i … j−1: f_j leaves frame j",
    "forward 합의 범위는 k = i … j−1이어야 합니다 (f_j는 frame j를 떠나는 motion입니다)",
)
BACKWARD_ADDED = Text(
    "backward motions are added: b_k is already θ_{k−1} − θ_k",
    "backward motion은 더해야 합니다 (b_k는 이미 θ_{k−1} − θ_k입니다)",
)
BACKWARD_USED = Text(
    "for j < i the backward motions are used, not minus the forward ones",
    "j < i일 때는 forward motion을 빼지 않고 backward motion을 사용해야 합니다",
)
OVER_FRAMES = Text(
    "softmax runs over the frames of each window",
    "softmax는 각 window의 frame 방향으로 계산해야 합니다",
)
NORMALISED = Text("the weights of a window add up to 1", "한 window의 weight 합은 1이어야 합니다")
THROUGH_SOFTMAX = Text(
    "confidences become weights by a softmax: they may be negative",
    "confidence는 음수일 수 있으므로 softmax를 거쳐 weight가 되어야 합니다",
)
WEIGHTED = Text(
    "the frames are weighed by their confidence",
    "frame마다 confidence에 따른 weight를 주어야 합니다",
)
SEEN_NOT_HIDDEN = Text(
    "the weight grows with what is seen, not with what is hidden",
    "weight는 가려진 비율이 아니라 보이는 비율에 비례해야 합니다",
)
IN_PROPORTION = Text(
    "weights are in proportion to the seen share (a softmax does not keep the ratio)",
    "weight는 보이는 비율에 비례해야 합니다 (softmax는 비율을 유지하지 않습니다)",
)
WITHIN_WINDOW = Text("each window is normalised by itself", "window마다 따로 정규화해야 합니다")
FIRST_NEXT_TO_POSE = Text(
    "the first motion stands next to the pose: ⋯ f_{i+1} f_i R_i",
    "첫 번째 motion이 pose 바로 왼쪽에 와야 합니다: ⋯ f_{i+1} f_i R_i",
)
FROM_THE_LEFT = Text(
    "motions multiply from the left: R_{k+1} = f_k R_k",
    "motion은 왼쪽에서 곱해야 합니다: R_{k+1} = f_k R_k",
)
NOT_UNDONE = Text(
    "motions are applied as they are, not their inverses",
    "motion의 역행렬이 아니라 motion 자체를 곱해야 합니다",
)
ALL_STEPS = Text("every motion is applied", "모든 motion을 적용해야 합니다")


def _random(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _guesses(
    theta: Tensor, forward: Tensor, backward: Tensor, slip: int = 0, past: int = 0, sign: int = 1
) -> np.ndarray:
    """Eq. 1 and 2 as loops.

    slip: how much too early the backward sum runs. past: motions too many in the forward one.
    """
    pose, f, b = (x.double().numpy() for x in (theta, forward, backward))
    frames = len(pose)
    result = np.zeros((frames, frames, *pose.shape[1:]))
    for i in range(frames):
        for j in range(frames):
            result[i, j] = pose[i]
            for k in range(i, j + past if j > i else j):
                result[i, j] += f[k]
            for k in range(j, i):
                result[i, j] += sign * b[k + 1 - slip]
    return result


@exercise("Exercise 13.1, θ from frame to frame", "연습문제 13.1, frame 사이로 옮긴 θ")
def warp_by_sums(attempt: Attempt) -> None:
    """θ_{i→j} (T, T, n) of poses and motions (T, n)."""
    for frames, n in ((4, 2), (7, 1), (1, 3)):
        theta, forward, backward = _random(frames, 3, frames, n)
        right = _guesses(theta, forward, backward)
        minus_forward = torch.cat([torch.zeros(1, n), -forward[:-1]])
        expect_close(
            attempt(theta, forward, backward),
            right,
            {
                GUESSER_FIRST: right.swapaxes(0, 1),
                BACKWARD_FROM_J_PLUS_1: _guesses(theta, forward, backward, slip=1),
                FORWARD_UNTIL_J: _guesses(theta, forward, backward, past=1),
                BACKWARD_ADDED: _guesses(theta, forward, backward, sign=-1),
                BACKWARD_USED: _guesses(theta, forward, minus_forward),
            },
        )


def _exponentials(confidence: Tensor) -> np.ndarray:
    """e^c, each window scaled by its largest: a factor that a normalised weight does not see."""
    c = confidence.double().numpy()
    return np.exp(c - c.max(axis=1, keepdims=True))


def _fused(guesses: Tensor, weights: np.ndarray) -> np.ndarray:
    g = guesses.double().numpy()
    windows = zip(g, weights, strict=True)
    return np.array([sum(w * pose for w, pose in zip(ws, ps, strict=True)) for ps, ws in windows])


@exercise("Exercise 13.2, fusion by confidence", "연습문제 13.2, confidence에 따른 fusion")
def fuse_frames(attempt: Attempt) -> None:
    """The weighted mean (B, n) of guesses (B, T, n) by confidences (B, T)."""
    for windows, frames, n, size in ((2, 4, 3, 1.0), (3, 7, 1, 1.0), (2, 5, 2, 200.0)):
        guesses = _random(frames, windows, frames, n)
        confidence = size * _random(windows, windows, frames)
        e, c = _exponentials(confidence), confidence.double().numpy()
        over_windows = np.exp(c - c.max(0))
        with np.errstate(over="ignore"):
            raw = np.exp(c)
        expect_close(
            attempt(guesses, confidence),
            _fused(guesses, e / e.sum(1, keepdims=True)),
            {
                OVER_FRAMES: _fused(guesses, over_windows / over_windows.sum(0)),
                NORMALISED: _fused(guesses, raw),
                THROUGH_SOFTMAX: _fused(guesses, c / c.sum(1, keepdims=True)),
                WEIGHTED: guesses.double().numpy().mean(1),
            },
        )


@exercise("Exercise 13.3, weights by occlusion", "연습문제 13.3, occlusion에 따른 weight")
def seen_weights(attempt: Attempt) -> None:
    """Weights (B, T) in proportion to what is seen, of hidden shares (B, T)."""
    for windows, frames in ((2, 4), (3, 7)):
        hidden = torch.rand(windows, frames, generator=torch.Generator().manual_seed(frames))
        o = hidden.double().numpy()
        seen, e = 1 - o, np.exp(1 - o)
        expect_close(
            attempt(hidden),
            np.array([[x / sum(row) for x in row] for row in seen]),
            {
                NORMALISED: seen,
                SEEN_NOT_HIDDEN: o / o.sum(1, keepdims=True),
                IN_PROPORTION: e / e.sum(1, keepdims=True),
                WITHIN_WINDOW: seen / seen.sum(),
            },
        )


def _turns() -> Iterator[tuple[Rotation, Rotation]]:
    generator = np.random.default_rng(13)
    for steps in (1, 2, 4):
        yield (
            Rotation.random(random_state=generator),
            Rotation.from_rotvec(generator.normal(size=(steps, 3))),
        )


def _product(turns: list[Rotation]) -> np.ndarray:
    """The first of them acts first."""
    result = Rotation.identity()
    for turn in turns:
        result = turn * result
    return result.as_matrix()


@exercise("Exercise 13.4, motions on SO(3)", "연습문제 13.4, SO(3) 위의 motion")
def carry_on(attempt: Attempt) -> None:
    """⋯ f_{i+1} f_i R_i (3, 3) of R_i (3, 3) and motions (n, 3, 3)."""
    for start, steps in _turns():
        each = list(steps)
        expect_close(
            attempt(
                torch.tensor(start.as_matrix(), dtype=torch.float32),
                torch.tensor(steps.as_matrix(), dtype=torch.float32),
            ),
            _product([start, *each]),
            {
                FIRST_NEXT_TO_POSE: _product([start, *reversed(each)]),
                FROM_THE_LEFT: _product([*reversed(each), start]),
                NOT_UNDONE: _product([start, *(step.inv() for step in each)]),
                ALL_STEPS: _product([start, *each[:-1]]),
            },
        )
