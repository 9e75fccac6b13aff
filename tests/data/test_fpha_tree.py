"""The written FPHA, read as its description says: world millimetres, beside the colour camera."""

import numpy as np

from .scenes import scene_meshes
from .seen import green_pixels, hand_depth, mesh_depth, overlap, pixels

COLOUR = np.array([[1395.749023, 0, 935.732544], [0, 1395.749268, 540.681030], [0, 0, 1]])
DEPTH = np.array([[475.065948, 0, 315.944855], [0, 475.065857, 245.287079], [0, 0, 1]])
# The published matrix, world to colour camera, millimetres.
TO_COLOUR = np.array(
    [
        [0.999988496304, -0.00468848412856, 0.000982563360594, 25.7],
        [0.00469115935266, 0.999985218048, -0.00273845880292, 1.22],
        [-0.000969709653873, 0.00274303671904, 0.99999576807, 3.902],
        [0, 0, 0, 1],
    ]
)
# Wrist; bases of thumb .. little; then three more joints of each finger.
COMMON = [0, 1, 6, 7, 8, 2, 9, 10, 11, 3, 12, 13, 14, 4, 15, 16, 17, 5, 18, 19, 20]


def split(root):
    """Paths and class numbers of both parts."""
    parts, part = {"Training": [], "Test": []}, None
    for line in (root / "data_split_action_recognition.txt").read_text().splitlines():
        if line.split()[0] in parts:
            part = parts[line.split()[0]]
            count = int(line.split()[1])
            assert count > 0
        else:
            path, number = line.split()
            part.append((path, int(number)))
    return parts


def takes(tree):
    paths = [path for part in split(tree.root).values() for path, _ in part]
    yield from zip(paths, tree.recordings, strict=True)


def rows(tree, path, folder="Hand_pose_annotation_v1", name="skeleton.txt"):
    return np.loadtxt(tree.root / folder / path / name, ndmin=2)


def to_colour(points):
    """World millimetres to metres before the colour camera."""
    return (TO_COLOUR @ np.column_stack([points, np.ones(len(points))]).T).T[:, :3] / 1000


def test_split_and_counts(fpha_tree):
    parts = split(fpha_tree.root)
    assert [len(part) for part in parts.values()] == [1, 1]
    for path, recording in takes(fpha_tree):
        subject, action, repetition = path.split("/")
        info = (fpha_tree.root / "Subjects_info" / f"{subject}_info.txt").read_text().splitlines()
        listed = [line.split() for line in info[3:]]
        assert [action, repetition, str(recording.length)] in listed
        colours = sorted((fpha_tree.root / "Video_files" / path / "color").iterdir())
        assert [file.name for file in colours] == [
            f"color_{k:04d}.jpeg" for k in range(recording.length)
        ]
        assert pixels(colours[0]).shape == (1080, 1920, 3)
        assert rows(fpha_tree, path).shape == (recording.length, 64)
        assert list(rows(fpha_tree, path)[:, 0]) == list(range(recording.length))


def test_joints_are_the_scenes(fpha_tree):
    for path, recording in takes(fpha_tree):
        for k, row in enumerate(rows(fpha_tree, path)):
            joints = to_colour(row[1:].reshape(21, 3)[COMMON])
            np.testing.assert_allclose(joints, recording.moment(k)[1].joints, atol=1e-6)


def test_images_show_the_hand_at_the_joints(fpha_tree):
    """Colour and depth, each through its own camera; the mesh is the scene's."""
    for path, recording in takes(fpha_tree):
        for k, row in enumerate(rows(fpha_tree, path)):
            vertices = recording.moment(k)[1].vertices[:778].astype(float)
            video = fpha_tree.root / "Video_files" / path
            depth = pixels(video / "depth" / f"depth_{k:04d}.png") / 1000
            world = (1000 * vertices - TO_COLOUR[:3, 3]) @ TO_COLOUR[:3, :3] / 1000
            hand = hand_depth(world, False, DEPTH, (480, 640))
            near = np.abs(depth - hand) < 0.002
            hidden = (depth > 0) & (depth < hand)
            assert (near | hidden)[np.isfinite(hand)].all()
            assert near.sum() > 1000
            wrist = row[1:4] / 1000
            u, v, w = DEPTH @ wrist
            assert abs(depth[round(v / w), round(u / w)] - wrist[2]) < 0.06
            image = green_pixels(video / "color" / f"color_{k:04d}.jpeg")
            _, rest = scene_meshes(recording.moment(k)[0])
            colour = hand_depth(vertices, False, COLOUR, image.shape)
            shown = colour < mesh_depth(rest, COLOUR, image.shape)
            assert shown.sum() > 5000 and overlap(image, shown) > 0.97


def test_objects_in_the_world(fpha_tree):
    for path, recording in takes(fpha_tree):
        found = rows(fpha_tree, path, "Object_6D_pose_annotation_v1", "object_pose.txt")
        for k, row in enumerate(found):
            assert row[0] == k
            pose = row[1:].reshape(4, 4).T
            placed = recording.moment(k)[0].things[0]
            corners = placed.thing.mesh.vertices.astype(float)
            world = 1000 * corners @ pose[:3, :3].T + pose[:3, 3]
            truth = corners @ placed.rotation.T + placed.position
            np.testing.assert_allclose(to_colour(world), truth, atol=2e-6)
