"""Subsets: balanced by any measure, the same on every machine, frames found again by name."""

import json
import shutil
from collections import Counter, defaultdict
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from handlib.data import FPHA, HO3D, DexYCB, windows
from handlib.data.files import DataFileError
from handlib.data.subsets import balanced, draw_subset, named_frames, open_subset, read_subset
from handlib.data.subsets.draw import occlusion_bins
from handlib.data.subsets.subset_file import UNKNOWN
from handlib.training import single_frames
from handlib.training.data import DataConfig

from . import damage
from .videos import NumberedFrames


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("HANDLIB_CACHE", str(tmp_path_factory.mktemp("cache")))


def opened(tree, split="train", **options):
    options = {"crop": None, "mano": tree.root / "mano"} | options
    return HO3D(tree.root, split, tree.root.name, **options)


@st.composite
def many(draw):
    """Names of sequences' frames, and a bin for each."""
    lengths = draw(st.lists(st.integers(1, 30), min_size=1, max_size=6))
    names = [f"S{s}/{k:04d}" for s, length in enumerate(lengths) for k in range(length)]
    few = st.sampled_from("aaab" if draw(st.booleans()) else "abcd")
    bins = draw(st.lists(few, min_size=len(names), max_size=len(names)))
    return names, bins, draw(st.integers(1, len(names) + 5)), draw(st.integers(0, 99))


def is_level(taken, available):
    """No kind has two more than another that has some left."""
    spare = [taken[kind] for kind in available if taken[kind] < available[kind]]
    return not spare or max(taken.values()) - min(spare) <= 1


@given(many())
def test_bins_are_level_and_so_are_sequences_within_a_bin(case):
    names, bins, size, seed = case
    chosen = balanced(names, bins, size, seed).tolist()
    assert len(chosen) == len(set(chosen)) == min(size, len(names))
    assert is_level(Counter(bins[k] for k in chosen), Counter(bins))
    there, taken = defaultdict(Counter), defaultdict(Counter)
    for counts, places in ((there, range(len(names))), (taken, chosen)):
        for k in places:
            counts[bins[k]][names[k][:2]] += 1
    assert all(is_level(taken[one], there[one]) for one in taken)


@given(many(), st.randoms(use_true_random=False))
def test_the_draw_hangs_on_names_alone(case, chance):
    """Not on the order in which an index has them; and a larger draw holds the smaller."""
    names, bins, size, seed = case
    first = [names[k] for k in balanced(names, bins, size, seed)]
    order = list(range(len(names)))
    chance.shuffle(order)
    mixed, kinds = [names[k] for k in order], [bins[k] for k in order]
    assert [mixed[k] for k in balanced(mixed, kinds, size, seed)] == first
    assert [names[k] for k in balanced(names, bins, size + 3, seed)][:size] == first


def test_another_seed_draws_others_and_every_frame_has_its_chance():
    names = [f"S{s}/{k:04d}" for s in range(3) for k in range(20)]
    drawn = [tuple(balanced(names, ["a"] * 60, 6, seed).tolist()) for seed in range(200)]
    assert len(set(drawn)) == 200
    seen = Counter(k for one in drawn for k in one)
    assert len(seen) == 60 and max(seen.values()) < 45  # each 20 ± 4 times


def test_bins_are_those_of_the_tables():
    shares = np.array([0, 0.049, 0.05, 0.25, 0.4999, 0.75, 1, np.nan], np.float32)
    found = occlusion_bins(shares)
    assert found[:4] == ["0%-5%", "0%-5%", "5%-25%", "25%-50%"]
    assert found[4:] == ["25%-50%", "75%-100%", "75%-100%", UNKNOWN]


def test_a_draw_says_what_it_took(ho3d_tree):
    frames = opened(ho3d_tree)
    subset = draw_subset(frames, 5, seed=3)
    kind = (subset.data, subset.setup, subset.split, subset.seed, subset.size)
    assert kind == ("ho3d", ho3d_tree.root.name, "train", 3, 5)
    names = [frames.name(k) for k in range(8)]
    assert list(subset.frames) == [name for name in names if name in subset.frames]
    assert len(subset.frames) == 5 and subset.labelled == subset.pool == 8
    shares = {name: frames.occlusion(k) for k, name in enumerate(names)}
    assert len(set(shares.values())) > 4
    for row in subset.occlusion[:-1]:
        low, high = (float(edge.rstrip("%")) / 100 for edge in row.bin.split("-"))
        inside = {n for n, x in shares.items() if low <= x < high or x == high == 1}
        assert (row.available, row.taken) == (len(inside), len(inside & {*subset.frames}))
    assert subset.occlusion[-1].bin == UNKNOWN and subset.occlusion[-1].available == 0
    taken = Counter({row.bin: row.taken for row in subset.occlusion})
    assert is_level(taken, {row.bin: row.available for row in subset.occlusion})
    text = "\n".join(subset.lines())
    assert f"ho3d {ho3d_tree.root.name}, train: 5 of 8 labelled frames, seed 3" in text
    assert "not known" not in text and "4 sequences, frames of each: 1 to 2" in text


def test_a_new_index_and_another_folder_give_the_same_draw(
    ho3d_tree, tmp_path, monkeypatch, tmp_path_factory
):
    first = draw_subset(opened(ho3d_tree), 3)
    monkeypatch.setenv("HANDLIB_CACHE", str(tmp_path_factory.mktemp("other")))
    elsewhere = replace(
        ho3d_tree, root=damage.copy(ho3d_tree.root, tmp_path / ho3d_tree.root.name)
    )
    assert draw_subset(opened(elsewhere), 3) == first


def test_without_hands_every_frame_is_of_one_bin(ho3d_tree, dexycb_tree, fpha_tree):
    sets = [
        (opened(ho3d_tree, mano=None), 4),
        (opened(ho3d_tree, "evaluation"), 4),  # no poses there
        (DexYCB(dexycb_tree.root, "s0", "train", None), 8),
        (FPHA(fpha_tree.root, "train", crop=None), 1),
    ]
    for frames, sequences in sets:
        subset = draw_subset(frames, sequences)
        assert subset.occlusion[-1].taken == sequences and len(subset.frames) == sequences
        assert sum(row.available for row in subset.occlusion[:-1]) == 0
        assert "sequences alone are balanced" in "".join(subset.lines())
        assert len({name.rsplit("/", 1)[0] for name in subset.frames}) == sequences


def test_a_pool_is_looked_at_and_no_more(ho3d_tree, monkeypatch):
    frames, looked = opened(ho3d_tree), []
    occlusion = frames.occlusion
    monkeypatch.setattr(frames, "occlusion", lambda k: looked.append(k) or occlusion(k))
    subset = draw_subset(frames, 2, pool=4)
    assert len(looked) == subset.pool == 4 and subset.labelled == 8
    assert len({frames.name(k).split("/")[0] for k in looked}) == 4  # of every sequence
    assert {*subset.frames} <= {frames.name(k) for k in looked}
    assert "drawn from 4 of them" in next(subset.lines())
    with pytest.raises(ValueError, match="pool: expected at least the 5"):
        draw_subset(frames, 5, pool=4)
    with pytest.raises(ValueError, match="size: expected at least 1"):
        draw_subset(frames, 0)


def test_unlabelled_frames_are_never_drawn(ho3d_tree, tmp_path):
    root = damage.copy(ho3d_tree.root, tmp_path / ho3d_tree.root.name)
    name = opened(ho3d_tree).name(1)
    sequence, number = name.split("/")
    damage.unannotate(root / "train" / sequence / "meta" / f"{number}.pkl")
    frames = opened(replace(ho3d_tree, root=root))
    subset = draw_subset(frames, 100)
    assert len(subset.frames) == subset.labelled == 7 and name not in subset.frames
    with pytest.raises(DataFileError, match=f"labelled frames, found 1 .*{name}"):
        named_frames(frames, [name], "mine.json")


def same(one, other):
    """Whether two samples have equal tensors."""
    pairs = ((getattr(one, name), getattr(other, name)) for name in one.__dataclass_fields__)
    return all(
        same(a, b) if hasattr(a, "__dataclass_fields__")
        else torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b
        for a, b in pairs
    )  # fmt: skip


def test_frames_are_found_by_name_after_the_list_has_changed(ho3d_tree, tmp_path):
    path = tmp_path / "subset.json"
    whole = opened(ho3d_tree, crop="handoccnet", resolution=32, masks=True)
    draw_subset(whole, 4, seed=1).save(path)
    before = open_subset(path, whole)
    root = damage.copy(ho3d_tree.root, tmp_path / ho3d_tree.root.name)
    lost = next(n for n in map(whole.name, range(8)) if n not in read_subset(path).frames)
    lines = (root / "train.txt").read_text().splitlines()
    (root / "train.txt").write_text("\n".join(line for line in lines if line != lost))
    fewer = replace(ho3d_tree, root=root)
    after = open_subset(path, opened(fewer, crop="handoccnet", resolution=32, masks=True))
    assert before.indices != after.indices and len(after.dataset) == 7
    assert [after.name(k) for k in range(4)] == [before.name(k) for k in range(4)]
    assert all(same(before[k], after[k]) for k in range(4))
    assert after.occlusion(2) == before.occlusion(2) == after[2].occlusion
    gone = before.name(0)
    (root / "train.txt").write_text("\n".join(line for line in lines if line != gone))
    with pytest.raises(DataFileError, match=f"subset.json: field 'frames'.*1 .*{gone}"):
        open_subset(path, opened(fewer))


def test_all_sets_find_their_frames_again(dexycb_tree, fpha_tree, tmp_path):
    mano = dexycb_tree.root / "mano"
    for number, frames in enumerate(
        [
            DexYCB(dexycb_tree.root, "s0", "train", None, mano=mano),
            DexYCB(dexycb_tree.root, "s0", "test", None, mano=mano),
            FPHA(fpha_tree.root, "train", crop=None),
        ]
    ):
        path = tmp_path / f"{number}.json"
        subset = draw_subset(frames, len(frames) // 2)
        subset.save(path)
        assert read_subset(path) == subset
        few = open_subset(path, frames)
        assert [few.name(k) for k in range(len(few))] == list(subset.frames)
        assert all(same(few[k], frames[few.indices[k]]) for k in range(len(few)))
    with pytest.raises(ValueError, match="1.json: expected a subset of dexycb s0 train, found"):
        open_subset(tmp_path / "1.json", DexYCB(dexycb_tree.root, "s0", "train", None))


DAMAGES = {
    "data": "mano",
    "setup": "",
    "split": 3,
    "seed": "0",
    "size": -1,
    "labelled": None,
    "pool": 2.5,
    "count": True,
    "occlusion": [{"bin": "0%-5%", "available": 1, "taken": 2}],
    "frames": ["ABF10/0000", "ABF10/0000"],
}


@pytest.fixture
def file(ho3d_tree, tmp_path):
    path = tmp_path / "subset.json"
    draw_subset(opened(ho3d_tree, mano=None), 4).save(path)
    return path


@pytest.mark.parametrize("field", DAMAGES)
def test_a_damaged_field_is_named(file, field):
    values = json.loads(file.read_text())
    assert values.keys() == DAMAGES.keys()
    for changed in (
        {**values, field: DAMAGES[field]},
        {k: values[k] for k in values if k != field},
    ):
        file.write_text(json.dumps(changed))
        with pytest.raises(DataFileError, match=f"subset.json: field '{field}': expected"):
            read_subset(file)


def test_counts_that_do_not_fit_the_names_are_refused(file):
    values = json.loads(file.read_text())
    file.write_text(json.dumps(values | {"frames": values["frames"][:-1]}))
    with pytest.raises(DataFileError, match="field 'frames': expected 4 names.*found 3"):
        read_subset(file)
    rows = [*values["occlusion"][:-1], {"bin": UNKNOWN, "available": 8, "taken": 3}]
    file.write_text(json.dumps(values | {"occlusion": rows}))
    with pytest.raises(DataFileError, match="field 'occlusion': expected 4 frames.*found 3"):
        read_subset(file)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b"3"])
def test_what_is_no_subset_is_refused(tmp_path, content):
    path = tmp_path / "subset.json"
    with pytest.raises(FileNotFoundError, match=r"subset\.json: expected a subset's list"):
        read_subset(path)
    path.write_bytes(content)
    with pytest.raises(DataFileError, match=r"subset\.json: .*handlib data subset"):
        read_subset(path)


def test_a_file_is_replaced_only_when_told(file):
    subset, before = read_subset(file), file.read_bytes()
    other = replace(subset, seed=9)
    with pytest.raises(FileExistsError, match="subset.json: there is something already"):
        other.save(file)
    assert file.read_bytes() == before
    other.save(file, overwrite=True)
    assert read_subset(file).seed == 9
    assert [path.name for path in file.parent.iterdir()] == ["subset.json"]
    with pytest.raises(FileExistsError):
        other.save(file.parent, overwrite=True)


def test_windows_around_some_frames_have_neighbours_from_the_whole_video():
    valid = np.array([True] * 9 + [False] + [True] * 10)
    video = NumberedFrames(12, 8, valid=valid)
    whole = windows(video, 5, 2)
    few = whole.around([15, 3, 4, 8])
    assert few.centres.tolist() == [3, 4, 8, 15]
    by_centre = {int(c): whole.frames(k) for k, c in enumerate(whole.centres)}
    assert [few.frames(k) for k in range(4)] == [by_centre[c] for c in (3, 4, 8, 15)]
    assert [list(run) for run in few.runs()] == [[0, 1], [2], [3]]
    assert len(whole) == 19
    with pytest.raises(ValueError, match="valid frames of the video, found 9"):
        whole.around([3, 9])


def test_single_frames_of_windows_are_their_middles():
    video = NumberedFrames(6, 5)
    clips = windows(video, 3, 1)
    every = single_frames(clips.dataset)
    assert [w.frames for w in single_frames(clips)] == [w.frames for w in every]
    few = single_frames(clips.around([2, 9]))
    assert [w.frames for w in few] == [(2,), (9,)]


def test_a_configuration_takes_the_subset_for_its_own_split(ho3d_tree, tmp_path):
    version, paths = ho3d_tree.root.name, [tmp_path / "train.json", tmp_path / "test.json"]
    for path, split in zip(paths, ("train", "evaluation"), strict=True):
        draw_subset(opened(ho3d_tree, split), 2).save(path)
    names = read_subset(paths[0]).frames
    data = DataConfig("ho3d", 0, root=str(ho3d_tree.root), setup=version, subset=str(paths[0]))
    images = data.load("train", 32)
    assert [images.name(k) for k in range(len(images))] == list(names)
    assert len(data.load("val", 32)) == 4 and len(data.load("train", 32, 1)) == 1
    clips = replace(data, gap=1).load("train", 32)
    assert [clips.dataset.name(k) for k in clips.centres.tolist()] == list(names)
    assert len(clips.dataset) == 8
    judged = replace(data, subset=str(paths[1]))
    assert len(judged.load("test", 32)) == 2
    with pytest.raises(ValueError, match="test.json: expected a subset of .* train, found"):
        judged.load("train", 32)
    with pytest.raises(ValueError, match="subset: synthetic"):
        DataConfig(subset=str(paths[0])).load("train", 32)
    shutil.rmtree(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"train\.json"):
        data.load("train", 32)
