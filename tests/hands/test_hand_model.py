"""The hand against smplx on the same file, and against the mirror."""

import io
import pickle
import warnings
from contextlib import redirect_stdout
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import smplx
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from torch import Tensor, nn
from torch.autograd import gradcheck, gradgradcheck

from handlib.hands import HandModel, HandOutput, load_hand, read_mano_file
from handlib.hands.rotations import axis_angle_to_rotmat
from handlib.hands.skeleton import COMMON_OF_MANO, FINGERTIPS, Side

from .mano_pickles import mano_content, python2_pickle

ASSET = Path(str(files("handlib") / "assets" / "MANO_RIGHT.npz"))
SIDES: list[Side] = ["right", "left"]


@pytest.fixture(scope="module", params=SIDES)
def hand(request: pytest.FixtureRequest) -> HandModel:
    return load_hand(side=request.param)


def smplx_layer(path: Path, dtype: torch.dtype, layer: type = smplx.MANO, **options: Any) -> Any:
    """smplx itself reading the file: knows nothing of ours."""
    with redirect_stdout(io.StringIO()):
        return layer(str(path), ext=path.suffix[1:], use_pca=False, dtype=dtype, **options)


def random_hands(batch: int, seed: int, dtype: torch.dtype, spread: float = 0.8) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shapes = ((batch, 16, 3), (batch, 10), (batch, 3))
    return [
        (scale * torch.randn(*shape, generator=generator, dtype=dtype)).requires_grad_()
        for scale, shape in zip((spread, 1.0, 0.3), shapes, strict=True)
    ]


def by_smplx(layer: nn.Module, pose: Tensor, betas: Tensor, translation: Tensor) -> Any:
    return layer(
        betas=betas,
        global_orient=pose[:, 0],
        hand_pose=pose[:, 1:].flatten(1),
        transl=translation,
    )


def weighted_sum(vertices: Tensor, mano_joints: Tensor) -> Tensor:
    """A scalar with a different weight for every coordinate, whose gradient tells all."""
    generator = torch.Generator().manual_seed(5)
    parts = (vertices, mano_joints)
    return sum((x * torch.randn(x.shape, generator=generator, dtype=x.dtype)).sum() for x in parts)


def assert_equal_to_smplx(hand: HandModel, layer: nn.Module, inputs: list[Tensor]) -> None:
    """Within 1e-6 m in values; gradients likewise, per metre of 2,400 summed coordinates."""
    double = inputs[0].dtype == torch.float64
    atol = 1e-8 if double else 1e-6
    ours, theirs = hand(*inputs), by_smplx(layer, *inputs)
    joints = ours.joints[:, list(COMMON_OF_MANO)]
    torch.testing.assert_close(ours.vertices, theirs.vertices, atol=atol, rtol=0)
    torch.testing.assert_close(joints, theirs.joints, atol=atol, rtol=0)
    our_gradients = torch.autograd.grad(weighted_sum(ours.vertices, joints), inputs)
    their_gradients = torch.autograd.grad(weighted_sum(theirs.vertices, theirs.joints), inputs)
    for found, expected in zip(our_gradients, their_gradients, strict=True):
        scale = expected.abs().max().clamp(min=1).item()
        torch.testing.assert_close(found, expected, atol=10 * atol * scale, rtol=0)


@pytest.mark.parametrize("batch", [1, 2, 33])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equal_to_smplx(batch: int, dtype: torch.dtype) -> None:
    layer = smplx_layer(ASSET, dtype, flat_hand_mean=True)
    hand = load_hand().to(dtype)
    assert_equal_to_smplx(hand, layer, random_hands(batch, batch, dtype))


RIGHT, LEFT = load_hand(), load_hand(side="left")
SMPLX_RIGHT = smplx_layer(ASSET, torch.float32, flat_hand_mean=True)
MIRROR = torch.tensor([-1.0, 1.0, 1.0])


@settings(max_examples=15)
@given(seed=st.integers(0, 2**31), spread=st.sampled_from([0.0, 1e-6, 0.1, 1.0, 3.0]))
def test_equal_to_smplx_for_any_pose(seed: int, spread: float) -> None:
    inputs = random_hands(3, seed, torch.float32, spread)
    assert_equal_to_smplx(RIGHT, SMPLX_RIGHT, inputs)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_matrices_equal_smplx_layer(dtype: torch.dtype) -> None:
    """smplx.MANOLayer takes matrices, so no rounding of angles stands between the two."""
    layer = smplx_layer(ASSET, dtype, smplx.MANOLayer)
    pose, betas, translation = random_hands(4, 0, dtype)
    matrices = torch.tensor(
        Rotation.from_rotvec(pose.detach().reshape(-1, 3).numpy()).as_matrix(), dtype=dtype
    ).reshape(4, 16, 3, 3)
    ours = load_hand().to(dtype)(matrices, betas, translation)
    theirs = layer(betas, matrices[:, :1], matrices[:, 1:], transl=translation)
    atol = 1e-8 if dtype == torch.float64 else 1e-6
    torch.testing.assert_close(ours.vertices, theirs.vertices, atol=atol, rtol=0)
    from_angles = load_hand().to(dtype)(pose, betas, translation)
    torch.testing.assert_close(ours.vertices, from_angles.vertices, atol=1e-6, rtol=0)


def test_own_smplx_layer_is_the_same_hand(hand: HandModel) -> None:
    layer = hand.smplx()
    assert layer.is_rhand == (hand.side == "right")
    assert_equal_to_smplx(hand, layer, random_hands(3, 1, torch.float32))
    assert_equal_to_smplx(
        load_hand(side=hand.side).double(),
        load_hand(side=hand.side).double().smplx(),
        random_hands(3, 1, torch.float64),
    )


@pytest.mark.parametrize("flat_hand_mean", [True, False])
def test_pca_as_smplx_reads_it(hand: HandModel, flat_hand_mean: bool) -> None:
    coefficients = torch.randn(4, 12)
    layer = hand.smplx(use_pca=True, num_pca_comps=12, flat_hand_mean=flat_hand_mean)
    expected = layer(torch.zeros(4, 10), torch.zeros(4, 3), coefficients).vertices
    fingers = hand.pose_from_pca(coefficients, flat_hand_mean=flat_hand_mean)
    pose = torch.cat([torch.zeros(4, 1, 3), fingers], dim=1)
    vertices = hand(pose, torch.zeros(4, 10)).vertices
    torch.testing.assert_close(vertices, expected, atol=1e-6, rtol=0)


def test_mean_pose_is_explicit(hand: HandModel) -> None:
    none = torch.zeros(1, 45)
    assert torch.equal(hand.pose_from_pca(none).flatten(), hand.hands_mean)
    assert torch.equal(hand.pose_from_pca(none, flat_hand_mean=True), torch.zeros(1, 15, 3))


@pytest.mark.parametrize("shape", [(2, 45), (2, 48), (2, 51), (2, 15, 3), (16, 3), (2, 16, 9)])
def test_coefficients_are_never_taken_for_angles(hand: HandModel, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected \(B,16,3\).*pose_from_pca"):
        hand(torch.zeros(shape), torch.zeros(shape[0], 10))
    with pytest.raises(ValueError, match="found 51"):
        hand.pose_from_pca(torch.zeros(2, 51))


def test_smplx_never_switches_pca_off_silently(hand: HandModel) -> None:
    with pytest.raises(ValueError, match="num_pca_comps=45.*pose_from_pca"):
        hand.smplx(use_pca=True, num_pca_comps=45)


@pytest.mark.parametrize("suffix", [".pkl", ".npz"])
@pytest.mark.parametrize("side", SIDES)
def test_own_file(tmp_path: Path, side: Side, suffix: str) -> None:
    """A user's file, by path and by folder; a left one is taken as it is, not mirrored."""
    data = read_mano_file(ASSET)
    data = data if side == "right" else data.mirrored()
    kintree = np.array([load_hand().parents, range(16)]).astype("u4")
    arrays = {
        "v_template": data.template * [1, 1, 1.05],
        "shapedirs": data.shapedirs,
        "posedirs": data.posedirs,
        "J_regressor": data.joint_regressor,
        "weights": data.skinning_weights,
        "kintree_table": kintree,
        "f": data.faces.astype("u4"),
        "hands_mean": data.hands_mean,
        "hands_components": data.hands_components,
    }
    path = tmp_path / f"MANO_{side.upper()}{suffix}"
    if suffix == ".npz":
        np.savez(path, **arrays)
    else:
        path.write_bytes(python2_pickle(mano_content(arrays)))
        with (tmp_path / f"MANO_{side.upper()}_plain.pkl").open("wb") as file:
            pickle.dump(arrays, file)  # smplx cannot read the official form without chumpy
    readable = path if suffix == ".npz" else path.with_name(path.stem + "_plain.pkl")
    layer = smplx_layer(readable, torch.float32, flat_hand_mean=True)
    for given_path in (path, str(path), tmp_path):
        hand = load_hand(given_path, side=side)
        assert_equal_to_smplx(hand, layer, random_hands(2, 3, torch.float32))
        middle_tip = FINGERTIPS["manopth"][side][2]
        output = hand(torch.zeros(1, 16, 3), torch.zeros(1, 10))
        assert torch.equal(output.joints[0, 12], output.vertices[0, middle_tip])


@pytest.mark.parametrize("fingertips", FINGERTIPS)
def test_fingertips_by_name(fingertips: str) -> None:
    for side in SIDES:
        hand = load_hand(side=side, fingertips=fingertips)
        output = hand(*random_hands(2, 9, torch.float32))
        tips = output.vertices[:, list(FINGERTIPS[fingertips]["right"])]
        assert torch.equal(output.joints[:, [4, 8, 12, 16, 20]], tips)


def test_unknown_fingertips() -> None:
    with pytest.raises(ValueError, match="expected one of manopth, ho3d"):
        load_hand(fingertips="mano")


@settings(max_examples=20)
@given(seed=st.integers(0, 2**31))
def test_left_is_the_mirror_image(seed: int) -> None:
    """Reflecting every rotation, M R M, reflects every vertex and joint; (x, -y, -z) does it."""
    pose, betas, translation = random_hands(3, seed, torch.float32)
    rotations = axis_angle_to_rotmat(pose)
    expected = RIGHT(rotations, betas, translation)
    for mirrored_pose in (MIRROR[:, None] * rotations * MIRROR, -MIRROR * pose):
        found = LEFT(mirrored_pose, betas, translation * MIRROR)
        torch.testing.assert_close(found.vertices, expected.vertices * MIRROR, atol=1e-6, rtol=0)
        torch.testing.assert_close(found.joints, expected.joints * MIRROR, atol=1e-6, rtol=0)


def test_left_pose_space_is_the_mirror_image() -> None:
    coefficients = torch.randn(3, 45)
    right = load_hand().pose_from_pca(coefficients)
    left = load_hand(side="left").pose_from_pca(coefficients)
    torch.testing.assert_close(left, right * torch.tensor([1.0, -1, -1]))


def test_mirror_twice_is_the_same_file() -> None:
    data = read_mano_file(ASSET)
    again = data.mirrored().mirrored()
    for name in data.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(again, name), getattr(data, name))


def test_normals_point_outwards(hand: HandModel) -> None:
    """The signed volume inside the closed surface is positive on either side."""
    vertices = hand.template.double().numpy()
    corners = vertices[hand.faces.numpy()]
    volume = np.linalg.det(corners - vertices.mean(0)).sum() / 6
    assert 1e-4 < volume < 6e-4  # cubic metres


def test_gradients_by_finite_differences() -> None:
    hand = load_hand().double()
    inputs = random_hands(1, 11, torch.float64)
    picked = torch.arange(0, 778, 97)

    def some(pose: Tensor, betas: Tensor, translation: Tensor) -> Tensor:
        output = hand(pose, betas, translation)
        return torch.cat([output.vertices[:, picked], output.joints], dim=1)

    assert gradcheck(some, inputs, fast_mode=True)
    with torch.no_grad():
        inputs[0].zero_()
    assert gradcheck(some, inputs, fast_mode=True)


def test_empty_batch(hand: HandModel) -> None:
    pose = torch.zeros(0, 16, 3, requires_grad=True)
    output = hand(pose, torch.zeros(0, 10), torch.zeros(0, 3))
    assert output.vertices.shape == (0, 778, 3)
    assert output.joints.shape == (0, 21, 3)
    output.vertices.sum().backward()
    assert pose.grad is not None


def test_half_precision_around_it_leaves_metres_alone(hand: HandModel) -> None:
    inputs = random_hands(2, 4, torch.float32)
    expected = hand(*inputs)
    with torch.autocast("cpu", torch.bfloat16):
        found = hand(*inputs)
    assert torch.equal(found.vertices, expected.vertices)
    assert torch.equal(found.joints, expected.joints)


def test_large_batches_are_skinned_in_parts() -> None:
    """Every hand of a batch as when it comes alone, tips and gradients included."""
    inputs = random_hands(300, 2, torch.float64)
    hand = load_hand().double()
    whole = hand(*inputs)
    weight = torch.randn_like(whole.joints)
    gradients = torch.autograd.grad((whole.joints * weight).sum(), inputs)
    for n in (0, 150, 299):
        alone = [x[n : n + 1].detach().requires_grad_() for x in inputs]
        single = hand(*alone)
        torch.testing.assert_close(single.vertices[0], whole.vertices[n])
        joints = (single.joints[0] * weight[n]).sum()
        for found, expected in zip(gradients, torch.autograd.grad(joints, alone), strict=True):
            torch.testing.assert_close(found[n], expected[0])


def test_second_derivatives() -> None:
    hand = load_hand().double()
    pose, betas = random_hands(1, 8, torch.float64)[:2]
    picked = torch.arange(0, 778, 97)

    def some(pose: Tensor, betas: Tensor) -> Tensor:
        output = hand(pose, betas)
        return torch.cat([output.vertices[:, picked], output.joints], dim=1)

    assert gradgradcheck(some, (pose, betas), fast_mode=True)


def test_checkpoints_carry_no_hand(hand: HandModel) -> None:
    holder = nn.ModuleDict({"head": nn.Linear(2, 2), "hand": hand})
    assert set(holder.state_dict()) == {"head.weight", "head.bias"}
    assert not list(hand.parameters())
    assert hand.double().template.dtype == torch.float64
    hand.float()


def test_public_arrays(hand: HandModel) -> None:
    data = read_mano_file(ASSET)
    data = data if hand.side == "right" else data.mirrored()
    for name in ("template", "shapedirs", "posedirs", "joint_regressor", "skinning_weights"):
        np.testing.assert_allclose(getattr(hand, name), getattr(data, name), rtol=1e-6)
    assert hand.faces.dtype == torch.int64
    assert hand.faces.shape == (1538, 3)


def test_output_is_laid_out_plainly(hand: HandModel) -> None:
    output = hand(*random_hands(2, 0, torch.float32))
    assert isinstance(output, HandOutput)
    assert output.vertices.is_contiguous()
    assert output.joints.is_contiguous()


def test_no_output_no_warnings(capsys: pytest.CaptureFixture[str], hand: HandModel) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hand.smplx()
    assert capsys.readouterr().out == ""
