"""DexYCB: Chao et al., CVPR 2021. Both hands grasp YCB objects, seen by eight cameras at once."""

from collections.abc import Iterable
from os import PathLike
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32
from torch import Tensor

from handlib.data.camera import project
from handlib.data.depth import read_millimetre_depth
from handlib.data.dexycb_files import (
    HAND,
    SIZE,
    DexYCBFiles,
    hull,
    intrinsics_of,
    read_labels,
    read_segments,
)
from handlib.data.dexycb_index import (
    ADVICE,
    SERIALS,
    SETUPS,
    SPLITS,
    SUBJECTS,
    belongs,
    is_labelled,
    open_subject,
)
from handlib.data.files import existing, one_of, read_image
from handlib.data.index import Index
from handlib.data.readable import settled
from handlib.data.recorded import Mano, RecordedSet, hands_of
from handlib.data.recorded_frame import RecordedFrame, mirrored


class DexYCB(RecordedSet):
    """The frames of one official split, as `HandSample`s of right and left hands.

    In the toolkit's order, by subject, sequence, camera and frame, those without labels included:
    an index is the toolkit's image_id. `valid_frames` and `windows` leave them out.

    Labels are already in OpenCV's frame, joints in the common order, fingertips those of
    `load_hand(..., fingertips="manopth")`. Poses are stored as 45 coefficients, which become
    angles by MANO's own mean and components: without `mano`, pose, betas and translation are
    None. A left hand was annotated with the left file as MANO's authors ship it (the sign of its
    first shape direction not mended) and with the right hand's betas, so it is read like that.

    root: the folder with the subjects and calibration. setup: "s0" (seen subjects and objects),
    "s1" (unseen subjects), "s2" (unseen views), "s3" (unseen objects). split: "train", "val" or
    "test". crop: "handoccnet" (256 pixels), "deformer" (512, with the grasped object, which needs
    models/) or None for whole images. resolution: of the crop, in place of the paper's. mano:
    folder with MANO_RIGHT.pkl and MANO_LEFT.pkl, or a `HandPair`. masks: draw `masks` and compute
    `occlusion`. mirror_left: turn left hands into right ones, as HandOccNet's released code does
    (`recorded_frame.mirrored`; `depth` stays as recorded). partial: take what is there of an
    incomplete copy, which makes other splits than the official ones. on_error: what
    `dataset[index]` does about a frame that cannot be read (`SkippingSet`); calibration, models
    and each meta.yml are files that it is not about.

    Raises:
        ValueError: an unknown setup, split, crop or on_error.
        FileNotFoundError: a subject, a calibration or one of MANO's files is missing.
        DataFileError: a file that cannot be read, or sequences that are missing.
    """

    def __init__(
        self,
        root: str | PathLike[str],
        setup: str,
        split: str,
        crop: str | None = "handoccnet",
        resolution: int | None = None,
        mano: Mano = None,
        masks: bool = False,
        mirror_left: bool = False,
        partial: bool = False,
        on_error: str = "raise",
    ) -> None:
        one_of("setup", setup, SETUPS)
        one_of("split", split, SPLITS)
        self.root, self.setup, self.split = Path(root), setup, split
        self.files = DexYCBFiles(self.root)
        self._subjects: dict[int, Index] = {}
        self._clips = np.array(list(self._select(partial)), int).reshape(-1, 3)
        self.mirror_left = mirror_left
        sides = self._sides() | ({"right"} if mirror_left else set())
        super().__init__(crop, resolution, hands_of(mano, sides, "manopth"), masks, on_error)
        counts = [int(self._subjects[s]["frames"][row]) for s, row, _ in self._clips]
        self._start = np.concatenate([[0], np.cumsum(counts, dtype=int)])
        self.sequences = tuple(map(range, self._start[:-1].tolist(), self._start[1:].tolist()))
        labelled = [self._labelled(*clip) for clip in self._clips.tolist()]
        self.valid = np.concatenate([np.zeros(0, bool), *labelled])
        self._complete(self.root)
        if on_error == "skip":
            self._read_shared()

    def name(self, index: int) -> str:
        """Subject, sequence, camera and frame, as folders and files are called."""
        subject, row, camera, frame = self._locate(index)
        sequence = self._subjects[subject]["name"][row]
        return f"{SUBJECTS[subject]}/{sequence}/{SERIALS[camera]}/{frame:06d}"

    def frame(self, index: int) -> RecordedFrame:
        """The whole image with its labels."""
        subject, row, camera, _ = self._locate(index)
        recorded, name = self._subjects[subject], self.name(index)
        labels = read_labels(self.files.labels(name), int(recorded["grasped"][row]))
        side, intrinsics = str(recorded["side"][row]), intrinsics_of(self.root, SERIALS[camera])
        pose, joints, translation, betas = None, None, None, None
        if self.valid[index]:
            joints = _tensor(labels["joint_3d"][0])
        if self.valid[index] and self.hands:
            numbers = _tensor(labels["pose_m"][0])
            angles = self.hands[side].pose_from_pca(numbers[None, 3:48], flat_hand_mean=False)
            pose, translation = torch.cat([numbers[None, :3], angles[0]]), numbers[48:]
            betas = _tensor(recorded["betas"][row])
        thing = None
        if self.preset and self.preset.with_object:
            placed = _tensor(labels["grasped"])
            thing = _outline(self.root, int(recorded["ycb"][row]), placed, intrinsics)
        frame = RecordedFrame(
            image=read_image(self.files.image(name), size=SIZE),
            intrinsics=intrinsics,
            pose=pose,
            betas=betas,
            translation=translation,
            joints=joints,
            thing=thing,
            side=side,
            identity=SUBJECTS[subject].split("-", 1)[1],
        )
        return mirrored(frame, self.hands.get("right")) if self.mirrors(index) else frame

    def depth(self, index: int) -> Float32[np.ndarray, "H W"]:
        """The whole image's depth in metres, 0 where unknown."""
        index = self._checked(index)
        return read_millimetre_depth(self.files.depth(self.name(index)))

    def visible_hand(self, index: int) -> Bool[np.ndarray, "h w"]:
        """The hand in the segmentation of the whole image."""
        hand = read_segments(self.files.labels(self.name(index))) == HAND
        return hand[:, ::-1] if self.mirrors(index) else hand

    def mirrors(self, index: int) -> bool:
        """Whether this left hand is shown as a right one."""
        subject, row, _, _ = self._locate(index)
        return self.mirror_left and str(self._subjects[subject]["side"][row]) == "left"

    def _select(self, partial: bool) -> Iterable[tuple[int, int, int]]:
        """Subject, sequence and camera of every clip of the split."""
        found = False
        for subject in range(len(SUBJECTS)):
            if not any(self._wanted(subject, row, 0, any_camera=True) for row in range(100)):
                continue
            index = open_subject(self.root, subject, partial)
            if index is None:
                continue
            found, self._subjects[subject] = True, index
            for row, cameras in enumerate(index["cameras"]):
                for camera in np.flatnonzero(cameras).tolist():
                    if self._wanted(subject, row, camera):
                        yield subject, row, camera
        if not found:
            existing(self.root / SUBJECTS[0], "the recordings of a subject", ADVICE)

    def _wanted(self, subject: int, row: int, camera: int, any_camera: bool = False) -> bool:
        cameras = range(len(SERIALS)) if any_camera else (camera,)
        return any(belongs(self.setup, self.split, subject, row, one) for one in cameras)

    def _sides(self) -> set[str]:
        return {str(self._subjects[s]["side"][row]) for s, row, _ in self._clips}

    def _labelled(self, subject: int, row: int, camera: int) -> Bool[np.ndarray, " F"]:
        recorded = self._subjects[subject]
        start = int(recorded["start"][row, camera])
        stop = start + int(recorded["frames"][row])
        unread = recorded["unread"]
        unread = unread[(start <= unread) & (unread < stop)] - start
        folder = f"{SUBJECTS[subject]}/{recorded['name'][row]}/{SERIALS[camera]}"
        return settled(
            recorded["valid"][start:stop],
            unread,
            lambda frame: is_labelled(self.files.labels(f"{folder}/{frame:06d}")),
            self.on_error,
        )

    def _read_shared(self) -> None:
        """What many frames need: without it all of them would be skipped, one by one."""
        for camera in np.unique(self._clips[:, 2]).tolist():
            intrinsics_of(self.root, SERIALS[camera])
        if self.preset and self.preset.with_object:
            for ycb in {int(self._subjects[s]["ycb"][row]) for s, row, _ in self._clips}:
                hull(self.root, ycb)

    def _locate(self, index: int) -> tuple[int, int, int, int]:
        """Subject, sequence and camera as numbers, and the frame."""
        clip = int(np.searchsorted(self._start, index, side="right")) - 1
        subject, row, camera = self._clips[clip].tolist()
        return subject, row, camera, index - int(self._start[clip])

    def _place(self, index: int) -> tuple[Index, int, int]:
        subject, row, camera, frame = self._locate(index)
        recorded = self._subjects[subject]
        return recorded, len(recorded["valid"]), int(recorded["start"][row, camera]) + frame


def _outline(
    root: Path, ycb: int, placed: Float[Tensor, "3 4"], intrinsics: Float[Tensor, "3 3"]
) -> Float[Tensor, "M 2"] | None:
    """The object's points in the image, as far as its box goes; None if it is not there."""
    if not placed.any():
        return None
    return project(hull(root, ycb) @ placed[:, :3].T + placed[:, 3], intrinsics)


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.array(array, np.float32))
