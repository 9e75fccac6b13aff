"""Measurements of a finished hand, as sentences for PROVENANCE.md."""

from dataclasses import replace

import numpy as np

from .collision import SelfIntersection
from .corpus import MAXIMUM_INSIDE
from .correctives import residuals
from .mesh import quality
from .regressor import regressor_errors
from .result import Build
from .shape_space import ShapeSpace
from .splitting import TEST, TRAIN, SplitCorpus, nearest

HELD_OUT_POSES = 200


def measurements(build: Build) -> dict[str, str]:
    """What was measured -> its value with unit."""
    triangles = quality(build.shape.template, build.hand.faces)
    template_error, beta_error = regressor_errors(build.shape, build.regressor)
    return {
        **_shape(build.shape),
        "triangle quality": f"worst {triangles.min():.2f}, median {np.median(triangles):.2f}",
        "joint regressor": f"within {1e3 * template_error:.2f} mm on the template, "
        f"{1e3 * beta_error:.2f} mm per unit of any beta",
        **_correctives(build),
        **_intersections(build),
        **_split(build.corpus),
        "pose variance in 1, 6, 15 and 30 components": _percentages(
            np.cumsum(build.poses.explained)[[0, 5, 14, 29]]
        ),
    }


def _shape(shape: ShapeSpace) -> dict[str, str]:
    lengths = 1e3 * shape.lengths
    return {
        "hand length of the population": f"{lengths.mean():.1f} mm, standard deviation "
        f"{lengths.std():.1f} mm, {lengths.min():.0f} to {lengths.max():.0f} mm",
        "shape variance in beta 0, 1, 2 and in all ten": _percentages(
            np.append(shape.explained[:3], shape.explained.sum())
        )
        + f"; {1e3 * shape.residual:.2f} mm (RMS) are left",
    }


def _correctives(build: Build) -> dict[str, str]:
    """The fit saw no pose of the corpus: its poses were drawn with another seed."""
    hand, corpus = build.hand, build.corpus
    held_out = corpus.poses[corpus.split == TEST][:HELD_OUT_POSES]
    plain = replace(hand, correctives=np.zeros_like(hand.correctives))
    without, fitted = residuals(plain, held_out), residuals(hand, held_out)
    return {
        f"posedirs, distance to the target surface on {len(held_out)} test poses, none of them "
        f"in the fit": f"{_distances(fitted)}; without posedirs {_distances(without)}"
    }


def _intersections(build: Build) -> dict[str, str]:
    hand = build.hand
    tangle = SelfIntersection(hand.faces, len(hand.template))
    inside = np.array([tangle.count(hand.vertices(pose)) for pose in build.corpus.poses])
    return {
        f"corpus poses with more than {MAXIMUM_INSIDE} of 778 vertices inside": _percentages(
            np.array([np.mean(inside > MAXIMUM_INSIDE)])
        )
        + f" (with none: {100 * np.mean(inside == 0):.0f} %)"
    }


def _split(corpus: SplitCorpus) -> dict[str, str]:
    train, validation, test = (int((corpus.split == part).sum()) for part in range(3))
    parts = [corpus.poses[corpus.split == part] for part in (TEST, TRAIN)]
    distance = np.degrees(np.median(nearest(*parts)))
    return {
        "corpus": f"{len(corpus.poses)} poses in {len(np.unique(corpus.cluster))} clusters; "
        f"train {train}, validation {validation}, test {test}",
        "test poses with a training pose within 6 degrees a joint": f"{corpus.near_after:.1%} "
        f"({corpus.near_before:.1%} before {corpus.left_out} poses at borders of the splits were "
        f"left out); median distance to the nearest {distance:.1f} degrees",
    }


def _distances(metres: np.ndarray) -> str:
    mean, high, worst = metres.mean(), np.percentile(metres, 99), metres.max()
    return f"mean {1e3 * mean:.3f} mm, 99 % {1e3 * high:.2f} mm, worst {1e3 * worst:.1f} mm"


def _percentages(shares: np.ndarray) -> str:
    return ", ".join(f"{100 * share:.1f} %" for share in shares)
