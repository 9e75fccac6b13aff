"""Notebook 01: wrong answers fail for the right reason, right ones need no one way."""

import torch
from torch.nn.functional import normalize
from wrong_answers import refusals

from handlib.course import check
from handlib.course.checks import nb01
from handlib.hands.rotations import rot6d_to_rotmat


def stacked(b1, b2, dim=2, sign=1):
    return torch.stack([b1, b2, sign * torch.linalg.cross(b1, b2)], dim=dim)


def gram_schmidt(six, p=slice(0, 3), q=slice(3, 6), **how):
    b1 = normalize(six[:, p], dim=1)
    along = (b1 * six[:, q]).sum(1, keepdim=True) * b1
    return stacked(b1, normalize(six[:, q] - along, dim=1), **how)


def not_perpendicular(six):
    return stacked(normalize(six[:, :3], dim=1), normalize(six[:, 3:], dim=1))


def projected_on_p(six):
    p, q = six.split(3, dim=1)
    along = (p * q).sum(1, keepdim=True) * p
    return stacked(normalize(p, dim=1), normalize(q - along, dim=1))


SIX = {
    "rows": (lambda s: gram_schmidt(s, dim=1), nb01.AS_COLUMNS),
    "left-handed": (lambda s: gram_schmidt(s, sign=-1), nb01.RIGHT_HANDED),
    "normalised only": (not_perpendicular, nb01.PERPENDICULAR),
    "projected on p": (projected_on_p, nb01.UNIT_FIRST),
    "q first": (lambda s: gram_schmidt(s, slice(3, 6), slice(0, 3)), nb01.P_BEFORE_Q),
    "not normalised": (lambda s: stacked(s[:, :3], s[:, 3:]), check.VALUES),
    "two columns": (lambda s: gram_schmidt(s)[..., :2], check.SHAPE),
    "first of the batch": (lambda s: gram_schmidt(s)[0], check.SHAPE),
}


def walk(R, rest, parents, combine=None, own=False, in_a_row=False, start=1.0):
    combine = combine or (lambda parent, joint: parent @ joint)
    G, posed = [R[0]], [start * rest[0]]
    for j in range(1, len(parents)):
        p = j - 1 if in_a_row else parents[j]
        G.append(combine(G[p], R[j]))
        posed.append(posed[p] + G[j if own else p] @ (rest[j] - rest[p]))
    return torch.stack(posed)


def moves_its_input(R, rest, parents):
    for j in range(1, len(parents)):
        rest[j] += 1
    return rest


TREE = {
    "own rotations only": (lambda *a: walk(*a, combine=lambda p, j: j), nb01.CHAINED),
    "parent on the right": (lambda *a: walk(*a, combine=lambda p, j: j @ p), nb01.PARENT_LEFT),
    "turned by itself": (lambda *a: walk(*a, own=True), nb01.OWN_TURN),
    "root at the origin": (lambda *a: walk(*a, start=0.0), nb01.ROOT_STAYS),
    "joints in a row": (lambda *a: walk(*a, in_a_row=True), nb01.OF_THE_TREE),
    "nothing turns": (lambda R, rest, parents: rest, check.VALUES),
    "without the root": (lambda *a: walk(*a)[1:], check.SHAPE),
    "changes its input": (moves_its_input, check.UNTOUCHED),
}


def blend(points, weights, G, off, on):
    said = torch.einsum("jab,vjb->vja", G, points[:, None] - off) + on
    return (weights[..., None] * said).sum(1)


def strongest_bone(points, weights, G, rest, posed):
    return blend(points, torch.eye(len(G))[weights.argmax(1)], G, rest, posed)


SKIN = {
    "about the origin": (lambda v, w, G, r, p: blend(v, w, G, 0 * r, p), nb01.ABOUT_JOINT),
    "back to the rest joint": (lambda v, w, G, r, p: blend(v, w, G, r, r), nb01.TO_POSED),
    "strongest bone": (strongest_bone, nb01.ALL_BONES),
    "transposed": (lambda v, w, G, r, p: blend(v, w, G.mT, r, p), nb01.NOT_BACKWARDS),
    "plain mean": (
        lambda v, w, G, r, p: blend(v, torch.ones_like(w) / len(G), G, r, p),
        check.VALUES,
    ),
    "what each bone says": (
        lambda v, w, G, r, p: torch.einsum("jab,vjb->jva", G, v[:, None] - r),
        check.SHAPE,
    ),
    "axes mixed up": (lambda v, w, G, r, p: (w @ G) @ v, check.RUNS),
}


def kept(x, few):
    return x @ few.T @ few


SPACE = {
    "mean not taken off": (lambda x, C, m, n: m + kept(x, C[:n]), nb01.MEAN_OFF),
    "mean not put on": (lambda x, C, m, n: kept(x - m, C[:n]), nb01.MEAN_ON),
    "columns of C": (lambda x, C, m, n: m + kept(x - m, C.T[:n]), nb01.FIRST_ROWS),
    "the last n": (lambda x, C, m, n: m + kept(x - m, C[45 - n :]), nb01.MOST_IMPORTANT),
    "one too many": (lambda x, C, m, n: m + kept(x - m, C[: n + 1]), check.VALUES),
    "coefficients": (lambda x, C, m, n: (x - m) @ C[:n].T, check.SHAPE),
    "all of them": (lambda x, C, m, n: x, check.VALUES),
}


test_a_wrong_answer_is_refused_for_the_right_reason = refusals(
    {
        nb01.six_to_matrix: SIX,
        nb01.posed_joints: TREE,
        nb01.skin: SKIN,
        nb01.in_pose_space: SPACE,
    }
)


def test_a_right_answer_may_take_another_way():
    """The check tests what is computed, not how."""

    def homogeneous(R, rest, parents):
        chained = []
        for j, p in enumerate(parents):
            local = torch.eye(4)
            local[:3, :3] = R[j]
            local[:3, 3] = rest[j] - (rest[p] if p >= 0 else 0)
            chained.append(chained[p] @ local if p >= 0 else local)
        return torch.stack(chained)[:, :3, 3]

    assert nb01.posed_joints(homogeneous).status == "passed"
    assert nb01.six_to_matrix(rot6d_to_rotmat).status == "passed"
