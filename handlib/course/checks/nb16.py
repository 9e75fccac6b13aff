"""Checks of notebook 16. The oracles are loops over single numbers in double precision.

Letters: C clips of F frames, R draws; B windows of T frames.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

from handlib.course.check import Attempt, exercise, expect, expect_close
from handlib.course.text import Text

LENGTH = Text(
    "the window is one list of `length` indices", "window는 index `length`개의 list여야 합니다"
)
WHOLE = Text("every index is an int", "모든 index는 int여야 합니다")
IN_TIME = Text("the indices are in the order of time", "index는 시간 순서대로 있어야 합니다")
INSIDE = Text(
    "every index is one of `frames`: none is from another clip of the data set",
    "모든 index는 `frames` 안에 있어야 합니다 (데이터셋의 다른 clip에 속하면 안 됩니다)",
)
CENTRED = Text(
    "the centre stands at position length // 2", "centre는 length // 2번 위치에 있어야 합니다"
)
GAP = Text(
    "inside the clip, an index is `gap` frames from the next",
    "clip 안에서는 이웃한 index의 간격이 `gap` frame이어야 합니다",
)
LAST_TAKEN = Text(
    "outside the clip, the last index taken is repeated, not the clip's first or last frame",
    "clip 밖에서는 clip의 처음이나 마지막 frame이 아니라 마지막으로 고른 index를 반복해야 합니다",
)

FRAMES_WEIGH_THE_SAME = Text(
    "every chosen frame weighs the same: a clip with more of them weighs more",
    "선택된 frame은 모두 weight가 같아야 합니다 (선택된 frame이 많은 clip의 비중이 더 큽니다)",
)
CHOSEN_ONLY = Text("only the chosen frames count", "선택된 frame만 계산에 넣어야 합니다")
DIVIDED_BY_CHOSEN = Text(
    "the sum is divided by the number of chosen frames, not of all frames",
    "합을 전체 frame 수가 아니라 선택된 frame 수로 나누어야 합니다",
)
BEFORE_MINUS_AFTER = Text(
    "a gain is before − after: a smaller error afterwards is positive",
    "gain은 before − after입니다 (after의 오차가 더 작으면 양수입니다)",
)
SIGNED = Text(
    "gains keep their signs: a loss is a negative gain",
    "gain의 부호를 유지해야 합니다 (오차가 늘어난 frame의 gain은 음수입니다)",
)
EACH_DRAW = Text(
    "each draw has the mean of its own clips", "draw마다 뽑힌 clip으로 평균을 구해야 합니다"
)
COUNTS_TWICE = Text(
    "a clip that is drawn twice counts twice", "두 번 뽑힌 clip은 두 번 계산에 넣어야 합니다"
)
PAIRED = Text(
    "both models are compared on the same drawn clips",
    "두 model을 같은 draw의 같은 clip에서 비교해야 합니다",
)

VISIBLE = Text(
    "what counts is the visible share 1 − o, not the hidden one",
    "가려진 비율이 아니라 보이는 비율 1 − o를 사용해야 합니다",
)
COMPARED = Text(
    "what equal weights would see is subtracted",
    "weight가 모두 같을 때의 값을 빼야 합니다",
)
EVERY_FRAME = Text(
    "every frame of the window counts, not only the one in the middle",
    "가운데 frame만이 아니라 window의 모든 frame을 사용해야 합니다",
)
NOT_ONLY_THE_SUREST = Text(
    "every frame counts by its weight, not only the most confident one",
    "confidence가 가장 큰 frame만이 아니라 모든 frame을 weight에 따라 사용해야 합니다",
)
WINDOWS_AVERAGED = Text("windows are averaged", "window 방향으로는 평균해야 합니다")
OVER_FRAMES = Text(
    "weights add up to 1 over the frames of a window, not over the windows",
    "weight의 합은 window 방향이 아니라 한 window의 frame 방향으로 1이어야 합니다",
)
AS_THEY_ARE = Text(
    "the confidences are weights already: no second softmax",
    "confidence는 이미 weight이므로 softmax를 다시 적용하지 않아야 합니다",
)


def _windows() -> Iterator[tuple[int, range, int, int]]:
    """Centre, clip, length and gap. The first window has room on both sides."""
    yield 35, range(10, 60), 7, 3
    yield 12, range(10, 60), 7, 5  # the clip begins inside a step
    yield 57, range(10, 60), 7, 5  # and ends inside one
    yield 14, range(8, 20), 7, 3  # its first frame is taken, and its end is not
    yield 2, range(0, 30), 7, 1  # a negative index would count from behind
    yield 5, range(3, 9), 7, 10  # shorter than a step
    yield 20, range(10, 60), 4, 2  # no frame is in the middle of four
    generator = np.random.default_rng(16)
    for _ in range(30):
        start, frames, length, gap = generator.integers((0, 1, 1, 1), (50, 40, 10, 12)).tolist()
        yield start + int(generator.integers(frames)), range(start, start + frames), length, gap


def _window(centre: int, frames: range, length: int, gap: int) -> list[int]:
    indices = [centre] * length
    for position in range(length // 2 - 1, -1, -1):
        last = indices[position + 1]
        indices[position] = last - gap if last - gap >= frames.start else last
    for position in range(length // 2 + 1, length):
        last = indices[position - 1]
        indices[position] = last + gap if last + gap < frames.stop else last
    return indices


@exercise("Exercise 16.1, the frames of a window", "연습문제 16.1, window의 frame")
def window_of(attempt: Attempt) -> None:
    """`length` indices around `centre`, `gap` apart; outside the clip the last one is repeated."""
    for centre, frames, length, gap in _windows():
        found = attempt(centre, frames, length, gap)
        right, indices = _window(centre, frames, length, gap), found.tolist()
        wanted = Text(
            f"{right} around {centre} in {frames}, gap {gap}",
            f"{right}, 중심 {centre}, 범위 {frames}, 간격 {gap}",
        )
        expect(tuple(found.shape) == (length,), LENGTH, wanted, str(indices))
        expect(found.dtype in (torch.int32, torch.int64), WHOLE, wanted, str(indices))
        due = [centre + (position - length // 2) * gap for position in range(length)]
        for must_hold, holds in (
            (IN_TIME, indices == sorted(indices)),
            (INSIDE, all(index in frames for index in indices)),
            (CENTRED, indices[length // 2] == centre),
            (GAP, all(i == d for i, d in zip(indices, due, strict=True) if d in frames)),
            (LAST_TAKEN, indices == right),
        ):
            expect(holds, must_hold, wanted, str(indices))


def _clips(seed: int, clips: int, frames: int, draws: int) -> tuple[Tensor, ...]:
    """Errors (C, F) in mm before and after, frames chosen in every clip, draws (R, C)."""
    generator = torch.Generator().manual_seed(seed)
    before, after = 20 + 5 * torch.randn(2, clips, frames, generator=generator)
    chosen = torch.rand(clips, frames, generator=generator) < 0.4
    chosen[:, 0] = True
    return before, after, chosen, torch.randint(clips, (draws, clips), generator=generator)


def _with_unchosen_clip() -> tuple[Tensor, ...]:
    before, after, chosen, draws = _clips(3, 4, 5, 6)
    chosen[0] = False
    draws[:, 0], draws[:, 1] = 0, 2
    return before, after, chosen, draws


def _picked(values: np.ndarray, chosen: Tensor) -> list[list[float]]:
    rows = zip(values.tolist(), chosen.tolist(), strict=True)
    return [[x for x, taken in zip(*row, strict=True) if taken] for row in rows]


def _resampled(clips: list[list[float]], draws: Iterable[Iterable[int]]) -> np.ndarray:
    """The mean of all numbers in the drawn clips, for each draw."""
    pooled = [[x for clip in draw for x in clips[clip]] for draw in draws]
    return np.array([sum(numbers) / len(numbers) for numbers in pooled])


@exercise("Exercise 16.2, gains over drawn clips", "연습문제 16.2, 뽑은 clip의 gain")
def resampled_gains(attempt: Attempt) -> None:
    """Mean gains (R,) over the chosen frames of drawn clips."""
    for inputs in (
        _clips(1, 6, 9, 8),
        _with_unchosen_clip(),
        _clips(2, 3, 1, 2),
        _clips(4, 1, 5, 1),
    ):
        before, after, chosen, draws = inputs
        b, a, drawn = before.double().numpy(), after.double().numpy(), draws.tolist()
        every = [range(len(b))] * len(drawn)
        gains = _picked(b - a, chosen)
        right = _resampled(gains, drawn)
        means = [[sum(clip) / len(clip)] if clip else [] for clip in gains]
        expect_close(
            attempt(*inputs),
            right,
            {
                FRAMES_WEIGH_THE_SAME: _resampled(means, drawn),
                CHOSEN_ONLY: _resampled((b - a).tolist(), drawn),
                DIVIDED_BY_CHOSEN: _resampled(((b - a) * chosen.numpy()).tolist(), drawn),
                BEFORE_MINUS_AFTER: -right,
                SIGNED: _resampled(_picked(abs(b - a), chosen), drawn),
                EACH_DRAW: _resampled(gains, every),
                COUNTS_TWICE: _resampled(gains, map(set, drawn)),
                PAIRED: _resampled(_picked(b, chosen), drawn)
                - _resampled(_picked(a, chosen), every),
            },
            tolerance=1e-4,
        )


def _attention() -> Iterator[tuple[Tensor, Tensor]]:
    """Confidences that add up to 1, and hidden shares, both (B, T)."""
    generator = torch.Generator().manual_seed(163)
    for windows, frames in ((3, 7), (2, 4), (1, 5), (2, 1)):
        scores = 2 * torch.randn(windows, frames, generator=generator)
        yield scores.softmax(1), torch.rand(windows, frames, generator=generator)
    hidden = torch.tensor([[1.0, 1.0, 1.0], [0.0, 0.5, 1.0]])
    yield torch.full((2, 3), 1 / 3), hidden  # equal weights prefer nothing
    yield torch.eye(3)[:2], hidden  # one frame has all the weight


def _looked_at(weights: np.ndarray, seen: np.ndarray) -> float:
    windows = zip(weights.tolist(), seen.tolist(), strict=True)
    each = [sum(w * s for w, s in zip(*window, strict=True)) for window in windows]
    return sum(each) / len(each)


@exercise("Exercise 16.3, preference for what is seen", "연습문제 16.3, 보이는 frame에 대한 선호")
def preference(attempt: Attempt) -> None:
    """How much more of the hand the weights (B, T) look at than equal ones would."""
    for confidence, occlusion in _attention():
        c, seen = confidence.double().numpy(), 1 - occlusion.double().numpy()
        windows, frames = c.shape
        equal = _looked_at(np.full_like(c, 1 / frames), seen)
        right = _looked_at(c, seen) - equal
        in_the_middle = np.arange(frames) == frames // 2
        surest = np.arange(frames) == c.argmax(1)[:, None]
        again = np.exp(c) / np.exp(c).sum(1, keepdims=True)
        # A frame to which no window gives weight would be 0 / 0.
        over_windows = c / np.maximum(c.sum(0), np.finfo(float).tiny)
        expect_close(
            attempt(confidence, occlusion),
            np.array(right),
            {
                VISIBLE: np.array(-right),
                COMPARED: np.array(right + equal),
                EVERY_FRAME: np.array(_looked_at(c * in_the_middle, seen) - equal),
                NOT_ONLY_THE_SUREST: np.array(_looked_at(surest, seen) - equal),
                WINDOWS_AVERAGED: np.array(windows * right),
                OVER_FRAMES: np.array(_looked_at(over_windows, seen) - equal),
                AS_THEY_ARE: np.array(_looked_at(again, seen) - equal),
            },
        )
