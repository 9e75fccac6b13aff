"""Each frame of a video seen once: features of frozen layers, kept for all windows and all steps.

Seven frames a window, and each frame in seven windows: a network whose frame-wise part no longer
learns would compute the same vectors again and again. With them at hand a step of the part that
joins the frames costs little more than the hand model.
"""

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset
from tqdm.auto import tqdm

from handlib.data.batch import HandBatch, collate
from handlib.data.sample import needed
from handlib.data.sequence_batch import SequenceBatch, collate_windows, fold
from handlib.data.windows import Windows
from handlib.models.deformer import Deformer, SequencePrediction
from handlib.models.heatmap import JOINTS
from handlib.models.spatial import FrameFeatures

_PIXELS = ("image", "visible", "amodal")


@dataclass(frozen=True)
class CachedBatch(SequenceBatch):
    """A `SequenceBatch` with F⁺ and the image joints of every frame, and without the pixels.

    `image` has its shape alone, which takes no memory; there are no masks.
    """

    feature: Float[Tensor, "B T C"] | None = None
    joints_img: Float[Tensor, "B T 21 2"] | None = None

    def flat(self) -> HandBatch:
        """Refused: what is augmented has to be seen anew."""
        raise ValueError("cached frames cannot be augmented: train with AugmentationConfig.none()")


class CachedFrames(Dataset[Any]):
    """The windows of `data`, as `model` sees their frames now; they are fetched in batches.

    Any Deformer with the same frame-wise layers, as after `take_frames`, may learn from them
    with `frozen="frames"`.

    Raises:
        ValueError: `model` still learns from single frames.
    """

    def __init__(self, model: Deformer, data: Windows, batch_size: int = 64) -> None:
        require_frozen(model)
        windows = _frames(data)
        self._seen = np.unique(windows)
        self._arrange(windows, data.runs())
        images: Any = data.dataset
        parts = list(_see(model, Subset(images, self._seen.tolist()), batch_size))
        self.table = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}

    def arranged(self, data: Windows) -> "CachedFrames":
        """Other windows over the same frames, of another length or gap; nothing is seen again.

        Raises:
            ValueError: a window has a frame that was not seen.
        """
        windows = _frames(data)
        unseen = np.setdiff1d(windows, self._seen)
        if len(unseen):
            raise ValueError(
                f"data: expected windows over the {len(self._seen)} cached frames, found frame "
                f"{unseen[0]}; make CachedFrames(model, data) anew"
            )
        other = copy(self)
        other._arrange(windows, data.runs())
        return other

    def _arrange(self, windows: np.ndarray, runs: list[range]) -> None:
        self.rows = torch.from_numpy(np.searchsorted(self._seen, windows))
        self._runs = runs

    def __len__(self) -> int:
        return len(self.rows)

    def runs(self) -> list[range]:
        """As `Windows.runs`."""
        return self._runs

    def __getitem__(self, index: int) -> CachedBatch:
        return self.batch([index])

    def __getitems__(self, indices: Sequence[int]) -> CachedBatch:
        """What a DataLoader asks for, all at once."""
        return self.batch(indices)

    def batch(self, indices: Sequence[int]) -> CachedBatch:
        """Several windows, stacked."""
        rows = self.rows[list(indices)]
        tensors = {name: values[rows] for name, values in self.table.items()}
        left, (height, width) = tensors.pop("left")[:, 0], tensors.pop("size")[0, 0].tolist()
        return CachedBatch(
            image=torch.zeros(()).expand(*rows.shape, 3, height, width),
            left=left,
            side=tuple("left" if is_left else "right" for is_left in left),
            **tensors,
        )


def _frames(data: Windows) -> np.ndarray:
    """The frames of every window, a row each."""
    return np.array([data.frames(index) for index in range(len(data))])


def collate_seen(items: Any) -> SequenceBatch:
    """`collate_windows`, or the batch that `CachedFrames` has made already."""
    return items if isinstance(items, CachedBatch) else collate_windows(items)


def predict_seen(
    model: Any, batch: CachedBatch, left: Bool[Tensor, " B"] | None
) -> SequencePrediction:
    """What `model` makes of features that it need not compute.

    Raises:
        ValueError: `model` learns from single frames, or is one of several processes' copies.
    """
    if not isinstance(model, Deformer):
        raise ValueError("cached frames: expected one process, found a network shared by several")
    require_frozen(model)
    feature, joints_img = needed(batch.feature, "feature"), needed(batch.joints_img, "joints_img")
    frames = feature.flatten(0, 1)
    no_maps = frames.new_zeros(len(frames), JOINTS, 0, 0)  # heatmaps: neither kept nor learned
    features = FrameFeatures(frames, joints_img.flatten(0, 1), no_maps)
    return model.predict(features, len(feature), left, batch.occlusion)


def require_frozen(model: Deformer) -> None:
    """Raise a ValueError if single frames are still learned from."""
    if model.config.frozen != "frames":
        raise ValueError(
            f"frozen: expected 'frames' to train on cached frames, found {model.config.frozen!r}; "
            "features would no longer be those of the network"
        )


@torch.inference_mode()
def _see(model: Deformer, frames: Subset[Any], batch_size: int) -> Iterator[dict[str, Tensor]]:
    """Features and labels of every frame, without its pixels."""
    training, device = model.training, next(model.parameters()).device
    model.eval()
    loader = DataLoader(frames, batch_size, collate_fn=collate, generator=torch.Generator())
    for batch in tqdm(loader, desc="frames", unit=" batches", mininterval=0.5):
        frame = fold(batch, 1)
        seen = model.frame_features(frame.image[:, 0].to(device), frame.boxes[:, 0].to(device))
        labels = {
            field.name: value[:, 0] if value.ndim > 1 else value
            for field in fields(frame)
            if isinstance(value := getattr(frame, field.name), Tensor)
            and field.name not in _PIXELS
        }
        size = torch.tensor(frame.image.shape[-2:]).expand(len(frame), 2)
        features = {"feature": seen.feature.cpu(), "joints_img": seen.joints_img.cpu()}
        yield labels | features | {"size": size}
    model.train(training)
