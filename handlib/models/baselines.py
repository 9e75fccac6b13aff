"""What the two papers compare with, each as one change of a configuration.

`HANDOCCNET[name](config)` and `DEFORMER[name](config)` give the changed configuration, which the
same network class, loop and command then build, train and score.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from handlib.models.deformer_config import DeformerConfig
from handlib.models.handoccnet import HandOccNetConfig

HANDOCCNET: dict[str, Callable[[HandOccNetConfig], HandOccNetConfig]] = {
    "handoccnet": partial(replace),
    # F alone goes on to the heatmaps.
    "backbone": partial(replace, necessity="none", fit=False, set=False),
    # F_p alone: what the first paper argues against, since what is hidden is thrown away.
    "spatial_attention": partial(replace, fit=False, set=False),
    # Convolutions in the place of both, two blocks for two: depth and numbers, but no far places.
    "residual_blocks": partial(replace, necessity="none", fit=False, set=False, residual_blocks=2),
    "softmax_fit": partial(replace, gate=None),
    "fit_without_set": partial(replace, set=False),
    "set_without_fit": partial(replace, fit=False),
    # The gate pooled as the paper writes it (H6), FIT with its query's residual (H11).
    "mean_gate": partial(replace, gate="mean"),
    "query_residual": partial(replace, fit_query_residual=True),
    "two_blocks": partial(replace, depth=2),
}
"""Of the HandOccNet paper, sections 4.4 and 4.5."""

GUIDED = partial(replace, guided=True)
"""Ours: M and the gates are told what to show (`LossConfig.guided`). No paper has it."""

DEFORMER: dict[str, Callable[[DeformerConfig], DeformerConfig]] = {
    "deformer": partial(replace),
    "single_frame": partial(replace, temporal="none", weights="centre"),
    "temporal": partial(replace, weights="centre"),
    "average": partial(replace, weights="uniform"),
    "occlusion_weighted": partial(replace, weights="occlusion"),
    "recurrent": partial(replace, temporal="recurrent", weights="centre"),
    "past_and_future": partial(replace, temporal="past_and_future", weights="centre"),
}
"""Of the Deformer paper, Tables 1 and 4; VIBE and TCMR stand behind the last two."""
