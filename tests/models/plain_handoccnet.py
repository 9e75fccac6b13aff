"""HandOccNet written the plain way: the oracle for the library's shortcuts, and what bench times.

Every product and every layer is spelled out as the released network has it, under its parameter
names: the N×N gate product, the softmax in full, smooth2 although nobody reads it, smooth3 before
the pooling, attention on NCHW maps, batch norms apart. Nothing is imported from the networks.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Basic(nn.Module):
    """ResNet-18's block."""

    def __init__(self, inputs: int, width: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = downsample(inputs, outputs, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(F.leaky_relu(self.bn1(self.conv1(x)))))
        return F.leaky_relu(y + (x if self.downsample is None else self.downsample(x)))


class Bottleneck(nn.Module):
    """ResNet-50's block."""

    def __init__(self, inputs: int, width: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample = downsample(inputs, outputs, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = F.leaky_relu(self.bn1(self.conv1(x)))
        y = F.leaky_relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        return F.leaky_relu(y + (x if self.downsample is None else self.downsample(x)))


def downsample(inputs: int, outputs: int, stride: int) -> nn.Sequential | None:
    if stride == 1 and inputs == outputs:
        return None
    conv = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs))


class Pyramid(nn.Module):
    """ResNet and feature pyramid, read at p2."""

    def __init__(self, config, smooth2: bool) -> None:
        super().__init__()
        width, channels = config.width, config.channels
        self.layer0 = nn.Sequential(
            nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width), nn.LeakyReLU()
        )
        inputs, block = width, Basic if config.expansion == 1 else Bottleneck
        for stage, count in enumerate(config.blocks):
            inner, outputs = width * 2**stage, config.expansion * width * 2**stage
            blocks = []
            for i in range(count):
                blocks.append(block(inputs, inner, outputs, 2 if stage and not i else 1))
                inputs = outputs
            setattr(self, f"layer{stage + 1}", nn.Sequential(nn.Sequential(*blocks)))
        c2 = config.expansion * width
        self.toplayer = nn.Conv2d(8 * c2, channels, 1)
        self.latlayer1 = nn.Conv2d(4 * c2, channels, 1)
        self.latlayer2 = nn.Conv2d(2 * c2, channels, 1)
        self.latlayer3 = nn.Conv2d(c2, channels, 1)
        if smooth2:
            self.smooth2 = nn.Conv2d(channels, channels, 3, 1, 1)
        self.smooth3 = nn.Conv2d(channels, channels, 3, 1, 1)

    def forward(self, image: Tensor) -> Tensor:
        c1 = F.max_pool2d(self.layer0(image), 3, 2, 1)
        c2 = self.layer1(c1)
        c3 = self.layer2(c2)
        c4 = self.layer3(c3)
        p5 = self.toplayer(self.layer4(c4))
        p4 = self._up(p5, self.latlayer1(c4))
        p3 = self._up(p4, self.latlayer2(c3))
        p2 = self._up(p3, self.latlayer3(c2))
        if hasattr(self, "smooth2"):
            self.smooth2(p3)
        return self.smooth3(p2)

    @staticmethod
    def _up(coarse: Tensor, lateral: Tensor) -> Tensor:
        size = lateral.shape[-2:]
        return F.interpolate(coarse, size, mode="bilinear", align_corners=False) + lateral


class Backbone(Pyramid):
    """The pyramid, halved, and the necessity map."""

    def __init__(self, config) -> None:
        super().__init__(config, config.unread_smooth2)
        channels = config.channels
        if config.necessity == "cbam":
            self.attention_module = nn.Module()
            self.attention_module.spatial = nn.Module()
            self.attention_module.spatial.conv = nn.Conv2d(2, 1, 7, 1, 3, bias=False)
            self.attention_module.spatial.bn = nn.BatchNorm2d(1, momentum=0.01)
        elif config.necessity == "convolutions":
            self.necessity = nn.Sequential(
                *(nn.Conv2d(channels, channels, 3, 1, 1), nn.LeakyReLU()),
                *(nn.Conv2d(channels, channels, 3, 1, 1), nn.LeakyReLU()),
                *(nn.Conv2d(channels, 1, 3, 1, 1), nn.Sigmoid()),
            )

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        features = F.avg_pool2d(super().forward(image), 2, 2)
        necessity = self.necessity_map(features)
        return features * necessity, features * (1 - necessity)

    def necessity_map(self, features: Tensor) -> Tensor:
        if hasattr(self, "necessity"):
            return self.necessity(features)
        if not hasattr(self, "attention_module"):
            return torch.ones_like(features[:, :1])
        gate = self.attention_module.spatial
        pooled = torch.cat([features.amax(1, True), features.mean(1, True)], 1)
        return torch.sigmoid(gate.bn(gate.conv(pooled)))


class Block(nn.Module):
    """A block of FIT (`fit`) or SET, every correlation in full."""

    def __init__(self, config, fit: bool) -> None:
        super().__init__()
        c = config.channels
        self.heads = config.heads
        self.pooling = config.gate if fit else None
        self.residual = config.fit_query_residual if fit else True
        self.q_embedding = nn.Parameter(torch.randn(1, c, config.cells, config.cells))
        self.k_embedding = nn.Parameter(torch.randn(1, c, config.cells, config.cells))
        names = ["value", "query", "key"] + (["query2", "key2"] if self.pooling else [])
        for name in names:
            setattr(self, f"encode_{name}", nn.Conv2d(c, c, 1))
        self.norm2 = nn.LayerNorm(c)
        self.mlp = nn.Module()
        self.mlp.fc1 = nn.Linear(c, config.mlp_ratio * c)
        self.mlp.fc2 = nn.Linear(config.mlp_ratio * c, c)

    def forward(self, query: Tensor, key: Tensor) -> Tensor:
        q_in, k_in = query + self.q_embedding, key + self.k_embedding
        v, q, k = self.encode_value(key), self.encode_query(q_in), self.encode_key(k_in)
        v, q, k = self._tokens(v), self._tokens(q), self._tokens(k)
        correlation = self._product(q, k).softmax(-1)
        if self.pooling:
            q2, k2 = self.encode_query2(q_in), self.encode_key2(k_in)
            product = self._product(self._tokens(q2), self._tokens(k2))
            pooled = product.sum(-1, True) if self.pooling == "sum" else product.mean(-1, True)
            correlation = correlation * pooled.sigmoid()
        x = (correlation @ v).transpose(1, 2).flatten(2)  # B N C
        if self.residual:
            x = query.flatten(2).transpose(1, 2) + x
        x = x + self.mlp.fc2(F.gelu(self.mlp.fc1(self.norm2(x))))
        return x.transpose(1, 2).reshape(query.shape)

    def _tokens(self, x: Tensor) -> Tensor:
        return x.flatten(2).unflatten(1, (self.heads, -1)).transpose(2, 3)  # B A N d

    @staticmethod
    def _product(q: Tensor, k: Tensor) -> Tensor:
        return q @ k.transpose(2, 3) / math.sqrt(q.shape[-1])


class Transformer(nn.Module):
    """FIT (`fit`) or SET."""

    def __init__(self, config, fit: bool) -> None:
        super().__init__()
        c = config.channels
        self.update_keys = config.set_update_keys and not fit
        self.layers = nn.ModuleList(Block(config, fit) for _ in range(config.depth))
        self.merge = config.fit_merge if fit else None
        if self.merge == "concat":
            self.conv1 = nn.Sequential(
                nn.Conv2d(2 * c, c, 3, 1, 1), nn.ReLU(), nn.Conv2d(c, c, 3, 1, 1)
            )
            self.conv2 = nn.Sequential(nn.Conv2d(2 * c, c, 1))

    def forward(self, query: Tensor, key: Tensor) -> Tensor:
        output = query
        for layer in self.layers:
            output = layer(output, output if self.update_keys else key)
        if self.merge == "concat":
            both = torch.cat([key, output], 1)
            return self.conv1(both) + self.conv2(both)
        return key + output if self.merge == "residual" else output


class PreAct(nn.Module):
    """Pre-activation bottleneck; the three norms' names differ between its two homes."""

    def __init__(self, channels: int, norms: tuple[str, str, str]) -> None:
        super().__init__()
        half = channels // 2
        self.norms = norms
        for name, width in zip(norms, (channels, half, half), strict=True):
            setattr(self, name, nn.BatchNorm2d(width))
        self.conv1 = nn.Conv2d(channels, half, 1)
        self.conv2 = nn.Conv2d(half, half, 3, 1, 1)
        self.conv3 = nn.Conv2d(half, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for name, conv in zip(self.norms, (self.conv1, self.conv2, self.conv3), strict=True):
            y = conv(F.leaky_relu(getattr(self, name)(y)))
        return x + y


class HeatmapHead(nn.Module):
    """Hourglass, scores, soft-argmax."""

    def __init__(self, channels: int, depth: int) -> None:
        super().__init__()
        self.depth = depth
        levels = [
            nn.ModuleList(nn.Sequential(self._unit(channels)) for _ in range(3 if level else 4))
            for level in range(depth)
        ]
        hourglass = nn.Module()
        hourglass.hg = nn.ModuleList(levels)
        self.hg = nn.ModuleList([hourglass])
        self.res = nn.ModuleList([nn.Sequential(self._unit(channels))])
        mix = nn.Module()
        mix.block = nn.Sequential(
            nn.Conv2d(channels, channels, 1), nn.BatchNorm2d(channels), nn.LeakyReLU()
        )
        self.fc = nn.ModuleList([mix])
        self.score = nn.ModuleList([nn.Conv2d(channels, 21, 1)])
        self.betas = nn.Parameter(torch.ones(21, 1))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        y = self.fc[0].block(self.res[0](self._hourglass(x, self.depth - 1)))
        latents = self.score[0](y).flatten(2) * self.betas
        heatmaps = latents.softmax(2).unflatten(2, x.shape[2:])
        grid = (torch.arange(x.shape[3]) + 0.5) / x.shape[3]
        u = (heatmaps * grid).sum((2, 3))
        v = (heatmaps * grid[:, None]).sum((2, 3))
        return heatmaps, torch.stack([u, v], 2), y

    def _hourglass(self, x: Tensor, level: int) -> Tensor:
        units = self.hg[0].hg[level]
        low = units[1](F.max_pool2d(x, 2))
        low = self._hourglass(low, level - 1) if level else units[3](low)
        return units[0](x) + F.interpolate(units[2](low), scale_factor=2.0)

    @staticmethod
    def _unit(channels: int) -> PreAct:
        return PreAct(channels, ("bn1", "bn2", "bn3"))


class Encoder(nn.Module):
    def __init__(self, channels: int, depth: int) -> None:
        super().__init__()
        self.heatmap_conv = nn.Conv2d(21, channels, 1)
        self.encoding_conv = nn.Conv2d(channels, channels, 1)
        units = (PreAct(channels, ("bn", "bn1", "bn2")) for _ in range(2 * depth))
        self.reg = nn.ModuleList(units)

    def forward(self, heatmaps: Tensor, features: Tensor) -> Tensor:
        x = self.heatmap_conv(heatmaps) + self.encoding_conv(features)
        for i, unit in enumerate(self.reg):
            x = unit(x) if i % 2 == 0 else F.max_pool2d(unit(x), 2)
        return x.flatten(1)


class PlainHandOccNet(nn.Module):
    """(B, 3, S, S) to a dict of the parity vectors' names, up to β and the 6D pose."""

    def __init__(self, config) -> None:
        super().__init__()
        c = config.channels
        self.backbone = Backbone(config)
        self.FIT = Transformer(config, fit=True) if config.fit else None
        self.SET = Transformer(config, fit=False) if config.set else None
        self.regressor = nn.Module()
        self.regressor.hand_regHead = HeatmapHead(c, config.halvings)
        self.regressor.hand_Encoder = Encoder(c, config.halvings)
        head = self.regressor.mano_regHead = nn.Module()
        wide, narrow = config.head_widths
        self.config = config
        inputs = 4 * c + (63 if config.joints_to_head else 0)
        if config.joints_to_head:
            self.joint_depths = nn.Module()
            self.joint_depths.depth = nn.Conv2d(c, 21, 1)
        if config.feature_readout:
            self.readout = nn.Conv2d(c, 23, 1)
        head.mano_base_layer = nn.Sequential(
            *(nn.Linear(inputs, wide), nn.LeakyReLU(), nn.Linear(wide, narrow), nn.LeakyReLU())
        )
        head.pose_reg = nn.Linear(narrow, 96)
        head.shape_reg = nn.Linear(narrow, 10)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        primary, secondary = self.backbone(image)
        fit = primary if self.FIT is None else self.FIT(secondary, primary)
        set_ = fit if self.SET is None else self.SET(fit, fit)
        heatmaps, joints_img, y = self.regressor.hand_regHead(set_)
        encoding = self.regressor.hand_Encoder(heatmaps, y)
        head = self.regressor.mano_regHead
        read, aids = [encoding], {}
        if self.config.joints_to_head:
            depths = torch.einsum("bjhw,bjhw->bj", self.joint_depths.depth(y), heatmaps)
            read += [4 * joints_img.flatten(1) - 2, depths]
            aids |= {"depths": depths / 10}
        if self.config.feature_readout:
            read_out = self.readout(primary + secondary)
            early = read_out[:, 2:].exp()
            early = early / early.sum(dim=(2, 3), keepdim=True)
            aids |= {"masks": read_out[:, :2], "early_heatmaps": early}
        hidden = head.mano_base_layer(torch.cat(read, 1))
        return {
            **aids,
            **{"primary": primary, "secondary": secondary, "fit": fit, "set": set_},
            **{"heatmaps": heatmaps, "joints_img": joints_img, "encoding": encoding},
            **{"pose": gram_schmidt(head.pose_reg(hidden).view(-1, 16, 6))},
            **{"betas": head.shape_reg(hidden)},
        }


def gram_schmidt(pose6d: Tensor) -> Tensor:
    a1, a2 = pose6d[..., :3], pose6d[..., 3:]
    b1 = a1 / a1.norm(dim=-1, keepdim=True)
    a2 = a2 - (b1 * a2).sum(-1, keepdim=True) * b1
    b2 = a2 / a2.norm(dim=-1, keepdim=True)
    return torch.stack([b1, b2, torch.linalg.cross(b1, b2)], -1)
