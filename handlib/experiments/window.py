"""How many frames, and how far apart? Windows of 1 to 9 frames, and gaps of 1 to 3.

The paper has T = 7 frames, "empirically selected", and shows no other length. Here frames come at
ten a second, so a gap of 1 is 0.1 s; the paper's is ten frames at thirty a second. All variants
see every frame of every clip in the middle of a window equally often; a clip of 32 frames ends
sooner for a long window, which then repeats its last frame.

Seven second stages for each seed, half a minute to one and a half each, beside the seed's start.
"""

from handlib.experiments.study import Study, Variant
from handlib.training.data import WINDOW
from handlib.training.recipes import COURSE_GAP

COMMAND = "handlib experiment window"
LENGTHS, GAPS = (1, 3, 5, WINDOW, 9), (COURSE_GAP, 2, 3)


def name_of(length: int, gap: int) -> str:
    """A variant's name in the result file."""
    return f"{length} frames, gap {gap}"


VARIANTS = {
    name_of(length, gap): Variant(length=length, gap=gap)
    for length, gap in (
        *((length, COURSE_GAP) for length in LENGTHS),
        *((WINDOW, gap) for gap in GAPS[1:]),
    )
}

STUDY = Study(
    name="window",
    claim="seven frames do better than fewer, and as well as more",
    variants=VARIANTS,
    reference=name_of(WINDOW, COURSE_GAP),
)
