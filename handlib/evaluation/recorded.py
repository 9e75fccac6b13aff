"""A network on a recorded data set: its hands beside the true ones, and the set's own scores."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.data import DataLoader, Subset

from handlib.data import HO3D, DexYCB, Windows, collate, collate_windows
from handlib.data.batch import HandBatch
from handlib.data.files import DataFileError
from handlib.data.ho3d_index import evaluation_vertices
from handlib.data.recorded import RecordedSet
from handlib.data.sequence_batch import SequenceBatch
from handlib.evaluation.dexycb_protocol import dexycb_scores
from handlib.evaluation.fpha_protocol import fpha_scores
from handlib.evaluation.ho3d_protocol import ho3d_scores
from handlib.hands.hand_pair import HandPair
from handlib.hands.skeleton import COMMON_TO_HO3D
from handlib.models.deformer import Deformer
from handlib.training.evaluate import evaluating, predict_windows
from handlib.training.run import Network

_MIRROR = torch.tensor([-1.0, 1.0, 1.0])


@dataclass(frozen=True)
class RecordedHands:
    """Predicted and true hands of N frames: metres, the camera's OpenCV frame, common order.

    Networks leave out where the hand is, so predictions stand at the true wrist, as the authors
    of HandOccNet submit them. Left hands that were shown as right ones are left ones again.

    frames: places in the data set; DexYCB's image_ids. names: the same in the set's own terms.
    vertices: of HO-3D only. gt_*, occlusion: None where the set does not know them.
    """

    frames: tuple[int, ...]
    names: tuple[str, ...]
    joints: Float[Tensor, "N 21 3"]
    vertices: Float[Tensor, "N V 3"] | None
    gt_joints: Float[Tensor, "N 21 3"] | None
    gt_vertices: Float[Tensor, "N V 3"] | None
    occlusion: Float[Tensor, " N"] | None


def frames_of(data: Any) -> tuple[RecordedSet, list[int]]:
    """The recorded set behind subsets and windows of it, and which of its frames they predict."""
    chosen = list(range(len(data)))
    while not isinstance(data, RecordedSet):
        if not isinstance(data, Windows | Subset):
            raise TypeError(f"data: expected recorded frames, found {type(data).__name__}")
        inner = data.centres if isinstance(data, Windows) else data.indices
        chosen = [int(inner[index]) for index in chosen]
        data = data.dataset
    return data, chosen


@torch.inference_mode()
def predict_recorded(model: Network, data: Any, batch_size: int = 32) -> RecordedHands:
    """Predict every frame of `data`: frames of a recorded set, or windows for a Deformer.

    Raises:
        DataFileError: a frame cannot be read; a stand-in is never predicted in its place.
    """
    source, frames = frames_of(data)
    joints, vertices, truth = zip(*_batches(model, data, batch_size), strict=True)
    _refuse_stand_ins(source, frames)
    known = truth[0] is not None
    sign = torch.where(torch.tensor([source.mirrors(k) for k in frames])[:, None], _MIRROR, 1.0)
    points = torch.cat(joints) * sign[:, None]
    gt = torch.cat(truth) * sign[:, None] if known else None
    wrists = _wrists(source, frames) if gt is None else gt[:, 0]
    shift = (wrists - points[:, 0])[:, None]
    of_ho3d = isinstance(source, HO3D)
    return RecordedHands(
        tuple(frames),
        tuple(source.name(k) for k in frames),
        points + shift,
        torch.cat(vertices) * sign[:, None] + shift if of_ho3d else None,
        gt,
        _true_vertices(source, frames),
        torch.tensor([source.occlusion(k) for k in frames]) if source.hands else None,
    )


def official_scores(source: RecordedSet, hands: RecordedHands) -> dict[str, float]:
    """The numbers that the data set's own evaluation reports, under its names and in its units.

    Raises:
        ValueError: the true joints are not known.
    """
    if hands.gt_joints is None:
        raise ValueError("gt_joints: expected the true joints, found None; there is no score")
    if isinstance(source, HO3D):
        columns = list(COMMON_TO_HO3D)
        gt, joints = hands.gt_joints[:, columns], hands.joints[:, columns]
        return ho3d_scores(gt, joints, hands.gt_vertices, hands.vertices)
    if isinstance(source, DexYCB):
        honest = dexycb_scores(hands.gt_joints, hands.joints, reflection=False)
        return dexycb_scores(hands.gt_joints, hands.joints) | {
            f"{name}_without_mirroring": honest[name]
            for name in ("procrustes_mpjpe", "procrustes_auc")
        }
    return fpha_scores(hands.gt_joints, hands.joints)


def recording(source: RecordedSet, name: str) -> str:
    """What a frame is part of, seen by whichever camera: frames of one resemble each other."""
    if isinstance(source, DexYCB):
        return name.rsplit("/", 2)[0]
    sequence = name.rsplit("/", 1)[0]
    return sequence[:-1] if isinstance(source, HO3D) else sequence  # its last digit: the camera


def both_sides(model: Network, pair: HandPair) -> None:
    """Let a Deformer, which reads left hands as they are, move hands of both sides."""
    if isinstance(model, Deformer):
        device = next(model.parameters()).device
        model.hand = pair.to(device)


def _batches(
    model: Network, data: Any, batch_size: int
) -> Iterator[tuple[Tensor, Tensor, Tensor | None]]:
    """Predicted joints, vertices and true joints."""
    stack: Any = collate_windows if isinstance(data, Windows) else collate
    loader = DataLoader(data, batch_size, collate_fn=stack, generator=torch.Generator())
    with evaluating(model) as device:
        for batch in loader:
            joints, vertices = _hands(model, batch.to(device))
            truth = batch.joints
            if isinstance(batch, SequenceBatch) and truth is not None:
                truth = truth[:, truth.shape[1] // 2]
            yield joints.float().cpu(), vertices.float().cpu(), truth


def _refuse_stand_ins(source: RecordedSet, frames: list[int]) -> None:
    """All frames have been read by now, so this reads nothing."""
    broken = [k for k in frames if not source.readable(k)]
    if broken:
        raise DataFileError(
            f"{source.name(broken[0])}: expected frames that can be read, found "
            f"{len(broken):,} of {len(frames):,} that cannot. Scores are of the frames "
            "themselves: choose those for which dataset.readable(index), or mend the files, which "
            f"`handlib data check {source.root}` names."
        )


def _hands(model: Network, batch: HandBatch | SequenceBatch) -> tuple[Tensor, Tensor]:
    """Joints and vertices; of a window those of the frame in the middle."""
    if isinstance(batch, HandBatch):
        single = model(batch.image)
        return single.joints, single.vertices
    fused = predict_windows(model, batch)
    joints, vertices = fused.fused_joints, fused.fused_vertices
    if joints.ndim == 4:  # with `fuse_every`
        middle = joints.shape[1] // 2
        return joints[:, middle], vertices[:, middle]
    return joints, vertices


def _wrists(source: RecordedSet, frames: list[int]) -> Float[Tensor, "N 3"]:
    """HO-3D gives the wrist away where it keeps the other joints to itself."""
    if not isinstance(source, HO3D):
        raise ValueError(f"{source.name(frames[0])}: expected labelled frames, found no joints")
    return torch.stack([source.wrist(k) for k in frames])


def _true_vertices(source: RecordedSet, frames: list[int]) -> Float[Tensor, "N V 3"] | None:
    if not isinstance(source, HO3D) or source.split == "train":
        return None
    vertices = evaluation_vertices(source.root, len(source))
    return None if vertices is None else torch.from_numpy(vertices[np.array(frames)])
