"""The training loop on windows: it learns, it resumes, and the critic plays along."""

from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import pytest
import torch

from handlib.data.sequence_batch import collate_windows
from handlib.data.windows import windows
from handlib.metrics import root_aligned_mpjpe
from handlib.models import (
    Deformer,
    DeformerConfig,
    HandOccNet,
    HandOccNetConfig,
    MotionDiscriminator,
)
from handlib.models.baselines import DEFORMER, HANDOCCNET
from handlib.models.vertex_transformer import VertexTransformer, VertexTransformerConfig
from handlib.training import Critic, TrainConfig, evaluate, evaluate_windows, fit

CONFIG = replace(
    TrainConfig.deformer_course(),
    images=24,
    batch_size=4,
    warmup_images=4,
    checkpoint_images=8,
)


@pytest.fixture
def data(random_clips):
    return windows(random_clips(3, 4), length=3, gap=1)


@pytest.fixture
def build(small_deformer):
    return partial(small_deformer, identity_pose=True)


def critic(seed=0):
    torch.manual_seed(seed)
    return Critic(MotionDiscriminator(width=8))


def assert_same(first, second):
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name


@pytest.mark.parametrize("with_critic", [False, True])
def test_resumed_is_bit_for_bit_uninterrupted(tmp_path, build, data, with_critic):
    judges = [critic(seed) if with_critic else None for seed in (0, 0, 5)]
    whole = build()
    history = fit(whole, data, data, CONFIG, tmp_path / "whole", critic=judges[0])
    half = replace(CONFIG, images=24)

    class PowerCut(torch.utils.data.Dataset):
        reads = 0

        def __len__(self):
            return len(data)

        def __getitem__(self, index):
            PowerCut.reads += 1
            if PowerCut.reads > 14:
                raise InterruptedError
            return data[index]

    with pytest.raises(InterruptedError):
        fit(build(), PowerCut(), data, half, tmp_path / "cut", critic=judges[1])
    resumed = build(seed=9)
    torch.rand(3)
    again = fit(resumed, data, data, CONFIG, tmp_path / "cut", resume=True, critic=judges[2])
    assert_same(whole, resumed)
    assert again == history
    if with_critic:
        assert_same(judges[0].discriminator, judges[2].discriminator)
        assert {"adversarial", "judge_real", "judge_fake"} < history.terms.keys()


def test_the_critic_tells_motion_from_noise(build, data):
    """Fed true motion against frozen random poses it must learn to tell them apart."""
    judge = critic()
    batch = collate_windows([data[i] for i in range(8)])
    with torch.no_grad():
        prediction = build()(batch.image, batch.boxes)
    first = judge.learn(prediction, batch)
    for _ in range(60):
        last = judge.learn(prediction, batch)
    assert sum(last.values()) < 0.5 * sum(first.values())


def test_the_verdict_reaches_the_poses_and_not_the_judge(build, data):
    judge = critic()
    batch = collate_windows([data[i] for i in range(4)])
    model = build()
    before = [p.clone() for p in judge.discriminator.parameters()]
    judge.judge(model(batch.image, batch.boxes), batch).backward()
    assert model.motion_head.pose.weight.grad.abs().sum() > 0
    assert all(
        torch.equal(a, b) for a, b in zip(before, judge.discriminator.parameters(), strict=True)
    )


def test_scores_are_those_of_the_centre_frame(build, data):
    model = build().eval()
    every = build(fuse_every=True).eval()
    scores = evaluate_windows(model, data, batch_size=5)
    batch = collate_windows([data[i] for i in range(len(data))])
    with torch.no_grad():
        joints = model(batch.image, batch.boxes).fused_joints
    expected = root_aligned_mpjpe(joints, batch.joints[:, 1])
    assert torch.allclose(scores.root_aligned, expected, atol=1e-6)
    assert torch.equal(scores.occlusion, batch.occlusion[:, 1])
    same = evaluate_windows(every, data)
    assert torch.allclose(same.root_aligned, scores.root_aligned, atol=1e-6)


def test_acceleration_is_that_of_neighbouring_frames_in_one_clip(build, data):
    model = build().eval()
    scores = evaluate_windows(model, data, batch_size=5)
    batch = collate_windows([data[i] for i in range(12)])
    with torch.no_grad():
        joints = model(batch.image, batch.boxes).fused_joints
    apart = (joints - joints[:, :1]) - (batch.joints[:, 1] - batch.joints[:, 1, :1])
    expected = [
        (apart[t - 1] - 2 * apart[t] + apart[t + 1]).norm(dim=-1).mean()
        for clip in range(3)
        for t in (4 * clip + 1, 4 * clip + 2)
    ]
    assert torch.allclose(scores.acceleration, torch.stack(expected), atol=1e-6)
    assert scores.means()["acceleration"] == pytest.approx(sum(expected).item() / 6, rel=1e-5)


def test_a_model_of_images_has_an_acceleration_error_on_clips_alone(random_clips, random_hands):
    still = SimpleNamespace(joints=random_hands(1)[0].joints[None])

    def model(image):
        return SimpleNamespace(joints=still.joints.expand(len(image), -1, -1))

    data = random_clips(2, 5)
    found = evaluate(model, data, batch_size=3).acceleration
    joints = torch.stack([data[i].joints for i in range(10)])
    joints = (joints - joints[:, :1]).unflatten(0, (2, 5))
    true = joints[:, :-2] - 2 * joints[:, 1:-1] + joints[:, 2:]
    assert torch.allclose(found, true.norm(dim=-1).mean(-1).flatten(), atol=1e-6)
    assert evaluate(model, random_hands(5)).acceleration is None
    assert evaluate(model, random_clips(3, 2)).acceleration is None


def test_it_learns(build, data):
    config = replace(CONFIG, images=600, learning_rate=3e-3, average=0.9)
    history = fit(build(), data, config=config)
    for name in ("frames_joints", "fused_vertices", "forward_vertices"):
        term = history.terms[name]
        assert sum(term[-5:]) < 0.6 * sum(term[:5]), name


def test_the_monocular_head_learns_from_its_own_group(build, data):
    model = build(monocular_head=True)
    loss = replace(CONFIG.loss, monocular=1.0)
    history = fit(model, data, config=replace(CONFIG, images=200, learning_rate=3e-3, loss=loss))
    joints = history.terms["monocular_joints"]
    assert sum(joints[-5:]) < 0.7 * sum(joints[:5])


def test_a_frozen_trunk_keeps_weights_and_statistics(build, data, tiny_model):
    model = build(frozen="trunk")
    before = {name: value.clone() for name, value in model.trunk.state_dict().items()}
    fit(model, data, config=CONFIG)
    for name, value in model.trunk.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_the_trunk_comes_from_a_handoccnet(hand, tiny_model):
    source = HandOccNet(HandOccNetConfig.course(), hand)
    model = Deformer(DeformerConfig.course(), hand).take_trunk(source)
    for name in ("backbone", "pyramid", "feature_norm"):
        assert_same(getattr(source, name), getattr(model, name))


@pytest.mark.parametrize("name", DEFORMER)
def test_every_baseline_trains_by_the_same_call(name, hand, build, data):
    model = Deformer(DEFORMER[name](build().config), hand)
    history = fit(model, data, config=replace(CONFIG, images=8))
    assert history.terms["total"][-1] > 0


@pytest.mark.parametrize("name", HANDOCCNET)
def test_every_baseline_of_handoccnet_trains(name, tiny_model, random_hands):
    config = HANDOCCNET[name](tiny_model().config)
    model = HandOccNet(config, tiny_model().hand)
    short = replace(TrainConfig.course(), images=8, batch_size=4, warmup_images=0)
    assert fit(model, random_hands(8), config=short).terms["total"][-1] > 0


def test_the_vertex_transformer_trains_by_the_same_call(hand, random_hands):
    torch.manual_seed(0)
    config = VertexTransformerConfig(image_size=32, channels=16, heads=2, vertices=40)
    short = replace(TrainConfig.course(), images=320, batch_size=8, warmup_images=0)
    history = fit(VertexTransformer(config, hand), random_hands(8), random_hands(8), short)
    joints = history.terms["joints"]
    assert sum(joints[-5:]) < 0.5 * sum(joints[:5])
    assert history.scores["root_aligned"][-1] < 0.06
