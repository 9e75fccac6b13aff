"""Our parameters' names in the released networks' state dicts: tables of substitutions.

Each table is applied row by row, so a later row sees what an earlier one has made.
"""

import re
from collections.abc import Callable

Renames = tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...]


def renamed(key: str, table: Renames) -> str:
    """`key` after every substitution of `table`."""
    for pattern, replacement in table:
        key = re.sub(pattern, replacement, key)
    return key


def _hourglass_level(match: re.Match[str]) -> str:
    """Levels nest in ours; there they are counted from the innermost, 0, to the outermost, 3."""
    depth = match["inner"].count("inner")
    block = {"skip": 0, "down": 1, "up": 2, None: 3}[match["unit"]]
    return f"regressor.hand_regHead.hg.0.hg.{3 - depth if match['unit'] else 0}.{block}.0."


_BACKBONE: Renames = (
    (r"^backbone\.stem\.conv", "backbone.layer0.0"),
    (r"^backbone\.stem\.norm", "backbone.layer0.1"),
    (r"^backbone\.stages\.(\d)", lambda m: f"backbone.layer{int(m[1]) + 1}.0"),
    (r"^(backbone\.layer[1-4].*)\.conv(\d)\.conv", r"\1.conv\2"),
    (r"^(backbone\.layer[1-4].*)\.conv(\d)\.norm", r"\1.bn\2"),
    (r"^(backbone\.layer[1-4].*)\.skip\.conv", r"\1.downsample.0"),
    (r"^(backbone\.layer[1-4].*)\.skip\.norm", r"\1.downsample.1"),
    (r"^pyramid\.laterals\.3", "backbone.toplayer"),
    (r"^pyramid\.laterals\.(\d)", lambda m: f"backbone.latlayer{3 - int(m[1])}"),
    (r"^pyramid\.smooth\b", "backbone.smooth3"),
)

HANDOCCNET: Renames = (
    *_BACKBONE,
    (r"^pyramid\.smooth2", "backbone.smooth2"),
    (r"^necessity\.conv\.conv", "backbone.attention_module.spatial.conv"),
    (r"^necessity\.conv\.norm", "backbone.attention_module.spatial.bn"),
    (r"^(fit|set)\.blocks", lambda m: f"{m[1].upper()}.layers"),
    (r"\.query_position", ".q_embedding"),
    (r"\.key_position", ".k_embedding"),
    (r"\.gate\.(query|key)", r".encode_\g<1>2"),
    (r"(layers\.\d)\.(query|key|value)", r"\1.encode_\2"),
    (r"(layers\.\d)\.mlp\.norm", r"\1.norm2"),
    (r"\.mlp\.widen", ".mlp.fc1"),
    (r"\.mlp\.narrow", ".mlp.fc2"),
    (r"^fit\.merge\.conv1", "FIT.conv1.0"),
    (r"^fit\.merge\.conv2", "FIT.conv1.2"),
    (r"^fit\.merge\.skip", "FIT.conv2.0"),
    (r"^heatmaps\.hourglass\.(?P<inner>(inner\.)*)((?P<unit>skip|down|up)\.)?", _hourglass_level),
    (r"^heatmaps\.residual", "regressor.hand_regHead.res.0.0"),
    (r"^heatmaps\.mix\.conv", "regressor.hand_regHead.fc.0.block.0"),
    (r"^heatmaps\.mix\.norm", "regressor.hand_regHead.fc.0.block.1"),
    (r"^heatmaps\.score", "regressor.hand_regHead.score.0"),
    (r"^heatmaps\.temperature", "regressor.hand_regHead.betas"),
    (r"(hand_regHead.*)\.norm", r"\1.bn1"),
    (r"(hand_regHead.*)\.conv1\.bn1", r"\1.bn2"),
    (r"(hand_regHead.*)\.conv2\.bn1", r"\1.bn3"),
    (r"^encoder\.heatmaps", "regressor.hand_Encoder.heatmap_conv"),
    (r"^encoder\.features", "regressor.hand_Encoder.encoding_conv"),
    (
        r"^encoder\.levels\.(\d)\.(\d)",
        lambda m: f"regressor.hand_Encoder.reg.{2 * int(m[1]) + int(m[2])}",
    ),
    (r"(hand_Encoder.*)\.norm", r"\1.bn"),
    (r"(hand_Encoder.*)\.conv(\d)\.bn", r"\1.bn\2"),
    (r"(regressor.*)\.conv(\d)\.conv", r"\1.conv\2"),
    (r"^mano_head\.hidden1", "regressor.mano_regHead.mano_base_layer.0"),
    (r"^mano_head\.hidden2", "regressor.mano_regHead.mano_base_layer.2"),
    (r"^mano_head\.(pose|shape)", r"regressor.mano_regHead.\1_reg"),
)

DEFORMER: Renames = (
    *_BACKBONE,
    (r"^backbone", "base_net"),
    (r"^spatial\.decoder\.query", "hand_query_embed.weight"),
    (r"^spatial\.(encoder|decoder)\.", r"hand_transformer.\1."),
    (r"^spatial\.joints\.hidden(\d)", lambda m: f"hand_hm_embed.layers.{int(m[1]) - 1}"),
    (r"^spatial\.joints\.score", "hand_hm_embed.layers.2"),
    (r"^spatial\.temperature", "hand_hm_layer.betas"),
    (r"^temporal\.decoder\.query", "temporal_hand_query_embed.weight"),
    (r"^temporal\.(encoder|decoder)\.", r"temporal_hand_transformer_\1."),
    (r"(decoder.*)\.attention\.", r"\1.multihead_attn."),
    (r"\.(self_)?attention\.", ".self_attn."),
    (r"coder\.blocks", "coder.layers"),
    (r"\.feed_forward\.widen", ".linear1"),
    (r"\.feed_forward\.narrow", ".linear2"),
    (r"^motion_head\.hidden1", "mano_branch.mano_base_layer.0"),
    (r"^motion_head\.hidden2", "mano_branch.mano_base_layer.2"),
    (r"^motion_head\.(pose|shape|confidence)", r"mano_branch.\1_reg"),
    (r"^motion_head\.forward_motion", "mano_branch.fw_dynamic_pose_reg"),
    (r"^motion_head\.backward_motion", "mano_branch.bw_dynamic_pose_reg"),
)

DISCRIMINATOR: Renames = (
    (r"^attention\.", "attention.attention."),
    (r"^score", "fc"),
)
