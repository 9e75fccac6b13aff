"""Names and numbers of the 21 YCB objects, and which of them the rendered things stand in for.

Calli et al., "The YCB Object and Model Set", ICAR 2015; numbered as in PoseCNN and DexYCB.
"""

from collections.abc import Iterable

from handlib.data.trees.placed import ThingPose

CLASSES = (
    "002_master_chef_can",
    "003_cracker_box",
    "004_sugar_box",
    "005_tomato_soup_can",
    "006_mustard_bottle",
    "007_tuna_fish_can",
    "008_pudding_box",
    "009_gelatin_box",
    "010_potted_meat_can",
    "011_banana",
    "019_pitcher_base",
    "021_bleach_cleanser",
    "024_bowl",
    "025_mug",
    "035_power_drill",
    "036_wood_block",
    "037_scissors",
    "040_large_marker",
    "051_large_clamp",
    "052_extra_large_clamp",
    "061_foam_brick",
)
"""Class c has number 1 + its place here; 0 is the background."""

_LIKE = {
    "mug": "025_mug",
    "can": "005_tomato_soup_can",
    "bottle": "006_mustard_bottle",
    "box": "003_cracker_box",
    "bowl": "024_bowl",
    "phone": "009_gelatin_box",
    "banana": "011_banana",
    "pen": "040_large_marker",
    "tool": "035_power_drill",
    "ball": "061_foam_brick",
}


class Register:
    """Numbers for the things of a tree: its like's for each thing, or the next free one.

    Once all 21 are taken, further things share numbers with others, though not within a scene.
    """

    def __init__(self) -> None:
        self.things: dict[int, ThingPose] = {}
        self._numbers: dict[str, int] = {}

    def numbers(self, things: Iterable[ThingPose]) -> list[int]:
        """Of all things of a scene."""
        here: list[int] = []
        for thing in things:
            number = self._numbers.get(thing.name, 0)
            if not number or number in here:
                number = self._free(thing.kind, here)
                self._numbers[thing.name] = number
                self.things.setdefault(number, thing)
            here.append(number)
        return here

    def _free(self, kind: str, here: list[int]) -> int:
        first = CLASSES.index(_LIKE[kind])
        order = [(first + k) % len(CLASSES) + 1 for k in range(len(CLASSES))]
        free = (number for number in order if number not in self.things)
        other = (number for number in order if number not in here)
        return next(free, None) or next(other)


def number_like(kind: str) -> int:
    """The number of the YCB object that a thing of this kind resembles."""
    return 1 + CLASSES.index(_LIKE[kind])
