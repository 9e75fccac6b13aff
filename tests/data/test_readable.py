"""Frames that cannot be read: counted once by all processes, replaced by rule, never scored."""

import copy
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from handlib.data import FPHA, HO3D, DexYCB, collate, readable, valid_frames, windows
from handlib.data.dexycb_files import intrinsics_of
from handlib.data.files import DataFileError
from handlib.data.fpha_index import read_skeleton
from handlib.data.readable import SkippingSet, skip_note
from handlib.training.data import DataConfig

from . import damage
from .test_windows import slow_window
from .videos import NumberedFrames

MOST_SUBJECTS = ("*-subject-02", "*-subject-0[4-9]", "*-subject-10")


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("HANDLIB_CACHE", str(tmp_path_factory.mktemp("cache")))


class Holes(SkippingSet):
    """Numbered frames, some of which cannot be read; it notes which it was asked for."""

    root = Path("holes")

    def __init__(self, lengths, broken, valid=None, on_error="skip"):
        self.video = NumberedFrames(*lengths)
        self.sequences, self.broken = self.video.sequences, set(broken)
        self.valid = np.ones(len(self.video), bool) if valid is None else valid
        self.on_error, self.asked = on_error, []
        self._begin()

    def name(self, index):
        return f"frame {index}"

    def _read(self, index):
        self.asked.append(index)
        if index in self.broken:
            raise DataFileError(f"{index}.png: broke off.")
        return self.video[index]


@st.composite
def holes(draw):
    lengths = draw(st.lists(st.integers(1, 12), min_size=1, max_size=4))
    flags = st.lists(st.booleans(), min_size=sum(lengths), max_size=sum(lengths))
    valid, broken = np.array(draw(flags)), np.flatnonzero(draw(flags)).tolist()
    return lengths, valid, broken


def shown(data, index):
    return int(data[index].translation[0])


@given(holes(), st.randoms(use_true_random=False))
def test_stand_ins_follow_the_rule_in_any_order(case, random):
    """The best frame by a key, over all frames, whatever was read before."""
    lengths, valid, broken = case
    data = Holes(lengths, broken, valid)
    order = list(range(len(data)))
    random.shuffle(order)

    def preference(index, other):
        own = next(frames for frames in data.sequences if index in frames)
        if other in own:
            return (0, other) if other >= index else (1, -other)
        return (2, other) if other > index else (3, other)

    fine = [k for k in range(len(data)) if valid[k] and k not in broken]
    for index in order:
        if index not in broken:
            assert shown(data, index) == index == data.stand_in(index)
        elif fine:
            best = min(fine, key=lambda other: preference(index, other))
            assert shown(data, index) == best == data.stand_in(index)
        else:
            with pytest.raises(DataFileError, match=f"frame {index}: {index}.png: broke off"):
                data[index]
    assert [data.readable(k) for k in order] == [k not in broken for k in order]
    assert data.skipped == len(broken)


@given(holes(), st.integers(1, 7), st.integers(1, 4))
def test_a_window_ends_at_an_unreadable_frame_as_at_an_invalid_one(case, length, gap):
    lengths, valid, broken = case
    data = Holes(lengths, broken, valid)
    usable = valid & ~np.isin(np.arange(len(valid)), broken)
    made = windows(data, length, gap)
    assert made.centres.tolist() == np.flatnonzero(valid).tolist()
    if not usable.any():
        return
    for number, centre in enumerate(made.centres.tolist()):
        middle = data.stand_in(centre)
        own = next(frames for frames in data.sequences if middle in frames)
        window = made[number]
        assert window.frames == slow_window(own, usable, middle, length, gap)
        assert [int(sample.translation[0]) for sample in window.samples] == list(window.frames)
        due = [middle + (k - length // 2) * gap for k in range(length)]
        assert window.repeated == tuple(np.array(window.frames) != due)


def test_a_frame_that_is_known_to_be_broken_is_not_tried_again():
    data = Holes([5], {1, 2})
    assert [shown(data, 1) for _ in range(3)] == [3, 3, 3]
    assert data.asked.count(1) == data.asked.count(2) == 1
    assert data.skipped_frames() == [f"frame {k}: {k}.png: broke off." for k in (1, 2)]
    assert data.skipped_frames(1) == ["frame 1: 1.png: broke off."]
    data.broken.clear()
    assert "can be by now" in data.skipped_frames(1)[0] and shown(data, 1) == 3


def test_a_frame_that_was_read_before_is_not_skipped():
    """What `readable` said of it holds: else a stand-in might be scored."""
    data = Holes([5], ())
    assert data.readable(1)
    data.broken.add(1)
    with pytest.raises(DataFileError, match="1.png: broke off"):
        data[1]
    assert data.readable(1) and data.skipped == 0


def test_by_default_the_error_is_raised():
    data = Holes([5], {1}, on_error="raise")
    with pytest.raises(DataFileError, match="1.png: broke off"):
        data[1]
    assert data.readable(1) and data.skipped == 0 and data.skipped_frames() == []
    assert data.asked == [1]  # `readable` does not look
    with pytest.raises(DataFileError, match="1.png"):
        windows(data, 3, 1)[2]


def test_only_so_many_frames_are_tried(monkeypatch):
    monkeypatch.setattr(readable, "TRIES", 4)
    data = Holes([9], {2, 3, 4, 5})
    with pytest.raises(DataFileError, match=r"frame 2: 2.png.*of the 4 that.*data check holes"):
        data[2]
    assert data.skipped == 4 and shown(data, 3) == 6
    with pytest.raises(DataFileError, match="of the 4 that"):  # whatever is known by now
        data[2]


def test_what_is_no_fault_of_a_file_is_raised(dexycb_tree, tmp_path):
    """A frame without labels cannot be cut out, and a wrong index is the caller's."""
    root = damage.copy(dexycb_tree.root, tmp_path / "dexycb", *MOST_SUBJECTS)
    damage.unlabel(min(root.glob("20200820-subject-03/*_140000/*/labels_000000.npz")))
    data = DexYCB(root, "s0", "train", partial=True, on_error="skip")
    assert not data.valid[0]
    with pytest.raises(ValueError, match="000000: this frame has no labels"):
        data[0]
    with pytest.raises(IndexError, match="index 16 of a set of 16"):
        data[16]
    assert data.skipped == 0


def test_copies_keep_their_count():
    data = Holes([5], {1, 2})
    assert shown(data, 1) == 3
    for other in (pickle.loads(pickle.dumps(data)), copy.deepcopy(data)):
        assert other.skipped == 2 and shown(other, 0) == 0
        other.broken.add(4)
        assert shown(other, 4) == 3
        assert other.skipped == 3 and data.skipped == 2


def ho3d(tree, tmp_path):
    """A tree whose training frames are broken in four ways; one of each camera is left."""
    root = damage.copy(tree.root, tmp_path / tree.root.name)
    folder, suffix = root / "train", "png" if root.name == "v2" else "jpg"
    damage.truncate(folder / "SynA10" / "rgb" / f"0000.{suffix}")
    (folder / "SynA10" / "rgb" / f"0001.{suffix}").unlink()
    joints = np.full((21, 3), 0.5)
    joints[4, 1] = np.nan
    damage.change_meta(folder / "SynA11" / "meta" / "0000.pkl", handJoints3D=joints)
    damage.truncate(folder / "SynA11" / "meta" / "0002.pkl")
    return root


@pytest.mark.parametrize("workers, start", [(0, None), (2, "fork"), (1, "spawn")])
def test_ho3d(ho3d_tree, tmp_path, workers, start):
    if start == "spawn" and ho3d_tree.root.name == "v3":
        pytest.skip("as with v2, and slow to start")
    root = ho3d(ho3d_tree, tmp_path)
    whole = HO3D(ho3d_tree.root, "train", root.name, resolution=32)
    data = HO3D(root, "train", root.name, resolution=32, on_error="skip")
    names = [data.name(k) for k in range(8)]
    assert names == [whole.name(k) for k in range(8)] and data.valid.all()
    assert names[:6] == [f"SynA1{camera}/000{k}" for camera in (0, 1) for k in range(3)]
    instead = [2, 2, 2, 4, 4, 4, 6, 7]
    loader = DataLoader(
        data, 3, num_workers=workers, multiprocessing_context=start, collate_fn=collate
    )
    for _ in range(2):  # a second look counts nothing anew
        found = torch.cat([batch.image for batch in loader])
        assert torch.equal(found, torch.stack([whole[k].image for k in instead]))
        assert data.skipped == 4
    lines = data.skipped_frames()
    files = ["rgb/0000", "rgb/0001", "meta/0000.pkl", "meta/0002.pkl"]
    for line, index, file in zip(lines, (0, 1, 3, 5), files, strict=True):
        assert line.startswith(f"{names[index]}: ") and file in line
    assert "finite numbers under 'handJoints3D', found nan" in lines[2]
    assert [data.readable(k) for k in range(8)] == [k == other for k, other in enumerate(instead)]
    assert skip_note(valid_frames(data)).count("\n") == 4


def test_an_index_made_while_skipping_serves_both(ho3d_tree, tmp_path):
    """An annotation that could not be read is looked at whenever the set is opened."""
    root = ho3d(ho3d_tree, tmp_path)
    name = "train/SynA11/meta/0002.pkl"
    for _ in range(2):
        assert HO3D(root, "train", root.name, on_error="skip").valid[5]
        with pytest.raises(DataFileError, match=r"0002\.pkl: expected a pickled"):
            HO3D(root, "train", root.name)
    (root / name).write_bytes((ho3d_tree.root / name).read_bytes())
    damage.unannotate(root / name)
    for mode in ("raise", "skip"):
        data = HO3D(root, "train", root.name, on_error=mode)
        assert np.flatnonzero(~data.valid).tolist() == [5]
    with pytest.raises(ValueError, match="on_error: expected one of raise, skip, found 'ignore'"):
        HO3D(root, "train", root.name, on_error="ignore")


def test_dexycb(dexycb_tree, tmp_path):
    root = damage.copy(dexycb_tree.root, tmp_path / "dexycb", *MOST_SUBJECTS)
    options = {"resolution": 32, "mano": root / "mano", "partial": True}
    whole = DexYCB(root, "s0", "train", **options)
    assert len(whole) == 16  # two frames by each of eight cameras
    folder = root / whole.name(0).rsplit("/", 2)[0]
    cameras = sorted(path for path in folder.iterdir() if path.is_dir())
    (cameras[0] / "labels_000000.npz").unlink()
    damage.truncate(cameras[1] / "labels_000001.npz")
    pose = np.full((1, 51), 0.1, np.float32)
    pose[0, 7] = np.inf
    damage.change_labels(cameras[2] / "labels_000000.npz", pose_m=pose)
    damage.truncate(cameras[3] / "color_000001.jpg")
    own = whole[1], whole[2], whole[5], whole[6]
    (folder / "meta.yml").touch()  # else the index of the whole tree would serve
    with pytest.raises(FileNotFoundError, match="labels_000000.npz"):
        DexYCB(root, "s0", "train", **options)
    data = DexYCB(root, "s0", "train", **options, on_error="skip")
    for index, sample in zip((0, 3, 4, 7), own, strict=True):
        assert torch.equal(data[index].image, sample.image)
        assert torch.equal(data[index].joints, sample.joints)
    assert data.skipped == 4
    assert "finite numbers under 'pose_m', found inf" in data.skipped_frames()[2]
    # What all frames of a camera need is no reason to skip them.
    (root / "calibration" / "intrinsics" / f"{cameras[5].name}_640x480.yml").unlink()
    intrinsics_of.cache_clear()
    with pytest.raises(FileNotFoundError, match="expected a camera's intrinsics"):
        DexYCB(root, "s0", "train", **options, on_error="skip")


def test_fpha(fpha_tree, tmp_path):
    root = damage.copy(fpha_tree.root, tmp_path / "fpha")
    images = sorted((root / "Video_files").rglob("Subject_1/**/*.jpeg"))
    sample = FPHA(root, "train", resolution=32)[0]
    damage.truncate(images[1])
    data = FPHA(root, "train", resolution=32, on_error="skip")
    assert torch.equal(data[1].image, sample.image) and data.skipped == 1
    images[0].unlink()
    broken = FPHA(root, "train", on_error="skip")
    with pytest.raises(DataFileError, match="none of the 2 that were tried"):
        broken[0]
    assert broken.skipped == 2


def test_numbers_of_whole_sequences_are_finite(fpha_tree, ho3d_tree, tmp_path):
    lines = [" ".join([str(k), *["0.5"] * 63]) for k in range(3)]
    (tmp_path / "skeleton.txt").write_text("\n".join(lines).replace("2 0.5", "2 nan"))
    with pytest.raises(DataFileError, match=r"skeleton.txt: expected finite.*line of frame 2"):
        read_skeleton(tmp_path / "skeleton.txt")
    root = damage.copy(ho3d_tree.root, tmp_path / ho3d_tree.root.name)
    truth = json.loads((root / "evaluation_xyz.json").read_text())
    truth[1][3][2] = float("inf")
    (root / "evaluation_xyz.json").write_text(json.dumps(truth))
    with pytest.raises(DataFileError, match=r"xyz.json: expected finite numbers.* for frame 1 "):
        HO3D(root, "evaluation", root.name)


@pytest.mark.parametrize("gap", [0, 1])
def test_splits_to_score_leave_them_out(ho3d_tree, tmp_path, gap):
    root = ho3d(ho3d_tree, tmp_path)
    boxes = sorted((root / "evaluation").glob("*/meta/*.pkl"))
    damage.change_meta(boxes[2], handBoundingBox=[1.0, 2.0, np.nan, 4.0])
    config = DataConfig("ho3d", 0, gap=gap, root=str(root), setup=root.name, skip_broken=True)
    train, val = config.load("train", 32), config.load("val", 32)
    assert len(train) == 8 and len(val) == 3
    frames = val.centres if gap else val.indices
    assert [val.dataset.readable(int(k)) for k in range(4)] == [k in frames for k in range(4)]
    assert val.dataset.skipped == 1
    for path in boxes:
        damage.truncate(path)
    with pytest.raises(DataFileError, match=r"expected frames to score, but none of 4.*0000.pkl"):
        config.load("test", 32)
