"""What the rendered images and clips show."""

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


@dataclass(frozen=True)
class SequencesConfig:
    """What the clips show; every field is part of the cache's key."""

    rate: float = 10.0  # frames a second
    exposure: tuple[float, float] = (0.008, 0.030)  # seconds that the shutter is open
    handled: float = 0.45  # share of clips in which a thing is taken, carried or put down
    actions: tuple[float, float, float] = (0.5, 0.25, 0.25)  # of the others: gesture, wave, point
    spin: float = 65.0  # degrees about the hand's long axis
    tilt: float = 25.0  # degrees towards the camera
    roll: float = 45.0  # degrees in the image plane
    reach: tuple[float, float] = (0.06, 0.14)  # metres from the middle that the hand goes
    distance: tuple[float, float] = (0.45, 0.85)  # metres from the camera
    off_axis: float = 4.0  # degrees, as for stills
    margin: tuple[float, float] = (0.03, 0.10)  # of the image's side, around all the hand does
    tremor: float = 0.03  # radians per joint angle of a hand held still
    corpus_noise: float = 0.05  # radians per joint angle
    bare: float = 0.06  # share of clips that nothing passes
    twice: float = 0.55  # share of clips that two things pass
    hidden: float = 0.33  # share of passing things that hide the hand for a moment
    standing: float = 0.15  # share of the others that stand still, and the hand goes behind them
    distractors: float = 0.33  # share of clips with a thing behind the hand
    skin_coloured: float = 0.20  # share of things with the hand's colour
    people: int = 200  # shapes and skin tones per split
    instances: int = 24  # objects of each kind per split
