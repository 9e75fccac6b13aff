"""Reports on written trees: what they say of a network whose hands are known."""

import csv
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.spatial import procrustes
from torch.utils.data import Subset
from typer.testing import CliRunner

from handlib import cli
from handlib.data import HO3D, DexYCB
from handlib.data.files import DataFileError
from handlib.evaluation.dexycb_submission import dexycb_faults
from handlib.evaluation.ho3d_submission import ho3d_faults
from handlib.evaluation.recorded import frames_of, official_scores, predict_recorded
from handlib.evaluation.report import evaluate_recorded
from handlib.hands.skeleton import COMMON_TO_HO3D
from handlib.models.handoccnet import HandOccNet, HandOccNetConfig, HandPrediction
from handlib.training.checkpoint import write_tensors
from handlib.training.data import DataConfig
from handlib.training.run import RunConfig
from handlib.training.trained import Trained

from . import damage

NETWORK = HandOccNetConfig(
    image_size=32,
    blocks=(1, 1, 1, 1),
    width=16,
    channels=8,
    heads=2,
    depth=1,
    head_widths=(16, 16),
)
PLOTS = {"error_by_joint.png", "pck.png"}


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("HANDLIB_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def tiny(hand):
    """A HandOccNet that has learned nothing."""
    torch.manual_seed(0)
    return HandOccNet(NETWORK, hand)


def hand_of(output):
    """A network's answer to any images: the same hand for each."""

    def forward(image):
        count = len(image)
        return HandPrediction(
            torch.eye(3).expand(count, 16, 3, 3),
            torch.zeros(count, 10),
            output.vertices.expand(count, -1, -1),
            output.joints.expand(count, -1, -1),
            torch.full((count, 21, 2), 0.5),
            torch.zeros(count, 21, 4, 4),
        )

    return forward


@pytest.fixture
def same(tiny, hand, monkeypatch):
    """A network that sees one hand in every image, and that hand."""
    pose = 0.3 * torch.randn(1, 16, 3, generator=torch.Generator().manual_seed(2))
    output = hand(pose, torch.zeros(1, 10))
    monkeypatch.setattr(tiny, "forward", hand_of(output))
    return Trained(tiny, Path(), 64, 0, {"class": "Same"}), output


def config(name, tree, **changes):
    return DataConfig(name, 0, root=str(tree.root), **changes)


def test_ho3d_report(ho3d_tree, same, tmp_path):
    """Against evaluation's own files, read here once more, and SciPy's Procrustes."""
    trained, output = same
    root = ho3d_tree.root
    report = evaluate_recorded(
        trained, config("ho3d", ho3d_tree, setup=root.name), tmp_path, submission=True
    )
    names = {path.name for path in report.files}
    assert names == PLOTS | {"scores.json", "scores.md", f"ho3d_{root.name}.zip"}
    assert {path.name for path in tmp_path.iterdir()} == names
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert len(scores["official"]) == 14 and scores["images"] == 4 and scores["recordings"] == 2
    truth = np.array(json.loads((root / "evaluation_xyz.json").read_text()))
    found = output.joints[0].numpy()[list(COMMON_TO_HO3D)] * [1, -1, -1]
    moved = found - found[0] + truth[:, :1]
    raw = 100 * np.linalg.norm(moved - truth, axis=-1).mean()
    assert scores["official"]["xyz_mean3d"] == pytest.approx(raw, rel=1e-4)
    assert scores["mean_mm"]["root_aligned"]["mean"] == pytest.approx(10 * raw, rel=1e-4)
    vertices = np.array(json.loads((root / "evaluation_verts.json").read_text()))
    mesh = output.vertices[0].numpy() * [1, -1, -1] - found[0] + truth[:, :1]
    raw = 100 * np.linalg.norm(mesh - vertices, axis=-1).mean()
    assert scores["official"]["mesh_mean3d"] == pytest.approx(raw, rel=1e-4)
    aligned = []
    for one in truth:  # SciPy's mirrors where that fits better, as the official script does
        centred = one - one.mean(0)
        a, b, _ = procrustes(one, found)
        aligned.append(np.linalg.norm(centred) * np.linalg.norm(a - b, axis=-1).mean())
    assert scores["official"]["xyz_procrustes_al_mean3d"] == pytest.approx(
        100 * np.mean(aligned), rel=1e-4
    )
    assert ho3d_faults(tmp_path / f"ho3d_{root.name}.zip", root / "evaluation.txt") == []
    with zipfile.ZipFile(tmp_path / f"ho3d_{root.name}.zip") as archive:
        written = json.loads(archive.read("pred.json"))
    np.testing.assert_allclose(written[0], moved, atol=2e-6)
    np.testing.assert_allclose(written[1], mesh, atol=2e-6)


def test_ho3d_without_its_truth(ho3d_tree, same, tmp_path):
    """A submission can be written, and is the same; scores cannot; vertices alone may be away."""
    trained, _ = same
    version = ho3d_tree.root.name
    whole = evaluate_recorded(
        trained, config("ho3d", ho3d_tree, setup=version), tmp_path / "a", submission=True
    )
    root = damage.copy(ho3d_tree.root, tmp_path / version, "evaluation_verts.json")
    data = DataConfig("ho3d", 0, root=str(root), setup=version)
    joints_only = evaluate_recorded(trained, data, tmp_path / "b")
    assert len(joints_only.official) == 6
    assert joints_only.official.items() <= whole.official.items()
    (root / "evaluation_xyz.json").unlink()
    with pytest.raises(FileNotFoundError, match="evaluation_xyz.json"):
        evaluate_recorded(trained, data, tmp_path / "c")
    blind = evaluate_recorded(trained, data, tmp_path / "c", submission=True)
    assert blind.official == {} and "no scores" in blind.text
    read = [
        json.loads(zipfile.ZipFile(tmp_path / name / f"ho3d_{version}.zip").read("pred.json"))
        for name in ("a", "c")
    ]
    np.testing.assert_allclose(read[0][0], read[1][0], atol=2e-6)


def test_dexycb_report(dexycb_tree, same, tmp_path):
    """Left hands are predicted as right ones, and submitted as left ones."""
    trained, output = same
    report = evaluate_recorded(trained, config("dexycb", dexycb_tree), tmp_path, submission=True)
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert scores["images"] == 8 and scores["recordings"] == 1
    assert sum(row["count"] for row in scores["by_occlusion_mm"]["root_aligned"]) == 8
    assert "error_by_occlusion.png" in {path.name for path in report.files}
    source = DexYCB(dexycb_tree.root, "s0", "test", crop=None)
    found = output.joints[0].numpy() * [-1, 1, 1]
    with (tmp_path / "dexycb_s0_test.txt").open() as file:
        rows = {int(row[0]): np.array(row[1:], float).reshape(21, 3) for row in csv.reader(file)}
    assert sorted(rows) == list(range(8))
    errors = []
    for number, row in rows.items():
        truth = source.frame(number).joints.numpy()
        np.testing.assert_allclose(row, 1000 * (found - found[0] + truth[0]), atol=1e-3)
        errors.append(np.linalg.norm(row - 1000 * truth, axis=-1).mean())
    assert report.official["root_relative_mpjpe"] == pytest.approx(np.mean(errors), rel=1e-4)
    assert dexycb_faults(tmp_path / "dexycb_s0_test.txt", range(8)) == []


def test_fpha_report(fpha_tree, same, tmp_path):
    trained, _ = same
    report = evaluate_recorded(trained, config("fpha", fpha_tree), tmp_path)
    assert set(report.official) == {"procrustes_mpjpe", "root_relative_mpjpe"}
    assert {path.name for path in report.files} == PLOTS | {"scores.json", "scores.md"}
    with pytest.raises(ValueError, match="FPHA has no submission"):
        evaluate_recorded(trained, config("fpha", fpha_tree), tmp_path, submission=True)
    with pytest.raises(ValueError, match="all frames"):
        evaluate_recorded(
            trained, DataConfig("dexycb", 3, root=str(tmp_path)), tmp_path, submission=True
        )


def test_the_truth_scores_nothing(dexycb_tree, tiny, hand, monkeypatch):
    """A network that knows each left hand as the right one in the mirror."""
    data = config("dexycb", dexycb_tree).load("test", 64)
    source, frames = frames_of(data)
    samples = [source[k] for k in frames]
    assert all(sample.side == "right" for sample in samples)
    other = hand_of(hand(torch.zeros(1, 16, 3), torch.zeros(1, 10)))

    def knowing(image):
        shown = [next(s for s in samples if torch.equal(s.image, one)) for one in image]
        return replace(other(image), joints=torch.stack([sample.joints for sample in shown]))

    monkeypatch.setattr(tiny, "forward", knowing)
    found = predict_recorded(tiny, data)
    assert found.frames == tuple(frames)
    scores = official_scores(source, found)
    assert max(v for name, v in scores.items() if "mpjpe" in name) < 1e-3
    assert found.occlusion.tolist() == pytest.approx([source.occlusion(k) for k in frames])


def test_what_cannot_be_read_is_not_scored(ho3d_tree, same, tmp_path):
    """The scores of the other frames, a note, and neither a submission nor a stand-in."""
    trained, _ = same
    version = ho3d_tree.root.name
    root = damage.copy(ho3d_tree.root, tmp_path / version)
    image = min((root / "evaluation" / "SynC10" / "rgb").iterdir())
    damage.truncate(image)
    data = DataConfig("ho3d", 0, root=str(root), setup=version, skip_broken=True)
    report = evaluate_recorded(trained, data, tmp_path / "a")
    scores = json.loads((tmp_path / "a" / "scores.json").read_text())
    assert scores["images"] == 3 and scores["unreadable"]["frames"] == 1
    assert "are not scored: 1.**" in report.text and image.name in report.text
    whole = config("ho3d", ho3d_tree, setup=version).load("test", 64)
    rest = predict_recorded(trained.model, Subset(whole, [1, 2, 3]))
    assert whole.dataset.name(0) == "SynC10/0000"
    assert report.official == pytest.approx(official_scores(whole.dataset, rest))
    with pytest.raises(ValueError, match="leave out.*--skip-broken"):
        evaluate_recorded(trained, data, tmp_path / "b", submission=True)
    with pytest.raises(DataFileError, match=image.name):
        evaluate_recorded(trained, replace(data, skip_broken=False), tmp_path / "b")
    opened = HO3D(root, "evaluation", version, resolution=64, on_error="skip")
    with pytest.raises(DataFileError, match="SynC10/0000: expected.* 1 of 4 that cannot"):
        predict_recorded(trained.model, opened)


@pytest.fixture
def run(tiny, tmp_path):
    """The folder of a run."""
    folder = tmp_path / "run"
    RunConfig(NETWORK, DataConfig(), "handlib train").save(folder)
    write_tensors(folder / "model.safetensors", tiny.state_dict(), {})
    return folder


def test_the_command(run, fpha_tree, tmp_path, monkeypatch):
    def call(*words):
        return CliRunner().invoke(cli.app, ["evaluate", *map(str, words)])

    scored = call(run, "--data", "fpha", "--root", fpha_tree.root, "--size", 1)
    assert scored.exit_code == 0, scored.output
    written = run / "scores_fpha"
    assert scored.stdout.startswith((written / "scores.md").read_text())
    assert json.loads((written / "scores.json").read_text())["images"] == 1
    with Image.open(written / "pck.png") as picture:
        assert min(picture.size) > 300
    elsewhere = call(run, "--data", "fpha", "--root", fpha_tree.root, "--out", tmp_path / "x")
    assert elsewhere.exit_code == 0 and (tmp_path / "x" / "scores.md").is_file()
    for words in [(run, "--out", tmp_path), (), ("--data", "fpha", "--root", fpha_tree.root)]:
        refused = call(*words)
        assert refused.exit_code == 2 and refused.output.count("\n") == 1, refused.output
    absent = call("--checkpoint", tmp_path / "no.tar", "--data", "fpha")
    assert absent.exit_code == 2 and "no.tar: no such file" in absent.output


def test_a_deformer_reads_left_hands_as_they_are(dexycb_tree, small_deformer, tmp_path):
    model = small_deformer()
    trained = Trained(model.eval(), tmp_path, 64, 1, {"class": "Deformer"})
    report = evaluate_recorded(trained, config("dexycb", dexycb_tree, gap=1), tmp_path)
    assert len(report.official) == 8
    assert {side: getattr(model.hand, side).side for side in ("right", "left")} == {
        "right": "right",
        "left": "left",
    }
