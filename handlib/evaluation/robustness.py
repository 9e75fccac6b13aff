"""How far a network's errors grow when its pictures are disturbed, one disturbance at a time.

Strengths are fixed, unlike those of `AugmentationConfig`, which are drawn: a row says what one
amount does, and rows of two networks are of the same pictures. What lies outside the undisturbed
image is black, so moved, shrunken and turned pictures have an edge that photographs lack.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from handlib.data.augmentation import Changes, apply_changes
from handlib.data.batch import collate
from handlib.data.colour import ColourChanges
from handlib.data.sample import HandSample, needed
from handlib.data.sensor import SensorChanges
from handlib.evaluation.errors import pa_mpjpe, root_aligned_mpjpe
from handlib.training.evaluate import HasJoints, evaluating


@dataclass(frozen=True)
class Disturbance:
    """One change of every picture; the defaults change nothing.

    brightness, saturation, contrast: factors. tint: factor of red, green and blue. blur: standard
    deviation in pixels. noise: standard deviation in an image of 0..1. quality: JPEG's, above 100
    for none. scale: factor of the hand's size. angle: degrees, x towards y. shift: right and
    down, as a share of the image's side.
    """

    brightness: float = 1.0
    saturation: float = 1.0
    contrast: float = 1.0
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    blur: float = 0.0
    noise: float = 0.0
    quality: int = 101
    scale: float = 1.0
    angle: float = 0.0
    shift: tuple[float, float] = (0.0, 0.0)

    def changes(self, seeds: Int[Tensor, " B"]) -> Changes:
        """The same amounts for each of B samples; `seeds` are those of their noise."""
        count = len(seeds)

        def each(amount: float) -> Float[Tensor, " B"]:
            return torch.full((count,), amount)

        colours = (self.brightness, self.saturation, 0.0, self.contrast, self.blur)
        return Changes(
            each(self.scale),
            each(self.angle).deg2rad(),
            torch.tensor(self.shift).expand(count, -1),
            torch.tensor(self.tint).expand(count, -1),
            ColourChanges(*map(each, colours)),
            SensorChanges(each(self.noise), torch.full_like(seeds, self.quality), seeds),
        )


DISTURBANCES = {
    "none": Disturbance(),
    "noise 0.1": Disturbance(noise=0.1),
    "blur 2 px": Disturbance(blur=2.0),
    "JPEG 10": Disturbance(quality=10),
    "warm light": Disturbance(tint=(1.25, 1.0, 0.7)),
    "cold light": Disturbance(tint=(0.7, 1.0, 1.25)),
    "half the light": Disturbance(brightness=0.5),
    "1.6 times the light": Disturbance(brightness=1.6),
    "half the contrast": Disturbance(contrast=0.5),
    "black and white": Disturbance(saturation=0.0),
    "shift 0.1": Disturbance(shift=(0.1, 0.1)),
    "size 0.7": Disturbance(scale=0.7),
    "size 1.3": Disturbance(scale=1.3),
    "turn 90°": Disturbance(angle=90.0),
    "turn 180°": Disturbance(angle=180.0),
    "cheap camera": Disturbance(
        brightness=0.7, contrast=0.8, tint=(1.1, 1.0, 0.8), blur=1.0, noise=0.05, quality=30
    ),
}


@dataclass(frozen=True)
class RobustnessRow:
    """Mean errors in metres of `count` pictures under a disturbance."""

    name: str
    count: int
    root_aligned: float
    procrustes: float


@torch.inference_mode()
def robustness(
    model: Callable[[Tensor], HasJoints],
    dataset: Dataset[HandSample],
    disturbances: Mapping[str, Disturbance] = DISTURBANCES,
    batch_size: int = 64,
) -> list[RobustnessRow]:
    """Score `model` under every disturbance, labels moved along with the pictures.

    The noise of a sample depends on its place in the data set alone.

    Raises:
        MissingLabelError: the data lack joints in metres or in pixels.
    """
    loader = DataLoader(dataset, batch_size, collate_fn=collate, generator=torch.Generator())
    errors: dict[str, list[Tensor]] = {name: [] for name in disturbances}
    first = 0
    with evaluating(model) as device:
        for batch in loader:
            seeds = torch.arange(first, first + len(batch))
            first += len(batch)
            for name, disturbance in disturbances.items():
                seen = apply_changes(batch, disturbance.changes(seeds))
                joints = model(seen.image.to(device)).joints.float().cpu()
                target = needed(seen.joints, "joints")
                pair = root_aligned_mpjpe(joints, target), pa_mpjpe(joints, target)
                errors[name].append(torch.stack(pair))
    return [_row(name, torch.cat(parts, 1)) for name, parts in errors.items()]


def described(
    rows: list[RobustnessRow], disturbances: Mapping[str, Disturbance] = DISTURBANCES
) -> list[dict[str, Any]]:
    """The rows for a model card: errors in millimetres, and what each disturbance changes."""
    default = asdict(Disturbance())
    entries: list[dict[str, Any]] = []
    for row in rows:
        changed = asdict(disturbances[row.name])
        amounts = {key: value for key, value in changed.items() if value != default[key]}
        errors = {
            "root_aligned": round(1000 * row.root_aligned, 2),
            "procrustes": round(1000 * row.procrustes, 2),
        }
        entries.append({"name": row.name, "count": row.count, **errors, "amounts": amounts})
    return entries


def _row(name: str, errors: Float[Tensor, "2 N"]) -> RobustnessRow:
    root_aligned, procrustes = errors.mean(1).tolist()
    return RobustnessRow(name, errors.shape[1], root_aligned, procrustes)
