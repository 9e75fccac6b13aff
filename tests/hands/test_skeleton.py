"""Joint orders against the names that each data set publishes; fingertip sets against its code."""

import pytest

from handlib.hands import skeleton

SEGMENT = {"1": "mcp", "2": "pip", "3": "dip", "tip": "tip"}
THUMB_SEGMENT = {"1": "cmc", "2": "mcp", "3": "ip", "tip": "tip"}


def common_name(finger: str, segment: str) -> str:
    table = THUMB_SEGMENT if finger == "thumb" else SEGMENT
    return f"{finger}_{table[segment]}"


def translate(names: str, fingers: dict[str, str], segments: dict[str, str]) -> list[str]:
    """Names as published, such as "P2", in our words."""
    return [
        "wrist" if name == "W" else common_name(fingers[name[0]], segments[name[1:]])
        for name in names.split()
    ]


FINGER = {"T": "thumb", "I": "index", "M": "middle", "R": "ring", "P": "little"}
COMMON = ["wrist"] + [common_name(f, s) for f in FINGER.values() for s in SEGMENT]
HO3D = translate(
    "W I1 I2 I3 M1 M2 M3 P1 P2 P3 R1 R2 R3 T1 T2 T3 Ttip Itip Mtip Rtip Ptip",
    FINGER,
    {segment: segment for segment in SEGMENT},
)
FPHA = translate(
    "W TMCP IMCP MMCP RMCP PMCP TPIP TDIP TTIP IPIP IDIP ITIP MPIP MDIP MTIP "
    "RPIP RDIP RTIP PPIP PDIP PTIP",
    FINGER,
    {"MCP": "1", "PIP": "2", "DIP": "3", "TIP": "tip"},
)


def test_names() -> None:
    assert list(skeleton.JOINT_NAMES) == COMMON
    assert list(skeleton.MANO_JOINT_NAMES) == HO3D[:16]


@pytest.mark.parametrize(
    ("permutation", "published"),
    [
        (skeleton.HO3D_TO_COMMON, HO3D),
        (skeleton.COMMON_FROM_MANO_TIPS, HO3D),
        (skeleton.FPHA_TO_COMMON, FPHA),
    ],
)
def test_permutation_by_names(permutation: tuple[int, ...], published: list[str]) -> None:
    assert [published[index] for index in permutation] == COMMON
    back = skeleton.inverse(permutation)
    assert [COMMON[index] for index in back] == published
    assert [permutation[index] for index in back] == list(range(21))


def test_ready_made_inverses() -> None:
    assert [COMMON[index] for index in skeleton.COMMON_TO_HO3D] == HO3D
    assert [COMMON[index] for index in skeleton.COMMON_TO_FPHA] == FPHA


@pytest.mark.parametrize(
    ("name", "published"), [("common", COMMON), ("HO-3D", HO3D), ("FPHA", FPHA)]
)
def test_orders_by_name(name: str, published: list[str]) -> None:
    assert [published[index] for index in skeleton.TO_COMMON[name]] == COMMON
    assert len(skeleton.TO_COMMON) == 3


def test_joints_of_mano_in_common_order() -> None:
    mano = HO3D[:16]
    assert [COMMON[index] for index in skeleton.COMMON_OF_MANO] == mano
    for name, joint in zip(COMMON, skeleton.MANO_JOINT_OF_COMMON, strict=True):
        carrier = name if name in mano else name.replace("tip", "ip" if "thumb" in name else "dip")
        assert mano[joint] == carrier


def test_trees_agree() -> None:
    """Bones join a joint with its parent in MANO's tree, or a tip with its finger's last joint."""
    parent_of = {child: parent for parent, child in skeleton.BONES}
    assert len(skeleton.BONES) == len(parent_of) == 20
    for child, parent in parent_of.items():
        joint, mano_parent = (skeleton.MANO_JOINT_OF_COMMON[index] for index in (child, parent))
        is_tip = COMMON[child].endswith("tip")
        assert mano_parent == (joint if is_tip else skeleton.PARENTS[joint])


def test_fingers() -> None:
    assert list(skeleton.FINGER_JOINTS) == list(skeleton.FINGERS)
    for finger, joints in skeleton.FINGER_JOINTS.items():
        assert [COMMON[joint] for joint in joints] == [common_name(finger, s) for s in SEGMENT]


def test_published_fingertips() -> None:
    """As in manopth, HO-3D's label code, smplx, HO-3D's drawing script and HOnnotate."""
    from smplx.vertex_ids import vertex_ids

    smplx_ids = vertex_ids["mano"]
    published = {
        "manopth": (745, 317, 444, 556, 673),
        "ho3d": (728, 353, 442, 576, 694),
        "smplx": tuple(smplx_ids[tip] for tip in ("thumb", "index", "middle", "ring", "pinky")),
        "ho3d_setup": (744, 333, 444, 555, 672),
        "honnotate": (745, 320, 444, 555, 657),
    }
    assert {name: tips["right"] for name, tips in skeleton.FINGERTIPS.items()} == published
    published["manopth"] = (745, 317, 445, 556, 673)
    assert {name: tips["left"] for name, tips in skeleton.FINGERTIPS.items()} == published
