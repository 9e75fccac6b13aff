"""The course's own hands as a small HO-3D, DexYCB or FPHA, to practise reading those on."""

from dataclasses import replace
from pathlib import Path
from typing import Literal, get_args

from handlib.data.synthetic.dataset import SyntheticHands
from handlib.data.synthetic.objects import Split
from handlib.data.synthetic.sequences import SyntheticSequences
from handlib.data.trees.dexycb_tree import SUBJECTS, write_dexycb
from handlib.data.trees.folder import check_free
from handlib.data.trees.fpha_tree import write_fpha
from handlib.data.trees.ho3d_tree import write_ho3d
from handlib.data.trees.recording import Recording, clips_config, recordings, stills_config

Layout = Literal["ho3d", "ho3d-v3", "dexycb", "fpha"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)


def export(layout: Layout, root: Path, size: int = 8, frames: int = 8, seed: int = 0) -> None:
    """Write `size` sequences of `frames` frames, a quarter as many on top of it to test on.

    frames 1 shows the stills of `SyntheticHands`, more the clips of `SyntheticSequences`.
    DexYCB's setups split subjects, cameras and objects, not recordings: there all `size`
    sequences belong together, those with odd numbers show left hands.

    Raises:
        TreeExistsError: `root` holds anything but an unchanged tree written here.
        ValueError: unknown layout, or sizes below 1.
    """
    if layout not in LAYOUTS:
        raise ValueError(f"layout: expected one of {', '.join(LAYOUTS)}, found {layout!r}")
    check_free(root)
    if layout == "dexycb":
        people = min(len(SUBJECTS), 1 + size // 4)
        takes = _take("train", size, frames, seed, people)
        write_dexycb(root, [_sided(take, k) for k, take in enumerate(takes)])
        return
    train = _take("train", size, frames, seed)
    test = _take("test", -(-size // 4), frames, seed)
    if layout == "fpha":
        write_fpha(root, train, test)
    else:
        write_ho3d(root, train, test, "v3" if layout == "ho3d-v3" else "v2")


def _take(split: Split, size: int, frames: int, seed: int, people: int = 200) -> list[Recording]:
    if frames == 1:
        config = stills_config(people)
        return recordings(SyntheticHands(split, size, seed, cache=False, config=config))
    clips = SyntheticSequences(split, size, seed, frames, cache=False, config=clips_config(people))
    return recordings(clips)


def _sided(recording: Recording, number: int) -> Recording:
    return replace(recording, side="left" if number % 2 else "right")
