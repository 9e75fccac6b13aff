"""What only a video shows: jitter, and a hand that changes its size on the way."""

from jaxtyping import Float
from torch import Tensor

from handlib.hands.skeleton import BONES


def acceleration_error(
    predicted: Float[Tensor, "*clips T N 3"], target: Float[Tensor, "*clips T N 3"]
) -> Float[Tensor, "*clips T-2"]:
    """Error of the acceleration at each frame but the first and the last, in metres per frame².

    As in HMMR (Kanazawa et al. 2019) and VIBE (Kocabas et al. 2020): the acceleration of a joint
    is the second difference x[t−1] − 2 x[t] + x[t+1]; the error is the length of the difference
    of both accelerations, averaged over the joints. Times the frame rate squared it is in m/s².
    A constant offset and a constant velocity do not count. Root-align both where the position
    of the hand is not predicted.

    Raises:
        ValueError: fewer than three frames.
    """
    if predicted.shape[-3] < 3:
        raise ValueError(
            f"predicted: expected at least 3 frames, found {predicted.shape[-3]}; "
            "shorter clips have no acceleration, leave them out"
        )
    difference = (predicted - target).diff(n=2, dim=-3)
    return difference.norm(dim=-1).mean(-1)


def bone_lengths(joints: Float[Tensor, "*n 21 3"]) -> Float[Tensor, "*n 20"]:
    """Of the bones in `skeleton.BONES`, in the units of the joints (common order)."""
    parents, children = (list(ends) for ends in zip(*BONES, strict=True))
    return (joints[..., children, :] - joints[..., parents, :]).norm(dim=-1)


def bone_length_drift(joints: Float[Tensor, "*clips T 21 3"]) -> Float[Tensor, "*clips"]:
    """How much the bones of a hand change their length over the frames of a clip, in metres.

    The standard deviation over the frames (divided by T) of each of the 20 bones, averaged over
    the bones. Joints in the common order.

    Zero for one shape in one pose. With one shape that moves it is small, but not zero: a
    fingertip is a vertex of the skin, and its distance to the last joint changes with the pose.
    """
    return bone_lengths(joints).std(dim=-2, correction=0).mean(-1)
