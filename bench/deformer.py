"""Deformer against its plain form: a window at paper size, and sliding over a clip.

The plain form is the tests' oracle with the same weights: frame after frame, attention in full.
Sliding is compared with the same network, window by window, at course size.
"""

from collections.abc import Callable
from functools import partial

import torch
from plain_deformer import PlainDeformer
from torch import Tensor

from handlib.data.windows import window_indices
from handlib.hands.hand_model import HandModel
from handlib.models import Deformer, DeformerConfig, fuse_for_inference
from handlib.models.official import load_official_state
from handlib.models.official_names import DEFORMER
from handlib.models.sliding import slide

FRAMES, SIZE = 7, 256
CLIP = 64
NAMES = ("joints_img", "confidence", "betas", "fused_pose")


def window(hand: HandModel) -> dict[str, Callable[[], dict[str, Tensor]]]:
    """One window of seven frames at 256 px: plain, as built, fused for inference."""
    plain = PlainDeformer(DeformerConfig.paper()).eval()
    ours = Deformer(DeformerConfig.paper(), hand)
    load_official_state(ours, plain.state_dict(), DEFORMER)
    frames = torch.rand(1, FRAMES, 3, SIZE, SIZE)
    boxes = torch.tensor([24.0, 16.0, 232.0, 248.0]).expand(1, FRAMES, 4)

    def run_plain() -> dict[str, Tensor]:
        outputs = plain(frames, boxes)
        vertices = hand(outputs["fused_pose"], outputs["betas"]).vertices
        hand(outputs["pose"].flatten(0, 1), outputs["betas"].expand(FRAMES, -1))
        return {name: outputs[name] for name in NAMES} | {"vertices": vertices}

    def run(model: Deformer) -> dict[str, Tensor]:
        prediction = model(frames, boxes)
        outputs = {name: getattr(prediction, name) for name in NAMES}
        return outputs | {"vertices": prediction.fused_vertices}

    return {
        "plain": run_plain,
        "as built": partial(run, ours.eval()),
        "fuse_for_inference": partial(run, fuse_for_inference(ours, SIZE)),
    }


def sliding(hand: HandModel) -> dict[str, Callable[[], dict[str, Tensor]]]:
    """Every frame of a clip, from the windows one by one and all at once."""
    model = Deformer(DeformerConfig.course(), hand).eval()
    frames = torch.rand(CLIP, 3, 128, 128)
    boxes = torch.tensor([20.0, 16.0, 110.0, 106.0]).expand(CLIP, 4)

    def one_by_one() -> dict[str, Tensor]:
        joints = []
        for centre in range(CLIP):
            index = list(window_indices(range(CLIP), None, centre, FRAMES, 2))
            joints.append(model(frames[index][None], boxes[index][None]).fused_joints)
        return {"joints": torch.cat(joints)}

    def together() -> dict[str, Tensor]:
        return {"joints": slide(model, frames, boxes, FRAMES, gap=2).fused_joints}

    return {"plain": one_by_one, "sliding": together}
