"""Notebook 02: wrong answers fail for the right reason, right ones need no one way."""

import torch
from wrong_answers import refusals

from handlib.course import check
from handlib.course.checks import nb02
from handlib.data.camera import SquareCrop, unproject

FLIP = torch.diag(torch.tensor([1.0, -1, -1]))


def lifted(pixels, depth, K, focal=None, centre=True, stretched=True):
    focal = torch.stack([K[0, 0], K[1, 1]]) if focal is None else focal
    ray = (pixels - K[:2, 2] * centre) / focal
    return torch.cat([ray * depth[:, None] if stretched else ray, depth[:, None]], 1)


def at_distance(pixels, depth, K):
    rays = lifted(pixels, torch.ones_like(depth), K)
    return rays / rays.norm(dim=1, keepdim=True) * depth[:, None]


def centre_last(pixels, depth, K):
    ray = pixels / K.diagonal()[:2] - K[:2, 2]
    return torch.cat([ray * depth[:, None], depth[:, None]], 1)


LIFT = {
    "fx for fy": (lambda p, d, K: lifted(p, d, K, focal=K[0, 0]), nb02.EACH_ITS_FOCAL),
    "centre subtracted last": (centre_last, nb02.CENTRE_FIRST),
    "centre forgotten": (lambda p, d, K: lifted(p, d, K, centre=False), nb02.CENTRE_SUBTRACTED),
    "not stretched": (lambda p, d, K: lifted(p, d, K, stretched=False), nb02.TIMES_DEPTH),
    "distance for depth": (at_distance, nb02.DEPTH_NOT_DISTANCE),
    "fx and fy swapped": (
        lambda p, d, K: lifted(p, d, K, focal=K.diagonal()[:2].flip(0)),
        check.VALUES,
    ),
    "z left out": (lambda p, d, K: lifted(p, d, K)[:, :2], check.SHAPE),
}


def cropped(K, x, y, side, size, half=0.5, scale=None, principal=True, focal=True):
    scale = size / side if scale is None else scale
    result = K.clone()
    edge = torch.tensor([x - side / 2, y - side / 2], dtype=torch.float32)
    result[:2, 2] = (K[:2, 2] - edge) * (scale if principal else 1) - (half if principal else 0)
    result[:2, :2] *= scale if focal else 1
    return result


def all_of_it(K, x, y, side, size):
    result = cropped(K, x, y, side, size)
    result[2, 2] = size / side
    return result


def in_place(K, x, y, side, size):
    K *= size / side
    return K


CROP = {
    "half a pixel forgotten": (lambda *a: cropped(*a, half=0), nb02.HALF_PIXEL),
    "principal point not scaled": (lambda *a: cropped(*a, principal=False), nb02.CENTRE_SCALED),
    "focal length not scaled": (lambda *a: cropped(*a, focal=False), nb02.FOCAL_SCALED),
    "from the centre": (
        lambda K, x, y, side, size: cropped(K, x + side / 2, y + side / 2, side, size),
        nb02.FROM_THE_EDGE,
    ),
    "x and y swapped": (lambda K, x, y, *a: cropped(K, y, x, *a), nb02.X_ACROSS),
    "scale upside down": (
        lambda K, x, y, side, size: cropped(K, x, y, side, size, scale=side / size),
        nb02.LARGER_WHEN_ENLARGED,
    ),
    "last row scaled": (all_of_it, nb02.LAST_ROW),
    "nothing done": (lambda K, *a: K.clone(), check.VALUES),
    "the affine map alone": (
        lambda K, x, y, side, size: SquareCrop(x, y, side).affine(size),
        check.VALUES,
    ),
    "changes its input": (in_place, check.UNTOUCHED),
    "two rows": (lambda *a: cropped(*a)[:2], check.SHAPE),
}


def share(visible, amodal, whole=None):
    inside = (visible & amodal).sum((1, 2))
    whole = amodal.sum((1, 2)) if whole is None else whole
    return inside / whole.clamp(min=1)


def pixels(masks):
    return masks[0].numel()


RATIO = {
    "visible not intersected": (
        lambda v, a: 1 - v.sum((1, 2)) / a.sum((1, 2)).clamp(min=1),
        nb02.INTERSECTED,
    ),
    "over the image": (lambda v, a: (a & ~v).sum((1, 2)) / pixels(a), nb02.OF_THE_HAND),
    "over the union": (
        lambda v, a: 1 - share(v, a, (v | a).sum((1, 2))),
        nb02.NOT_THE_UNION,
    ),
    "visible share": (share, nb02.HIDDEN_NOT_SEEN),
    "one share for all images": (
        lambda v, a: (1 - (v & a).sum() / a.sum()).expand(len(v)),
        nb02.EACH_IMAGE,
    ),
    "no hand is not a number": (
        lambda v, a: 1 - (v & a).sum((1, 2)) / a.sum((1, 2)),
        check.FINITE,
    ),
    "no hand is not hidden": (
        lambda v, a: (a & ~v).sum((1, 2)) / a.sum((1, 2)).clamp(min=1),
        nb02.NO_HAND_IS_HIDDEN,
    ),
    "one number": (lambda v, a: (1 - share(v, a)).mean(), check.SHAPE),
}


def turned(R, t, rest, flip=FLIP, placed=None):
    placed = flip @ (rest + t) - rest if placed is None else placed
    return torch.cat([flip @ R, placed[:, None]], 1)


def with_rotation(R, t, rest, rotation):
    return torch.cat([rotation, turned(R, t, rest)[:, 3:]], 1)


def only(*signs):
    return torch.diag(torch.tensor(signs))


TO_OPENCV = {
    "F t alone": (lambda R, t, j: turned(R, t, j, placed=FLIP @ t), nb02.PIVOT_IS_J0),
    "J0 left in": (lambda R, t, j: turned(R, t, j, placed=FLIP @ (j + t)), nb02.J0_TAKEN_OFF),
    "t as it was": (lambda R, t, j: turned(R, t, j, placed=t), nb02.TRANSLATION_TURNED),
    "F from the right": (lambda R, t, j: with_rotation(R, t, j, R @ FLIP), nb02.FROM_THE_LEFT),
    "F from both sides": (
        lambda R, t, j: with_rotation(R, t, j, FLIP @ R @ FLIP),
        nb02.FROM_BOTH_SIDES,
    ),
    "y flipped, z not": (
        lambda R, t, j: turned(R, t, j, flip=only(1.0, -1.0, 1.0)),
        nb02.Y_AND_Z,
    ),
    "z flipped, y not": (
        lambda R, t, j: turned(R, t, j, flip=only(1.0, 1.0, -1.0)),
        nb02.Z_AND_Y,
    ),
    "nothing done": (lambda R, t, j: torch.cat([R, t[:, None]], 1), check.VALUES),
    "rotation alone": (lambda R, t, j: FLIP @ R, check.SHAPE),
}


test_a_wrong_answer_is_refused_for_the_right_reason = refusals(
    {
        nb02.lift_pixels: LIFT,
        nb02.crop_intrinsics: CROP,
        nb02.occlusion_ratio: RATIO,
        nb02.opengl_to_opencv: TO_OPENCV,
    }
)


def test_right_answers_may_take_another_way():
    """The checks test what is computed, not how: the library's own ways pass."""

    def by_affine(K, x, y, side, size):
        return SquareCrop(x, y, side).affine(size) @ K

    def by_mean(visible, amodal):
        means = [v[a].float().mean() for v, a in zip(visible, amodal, strict=True)]
        return 1 - torch.stack(means).nan_to_num(0)

    assert nb02.lift_pixels(unproject).status == "passed"
    assert nb02.crop_intrinsics(by_affine).status == "passed"
    assert nb02.occlusion_ratio(by_mean).status == "passed"
