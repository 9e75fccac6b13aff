"""What is filmed: a scene that moves, out of the synthetic clips, or one that stands still."""

from collections.abc import Callable
from dataclasses import dataclass

from handlib.data.synthetic.config import SequencesConfig, StillsConfig
from handlib.data.synthetic.dataset import SyntheticHands
from handlib.data.synthetic.objects import SPLITS, Split
from handlib.data.synthetic.scene import Scene
from handlib.data.synthetic.sequences import SyntheticSequences
from handlib.data.synthetic.views import Posed
from handlib.hands.skeleton import Side

Moment = tuple[Scene, Posed]


@dataclass(frozen=True)
class Recording:
    """`length` moments of one owner's hand; `moment(k)` is the k-th, always a right hand's.

    side: of the hand on film; a left hand is the mirror image of all that is there. key: its own
    source of chance. The moments' frame is that of the camera they were composed for.
    """

    owner: str
    split: Split
    key: tuple[int, ...]
    length: int
    moment: Callable[[int], Moment]
    side: Side = "right"


def stills_config(people: int = 200) -> StillsConfig:
    """Stills that fit a full frame: far enough, and with at least one thing to annotate."""
    return StillsConfig(distance=(0.50, 0.85), distractors=1.0, people=people)


def clips_config(people: int = 200) -> SequencesConfig:
    """Likewise clips: the hand stays in a frame of 640 x 480 pixels at a focal length of 617."""
    return SequencesConfig(
        distance=(0.65, 0.85), off_axis=2.0, reach=(0.04, 0.11), distractors=1.0, people=people
    )


def recordings(source: SyntheticHands | SyntheticSequences) -> list[Recording]:
    """Each clip of a synthetic set, or each still, as a recording.

    The set needs no cache (`cache=False`): scenes are composed anew, and filmed at another size.
    Its configuration should be `clips_config` or `stills_config`.
    """
    if isinstance(source, SyntheticSequences):
        return [_of_clip(source, number) for number in range(source.size)]
    return [_of_still(source, index) for index in range(source.size)]


def _key(source: SyntheticHands | SyntheticSequences, number: int) -> tuple[int, ...]:
    return SPLITS.index(source.split), source.seed, number


def _of_clip(source: SyntheticSequences, number: int) -> Recording:
    def moment(frame: int) -> Moment:
        clip = source.clip(number)
        return clip.scene(frame), clip.posed(frame)

    owner = source.clip(number).owner.name
    return Recording(owner, source.split, _key(source, number), source.frames, moment)


def _of_still(source: SyntheticHands, index: int) -> Recording:
    still = source.render(index)
    only = still.scene, still.posed
    return Recording(still.identity, source.split, _key(source, index), 1, lambda _: only)
