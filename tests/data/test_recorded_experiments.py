"""Experiments on written trees of HO-3D and DexYCB: what they say of networks that are at hand."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation
from typer.testing import CliRunner

from handlib import cli, cli_experiment
from handlib.data import HO3D, windows
from handlib.data.files import DataFileError
from handlib.data.sequence_batch import collate_windows
from handlib.evaluation.recorded import frames_of, predict_recorded
from handlib.experiments import (
    confidence,
    course_recipe,
    image_study,
    parts,
    reach,
    recorded,
    study,
)
from handlib.experiments.catalogue import EXPERIMENTS
from handlib.experiments.recorded import RecordedTest, asked, excerpts, open_clips, open_images
from handlib.experiments.starts import Start
from handlib.models import DeformerConfig, HandOccNetConfig
from handlib.training import TrainConfig, evaluate, mean_pose_baseline
from handlib.training.data import DataConfig

from . import damage

NETWORK = replace(
    HandOccNetConfig.course(), image_size=32, channels=8, heads=2, depth=1, head_widths=(16, 16)
)
FEW = replace(
    TrainConfig.course(),
    images=32,
    batch_size=4,
    warmup_images=0,
    average=0.0,  # or networks of few steps would all be as they began
    loss=replace(TrainConfig.course().loss, mask=0.0),  # recorded frames have no masks here
)
ONE_VERSION = pytest.mark.parametrize("ho3d_tree", ["v2"], indirect=True)
PARTS = replace(
    parts.STUDY,
    variants={name: parts.STUDY.variants[name] for name in ("backbone", "handoccnet")},
)
PAIRS = ("local_backbone", "local_fit", "no_hourglass_backbone", "no_hourglass_handoccnet")
REACH = replace(
    reach.STUDY,
    bases={name: reach.STUDY.bases[name] for name in ("local", "no_hourglass")},
    variants={name: reach.STUDY.variants[name] for name in PAIRS},
)
SECOND = replace(TrainConfig.deformer_course(), images=8, batch_size=4, warmup_images=0)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def small(monkeypatch, cache, small_deformer):
    """Networks that learn in milliseconds, and steps that clips of three frames can take."""
    monkeypatch.setenv("HANDLIB_CACHE", str(cache))
    start = small_deformer(frozen="frames", identity_pose=True, image_size=32)
    monkeypatch.setattr(HandOccNetConfig, "course", classmethod(lambda cls: NETWORK))
    monkeypatch.setattr(DeformerConfig, "course", classmethod(lambda cls: start.config))
    monkeypatch.setattr(recorded, "STEP", 1)
    monkeypatch.setattr(study, "begin", lambda *arguments: Start(start, 0.1, False))
    monkeypatch.setattr(study, "SyntheticHands", lambda split, size: "stills")
    monkeypatch.setattr(image_study, "map_scores", lambda *arguments: {})  # needs masks
    monkeypatch.setattr(image_study, "joint_errors", nothing_hidden)


def nothing_hidden(model, data):
    """For frames without masks."""
    return dict.fromkeys(("hidden", "visible"), torch.full((len(data),), torch.nan))


@pytest.fixture
def untold(ho3d_tree, tmp_path):
    """HO-3D without the truth of its evaluation."""
    root = damage.copy(ho3d_tree.root, tmp_path / "untold")
    (root / "evaluation_xyz.json").unlink()
    return f"ho3d-{ho3d_tree.root.name}={root}"


@pytest.fixture
def sets(ho3d_tree, dexycb_tree):
    """Four stills of two recordings; a left hand by eight cameras."""
    version = ho3d_tree.root.name
    return asked([f"ho3d-{version}={ho3d_tree.root}", f"dexycb={dexycb_tree.root}"])


@pytest.fixture
def taught(dexycb_tree, monkeypatch):
    """DexYCB's frames to learn from, in the place of synthetic ones: 16 of a right hand."""
    stills = open_train(dexycb_tree, 0)
    clips = open_train(dexycb_tree, 1, [range(8), range(8, 16)])
    for module in (image_study, course_recipe):
        monkeypatch.setattr(module, "SyntheticHands", lambda split, size: stills)
    monkeypatch.setattr(study, "SyntheticSequences", lambda split, size: clips)
    return stills


def open_train(tree, gap, sequences=()):
    data = DataConfig("dexycb", 0, gap=gap, root=str(tree.root)).load("train", 32)
    return RecordedTest(*frames_of(data), sequences)


def read(path):
    return json.loads(path.read_text(), parse_constant=pytest.fail)


def aligned_error(points, truth):
    """Procrustes by SciPy, which turns and never mirrors: metres."""
    points, truth = points - points.mean(0), truth - truth.mean(0)
    turn, _ = Rotation.align_vectors(truth, points)
    turned = turn.apply(points)
    scale = (turned * truth).sum() / (turned**2).sum()
    return np.linalg.norm(scale * turned - truth, axis=1).mean()


def errors(joints, truth):
    """Root-aligned and Procrustes, millimetres of each frame, one after the other."""
    both = np.asarray(joints, float), np.asarray(truth, float)
    pairs = list(zip(*both, strict=True))
    rooted = [np.linalg.norm((p - p[0]) - (t - t[0]), axis=1).mean() for p, t in pairs]
    return 1000 * np.array(rooted), 1000 * np.array([aligned_error(p, t) for p, t in pairs])


def without(result):
    """What a file holds that has nothing to do with recorded sets or the clock."""
    gone = {"recorded", "minutes", "command"}
    runs = [{k: v for k, v in row.items() if k not in gone} for row in result["runs"]]
    return {k: v for k, v in result.items() if k not in gone} | {"runs": runs}


@pytest.fixture
def trained(monkeypatch):
    """The networks of image studies by name, without the backbones that they begin with."""
    networks, begin = {}, image_study.ImageStudy.begin_from

    def keep(chosen, start, name, seed):
        return networks.setdefault(name, begin(chosen, start, name, seed))

    monkeypatch.setattr(image_study.ImageStudy, "begin_from", keep)
    return networks


@ONE_VERSION
@pytest.mark.parametrize("chosen", [PARTS, REACH], ids=["parts", "reach"])
def test_image_studies_score_what_their_networks_say(chosen, sets, taught, trained, tmp_path):
    options = {"seeds": 1, "size": 8, "test_size": 8, "first": FEW, "second": FEW}
    images = {name: open_images(config) for name, config in sets.items()}
    chosen.run(tmp_path / "a", **options, recorded=images)
    networks = dict(trained)
    trained.clear()
    chosen.run(tmp_path / "b", **options)
    result, plain = (read(tmp_path / name / f"{chosen.name}.json") for name in "ab")
    assert "recorded" not in plain and without(result) == without(plain)
    ho3d, dexycb = result["recorded"].values()
    assert (ho3d["split"], ho3d["frames"], ho3d["recordings"]) == ("evaluation", 4, 2)
    assert (dexycb["split"], dexycb["frames"], dexycb["recordings"]) == ("test", 8, 1)
    found = {}
    for row in result["runs"]:
        for name, config in sets.items():
            hands = predict_recorded(networks[row["network"]], config.load("test", 32))
            rooted, turned = errors(hands.joints, hands.gt_joints)
            told = found[row["network"], name] = row["recorded"][name]
            assert told["root_aligned"] == pytest.approx(rooted.mean(), abs=0.006)
            assert told["procrustes"] == pytest.approx(turned.mean(), abs=0.006)
            assert told["gain"]["all"]["images"] == len(rooted)
            if hands.occlusion is None:
                assert told["by_occlusion"] == [] and told["gain"]["hidden"]["mean"] is None
                continue
            for bin in told["by_occlusion"]:
                inside = (hands.occlusion >= bin["low"]) & (hands.occlusion < bin["high"])
                assert bin["count"] == int(inside.sum())
                if bin["count"]:
                    mean = rooted[inside.numpy()].mean()
                    assert bin["root_aligned"] == pytest.approx(mean, abs=0.006)
    for (network, name), told in found.items():
        beside = result["beside"][network]
        less = found[beside, name]["root_aligned"] - told["root_aligned"]
        assert told["gain"]["all"]["mean"] == pytest.approx(less, abs=0.02)
        if network == beside:
            assert told["gain"]["all"]["interval"] == [0, 0]
        else:
            assert less


def frame_by_frame(model, clips):
    """A network's hands from the images themselves, one window at a time; the true ones."""
    shown, found, true = windows(clips, 7, 1), [], []
    with torch.inference_mode():
        for window in shown:
            batch = collate_windows([window])
            left = batch.left if batch.left.any() else None
            hands = model.eval()(batch.image, batch.boxes, left, batch.occlusion)
            found.append(hands.fused_joints[0].numpy())
            true.append(window.samples[3].joints.numpy())
    return np.array(found), np.array(true)


@ONE_VERSION
def test_a_study_scores_what_its_networks_say_of_each_frame(sets, untold, taught, tmp_path):
    """HO-3D without truth by its clips of three frames, DexYCB by left hands as they are."""
    models = []

    def keep(judged):
        models.append(judged.model)
        return {}

    sets = {"ho3d": asked([untold]).popitem()[1], "dexycb": sets["dexycb"]}
    few = {name: confidence.STUDY.variants[name] for name in ("deformer", "occlusion_weighted")}
    chosen = replace(confidence.STUDY, variants=few, measure=keep)
    options = {"seeds": 1, "clips": 2, "test_clips": 2, "second": SECOND}
    clips = {name: open_clips(config) for name, config in sets.items()}
    chosen.run(tmp_path / "a", **options, recorded=clips)
    networks = dict(zip(few, models, strict=True))
    chosen.run(tmp_path / "b", **options)
    result, plain = (read(tmp_path / name / "confidence.json") for name in "ab")
    assert "recorded" not in plain and without(result) == without(plain)
    about = result["recorded"]["ho3d"]
    assert about["split"] == "train" and about["rendered"] and about["frames"] == 8
    assert result["command"] == "handlib experiment confidence --data ho3d --data dexycb"
    rows = {row["network"]: row["recorded"] for row in result["runs"]}
    assert rows["occlusion_weighted"]["ho3d"] is None  # nothing is known to weigh by
    assert {sample.side for sample in clips["dexycb"]} == {"left"}
    for network, data in (
        ("deformer", "ho3d"),
        ("deformer", "dexycb"),
        ("occlusion_weighted", "dexycb"),
    ):
        told = rows[network][data]
        joints, truth = frame_by_frame(networks[network], clips[data])
        rooted, turned = errors(joints, truth)
        assert told["root_aligned"] == pytest.approx(rooted.mean(), abs=0.006)
        assert told["procrustes"] == pytest.approx(turned.mean(), abs=0.006)
        assert told["gain_all"]["frames"] == len(rooted)
        assert sum(row["count"] for row in told["by_occlusion"]) in (0, len(rooted))
    moved = [
        np.diff((points - points[:, :1])[run.start : run.stop], 2, axis=0)
        for points in frame_by_frame(networks["deformer"], clips["ho3d"])
        for run in clips["ho3d"].sequences
        if len(run) == 3
    ]
    pairs = zip(moved[:2], moved[2:], strict=True)
    apart = [np.linalg.norm(found - true, axis=-1).mean() for found, true in pairs]
    told = rows["deformer"]["ho3d"]
    assert told["acceleration"] == pytest.approx(1000 * np.mean(apart), abs=0.006)
    assert told["gain_acceleration"]["frames"] == 2
    assert "acceleration" not in rows["deformer"]["dexycb"]  # single frames


@ONE_VERSION
def test_the_course_recipe_beside_the_mean_pose(sets, taught, tmp_path, hand):
    images = {name: open_images(config) for name, config in sets.items()}
    course_recipe.run(tmp_path, seeds=1, recipe=FEW, recorded=images)
    (row,) = read(tmp_path / "course_recipe.json")["runs"]
    guess = mean_pose_baseline(taught, hand)
    for name, config in sets.items():
        told, mean = row["recorded"][name], evaluate(guess, config.load("test", 32)).means()
        expected = told["root_aligned"] / (1000 * mean["root_aligned"])
        assert told["ratio"]["root_aligned"] == pytest.approx(expected, abs=0.001)


class Film:
    """Sequences of frames without pictures."""

    def __init__(self, lengths, lost):
        ends = np.cumsum([0, *lengths]).tolist()
        self.sequences = [range(a, b) for a, b in zip(ends[:-1], ends[1:], strict=True)]
        self.valid = np.ones(ends[-1], bool)
        self.valid[list(lost)] = False

    def __getitem__(self, index):
        raise AssertionError("nobody reads a frame to choose it")


@pytest.mark.parametrize("size", [1, 100, 10_000])
def test_excerpts_are_steps_through_labelled_frames(monkeypatch, size):
    monkeypatch.setattr(recorded, "STEP", 3)
    film = Film([250, 7, 1, 400], lost=[100, 300, 301])
    chosen = excerpts(windows(film, 7, 1), size)
    frames = [k for piece in chosen for k in piece.tolist()]
    assert len(frames) == len(set(frames)) and frames == sorted(frames)
    for piece in chosen:
        first, last = int(piece[0]), int(piece[-1])
        assert piece.tolist() == list(range(first, last + 1, 3)) and len(piece) <= 32
        assert any(first in one and last in one for one in film.sequences)
        assert film.valid[first : last + 1].all()
    again = excerpts(windows(film, 7, 1), size)
    assert [piece.tolist() for piece in again] == [piece.tolist() for piece in chosen]
    if size == 10_000:  # all there is: every third frame
        assert len(frames) == pytest.approx(film.valid.sum() / 3, rel=0.05)
    else:
        assert size <= len(frames) < size + 32


def call(*words):
    return CliRunner().invoke(cli.app, ["experiment", *map(str, words)])


@ONE_VERSION
def test_what_cannot_be_scored_on_is_refused_before_anything_is_trained(
    ho3d_tree, tmp_path, monkeypatch
):
    monkeypatch.delenv("HANDLIB_HO3D", raising=False)
    for name, experiment in EXPERIMENTS.items():
        run = replace(experiment, run=lambda *a, **k: pytest.fail("trained"))
        monkeypatch.setitem(EXPERIMENTS, name, run)
    version = ho3d_tree.root.name
    broken = damage.copy(ho3d_tree.root, tmp_path / "broken")
    image = min((broken / "evaluation" / "SynC10" / "rgb").iterdir())
    damage.truncate(image)
    label = f"ho3d-{version}"
    for words, text in (
        (["parts", "--data", f"ho3d={tmp_path / 'no'}"], "train.txt: expected HO-3D's list"),
        (["video", "--data", f"dexycb={tmp_path / 'no'}", "--hand", tmp_path], "subject-01"),
        (["video", "--data", f"dexycb={tmp_path / 'no'}"], "give --hand"),
        (["parts", "--data", "ho3d"], "give --data ho3d=FOLDER or set HANDLIB_HO3D"),
        (["all", "--data", "freihand=x"], "expected one of ho3d, dexycb, fpha, found 'freihand'"),
        (["all", "--data", f"ho3d-v4={broken}"], "version: expected one of v2, v3, found 'v4'"),
        (["parts", "--data", f"{label}={broken}"], f"{image.name}: expected an image"),
        (["video", "--data", f"{label}={broken}"], f"{image.name}: expected an image"),
        (["parts", *["--data", f"{label}={ho3d_tree.root}"] * 2], f"found {label} twice"),
        (["distant_token", "--data", f"{label}={ho3d_tree.root}"], "looks at no hands"),
    ):
        refused = call(*words)
        assert refused.exit_code == 2 and text in refused.output, refused.output


@ONE_VERSION
def test_the_command_tells_these_scores(ho3d_tree, taught, tmp_path, monkeypatch):
    class Picture:
        png = b""

    monkeypatch.setattr(cli_experiment, "illustration", lambda name, result: Picture)
    sizes = {
        "parts": {"size": 8, "test_size": 8, "first": FEW, "second": FEW},
        "video": {"clips": 2, "test_clips": 2, "second": SECOND},
    }
    runs = {"parts": PARTS.run}
    version, root = ho3d_tree.root.name, ho3d_tree.root
    monkeypatch.setenv("HANDLIB_HO3D", str(root))
    for name, quick in sizes.items():
        few = replace(EXPERIMENTS[name], quick=quick, run=runs.get(name, EXPERIMENTS[name].run))
        monkeypatch.setitem(EXPERIMENTS, name, few)
        words = ["--quick", "--data", f"ho3d-{version}", "--frames", "3", "--output", tmp_path]
        done = call(name, *words)
        assert done.exit_code == 0, done.output
        lines, result = done.stdout.splitlines(), read(tmp_path / f"{name}.json")
        frames = result["recorded"][f"ho3d-{version}"]["frames"]
        assert frames == 3
        assert (
            f"ho3d-{version}: {version}, evaluation split, 3 frames of 2 recordings, rendered by "
            "handlib"
        ) in lines
        told = [row["recorded"][f"ho3d-{version}"] for row in result["runs"]]
        starts = [line for line in lines if line.startswith(f"  ho3d-{version}: ")]
        beside = {"parts": "backbone", "video": result.get("reference")}[name]
        for line, found in zip(starts, told, strict=True):
            assert f"root-aligned {found['root_aligned']} mm, " in line
            assert f"Procrustes {found['procrustes']} mm, below {beside} by " in line


@ONE_VERSION
def test_a_set_without_labelled_frames_is_refused(sets, monkeypatch):
    empty = property(lambda self: np.zeros(4, bool), lambda self, value: None)
    monkeypatch.setattr(HO3D, "valid", empty, raising=False)
    with pytest.raises(DataFileError, match="expected labelled frames in the test split"):
        open_images(next(iter(sets.values())))
