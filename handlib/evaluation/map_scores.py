"""Do a HandOccNet's maps mean what the paper says of them? Measured over a whole test set.

Figures 2 and 5 of the paper show single images. Each number here is taken image by image, then
averaged, with its 95 % bootstrap interval over images; images that lack a region do not count.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.utils.data import Dataset

from handlib.data.batch import HandBatch, collate
from handlib.data.sample import HandSample
from handlib.evaluation.bootstrap import mean_interval
from handlib.evaluation.separation import roc_auc
from handlib.hands.skeleton import FINGER_JOINTS, FINGERS
from handlib.models.handoccnet import HandOccNet
from handlib.models.record import record
from handlib.viz import regions


@dataclass(frozen=True)
class MapScore:
    """A mean over images, its 95 % interval, and how many images it rests on."""

    mean: float
    low: float
    high: float
    images: int

    @classmethod
    def of(cls, values: Float[Tensor, " B"]) -> "MapScore":
        """NaN marks an image without the region in question."""
        low, high = mean_interval(values)
        return cls(values.nanmean().item(), low, high, int(values.isfinite().sum()))


@torch.inference_mode()
def map_scores(
    model: HandOccNet,
    data: Dataset[HandSample],
    images: int | None = None,
    batch_size: int = 50,
) -> dict[str, MapScore]:
    """What the maps that `model` has say on the first `images` samples; FIT's first block.

    necessity: ROC-AUC of M for tokens of the visible hand against all others.
    gate.A: ROC-AUC of head A's C_sig for queries on the hidden hand against the background.
    mass.REGION, kept.REGION: what queries on a region give to keys on the visible hand, mean over
    the heads: in C_soft (a row sums to 1), and in C = C_soft ⊗ C_sig.
    own_finger.fit, own_finger.set: of what a hidden fingertip's query gives to visible fingers,
    the share that its own finger gets; own_finger.area: the same for a flat row.
    """
    size = len(data)  # type: ignore[arg-type]  # torch's Dataset does not say that it is sized
    count = size if images is None else min(images, size)
    model.eval()
    found: dict[str, list[Tensor]] = {}
    for first in range(0, count, batch_size):
        samples = [data[i] for i in range(first, min(first + batch_size, count))]
        batch = collate(samples)
        parts = torch.stack([sample.masks.parts for sample in samples if sample.masks])
        with record(model) as maps:
            model(batch.image.to(next(model.parameters()).device))
        maps = {name: value.cpu() for name, value in maps.items()}
        for name, values in _batch_scores(maps, batch, parts):
            found.setdefault(name, []).append(values)
    return {name: MapScore.of(torch.cat(values)) for name, values in found.items()}


def _batch_scores(
    maps: dict[str, Tensor], batch: HandBatch, parts: Tensor
) -> Iterator[tuple[str, Float[Tensor, " B"]]]:
    assert batch.visible is not None and batch.amodal is not None
    side = maps["features"].shape[-1]
    where = regions.token_regions(batch.visible, batch.amodal, side)
    visible, hidden, background = (where[name] for name in regions.REGIONS)
    if "necessity" in maps:
        yield "necessity", _aucs(maps["necessity"].flatten(1), visible, ~visible)
    soft = maps.get("fit.0.softmax")  # B A N M
    gate = maps.get("fit.0.gate")  # B A N 1
    if gate is not None:
        for head in range(gate.shape[1]):
            yield f"gate.{head}", _aucs(gate[:, head, :, 0], hidden, background)
    if soft is not None:
        mass = torch.einsum("bhnm,bm->bhn", soft, visible.to(soft.dtype))
        kept = mass if gate is None else mass * gate[..., 0]
        for name, here in where.items():
            yield f"mass.{name}", regions.mean_over(mass.mean(1), here)
            yield f"kept.{name}", regions.mean_over(kept.mean(1), here)
    fingers = regions.finger_shares(parts * batch.visible, side)  # B 5 M
    area = fingers.sum(2)  # B finger
    tips, token = _hidden_tips(batch, hidden, side)
    tips = tips & (area > 0)  # a finger that is nowhere seen cannot be asked
    yield "own_finger.area", _own_share(area[:, None].expand(-1, 5, -1), tips)
    for name in ("fit", "set"):
        rows = maps.get(f"{name}.0.softmax")
        if rows is not None:
            asked = rows.mean(1).gather(1, token[..., None].expand(-1, -1, rows.shape[-1]))
            given = torch.einsum("btm,bkm->btk", asked, fingers.to(rows.dtype))  # B tip finger
            yield f"own_finger.{name}", _own_share(given, tips)


def _aucs(
    scores: Float[Tensor, "B N"], positive: Bool[Tensor, "B N"], negative: Bool[Tensor, "B N"]
) -> Float[Tensor, " B"]:
    judged = positive | negative
    images = zip(scores, positive, judged, strict=True)
    return torch.tensor([roc_auc(s[j], p[j]) for s, p, j in images])


def _hidden_tips(
    batch: HandBatch, hidden: Bool[Tensor, "B N"], side: int
) -> tuple[Bool[Tensor, "B 5"], Tensor]:
    """Which fingertips lie on a token of the hidden hand, and on which token each lies."""
    assert batch.joints_px is not None
    cell_size = batch.image.shape[-1] / side
    tips = batch.joints_px[:, [FINGER_JOINTS[finger][-1] for finger in FINGERS]]
    cell = ((tips + 0.5) / cell_size).floor().long()
    inside = ((cell >= 0) & (cell < side)).all(2)
    token = (side * cell[..., 1] + cell[..., 0]).where(inside, 0)
    return hidden.gather(1, token) & inside, token


def _own_share(given: Float[Tensor, "B 5 5"], tips: Bool[Tensor, "B 5"]) -> Float[Tensor, " B"]:
    """Own finger's part of what each tip (row) gives to all (columns), mean over `tips`."""
    share = given.diagonal(dim1=1, dim2=2) / given.sum(2)
    return torch.where(tips, share, torch.nan).nanmean(1)
