"""A tree in the layout of FPHA: Garcia-Hernando et al., "First-Person Hand Action", CVPR 2018.

Joints and objects are in millimetres in the frame of the depth camera, the data set's world; the
colour camera stands beside it. There are no MANO parameters. Colour is rendered at half the size
and enlarged. Not written: `Object_models`.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from PIL import Image

from handlib.data.synthetic.occlusion import shrink
from handlib.data.trees.film import Camera, FullFrame, film
from handlib.data.trees.folder import new_tree
from handlib.data.trees.images import millimetres, save_image
from handlib.data.trees.recording import Recording
from handlib.hands.skeleton import FINGER_JOINTS

ACTIONS = ("open_juice_bottle", "close_juice_bottle", "pour_juice_bottle")
"""Of the 45, in the order of their class numbers."""

SUBJECTS = 6

COLOUR = np.array([[1395.749023, 0, 935.732544], [0, 1395.749268, 540.681030], [0, 0, 1]])
DEPTH = np.array([[475.065948, 0, 315.944855], [0, 475.065857, 245.287079], [0, 0, 1]])
ROTATION = np.array(
    [
        [0.999988496304, -0.00468848412856, 0.000982563360594],
        [0.00469115935266, 0.999985218048, -0.00273845880292],
        [-0.000969709653873, 0.00274303671904, 0.99999576807],
    ]
)
"""Depth camera to colour camera, with SHIFT in millimetres."""
SHIFT = np.array([25.7, 1.22, 3.902])


class Take(NamedTuple):
    """A recording's place in the tree."""

    recording: Recording
    subject: str
    action: int
    repetition: int

    @property
    def path(self) -> str:
        """Subject/action/repetition."""
        return f"{self.subject}/{ACTIONS[self.action]}/{self.repetition}"


def write_fpha(root: Path, train: Sequence[Recording], test: Sequence[Recording]) -> None:
    """Film right hands for both parts of the action split.

    Raises:
        TreeExistsError: `root` holds something else.
        ValueError: a left hand, or no recording for one of the parts.
    """
    if not train or not test:
        raise ValueError("FPHA's split has two parts: give at least one recording for each")
    if any(recording.side != "right" for recording in (*train, *test)):
        raise ValueError("FPHA shows right hands only; give right-handed recordings")
    takes = list(_cast([*train, *test]))
    with new_tree(Path(root), "fpha") as draft:
        for take in takes:
            _write_take(draft, take)
        _write_split(draft, takes[: len(train)], takes[len(train) :])
        _write_subjects(draft, takes)


def _cast(recordings: Sequence[Recording]) -> Iterator[Take]:
    """Subjects take turns, and so do actions."""
    for number, recording in enumerate(recordings):
        again, action = divmod(number // SUBJECTS, len(ACTIONS))
        yield Take(recording, f"Subject_{number % SUBJECTS + 1}", action, again + 1)


def _write_take(root: Path, take: Take) -> None:
    colour = Camera(shrink(COLOUR, 2, 1), 960, 540)
    # p_colour = R p_depth + t: they place the depth camera before the colour camera, our world.
    depth = Camera(DEPTH, 640, 480, ROTATION, SHIFT / 1000)
    video = root / "Video_files" / take.path
    skeleton, objects = [], []
    pairs = zip(film(take.recording, colour), film(take.recording, depth, 1), strict=True)
    for k, (seen, measured) in enumerate(pairs):
        large = Image.fromarray(seen.image).resize((1920, 1080), Image.Resampling.BILINEAR)
        save_image(video / "color" / f"color_{k:04d}.jpeg", np.array(large))
        save_image(video / "depth" / f"depth_{k:04d}.png", millimetres(measured.depth))
        skeleton.append(_row(k, fpha_joints(seen)))
        objects.append(_row(k, _object(seen).T))  # column by column
    for folder, name, rows in (
        ("Hand_pose_annotation_v1", "skeleton.txt", skeleton),
        ("Object_6D_pose_annotation_v1", "object_pose.txt", objects),
    ):
        path = root / folder / take.path / name
        path.parent.mkdir(parents=True)
        path.write_text("".join(rows), encoding="utf-8")


def _to_world(points: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "N 3"]:
    """Metres before the colour camera to millimetres before the depth camera: R^T (p - t)."""
    return (1000 * points - SHIFT) @ ROTATION


def fpha_joints(frame: FullFrame) -> Float[np.ndarray, "21 3"]:
    """World millimetres: the wrist, the fingers' base joints, the other three of each finger."""
    fingers = list(FINGER_JOINTS.values())
    order = [0, *(finger[0] for finger in fingers), *(j for f in fingers for j in f[1:])]
    return _to_world(frame.hand.joints[order])


def _object(frame: FullFrame) -> Float[np.ndarray, "4 4"]:
    """The first thing's pose in the world: rotation, and millimetres."""
    thing, pose = frame.things[0], np.eye(4)
    pose[:3, :3] = ROTATION.T @ thing.rotation
    pose[:3, 3] = _to_world(thing.position[None])[0]
    return pose


def _row(number: int, values: Float[np.ndarray, "A B"]) -> str:
    return " ".join([str(number), *(f"{value:.6f}" for value in values.ravel())]) + "\n"


def _write_split(root: Path, train: Sequence[Take], test: Sequence[Take]) -> None:
    lines = []
    for title, takes in (("Training", train), ("Test", test)):
        lines.append(f"{title} {len(takes)}\n")
        lines += [f"{take.path} {take.action}\n" for take in takes]
    (root / "data_split_action_recognition.txt").write_text("".join(lines), encoding="utf-8")


def _write_subjects(root: Path, takes: Sequence[Take]) -> None:
    rows = defaultdict(list)
    for take in takes:
        frames = take.recording.length
        rows[take.subject].append(f"{ACTIONS[take.action]}\t{take.repetition}\t{frames}\n")
    (root / "Subjects_info").mkdir()
    for subject, lines in rows.items():
        header = f"{subject}\n\naction\trepetition\tframes\n"
        path = root / "Subjects_info" / f"{subject}_info.txt"
        path.write_text(header + "".join(lines), encoding="utf-8")
