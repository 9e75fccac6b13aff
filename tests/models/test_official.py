"""Checkpoint files: read without running code, refused with every name that does not fit."""

import re

import pytest
import torch
from parity.vectors import official_state

from handlib.models import official


@pytest.fixture(scope="module")
def state():
    return official_state("handoccnet")


def save(path, state, **extra):
    released = {f"module.{key}": value for key, value in state.items()} | extra
    torch.save({"network": released, "epoch": 79, "optimizer": {}}, path)
    return path


def test_reads_a_released_file(tmp_path, state, hand):
    extra = {
        "module.regressor.mano_regHead.mano_layer.th_faces": torch.zeros(1538, 3),
        "module.regressor.hand_regHead.uu": torch.zeros(32, 32),
        "module.regressor.hand_regHead.vv": torch.zeros(32, 32),
    }
    model = official.load_handoccnet(save(tmp_path / "snapshot.pth.tar", state, **extra), hand)
    assert not model.training
    weight = state["regressor.mano_regHead.shape_reg.weight"]
    assert torch.equal(model.mano_head.shape.weight, weight)
    assert torch.equal(model.pyramid.laterals[3].weight, state["backbone.toplayer.weight"])


def test_names_everything_that_is_wrong(state, hand):
    wrong = dict(state)
    del wrong["FIT.conv1.0.bias"]
    wrong["FIT.conv3.bias"] = torch.zeros(1)
    wrong["regressor.hand_regHead.betas"] = torch.ones(21)
    with pytest.raises(ValueError) as error:
        official.load_handoccnet(wrong, hand)
    message = str(error.value)
    assert "1 missing: FIT.conv1.0.bias;" in message
    assert "1 unexpected: FIT.conv3.bias;" in message
    assert "regressor.hand_regHead.betas (21,) instead of (21, 1)" in message


def test_refuses_a_file_of_another_kind(tmp_path, hand):
    path = tmp_path / "deformer.pth"
    torch.save({"state_dict": {}}, path)
    with pytest.raises(ValueError, match=re.escape(str(path)) + r".*'network'.*state_dict"):
        official.load_handoccnet(path, hand)


class Harmful:
    def __reduce__(self):
        return (print, ("this ran",))


def test_runs_no_code_of_a_file(tmp_path, capsys, hand):
    path = tmp_path / "harmful.pth"
    torch.save({"network": Harmful()}, path)
    with pytest.raises(Exception, match="weights_only|Weights only"):
        official.load_handoccnet(path, hand)
    assert "this ran" not in capsys.readouterr().out


@pytest.fixture(scope="module")
def deformer_state():
    return official_state("deformer")


def test_reads_both_networks_of_a_deformer_checkpoint(tmp_path, deformer_state, hand):
    path = tmp_path / "checkpoint.pth"
    released = {f"module.{key}": value for key, value in deformer_state.items()}
    released["module.honet.hand_hm_layer.uu"] = torch.zeros(32, 32)
    torch.save({"state_dict": released, "epoch": 60}, path)
    model, judge = official.load_deformer(path, hand), official.load_discriminator(path)
    assert not model.training and not judge.training
    weight = deformer_state["honet.mano_branch.bw_dynamic_pose_reg.weight"]
    assert torch.equal(model.motion_head.backward_motion.weight, weight)
    weight = deformer_state["motion_discriminator.fc.weight"]
    assert torch.equal(judge.score.weight, weight)


def test_names_everything_that_is_wrong_with_a_deformer(deformer_state, hand):
    wrong = dict(deformer_state)
    del wrong["honet.hand_query_embed.weight"]
    wrong["honet.mano_branch.extra.bias"] = torch.zeros(1)
    with pytest.raises(ValueError) as error:
        official.load_deformer(wrong, hand)
    assert "1 missing: hand_query_embed.weight;" in str(error.value)
    assert "1 unexpected: mano_branch.extra.bias" in str(error.value)


def test_a_checkpoint_without_a_discriminator_says_so(deformer_state):
    alone = {key: value for key, value in deformer_state.items() if key.startswith("honet.")}
    with pytest.raises(ValueError, match="16 missing: attention.attention.0.bias"):
        official.load_discriminator(alone)
