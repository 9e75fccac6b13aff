"""SET, the self-enhancing transformer (HandOccNet, section 3.4): F_FIT attends to itself."""

from jaxtyping import Float
from torch import Tensor, nn

from handlib.models.block import AttentionBlock


class SET(nn.Module):
    """F_FIT to F_SET.

    The paper's one block is self-attention. The released code stacks two, and the second attends
    from the refined map to the *original* one, for its keys are never updated (H9);
    `update_keys` makes every block attend to its own input.
    """

    def __init__(self, blocks: list[AttentionBlock], update_keys: bool) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.update_keys = update_keys

    def forward(self, features: Float[Tensor, "B C h w"]) -> Float[Tensor, "B C h w"]:
        refined = features
        for block in self.blocks:
            refined = block(refined, refined if self.update_keys else features)
        return refined
