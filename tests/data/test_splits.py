"""Training, validation and test share nothing that a network could remember."""

from itertools import combinations

import numpy as np
import pytest

from handlib.data.synthetic.backgrounds import PLATES, plate
from handlib.data.synthetic.casting import person
from handlib.data.synthetic.config import StillsConfig
from handlib.data.synthetic.dataset import SyntheticHands
from handlib.data.synthetic.objects import KINDS, SPLITS, instance
from handlib.hands.pose_prior import load_corpus

PAIRS = list(combinations(SPLITS, 2))


def rows(array: np.ndarray) -> set[bytes]:
    return {row.tobytes() for row in array}


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_no_pose_of_the_corpus_is_shared(one: str, other: str) -> None:
    ours, theirs = load_corpus(one).numpy(), load_corpus(other).numpy()
    assert not rows(ours) & rows(theirs)
    gap = np.abs(ours[:, None] - theirs[None, :50]).reshape(len(ours), -1, 45).max(2)
    assert gap.min() > 0.01


@pytest.mark.parametrize(("one", "other"), PAIRS)
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_no_object_and_no_texture_is_shared(one: str, other: str, kind: str) -> None:
    count = StillsConfig().instances
    ours, theirs = ([instance(split, kind, k) for k in range(count)] for split in (one, other))
    assert not {o.seed for o in ours} & {o.seed for o in theirs}
    assert not {o.mesh.vertices.tobytes() for o in ours} & {
        o.mesh.vertices.tobytes() for o in theirs
    }
    assert not {p.texture.tobytes() for o in ours for p in o.parts} & {
        p.texture.tobytes() for o in theirs for p in o.parts
    }


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_no_background_is_shared(one: str, other: str) -> None:
    ours, theirs = ({plate(s, k).tobytes() for k in range(0, PLATES, 8)} for s in (one, other))
    assert len(ours) == len(theirs) == len(range(0, PLATES, 8))
    assert not ours & theirs


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_no_person_is_shared(one: str, other: str) -> None:
    ours, theirs = (
        {person(s, k).betas.numpy().tobytes() for k in range(StillsConfig().people)}
        for s in (one, other)
    )
    assert not ours & theirs


def test_no_seed_is_shared() -> None:
    """The same seed and index show different things in different splits and at other seeds."""
    sets = [SyntheticHands(split, 1, seed, 32, cache=False) for split in SPLITS for seed in (0, 1)]
    poses = {images[0].pose.numpy().tobytes() for images in sets}
    assert len(poses) == len(sets)
