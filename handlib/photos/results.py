"""A photo's hand as files: a mesh (.obj, .ply), its parameters (.json), and the photo with it.

The mesh is the hand without its translation, so that it is that of the parameters alone; the
photo has it where the translation puts it.
"""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from jaxtyping import Int
from torch import Tensor

from handlib.atomic import replacing
from handlib.hands.skeleton import JOINT_NAMES, MANO_JOINT_NAMES
from handlib.photos.predict import PhotoHand
from handlib.photos.source import Photo
from handlib.viz.photo_overlay import overlay

ENDINGS = (".obj", ".ply", ".json", "_overlay.png")


def free_targets(out: Path, photos: Sequence[Photo], replace: bool) -> None:
    """Refuse to write over anything, before time is spent on a prediction.

    Raises:
        FileExistsError: a file is there already, and `replace` does not allow that.
        ValueError: two photos have one name, or the folder is a file.
    """
    if out.exists() and not out.is_dir():
        raise ValueError(f"{out}: expected a folder to write to, found a file; give another --out")
    name, count = Counter(photo.path.stem for photo in photos).most_common(1)[0]
    if count > 1:
        raise ValueError(
            f"{name}: expected a different name for each image, found {count} of this one, whose "
            "results would overwrite each other; rename them or predict them one by one"
        )
    targets = [out / f"{photo.path.stem}{ending}" for photo in photos for ending in ENDINGS]
    taken = [path for path in targets if path.exists()]
    if taken and not replace:
        raise FileExistsError(
            f"{taken[0]}: expected no such file, found one; give another --out, or --replace to "
            "write over it"
        )


def write_results(
    out: Path,
    photos: Sequence[Photo],
    hands: Sequence[PhotoHand],
    faces: Int[Tensor, "F 3"],
    origin: dict[str, Any],
    replace: bool = False,
) -> list[Path]:
    """Write four files for each photo, named after it, each complete or not at all.

    faces: `faces_shown`. origin: of the network.

    Raises:
        FileExistsError, ValueError: as `free_targets`.
    """
    free_targets(out, photos, replace)
    written: list[Path] = []
    for photo, hand in zip(photos, hands, strict=True):
        triangles = faces.cpu().numpy()
        paths = [out / f"{photo.path.stem}{ending}" for ending in ENDINGS]
        _write_meshes(paths[:2], hand, triangles)
        with replacing(paths[2]) as temporary:
            temporary.write_text(json.dumps(_values(photo, hand, origin), indent=1) + "\n")
        with replacing(paths[3]) as temporary:
            _drawn(photo, hand, triangles).save(temporary, "PNG")
        written += paths
    return written


def _write_meshes(paths: list[Path], hand: PhotoHand, faces: np.ndarray) -> None:
    mesh = trimesh.Trimesh(hand.vertices.numpy(), faces, process=False)
    for path in paths:
        with replacing(path) as temporary:
            mesh.export(temporary, file_type=path.suffix[1:])


def _drawn(photo: Photo, hand: PhotoHand, faces: np.ndarray) -> Any:
    """The photo with the hand, or as it is where the hand has no place in it."""
    image = photo.image()
    if hand.translation is None:
        return image
    placed = (hand.vertices + hand.translation).double().numpy()
    return overlay(image, placed, faces, hand.intrinsics.double().numpy())


def _values(photo: Photo, hand: PhotoHand, origin: dict[str, Any]) -> dict[str, Any]:
    place = None if hand.translation is None else hand.translation.tolist()
    return {
        "image": str(photo.path),
        "side": hand.side,
        "unit": "metres, radians; joints_px, box and intrinsics: pixels, (0, 0) is the centre of "
        "the upright image's first pixel",
        "frame": "OpenCV camera: x right, y down, z forward",
        "pose": hand.pose.tolist(),
        "pose_order": list(MANO_JOINT_NAMES),
        "pose_form": "full axis-angles; the first turns the hand into the camera's frame",
        "betas": hand.betas.tolist(),
        "translation": place,
        "translation_is": "an estimate: where the joints fall onto joints_px under the assumed "
        "intrinsics; null where no place before the camera does. The meshes are without it",
        "joints": hand.joints.tolist(),
        "joints_px": hand.joints_px.tolist(),
        "joint_order": list(JOINT_NAMES),
        "intrinsics": hand.intrinsics.tolist(),
        "box": photo.corners.flatten().tolist(),
        "network": origin,
    }
