# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
#   handlib:
#     number: "04"
#     title: Backbone and feature pyramid
#     title_ko: Backbone과 feature pyramid
#     summary: >-
#       A ResNet and a feature pyramid turn the image into the map F that everything in HandOccNet
#       reads; we build both, and measure how far into the image one cell of F looks.
#     summary_ko: >-
#       ResNet과 feature pyramid는 이미지를 feature map F로 바꾸고, HandOccNet의 모든 모듈은 이 F를
#       읽습니다. 둘을 직접 만들고, F의 한 cell이 이미지를 얼마나 멀리까지 보는지 측정합니다.
#     objectives:
#       - compute the size of a convolution's output, and the receptive field of a stack of them
#       - build a residual block and a top-down pyramid, and prove them equal to the library's
#       - measure what a skip does to the gradient, and when it hardly matters
#       - measure which pixels the feature of a hidden joint depends on, against fair chance levels
#     objectives_ko:
#       - Convolution의 출력 크기와, 여러 층을 쌓았을 때의 receptive field를 계산할 수 있습니다
#       - Residual block과 top-down pyramid를 만들고 라이브러리와 같음을 확인할 수 있습니다
#       - Skip이 gradient에 주는 효과와, 그 효과가 거의 없는 경우를 측정할 수 있습니다
#       - 가려진 joint의 feature가 어떤 픽셀에 의존하는지 공정한 기준과 비교하여 측정할 수 있습니다
#     prerequisites: convolutions, gradients; [00](00_start_here.ipynb)
#     minutes_to_do: 45
#     minutes: 2
#     memory_mb: 2200
#     data: 200 synthetic test images, made on the spot
#     seed: 4
# ---

# %% [markdown]
# {{ header }}

# %% tags=["setup"]
import copy
from dataclasses import replace
from unittest.mock import patch

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from handlib import viz
from handlib.course import quiz
from handlib.course.captions import captions
from handlib.course.checks import nb04 as check
from handlib.data import SyntheticHands, collate
from handlib.data.synthetic.rasterizer import rasterize
from handlib.data.synthetic.render import render
from handlib.data.synthetic.stills import develop
from handlib.evaluation.hidden_joints import hidden_joints
from handlib.hands import load_hand
from handlib.hands.skeleton import JOINT_NAMES
from handlib.metrics import mean_interval, root_aligned_mpjpe
from handlib.models import HandOccNet, HandOccNetConfig, conv_norm, record
from handlib.models.fpn import FeaturePyramid
from handlib.models.receptive_field import (
    STRIDES,
    by_distance_alone,
    cell_of,
    distance_from,
    influence,
    levels,
    radius,
    share,
)
from handlib.models.resnet import BasicBlock, BottleneckBlock
from handlib.viz import feature_colours, gallery, regions
from handlib.viz.influence_explorer import (
    InfluenceExplorer,
    draw_influence,
)
from handlib.weights import load_handoccnet

_ = torch.manual_seed(4)
torch.set_printoptions(precision=2, sci_mode=False)
caption = captions("04")

# %% [markdown]
# ## 1 From pixels to cells
#
# HandOccNet reads the image once. A **backbone** and a **feature pyramid** turn
# it into a map F of coarse cells, each with C numbers, its *feature*. All later
# parts read F alone. From F comes the *necessity map* M, which says where the
# hand can be seen; M splits F into a primary part F⊗M and a secondary part
# F⊗(1−M) (notebook 05); two transformers, FIT and SET, then let the cells ask
# each other (06 to 08).
#
# | | image | F |
# |---|---|---|
# | released HandOccNet | 3 × 256 × 256 | 256 × 32 × 32 |
# | this course's | 3 × 128 × 128 | 48 × 16 × 16 |
#
# So before asking what attention adds, this notebook asks what F holds already.
# Does the cell of a hidden fingertip know anything of the palm that can be seen?
#
# A convolution slides a window of k weights over its input, which is padded
# with p zeros at both ends, and moves on by the **stride** s. In one
# dimension, with k = 3, p = 1 and all weights 1, it adds up neighbours.
#
# **Predict first.** How many numbers come out with stride 1? And with stride
# 2, how many and which?

# %% tags=["nbval-check-output"]
row = torch.arange(1.0, 9.0).view(1, 1, 8)
window = torch.ones(1, 1, 3)
for stride in (1, 2):
    print(stride, F.conv1d(row, window, stride=stride, padding=1)[0, 0])

# %% [markdown]
# Stride 2 keeps every second result, and computes only those.
#
# ### Exercise 4.1
#
# How many positions does the window have? Write the size of the output.

# %% tags=["exercise"]
def output_size(size, kernel, stride, padding):
    """Four whole numbers to the number of outputs along one axis."""
    ...


# %% tags=["check"]
check.output_size(output_size)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# With padding the input is n + 2p long. How far can the window's left end
# move from its first place?
# </details>
# <details><summary>Hint 2</summary>
#
# It can move by n + 2p − k, in steps of s: `//` counts the whole steps. And the
# first place counts, too.
# </details>
#
# **Solution**, folded: click the three dots to open it.

# %% tags=["solution"] jupyter={"source_hidden": true}
def output_size_solution(size, kernel, stride, padding):
    return (size + 2 * padding - kernel) // stride + 1


check.output_size(output_size_solution)

# %% [markdown]
# ## 2 Batch norm in one line, and its trap
#
# After every convolution of the backbone stands a **batch norm**. For each
# channel it subtracts a mean and divides by a standard deviation, then scales
# and shifts by two learned numbers:
#
# $$ y = \gamma\,\frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} + \beta $$
#
# In training μ and σ² are those of the *batch*, over its images and places. In
# evaluation they are running means, collected during training.

# %%
norm = nn.BatchNorm2d(2)  # γ = 1, β = 0 to begin with
x = 3 * torch.randn(4, 2, 5, 5) + 7
mean = x.mean((0, 2, 3), keepdim=True)
variance = x.var((0, 2, 3), unbiased=False, keepdim=True)
ours = (x - mean) / (variance + norm.eps).sqrt()
assert torch.allclose(norm(x), ours, atol=1e-5)

# %%
norm.eval()
mean = norm.running_mean.view(1, 2, 1, 1)
variance = norm.running_var.view(1, 2, 1, 1)
ours = (x - mean) / (variance + norm.eps).sqrt()
assert torch.allclose(norm(x), ours, atol=1e-5)

# %% [markdown]
# The trap: forget `model.eval()`, and what the network says of your hand
# depends on who else is in the batch. Here is the course's trained network on
# images that it has never seen.
#
# **Predict first.** In training mode, on 24 images at once and one by one:
# which is worse than evaluation mode, and by how much?

# %%
hand = load_hand()
model = load_handoccnet(hand)  # in evaluation mode
test = SyntheticHands("test", size=200)
batch = collate([test[i] for i in range(len(test))])
forgot = copy.deepcopy(model).train()


def error_mm(network, first, last):
    """Mean root-aligned error of some images in millimetres."""
    with torch.no_grad():
        joints = network(batch.image[first:last]).joints
    truth = batch.joints[first:last]
    return 1000 * float(root_aligned_mpjpe(joints, truth).mean())


# %%
alone = [error_mm(forgot, i, i + 1) for i in range(24)]
print(f"eval mode               {error_mm(model, 0, 24):.1f} mm")
print(f"train mode, 24 together {error_mm(forgot, 0, 24):.1f} mm")
print(f"train mode, one by one  {sum(alone) / 24:.1f} mm")

# %% [markdown]
# No message, only a worse hand. In evaluation mode a batch norm is a fixed
# scale and shift, and no image sees another.
#
# ## 3 A block with a way round
#
# A **residual block** adds its input to what its layers make of it. The
# released network uses *leaky* ReLU, which lets 1 % of negative values pass:
#
# $$ y = \mathrm{lrelu}\bigl(\,W_2 * \mathrm{lrelu}(W_1 * x) + x\,\bigr) $$
#
# Here ∗ is a 3×3 convolution with padding 1, W₁ and W₂ its weights; a batch
# norm follows each, left out for now.
#
# ### Exercise 4.2
#
# Write the block, without norms.

# %% tags=["exercise"]
def residual_block(x, first, second):
    """(B, C, H, W) and weights W₁, W₂ (C, C, 3, 3) to (B, C, H, W)."""
    ...


# %% tags=["check"]
check.residual_block(residual_block)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Two convolutions, two activations, one sum. Does the last activation come
# before or behind the sum?
# </details>
# <details><summary>Hint 2</summary>
#
# `F.conv2d(x, first, padding=1)` and `F.leaky_relu(y, 0.01)`.
# </details>

# %% tags=["solution"] jupyter={"source_hidden": true}
def residual_block_solution(x, first, second):
    y = F.leaky_relu(F.conv2d(x, first, padding=1), 0.01)
    return F.leaky_relu(F.conv2d(y, second, padding=1) + x, 0.01)


check.residual_block(residual_block_solution)

# %% [markdown]
# The library's block has the norms as well, and where stride or width change
# the skip is a 1×1 convolution of the same stride.

# %%
x = torch.randn(2, 4, 6, 6)
for stride in (1, 2):
    block = BasicBlock(4, 4, 4, stride)
    y = F.leaky_relu(block.conv1(x), 0.01)  # conv1: convolution and norm
    ours = F.leaky_relu(block.conv2(y) + block.skip(x), 0.01)
    assert torch.allclose(block(x), ours, atol=1e-5)
    print(f"stride {stride}: {tuple(ours.shape)}, {type(block.skip).__name__}")

# %% [markdown]
# Why the way round? Stack blocks with random weights, send a random gradient
# of length 1 per number in at the end, and measure what arrives at the start.
# We try it with and without skip, with and without batch norm.
#
# **Predict first.** After 16 blocks without skip and norm: how long is the
# gradient? And which of the other three cases stays nearest to 1?

# %%
def gradient_at_the_start(blocks, skip, norm):
    """Length per number, behind `blocks` blocks of 16 channels."""
    x = torch.randn(8, 16, 8, 8, requires_grad=True)
    y = x
    for _ in range(blocks):
        z = y
        for layer in (0, 1):
            z = nn.Conv2d(16, 16, 3, padding=1, bias=False)(z)
            if norm:
                z = F.batch_norm(z, None, None, training=True)
            if layer == 0:
                z = F.leaky_relu(z, 0.01)
        y = F.leaky_relu(z + y if skip else z, 0.01)
    (gradient,) = torch.autograd.grad(y, x, torch.randn_like(y))
    return float(gradient.square().mean().sqrt())


# %%
counts = (1, 2, 4, 8, 16, 32)
kinds = {
    "plain": (False, False),
    "skip": (True, False),
    "norm": (False, True),
    "skip and norm": (True, True),
}
torch.manual_seed(4)
lengths = {
    name: [gradient_at_the_start(n, *kind) for n in counts]
    for name, kind in kinds.items()
}
for name, found in lengths.items():
    print(f"{name:13}", "  ".join(f"{value:8.1e}" for value in found))

# %%
fig = viz.theme.figure(7, 3)
ax = fig.subplots()
for (name, found), marker in zip(lengths.items(), "osD^", strict=True):
    ax.plot(counts, found, marker=marker, label=name)
ax.set(xscale="log", yscale="log", xlabel="blocks", ylim=(1e-14, 1e6))
ax.set(ylabel="gradient at the start", xticks=counts, xticklabels=counts)
ax.minorticks_off()
ax.legend()
values = {n: f"{found[-1]:.1e}" for n, found in lengths.items()}
viz.show(fig, **caption("skip", values=values))

# %%
end = {name: found[-1] for name, found in lengths.items()}
assert end["plain"] < 1e-9 and 0.1 < end["skip"] < 10
assert end["norm"] > 100 * end["skip and norm"]

# %% [markdown]
# Without either, each block shrinks the gradient (PyTorch's usual random start
# is a small one); after 32 blocks it is exactly 0 in single precision. A norm
# alone turns that round: the gradient *grows* by a constant factor a block.
# With a skip one term of the derivative is the identity, so the gradient does
# not die; with both, which is what a ResNet has, it grows slowly.
#
# Look at 4 blocks as well, the depth of the course's backbone: there, with
# norms, the skip hardly changes the gradient's length. It is for depth.
# ResNet-50 has 16 blocks.
#
# ## 4 ResNet-50, and ours
#
# A ResNet is a **stem** (7×7 convolution of stride 2, then a 3×3 maximum of
# stride 2) and four **stages** of blocks. The outputs are called c2 to c5.
# From one stage to the next the first block has stride 2, and channels
# double.

# %%
configs = {
    "released": HandOccNetConfig.paper(),
    "course": HandOccNetConfig.course(),
}
networks = {n: HandOccNet(c, hand).eval() for n, c in configs.items()}
for name, network in networks.items():
    size, blocks = network.config.image_size, network.config.blocks
    with torch.no_grad():
        stages = network.backbone(torch.zeros(1, 3, size, size))
    for level, c, n in zip(STRIDES, stages, blocks, strict=False):
        shape = " × ".join(str(length) for length in c.shape[1:])
        print(f"{name:8} {level}: {shape:15} blocks: {n}")

# %% [markdown]
# ResNet-50's blocks are **bottlenecks**: a 1×1 convolution narrows the
# channels, the 3×3 one works on few, another 1×1 widens them again. Where
# channels are many that is much cheaper; where they are few (our stages begin
# with 16) there is nothing to narrow, so we take basic blocks, and one in each
# stage in place of 3, 4, 6 and 3.

# %% tags=["nbval-check-output"]
def parameters(part):
    return sum(p.numel() for p in part.parameters())


basic = BasicBlock(256, 256, 256, stride=1)
bottleneck = BottleneckBlock(256, 64, 256, stride=1)
print(f"256 channels, basic block: {parameters(basic):>9,}")
print(f"256 channels, bottleneck:  {parameters(bottleneck):>9,}")

# %% [markdown]
# ## 5 The pyramid: what meets where
#
# c5 has looked at much of the image, on 8×8 cells (ours: 4×4). c2 knows the
# place of an edge to a few pixels and not whose edge it is. A **feature
# pyramid** brings both together, from the top down. One step: bring the
# coarse map to the finer one's size (bilinear), bring the finer one to C
# channels by a 1×1 convolution, the **lateral**, and *add*:
#
# $$ p_l = \mathrm{up}(p_{l+1}) + \mathrm{lateral}_l(c_l), \qquad
#    p_5 = \mathrm{lateral}_5(c_5) $$
#
# **Predict first.** Cells [0, 8] become four. Which numbers? Remember from
# notebook 02 where the centres of small cells lie.

# %% tags=["nbval-check-output"]
coarse = torch.tensor([[0.0, 8.0]]).view(1, 1, 1, 2)
F.interpolate(coarse, size=(1, 4), mode="bilinear")

# %% [markdown]
# ### Exercise 4.3
#
# Write one step. A 1×1 convolution (here without bias) is one matrix for
# every cell.

# %% tags=["exercise"]
def top_down(coarse, fine, weight):
    """(B,C,h,w), (B,c,H,W) and the lateral (C, c) to (B, C, H, W)."""
    ...


# %% tags=["check"]
check.top_down(top_down)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `F.interpolate(coarse, size=fine.shape[-2:], mode="bilinear")` does the first
# half. Leave `align_corners` alone.
# </details>
# <details><summary>Hint 2</summary>
#
# `torch.einsum("oc,bchw->bohw", weight, fine)` is the lateral, or
# `F.conv2d(fine, weight[:, :, None, None])`.
# </details>

# %% tags=["solution"] jupyter={"source_hidden": true}
def top_down_solution(coarse, fine, weight):
    up = F.interpolate(coarse, size=fine.shape[-2:], mode="bilinear")
    return up + torch.einsum("oc,bchw->bohw", weight, fine)


check.top_down(top_down_solution)

# %% [markdown]
# Now all of it, on stages of 8, 4, 2 and 1 cells with 1 to 4 channels, and
# C = 2. At the end the finest map, p2, is smoothed by a 3×3 convolution and
# averaged over 2×2 cells: F.

# %%
sizes = ((1, 8), (2, 4), (3, 2), (4, 1))
c2, c3, c4, c5 = stages = [torch.randn(1, c, s, s) for c, s in sizes]
pyramid = FeaturePyramid([1, 2, 3, 4], channels=2)
with torch.no_grad():
    p = pyramid.laterals[3](c5)
    for lateral, c in zip(pyramid.laterals[2::-1], (c4, c3, c2), strict=True):
        up = F.interpolate(p, scale_factor=2, mode="bilinear")
        p = up + lateral(c)
    ours = F.avg_pool2d(pyramid.smooth(p), 2)
    assert torch.allclose(pyramid.merge(stages), p, atol=1e-6)
    assert torch.allclose(pyramid(stages), ours, atol=1e-6)
ours

# %% [markdown]
# The library averages *before* it smooths. Both are linear, so the result is
# the same (the assert above), and the 3×3 convolution runs at a quarter of the
# places. The released code also smooths p3, by 590,080 weights whose result
# nobody reads; we hold them for its checkpoints and never run them.
#
# The same inside the trained network. The course's F passes one more batch
# norm, which the released network does not have: without it nothing bounds F,
# and a network trained for minutes learns worse.

# %%
with torch.no_grad(), record(model) as maps:
    prediction = model(batch.image)
    stages = model.backbone(batch.image)
    p2 = model.pyramid.merge(stages)
    features = F.avg_pool2d(model.pyramid.smooth(p2), 2)
    features = model.feature_norm(features)
assert torch.allclose(features, maps["features"], atol=1e-4)
print("F", tuple(features.shape))

# %% [markdown]
# **Predict first.** The released network has 39 million parameters. Which share
# of them lies before F, and which in FIT and SET, the paper's contribution?

# %% tags=["nbval-check-output"]
for name, network in networks.items():
    parts = {n: parameters(m) for n, m in network.named_children()}
    total = parameters(network)
    print(f"{name}: {total:,}")
    for part, count in parts.items():
        if count > 0.01 * total:
            print(f"  {part:10} {count:>10,} {count / total:4.0%}")
assert parameters(networks["released"]) == 39_319_352

# %% [markdown]
# Deformer (notebooks 11 to 16) begins with the same two parts, but keeps p2's
# 4-pixel cells and cuts the hand's box out of them.
#
# ## 6 How far can a cell see?
#
# The **receptive field** of a cell is the set of pixels that can change it.
# Count for a stack of layers: let r be its width so far, and j the distance
# in pixels between neighbouring cells. A window of k cells adds (k − 1)·j
# pixels; a stride of s makes j s times as large, *for the layers behind it*.
#
# ### Exercise 4.4
#
# Write r for any stack. The first layer comes first; padding is of no concern.

# %% tags=["exercise"]
def field_width(kernels, strides):
    """Two lists of whole numbers, one a layer, to the width in pixels."""
    ...


# %% tags=["check"]
check.field_width(field_width)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Begin with a single pixel, r = 1 and j = 1. Two layers of k = 3: first by
# hand, with strides 1 and 1, then with 2 and 1.
# </details>
# <details><summary>Hint 2</summary>
#
# `for k, s in zip(kernels, strides):` first add to r, then multiply j.
# </details>

# %% tags=["solution"] jupyter={"source_hidden": true}
def field_width_solution(kernels, strides):
    width, jump = 1, 1
    for k, s in zip(kernels, strides, strict=True):
        width += (k - 1) * jump
        jump *= s
    return width


check.field_width(field_width_solution)

# %% [markdown]
# As a sum: $r = 1 + \sum_l (k_l - 1) \prod_{m<l} s_m$. For both backbones, at
# the end of each stage (1×1 convolutions and norms add nothing):

# %% tags=["nbval-check-output"]
def widths_at_stages(blocks, threes):
    """Of blocks with `threes` 3×3 convolutions, one of the strided."""
    kernels, strides, ends = [7, 3], [2, 2], []
    for stage, n in enumerate(blocks):
        kernels += [3] * threes * n
        strides += [1 if stage == 0 else 2] + [1] * (threes * n - 1)
        ends.append(len(kernels))
    k, s = torch.tensor(kernels), torch.tensor(strides)
    widths = 1 + ((k - 1) * s.cumprod(0) // s).cumsum(0)
    return widths[torch.tensor(ends) - 1].tolist()


print("released, 256 px:", widths_at_stages((3, 4, 6, 3), threes=1))
print("course, 128 px:  ", widths_at_stages((1, 1, 1, 1), threes=2))

# %% [markdown]
# Does the network agree? An experiment with no formula in it: give all
# weights of a copy the same positive value, show it black images with *one*
# white pixel, another column in each, and see which of them change the cell in
# the middle. Nothing can cancel, so each column that is seen shows.

# %% tags=["nbval-check-output"]
positive = copy.deepcopy(model)
for layer in positive.modules():
    if isinstance(layer, nn.Conv2d):
        _ = nn.init.constant_(layer.weight, 0.01)
        if layer.bias is not None:
            _ = nn.init.zeros_(layer.bias)
    elif isinstance(layer, nn.BatchNorm2d):
        layer.reset_parameters()  # and running means 0 and 1
dots = torch.zeros(128, 3, 128, 128)
dots[range(128), :, 64, range(128)] = 1
with torch.no_grad():
    for name, level in levels(positive, dots).items():
        middle = level.shape[-1] // 2
        seen = level[:, :, middle, middle].amax(1) > 0
        print(f"{name}: {int(seen.sum())} of 128 columns")

# %% [markdown]
# Before the pyramid a cell of c2 sees 27 pixels. Behind it *every* cell of F
# can see the whole image, through c5. In the released network, too: 427 pixels
# around a cell of c5, of 256. (In the paper's text images have 512, and 427
# would no longer reach from edge to edge.)
#
# So a cell *may* look everywhere. Does it?
#
# ## 7 What the levels show
#
# The hand that runs through the course, half hidden. A feature of 16 to 128
# numbers cannot be drawn, but its three **principal components** can, the
# three directions along which the features of all cells of all images differ
# most: the first as lightness, the second as blue to yellow, the third as
# green to red. In the lower row the same scene with nothing in front of the
# hand.

# %%
half = gallery.most_like(batch.occlusion, 0.5)
scene = replace(test.render(half).scene, things=())
light = render(scene).light
bare = develop(np.random.default_rng(0), light)
bare = torch.from_numpy(bare).permute(2, 0, 1) / 255
with torch.no_grad():
    found = levels(model, torch.cat([batch.image, bare[None]]))

# %% [markdown]
# **Predict first.** At which level will the two rows differ most inside the
# hand's outline? Will the hidden part of the hand have another colour in F
# (upper row) than when nothing hides it (lower row)?

# %%
fig = viz.theme.figure(9.5, 3.5)
axes = fig.subplots(2, 6)
for ax, image in zip(axes[:, 0], (batch.image[half], bare), strict=True):
    viz.maps.show_image(ax, image)
    viz.maps.outline(ax, batch.amodal[half], viz.theme.ORANGE)
for (name, level), column in zip(found.items(), axes.T[1:], strict=True):
    components, shares = feature_colours.principal_components(level)
    colours = feature_colours.to_colours(components[[half, -1]])
    for ax, picture in zip(column, colours, strict=True):
        ax.imshow(picture.permute(1, 2, 0), extent=(-0.5, 127.5, 127.5, -0.5))
        viz.maps.outline(ax, batch.amodal[half], viz.theme.ORANGE)
        ax.set_axis_off()
    column[0].set_title(f"{name}: {shares.sum():.0%}")
viz.show(fig, **caption("colours"), dpi=90)

# %% [markdown]
# From level to level the rows differ less: c2 paints the book and the can, F
# hardly tells that they are there. But beware of reading a hand
# into the colours of F. It varies smoothly across the image, as if the three
# components were a place on the page more than a thing. How much of a level's
# variance is *place alone*, the mean over all images at each cell?

# %%
for name, level in found.items():
    level = level[: len(batch)]
    centred = level - level.mean((0, 2, 3), keepdim=True)
    everywhere = centred.square().mean((0, 2, 3)).sum()
    by_place = centred.mean(0).square().mean((1, 2)).sum()
    print(f"{name}: {by_place / everywhere:.0%} is place alone")

# %% [markdown]
# That share grows towards the end, to about two fifths of F: so much is the same
# in every image.
# Convolutions treat all places alike, so this comes from the zeros around the
# border and from crops that have the hand in the middle.
#
# ## 8 Where does a cell really look?
#
# Seeing is not the same as caring. The **effective** receptive field asks how
# much a pixel changes the feature: by the length of the gradient there. For
# the feature f of one cell, with its C numbers, pixel x has the *influence*
#
# $$ I(x) = \Bigl\lVert \frac{\partial f}{\partial x} \Bigr\rVert^2
#    = \sum_{channels} \sum_{RGB}
#    \Bigl(\frac{\partial f_c}{\partial x}\Bigr)^2 $$
#
# We take the fingertip that is hidden farthest from anything of the hand that
# can be seen. A joint counts as hidden if its pixel is of the hand, but not of the
# part that shows; `torch.cdist` gives the distances of all pairs of two lists of
# points.

# %%
px = batch.joints_px
hidden, _ = hidden_joints(batch)  # 200 images, 21 joints each
depth = torch.zeros(hidden.shape)  # pixels to the nearest visible hand
for i, mask in enumerate(batch.visible):
    seen = mask.nonzero().flip(1).float()
    if len(seen):
        depth[i] = torch.cdist(px[i], seen).amin(1) * hidden[i]

# %%
tips = [i for i, name in enumerate(JOINT_NAMES) if name.endswith("tip")]
tip = tips[int(depth[half, tips].argmax())]
place, image = px[half, tip], batch.image[half]
print(f"{JOINT_NAMES[tip]}, {depth[half, tip]:.0f} px from the visible hand")

# %% [markdown]
# **Predict first.** F *can* see all 128 columns. Within how many pixels will
# half of its influence lie: 5, 30 or 60?

# %%
fig = viz.theme.figure(9.5, 2.1)
axes = fig.subplots(1, 5)
away = distance_from(place[None], 128)
for ax, level in zip(axes, STRIDES, strict=True):
    values = influence(model, image[None], level, place[None])
    near = float(radius(values, away, 0.5))
    title = f"{level}: half in {near:.0f} px"
    draw_influence(ax, image, values[0], place, level, title)
    viz.maps.outline(ax, batch.visible[half], viz.theme.SKY)
    part = float(share(values, batch.visible[half][None]))
    print(f"{level}: {part:.0%} on the visible hand, half within {near:.0f}")
viz.show(fig, **caption("influence"), dpi=95, colours=256)

# %% [markdown]
# Choose another place or another level. Try a place far from the hand.

# %%
masks = batch.visible[half], batch.amodal[half]
explorer = InfluenceExplorer(model, image, place, *masks)
explorer.widget()

# %% [markdown]
# The same as still pictures, first for the fingertip, then for the upper left
# corner of the image:

# %%
explorer.illustration()

# %%
explorer.x = explorer.y = 8
explorer.illustration()

# %% [markdown]
# ## 9 Over many images
#
# One hand is an anecdote. For each test image we take the hidden joint
# farthest from the visible hand, and add up the influence on its cell over
# four kinds of pixels: the visible hand; what covers the hand; the rest of the
# things in view; all else.
#
# ### Exercise 4.5
#
# From the gradient of one number to the share of its influence in a mask.

# %% tags=["exercise"]
def share_of_influence(gradient, mask):
    """Gradients (B, 3, H, W) and bool masks (B, H, W) to shares (B,)."""
    ...


# %% tags=["check"]
check.share_of_influence(share_of_influence)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# The influence of a pixel is a sum of squares over its three colours.
# </details>
# <details><summary>Hint 2</summary>
#
# `gradient.square().sum(1)` has the shape (B, H, W), as the mask has. Divide
# the sum inside by the sum over all pixels, image by image.
# </details>

# %% tags=["solution"] jupyter={"source_hidden": true}
def share_of_influence_solution(gradient, mask):
    values = gradient.square().sum(1)
    return (values * mask).sum((1, 2)) / values.sum((1, 2))


check.share_of_influence(share_of_influence_solution)

# %% [markdown]
# The masks of the things come from their meshes:

# %%
chosen = (depth.amax(1) > 0).nonzero()[:, 0]
things = torch.zeros(len(chosen), 128 * 128, dtype=torch.bool)
for mask, i in zip(things, chosen.tolist(), strict=True):
    scene = test.render(i).scene
    for placed in scene.things:
        mesh = placed.thing.mesh.moved(placed.rotation, placed.position)
        corners, faces = mesh.vertices, mesh.faces
        seen = rasterize(corners, faces, scene.intrinsics, 128, 128)
        mask[torch.as_tensor(seen.pixel).long()] = True

# %%
visible = batch.visible[chosen]
cover = batch.amodal[chosen] & ~visible
beside = things.view(-1, 128, 128) & ~visible & ~cover
kinds = {
    "visible hand": visible,
    "covers the hand": cover,
    "things beside": beside,
    "all else": ~(visible | cover | beside),
}
places = px[chosen, depth[chosen].argmax(1)]
away = distance_from(places, 128)
print(f"{len(chosen)} images, their joints hidden by")
print(f"{depth[chosen].amax(1).median():.0f} px in the middle case")

# %% [markdown]
# In F exact gradients would take 48 passes, one for each channel. For a mean
# over images two passes with random signs z do: the mean of
# |zᵀ ∂f/∂x|² is the influence, as mixed products of channels cancel.
#
# A share must be compared with chance, and there are two kinds. *Area*: the
# share of the pixels. *Distance alone*: influence falls off with distance, and
# a hidden joint is close to what covers it; so we give each pixel the mean
# influence of all pixels at its distance. Only what exceeds that was chosen
# for what it shows.
#
# **Predict first.** The network was trained to find hands. Will the cell of a
# hidden joint depend more on the thing above it, or on the visible hand farther
# away?

# %%
def shares_of(network, level):
    """Measured, and by distance alone: each (kinds, images)."""
    images = batch.image[chosen]
    values = influence(network, images, level, places, probes=2)
    blind = by_distance_alone(values, away)
    return tuple(
        torch.stack([share(v, mask) for mask in kinds.values()])
        for v in (values, blind)
    )


# %%
torch.manual_seed(4)
measured = {level: shares_of(model, level) for level in STRIDES}
print("share on:", ", ".join(kinds))
for level, (ours, blind) in measured.items():
    print(
        f"{level}: {ours.mean(1).numpy().round(2)},",
        f"by distance alone {blind.mean(1).numpy().round(2)}",
    )

# %%
area = torch.stack([m.float().mean((1, 2)) for m in kinds.values()])
ours, blind = measured["F"]
bars = {"area": area, "distance alone": blind, "F": ours}
ends = {
    name: np.array([mean_interval(row) for row in rows])
    for name, rows in bars.items()
}
means = {name: rows.mean(1).numpy() for name, rows in bars.items()}
fig = viz.theme.figure(7, 3)
ax = fig.subplots()
colours = (viz.theme.MUTED, viz.theme.SKY, viz.theme.ORANGE)
viz.curves.grouped_bars(ax, list(kinds), means, ends, colours)
ax.set_ylabel("share of the influence")
values = "; ".join(f"{n} {m.round(2)}" for n, m in means.items())
viz.show(fig, **caption("shares", values=values))

# %% [markdown]
# Is that learned? A network with the same layers and random weights (and the
# norms' running means measured on these images) tells:

# %%
torch.manual_seed(4)
untrained = HandOccNet(model.config, hand).train()
with torch.no_grad():
    for _ in range(20):
        _ = levels(untrained, batch.image[:32])
nobody, blind_nobody = shares_of(untrained.eval(), "F")
above = {"trained": (ours - blind)[0], "random": (nobody - blind_nobody)[0]}
print("on the visible hand, above distance alone:")
for name, gain in above.items():
    low, high = mean_interval(gain)
    print(f"{name}: {gain.mean():+.2f} [{low:+.2f}, {high:+.2f}]")
assert above["trained"].mean() > 3 * above["random"].mean().abs()

# %% [markdown]
# A gradient tells of small changes. So we also make a large one: paint one
# kind of pixels in the image's mean colour, and see how far the feature at the
# hidden joint moves, in units of how much features differ from cell to cell.

# %%
def features_at(images):
    """The features (B, C) at the hidden joints, by level."""
    with torch.no_grad():
        maps = levels(model, images)
    result = {}
    for name, level in maps.items():
        row, column = cell_of(places, 128, name)
        result[name] = level[torch.arange(len(level)), :, row, column]
    return result


# %%
images = batch.image[chosen]
grey = images.mean((2, 3), keepdim=True)
before = features_at(images)
moved = {level: [] for level in STRIDES}
for mask in kinds.values():
    after = features_at(torch.where(mask[:, None], grey, images))
    for level, f in before.items():
        spread = (f - f.mean(0)).square().sum(1).mean().sqrt()
        change = (after[level] - f).norm(dim=1).mean() / spread
        moved[level].append(float(change))
for level, distances in moved.items():
    print(f"{level}: moved by {np.round(distances, 2)}")

# %% [markdown]
# (In the order of the bars.) Both ways agree. At c2 and c3 the feature of a
# hidden joint is about what covers it and what lies beside. In c5, and so in F,
# it depends most of all on the visible hand: over twice as much as distance
# alone explains, and with random weights nothing of that is there. **The
# pyramid has brought news of the visible hand to the hidden joint before any
# attention.** What FIT can add is better chosen or more exact news, not the
# first; notebook 07 has to be measured against this.
#
# Two cautions. This is a small network on 128 pixels, where a cell of c5 sees
# nearly everything. And the course trains F with an aid that the released
# network does not have: masks and heatmaps of the joints are read off F and
# compared with the truth, so F is *told* to find hidden joints.
#
# ## 10 What does a distant token know?
#
# Depending on something is not knowing it. From notebook 06 on a cell of F is
# called a **token**. We ask tokens what they know of the wrist's place in the
# image by a **probe**: the best linear guess from the feature and the token's
# own row and column, fitted on one half of the images, judged on the other,
# and the other way round. Tokens on the hidden hand and tokens in the
# background, by their distance from the visible hand, have probes of their own.
#
# The guess from row and column alone is the chance level.

# %%
ticks = 8 * torch.arange(16) + 3.5
centres = torch.cartesian_prod(ticks, ticks).flip(1)  # 256 2, (x, y)
wrist = px[:, :1] - centres  # 200 256 2: from token to wrist
gap = torch.full((len(batch), 256), torch.nan)  # pixels to the visible hand
for i, mask in enumerate(batch.visible):
    seen = mask.nonzero().flip(1).float()
    if len(seen):
        gap[i] = torch.cdist(centres, seen).amin(1)

# %%
where = regions.token_regions(batch.visible, batch.amodal, side=16)
groups = {"hidden hand": where["hidden hand"]}
for low, high in ((0, 8), (8, 16), (16, 32), (32, 48), (48, 64)):
    far = (gap >= low) & (gap < high)
    groups[f"{low}–{high} px"] = where["background"] & far


def tokens_of(level):
    """Any level on F's 16 × 16 cells: (200, 256, C), each of deviation 1."""
    x = found[level][: len(batch)]
    x = F.interpolate(x, (16, 16), mode="bilinear", antialias=True)
    x = x.flatten(2).mT
    return (x - x.mean((0, 1))) / x.std((0, 1))


# %%
def probe_error(tokens, group):
    """Each image's mean distance of guess from wrist, over its tokens."""
    row_and_column = (centres / 64 - 1).expand(200, -1, -1)
    x = torch.cat([tokens, row_and_column, torch.ones(200, 256, 1)], -1)
    error = torch.zeros(200, 256)
    first, second = slice(0, 100), slice(100, 200)
    for fit, judge in ((first, second), (second, first)):
        a, b = x[fit][group[fit]], wrist[fit][group[fit]]
        ridge = 10 * torch.eye(a.shape[1])
        guess = x[judge] @ torch.linalg.solve(a.T @ a + ridge, a.T @ b)
        error[judge] = (guess - wrist[judge]).norm(dim=-1)
    return regions.mean_over(error, group)


# %% [markdown]
# **Predict first.** At which level does a token on the background, 50 pixels
# away from the hand, know where the wrist is? Does it in F?

# %%
inputs = {"place alone": torch.zeros(200, 256, 0)}
inputs |= {level: tokens_of(level) for level in STRIDES}
errors = {
    name: torch.stack([probe_error(x, group) for group in groups.values()])
    for name, x in inputs.items()
}

# %%
fig = viz.theme.figure(7.5, 3.1)
ax = fig.subplots()
styles = ("k--", "C0o-", "C2s-", "C4D-", "C3^-", "C1v-")
for (name, error), style in zip(errors.items(), styles, strict=True):
    ax.plot(list(groups), error.nanmean(1), style, label=name)
ax.set(ylabel="error of the wrist (px)", ylim=(0, None))
ax.set_xlabel("token on the hidden hand, or background so far from the hand")
ax.legend(ncols=3)
values = {n: e.nanmean(1).round().tolist() for n, e in errors.items()}
viz.show(fig, **caption("probe", values=values))

# %%
for level in ("c5", "F"):
    gains = errors["place alone"] - errors[level]  # groups, images
    print(f"{level} is better than place alone by")
    for name, gain in zip(groups, gains, strict=True):
        low, high = mean_interval(gain)
        print(f"  {name:12} {gain.nanmean():4.1f} [{low:.1f}, {high:.1f}] px")

# %% [markdown]
# c2 and c3, whose cells see 27 and 51 pixels, know little more than chance. On
# the *hidden hand* c5 and F know about the same (their intervals overlap), and
# F has four times as many cells a side to say it. On the background c5 knows
# nearly as much, and F keeps about half of that; beyond 48 pixels both know
# little. So a distant token does know something of the hand, though
# less than one on the hand: worth remembering when notebook 06 asks why a query
# on the background gets any hand at all. And a probe is a lower limit: it tells
# what can be read by one linear map.
#
# ## 11 Paper against code
#
# {{ paper_against_code }}
#
# Does the leak of 1 % matter, under weights that were trained without it? We can
# try the other way round: our weights were trained with it.

# %%
with_leak = error_mm(model, 0, 200)
with patch.object(conv_norm, "LEAKY_SLOPE", 0.0):
    without = error_mm(model, 0, 200)
print(f"leaky ReLU {with_leak:.1f} mm, plain ReLU {without:.1f} mm")

# %% [markdown]
# A few tenths of a millimetre or less: this row is for whoever loads
# checkpoints, not for whoever compares methods. The row on the input's size
# weighs more.
#
# Try it: `HandOccNetConfig(image_size=512)`. How many tokens does F have then,
# and how many numbers a correlation map between all of them?
#
# ## 12 Quiz
#
# {{ quiz }}

# %% [markdown]
# With a kernel you can click your answers:

# %% tags=["quiz"]
quiz.show("04")

# %% [markdown]
# ## Summary
#
# - A convolution has ⌊(n + 2p − k)/s⌋ + 1 outputs along an axis; a stack sees
#   1 + Σ (k − 1) Π s pixels. Both backbones see (nearly) the whole image at c5.
# - Batch norm mixes the images of a batch in training mode, without a word.
# - A skip keeps the gradient alive where blocks are many; at four, with norms, it
#   hardly matters.
# - The pyramid adds coarse maps to fine ones, from the top down. Its result F
#   is what the necessity map, FIT and SET read.
# - In the course's network F at a hidden joint depends on the visible hand
#   over twice as much as distance explains; with random weights it does not.
#   News of the visible hand is there before attention.
# - To be able to see, to depend on and to know are three things, with a
#   measurement each: impulses, influence, a probe.
# - Our half-hidden hand is now F, 16 × 16 cells of 48 numbers. At its hidden
#   little fingertip 57 % of the influence on F lies on the visible hand, whose
#   nearest pixel is 20 pixels away.
#
# ## 요약
#
# - Convolution의 출력 크기는 한 축에서 ⌊(n + 2p − k)/s⌋ + 1이고, 여러 층의 receptive
#   field는 1 + Σ (k − 1) Π s 픽셀입니다. 두 backbone 모두 c5에서 이미지를 거의 다 봅니다.
# - Batch norm은 train mode에서 batch의 이미지들을 섞지만, 아무 경고도 하지 않습니다.
# - Skip은 block이 많을 때 gradient를 유지합니다. Norm이 있는 block 4개에서는 효과가
#   거의 없습니다.
# - Feature pyramid는 위에서 아래로 coarse map을 fine map에 더합니다. 그 결과인 F를
#   necessity map, FIT, SET이 읽습니다.
# - 이 강의의 네트워크에서 가려진 joint의 F는 보이는 손에, 거리만으로 설명되는 것의 두
#   배 넘게 의존합니다. 학습하지 않은 weight에서는 그렇지 않습니다. 즉 attention 이전에도
#   보이는 손의 정보가 이미 전달되어 있습니다.
# - 볼 수 있는 것, 의존하는 것, 아는 것은 서로 다르며 각각 impulse, influence, probe로
#   측정합니다.
# - 절반이 가려진 우리 손은 이제 숫자 48개를 가진 cell 16 × 16개, 즉 F입니다. 가려진
#   소지 끝에서 F에 대한 influence의 57 %는 보이는 손에 있으며, 그 손의 가장 가까운 픽셀도
#   20 픽셀 떨어져 있습니다.
#
# ## References
#
# - J. Park, Y. Oh, G. Moon, H. Choi, K. M. Lee. *HandOccNet:
#   Occlusion-Robust 3D Hand Mesh Estimation Network.* CVPR 2022. F and what
#   reads it.
# - K. He, X. Zhang, S. Ren, J. Sun. *Deep Residual Learning for Image
#   Recognition.* CVPR 2016. The blocks and ResNet-50.
# - S. Ioffe, C. Szegedy. *Batch Normalization.* ICML 2015.
# - G. Yang et al. *A Mean Field Theory of Batch Normalization.* ICLR 2019. Why
#   the gradient grows in section 3.
# - T.-Y. Lin et al. *Feature Pyramid Networks for Object Detection.* CVPR 2017.
# - W. Luo, Y. Li, R. Urtasun, R. Zemel. *Understanding the Effective Receptive
#   Field in Deep Convolutional Neural Networks.* NeurIPS 2016.
