"""Deformer written the plain way: the oracle for the library's shortcuts, and what bench times.

Frame after frame, attention in full, RoIAlign sample by sample, fusion by the paper's sums; under
the released parameter names. Nothing is imported from the networks.
"""

import math

import torch
from plain_handoccnet import Pyramid, gram_schmidt
from torch import Tensor, nn
from torch.nn import functional as F


class Attention(nn.Module):
    """Multi-head attention with its correlation in full."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.randn(3 * channels, channels) / channels**0.5)
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * channels))
        self.out_proj = nn.Linear(channels, channels)

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        weights, biases = self.in_proj_weight.chunk(3), self.in_proj_bias.chunk(3)
        q, k, v = (
            F.linear(x, w, b).unflatten(1, (self.heads, -1)).transpose(0, 1)
            for x, w, b in zip((query, key, value), weights, biases, strict=True)
        )  # A N d
        correlation = (q @ k.mT / math.sqrt(q.shape[-1])).softmax(-1)
        return self.out_proj((correlation @ v).transpose(0, 1).flatten(1))


class EncoderLayer(nn.Module):
    def __init__(self, channels: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.self_attn = Attention(channels, heads)
        self.linear1, self.linear2 = nn.Linear(channels, hidden), nn.Linear(hidden, channels)
        self.norm1, self.norm2 = nn.LayerNorm(channels), nn.LayerNorm(channels)

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        x = self.norm1(x + self.self_attn(x + positions, x + positions, x))
        return self.norm2(x + self.linear2(self.linear1(x).relu()))


class DecoderLayer(nn.Module):
    def __init__(self, channels: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.self_attn = Attention(channels, heads)
        self.multihead_attn = Attention(channels, heads)
        self.linear1, self.linear2 = nn.Linear(channels, hidden), nn.Linear(hidden, channels)
        self.norm1, self.norm2 = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.norm3 = nn.LayerNorm(channels)

    def forward(self, x: Tensor, query: Tensor, memory: Tensor, positions: Tensor) -> Tensor:
        x = self.norm1(x + self.self_attn(x + query, x + query, x))
        x = self.norm2(x + self.multihead_attn(x + query, memory + positions, memory))
        return self.norm3(x + self.linear2(self.linear1(x).relu()))


class Encoder(nn.Module):
    def __init__(self, config) -> None:
        super().__init__()
        sizes = config.channels, config.heads, config.hidden
        self.layers = nn.ModuleList(EncoderLayer(*sizes) for _ in range(config.depth))

    def forward(self, x: Tensor, positions: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x, positions)
        return x


class Decoder(nn.Module):
    def __init__(self, config) -> None:
        super().__init__()
        sizes = config.channels, config.heads, config.hidden
        self.layers = nn.ModuleList(DecoderLayer(*sizes) for _ in range(config.depth))
        self.norm = nn.LayerNorm(config.channels)

    def forward(self, query: Tensor, memory: Tensor, positions: Tensor) -> Tensor:
        x = torch.zeros_like(query)
        for layer in self.layers:
            x = layer(x, query, memory, positions)
        return self.norm(x)


class PlainDeformer(nn.Module):
    """Frames (B, T, 3, H, W) and boxes (B, T, 4) to a dict, up to β and the fused rotations."""

    def __init__(self, config) -> None:
        super().__init__()
        self.config, c = config, config.channels
        self.base_net = Pyramid(config, smooth2=False)
        self.hand_transformer = nn.Module()
        self.hand_transformer.encoder = Encoder(config)
        self.hand_transformer.decoder = Decoder(config)
        self.hand_query_embed = nn.Embedding(1, c)
        self.hand_hm_embed = nn.Module()
        widths = (c, c, c, 21)
        self.hand_hm_embed.layers = nn.ModuleList(
            nn.Linear(a, b) for a, b in zip(widths, widths[1:], strict=False)
        )
        self.hand_hm_layer = nn.Module()
        self.hand_hm_layer.betas = nn.Parameter(torch.ones(21, 1))
        self.temporal_hand_transformer_encoder = Encoder(config)
        self.temporal_hand_transformer_decoder = Decoder(config)
        self.temporal_hand_query_embed = nn.Embedding(1, c)
        wide, narrow = config.head_widths
        self.mano_branch = head = nn.Module()
        head.mano_base_layer = nn.Sequential(
            *(nn.Linear(c + 42, wide), nn.LeakyReLU(), nn.Linear(wide, narrow), nn.LeakyReLU())
        )
        for name in ("pose_reg", "fw_dynamic_pose_reg", "bw_dynamic_pose_reg"):
            setattr(head, name, nn.Linear(narrow, 96))
        head.confidence_reg = nn.Linear(narrow, 1)
        head.shape_reg = nn.Linear(c, 10)

    def forward(self, frames: Tensor, boxes: Tensor) -> dict[str, Tensor]:
        windows = [self.window(f, b) for f, b in zip(frames, boxes, strict=True)]
        return {name: torch.stack([window[name] for window in windows]) for name in windows[0]}

    def window(self, frames: Tensor, boxes: Tensor) -> dict[str, Tensor]:
        each = [self.frame(frame, box) for frame, box in zip(frames, boxes, strict=True)]
        features = torch.stack([feature for feature, _ in each])
        joints_img = torch.stack([joints for _, joints in each])
        place = sines(len(frames), self.config.channels)
        memory = self.temporal_hand_transformer_encoder(features, place)
        query = self.temporal_hand_query_embed.weight
        shape = self.temporal_hand_transformer_decoder(query, memory, place)[0]
        head = self.mano_branch
        h = head.mano_base_layer(torch.cat([memory, joints_img.flatten(1)], 1))
        pose, onward, back = (
            layer(h).unflatten(1, (16, 6))
            for layer in (head.pose_reg, head.fw_dynamic_pose_reg, head.bw_dynamic_pose_reg)
        )
        confidence = head.confidence_reg(h)[:, 0].softmax(0)
        return {
            **{"pose6d": pose, "forward_motion": onward, "backward_motion": back},
            **{"joints_img": joints_img, "confidence": confidence},
            **{"betas": head.shape_reg(shape)},
            **{"pose": gram_schmidt(pose)},
            **{"fused_pose": fused_centre(pose, onward, back, confidence)},
        }

    def frame(self, frame: Tensor, box: Tensor) -> tuple[Tensor, Tensor]:
        cells, c = self.config.cells, self.config.channels
        crop = roi_align(self.base_net(frame[None])[0], box / 4, cells)
        along = sines(cells, c // 2)
        place = torch.cat(
            [along.repeat_interleave(cells, 0), along.repeat(cells, 1)], 1
        )  # y, then x
        memory = self.hand_transformer.encoder(crop.flatten(1).T, place)
        feature = self.hand_transformer.decoder(self.hand_query_embed.weight, memory, place)[0]
        h = memory
        for i, layer in enumerate(self.hand_hm_embed.layers):
            h = layer(h).relu() if i < 2 else layer(h)
        heatmaps = (h.T * self.hand_hm_layer.betas).softmax(1)  # 21 N
        grid = (torch.arange(cells, dtype=heatmaps.dtype) + 0.5) / cells
        u, v = grid.repeat(cells), grid.repeat_interleave(cells)
        return feature, torch.stack([heatmaps @ u, heatmaps @ v], 1)


def fused_centre(pose: Tensor, onward: Tensor, back: Tensor, confidence: Tensor) -> Tensor:
    """Eq. 1 to 3 as they are written, for the centre frame."""
    centre, mean = len(pose) // 2, torch.zeros_like(pose[0])
    for i in range(len(pose)):
        moved = pose[i]
        for k in range(i, centre):
            moved = moved + onward[k]
        for k in range(centre + 1, i + 1):
            moved = moved + back[k]
        mean = mean + confidence[i] * moved
    return gram_schmidt(mean)


def sines(length: int, channels: int) -> Tensor:
    codes = torch.empty(length, channels, dtype=torch.get_default_dtype())
    for t in range(length):
        for i in range(channels):
            angle = (t + 1) / (length + 1e-6) * 2 * math.pi
            angle = angle / 10_000 ** (2 * (i // 2) / channels)
            codes[t, i] = math.cos(angle) if i % 2 else math.sin(angle)
    return codes


def roi_align(features: Tensor, box: Tensor, size: int) -> Tensor:
    """All samples of one box, gathered and averaged; C H W to C size size."""
    height, width = features.shape[1:]
    x, per_x = samples(box[0].item(), box[2].item(), size)
    y, per_y = samples(box[1].item(), box[3].item(), size)
    inside = ((y >= -1) & (y <= height))[:, None] & ((x >= -1) & (x <= width))
    y, x = y.clamp(0, height - 1), x.clamp(0, width - 1)
    y0, x0 = y.long(), x.long()
    y1, x1 = (y0 + 1).clamp(max=height - 1), (x0 + 1).clamp(max=width - 1)
    dy, dx = (y - y0).to(features)[:, None], (x - x0).to(features)
    value = (
        (1 - dy) * (1 - dx) * features[:, y0[:, None], x0]
        + (1 - dy) * dx * features[:, y0[:, None], x1]
        + dy * (1 - dx) * features[:, y1[:, None], x0]
        + dy * dx * features[:, y1[:, None], x1]
    )
    value = value * inside
    return value.unflatten(1, (size, per_y)).unflatten(3, (size, per_x)).mean((2, 4))


def samples(start: float, end: float, size: int) -> tuple[Tensor, int]:
    length = max(end - start, 1.0)
    count = math.ceil(length / size)
    return start + (torch.arange(size * count) + 0.5) * length / (size * count), count
