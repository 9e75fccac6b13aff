"""A trained network on images of one's own: square crop, prediction, a place before the camera.

HandOccNet knows right hands. A left one is shown to it in the mirror, and what it answers is
mirrored back; a Deformer that has learned both sides is shown left hands as they are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from PIL import Image, ImageOps
from torch import Tensor

from handlib.data.camera import SquareCrop, denormalise_pixels, transform_pixels
from handlib.data.crops import cut_image, square_around
from handlib.hands.hand_model import HandModel
from handlib.hands.hand_pair import HandPair
from handlib.hands.rotations import mirrored_turn, rotmat_to_axis_angle
from handlib.models.deformer import Deformer
from handlib.models.handoccnet import HandOccNet
from handlib.models.sliding import slide
from handlib.photos.source import Photo
from handlib.training.data import WINDOW
from handlib.training.trained import Trained
from handlib.viz.hand import fit_translation

SURROUNDINGS = 1.4  # of the hand's square is a Deformer's frame wide, as in synthetic clips
NEAREST = 0.05  # metres before the camera; no hand is photographed from nearer
_AT_ONCE = 16
_MIRROR = torch.tensor([-1.0, 1.0, 1.0])


@dataclass(frozen=True)
class PhotoHand:
    """What a network says of one photo: metres, radians, the photo's OpenCV camera frame.

    pose: axis-angles in MANO's order, betas: of the hand model of `side`; vertices and joints
    (common order) are that hand without a translation. joints_px: pixels of the photo.
    translation: moves the hand to where its joints fall onto `joints_px`; None if no place before
    the camera does. It is as good as `intrinsics`.
    """

    side: str
    pose: Float[Tensor, "16 3"]
    betas: Float[Tensor, "10"]
    vertices: Float[Tensor, "V 3"]
    joints: Float[Tensor, "21 3"]
    joints_px: Float[Tensor, "21 2"]
    translation: Float[Tensor, "3"] | None
    intrinsics: Float[Tensor, "3 3"]


def assumed_camera(width: int, height: int, focal: float | None = None) -> Float[Tensor, "3 3"]:
    """A camera that looks through the image's centre.

    focal: in pixels; else the longer side, a field of view of 53° across it, as phones have.
    """
    f = focal or float(max(width, height))
    return torch.tensor([[f, 0, (width - 1) / 2], [0, f, (height - 1) / 2], [0, 0, 1]])


def predict_photos(
    trained: Trained, photos: Sequence[Photo], left: bool = False, focal: float | None = None
) -> list[PhotoHand]:
    """The hand of each photo; a Deformer takes them for consecutive frames of one video.

    left: all hands are left ones. focal: of the camera, in pixels, if it is known.

    Raises:
        ValueError: a network whose hands have no MANO parameters, or a focal length not above 0.
    """
    if focal is not None and not 0 < focal < float("inf"):
        raise ValueError(f"--focal: expected pixels above 0, found {focal:g}; leave it out")
    model, hands = trained.model, []
    if not isinstance(model, HandOccNet | Deformer):
        raise ValueError(
            f"{trained.folder}: expected a HandOccNet or a Deformer, whose hands have MANO's "
            f"parameters, found a {type(model).__name__}; give another run"
        )
    mirror = left and not isinstance(model.hand, HandPair)
    with torch.inference_mode():
        if isinstance(model, Deformer):
            seen = _as_video(model, trained, photos, mirror, left)
        else:
            seen = _one_by_one(trained, photos, mirror)
        for photo, (pose, betas, vertices, joints, joints_px) in zip(photos, seen, strict=True):
            found = _placed(photo, pose, betas, vertices, joints, joints_px, focal)
            found = _mirrored(found, photo.width) if mirror else found
            hands.append(replace(found, side="left" if left else "right"))
    return hands


def faces_shown(hand: HandModel | HandPair, left: bool) -> Int[Tensor, "F 3"]:
    """Triangles of what `predict_photos` returns; a right hand's are turned over in the mirror."""
    if isinstance(hand, HandPair):
        return (hand.left if left else hand.right).faces
    return hand.faces.flip(1) if left else hand.faces


def _one_by_one(trained: Trained, photos: Sequence[Photo], mirror: bool) -> Iterator[list[Tensor]]:
    """(pose, betas, vertices, joints, joints_px) of each photo, all seen as right hands."""
    device = next(trained.model.parameters()).device
    for start in range(0, len(photos), _AT_ONCE):
        cuts = [_cut(photo, mirror, 1.0, trained) for photo in photos[start : start + _AT_ONCE]]
        found = trained.model(torch.stack([image for image, _ in cuts]).to(device))
        pixels = denormalise_pixels(found.joints_img, trained.resolution)
        columns = found.pose, found.betas, found.vertices, found.joints, pixels
        for (_, affine), *values, seen in zip(cuts, *columns, strict=True):
            yield [value.float().cpu() for value in values] + [_back(seen.cpu(), affine)]


def _as_video(
    model: Deformer, trained: Trained, photos: Sequence[Photo], mirror: bool, left: bool
) -> Iterator[list[Tensor]]:
    """The same of the frames of a video, each fused from the window around it."""
    device = next(model.parameters()).device
    cuts = [_cut(photo, mirror, SURROUNDINGS, trained) for photo in photos]
    squares = [_square(photo, mirror) for photo in photos]
    boxes = torch.stack(
        [
            transform_pixels(_corners(square), affine).flatten()
            for square, (_, affine) in zip(squares, cuts, strict=True)
        ]
    )
    frames = torch.stack([image for image, _ in cuts]).to(device)
    as_left = True if left and not mirror else None
    found = slide(model, frames, boxes.to(device), WINDOW, trained.gap, left=as_left)
    middle = WINDOW // 2
    pose, vertices, joints = (
        (values[:, middle] if model.config.fuse_every else values).float().cpu()
        for values in (found.fused_pose, found.fused_vertices, found.fused_joints)
    )
    shape = found.betas if found.betas.ndim == 2 else found.betas[:, middle]
    unit, betas = found.joints_img[:, middle].float().cpu(), shape.float().cpu()
    pixels = boxes[:, None, :2] + unit * (boxes[:, None, 2:] - boxes[:, None, :2])
    for k, (_, affine) in enumerate(cuts):
        yield [pose[k], betas[k], vertices[k], joints[k], _back(pixels[k], affine)]


def _square(photo: Photo, mirror: bool) -> SquareCrop:
    """Around 1.5 times the hand's box, in the image as the network sees it."""
    corners = photo.corners
    if mirror:
        corners = torch.stack([photo.width - 1 - corners[:, 0], corners[:, 1]], 1)
    return square_around(corners)


def _cut(
    photo: Photo, mirror: bool, surroundings: float, trained: Trained
) -> tuple[Float[Tensor, "3 S S"], Float[Tensor, "3 3"]]:
    """The network's image, and the photo's pixels to its pixels."""
    square = _square(photo, mirror)
    square = SquareCrop(square.x, square.y, surroundings * square.side)
    image: Image.Image = ImageOps.mirror(photo.image()) if mirror else photo.image()
    return cut_image(image, square, trained.resolution), square.affine(trained.resolution)


def _corners(square: SquareCrop) -> Float[Tensor, "2 2"]:
    centre, half = torch.tensor([square.x, square.y]), square.side / 2
    return torch.stack([centre - half, centre + half])


def _back(pixels: Float[Tensor, "21 2"], affine: Float[Tensor, "3 3"]) -> Float[Tensor, "21 2"]:
    """Pixels of the crop to those of the photo."""
    return transform_pixels(pixels.float(), torch.linalg.inv(affine))


def _placed(
    photo: Photo,
    pose: Tensor,
    betas: Tensor,
    vertices: Tensor,
    joints: Tensor,
    joints_px: Tensor,
    focal: float | None,
) -> PhotoHand:
    """The hand as the network saw it, put before the camera where that can be done."""
    intrinsics = assumed_camera(photo.width, photo.height, focal)
    place = fit_translation(joints, joints_px, intrinsics)
    before = place.isfinite().all() and (vertices[:, 2] + place[2]).min() > NEAREST
    angles = rotmat_to_axis_angle(pose)
    translation = place if before else None
    return PhotoHand("right", angles, betas, vertices, joints, joints_px, translation, intrinsics)


def _mirrored(hand: PhotoHand, width: int) -> PhotoHand:
    """The left hand whose mirror image the network saw; the camera looks through the middle."""
    flipped = torch.stack([width - 1 - hand.joints_px[:, 0], hand.joints_px[:, 1]], 1)
    return PhotoHand(
        "left",
        mirrored_turn(hand.pose),
        hand.betas,
        hand.vertices * _MIRROR,
        hand.joints * _MIRROR,
        flipped,
        None if hand.translation is None else hand.translation * _MIRROR,
        hand.intrinsics,
    )
