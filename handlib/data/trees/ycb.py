"""Names and numbers of the 21 YCB objects, and which of them the rendered things stand in for.

Calli et al., "The YCB Object and Model Set", ICAR 2015; numbered as in PoseCNN and DexYCB.
"""

from collections.abc import Iterable

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


def numbers(kinds: Iterable[str]) -> list[int]:
    """A number for each thing of a scene, no two the same: its like's, or the next free one."""
    taken: list[int] = []
    for kind in kinds:
        number = 1 + CLASSES.index(_LIKE[kind])
        while number in taken:
            number = number % len(CLASSES) + 1
        taken.append(number)
    return taken
