"""What the recorded data sets share: a frame as the camera saw it becomes a `HandSample`."""

import hashlib
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import ClassVar, get_args

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from handlib.data.amodal import HiddenHand
from handlib.data.camera import SquareCrop, transform_pixels
from handlib.data.crops import crop_preset, cut_image, square_around, to_tensor
from handlib.data.files import DataFileError, one_of
from handlib.data.index import Index
from handlib.data.readable import ON_ERROR, SkippingSet
from handlib.data.recorded_frame import RecordedFrame
from handlib.data.sample import HandSample, needed
from handlib.data.synthetic.skin import hand_surface
from handlib.hands.hand_model import HandModel, load_hand
from handlib.hands.hand_pair import HandPair
from handlib.hands.skeleton import Side

Mano = str | PathLike[str] | HandPair | None
"""A file or folder of MANO's models, or both hands loaded already."""


class RecordedSet(SkippingSet):
    """Recorded frames, cut as a paper cuts them.

    `sequences` are ranges of consecutive frames by one camera, `valid` says which frames have
    labels to learn from: `windows` reads both, `valid_frames` leaves the other frames out.

    A subclass reads a frame (`frame`), names it (`name`), tells where the hand can be seen
    (`visible_hand`), and where a number about the frame may be kept (`_place`).
    """

    thing_margin: ClassVar[float] = 1.0
    """Deformer's factor for the object's box."""
    mirror_left: bool = False
    """Whether left hands are shown as right ones."""

    def __init__(
        self,
        crop: str | None,
        resolution: int | None,
        hands: Mapping[str, HandModel],
        masks: bool,
        on_error: str,
    ) -> None:
        one_of("on_error", on_error, ON_ERROR)
        self.on_error = on_error
        self.crop, self.preset = crop, crop_preset(crop, resolution)
        self.hands, self.masks = dict(hands), masks
        if masks:
            self._check_hands("masks=True")

    def _read(self, index: int) -> HandSample:
        frame = self.frame(index)
        affine, resolution = torch.eye(3), None
        if self.preset:
            resolution = self.preset.resolution
            square = self._square(index, frame)
            affine = square.affine(resolution)
            image = cut_image(frame.image, square, resolution)
        else:
            image = to_tensor(frame.image)
        masked = self.masks and frame.pose is not None
        joints_px = frame.joints_px
        return HandSample(
            image=image,
            intrinsics=affine @ frame.intrinsics,
            pose=frame.pose,
            betas=frame.betas,
            translation=frame.translation,
            joints=frame.joints,
            joints_px=None if joints_px is None else transform_pixels(joints_px, affine),
            masks=self._hidden(index, frame).masks(affine.numpy(), resolution) if masked else None,
            occlusion=self._hidden_share(index, frame) if masked else None,
            side=frame.side,
            identity=frame.identity,
            box=None if frame.box is None else _square_box(frame.box, affine),
        )

    @abstractmethod
    def frame(self, index: int) -> RecordedFrame:
        """The whole frame, before any crop."""

    @abstractmethod
    def visible_hand(self, index: int) -> Bool[np.ndarray, "h w"]:
        """Where the hand can be seen in the whole image, at the annotation's resolution."""

    def mirrors(self, index: int) -> bool:
        """Whether the frame is shown as its mirror image."""
        return False

    @abstractmethod
    def _place(self, index: int) -> tuple[Index, int, int]:
        """An index with room for a number about each of its frames: (index, rows, this row)."""

    def occlusion(self, index: int) -> float:
        """Hidden share of the hand in the whole image: 1 - |visible ∩ amodal| / |amodal|.

        Our reading of the bins of Deformer, section 4.2, whose code was not released: what
        hides the hand need not be the object. A hand outside the image counts as hidden.
        Computed when first asked for, then kept in the cache.

        Raises:
            ValueError: the set was opened without `mano`.
            MissingLabelError: the frame has no pose.
        """
        self._check_hands("occlusion")
        return self._hidden_share(self._checked(index), None)

    def _hidden_share(self, index: int, frame: RecordedFrame | None) -> float:
        place, rows, row = self._place(index)
        shares = place.notes(f"occlusion-{self._hands_digest}", rows)
        if np.isnan(shares[row]):
            shares[row] = self._hidden(index, frame or self.frame(index)).share()
        return float(shares[row])

    def _hidden(self, index: int, frame: RecordedFrame) -> HiddenHand:
        hand = self.hands[frame.side]
        pose, betas = needed(frame.pose, "pose"), needed(frame.betas, "betas")
        with torch.no_grad():
            posed = hand(pose[None], betas[None], needed(frame.translation, "translation")[None])
        return HiddenHand(
            vertices=posed.vertices[0].numpy(),
            surface=hand_surface(hand),
            intrinsics=frame.intrinsics.numpy(),
            visible=self.visible_hand(index),
            width=frame.image.width,
            height=frame.image.height,
        )

    @property
    def _hands_digest(self) -> str:
        """Shares drawn with one hand model are not those of another."""
        if not hasattr(self, "_digest"):
            templates = [hand.blend_shapes.numpy().tobytes() for hand in self.hands.values()]
            mirrors = str(self.mirror_left).encode()
            self._digest = hashlib.sha256(b"".join([*templates, mirrors])).hexdigest()[:12]
        return self._digest

    def _square(self, index: int, frame: RecordedFrame) -> SquareCrop:
        hand = frame.joints_px if frame.box is None else frame.box
        if hand is None:
            raise ValueError(
                f"{self.name(index)}: this frame has no labels, so there is no hand to cut out. "
                "Read labelled frames only, valid_frames(dataset), or whole images, crop=None."
            )
        thing = frame.thing if self.preset and self.preset.with_object else None
        return square_around(hand, thing, self.thing_margin)

    def _complete(self, root: Path) -> None:
        """The end of a subclass's construction."""
        if not len(self):
            raise DataFileError(
                f"{root}: expected frames of {type(self).__name__}'s chosen split, found none of "
                "its sequences. Choose another split, or unpack the rest of the data set."
            )
        self._begin()

    def _check_hands(self, what: str) -> None:
        if not self.hands:
            raise ValueError(
                f"{what}: the whole hand's mask is drawn from its mesh, which needs MANO's files. "
                "Give mano=, the folder with MANO_RIGHT.pkl from https://mano.is.tue.mpg.de"
            )


def hands_of(mano: Mano, sides: Iterable[str], fingertips: str) -> dict[str, HandModel]:
    """The hand models by side, out of MANO's files or a pair that is loaded already.

    Raises:
        FileNotFoundError: the folder has no file of a side.
        ManoFileError: not a MANO hand, or one of the other side.
    """
    if mano is None:
        return {}
    if isinstance(mano, HandPair):
        return {side: getattr(mano, side) for side in sorted(sides)}
    known: tuple[Side, ...] = get_args(Side)
    return {side: load_hand(mano, side, fingertips) for side in known if side in sides}


def _square_box(box: Float[Tensor, "2 2"], affine: Float[Tensor, "3 3"]) -> Float[Tensor, "4"]:
    """The hand's box as `SequenceBatch.boxes` wants it: square, widened, in the crop's pixels."""
    square = square_around(box)
    half, centre = square.side / 2, torch.tensor([square.x, square.y])
    corners = torch.stack([centre - half, centre + half])
    return transform_pixels(corners, affine).flatten()
