"""HO-3D v2 and v3: Hampali et al., "HOnnotate", CVPR 2020. Right hands that hold YCB objects."""

import hashlib
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32
from torch import Tensor

from handlib.data.camera import project
from handlib.data.depth import read_ho3d_depth
from handlib.data.files import DataFileError, array_of, one_of, read_annotation, read_image
from handlib.data.ho3d_files import SUFFIXES, HO3DFiles
from handlib.data.ho3d_index import OPENGL, SPLITS, is_annotated, open_ho3d_index
from handlib.data.index import Index
from handlib.data.readable import settled
from handlib.data.recorded import Mano, RecordedSet, hands_of
from handlib.data.recorded_frame import RecordedFrame
from handlib.hands.rotations import axis_angle_to_rotmat, rotmat_to_axis_angle
from handlib.hands.skeleton import HO3D_TO_COMMON

SIZE = (640, 480)
"""Width and height of the images, for which the intrinsics are."""

_KEYS = (
    *("camMat", "handPose", "handTrans", "handBeta", "handJoints3D"),
    *("handBoundingBox", "objCorners3D"),
)


class HO3D(RecordedSet):
    """The frames of HO-3D's own lists, as `HandSample`s of a right hand.

    Labels come from the released annotation alone: poses are full angles, fingertips are those of
    `load_hand(..., fingertips="ho3d")`. Training frames have all labels. Evaluation frames stand
    in the order of the list, that of a submission; they know a box, the object and the wrist
    (`wrist`), and joints only if `evaluation_xyz.json` lies in the root. Training frames are
    sorted by sequence and number; a number that is missing from the list ends a sequence's range.

    split: "train" or "evaluation". version: "v2" or "v3".
    root: the folder with train.txt and evaluation.txt. crop: "handoccnet" (256 pixels),
    "deformer" (512, with the object) or None for whole images. resolution: of the crop, in place
    of the paper's. mano: file or folder of MANO's models, which only masks need. masks: draw
    `masks` and compute `occlusion`; this also needs HO-3D's rendered segmentations, in the root
    or beside it. on_error: what `dataset[index]` does about a frame that cannot be read
    (`SkippingSet`); lists and the truth of the evaluation are files that it is not about.

    Raises:
        ValueError: an unknown split, version, crop or on_error.
        FileNotFoundError: no list of frames, or no annotation of a whole sequence.
        DataFileError: a list or an annotation that cannot be read.
    """

    thing_margin = 1.5

    def __init__(
        self,
        root: str | PathLike[str],
        split: str,
        version: str = "v2",
        crop: str | None = "handoccnet",
        resolution: int | None = None,
        mano: Mano = None,
        masks: bool = False,
        on_error: str = "raise",
    ) -> None:
        one_of("split", split, SPLITS)
        one_of("version", version, tuple(SUFFIXES))
        super().__init__(crop, resolution, hands_of(mano, ["right"], "ho3d"), masks, on_error)
        self.root, self.split, self.version = Path(root), split, version
        self.files = HO3DFiles(self.root, split, version)
        self._index = open_ho3d_index(self.root, split, version)
        self.valid = settled(self._index["valid"], self._index["unread"], self._labelled, on_error)
        starts = self._index["start"].tolist()
        self.sequences = tuple(map(range, starts, [*starts[1:], len(self.valid)]))
        self._complete(self.root)

    def name(self, index: int) -> str:
        """Sequence and number, as in the list: "ABF10/0000"."""
        run = int(np.searchsorted(self._index["start"], index, side="right")) - 1
        number = self._index["first"][run] + index - self._index["start"][run]
        return f"{self._index['sequence'][run]}/{number:04d}"

    def frame(self, index: int) -> RecordedFrame:
        """The whole image with its labels, in OpenCV's frame."""
        name = self.name(index)
        labels = read_labels(self.files.annotation(name))
        if "joints" in self._index:
            labels["joints"] = torch.from_numpy(np.array(self._index["joints"][index]))
        return RecordedFrame(image=read_image(self.files.image(name), size=SIZE), **labels)

    def wrist(self, index: int) -> Float[Tensor, "3"]:
        """Where the wrist is, metres: the one joint that evaluation frames give away."""
        return read_wrist(self.files.annotation(self.name(self._checked(index))))

    def depth(self, index: int) -> Float32[np.ndarray, "H W"]:
        """The whole image's depth in metres, 0 where unknown."""
        return read_ho3d_depth(self.files.depth(self.name(self._checked(index))))

    def visible_hand(self, index: int) -> Bool[np.ndarray, "h w"]:
        """Red pixels of the rendered segmentation, a quarter of the image's width."""
        pixels = np.asarray(read_image(self.files.segmentation(self.name(index))))
        red, green, blue = np.moveaxis(pixels, -1, 0)
        return (red > 127) & (green < 128) & (blue < 128)  # JPEG blurs the colours

    def _labelled(self, index: int) -> bool:
        return is_annotated(self.files.annotation(self.name(index)))

    def _place(self, index: int) -> tuple[Index, int, int]:
        return self._index, len(self), index


def read_labels(path: Path) -> dict[str, Any]:
    """The fields of a `RecordedFrame` that an annotation gives, in OpenCV's frame.

    Raises:
        FileNotFoundError, DataFileError: there is none, or it cannot be read.
    """
    meta = read_annotation(path, _KEYS)
    if not {"handPose", "handBoundingBox"} & meta.keys() or "objCorners3D" not in meta:
        raise DataFileError(
            f"{path}: expected objCorners3D, and handPose of a training frame or handBoundingBox "
            f"of an evaluation frame; found {', '.join(meta) or 'none of its keys'}. "
            "Unpack the data set's archive again."
        )
    intrinsics = _tensor(array_of(meta, "camMat", (3, 3), path))
    hand = _hand(meta, path) if meta.get("handPose") is not None else {}
    return hand | {
        "intrinsics": intrinsics,
        "box": _corners(meta, "handBoundingBox", path),
        "thing": _object_outline(meta, intrinsics, path),
    }


def read_wrist(path: Path) -> Float[Tensor, "3"]:
    """Where an annotation has the wrist, metres, in OpenCV's frame."""
    meta = read_annotation(path, ["handJoints3D"])
    joints = np.asarray(meta.get("handJoints3D"), object)
    shape = (3,) if joints.size == 3 else (21, 3)
    return OPENGL @ _tensor(array_of(meta, "handJoints3D", shape, path)).view(-1, 3)[0]


def _hand(meta: dict[str, Any], path: Path) -> dict[str, Any]:
    """Labels of the hand out of an annotation, from OpenGL's camera frame into OpenCV's.

    The model turns about J0(β), not about its origin: x ↦ R (x - J0) + J0 + t. Turning the camera
    by F makes R' = F R, and t' = F (J0 + t) - J0, where J0 + t is the wrist that was annotated.
    """
    angles = _tensor(array_of(meta, "handPose", (48,), path)).view(16, 3)
    joints = _tensor(array_of(meta, "handJoints3D", (21, 3), path))[list(HO3D_TO_COMMON)]
    translation = _tensor(array_of(meta, "handTrans", (3,), path, reshape=True))
    betas = array_of(meta, "handBeta", (10,), path, reshape=True)
    root = rotmat_to_axis_angle(OPENGL @ axis_angle_to_rotmat(angles[:1]))
    rest_wrist = joints[0] - translation
    return {
        "pose": torch.cat([root, angles[1:]]),
        "betas": _tensor(betas),
        "translation": OPENGL @ joints[0] - rest_wrist,
        "joints": joints @ OPENGL,
        # Nobody is named in the annotation, but a person's betas are the same throughout.
        "identity": hashlib.sha256(betas.astype("<f4").tobytes()).hexdigest()[:8],
    }


def _object_outline(
    meta: dict[str, Any], intrinsics: Float[Tensor, "3 3"], path: Path
) -> Float[Tensor, "8 2"] | None:
    """Corners of the object's box in space. (Deformer projects all points of its mesh.)"""
    if meta.get("objCorners3D") is None:
        return None
    corners = _tensor(array_of(meta, "objCorners3D", (8, 3), path))
    return project(corners @ OPENGL, intrinsics)


def _corners(meta: dict[str, Any], key: str, path: Path) -> Float[Tensor, "2 2"] | None:
    """x1, y1, x2, y2 as two points."""
    if meta.get(key) is None:
        return None
    return _tensor(array_of(meta, key, (4,), path, reshape=True)).view(2, 2)


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(array.astype(np.float32))
