"""A tree in the layout of HO-3D: Hampali et al., "HOnnotate", CVPR 2020 (v2), and v3 of 2021.

Annotations are in the OpenGL frame (y up, the camera looks along -z), the hand's as MANO
parameters with full joint angles, and joints in MANO's order with five of the mesh's vertices as
fingertips. Not written: v3's `calibration` and `manual_annotations`. Sequences have names of
their own, so that nobody takes the tree for a piece of HO-3D. `mano` holds the hand that was
rendered, as a loader wants MANO's files.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, UInt8
from scipy.spatial.transform import Rotation

from handlib.data.trees import ycb
from handlib.data.trees.film import FIRST_THING, HAND, Camera, FullFrame, film
from handlib.data.trees.folder import new_tree
from handlib.data.trees.hand_files import write_hand_files
from handlib.data.trees.images import save_image
from handlib.data.trees.placed import PlacedHand, ThingPose
from handlib.data.trees.python2_pickle import dumps
from handlib.data.trees.recording import Recording
from handlib.data.trees.rig import rig
from handlib.hands.skeleton import FINGERTIPS, JOINT_NAMES, MANO_JOINT_NAMES

Version = Literal["v2", "v3"]
METRES_PER_STEP = 0.00012498664727900177
"""Of the 16-bit depth."""

_OPENGL = np.diag([1.0, -1.0, -1.0])
_SEGMENTS = 4  # times smaller than the image are the segmentations


def write_ho3d(
    root: Path,
    train: Sequence[Recording],
    evaluation: Sequence[Recording],
    version: Version = "v2",
    cameras: int = 1,
) -> None:
    """Film right hands for both splits, each recording by `cameras` (1 to 10) cameras.

    Raises:
        TreeExistsError: `root` holds something else.
        ValueError: a left hand, no recording, or a version or number of cameras that cannot be.
    """
    if version not in ("v2", "v3"):
        raise ValueError(f"version: expected 'v2' or 'v3', found {version!r}")
    if not 1 <= cameras <= 10:
        raise ValueError(f"cameras: expected 1 to 10 (one digit of a name), found {cameras}")
    if not train or not evaluation:
        raise ValueError("HO-3D has two splits: give at least one recording for each")
    if any(recording.side != "right" for recording in (*train, *evaluation)):
        raise ValueError("HO-3D shows right hands only; give right-handed recordings")
    with new_tree(Path(root), f"ho3d-{version}") as draft:
        write_hand_files(draft / "mano")
        _Split(draft, "train", version).write(train, cameras, first=0)
        judged = _Split(draft, "evaluation", version)
        judged.write(evaluation, cameras, first=len(train))
        for name, points in (("xyz", judged.joints), ("verts", judged.vertices)):
            (draft / f"evaluation_{name}.json").write_text(json.dumps(points), encoding="utf-8")


class _Split:
    """One of the two splits, filled frame by frame."""

    def __init__(self, root: Path, name: str, version: Version) -> None:
        self.root, self.name, self.version = root, name, version
        self.listed: list[str] = []
        self.joints: list[Any] = []
        self.vertices: list[Any] = []

    def write(self, recordings: Sequence[Recording], cameras: int, first: int) -> None:
        """All sequences, and the list of their frames."""
        ring = rig(cameras)
        digits = [str(k) for k in range(cameras)]
        for number, recording in enumerate(recordings, first):
            for digit, camera in zip(digits, ring, strict=True):
                sequence = f"Syn{_letters(number)}1{digit}"
                for k, frame in enumerate(film(recording, camera, int(digit))):
                    self._write_frame(sequence, f"{k:04d}", frame, camera, digits)
        lines = "".join(f"{line}\n" for line in self.listed)
        (self.root / f"{self.name}.txt").write_text(lines, encoding="utf-8")

    def _write_frame(
        self, sequence: str, name: str, frame: FullFrame, camera: Camera, digits: list[str]
    ) -> None:
        folder = self.root / self.name / sequence
        kind = "png" if self.version == "v2" else "jpg"
        save_image(folder / "rgb" / f"{name}.{kind}", frame.image)
        save_image(folder / "depth" / f"{name}.png", depth_as_rgb(frame.depth))
        rendered = self.root / f"HO3D_{self.version}_segmentations_rendered"
        kind = "jpg" if self.version == "v2" else "png"
        path = rendered / self.name / sequence / "seg" / f"{name}.{kind}"
        save_image(path, _segments(frame.labels))
        hand = frame.hand.moved(_OPENGL, np.zeros(3))
        meta = _object(frame.things[0].moved(_OPENGL, np.zeros(3)))
        meta |= {"camIDList": digits, "camMat": camera.intrinsics}
        if self.name == "train":
            meta |= _hand(hand)
        else:
            meta["handJoints3D"] = hand.joints[0]
            meta["handBoundingBox"] = _box(frame.hand.vertices, camera)
            self.joints.append(ho3d_joints(hand).tolist())
            self.vertices.append(hand.vertices.tolist())
        (folder / "meta").mkdir(exist_ok=True)
        (folder / "meta" / f"{name}.pkl").write_bytes(dumps(meta))
        self.listed.append(f"{sequence}/{name}")


def _letters(number: int) -> str:
    """A, B, .. Z, BA, BB, ..: every recording has an owner of its own as far as names tell."""
    high, low = divmod(number, 26)
    return (_letters(high) if high else "") + chr(ord("A") + low)


def _hand(hand: PlacedHand) -> dict[str, Any]:
    return {
        "handPose": np.concatenate([hand.root, hand.fingers.ravel()]),
        "handTrans": hand.translation,
        "handBeta": hand.betas,
        "handJoints3D": ho3d_joints(hand),
    }


def ho3d_joints(hand: PlacedHand) -> Float[np.ndarray, "21 3"]:
    """MANO's 16 joints in MANO's order, then the fingertips, thumb to little."""
    chain = [JOINT_NAMES.index(name) for name in MANO_JOINT_NAMES]
    tips = list(FINGERTIPS["ho3d"][hand.side])
    return np.concatenate([hand.joints[chain], hand.vertices[tips]])


def _object(thing: ThingPose) -> dict[str, Any]:
    label = ycb.number_like(thing.kind)
    return {
        "objName": ycb.CLASSES[label - 1],
        "objLabel": label,
        "objRot": Rotation.from_matrix(thing.rotation).as_rotvec()[:, None],
        "objTrans": thing.position,
        "objCorners3DRest": thing.box,
        "objCorners3D": thing.box @ thing.rotation.T + thing.position,
    }


def _box(vertices: Float[np.ndarray, "V 3"], camera: Camera) -> list[int]:
    """x1, y1, x2, y2 around the hand's pixels, not cut at the image's edge."""
    homogeneous = vertices @ camera.intrinsics.T
    pixels = homogeneous[:, :2] / homogeneous[:, 2:]
    low, high = np.floor(pixels.min(0)), np.ceil(pixels.max(0))
    return [int(x) for x in (*low, *high)]


def depth_as_rgb(depth: Float[np.ndarray, "H W"]) -> UInt8[np.ndarray, "H W 3"]:
    """Metres as 16 bits over two channels: red holds the low byte, green the high one."""
    steps = np.rint(depth / METRES_PER_STEP).clip(0, 2**16 - 1).astype(np.uint16)
    low, high = (steps & 255).astype(np.uint8), (steps >> 8).astype(np.uint8)
    return np.stack([low, high, np.zeros_like(low)], 2)


def _segments(labels: UInt8[np.ndarray, "H W"]) -> UInt8[np.ndarray, "h w 3"]:
    """At a quarter of the size, the hand red and things blue, where they fill half a pixel."""
    height, width = (side // _SEGMENTS for side in labels.shape)

    def most(mask: np.ndarray) -> np.ndarray:
        cells = mask.reshape(height, _SEGMENTS, width, _SEGMENTS)
        return np.where(cells.mean((1, 3)) >= 0.5, 255, 0)

    red, blue = most(labels == HAND), most(labels >= FIRST_THING)
    blue[red > 0] = 0
    return np.stack([red, np.zeros_like(red), blue], 2).astype(np.uint8)
