"""Can a motion discriminator tell recorded motion from other motion? ROC-AUC over windows."""

import torch
from torch import Generator, Tensor, nn
from torch.utils.data import DataLoader

from handlib.data.sample import needed
from handlib.data.windows import Windows
from handlib.evaluation.broken_motion import jittered, shuffled
from handlib.evaluation.separation import roc_auc
from handlib.hands.rotations import axis_angle_to_rotmat
from handlib.models.deformer import Deformer
from handlib.models.discriminator import motion_input
from handlib.training.cached_frames import CachedFrames, collate_seen
from handlib.training.evaluate import evaluating, predict_windows


@torch.inference_mode()
def judge_scores(
    judge: nn.Module, model: Deformer, data: Windows | CachedFrames, batch_size: int = 64
) -> dict[str, float]:
    """ROC-AUC of true windows against three others; 0.5 is chance.

    predicted: what `model` makes of the same windows; frame by frame, before fusion, as in
    training. jittered: the truth with normal noise of 0.1 radians. shuffled: the truth with its
    frames in another order. The noise and the orders are the same at every call.

    Args:
        data: windows, or the frames that `model` itself has seen of them.
    """
    frames = data if isinstance(data, CachedFrames) else CachedFrames(model, data)
    loader = DataLoader(frames, batch_size, collate_fn=collate_seen, generator=Generator())
    noise = Generator().manual_seed(0)
    judged: dict[str, list[Tensor]] = {}
    with evaluating(judge), evaluating(model) as device:
        for batch in loader:
            true = motion_input(axis_angle_to_rotmat(needed(batch.pose, "pose")), batch.left)
            predicted = predict_windows(model, batch.to(device)).pose.cpu()
            motions = {
                "true": true,
                "predicted": motion_input(predicted, batch.left),
                "jittered": jittered(true, noise),
                "shuffled": shuffled(true, noise),
            }
            for name, motion in motions.items():
                judged.setdefault(name, []).append(judge(motion)[:, 0])
    scores = {name: torch.cat(values) for name, values in judged.items()}
    true = scores.pop("true")
    positive = torch.arange(2 * len(true)) < len(true)
    return {name: roc_auc(torch.cat([true, other]), positive) for name, other in scores.items()}
