"""A few of many frames, so that bins of occlusion, and sequences within a bin, take turns."""

import hashlib
from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np
from jaxtyping import Int


def balanced(
    names: Sequence[str], bins: Sequence[Hashable], size: int, seed: int
) -> Int[np.ndarray, " K"]:
    """Places of `size` names, or of all if there are fewer, in the order of the draw.

    Counts of bins differ by one at most, but for bins that have no more names; within a bin
    those of sequences likewise. The first k of a draw are the draw of size k.
    """
    order = shuffled(names, seed)
    sequences = [sequence_of(name) for name in names]
    order = taking_turns(order, list(zip(bins, sequences, strict=True)))
    return taking_turns(order, bins)[:size]


def sequence_of(name: str) -> str:
    """The sequence of a frame: its name without the number."""
    return name.rsplit("/", 1)[0]


def shuffled(names: Sequence[str], seed: int) -> Int[np.ndarray, " N"]:
    """Places in an order by chance: that of hashes, so the same on all machines.

    Which of two names comes first hangs on nothing but the two and the seed.
    """
    keys = [hashlib.sha256(f"{seed}/{name}".encode()).digest() for name in names]
    return np.array(sorted(range(len(names)), key=keys.__getitem__), int)


def taking_turns(order: Int[np.ndarray, " N"], kinds: Sequence[Hashable]) -> Int[np.ndarray, " N"]:
    """The order changed as little as lets kinds take turns: the first of each, the second, ..."""
    met: Counter[Hashable] = Counter()
    rank = np.zeros(len(order), int)
    for position, place in enumerate(order.tolist()):
        rank[position] = met[kinds[place]]
        met[kinds[place]] += 1
    return order[np.argsort(rank, kind="stable")]
