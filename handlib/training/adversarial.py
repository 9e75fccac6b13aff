"""The game between Deformer and its motion discriminator (Fu et al. 2023, section 3.4).

Least-squares losses (Mao et al. 2017): the judge D wants 1 for recorded motion and 0 for the
network's, the network wants 1 for its own.

    network: λ · mean (D(fake) − 1)²        judge: mean (D(real) − 1)² + mean D(fake)²
"""

import torch
import torch.distributed
from torch import Tensor
from torch.optim import AdamW

from handlib.data.sample import needed
from handlib.data.sequence_batch import SequenceBatch
from handlib.hands.rotations import axis_angle_to_rotmat
from handlib.models.deformer import SequencePrediction
from handlib.models.discriminator import MotionDiscriminator, motion_input


class Critic:
    """A discriminator with its own optimiser, which `fit` lets learn after every step.

    `weight` is λ. The defaults are the released ones. `fit` lets the rate fall with the network's.
    Several processes train one discriminator together; the released code trains one each (D17).
    """

    def __init__(
        self,
        discriminator: MotionDiscriminator,
        weight: float = 10.0,
        learning_rate: float = 1e-3,
        weight_decay: float = 5e-4,
    ) -> None:
        self.discriminator = discriminator
        self.weight = weight
        self.learning_rate = learning_rate
        self.optimizer = AdamW(
            discriminator.parameters(), learning_rate, weight_decay=weight_decay, fused=True
        )

    def join(self, device: torch.device) -> None:
        """Move to the network's device; all processes begin with the first one's weights."""
        self.discriminator.to(device)
        if _together():
            for parameter in self.discriminator.parameters():
                torch.distributed.broadcast(parameter.data, src=0)

    def judge(self, prediction: SequencePrediction, batch: SequenceBatch) -> Tensor:
        """The network's adversarial loss; its gradient reaches every frame's pose."""
        score = self.discriminator(motion_input(prediction.pose, batch.left))
        return self.weight * (score - 1).square().mean()

    def learn(self, prediction: SequencePrediction, batch: SequenceBatch) -> dict[str, Tensor]:
        """One step of the judge, on the batch's true motions and on the predicted ones."""
        real = motion_input(axis_angle_to_rotmat(needed(batch.pose, "pose")), batch.left)
        fake = motion_input(prediction.pose.detach(), batch.left)
        terms = {
            "judge_real": (self.discriminator(real) - 1).square().mean(),
            "judge_fake": self.discriminator(fake).square().mean(),
        }
        self.optimizer.zero_grad()  # the network's step has left gradients here, too
        torch.stack(list(terms.values())).sum().backward()
        if _together():
            for gradient in (parameter.grad for parameter in self.discriminator.parameters()):
                assert gradient is not None
                torch.distributed.all_reduce(gradient)
                gradient /= torch.distributed.get_world_size()
        self.optimizer.step()
        return {name: term.detach() for name, term in terms.items()}

    def scale_rate(self, factor: float) -> None:
        """Learn at `factor` times the first rate from here on."""
        for group in self.optimizer.param_groups:
            group["lr"] = factor * self.learning_rate


def _together() -> bool:
    """Whether several processes train."""
    return torch.distributed.is_available() and torch.distributed.is_initialized()
