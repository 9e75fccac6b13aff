# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
#   handlib:
#     number: "05"
#     title: Necessity map
#     title_ko: Necessity map, 특징을 둘로 나누기
#     summary: >-
#       One number for each place of the image splits the features in two: what spatial attention
#       keeps, and what it throws away; we build the split, and measure what it really separates.
#     summary_ko: >-
#       이미지의 위치마다 숫자 하나를 정해 feature를 둘로 나눕니다. 기존 spatial attention이 남기는 것과 버리는
#       것을 직접 만들어 보고, 실제로 무엇이 나뉘는지 측정합니다.
#     objectives:
#       - compute M from F, and F_p = F⊗M and F_s = F⊗(1−M), by hand
#       - derive what gradient M gets from each of the two, and when it gets none
#       - tell when a gate throws information away, and when it only changes a scale
#       - measure with a fair baseline what a map inside a network separates
#     objectives_ko:
#       - F로부터 M, F_p = F⊗M, F_s = F⊗(1−M)를 직접 계산할 수 있습니다
#       - M이 F_p와 F_s에서 각각 어떤 gradient를 받는지, 언제 받지 못하는지 유도할 수 있습니다
#       - Gate가 정보를 버리는 경우와 단지 크기만 바꾸는 경우를 구별할 수 있습니다
#       - 네트워크 안의 map이 무엇을 구별하는지 공정한 baseline과 비교하여 측정할 수 있습니다
#     prerequisites: convolutions, sigmoid, gradients; [04](04_backbone_and_feature_pyramid.ipynb)
#     minutes_to_do: 45
#     minutes: 2
#     memory_mb: 2000
#     data: 800 synthetic images, made on the spot
#     seed: 5
# ---

# %% [markdown]
# {{ header }}

# %% tags=["setup"]
import copy

import numpy as np
import torch
import torch.nn.functional as functional
from torch import nn

from handlib import viz
from handlib.course import quiz
from handlib.course.captions import captions
from handlib.course.checks import nb05 as check
from handlib.data import SyntheticHands, collate
from handlib.data.synthetic.layers import LAYERS, seen_layers
from handlib.experiments.catalogue import first_look, illustration
from handlib.experiments.evidence import load_evidence, spread_table
from handlib.losses import LossConfig, handoccnet_loss, map_cross_entropy
from handlib.metrics import (
    by_occlusion,
    mean_interval,
    ridge_probe,
    roc_auc,
    root_aligned_mpjpe,
)
from handlib.models import record
from handlib.models.necessity import ConvolutionGate, SpatialGate
from handlib.viz import gallery, regions
from handlib.viz.occlusion_lab import OcclusionLab
from handlib.viz.split_explorer import SplitExplorer
from handlib.weights import HANDOCCNETS, card, load_both_handoccnets

_ = torch.manual_seed(5)
torch.set_printoptions(precision=2, sci_mode=False)
caption = captions("05")

# %% [markdown]
# ## 1 The idea before HandOccNet
#
# Notebook 04 ends with the feature map **F**: C channels on a grid of h×w
# *cells*. Some cells show the hand, some show what hides it, some a wall.
#
# Before HandOccNet the usual answer was **spatial attention**: compute one
# number between 0 and 1 for each cell, and multiply. The number is to be small
# where the hand is covered, so that the network *focuses* on what it can see.
#
# The limit of it: if much of the hand is covered, little is left. A cell on
# the mug that hides three fingers is turned down, and with it all that the
# cell knew: the edge where a finger disappears, the shape that the fingers
# hold.
#
# HandOccNet computes the same kind of number, the **necessity map M**, but
# keeps both halves:
#
# $$ F_p = F \otimes M, \qquad F_s = F \otimes (1 - M) $$
#
# ⊗ multiplies each cell's channels by the cell's number. **F_p**, the *primary
# feature*, is meant to be the hand; **F_s**, the *secondary feature*, the
# covered region, the place to inject hand information into (notebooks 06, 07).
# "Is meant to be": nothing has been measured yet. Sections 5 to 9 measure it.
#
# ## 2 From F to M
#
# The released code takes two numbers from each cell, the largest and the mean
# of its channels. (This gate comes from CBAM, Woo et al. 2018.) A convolution
# mixes the two and the cells around, batch norm scales and shifts, and a
# sigmoid brings the result between 0 and 1:
#
# $$ M = \mathrm{sigmoid}\left(a\cdot\mathrm{conv}_{7\times 7}
#    [\max_c F,\; \mathrm{mean}_c F] + b\right) $$
#
# In evaluation batch norm is a fixed scale a and shift b. Three cells of two
# channels: a hand answers in channel 0, a mug in channel 1, a wall in neither.

# %% tags=["nbval-check-output"]
cells = ["hand", "mug", "wall"]
F = torch.tensor([[[4.0, 0.0, 0.5]], [[0.0, 4.0, 0.5]]])  # C=2, h=1, w=3
summary = torch.stack([F.amax(dim=0), F.mean(dim=0)])
for name, (strongest, mean) in zip(cells, summary[:, 0].T, strict=True):
    print(f"{name}: largest {strongest:.1f}, mean {mean:.2f}")

# %% [markdown]
# **Predict first.** The kernel is 1 in its centre for both planes and 0
# elsewhere, a = 1, b = −3. Which of the three cells get a large M? Can any
# other kernel tell the hand's cell from the mug's, if their neighbours are
# alike?

# %% tags=["nbval-check-output"]
M = (summary.sum(dim=0) - 3).sigmoid()
print("M:", M)

# %% [markdown]
# Hand and mug get the same number. Largest and mean do not know *which*
# channel they come from: shuffle the channels of F, and M stays what it was.
# CBAM's gate can see that a cell is strong, not what it is strong in. For M to
# show the hand, the layers *before* it must make hand cells stronger than
# others.
#
# ### Exercise 5.1
#
# Write the gate for any size. `functional.conv2d` wants a batch axis; zeros
# around the map keep its size.

# %% tags=["exercise"]
def spatial_gate(features, kernel, scale, shift):
    """(C, h, w), (2, k, k) with odd k, two numbers to M (h, w)."""
    ...

# %% tags=["check"]
check.spatial_gate(spatial_gate)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `torch.stack([features.amax(0), features.mean(0)])` has the two planes in the
# order of the kernel's.
# </details>
# <details><summary>Hint 2</summary>
#
# `functional.conv2d(planes[None], kernel[None], padding=k // 2)[0, 0]`, then
# scale, shift, sigmoid, in this order.
# </details>
#
# **Solution**, folded: click the three dots to open it.

# %% tags=["solution"] jupyter={"source_hidden": true}
def spatial_gate_solution(features, kernel, scale, shift):
    planes = torch.stack([features.amax(0), features.mean(0)])
    padding = kernel.shape[-1] // 2
    mixed = functional.conv2d(planes[None], kernel[None], padding=padding)
    return (scale * mixed[0, 0] + shift).sigmoid()


check.spatial_gate(spatial_gate_solution)

# %% [markdown]
# The library's gate, with shipped weights and random features, against the
# same lines. And the proof about the channels. (The course ships two sets of
# weights; section 5 says how they differ. Here either will do.)

# %%
models = load_both_handoccnets()
model = models["as published"]
gate, norm = model.necessity, model.necessity.conv.norm
noise = torch.randn(4, 48, 16, 16)
a = norm.weight / (norm.running_var + norm.eps).sqrt()
b = norm.bias - norm.running_mean * a
planes = torch.stack([noise.amax(dim=1), noise.mean(dim=1)], dim=1)
with torch.no_grad():
    kernel = gate.conv.conv.weight
    ours = functional.conv2d(planes, kernel, padding=3) * a + b
    assert torch.allclose(ours.sigmoid(), gate(noise), atol=1e-5)
    shuffled = noise[:, torch.randperm(48)]
    assert torch.allclose(gate(noise), gate(shuffled), atol=1e-5)

# %% [markdown]
# The paper's M is another one: three convolutions over *all* channels. It
# could tell the hand's channel from the mug's. The difference in size:

# %% tags=["nbval-check-output"]
def size_of(network):
    return sum(p.numel() for p in network.parameters())


print(f"CBAM, any C:          {size_of(SpatialGate()):9,} numbers")
print(f"convolutions, C = 48: {size_of(ConvolutionGate(48)):9,}")
print(f"convolutions, C = 256:{size_of(ConvolutionGate(256)):9,}")

# %% [markdown]
# ## 3 The split
#
# Nothing is lost by splitting, since M + (1 − M) = 1:

# %% tags=["nbval-check-output"]
F_p, F_s = F * M, F * (1 - M)
print("F_p\n", F_p[:, 0])
print("F_s\n", F_s[:, 0])
assert torch.allclose(F_p + F_s, F, atol=1e-6)

# %% [markdown]
# **Predict first.** You get F_p and M, but not F_s. In which cells can you
# compute F?

# %%
back = F_p / M
assert torch.allclose(back, F, atol=1e-5)

# %% [markdown]
# In all of them: F = F_p / M wherever M > 0. So **a soft gate throws nothing
# away; it changes the scale of a cell.** F_p and F_s then point in the same
# direction in every cell, and a layer that reads F_p can learn to read what F
# says. Only M = 0 (in practice: far below the noise) loses a cell for good.
# Whether "suppress the occluded region" costs information depends on how hard
# M suppresses.
#
# ## 4 How M learns
#
# No label says what M should be. M gets its gradient from the loss L, through
# F_p and F_s. With G_p = ∂L/∂F_p and G_s = ∂L/∂F_s, in each cell:
#
# $$ \frac{\partial L}{\partial M} = \sum_c F_c\,(G_{p,c} - G_{s,c}), \qquad
#    \frac{\partial L}{\partial F_c} = M\,G_{p,c} + (1 - M)\,G_{s,c} $$
#
# Two things to see. M learns from the *difference* of what its two readers
# want: were F_p and F_s read alike, M would get exactly nothing. And a cell
# with M = 0 sends no gradient through F_p to the backbone: with F_p as the
# only reader, what is suppressed is not improved either.
#
# ### Exercise 5.2
#
# M = sigmoid(z) adds one factor; z is called M's *logit*. Write ∂L/∂z, by hand,
# without autograd.

# %% tags=["exercise"]
def logit_gradient(features, necessity, grad_primary, grad_secondary):
    """F, M, G_p, G_s as (C, h, w), (h, w), (C, h, w) twice, to (h, w)."""
    ...

# %% tags=["check"]
check.logit_gradient(logit_gradient)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# The sigmoid's slope is ∂M/∂z = M(1 − M).
# </details>
# <details><summary>Hint 2</summary>
#
# One number a cell: the sum over the channels of F times the difference.
# </details>

# %% tags=["solution"] jupyter={"source_hidden": true}
def logit_gradient_solution(features, necessity, grad_primary, grad_secondary):
    along = (features * (grad_primary - grad_secondary)).sum(0)
    return necessity * (1 - necessity) * along


check.logit_gradient(logit_gradient_solution)

# %% [markdown]
# **Predict first.** One cell, F = 1, and a loss that wants F_p = 1 and F_s =
# 0, so M should go to 1. How large is the step for z from a wrong −10, a
# neutral 0, a right +10?

# %% tags=["nbval-check-output"]
z = torch.tensor([-10.0, -3.0, 0.0, 3.0, 10.0], requires_grad=True)
gates = z.sigmoid()
loss = (gates - 1) ** 2 + (1 - gates) ** 2
loss.sum().backward()
for start, step in zip(z.tolist(), z.grad.tolist(), strict=True):
    print(f"z = {start:5.0f}: gradient {step:.6f}")

# %% [markdown]
# At −10 the gate is as wrong as it can be, and its gradient is thousands of
# times smaller than at 0: a gate that closed too early stays closed.
#
# ## 5 Two sets of weights
#
# The course ships one small HandOccNet (128 pixels, F with 48 channels on
# 16×16 cells), trained on synthetic hands, in two sets of weights.
#
# **As published**: trained for the hand's error, with the paper's losses and
# with *aids* that the paper does not have (notebook 10). One aid is a **mask
# loss**: two numbers of each cell, read off F by a 1×1 convolution, must give
# the share of visible and of whole hand. It reads **F, before M**. Does it
# teach M? `torch.autograd.grad` gives the gradient of one loss term for one
# tensor, here the weights of M's 7×7 kernel, and None where no way leads.

# %%
test = SyntheticHands("test", size=600)
batch = collate([test[i] for i in range(len(test))])
few = collate([test[i] for i in range(32)])
prediction = model(few.image)
aids = LossConfig.course()
terms = handoccnet_loss(prediction, few, model.hand, aids)
for name, term in terms.items():
    (slope,) = torch.autograd.grad(
        term, gate.conv.conv.weight, retain_graph=True, allow_unused=True
    )
    size = "none at all" if slope is None else f"{slope.norm():.2f}"
    print(f"{name:14} gradient for M's kernel: {size}")

# %% [markdown]
# `mask` and `early_heatmap` send M nothing. They make *F* know where the hand
# is; M is free, as in the paper, and learns from the errors of the hand alone.
# Nobody tells it to show the visible hand.
#
# How much of M's gradient comes through F_p, how much through F_s? FIT gets
# both, so we catch them at its door: a *hook* is a function that PyTorch calls
# when a module runs, before it (with its inputs) or after it (with its output,
# too). `retain_grad` makes a tensor that is no weight keep its gradient.

# %%
kept = {}


def keep_inputs(_, inputs):
    for path, value in zip(("F_p", "F_s"), inputs, strict=True):
        value.retain_grad()
        kept[path] = value


def keep_map(_, inputs, output):
    output.retain_grad()
    kept["F"], kept["M"] = inputs[0].detach(), output

# %%
hooks = (
    model.fit.register_forward_pre_hook(keep_inputs),
    gate.register_forward_hook(keep_map),
)
found = model(few.image)
loss = handoccnet_loss(found, few, model.hand, aids)["total"]
loss.backward()
for hook in hooks:
    hook.remove()

# %%
through = (kept["F"] * kept["F_p"].grad).sum(1)
against = -(kept["F"] * kept["F_s"].grad).sum(1)
whole = kept["M"].grad[:, 0]
assert torch.allclose(through + against, whole, atol=1e-4)
print(f"through F_p {through.norm():.1f}, through F_s {against.norm():.1f}")
print(f"mean slope M(1−M): {(kept['M'] * (1 - kept['M'])).mean():.2f} of 0.25")
_ = model.requires_grad_(False).zero_grad()

# %% [markdown]
# The formula of section 4 holds in the real network. Compare the two sizes:
# F_p reaches the heatmaps directly (F_FIT is F_p plus what FIT adds), F_s only
# as the query of an attention. And the slope is close to its greatest value,
# 0.25: this M is far from saturated.
#
# ### Guided: an extension of ours
#
# The paper's figures show an M that is the visible hand. No loss asks for it,
# neither in the paper nor in the released code. What if one did? No paper does
# this; **it is ours**, and every figure says so where it is shown.
#
# Let s be the share of a cell that the *visible* hand covers, and t the share
# that the *whole* hand covers, hidden parts too. To compare a share with a
# prediction p, both between 0 and 1, take the cross-entropy
# CE(s, p) = −s log p − (1 − s) log(1 − p), smallest at p = s. Two loss terms:
#
# $$ L_M = \frac{1}{N}\sum_{i=1}^{N} \mathrm{CE}(s_i, M_i), \qquad
#    L_{gate} = \frac{1}{A N}\sum_{a=1}^{A}\sum_{i=1}^{N}
#    \mathrm{CE}(t_i, C_{sig,a,i}) $$
#
# N counts the cells. C_sig is FIT's *gate*, notebook 06 builds it: one number
# between 0 and 1 for each cell and each of A heads (parallel attentions,
# notebook 07), near 1 where hand information may flow in, near 0 where it may
# not. So: M shall be the visible hand, the gates the whole hand.
#
# The terms are added to the loss, each 30 times (the mask loss's weight):
# `LossConfig.guided()`. The layers are the same; masks are needed in training
# only. Here they are by hand, and from the library:

# %%
def cross_entropy(share, found):
    yes, no = (x.log().clamp_min(-100) for x in (found, 1 - found))
    return -(share * yes + (1 - share) * no).mean()


s, t = (regions.to_grid(m, 16)[:, None] for m in (few.visible, few.amodal))
for title, network in models.items():
    with torch.no_grad(), record(network) as maps:
        _ = network(few.image)
    gates = maps["fit.0.gate"][..., 0].unflatten(2, (16, 16))  # B A 16 16
    L_M, L_gate = cross_entropy(s, maps["necessity"]), cross_entropy(t, gates)
    library = map_cross_entropy(maps["necessity"], few.visible)
    assert torch.isclose(L_M, library)
    assert torch.isclose(L_gate, map_cross_entropy(gates, few.amodal))
    print(f"{title:13} L_M {L_M:.2f}, L_gate {L_gate:.2f}")

# %%
for share, name in ((s, "L_M"), (t, "L_gate")):
    one = cross_entropy(share, share.mean().expand_as(share))
    best = cross_entropy(share, share)
    print(f"{name:6} of one number {one:.2f}, smallest {best:.2f}")
for title, name in HANDOCCNETS.items():
    error = card(name)["scores"]["model"]["root_aligned"]
    print(f"{title:13} error {error:.1f} mm, 2,000 test images")

# %% [markdown]
# Two lines are yardsticks: the best that one number in all cells can do, and
# the best that is possible (cells on the border keep it above 0). As published
# both terms are worse than one number would be. L_gate is so large because
# many of those gates are exactly 0 or 1, and a wrong switch counts 100.
#
# **Do not compare the two errors.** The guided weights went on from those as
# published, for 192,000 more images with the two terms *and* with other
# images: blurred, noisy, turned, in all sorts of light
# (`AugmentationConfig.photographs()`). Clean test images are not what they
# saw. So the errors mix two causes. The maps are another matter: L_M and
# L_gate are the only terms that speak of them.
#
# From here on both sets go side by side. All 600 test images, and 200 others
# (validation images) that serve as a baseline later.

# %%
def maps_of(network, images):
    """F (B, 48, 16, 16) and M (B, 1, 16, 16) of a network."""
    pairs = []
    for some in images.split(50):
        with torch.no_grad(), record(network) as maps:
            _ = network(some)
        names = ("features", "necessity", "primary", "secondary")
        F, M, F_p, F_s = (maps[name] for name in names)
        assert torch.equal(F_p, F * M) and torch.equal(F_s, F * (1 - M))
        assert torch.allclose(F_p + F_s, F, atol=1e-5)
        pairs.append((F, M))
    return [torch.cat(part) for part in zip(*pairs, strict=True)]

# %%
others = SyntheticHands("val", size=200)
other = collate([others[i] for i in range(len(others))])
here = {title: maps_of(m, batch.image) for title, m in models.items()}
there = {title: maps_of(m, other.image) for title, m in models.items()}
for title, (_, M) in here.items():
    print(f"{title:13} M: {M.min():.2f} to {M.max():.2f}, mean {M.mean():.2f}")
F, M = here["as published"]
guided_F, guided_M = here["guided"]

# %% [markdown]
# Our F_p and F_s equal the library's, on every image. **Predict first.** Even
# the lowest M of 600 images is not 0. By section 3, what has F_p lost?
#
# The course's half-hidden hand, with M and the strength (norm over channels)
# of F_p and F_s. Below the image: what M would be if it showed the visible
# hand.

# %%
SHIPPED = "shipped weights: as published, and guided (ours)"
half = gallery.most_like(batch.occlusion[:200], 0.5)
image = batch.image[half]
seen = regions.to_grid(batch.visible, 16)[:, None]  # share of visible hand
whole_hand = regions.to_grid(batch.amodal, 16)[:, None]


def panels(F, M):
    """Title, map and colour limits of the half-hidden hand's M, F_p, F_s."""
    F, M = F[half], M[half, 0]
    top = (0.0, float(F.norm(dim=0).max()))
    yield "M", M, (0.0, 1.0)
    yield "|F_p|", (F * M).norm(dim=0), top
    yield "|F_s|", (F * (1 - M)).norm(dim=0), top

# %%
fig = viz.theme.figure(9, 4.6)
axes = fig.subplots(2, 4)
viz.maps.show_image(axes[0, 0], image, "hidden part hatched")
viz.hand.draw_hidden(axes[0, 0], batch.visible[half], batch.amodal[half])
viz.maps.overlay(axes[1, 0], image, seen[half, 0], "visible hand")
for row, (title, pair) in zip(axes, here.items(), strict=True):
    for ax, (name, values, limits) in zip(row[1:], panels(*pair), strict=True):
        words = f"{name}, {title}"
        bar = viz.maps.overlay(ax, image, values, words, limits)
        fig.colorbar(bar, ax=ax, shrink=0.6)
ends = [m[half].aminmax() for _, m in here.values()]
free, told = (f"{low:.2f}–{high:.2f}" for low, high in ends)
words = caption("split", free=free, told=told)
viz.show(fig, **words, dpi=95, colours=256)

# %% [markdown]
# As published M is flat: a little lower at the border of the image than in the
# middle. Guided it follows the hand, but as a soft hill. Two numbers a cell
# and one 7×7 kernel do not draw a sharp border, nor go to 0 or to 1.
#
# Walk through more images with the first slider, with the **guided** weights.
# The second makes M sharper than it is (its logits times a number), towards
# the switch that "suppress" suggests: 1 is the network's own M.

# %%
two_hundred = collate([test[i] for i in range(200)])
rank = two_hundred.occlusion.argsort(stable=True).tolist().index(half)
explorer = SplitExplorer(
    two_hundred,
    guided_F[:200],
    guided_M[:200],
    rank,
    sharpness=20,
    weights="guided weights (ours)",
)
explorer.widget()

# %% [markdown]
# The same as a still picture, twenty times sharper:

# %%
explorer.illustration()

# %% [markdown]
# ## 6 An occluder grows over the same hand
#
# Different images differ in everything. Here only one thing changes: a ball
# comes closer to the camera, in front of one test hand.
#
# **Predict first.** By the paper's words M goes down where the ball covers the
# hand. As published, will it? Guided?

# %%
def necessity_of(network, view):
    """M (16, 16) for a picture of the lab."""
    with torch.no_grad(), record(network) as maps:
        _ = network(view.image[None])
    return maps["necessity"][0, 0]


bare = batch.occlusion[:200].argsort()[:16].tolist()
lab = OcclusionLab(model, test, bare[3], kind="ball")
nearness = (0.0, 0.3, 0.5, 0.65, 0.75)
views = [lab.look()] + [lab.look(0.5, 0.45, near) for near in nearness]
on_hand = regions.to_grid(views[0].visible, 16) >= 0.5

# %%
fig = viz.theme.figure(9, 5.2)
axes = fig.subplots(3, 6)
for (above, *below), view in zip(axes.T, views, strict=True):
    viz.maps.show_image(above, view.image, f"{view.hidden:.0%} hidden")
    for ax, (title, network) in zip(below, models.items(), strict=True):
        M_now = necessity_of(network, view)
        words = f"{title} {M_now[on_hand].mean():.2f}"
        bar = viz.maps.overlay(ax, view.image, M_now, words, (0, 0.8))
        ax.title.set_size(8)
fig.colorbar(bar, ax=fig.axes[6:], shrink=0.6)
words = caption("growth", hidden=[f"{v.hidden:.0%}" for v in views])
viz.show(fig, **words, dpi=95, colours=256)

# %% [markdown]
# The number above each map is the mean of M over the cells that showed the
# hand in the first picture: the same cells each time. Guided, M leaves the
# ball and stays on what is still seen. As published it hardly notices.
#
# One hand is an anecdote. Sixteen hands, a mug at three places before each,
# and the change of M against the same hand without the mug, *in the same
# cells*. A new thing shifts M everywhere a little, so the cells that stay
# background are the yardstick.

# %%
def changes(network, free, now):
    """Mean change of M in three kinds of cells, the mug against none."""
    before, after, whole = (
        regions.to_grid(mask, 16)
        for mask in (free.visible, now.visible, free.amodal)
    )
    differs = (now.image - free.image).abs().amax(dim=0) > 0.1
    moved = regions.to_grid(differs, 16)
    masks = (
        (before >= 0.5) & (after < 0.1),
        (before >= 0.5) & (after >= 0.5),
        (whole == 0) & (moved == 0),
    )
    step = necessity_of(network, now) - necessity_of(network, free)
    return [step[mask].mean() for mask in masks]

# %%
mugs = [OcclusionLab(model, test, i) for i in bare]
looks = [[mug.look(x) for x in (None, 0.2, 0.5, 0.8)] for mug in mugs]
kinds = ("hand, now hidden", "hand, still visible", "background as before")
for title, network in models.items():
    steps = [[changes(network, f, x) for x in now] for f, *now in looks]
    by_hand = torch.tensor(steps).nanmean(dim=1).T  # kind, hand
    print(title)
    for kind, values in zip(kinds, by_hand, strict=True):
        low, high = mean_interval(values)
        print(f"  {kind:21} {values.nanmean():+.3f} [{low:+.3f}, {high:+.3f}]")
    other_M = there[title][1]
    spread = (other_M.amax((1, 2, 3)) - other_M.amin((1, 2, 3))).mean()
    print(f"  from lowest to highest cell of a map: {spread:.2f} on average")

# %% [markdown]
# Compare the first line of each with its third, and both with the last.
# Guided, a cell that becomes hidden is turned down by a large part of the
# map's whole range. As published, whatever difference there is between the
# lines is a small part of a small range.
#
# ## 7 What does M separate?
#
# A map of hills and valleys separates two groups of cells if the first lies
# higher. The **area under the ROC curve** (ROC-AUC) says how often: draw one
# cell of each group; how often has the first the larger M? 0.5 is chance, 1 is
# perfect, and no threshold has to be chosen.
#
# ### Exercise 5.3
#
# Write it. A tie counts one half.

# %% tags=["exercise"]
def auc(scores, positive):
    """Scores (N,) and bool (N,) to one number."""
    ...

# %% tags=["check"]
check.auc(auc)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `scores[positive][:, None] - scores[~positive]` holds the difference of every
# pair.
# </details>
# <details><summary>Hint 2</summary>
#
# Count `> 0` whole and `== 0` half, then take the mean over the pairs.
# </details>

# %% tags=["solution"] jupyter={"source_hidden": true}
def auc_solution(scores, positive):
    pairs = scores[positive][:, None] - scores[~positive]
    return ((pairs > 0).float() + (pairs == 0).float() / 2).mean()


check.auc(auc_solution)

# %% [markdown]
# A fair comparison needs three scores beside the two M:
#
# - **place alone**: the mean share of visible hand in each cell over the 200
#   *other* images. It never looks at the image. Crops are centred on the hand,
#   so this is far better than chance.
# - **M asked**: the same gate, 100 numbers, fitted to the visible hand on the
#   F as published of the other images. What CBAM could read off *this* F.
#   (Guided goes further: the layers before M learn for it, too.)
# - **F asked**: the 1×1 convolution of the mask loss, 49 numbers, as
#   published. What F knows, thanks to the aid.

# %%
def ask(new_gate, steps=200):
    """Fit a gate to the visible hand on the other images' F."""
    share = regions.to_grid(other.visible, 16)[:, None]
    adam = torch.optim.Adam(new_gate.train().parameters(), lr=0.01)
    for _ in range(steps):
        some = torch.randint(len(share), (50,))
        answer = new_gate(there["as published"][0][some])
        loss = functional.binary_cross_entropy(answer, share[some])
        adam.zero_grad()
        loss.backward()
        adam.step()
    with torch.no_grad():
        return new_gate.eval()(F)

# %%
prior = regions.to_grid(other.visible, 16).mean(dim=0)
prior = prior.expand(len(F), 1, 16, 16)
scores = {"place alone": prior}
scores |= {f"M {title}": M for title, (_, M) in here.items()}
scores["M asked"] = ask(SpatialGate())
with torch.no_grad():
    scores["F asked"] = model.readout(F)[:, :1]
scores = {name: value.flatten(1) for name, value in scores.items()}

# %% [markdown]
# The scenes tell what each cell shows most of: visible hand, hidden hand (a
# thing in front of it), a thing beside the hand, the forearm, background. The
# 200 first images:

# %%
scenes = (test.render(i).scene for i in range(200))
layers = torch.from_numpy(np.stack([seen_layers(s) for s in scenes]))
numbers = range(len(LAYERS))
shares = torch.stack([regions.to_grid(layers == n, 16) for n in numbers])
shows = shares.flatten(2).argmax(dim=0)  # image, cell
for number, name in enumerate(LAYERS):
    words = []
    for title, (_, M_) in here.items():
        means = regions.mean_over(M_[:200].flatten(1), shows == number)
        low, high = mean_interval(means)
        words.append(f"{title} {means.nanmean():.2f} [{low:.2f}, {high:.2f}]")
    print(f"mean M on {name:13}", ", ".join(words))

# %% [markdown]
# **Predict first.** Order the five scores for "visible hand against all the
# rest". Then for "visible hand against hidden hand" alone: this pair is the
# one that the paper's story is about.

# %%
def area(score, positive, negative):
    """The AUC of each image; NaN where a group is empty."""
    used = positive | negative
    pairs = zip(score, positive, used, strict=False)
    return torch.tensor([roc_auc(s[u], p[u]) for s, p, u in pairs])

# %%
visible_cell = shows == 0
rivals = {"all the rest": ~visible_cell}
rivals |= {name: shows == n for n, name in enumerate(LAYERS) if n}
areas = {
    name: {r: area(s, visible_cell, cells) for r, cells in rivals.items()}
    for name, s in scores.items()
}
for name, row in areas.items():
    words = [f"{rival} {x.nanmean():.2f}" for rival, x in row.items()]
    print(f"{name:14}", ", ".join(words))

# %%
colours = ("MUTED", "BLUE", "GREEN", "SKY", "ORANGE")
colours = [getattr(viz.theme, name) for name in colours]
fig = viz.theme.figure(9.5, 3.3)
ax = fig.subplots()
bars, ends = {}, {}
for name, row in areas.items():
    bars[name] = np.array([float(x.nanmean()) for x in row.values()])
    ends[name] = np.array([mean_interval(x) for x in row.values()])
groups = [f"against\n{rival}" for rival in rivals]
viz.curves.grouped_bars(ax, groups, bars, ends, colours)
ax.axhline(0.5, color=viz.theme.INK, linewidth=0.8, linestyle="--")
ax.set(ylabel="AUC of the visible hand", ylim=(0.3, 1.08))
fig.suptitle(f"{SHIPPED}; asked: F as published", size=8)
numbers = "; ".join(f"{n} {v.round(2).tolist()}" for n, v in bars.items())
viz.show(fig, **caption("separates", numbers=numbers), dpi=90)

# %% [markdown]
# By hidden share, over all 600 images, visible hand (at least half of the
# cell) against everything else:

# %%
at_least_half = seen.flatten(1) >= 0.5
bins = (0.0, 0.25, 0.5, 0.75, 1.0)
rows = {}
names = ("place alone", "M as published", "M guided", "F asked")
for name in names:
    each = area(scores[name], at_least_half, ~at_least_half)
    valid = ~each.isnan()
    rows[name] = by_occlusion(each[valid], batch.occlusion[valid], bins)
    words = [f"{b.low:.0%}–{b.high:.0%} {b.mean:.2f}" for b in rows[name]]
    print(f"{name:14}", ", ".join(words))

# %%
alone, *others_ = (
    area(scores[name], at_least_half, ~at_least_half) for name in names[:3]
)
for name, gain in zip(names[1:], others_, strict=False):
    low, high = mean_interval(gain - alone)
    step = (gain - alone).nanmean()
    print(f"{name} above place alone: {step:+.3f} [{low:+.3f}, {high:+.3f}]")

# %%
fig = viz.theme.figure(7, 3)
fig.suptitle(SHIPPED, size=8)
ax = fig.subplots()
groups = [f"{b.low:.0%}–{b.high:.0%}\n({b.count})" for b in rows[names[1]]]
bars = {n: np.array([b.mean for b in row]) for n, row in rows.items()}
ends = {n: np.array([b.interval for b in row]) for n, row in rows.items()}
colours = colours[:3] + colours[4:]
viz.curves.grouped_bars(ax, groups, bars, ends, colours)
ax.set(xlabel="hidden share (images)", ylabel="AUC", ylim=(0.5, 1.05))
heights = {n: v.round(2).tolist() for n, v in bars.items()}
viz.show(fig, **caption("by hidden share", heights=heights), dpi=90)

# %% [markdown]
# How much of M is the same in every image? One fixed map, the mean M of the
# other images, explains this share of M's variance over cells and images:

# %%
for title, (_, M_) in here.items():
    left = (M_ - there[title][1].mean(dim=0)).square().mean()
    explained = 1 - left / (M_ - M_.mean()).square().mean()
    print(f"{title:13} {explained:.0%} of M's variance is one fixed map")

# %% [markdown]
# **What we may conclude.** As published, M is mostly one fixed, shallow map.
# It tells the visible hand from the rest *worse* than place alone does, which
# never looks at the image, and it is no lower on hidden than on visible hand.
# F knows the difference (the aid taught it), a gate of 100 numbers can read a
# part of it off F, and no loss asked. So F_p is *not* "the hand" and F_s *not*
# "the covered region": they are F with two nearly constant weights.
#
# Guided, M separates the visible hand from nearly everything; the hidden hand
# stays the hardest, as for "M asked".
#
# Does M not just need longer training? The model cards have its AUC over 2,000
# images:

# %%
for title, name in HANDOCCNETS.items():
    measured = card(name)["scores"]["maps"]["necessity"]["mean"]
    print(f"{title:13} visible hand against the rest {measured:.2f}")

# %% [markdown]
# The weights that the course shipped before these had learned in the same way
# from fewer images, 56,000 of 16,000 pictures instead of 256,000 of 64,000.
# Their error was larger (26.3 mm; now 21.4 mm), and their M had an AUC of
# 0.89. More training made the hand better and M mean *less*. That is one
# training of each: a case, not a law. But it shows that nothing in the loss
# holds M to a meaning, whereas telling it does.
#
# ## 8 What spatial attention would throw away
#
# This M throws nothing away, by section 3. Now take the map that the words
# describe, the **ideal** M: each cell's share of visible hand. What is in the
# F_s that a network with F_p alone would never see?
#
# We take every hidden joint (its pixel is covered), read the 48 channels of
# *its cell*, and ask a linear probe: **which of the five fingers is it?** The
# fair baseline is a probe that knows the cell's place and nothing else.
#
# ### Exercise 5.4
#
# The probe is a ridge regression in closed form. With X and Y less their
# means,
#
# $$ W = (X^T X + \lambda I)^{-1} X^T Y $$
#
# and an unseen x is answered by (x − mean of X) W + mean of Y.

# %% tags=["exercise"]
def ridge(features, targets, unseen, strength):
    """(N, D), (N, K), (M, D) and λ to the answers (M, K)."""
    ...

# %% tags=["check"]
check.ridge(ridge)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Take the *training* means off: the unseen features lose the same mean.
# </details>
# <details><summary>Hint 2</summary>
#
# `torch.linalg.solve(A, B)` is A⁻¹B; λI is `strength * torch.eye(D)`.
# </details>

# %% tags=["solution"] jupyter={"source_hidden": true}
def ridge_solution(features, targets, unseen, strength):
    mean, level = features.mean(0), targets.mean(0)
    x = features - mean
    penalty = strength * torch.eye(x.shape[1])
    weights = torch.linalg.solve(x.T @ x + penalty, x.T @ (targets - level))
    return (unseen - mean) @ weights + level


check.ridge(ridge_solution)

# %% [markdown]
# The library's `ridge_probe` also divides each feature by its spread. The
# hidden joints and their cells:

# %%
pixels = batch.joints_px.round().long()
inside = ((pixels >= 0) & (pixels < 128)).all(dim=-1)
columns, rows_ = pixels.clamp(0, 127).unbind(dim=-1)
b = torch.arange(len(F))[:, None]
covered = batch.amodal[b, rows_, columns] & ~batch.visible[b, rows_, columns]
covered = covered & inside
covered[:, 0] = False  # the wrist belongs to no finger
which, joint = covered.nonzero().T
cell = (which, slice(None), rows_[covered] // 8, columns[covered] // 8)
finger = (joint - 1) // 4
print(f"{len(joint)} hidden joints in {len(which.unique())} images")
alone = finger.bincount().max() / len(finger)
print(f"always the commonest finger: {alone:.0%} right")

# %%
places = torch.stack([cell[2], cell[3]], dim=1).float()
y, x = places.T
places = torch.stack([y, x, y * y, x * x, x * y], dim=1)

# %%
readings = {
    "place alone": places,
    "F": F,
    "F_p": F * M,
    "F_s": F * (1 - M),
    "F_p, ideal M": F * seen,
    "F_s, ideal M": F * (1 - seen),
    "F of another image": F[torch.randperm(len(F))],
    "guided F": guided_F,
    "guided F_p": guided_F * guided_M,
    "guided F_s": guided_F * (1 - guided_M),
}

# %%
def draws(count=600, train=400, times=10):
    """Random splits: True for the images that the probe is fitted on."""
    for seed in range(times):
        source = torch.Generator().manual_seed(seed)
        order = torch.randperm(count, generator=source)
        yield torch.isin(torch.arange(count), order[:train])

# %%
def right_finger(reading):
    """Share of right answers in each split, over joints of unseen images."""
    x = reading if reading is places else torch.cat([reading[cell], places], 1)
    names = functional.one_hot(finger, 5).float()
    for fitted in draws():
        train, unseen = fitted[which], ~fitted[which]
        guess = ridge_probe(x[train], names[train], x[unseen], 10.0)
        yield (guess.argmax(1) == finger[unseen]).float().mean()

# %% [markdown]
# **Predict first.** Seven of the ten numbers will be nearly equal and high,
# three nearly equal and low. Which is where?

# %%
fingers = {n: torch.stack([*right_finger(r)]) for n, r in readings.items()}
for name, values in fingers.items():
    ends = f"{values.min():.2f} to {values.max():.2f}"
    print(f"{name:18} {values.mean():.2f}, ten splits {ends}")

# %% [markdown]
# The channels of a hidden joint's cell say more than its place does. F_p and
# F_s of both sets say as much as their F, as section 3 promised: guided, too,
# M is soft. With the ideal M all of it moves into F_s: **at these cells
# spatial attention in its ideal form blanks what was there.**
#
# But must a network read *these* cells? F's cells have seen their neighbours.
# So a second probe reads the whole map (pooled to 4×4 cells) and answers where
# the hidden joints are, in pixels. It comes with a control: the ideal M keeps
# few cells, so scramble it over the map, which keeps as many.

# %%
scramble = torch.randperm(256)
scrambled = seen.flatten(1)[:, scramble].reshape(seen.shape)
hidden_cell = (whole_hand - seen >= 0.5).float()
no_map = ("place alone", "F of another image")
names = [name for name in readings if name not in no_map]
whole_map = {name: readings[name] for name in names}
whole_map["F_p, scrambled M"] = F * scrambled
whole_map["F, no hidden cells"] = F * (1 - hidden_cell)
target = batch.joints_px.flatten(1)

# %%
def distances(reading):
    """Mean distance to the hidden joints in pixels, in each split."""
    x = functional.adaptive_avg_pool2d(reading, 4).flatten(1)
    for fitted in draws():
        guess = ridge_probe(x[fitted], target[fitted], x[~fitted], 300.0)
        error = (guess - target[~fitted]).unflatten(1, (21, 2)).norm(dim=2)
        yield error[covered[~fitted]].mean()

# %%
apart = {n: torch.stack([*distances(r)]) for n, r in whole_map.items()}
nothing = torch.stack([*distances(torch.zeros_like(F))])
for name, values in (apart | {"mean position": nothing}).items():
    ends = f"{values.min():.1f} to {values.max():.1f}"
    print(f"{name:18} {values.mean():.1f} px, ten splits {ends}")

# %%
fig = viz.theme.figure(9, 4)
fig.suptitle("as published, unless it says guided (ours)", size=8)
left, right = fig.subplots(1, 2)
for ax, found in ((left, fingers), (right, apart)):
    centre = torch.stack([v.mean() for v in found.values()]).numpy()
    reach = torch.stack([v.std() for v in found.values()]).numpy()
    green = np.where(["guided" in name for name in found], "GREEN", "BLUE")
    names = np.where(["ideal" in name for name in found], "ORANGE", green)
    bar_colours = [getattr(viz.theme, name) for name in names]
    ax.barh(list(found), centre, xerr=reach, color=bar_colours)
    ax.invert_yaxis()
left.set(xlabel="right finger at a hidden joint's cell", xlim=(0, 0.8))
right.set(xlabel="distance to hidden joints, whole map (px)")
numbers = [f"{n} {v.mean():.2f}" for n, v in (fingers | apart).items()]
viz.show(fig, **caption("probes", numbers="; ".join(numbers)), dpi=90)

# %% [markdown]
# Read the second list with care. F_p under the ideal M is clearly worse than
# F. But look at the scrambled M: keeping as many cells *anywhere* costs about
# as much. And F without its hidden cells is as good as F. (That blank patch
# itself shows where the hidden hand is, so this last number flatters.) For a
# reader of the whole map, then, the price of the ideal M is that it keeps few
# cells, more than that it drops the hidden ones.
#
# **So far.** As published, M is nearly one fixed map (7); told, it is the visible
# hand. A soft M loses nothing, and a hard one moves what hidden cells tell into
# F_s (8). What does the hand's error say to all this?
#
# ## 9 Does M matter to the two networks?
#
# Exchange M inside both networks, and predict the same 200 images.
#
# **Predict first.** Which of these costs most: one number everywhere, the M of
# another image, the ideal M, or 1 − M? For which of the two networks will an
# exchange cost more?

# %%
class Given(nn.Module):
    """A necessity map that does not look at F."""

    def __init__(self, necessity):
        super().__init__()
        self.necessity = necessity

    def forward(self, features):
        return self.necessity.expand(len(features), 1, 16, 16)

# %%
def errors_with(network, necessity):
    """Root-aligned error in mm of the first 200 images."""
    changed = copy.deepcopy(network)
    changed.necessity = Given(necessity)
    with torch.no_grad():
        joints = changed(two_hundred.image).joints
    return 1000 * root_aligned_mpjpe(joints, two_hundred.joints)

# %%
for title, network in models.items():
    own = here[title][1][:200]
    exchanged = {
        "one number": own.mean().reshape(1, 1, 1, 1),
        "of another image": own.roll(1, dims=0),
        "one everywhere": torch.ones(1, 1, 1, 1),
        "visible hand": seen[:200],
        "1 − M": 1 - own,
    }
    before = errors_with(network, own)
    print(f"{title:16} {before.mean():5.1f} mm")
    for name, necessity in exchanged.items():
        step = errors_with(network, necessity) - before
        low, high = mean_interval(step)
        print(f"  {name:17} {step.mean():+5.1f} mm [{low:+.1f}, {high:+.1f}]")

# %% [markdown]
# If an interval contains 0, these images do not show that the exchange
# matters. As published, one number everywhere does as well as M, and so does
# the M of another image: **this network does not use what its M says about an
# image.** Guided, both cost about a millimetre: that network has come to use
# its M, a little. It relies far more on the *level*. With M = 1 everywhere, or
# with the visible hand alone, F_p is stronger or weaker than anything that the
# next layers have seen in training, so those lines say little about how good
# such a map would be *if trained with*.
#
# So there are two questions, and they have two answers here. *Can M be made to
# mean what the figures show?* Yes, by telling it. *Does the hand's error get
# better by that?* Nothing here says so: the network as published has the
# smaller error with an M that says nothing, and the comparison is not clean
# (section 5). To answer, networks are needed that differ in the two terms alone.
#
# ### Told and not told, over seeds
#
# `handlib experiment guidance` trains them, from one start for each of three seeds
# and on the same images: told nothing, M told, the gates of notebook
# [06](06_softmax_or_sigmoid.ipynb) told, both.
#
# **Predict first.** What will the hand's error say to it?

# %% tags=["nbval-check-output"]
evidence = load_evidence("guidance")
columns = {"RA error, mm": "root_aligned", "hidden most, gain": "gain_hidden"}
print("mean over three seeds (smallest to largest)")
print(spread_table(evidence, columns, digits=2))
for row in evidence["runs"]:
    print(f"seed {row['seed']}, {row['network']:14}", end=" ")
    print(f"AUC of M {row['maps']['necessity']['mean']:.2f}")

# %%
illustration("guidance", evidence)

# %% [markdown]
# Telling costs nothing, and it brings nothing: the errors differ by less than
# seeds do, all images or those hidden most. M that is told shows the visible hand
# after 12,000 images, and gates that are told open on the hidden one, in every
# seed; told the one, the other stays where it was. So the larger error of the
# shipped guided weights is not the price of guidance but that of images changed
# for photographs. And a map that means what its name says is no help by itself.

# %%
TRY = False  # True: a small run of one seed, about two minutes
first_look("guidance") if TRY else None

# %% [markdown]
# These are small networks, and aids on F leave M little to do. This does not
# refute the paper, whose M is another function and whose network is 50 times
# as large. It does show that the name of a map is no evidence. What remains
# true without any training: a gate learns from the difference of its readers;
# a soft gate loses nothing; keeping F_s beside F_p makes sure that nothing is
# lost even when the gate is hard.
#
# ## 10 Paper against code
#
# {{ paper_against_code }}
#
# Try it: fit `ConvolutionGate(48)` with `ask(...)` in section 7 (60 steps and
# a few seconds are enough) and add it to `scores`.
#
# ## 11 Quiz
#
# {{ quiz }}

# %% [markdown]
# With a kernel you can click your answers:

# %% tags=["quiz"]
quiz.show("05")

# %% [markdown]
# ## Summary
#
# - M is one number a cell: largest and mean channel, a convolution, a sigmoid
#   (code); three convolutions (paper). F = F_p + F_s always.
# - ∂L/∂M is F times the *difference* of the gradients of F_p and F_s; a
#   saturated M does not learn.
# - A soft gate changes scales. Only a closed one throws information away.
# - As published, the shipped M is mostly one fixed, shallow map: worse than
#   place alone, blind to hidden against visible, exchangeable for one number.
# - Guided (ours: cross-entropy of M to the visible hand, of the gates to the
#   whole hand) it separates the visible hand, and the network uses it a
#   little. That this helps the hand's error is not shown.
# - Hidden cells do know which finger they hide; the ideal spatial attention
#   would blank them. Readers of the whole map find most of it elsewhere.
# - Our half-hidden hand: as published M runs from 0.50 to 0.63, so F_p and F_s
#   are two weaker copies of F. Guided it runs from 0.05 to 0.49, a soft hill
#   over the hand, over its hidden part too.
#
# ## 요약
#
# - M은 cell마다 하나의 숫자입니다. 공개 코드는 channel의 최댓값과 평균에
#   convolution과 sigmoid를 적용하고, 논문은 convolution 세 개를 씁니다. F는
#   항상 F_p + F_s와 같습니다.
# - M의 gradient는 F_p와 F_s가 받는 gradient의 차이에 F를 곱한 것이며, M이
#   포화되면 거의 학습되지 않습니다.
# - 완만한 gate는 크기만 바꾸고, 0으로 닫힌 gate만 정보를 버립니다.
# - 논문대로(as published) 학습한 weight의 M은 대부분 이미지와 무관한 고정된 완만한
#   map입니다. 위치만 아는 baseline보다도 못하고, 가려진 손과 보이는 손을 구별하지
#   못하며, 숫자 하나로 바꾸어도 오차가 달라지지 않습니다.
# - Guided weight는 논문에 없는 이 과정의 확장입니다. M을 보이는 손에, gate를 손
#   전체에 맞추는 cross-entropy 두 항을 더하면 M이 보이는 손을 구별하고 네트워크도
#   M을 조금 사용합니다. 그 덕분에 손의 오차가 줄어드는지는 보이지 못했습니다.
# - 가려진 cell에는 어느 손가락인지에 대한 정보가 있습니다. 이상적인 spatial
#   attention은 이 cell을 지우지만, map 전체를 읽으면 상당 부분을 다른 cell에서
#   찾을 수 있습니다.
# - 절반이 가려진 우리 손에서 논문대로의 M은 0.50에서 0.63 사이이므로 F_p와 F_s는 크기만
#   줄어든 F입니다. Guided의 M은 0.05에서 0.49 사이이며, 가려진 부분까지 포함해 손 위에서
#   완만하게 커집니다.
#
# ## References
#
# - J. Park, Y. Oh, G. Moon, H. Choi, K. M. Lee. *HandOccNet:
#   Occlusion-Robust 3D Hand Mesh Estimation Network.* CVPR 2022. Section 3.2.
# - S. Woo, J. Park, J.-Y. Lee, I. S. Kweon. *CBAM: Convolutional Block
#   Attention Module.* ECCV 2018. The gate of the released code.
# - G. Alain, Y. Bengio. *Understanding Intermediate Layers Using Linear
#   Classifier Probes.* ICLR workshop 2017. What a probe can and cannot say.
# - A. E. Hoerl, R. W. Kennard. *Ridge Regression.* Technometrics 12, 1970.
