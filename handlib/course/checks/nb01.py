"""Checks of notebook 01. The oracles: a QR decomposition, turns about ancestors, loops, residuals.

Letters: J joints, V vertices, N poses.
"""

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from handlib.course.check import Attempt, exercise, expect_close
from handlib.course.text import Text

AS_COLUMNS = Text("b1, b2 and b3 are the columns of R", "b1, b2, b3은 R의 열(column)이어야 합니다")
RIGHT_HANDED = Text(
    "b3 is b1 × b2 in this order, so det R = +1", "b3는 b1 × b2이므로 det R = +1이어야 합니다"
)
PERPENDICULAR = Text(
    "b2 is perpendicular to b1: the part of q along b1 is taken off",
    "b2는 b1에 수직이어야 합니다. q에서 b1 방향 성분을 빼야 합니다",
)
UNIT_FIRST = Text(
    "q's part along p is measured with b1, which has length 1",
    "q의 p 방향 성분은 길이가 1인 b1로 구해야 합니다",
)
P_BEFORE_Q = Text(
    "the first three numbers are p, the last three q",
    "앞의 숫자 세 개가 p, 뒤의 세 개가 q여야 합니다",
)
CHAINED = Text(
    "a bone turns with all joints before it, not with its parent alone",
    "뼈는 부모 관절만이 아니라 그 앞의 모든 관절과 함께 회전해야 합니다",
)
PARENT_LEFT = Text(
    "G_j = G_p R_j: the parent's rotation stands on the left",
    "G_j = G_p R_j이므로 부모의 회전이 왼쪽에 와야 합니다",
)
OWN_TURN = Text(
    "a joint's own rotation does not move the joint itself",
    "관절 자신의 회전은 그 관절의 위치를 바꾸지 않아야 합니다",
)
ROOT_STAYS = Text(
    "the root stays at its rest position, wherever that is",
    "root 관절은 rest 위치에 그대로 있어야 합니다",
)
OF_THE_TREE = Text(
    "a joint hangs on its parent, which need not be the joint before it",
    "각 관절은 바로 앞 번호가 아니라 자신의 부모에 연결되어야 합니다",
)
ABOUT_JOINT = Text(
    "a bone turns points about its rest joint: J is taken off first",
    "뼈는 rest 관절을 중심으로 점을 회전하므로 먼저 J를 빼야 합니다",
)
TO_POSED = Text(
    "after the turn the posed joint is put on, not the rest one",
    "회전한 뒤에는 rest 관절이 아니라 posed 관절을 더해야 합니다",
)
ALL_BONES = Text(
    "every bone counts by its weight, not the strongest alone",
    "가장 큰 weight 하나가 아니라 모든 뼈가 weight만큼 기여해야 합니다",
)
NOT_BACKWARDS = Text(
    "points turn by G, not by its inverse", "점은 G의 역이 아니라 G로 회전해야 합니다"
)
MEAN_OFF = Text(
    "coefficients are measured from μ: it is taken off first",
    "계수는 μ를 기준으로 하므로 먼저 μ를 빼야 합니다",
)
MEAN_ON = Text("μ is put back on at the end", "마지막에 μ를 다시 더해야 합니다")
FIRST_ROWS = Text(
    "components are the first n rows of C", "component는 C의 앞쪽 n개 행(row)이어야 합니다"
)
MOST_IMPORTANT = Text(
    "the first n are kept, not the last", "뒤쪽이 아니라 앞쪽 n개를 남겨야 합니다"
)


def _by_qr(six: np.ndarray) -> np.ndarray:
    """Gram-Schmidt of one 6D vector as a QR decomposition with a positive diagonal."""
    q, r = np.linalg.qr(six.reshape(2, 3).T)
    first, second = (q * np.sign(np.diag(r))).T
    return np.stack([first, second, np.cross(first, second)], axis=1)


def _unit(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x)


def _frame(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.stack([first, second, np.cross(first, second)], axis=1)


@exercise("Exercise 1.1, six numbers to a rotation", "연습문제 1.1, 숫자 여섯 개에서 회전으로")
def six_to_matrix(attempt: Attempt) -> None:
    """Rotation matrices (B, 3, 3) of 6D vectors (B, 6)."""
    generator = torch.Generator().manual_seed(1)
    for batch, size in ((4, 1.0), (1, 1.0), (3, 50.0)):
        six = size * torch.randn(batch, 6, generator=generator)
        rows = six.double().numpy()
        right = np.stack([_by_qr(row) for row in rows])
        pairs = [row.reshape(2, 3) for row in rows]
        expect_close(
            attempt(six),
            right,
            {
                AS_COLUMNS: right.swapaxes(1, 2),
                RIGHT_HANDED: right * [1.0, 1.0, -1.0],
                PERPENDICULAR: np.stack([_frame(_unit(p), _unit(q)) for p, q in pairs]),
                UNIT_FIRST: np.stack([_frame(_unit(p), _unit(q - (p @ q) * p)) for p, q in pairs]),
                P_BEFORE_Q: np.stack([_by_qr(np.roll(row, 3)) for row in rows]),
            },
            tolerance=1e-4,
        )


def _about_ancestors(rotations: np.ndarray, rest: np.ndarray, parents: list[int]) -> np.ndarray:
    """Every joint turned about its parent, then about that one's, up to the root: no G at all."""
    posed = rest.copy()
    for joint, ancestor in enumerate(parents):
        while ancestor >= 0:
            about = rest[ancestor]
            posed[joint] = about + rotations[ancestor] @ (posed[joint] - about)
            ancestor = parents[ancestor]
    return posed


def _mistaken_walk(
    rotations: np.ndarray, rest: np.ndarray, parents: list[int], mistake: Text
) -> np.ndarray:
    """The chain with one of three mistakes."""
    turned, posed = rotations.copy(), rest.copy()
    for joint, parent in list(enumerate(parents))[1:]:
        own = rotations[joint]
        before = turned[parent]
        turned[joint] = {CHAINED: own, PARENT_LEFT: own @ before, OWN_TURN: before @ own}[mistake]
        by = turned[joint] if mistake is OWN_TURN else before
        posed[joint] = posed[parent] + by @ (rest[joint] - rest[parent])
    return posed


@exercise("Exercise 1.2, a tree of joints", "연습문제 1.2, 관절 tree")
def posed_joints(attempt: Attempt) -> None:
    """Posed positions (J, 3) of local rotations (J, 3, 3) and rest positions (J, 3)."""
    generator = torch.Generator().manual_seed(12)
    for parents in ([-1, 0, 1, 2], [-1, 0, 1, 0, 3, 4, 1], [-1]):
        vectors = torch.randn(len(parents), 3, generator=generator)
        rest = torch.randn(len(parents), 3, generator=generator)
        matrices = Rotation.from_rotvec(vectors.numpy()).as_matrix()
        tree = matrices, rest.double().numpy(), parents
        right = _about_ancestors(*tree)
        in_a_row = list(range(-1, len(parents) - 1))
        expect_close(
            attempt(torch.tensor(matrices, dtype=torch.float32), rest, parents),
            right,
            {
                **{m: _mistaken_walk(*tree, m) for m in (CHAINED, PARENT_LEFT, OWN_TURN)},
                ROOT_STAYS: right - rest[0].numpy(),
                OF_THE_TREE: _about_ancestors(*tree[:2], in_a_row),
            },
            tolerance=1e-4,
        )


def _skinned(
    points: np.ndarray,
    weights: np.ndarray,
    turns: np.ndarray,
    taken_off: np.ndarray,
    put_on: np.ndarray,
) -> np.ndarray:
    result = np.zeros_like(points)
    for v, point in enumerate(points):
        for j, weight in enumerate(weights[v]):
            result[v] += weight * (turns[j] @ (point - taken_off[j]) + put_on[j])
    return result


@exercise("Exercise 1.3, linear blend skinning", "연습문제 1.3, linear blend skinning")
def skin(attempt: Attempt) -> None:
    """Skinned vertices (V, 3) of points (V, 3), weights (V, J) and J moving bones."""
    generator = torch.Generator().manual_seed(13)
    for vertices, joints in ((5, 3), (2, 4), (3, 1)):
        points, rest, posed = (
            torch.randn(n, 3, generator=generator) for n in (vertices, joints, joints)
        )
        weights = torch.rand(vertices, joints, generator=generator)
        weights = weights / weights.sum(1, keepdim=True)
        vectors = torch.randn(joints, 3, generator=generator)
        turns = Rotation.from_rotvec(vectors.numpy()).as_matrix()
        p, w, before, after = (x.double().numpy() for x in (points, weights, rest, posed))
        strongest = np.eye(joints)[w.argmax(1)]
        expect_close(
            attempt(points, weights, torch.tensor(turns, dtype=torch.float32), rest, posed),
            _skinned(p, w, turns, before, after),
            {
                ABOUT_JOINT: _skinned(p, w, turns, 0 * before, after),
                TO_POSED: _skinned(p, w, turns, before, before),
                ALL_BONES: _skinned(p, strongest, turns, before, after),
                NOT_BACKWARDS: _skinned(p, w, turns.swapaxes(1, 2), before, after),
            },
            tolerance=1e-4,
        )


def _without_rest(offsets: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """What is left after every other component's share is taken off, one by one."""
    kept = offsets.copy()
    for row in rows:
        kept -= np.outer(kept @ row, row)
    return kept


@exercise("Exercise 1.4, a pose of n components", "연습문제 1.4, component n개로 나타낸 자세")
def in_pose_space(attempt: Attempt) -> None:
    """Poses (N, 45) as the first n of the components (45, 45) can tell them."""
    generator = torch.Generator().manual_seed(14)
    square = torch.randn(45, 45, generator=generator, dtype=torch.float64)
    components = torch.linalg.qr(square)[0].float()
    mean = torch.randn(45, generator=generator)
    for count, n in ((3, 6), (1, 1), (2, 0), (4, 45)):
        poses = torch.randn(count, 45, generator=generator)
        c, mu, theta = (x.double().numpy() for x in (components, mean, poses))
        right = mu + _without_rest(theta - mu, c[n:])
        expect_close(
            attempt(poses, components, mean, n),
            right,
            {
                MEAN_OFF: mu + _without_rest(theta, c[n:]),
                MEAN_ON: right - mu,
                FIRST_ROWS: mu + _without_rest(theta - mu, c.T[n:]),
                MOST_IMPORTANT: mu + _without_rest(theta - mu, c[: 45 - n]),
            },
            tolerance=1e-4,
        )
