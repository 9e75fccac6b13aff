"""FPHA: Garcia-Hernando et al., CVPR 2018. Right hands in first-person videos, joints only."""

from os import PathLike
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float32

from handlib.data.depth import read_millimetre_depth
from handlib.data.files import one_of, read_image
from handlib.data.fpha_index import SETUPS, SPLITS, FPHAFiles, chosen, open_fpha_index
from handlib.data.index import Index
from handlib.data.recorded import RecordedSet
from handlib.data.recorded_frame import RecordedFrame
from handlib.hands.skeleton import FPHA_TO_COMMON

WIDTH = 1920  # of the images that the intrinsics are for
INTRINSICS = torch.tensor([[1395.749023, 0, 935.732544], [0, 1395.749268, 540.681030], [0, 0, 1]])
ROTATION = torch.tensor(
    [
        [0.999988496304, -0.00468848412856, 0.000982563360594],
        [0.00469115935266, 0.999985218048, -0.00273845880292],
        [-0.000969709653873, 0.00274303671904, 0.99999576807],
    ]
)
"""Depth camera, in whose frame the joints are annotated, to colour camera."""
TRANSLATION = torch.tensor([0.0257, 0.00122, 0.003902])


class FPHA(RecordedSet):
    """The frames of one part of FPHA, as `HandSample`s with joints and nothing else.

    Magnetic sensors on the hand gave the joints: they can be seen in the images, and there is no
    mesh, pose or mask. A network learns from it with the joints' losses alone.

    root: the folder with Video_files and Hand_pose_annotation_v1. split: "train" or "test".
    setup: what the split separates: "action" (the official list, 600 and 575 sequences),
    "subject" (1, 3, 4 to train) or "object". crop: "handoccnet" (256 pixels) or None for whole
    images; FPHA is none of Deformer's data sets. resolution: of the crop, in place of the paper's.
    Images may be smaller copies, in Video_files_480, which are taken where Video_files is not.
    on_error: what `dataset[index]` does about an image that cannot be read (`SkippingSet`); the
    skeletons of a whole sequence are a file that it is not about.

    Raises:
        ValueError: an unknown split, setup, crop or on_error.
        FileNotFoundError: no annotations, or no list of the official split.
        DataFileError: a file that cannot be read.
    """

    def __init__(
        self,
        root: str | PathLike[str],
        split: str,
        setup: str = "action",
        crop: str | None = "handoccnet",
        resolution: int | None = None,
        on_error: str = "raise",
    ) -> None:
        one_of("split", split, SPLITS)
        one_of("setup", setup, SETUPS)
        if crop == "deformer":
            raise ValueError("crop: expected handoccnet or None, found 'deformer', whose crop "
                             "holds the object, which few of FPHA's frames know")  # fmt: skip
        super().__init__(crop, resolution, {}, False, on_error)
        self.root, self.split, self.setup = Path(root), split, setup
        self.files = FPHAFiles(self.root)
        self._index = open_fpha_index(self.root)
        self._clips = np.array(chosen(self.root, self._index, setup, split), int)
        starts = self._index["start"]
        counts = (starts[1:] - starts[:-1])[self._clips]
        self._start = np.concatenate([[0], np.cumsum(counts)])
        self.sequences = tuple(map(range, self._start[:-1].tolist(), self._start[1:].tolist()))
        self.valid = np.ones(int(self._start[-1]), bool)
        self._complete(self.root)

    def name(self, index: int) -> str:
        """Subject, action, repetition and frame: "Subject_1/open_milk/2/0013"."""
        clip, frame = self._locate(index)
        return f"{self._index['name'][clip]}/{frame:04d}"

    def frame(self, index: int) -> RecordedFrame:
        """The whole image with its joints, in the colour camera's frame."""
        clip, frame = self._locate(index)
        image = read_image(self.files.image(self.name(index)))
        row = int(self._index["start"][clip]) + frame
        joints = torch.from_numpy(self._index["joints"][row][list(FPHA_TO_COMMON)])
        return RecordedFrame(
            image=image,
            intrinsics=_resized(image.width / WIDTH),
            joints=joints @ ROTATION.T + TRANSLATION,
            identity=self.name(index).split("/")[0],
        )

    def depth(self, index: int) -> Float32[np.ndarray, "H W"]:
        """The depth camera's image in metres, 0 where unknown; it is another camera's."""
        return read_millimetre_depth(self.files.depth(self.name(self._checked(index))))

    def visible_hand(self, index: int) -> Bool[np.ndarray, "h w"]:
        """Refused: nobody has segmented FPHA."""
        raise ValueError(f"{self.name(index)}: FPHA has no segmentation of the hand")

    def _locate(self, index: int) -> tuple[int, int]:
        """Number of the sequence in the index, and of the frame in the sequence."""
        clip = int(np.searchsorted(self._start, index, side="right")) - 1
        return int(self._clips[clip]), index - int(self._start[clip])

    def _place(self, index: int) -> tuple[Index, int, int]:
        clip, frame = self._locate(index)
        row = int(self._index["start"][clip]) + frame
        return self._index, len(self._index["joints"]), row


def _resized(scale: float) -> torch.Tensor:
    """The colour camera of smaller copies, resized edge to edge."""
    intrinsics = INTRINSICS * scale
    intrinsics[:2, 2] += (scale - 1) / 2
    intrinsics[2, 2] = 1
    return intrinsics
