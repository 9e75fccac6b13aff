"""One finished image as bytes in the cache: image, labels and masks in a NumPy record."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from handlib.data.camera import project
from handlib.data.sample import HandMasks, HandSample
from handlib.data.synthetic.stills import Still

_VISIBLE = 0x80  # bit of the label byte; the others hold the part


def layout(size: int) -> np.dtype:
    """One record of an image of `size` pixels."""
    return np.dtype(
        [
            ("image", np.uint8, (3, size, size)),
            ("labels", np.uint8, (size, size)),
            ("intrinsics", np.float32, (3, 3)),
            ("pose", np.float32, (16, 3)),
            ("betas", np.float32, (10,)),
            ("translation", np.float32, (3,)),
            ("joints", np.float32, (21, 3)),
            ("occlusion", np.float32),
            ("identity", "S16"),
        ]
    )


def pack(still: Still, size: int) -> np.ndarray:
    """A finished image as a record."""
    record = np.zeros((), layout(size))
    record["image"] = still.image.transpose(2, 0, 1)
    record["labels"] = still.picture.parts | (_VISIBLE * still.picture.visible.astype(np.uint8))
    for name in ("intrinsics", "pose", "translation", "joints"):
        record[name] = getattr(still.posed, name)
    record["betas"] = still.posed.betas.numpy()
    record["occlusion"], record["identity"] = still.occlusion, still.identity.encode()
    return record


def unpack(record: Any) -> HandSample:
    """A record as what the data sets return."""

    def tensor(name: str) -> Tensor:
        return torch.from_numpy(np.array(record[name]))

    labels, intrinsics, joints = tensor("labels"), tensor("intrinsics"), tensor("joints")
    parts = labels & (_VISIBLE - 1)
    return HandSample(
        # In NumPy: torch would wake its threads for so little, and wait for them.
        image=torch.from_numpy(record["image"] * np.float32(1 / 255)),
        intrinsics=intrinsics,
        pose=tensor("pose"),
        betas=tensor("betas"),
        translation=tensor("translation"),
        joints=joints,
        joints_px=project(joints, intrinsics),
        masks=HandMasks(visible=labels >= _VISIBLE, amodal=parts > 0, parts=parts),
        occlusion=float(record["occlusion"]),
        side="right",
        identity=record["identity"].item().decode(),
    )
