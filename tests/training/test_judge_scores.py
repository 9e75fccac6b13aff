"""A judge's AUC against judges whose verdict is known."""

import pytest
import torch
from torch import nn

from handlib.data import collate_windows, windows
from handlib.evaluation.broken_motion import JITTER
from handlib.evaluation.judge_scores import judge_scores
from handlib.hands.rotations import axis_angle_to_rotmat
from handlib.models.discriminator import motion_input
from handlib.training import CachedFrames


class Verdict(nn.Module):
    """Scores a motion by a function of it."""

    def __init__(self, function):
        super().__init__()
        self.function, self.seen = function, []
        self.unused = nn.Parameter(torch.zeros(1))  # says on which device it is

    def forward(self, motion):
        self.seen.append(motion)
        return self.function(motion)[:, None]


@pytest.fixture
def clips(random_clips):
    return windows(random_clips(3, 6), length=3, gap=1)


@pytest.fixture
def model(small_deformer):
    return small_deformer(frozen="frames").eval()


def test_a_judge_that_knows_nothing_is_at_chance(model, clips):
    found = judge_scores(Verdict(lambda motion: torch.zeros(len(motion))), model, clips)
    assert found == {"predicted": 0.5, "jittered": 0.5, "shuffled": 0.5}


def test_a_judge_that_knows_the_truth_finds_what_is_not_true(model, clips):
    batch = collate_windows([clips[i] for i in range(len(clips))])
    true = motion_input(axis_angle_to_rotmat(batch.pose))

    def nearness(motion):
        return -(motion[:, None] - true).abs().amax((2, 3)).amin(1)

    found = judge_scores(Verdict(nearness), model, clips)
    assert found["predicted"] == 1.0 and found["jittered"] == 1.0
    assert 0.5 < found["shuffled"] <= 1.0  # one order in six is the right one


def test_others_differ_from_the_truth_as_they_should(model, clips):
    judge = Verdict(lambda motion: motion.sum((1, 2)))
    judge_scores(judge, model, clips, batch_size=64)
    true, _, jittered, shuffled = judge.seen
    noise = (jittered - true)[..., 1:]
    assert noise.std().item() == pytest.approx(JITTER, rel=0.05)
    assert torch.equal(jittered[..., 0], true[..., 0])
    assert torch.equal(shuffled.sort(1).values, true.sort(1).values)
    assert not torch.equal(shuffled, true)
    again = Verdict(judge.function)
    judge_scores(again, model, clips, batch_size=64)
    assert all(map(torch.equal, judge.seen, again.seen))


def test_frames_that_were_seen_already_are_scored_alike(model, clips):
    def judge(motion):
        return motion.square().sum((1, 2))

    seen = CachedFrames(model, clips)
    assert judge_scores(Verdict(judge), model, seen) == judge_scores(Verdict(judge), model, clips)
