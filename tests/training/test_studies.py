"""The experiments on what joins frames, with networks that learn in milliseconds."""

import json
from copy import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from scipy.stats import spearmanr
from torch.utils.data import DataLoader

from handlib.data import windows
from handlib.data.sequence_batch import collate_windows
from handlib.evaluation.motion import bone_length_drift, bone_lengths
from handlib.experiments import alone, confidence, length, max_mse, one_shape, study, study_rows
from handlib.experiments.catalogue import STUDIES
from handlib.experiments.measures import whole_windows
from handlib.experiments.starts import Start
from handlib.experiments.study import Judged
from handlib.hands.rotations import rot6d_to_rotmat
from handlib.hands.skeleton import BONES, JOINT_NAMES
from handlib.models import DeformerConfig
from handlib.training import CachedFrames, TrainConfig, evaluate_windows
from handlib.training.evaluate import predict_windows

SECOND = replace(TrainConfig.deformer_course(), images=8, batch_size=4, warmup_images=0)
CLIPS, FRAMES = 2, 8


@pytest.fixture
def run(monkeypatch, small_deformer, random_clips, tmp_path):
    """A study at a size for a test: random clips, and a start that has learned nothing."""
    start = small_deformer(frozen="frames", identity_pose=True)

    def clips(split, size):
        return random_clips(size, FRAMES, seed=int(split == "test"))

    monkeypatch.setattr(DeformerConfig, "course", classmethod(lambda cls: start.config))
    monkeypatch.setattr(study, "SyntheticSequences", clips)
    monkeypatch.setattr(study, "SyntheticHands", lambda split, size: "stills")
    monkeypatch.setattr(study, "begin", lambda *arguments: Start(start, 0.1, False))

    def call(chosen, **options):
        chosen.run(tmp_path, clips=CLIPS, test_clips=CLIPS, second=SECOND, **options)
        return json.loads(
            (tmp_path / f"{chosen.name}.json").read_text(), parse_constant=pytest.fail
        )

    return call


@pytest.fixture
def judged(small_deformer, random_clips):
    model, test = small_deformer(frozen="frames"), windows(random_clips(CLIPS, FRAMES), 7, 1)
    seen = CachedFrames(model, test)
    return Judged(model, seen, test, evaluate_windows(model, seen), 0.1)


@pytest.mark.parametrize("chosen", STUDIES, ids=lambda chosen: chosen.name)
def test_every_network_stands_beside_its_own_or_the_reference(run, chosen):
    result = run(chosen, seeds=1)
    rows = {row["network"]: row for row in result["runs"]}
    assert list(rows) == list(chosen.variants) == list(result["spread"])
    assert result["beside"] == {
        name: variant.beside or chosen.reference for name, variant in chosen.variants.items()
    }
    errors = {
        "gain_all": "root_aligned",
        "gain_procrustes": "procrustes",
        "gain_acceleration": "acceleration",
    }
    for network, row in rows.items():
        reference = rows[result["beside"][network]]
        for gain, error in errors.items():
            difference = reference[error] - row[error]
            assert row[gain]["mean"] == pytest.approx(difference, abs=0.02), gain
        assert row["gain_all"]["frames"] == CLIPS * FRAMES
        assert row["gain_acceleration"]["frames"] == CLIPS * (FRAMES - 2)
        for name, found in row["measures"].items():
            if "less" in found and not isinstance(found["mean"], list) and found["count"]:
                less = reference["measures"][name]["mean"] - found["mean"]
                assert found["less"]["mean"] == pytest.approx(less, abs=0.002), name


def test_of_lost_frames_nothing_is_known_in_any_window(judged):
    lost = alone.with_lost_frames(judged.seen, share=0.4, seed=3)
    kept = judged.seen.batch(range(len(judged.seen)))
    there = lost.batch(range(len(lost)))
    gone = (there.feature == 0).all(-1)  # windows, places
    assert 0 < int(gone.sum()) < gone.numel()
    by_frame: dict[int, set[bool]] = {}
    for row, is_gone in zip(judged.seen.rows.flatten().tolist(), gone.flatten(), strict=True):
        by_frame.setdefault(row, set()).add(bool(is_gone))
    assert all(len(states) == 1 for states in by_frame.values())
    assert 0.2 < sum(True in states for states in by_frame.values()) / len(by_frame) < 0.6
    assert (there.occlusion[gone] == 1).all() and (there.joints_img[gone] == 0.5).all()
    for name in ("feature", "occlusion", "joints_img"):
        assert torch.equal(getattr(there, name)[~gone], getattr(kept, name)[~gone]), name
    assert torch.equal(there.joints, kept.joints) and torch.equal(there.pose, kept.pose)
    # What it was made of is as it was.
    assert torch.equal(judged.seen.batch([0]).feature, kept.feature[:1])


def test_guesses_are_poses_carried_to_the_middle_by_hand(judged):
    batch = judged.seen.batch([4, 9])
    with torch.no_grad():
        found = predict_windows(judged.model, batch)
    # Motions of a new network are nothing: make some.
    generator = torch.Generator().manual_seed(0)
    forward, backward = 0.1 * torch.randn(2, *found.pose6d.shape, generator=generator)
    found = replace(found, forward_motion=forward, backward_motion=backward)
    errors = alone.guess_errors(judged.model.hand, found, batch.joints)
    for window in range(2):
        for frame in range(7):
            pose = found.pose6d[window, frame].clone()
            for k in range(frame, 3):
                pose += forward[window, k]
            for k in range(frame, 3, -1):
                pose += backward[window, k]
            hand = judged.model.hand(rot6d_to_rotmat(pose)[None], found.betas[window : window + 1])
            true = batch.joints[window, 3]
            apart = (hand.joints[0] - hand.joints[0, :1]) - (true - true[:1])
            expected = float(apart.norm(dim=-1).mean())
            assert float(errors[window, frame]) == pytest.approx(expected, abs=1e-5)


def test_poor_guesses_of_hidden_frames_are_seen(judged, monkeypatch):
    """An error and a weight made of the hidden share, in place of a network's."""

    def over_windows(judged, measure):
        batch = judged.seen.batch(range(len(judged.seen)))
        hidden = batch.occlusion
        return {"error": 10 + hidden, "weight": -hidden, "occlusion": hidden}

    monkeypatch.setattr(alone, "over_windows", over_windows)
    found = alone.measure(judged)
    ranked = found["error_rank"].isfinite()
    assert ranked.any() and not ranked.all()
    assert torch.allclose(found["error_rank"][ranked], torch.ones(int(ranked.sum())))
    assert torch.allclose(found["weight_rank"][ranked], -torch.ones(int(ranked.sum())))
    assert (found["most_hidden"][ranked] > found["least_hidden"][ranked]).all()


def test_two_seeds_and_no_hidden_hand(run, monkeypatch):
    monkeypatch.setattr(study_rows, "HIDDEN", 2.0)
    chosen = replace(STUDIES[0], variants=dict(list(STUDIES[0].variants.items())[:2]))
    result = run(chosen, seeds=2)
    assert [row["seed"] for row in result["runs"]] == [0, 0, 1, 1] and result["seeds"] == [0, 1]
    assert result["runs"][1]["gain"] == {"frames": 0, "mean": None, "interval": None}
    temporal = result["spread"]["temporal"]
    values = [row["root_aligned"] for row in result["runs"] if row["network"] == "temporal"]
    assert temporal["root_aligned"]["min"] == min(values) and temporal["gain"]["mean"] is None
    assert result["variants"]["temporal"]["network"] == {"weights": "centre"}


def test_intervals_draw_whole_clips():
    values = torch.tensor([0.0, 0.0, 0.0, 1.0, 1.0, 1.0])
    found = study_rows._summary(values, study_rows.clip_of_each([range(3), range(3, 6)]))
    assert found == {"count": 6, "mean": 0.5, "interval": [0.0, 1.0]}


def test_rank_correlation_is_scipys():
    generator = torch.Generator().manual_seed(0)
    weight = torch.rand(20, 7, generator=generator)
    hidden = torch.randint(4, (20, 7), generator=generator) / 4  # with ties
    found = confidence.rank_correlation(weight, hidden)
    expected = [spearmanr(one, other).statistic for one, other in zip(weight, hidden, strict=True)]
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert confidence.rank_correlation(weight[:1], torch.zeros(1, 7)).isnan()


def test_one_frame_is_blurred_and_no_other(judged):
    data = confidence.OneBlurred(judged.test, [3, 12], sigma=2.0)
    assert len(data) == 14
    for index in (0, 6, 9):
        number, place = divmod(index, 7)
        window, true = data[index], judged.test[[3, 12][number]]
        for frame, (found, sharp) in enumerate(zip(window.samples, true.samples, strict=True)):
            if frame != place:
                assert torch.equal(found.image, sharp.image)
                continue
            blurred = gaussian_filter(sharp.image.numpy(), (0, 2, 2), mode="nearest")
            np.testing.assert_allclose(found.image, blurred, atol=1e-4)
            assert np.abs(blurred - sharp.image.numpy()).max() > 0.1
            assert torch.equal(found.joints, sharp.joints)


def test_weights_that_see_are_told_from_those_that_do_not(judged, monkeypatch):
    """A weight made of what it should fall with, in place of a network's."""

    def measured(weigh):
        def over_windows(judged, measure, data=None):
            loader = DataLoader(data or judged.test, 4, collate_fn=collate_windows)
            parts = [(weigh(batch).softmax(1), batch.occlusion) for batch in loader]
            weight, occlusion = (torch.cat(part) for part in zip(*parts, strict=True))
            return {"weight": weight, "occlusion": occlusion}

        monkeypatch.setattr(confidence, "over_windows", over_windows)
        return confidence.measure(judged)

    whole = whole_windows(judged.test)
    assert int(whole.sum()) == CLIPS * (FRAMES - 6)
    occluded = measured(lambda batch: -batch.occlusion)
    known = occluded["rank_correlation"].isfinite()
    assert known.any() and not known[~whole].any()
    assert torch.allclose(occluded["rank_correlation"][known], torch.tensor(-1.0))
    assert (occluded["most_hidden"][known] < 1).all()
    assert (occluded["least_hidden"][known] > 1).all()
    sharp = measured(lambda batch: 100 * batch.image.diff(dim=-1).square().mean((2, 3, 4)))
    assert (sharp["fell"] == 1).all() and (sharp["blurred"] < sharp["before_blur"]).all()
    blind = measured(lambda batch: torch.zeros(batch.occlusion.shape))
    assert (blind["fell"] == 0).all() and torch.allclose(blind["by_place"], torch.tensor(1.0))


def test_evenness_is_numpys():
    errors = torch.rand(5, 21, generator=torch.Generator().manual_seed(0))
    errors[:, 0] = 0
    found, joints = max_mse.evenness(errors), errors[:, 1:].numpy()
    np.testing.assert_allclose(found["deviation"], np.std(joints, axis=1), rtol=1e-5)
    share = np.std(joints, axis=1) / np.mean(joints, axis=1)
    np.testing.assert_allclose(found["deviation_share"], share, rtol=1e-5)
    np.testing.assert_allclose(found["largest"], np.max(joints, axis=1))
    assert max_mse.evenness(torch.ones(1, 21))["deviation"] == 0
    assert all(JOINT_NAMES[i].endswith("tip") for i in max_mse.TIPS)
    assert all(JOINT_NAMES[i].endswith(("mcp", "thumb_cmc")) for i in max_mse.KNUCKLES)


def test_the_losses_differ_as_their_names_say():
    losses = {
        name: variant.recipe(TrainConfig.deformer_course()).loss
        for name, variant in max_mse.STUDY.variants.items()
    }
    plain = losses["mean"]
    assert not plain.max_mse and not losses["mean, three times"].max_mse
    assert losses["mean, three times"].joints == 3 * plain.joints
    assert losses["maxMSE"].detach and not losses["maxMSE as released"].detach


def test_one_shape_keeps_the_bones_and_a_shape_each_frame_does_not(judged, small_deformer):
    found, batch = one_shape.measure(judged), collate_windows([judged.test[i] for i in range(16)])
    with torch.inference_mode():
        shown = judged.model.eval()(batch.image, batch.boxes)
        drift = torch.stack([bone_length_drift(clip) for clip in shown.fused_joints.split(FRAMES)])
        assert torch.allclose(found["clip_drift"], 1000 * drift, atol=1e-3)
        single = small_deformer(frozen="frames", shape="frame")
        single.load_state_dict(judged.model.state_dict())
        own = single.eval()(batch.image, batch.boxes)
    inner = [i for i, (_, end) in enumerate(BONES) if not JOINT_NAMES[end].endswith("tip")]
    change = [bone_lengths(hands.joints)[..., inner].std(dim=1).max() for hands in (shown, own)]
    assert change[0] < 1e-6 < change[1]


def test_lengths_and_weights_are_ranked_by_the_hidden_share(judged, monkeypatch):
    """Lengths and weights made of the hidden share, in place of a network's; none on SO(3)."""

    def over_windows(judged, measure):
        hidden = judged.seen.batch(range(len(judged.seen))).occlusion
        return {"occlusion": hidden, "length": 2 - hidden, "weight": hidden}

    monkeypatch.setattr(length, "over_windows", over_windows)
    found = length.measure(judged)
    ranked = found["length_rank"].isfinite()
    assert ranked.any() and not ranked.all()
    assert torch.allclose(found["length_rank"][ranked], -torch.ones(int(ranked.sum())))
    assert torch.allclose(found["weight_rank"][ranked], torch.ones(int(ranked.sum())))
    composed = copy(judged.model)
    composed.config = replace(composed.config, space="so3", weights="uniform")
    assert length.measure(replace(judged, model=composed)) == {}
