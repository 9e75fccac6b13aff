"""Images of one's own, and where the hand is in each: a box, or a mask of the hand.

Images are taken upright, as viewers show them: a camera's note about its orientation (EXIF) is
followed, and boxes and masks belong to the upright image. Pixel (0, 0) is the centre of the first.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image, ImageOps
from torch import Tensor

Entry = TypeVar("Entry")
IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")
VIDEOS = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg")
_ANIMATED = ("GIF", "WEBP", "PNG")
_INSIDE = 0.5  # least share of a box that lies in its image


@dataclass(frozen=True)
class Photo:
    """An image's file and size, and two corners of the box around its hand, in pixels."""

    path: Path
    width: int
    height: int
    corners: Float[Tensor, "2 2"]

    def image(self) -> Image.Image:
        """The upright image, RGB."""
        return _read(self.path, "RGB", "an image")


def open_photos(
    files: Sequence[Path], boxes: Sequence[str] = (), masks: Sequence[Path] = ()
) -> list[Photo]:
    """Images, or those of folders in the order of the numbers in their names, with their boxes.

    boxes: "x1,y1,x2,y2" around the visible hand, one for all images or one for each. masks: in
    place of boxes, an image for each that is bright where the hand is, or a folder where each
    image's mask has its name.

    Raises:
        FileNotFoundError, ValueError: what is missing or unusable, in one line.
    """
    paths = [path for file in files for path in _images(file)]
    if not paths:
        raise ValueError("files: expected one or more images, found none")
    if bool(boxes) == bool(masks):
        found = "both a box and a mask" if boxes else "neither a box nor a mask"
        raise ValueError(
            f"{paths[0]}: expected to be told where the hand is, found {found}; give --box "
            "x1,y1,x2,y2 in pixels, or --mask with an image that is white on the hand"
        )
    sizes = [_read(path, "RGB", "an image").size for path in paths]
    if boxes:
        numbers = [_numbers(box) for box in _for_each(paths, boxes, "--box", share=True)]
        corners = [_checked(*entry) for entry in zip(paths, sizes, numbers, strict=True)]
    else:
        named = _for_each(paths, _masks(paths, masks), "--mask", share=False)
        corners = [_around(*entry) for entry in zip(paths, sizes, named, strict=True)]
    each = zip(paths, sizes, corners, strict=True)
    return [Photo(path, *size, corner) for path, size, corner in each]


def _images(file: Path) -> list[Path]:
    """The file itself, or the images in a folder."""
    if not file.is_dir():
        return [file]
    found = [
        path
        for path in file.iterdir()
        if path.suffix.lower() in IMAGES and not path.name.startswith(".")
    ]
    if not found:
        raise FileNotFoundError(
            f"{file}: expected a folder of images ({', '.join(IMAGES)}), found none in it"
        )
    return sorted(found, key=_number_order)


def _number_order(path: Path) -> list[tuple[int, str]]:
    """frame2 before frame10."""
    return [(int(part or 0), "") if part.isdecimal() else (0, part)
            for part in re.split(r"(\d+)", path.name)]  # fmt: skip


def _read(path: Path, mode: str, what: str) -> Image.Image:
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected {what}, found no such file")
    if path.suffix.lower() in VIDEOS:
        raise _no_video(path)
    try:
        with Image.open(path) as image:
            if image.format in _ANIMATED and getattr(image, "n_frames", 1) > 1:
                raise _no_video(path)
            return ImageOps.exif_transpose(image).convert(mode)
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        found = str(error).replace("\n", " ")
        raise ValueError(
            f"{path}: expected {what} that Pillow reads, such as PNG or JPEG, found: {found}; "
            "open it in an image viewer and save it as PNG"
        ) from error


def _no_video(path: Path) -> ValueError:
    return ValueError(
        f"{path}: expected an image or a folder of images, found a video, which nothing here "
        f"reads; make a folder of its frames and give that: mkdir frames && ffmpeg -i {path.name} "
        "frames/%05d.png"
    )


def _for_each(paths: list[Path], given: Sequence[Entry], option: str, share: bool) -> list[Entry]:
    if len(given) == len(paths):
        return list(given)
    if share and len(given) == 1:
        return [given[0]] * len(paths)
    expected = f"one for each of the {len(paths)} images" + (" or one for all" if share else "")
    raise ValueError(f"{option}: expected {expected}, found {len(given)}; repeat the option")


def _numbers(box: str) -> list[float]:
    try:
        numbers = [float(part) for part in box.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != 4 or not np.isfinite(numbers).all():
        raise ValueError(
            f"--box: expected four numbers x1,y1,x2,y2 in pixels, found {box!r}; write the left, "
            "top, right and bottom edge with commas and no spaces"
        )
    return numbers


def _checked(path: Path, size: tuple[int, int], box: list[float]) -> Float[Tensor, "2 2"]:
    """The corners of a box that is one and lies in the image by half at least."""
    low, high = np.array(box).reshape(2, 2)
    wanted = f"a box in the image of {size[0]}×{size[1]} pixels"
    shown = ",".join(f"{number:g}" for number in box)
    if (high <= low).any():
        raise ValueError(
            f"{path}: expected {wanted} with x1 < x2 and y1 < y2, found {shown}; write the left, "
            "top, right and bottom edge"
        )
    seen = (np.minimum(high, np.array(size) - 0.5) - np.maximum(low, -0.5)).clip(0)
    if seen.prod() < _INSIDE * (high - low).prod():
        raise ValueError(
            f"{path}: expected {wanted}, found {shown}, of which {_INSIDE:.0%} or more lies "
            "outside; measure it in this very image, upright"
        )
    return torch.tensor(box, dtype=torch.float32).view(2, 2)


def _masks(paths: list[Path], masks: Sequence[Path]) -> list[Path]:
    """The masks themselves, or those in a folder by the images' names."""
    if len(masks) != 1 or not masks[0].is_dir():
        return list(masks)
    by_name = {path.stem: path for path in _images(masks[0])}
    missing = [path.name for path in paths if path.stem not in by_name]
    if missing:
        raise FileNotFoundError(
            f"{masks[0]}: expected a mask named like each image, found none for {missing[0]}"
            + (f" and {len(missing) - 1} more" if missing[1:] else "")
        )
    return [by_name[path.stem] for path in paths]


def _around(path: Path, size: tuple[int, int], mask: Path) -> Float[Tensor, "2 2"]:
    """The corners of the box around what is brighter than half of the mask's brightest pixel."""
    pixels = np.asarray(_read(mask, "L", "a mask of the hand"))
    if pixels.shape[::-1] != size:
        raise ValueError(
            f"{mask}: expected the size of {path.name}, {size[0]}×{size[1]} pixels, found "
            f"{pixels.shape[1]}×{pixels.shape[0]}; make the mask from this very image"
        )
    rows, columns = np.nonzero(pixels > pixels.max() / 2)
    if len(rows) == 0 or (np.ptp(rows) == 0 and np.ptp(columns) == 0):
        found = "an empty one" if len(rows) == 0 else "a single pixel"
        raise ValueError(
            f"{mask}: expected a mask that is white on the hand and black elsewhere, found "
            f"{found}; paint the hand white"
        )
    corners = [[columns.min(), rows.min()], [columns.max(), rows.max()]]
    return torch.tensor(np.array(corners), dtype=torch.float32)
