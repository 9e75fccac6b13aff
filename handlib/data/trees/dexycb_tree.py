"""A tree in the layout of DexYCB: Chao et al., "DexYCB", CVPR 2021.

Eight cameras; labels in each camera's OpenCV frame, in metres, poses of the fingers as 45
coefficients of the hand file's components, measured from its mean pose. Each of the ten subjects
has the hundred sequences that the splits count on; all but the filmed ones have no frames.
`models` holds the rendered things' meshes, `mano` the rendered hand, as a loader wants MANO's.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from jaxtyping import Float, UInt8
from scipy.spatial.transform import Rotation

from handlib.data.synthetic.rendered_set import shipped_hand
from handlib.data.trees import ycb
from handlib.data.trees.film import FIRST_THING, HAND, Camera, FullFrame, film
from handlib.data.trees.folder import new_tree
from handlib.data.trees.hand_files import write_hand_files
from handlib.data.trees.images import millimetres, save_image
from handlib.data.trees.placed import PlacedHand, ThingPose
from handlib.data.trees.recording import Recording
from handlib.data.trees.rig import rig
from handlib.hands.hand_model import HandModel, load_hand
from handlib.hands.skeleton import FINGER_JOINTS, FINGERTIPS, Side

SUBJECTS = (
    "20200709-subject-01",
    "20200813-subject-02",
    "20200820-subject-03",
    "20200903-subject-04",
    "20200908-subject-05",
    "20200918-subject-06",
    "20200928-subject-07",
    "20201002-subject-08",
    "20201015-subject-09",
    "20201022-subject-10",
)
SERIALS = (
    "836212060125",
    "839512060362",
    "840412060917",
    "841412060263",
    "932122060857",
    "932122060861",
    "932122061900",
    "932122062010",
)
SEQUENCES = 100
"""Of each subject."""

_TRIALS = 5  # with each object; the last one is held out in setup s0
_TESTED = 2  # the first subject, from 0, whose held-out trials are for testing
_MASTER = 2  # of SERIALS: its frame is the world
_EXTRINSICS = "20200702_151821"
_HAND_LABEL = 255

Place = tuple[int, int]
"""Number of a subject, from 0, and of a sequence among its hundred."""


def write_dexycb(
    root: Path, recordings: Sequence[Recording], places: Sequence[Place] | None = None
) -> None:
    """Film recordings of right and left hands with all eight cameras.

    places: where each recording goes. Without them each owner is a subject (ten at most), and
    the first two recordings of an owner go to sequences 0 and 4: in setup s0 the fifth of each
    object's five is for testing, or with subjects 1 and 2 for validation.

    Raises:
        TreeExistsError: `root` holds something else.
        ValueError: too many owners, or places that are taken twice or do not exist.
    """
    if not recordings:
        raise ValueError("recordings: expected at least one")
    places = _places(recordings) if places is None else list(places)
    allowed = {(s, n) for s in range(len(SUBJECTS)) for n in range(SEQUENCES)}
    if len(places) != len(recordings) or len(set(places) & allowed) != len(recordings):
        raise ValueError(
            f"places: expected {len(recordings)} different pairs of a subject below "
            f"{len(SUBJECTS)} and a sequence below {SEQUENCES}, found {places}"
        )
    cameras, register = rig(len(SERIALS), _MASTER), ycb.Register()
    with new_tree(Path(root), "dexycb") as draft:
        write_hand_files(draft / "mano")
        _write_calibration(draft, cameras)
        _write_empty(draft, sorted(allowed - set(places)))
        for recording, (subject, number) in zip(recordings, places, strict=True):
            _write_sequence(draft, recording, subject, number, cameras, register)
        _write_models(draft / "models", register)


def _places(recordings: Sequence[Recording]) -> list[Place]:
    """First the subject whose last trials s0 tests on, then those whose it validates on."""
    order = sorted(range(len(SUBJECTS)), key=lambda subject: (subject != _TESTED, subject))
    trials = sorted(range(_TRIALS), key=lambda trial: (trial not in (0, _TRIALS - 1), trial))
    owners: dict[str, int] = {}
    used = [count() for _ in SUBJECTS]
    places = []
    for recording in recordings:
        rank = owners.setdefault(recording.owner, len(owners))
        if rank >= len(SUBJECTS):
            raise ValueError(
                f"recordings: more than {len(SUBJECTS)} owners; DexYCB has {len(SUBJECTS)} "
                "subjects. Give places, or a configuration with fewer people."
            )
        block, trial = divmod(next(used[rank]), _TRIALS)
        places.append((order[rank], _TRIALS * block + trials[trial]))
    return places


def _write_calibration(root: Path, cameras: Sequence[Camera]) -> None:
    """Lenses and places of the cameras."""
    folder = root / "calibration"
    poses: dict[str, tuple[float, ...]] = {}
    for serial, camera in zip(SERIALS, cameras, strict=True):
        lens = camera.intrinsics
        color = {
            "fx": float(lens[0, 0]),
            "fy": float(lens[1, 1]),
            "ppx": float(lens[0, 2]),
            "ppy": float(lens[1, 2]),
        }
        # Depth comes aligned to colour, so nobody needs a lens of its own for it.
        path = folder / "intrinsics" / f"{serial}_640x480.yml"
        _write_yaml(path, {"color": color, "depth": dict(color)})
        rotation, position = camera.extrinsics
        poses[serial] = tuple(np.column_stack([rotation, position]).ravel().tolist())
    poses["apriltag"] = tuple(np.eye(3, 4).ravel().tolist())
    extrinsics = {"extrinsics": poses, "master": SERIALS[_MASTER]}
    _write_yaml(folder / f"extrinsics_{_EXTRINSICS}" / "extrinsics.yml", extrinsics)


def _write_sequence(
    root: Path,
    recording: Recording,
    subject: int,
    number: int,
    cameras: Sequence[Camera],
    register: ycb.Register,
) -> None:
    folder, worlds = _folder(root, subject, number), []
    ids: list[int] = []
    for k, (serial, camera) in enumerate(zip(SERIALS, cameras, strict=True)):
        (folder / serial).mkdir(parents=True)
        for n, frame in enumerate(film(recording, camera, k)):
            ids = ids or register.numbers(frame.things)
            _write_frame(folder / serial, n, frame, camera, ids)
            if k == _MASTER:
                worlds.append(frame)
    # The master's frame is the world.
    objects = [[_quaternion_pose(thing) for thing in frame.things] for frame in worlds]
    hands = np.stack([hand_parameters(frame.hand) for frame in worlds])
    pose_y = np.array(objects, np.float32)
    np.savez_compressed(folder / "pose.npz", pose_m=hands[:, None], pose_y=pose_y)
    meta = _meta(subject, recording.side, recording.length, ids)
    _write_yaml(folder / "meta.yml", meta)
    _write_betas(root, subject, recording.side, worlds[0].hand.betas)


def _write_betas(root: Path, subject: int, side: Side, betas: Float[np.ndarray, "10"]) -> None:
    folder = root / "calibration" / f"mano_{_calibration(subject, side)}"
    _write_yaml(folder / "mano.yml", {"betas": betas.tolist()})


def _write_models(folder: Path, register: ycb.Register) -> None:
    """Meshes without textures; what a model holds of official ones is its geometry."""
    for number, thing in register.things.items():
        path = folder / ycb.CLASSES[number - 1] / "textured_simple.obj"
        path.parent.mkdir(parents=True)
        lines = [f"v {x:.6f} {y:.6f} {z:.6f}\n" for x, y, z in thing.vertices.tolist()]
        lines += [f"f {a} {b} {c}\n" for a, b, c in (thing.faces + 1).tolist()]
        path.write_text("".join(lines), encoding="utf-8")


def _folder(root: Path, subject: int, number: int) -> Path:
    """A sequence's folder; names sort by number."""
    day = SUBJECTS[subject].split("-")[0]
    hour, minute = divmod(number, 60)
    return root / SUBJECTS[subject] / f"{day}_{14 + hour}{minute:02d}00"


def _calibration(subject: int, side: Side) -> str:
    day, name = SUBJECTS[subject].split("-", 1)
    return f"{day}_140042_{name}_{side}"


def _write_empty(root: Path, places: Sequence[Place]) -> None:
    """Sequences without frames, so that a sequence's number in its subject is the official one."""
    text = {subject: yaml.dump(_meta(subject, "right", 0, [1])) for subject, _ in places}
    for subject, number in places:
        folder = _folder(root, subject, number)
        for serial in SERIALS:
            (folder / serial).mkdir(parents=True)
        (folder / "meta.yml").write_text(text[subject], encoding="utf-8")
    for subject in text:
        _write_betas(root, subject, "right", np.zeros(10))


def _meta(subject: int, side: Side, frames: int, ids: list[int]) -> dict[str, Any]:
    return {
        "serials": list(SERIALS),
        "num_frames": frames,
        "extrinsics": _EXTRINSICS,
        "ycb_ids": ids,
        "ycb_grasp_ind": 0,
        "mano_sides": [side],
        "mano_calib": [_calibration(subject, side)],
    }


def _write_frame(
    folder: Path, number: int, frame: FullFrame, camera: Camera, ids: list[int]
) -> None:
    save_image(folder / f"color_{number:06d}.jpg", frame.image)
    save_image(folder / f"aligned_depth_to_color_{number:06d}.png", millimetres(frame.depth))
    joints = dexycb_joints(frame.hand)
    homogeneous = joints @ camera.intrinsics.T
    pixels = homogeneous[:, :2] / homogeneous[:, 2:]
    poses = [np.column_stack([thing.rotation, thing.position]) for thing in frame.things]
    np.savez_compressed(
        folder / f"labels_{number:06d}.npz",
        seg=_segments(frame.labels, ids),
        pose_y=np.array(poses, np.float32),
        pose_m=hand_parameters(frame.hand)[None],
        joint_3d=joints[None].astype(np.float32),
        joint_2d=pixels[None].astype(np.float32),
    )


def _segments(labels: UInt8[np.ndarray, "H W"], ids: list[int]) -> UInt8[np.ndarray, "H W"]:
    """0, the number of a YCB object, or 255 for the hand; the forearm has no label."""
    values = np.zeros(FIRST_THING + len(ids), np.uint8)
    values[HAND] = _HAND_LABEL
    values[FIRST_THING:] = ids
    return values[labels]


def dexycb_joints(hand: PlacedHand) -> Float[np.ndarray, "21 3"]:
    """Common order; a left hand's middle fingertip is another vertex than a right one's."""
    joints = hand.joints.copy()
    tips = [finger[-1] for finger in FINGER_JOINTS.values()]
    joints[tips] = hand.vertices[list(FINGERTIPS["manopth"][hand.side])]
    return joints


def hand_parameters(hand: PlacedHand) -> Float[np.ndarray, "51"]:
    """pose_m: root axis-angle, 45 coefficients, translation.

    The fingers' angles are mean + components^T c, solved for c.
    """
    model = _hand_file(hand.side)
    components = model.hands_components.double().numpy()
    offsets = hand.fingers.ravel() - model.hands_mean.double().numpy()
    coefficients = np.linalg.solve(components.T, offsets)
    return np.concatenate([hand.root, coefficients, hand.translation]).astype(np.float32)


@lru_cache(maxsize=2)
def _hand_file(side: Side) -> HandModel:
    return shipped_hand() if side == "right" else load_hand(side="left")


def _quaternion_pose(thing: ThingPose) -> Float[np.ndarray, "7"]:
    """x, y, z, w of the rotation, then the position."""
    return np.concatenate([Rotation.from_matrix(thing.rotation).as_quat(), thing.position])


def _write_yaml(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.dump(content), encoding="utf-8")
