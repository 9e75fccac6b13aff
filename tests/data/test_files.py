"""Files of recorded data sets: what is wrong is named, and nothing in them is run."""

import numpy as np
import pytest
from mano_pickles import Global, Object, python2_pickle
from PIL import Image

from handlib.data.depth import read_ho3d_depth, read_millimetre_depth
from handlib.data.files import (
    DataFileError,
    array_of,
    read_annotation,
    read_image,
    read_npz,
    read_yaml,
)

EXTRINSICS = """
extrinsics:
  '836212060125': !!python/tuple [1.0, 0.0, 0.5]
  apriltag: !!python/tuple
  - 2.0
  - [3, 4]
master: '836212060125'
"""


def test_yaml_has_tuples(tmp_path):
    path = tmp_path / "extrinsics.yml"
    path.write_text(EXTRINSICS)
    assert read_yaml(path) == {
        "extrinsics": {"836212060125": (1.0, 0.0, 0.5), "apriltag": (2.0, [3, 4])},
        "master": "836212060125",
    }


@pytest.mark.parametrize(
    "text",
    [
        "a: !!python/object/apply:os.system ['touch marker']",
        "a: !!python/object/new:os.system ['touch marker']",
        "a: !!python/name:os.system",
        "a: !!python/module:os",
        "a: [1",
        "- 1",
        "\x00",
    ],
)
def test_other_yaml_is_refused(tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "meta.yml"
    path.write_text(text)
    with pytest.raises(DataFileError, match="meta.yml: expected"):
        read_yaml(path)
    assert not (tmp_path / "marker").exists()


def test_numbers_of_any_pickle_are_read(tmp_path):
    import pickle

    values = {"K": np.eye(3), "n": np.float32(2.5), "box": [np.int64(3), 4], "f": np.arange(6.0)}
    values["f"] = np.asfortranarray(values["f"].reshape(2, 3))
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        path = tmp_path / "0000.pkl"
        path.write_bytes(pickle.dumps(values, protocol))
        found = read_annotation(path, [*values, "absent"])
        assert found.keys() == values.keys()
        for key, value in values.items():
            np.testing.assert_array_equal(np.asarray(found[key], float), np.asarray(value, float))


@pytest.mark.parametrize("name", ["os system", "chumpy.ch Ch", "numpy load", "builtins eval"])
def test_a_pickle_that_names_more_is_refused(tmp_path, name):
    path = tmp_path / "0000.pkl"
    path.write_bytes(python2_pickle({"K": Object(Global(*name.split()), ("x",))}))
    with pytest.raises(DataFileError, match=f"0000.pkl: .*names {name.replace(' ', '.')}"):
        read_annotation(path, ["K"])


def test_npz(tmp_path):
    path = tmp_path / "labels.npz"
    np.savez(path, seg=np.zeros(3), odd=np.array([{}], object))
    assert read_npz(path, ["seg"])["seg"].shape == (3,)
    with pytest.raises(DataFileError, match="expected the arrays pose_m; found seg, odd"):
        read_npz(path, ["pose_m"])
    with pytest.raises(DataFileError, match="labels.npz: expected an .npz.*allow_pickle=False"):
        read_npz(path, ["odd"])
    path.write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(DataFileError, match="labels.npz: expected an .npz"):
        read_npz(path, ["seg"])


@pytest.mark.parametrize("value", [None, "text", [1, 2], [[1, 2, 3]], [1, 2, {}]])
def test_arrays_of_another_shape_are_named(tmp_path, value):
    with pytest.raises(DataFileError, match=r"'handTrans' with shape \(3,\), found"):
        array_of({"handTrans": value}, "handTrans", (3,), tmp_path / "0000.pkl")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e39])
def test_numbers_that_no_sample_can_hold_are_named(tmp_path, value):
    with pytest.raises(
        DataFileError, match=r"0000.pkl: expected finite numbers under 'handTrans'"
    ):
        array_of({"handTrans": [0.5, value, 1]}, "handTrans", (3,), tmp_path / "0000.pkl")
    largest = np.finfo(np.float32).max
    found = array_of({"handTrans": [-largest, 0, largest]}, "handTrans", (3,), tmp_path)
    assert found.tolist() == [-largest, 0, largest]


def test_images(tmp_path):
    path = tmp_path / "0000.png"
    with pytest.raises(FileNotFoundError, match="0000.png: expected an image"):
        read_image(path)
    Image.new("RGB", (64, 64), "red").save(path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataFileError, match="0000.png: expected an image, but"):
        read_image(path)


def test_depth_of_every_value(tmp_path):
    """All 16 bits survive, by either coding."""
    units = np.arange(2**16, dtype=np.uint32).reshape(256, 256)
    low, high = (units & 255).astype(np.uint8), (units >> 8).astype(np.uint8)
    Image.fromarray(np.stack([low, high, 0 * low], -1)).save(tmp_path / "two.png")
    found = read_ho3d_depth(tmp_path / "two.png")
    np.testing.assert_allclose(found, units * 0.00012498664727900177, rtol=1e-6)
    Image.fromarray(units.astype(np.uint16)).save(tmp_path / "one.png")
    np.testing.assert_allclose(
        read_millimetre_depth(tmp_path / "one.png"), units / 1000, rtol=1e-6
    )
    with pytest.raises(ValueError, match="two.png: expected a 16-bit image"):
        read_millimetre_depth(tmp_path / "two.png")
