"""What the still images show."""

from dataclasses import dataclass


@dataclass(frozen=True)
class StillsConfig:
    """What the images show; every field is part of the cache's key."""

    spin: float = 60.0  # degrees about the hand's long axis; more shows hands edge on
    tilt: float = 25.0  # degrees towards the camera
    roll: float = 45.0  # degrees in the image plane
    bare: float = 0.18  # share of hands that nothing hides on purpose
    most_hidden: float = 0.95  # the others' hidden share is spread from 0.02 to this
    skew: float = 2.0  # 1: spread evenly; above, low shares are commoner, as in real recordings
    held: float = 0.27  # share of hands that hold something
    distractors: float = 0.33  # share of images with a thing behind the hand
    skin_coloured: float = (
        0.20  # share of things with the hand's colour: colour gives nothing away
    )
    corpus_noise: float = 0.05  # radians per joint angle, below the width of a corpus cluster
    blends: float = 0.10  # share of free hands part of the way between two corpus poses
    off_axis: float = 4.0  # degrees: a crop is rarely in the middle of the camera's image
    fill: tuple[float, float] = (0.65, 0.90)  # the hand's extent over the image's side
    distance: tuple[float, float] = (0.40, 0.85)  # metres, as at a desk or in HO-3D
    people: int = 200  # shapes and skin tones per split
    instances: int = 24  # objects of each kind per split
