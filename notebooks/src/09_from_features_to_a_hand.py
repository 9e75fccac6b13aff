# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
#   handlib:
#     number: "09"
#     title: From features to a hand
#     title_ko: From features to a hand, feature에서 손 mesh까지
#     summary: >-
#       Heatmaps, soft-argmax, an encoder and a 6D head turn F_SET into a mesh; with them HandOccNet
#       is complete, every tensor of it on the table, and the authors' checkpoint fits.
#     summary_ko: >-
#       Heatmap, soft-argmax, encoder, 6D head를 거쳐 F_SET이 손 mesh가 됩니다. 이로써 HandOccNet
#       전체가 완성되며, 모든 tensor의 shape을 확인하고 저자의 checkpoint를 불러오는 방법까지 다룹니다.
#     objectives:
#       - compute a joint's position from a score map by hand, and say when it lies
#       - state the five losses with their weights, and what an error of 1 cm costs in each
#       - tell which loss reaches which layer, and what soft-argmax cannot ask for
#       - name every tensor of HandOccNet with its shape, and count its 39,319,352 parameters
#       - measure whether heatmaps of hidden fingertips are broader, and load a checkpoint safely
#     objectives_ko:
#       - Score map에서 joint의 위치를 직접 계산하고, 언제 그 위치가 틀리는지 설명할 수 있습니다
#       - 다섯 가지 loss와 weight, 그리고 1 cm의 오차가 각각 얼마로 계산되는지 말할 수 있습니다
#       - 어떤 loss의 gradient가 어느 layer까지 전달되는지 설명할 수 있습니다
#       - HandOccNet의 모든 tensor의 shape을 말하고 parameter 39,319,352개를 세어 볼 수 있습니다
#       - 가려진 손끝의 heatmap이 더 넓은지 측정하고, checkpoint를 안전하게 불러올 수 있습니다
#     prerequisites: softmax, gradients; [01](01_a_hand_in_58_numbers.ipynb), [08](08_set.ipynb)
#     minutes_to_do: 45
#     minutes: 1
#     memory_mb: 1600
#     data: 200 synthetic test images, made on the spot
#     seed: 9
# ---

# %% [markdown]
# {{ header }}

# %% tags=["setup"]
import math
import pickle
import tempfile
from dataclasses import replace
from pathlib import Path

import torch
from torch.nn.functional import leaky_relu

from handlib import viz
from handlib.course import quiz
from handlib.course.captions import captions
from handlib.course.checks import nb09 as check
from handlib.data import SyntheticHands, collate
from handlib.data.camera import denormalise_pixels, normalise_pixels
from handlib.hands import load_hand
from handlib.hands.rotations import (
    axis_angle_to_rotmat,
    rot6d_to_rotmat,
    rotmat_to_axis_angle,
)
from handlib.hands.skeleton import (
    FINGER_JOINTS,
    FINGERS,
    JOINT_NAMES,
    MANO_JOINT_OF_COMMON,
)
from handlib.losses import LossConfig, handoccnet_loss
from handlib.metrics import mean_interval, root_aligned_mpjpe
from handlib.models import HandOccNet, HandOccNetConfig, initialise, record
from handlib.models import heatmap as library
from handlib.models.bottleneck import PreActBottleneck
from handlib.models.encoder import HandEncoder
from handlib.models.handoccnet import HandPrediction
from handlib.models.hourglass import Hourglass
from handlib.models.mano_head import ManoHead
from handlib.models.official import load_handoccnet as load_released
from handlib.models.official_names import HANDOCCNET, renamed
from handlib.viz import regions
from handlib.viz.heatmap_explorer import HeatmapExplorer
from handlib.weights import load_handoccnet

_ = torch.manual_seed(9)
torch.set_printoptions(precision=3, sci_mode=False)
caption = captions("09")
hand = load_hand()

# %% [markdown]
# ## 1 Where we are
#
# FIT has injected the visible hand into what hides it, SET has refined the
# result. What we hold is **F_SET**: C channels on a grid of h×w *cells*, one
# cell for each square of the image. The paper calls what follows the
# **regressor**:
#
# | step | from | to |
# |---|---|---|
# | hourglass | F_SET (C, h, w) | features y (C, h, w) |
# | heatmaps | y | 21 maps (21, h, w), one a joint |
# | soft-argmax | heatmaps | 21 places (u, v) in the image |
# | encoder | heatmaps and y | one vector |
# | MANO head | the vector | pose θ and shape β |
# | hand layer | (θ, β) | 778 vertices, 21 joints |
#
# C = 256 and h = w = 32 in the released network, 48 and 16 in the course's.
#
# ## 2 The hourglass
#
# To know whether a cell shows the tip of the ring finger one must look close
# (is there a tip?) and from far (which finger is it?). An **hourglass** (Newell
# et al. 2016) does both: it halves the map again and again, doubles it back
# again, and at every size adds what it had there on the way down.

# %%
fig = viz.theme.figure(8, 2.9)
ax = fig.subplots()
for level, side in enumerate((32, 16, 8, 4, 2)):
    for x in {level, 8 - level}:
        ax.bar(x, side, 0.4, bottom=-side / 2, color=viz.theme.SKY)
        ax.text(x, -side / 2 - 3, f"{side}×{side}", ha="center")
    if side > 2:
        ends = (8 - level - 0.25, 0.4 * side), (level + 0.25, 0.4 * side)
        ax.annotate("", *ends, arrowprops={"arrowstyle": "->"})
    if side > 8:
        ax.text(4, 0.4 * side + 0.3, "unit, then add", ha="center", fontsize=8)
ax.set(xlim=(-0.6, 8.6), ylim=(-21, 17))
ax.set_axis_off()
viz.show(fig, **caption("hourglass"))

# %% [markdown]
# At every place stands one residual **unit**: batch norm, a 1×1 convolution to
# half the channels, batch norm, a 3×3 convolution, batch norm, a 1×1
# convolution back, and the input is added. A level of depth n has a unit
# beside (skip), one after halving (down), one before doubling (up); between
# *down* and *up* lies the level n − 1, and in the innermost level one more unit.
#
# **Predict first.** One unit alone sees 3×3 cells. How many does an hourglass
# of depth 1 see? Of depth 4?

# %% tags=["nbval-check-output"]
def reach(tower):
    """Side of the square of input cells that one output cell depends on."""
    x = torch.randn(1, 8, 128, 128, requires_grad=True)
    tower.eval()(x)[..., 64, 64].sum().backward()
    rows = (x.grad != 0).any(dim=3).any(dim=1)[0].nonzero()
    return int(rows.max() - rows.min()) + 1


print("unit alone:", reach(PreActBottleneck(8)))
for depth in (1, 2, 3, 4):
    print(f"hourglass of depth {depth}:", reach(Hourglass(8, depth)))

# %% [markdown]
# (128 is the side of our test map.) With depth 4 a cell of a 32×32 map sees
# all of it. So it did after SET's attention; the hourglass does it with
# convolutions, and ends with the fine map and the coarse ones added up.
#
# ### Exercise 9.1
#
# How many numbers does an hourglass learn? A k×k convolution from a to b
# channels has k·k·a·b weights and b biases; a batch norm of c channels learns
# 2c. The number of channels is even.

# %% tags=["exercise"]
def hourglass_parameters(channels, depth):
    """Channels and number of halvings to the number of parameters."""
    ...


# %% tags=["check"]
check.hourglass_parameters(hourglass_parameters)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# First count a unit. The first batch norm has `channels`, the other two
# `channels // 2`.
# </details>
# <details><summary>Hint 2</summary>
#
# Depth 1 has four units: skip, down, inside, up. Each further level adds three.
# </details>
#
# **Solution**, folded: click the three dots to open it.

# %% tags=["solution"] jupyter={"source_hidden": true}
def hourglass_parameters_solution(channels, depth):
    half = channels // 2
    norms = 2 * (channels + half + half)
    weights = channels * half + 9 * half * half + half * channels
    biases = half + half + channels
    return (3 * depth + 1) * (norms + weights + biases)


check.hourglass_parameters(hourglass_parameters_solution)

# %% tags=["nbval-check-output"]
size = sum(p.numel() for p in Hourglass(256, 4).parameters())
assert size == 13 * 214_528
print(f"released hourglass: 13 units of 214,528, together {size:,}")

# %% [markdown]
# ## 3 From scores to a place
#
# A 1×1 convolution gives each cell 21 **scores**, one a joint. Here is a map of
# 3×3 scores of one joint. Softmax over *all* cells makes it a **heatmap**, a
# probability for each cell:

# %% tags=["nbval-check-output"]
scores = torch.tensor([[0.0, 1, 0], [1, 3, 2], [0, 1, 0]])
heatmap = scores.flatten().softmax(dim=0).view(3, 3)
print(heatmap)
print("sum:", heatmap.sum())

# %% [markdown]
# The largest cell (argmax) would be a place, but argmax has no gradient, and
# it cannot be finer than a cell. **Soft-argmax** takes the *mean* place instead:
#
# $$ u = \sum_{r,c} p_{rc}\,\frac{c + 0.5}{w}, \qquad
#    v = \sum_{r,c} p_{rc}\,\frac{r + 0.5}{h} $$
#
# with p the heatmap, r the row, c the column. u and v are fractions of the
# image, 0 at its left or upper edge and 1 at the other. A cell stands at its
# **centre**: column 0 of three reaches from 0 to 1/3, its centre is 1/6.

# %% tags=["nbval-check-output"]
centres = (torch.arange(3) + 0.5) / 3
u, v = heatmap.sum(dim=0) @ centres, heatmap.sum(dim=1) @ centres
print("centres:", centres)
print(f"u = {u:.3f}, v = {v:.3f}")

# %% [markdown]
# The row in the middle leans to the right, and so does u.
#
# The same convention on the image's side: pixel x reaches from x − ½ to x + ½,
# so it stands at (x + 0.5)/S of an image of S pixels. In an image of 6 pixels
# cell 0 of 3 covers pixels 0 and 1, and its centre lies between them:

# %%
between = denormalise_pixels(centres[:1].expand(2), 6)
assert torch.allclose(between, torch.tensor([0.5, 0.5]))
assert torch.allclose(normalise_pixels(between, 6), centres[:1].expand(2))

# %% [markdown]
# ### Two peaks
#
# **Predict first.** The network hesitates between two fingers: scores of 5
# left and right, 0 elsewhere. Where is the mean? How probable is that cell?

# %% tags=["nbval-check-output"]
two_peaks = torch.tensor([[0.0, 0, 0], [5, 0, 5], [0, 0, 0]])
p = two_peaks.flatten().softmax(dim=0).view(3, 3)
u, v = p.sum(dim=0) @ centres, p.sum(dim=1) @ centres
print(p)
print(f"u = {u:.3f}, v = {v:.3f}, where p = {p[1, 1]:.3f}")

# %% [markdown]
# The mean lies *between* the peaks, in the cell of which the map is nearly
# certain that the joint is not there.
#
# ### Temperature
#
# The released network learns one more number for each joint, which multiplies
# all scores of its map before the softmax. The code calls it `betas`; it is no
# shape parameter, so we call it **temperature** (physicists would call it an
# inverse one). It starts at 1. Below, the left peak is 5 and the right one 4.

# %% tags=["nbval-check-output"]
unequal = torch.tensor([[0.0, 0, 0], [5, 0, 4], [0, 0, 0]])
for temperature in (0.25, 0.5, 1, 2, 4, 8):
    p = (temperature * unequal).flatten().softmax(dim=0).view(3, 3)
    print(f"temperature {temperature}: u = {p.sum(dim=0) @ centres:.3f}")

# %% [markdown]
# At a high temperature the mean is the largest cell, 1/6; at a low one it is
# the middle of the image. The second is a danger for a *good* map as well, if
# it is large: many cells of small probability pull together. One corner cell
# of a 32×32 map stands out; how high must its score be?

# %% tags=["nbval-check-output"]
for score in (4.0, 7.0, 10.0, 13.0):
    corner = torch.zeros(1, 1, 32, 32)
    corner[..., 0, 0] = score
    u = library.soft_argmax(library.spatial_softmax(corner))[0, 0, 0]
    print(f"score {score:4}: u = {u:.3f} (the cell is at {0.5 / 32:.3f})")

# %% [markdown]
# ### Exercise 9.2
#
# Write soft-argmax with a temperature, for any h and w.

# %% tags=["exercise"]
def mean_place(scores, temperature):
    """Scores (h, w) and a number to the tensor (u, v)."""
    ...


# %% tags=["check"]
check.mean_place(mean_place)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Flatten, softmax, and back to (h, w): `.flatten()`, `.softmax(0)`,
# `.view(h, w)`.
# </details>
# <details><summary>Hint 2</summary>
#
# `p.sum(dim=0)` adds up the rows and leaves one number a column; its product
# with the columns' centres is u. `torch.stack([u, v])`.
# </details>

# %% tags=["solution"] jupyter={"source_hidden": true}
def mean_place_solution(scores, temperature):
    h, w = scores.shape
    p = (temperature * scores).flatten().softmax(dim=0).view(h, w)
    u = p.sum(dim=0) @ ((torch.arange(w) + 0.5) / w)
    v = p.sum(dim=1) @ ((torch.arange(h) + 0.5) / h)
    return torch.stack([u, v])


check.mean_place(mean_place_solution)

# %% [markdown]
# And the library's, for all images and joints at once, against a plain loop
# over cells:

# %%
maps = library.spatial_softmax(torch.randn(2, 21, 4, 6))
by_loop = torch.zeros(2, 21, 2)
for row in range(4):
    for column in range(6):
        place = torch.tensor([(column + 0.5) / 6, (row + 0.5) / 4])
        by_loop += maps[:, :, row, column, None] * place
assert torch.allclose(library.soft_argmax(maps), by_loop, atol=1e-6)

# %% [markdown]
# ## 4 Encoder, head, hand
#
# The 3D hand does not come from the 21 places. In the released network it comes
# from the heatmaps themselves and from y, the features that the scores were
# read from: each through its 1×1 convolution, then added, then halved with two
# units before each halving until 2×2 cells are left. These are flattened.

# %% tags=["nbval-check-output"]
encoder = HandEncoder(48, depth=3).eval()
x = torch.randn(1, 48, 16, 16)
vector = encoder(maps.new_full((1, 21, 16, 16), 1 / 256), x)
for level in encoder.levels:
    print(tuple(x.shape), end=" -> ")
    x = torch.nn.functional.max_pool2d(level(x), 2)
print(tuple(x.shape), "->", tuple(vector.shape))

# %% [markdown]
# In the released network that is (256, 2, 2), or 1024 numbers.
#
# The **MANO head** has two linear layers with a leaky ReLU behind each, then
# two linear ways out: 96 numbers for the pose and 10 for the shape β. 96 = 16
# joints × 6: the **6D** form of notebook 01, two columns of a rotation matrix,
# made proper by Gram-Schmidt. By hand, and by the library:

# %%
head = ManoHead(192, (256, 256))
h = leaky_relu(head.hidden1(vector), 0.01)
h = leaky_relu(head.hidden2(h), 0.01)
by_hand = rot6d_to_rotmat(head.pose(h).view(1, 16, 6)), head.shape(h)
pose, betas = head(vector)
assert torch.allclose(pose, by_hand[0], atol=1e-6)
assert torch.allclose(betas, by_hand[1], atol=1e-6)

# %% [markdown]
# ### Where the 6D head starts
#
# A young head answers with numbers near zero. Gram-Schmidt divides by the
# length of the first three: **predict first**, which rotations come out, and
# how large is their derivative to the six numbers?

# %%
for size in (1.0, 0.1, 0.01):
    six = size * torch.tensor(initialise.IDENTITY_6D)
    slope = torch.autograd.functional.jacobian(rot6d_to_rotmat, six)
    print(f"length {size:4}: derivative of size {slope.norm():.0f}")

# %%
def first_guesses(start):
    """Mean angle of the 16 rotations, in degrees, over 100 vectors."""
    torch.manual_seed(0)
    head = ManoHead(192, (256, 256))
    start(head)
    rotations = head(torch.randn(100, 192))[0]
    return rotmat_to_axis_angle(rotations).norm(dim=-1).rad2deg().mean()


for start in (initialise.small_normal, initialise.identity_pose):
    print(f"{start.__name__:14} {first_guesses(start):6.2f}° from rest")

# %% [markdown]
# The released start (`small_normal`) bends every joint at random, by more than
# a right angle, and its gradient is huge. The course starts at the rest pose:
# the *bias* of the pose layer holds the identity, (1, 0, 0, 0, 1, 0) for each
# joint, and the weights add a little to it. This is an aid of ours
# (`identity_pose=True`).
#
# The hand layer of notebook 01 then makes the mesh; it learns nothing, and
# gradients pass through it.

# %% tags=["nbval-check-output"]
made = hand(pose, betas)
print("vertices", tuple(made.vertices.shape), "in metres")
print("joints  ", tuple(made.joints.shape), "in metres")
print("parameters:", sum(p.numel() for p in hand.parameters()))

# %% [markdown]
# ## 5 The losses
#
# Two joints, one of them right, the other off by 1 cm. The mean squared error
# runs over all *numbers*, here six:

# %% tags=["nbval-check-output"]
found = torch.tensor([[0.0, 0.0, 0.0], [0.03, 0.0, 0.0]])  # metres
right = torch.tensor([[0.0, 0.0, 0.0], [0.02, 0.0, 0.0]])
mse = (found - right).square().mean()
print(f"mean squared error {mse:.7f} m²")
print(f"times 10⁴: {1e4 * mse:.3f} = (1 cm)² / (1 cm²) / 6")

# %% [markdown]
# So the weight 10⁴ turns m² into **cm²**. The released losses are five such
# means:
#
# | term | between | unit | weight |
# |---|---|---|---|
# | vertices | 778 vertices | m, hand's own frame | 10⁴ |
# | joints | 21 joints | m, hand's own frame | 10⁴ |
# | pose | 16 rotation matrices | entries, −1 to 1 | 10 |
# | shape | β | its ten numbers | 0.1 |
# | 2D joints | (u, v) | fractions of the image | 100 |
#
# The true vertices and joints are made by the hand layer from the true (θ, β),
# so there is no position in space to be found.
#
# To see what a term says, we take eight images and a *perfect* prediction, and
# spoil one thing at a time. First two of the 21 joints, by 1 cm:

# %%
test = SyntheticHands("test", size=200)
eight = collate([test[i] for i in range(8)])
truth = hand(eight.pose, eight.betas)
perfect = HandPrediction(
    axis_angle_to_rotmat(eight.pose),
    eight.betas,
    truth.vertices,
    truth.joints,
    normalise_pixels(eight.joints_px, 128),
    torch.full((8, 21, 16, 16), 1 / 256),
)
recipe = LossConfig.paper()

# %%
two_off = truth.joints.clone()
two_off[:, [4, 8], 0] += 0.01
spoilt = replace(perfect, joints=two_off)
terms = handoccnet_loss(spoilt, eight, hand, recipe)
by_hand = 1e4 * (2 * 0.01**2) / (21 * 3)
assert math.isclose(terms["joints"], by_hand, rel_tol=1e-3)
assert terms["vertices"] == 0 and terms["total"] == terms["joints"]
print(f"{by_hand:.4f} by hand, {terms['joints']:.4f} by the library")

# %% [markdown]
# Now every term, each with an error that one may call small. **Predict first:**
# order the five by cost.

# %%
turn = axis_angle_to_rotmat(torch.tensor([math.radians(10), 0.0, 0.0]))
x = torch.tensor([1.0, 0.0, 0.0])
moved = {
    "vertices": (0.01 * x, "1 cm along x", 1e4 * 0.01**2 / 3),
    "joints": (0.01 * x, "1 cm along x", 1e4 * 0.01**2 / 3),
    "betas": (torch.ones(10), "1 each", 0.1),
    "joints_img": (0.01 * x[:2], "1 % along u", 100 * 0.01**2 / 2),
}
spoilt = {n: getattr(perfect, n) + by for n, (by, _, _) in moved.items()}
spoilt["pose"] = perfect.pose @ turn
cost = 10 * 4 * (1 - math.cos(math.radians(10))) / 9
moved["pose"] = (turn, "10° about x", cost)

# %%
for name, (_, what, by_hand) in moved.items():
    wrong = replace(perfect, **{name: spoilt[name]})
    term = handoccnet_loss(wrong, eight, hand, recipe)[name]
    assert math.isclose(term, by_hand, rel_tol=1e-3)
    print(f"{name:10} {what:12} costs {term:.4f}")

# %% [markdown]
# (For the pose: two matrices that differ by an angle α differ in their nine
# entries by 4(1 − cos α) in sum of squares.) Every formula is the library's.
# The 3D terms rule: 1 % of the width, 2.6 of 256 pixels, costs 67 times less
# than a centimetre.
#
# ## 6 Which loss reaches which layer?
#
# A loss teaches the layers that its gradient reaches. We take an untrained
# network of the course, without its two extra branches, which are aids of ours
# (notebook 10). Beside the five losses we look at one aid, the heatmaps'
# **cross-entropy**: each true joint is a narrow Gaussian over the cells, and the
# loss is −Σ target · log p.
#
# **Predict first.** The 2D joints are read off the heatmaps. Do they teach the
# encoder? Does the shape teach the necessity map?

# %%
torch.manual_seed(9)
plain = replace(
    HandOccNetConfig.course(), joints_to_head=False, feature_readout=False
)
young = HandOccNet(plain, hand)
with_aid = replace(recipe, heatmap=1.0)
terms = handoccnet_loss(young(eight.image), eight, hand, with_aid)
terms.pop("total")
parts = ["backbone", "pyramid", "necessity", "fit", "set"]
parts += ["heatmaps", "encoder", "mano_head"]

# %%
def gradient_norm(term, part):
    """Length of the term's gradient to a part, or a dash."""
    weights = list(getattr(young, part).parameters())
    found = torch.autograd.grad(
        term, weights, retain_graph=True, allow_unused=True
    )
    found = [g.norm() for g in found if g is not None]
    return f"{torch.stack(found).norm():10.4f}" if found else f"{'–':>10}"


print(" " * 10, "".join(f"{part:>10}" for part in parts))
for name, term in terms.items():
    norms = "".join(gradient_norm(term, part) for part in parts)
    print(f"{name:10}", norms)

# %% [markdown]
# Read it by columns. Encoder and head learn from the 3D terms only; heatmaps
# and all before them learn from everything. The numbers are lengths at the
# start of training and before Adam, which divides each by its own size.
#
# ### What soft-argmax cannot ask for
#
# One row of n cells with scores s, places x, heatmap p = softmax(s), mean
# m = Σ p x, and the loss L = (m − m*)².
#
# ### Exercise 9.3
#
# Work out ∂L/∂s and write it, without autograd.

# %% tags=["exercise"]
def slopes(scores, places, target):
    """Scores (n,), places (n,), number to the gradient (n,)."""
    ...


# %% tags=["check"]
check.slopes(slopes)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# The chain rule: 2(m − m*) times ∂m/∂s. A softmax has ∂p_j/∂s_i = p_j(1 − p_i)
# if j = i, and −p_j p_i otherwise.
# </details>
# <details><summary>Hint 2</summary>
#
# ∂m/∂s_i = p_i x_i − p_i Σ p_j x_j = p_i (x_i − m).
# </details>

# %% tags=["solution"] jupyter={"source_hidden": true}
def slopes_solution(scores, places, target):
    p = scores.softmax(dim=0)
    mean = p @ places
    return 2 * (mean - target) * p * (places - mean)


check.slopes(slopes_solution)

# %% [markdown]
# So L pushes cell i by −2(m − m*) · p_i · (x_i − m). Three things follow:
#
# - it is zero for *every* cell when the mean is right, however wrong the map;
# - of two equally probable cells the one farther from the mean is pushed more,
#   whichever of them is true;
# - a cell of probability 0 is not pushed at all, and that includes the true one.
#
# The cross-entropy pushes by target_i − p_i: none of the three.

# %% tags=["nbval-check-output"]
s = torch.tensor([5.0, 0.0, 5.0], requires_grad=True)
p = s.softmax(dim=0)
miss = (p @ centres - 0.5).square()
(by_mean,) = torch.autograd.grad(miss, s, retain_graph=True)
(by_cell,) = torch.autograd.grad(-p[1].log(), s)
print("p:                   ", p.detach())
print("asked by soft-argmax:", -by_mean.round(decimals=3) + 0.0)
print("asked by each cell:  ", -by_cell)

# %% [markdown]
# Let both train a map from the same start: nine cells, sure of cell 1, while
# the joint is in cell 6. Adam, 300 steps. **Predict first:** will both find
# the joint? Will both *maps* say so?

# %%
places = (torch.arange(9) + 0.5) / 9
aims = {
    "soft-argmax": lambda p: 100 * (p @ places - places[6]) ** 2,
    "cross-entropy": lambda p: -p[6].log(),
}
learned = {}
for name, loss in aims.items():
    s = 6 * torch.eye(9)[1]
    adam = torch.optim.Adam([s.requires_grad_()], lr=0.05)
    for _ in range(300):
        adam.zero_grad()
        loss(s.softmax(dim=0)).backward()
        adam.step()
    learned[name] = s.detach().softmax(dim=0)

# %%
fig = viz.theme.figure(7, 2.6)
ax = fig.subplots()
start = {"start": (6 * torch.eye(9)[1]).softmax(dim=0)}
for name, p in (start | learned).items():
    ax.plot(p, "o-", label=f"{name}: mean in cell {9 * p @ places - 0.5:.1f}")
ax.axvline(6, color=viz.theme.MUTED, linestyle="--")
ax.set(xlabel="cell (true: 6)", ylabel="probability")
ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3, fontsize=8)
values = [f"{n} {p.numpy().round(2)}" for n, p in learned.items()]
viz.show(fig, **caption("race", values="; ".join(values)))

# %% [markdown]
# Both means arrive. Only one map knows where the joint is; the other has found
# *a* map with the right mean. That is why the course adds the cross-entropy as
# an aid. It is not the released recipe, which trains the places alone; whether
# the aid pays at full scale is not shown here.
#
# ## 7 The whole HandOccNet
#
# Everything is built now. One image goes through both networks, with `record`
# listening: the released size with random weights, the course's with trained
# ones. (The released start would make all outputs alike; we start wider.)
#
# **Predict first.** Which tensor on the way is the largest?

# %%
torch.manual_seed(9)
wide_start = replace(HandOccNetConfig.paper(), small_normal=False)
paper_net = HandOccNet(wide_start, hand).eval()
image = torch.rand(1, 3, 256, 256)
with torch.no_grad(), record(paper_net) as paper_maps:
    paper_says = paper_net(image)
model = load_handoccnet(hand)
with torch.no_grad(), record(model) as course_maps:
    course_says = model(eight.image[:1])

# %% tags=["nbval-check-output"]
fields = ("pose", "betas", "vertices", "joints")
rows = {"image": ((1, 3, 256, 256), (1, 3, 128, 128))}
for name, value in paper_maps.items():
    other = course_maps.get(name)
    shape = tuple(other.shape) if other is not None else "–"
    rows[name] = tuple(value.shape), shape
for name in fields:
    both = getattr(paper_says, name), getattr(course_says, name)
    rows[name] = tuple(tuple(value.shape) for value in both)
for name, (paper, course) in rows.items():
    print(f"{name:18} {paper!s:22} {course!s}")

# %% [markdown]
# The correlation maps are by far the largest: four heads of a million numbers.
# (Without a recorder they are never made; notebook 06 says how.) And all of it
# ends in 58 numbers: 16 × 3 angles, sent as 16 × 6, and 10.
#
# ### 39,319,352 parameters
#
# The numbers below are counted from the shapes of the released code's layers.
# **Predict first:** which part has most of them?

# %%
released = {
    "backbone": 23_508_032,
    "pyramid": 984_064 + 1_180_160,
    "necessity": 100,
    "fit": 2_758_656 + 1_901_312,
    "set": 2_495_488,
    "heatmaps": 2_788_864 + 286_250,
    "encoder": 1_787_648,
    "mano_head": 1_628_778,
}

# %%
def count(network):
    """Parameters by part, without parts that have none."""
    sizes = {
        name: sum(p.numel() for p in part.parameters())
        for name, part in network.named_children()
    }
    return {name: size for name, size in sizes.items() if size}


paper_count, course_count = count(paper_net), count(model)
assert paper_count == released

# %% tags=["nbval-check-output"]
for name in paper_count | course_count:
    paper = paper_count.get(name, 0)
    print(f"{name:14} {paper:>12,} {course_count[name]:>9,}")
totals = sum(paper_count.values()), sum(course_count.values())
print(f"{'together':14} {totals[0]:>12,} {totals[1]:>9,}")

# %% [markdown]
# Three fifths are ResNet-50. FIT and SET, the paper's idea, have 18 %, and of
# these 2,097,152 are learned positions. 590,080 belong to a convolution of the
# pyramid (`smooth2`) that the released code computes and nobody reads.
#
# ## 8 From pixels to a mesh
#
# Now the half-hidden hand, the same as in notebooks 00 and 06, through the
# trained network of the course. We predict all 200 test images and keep what
# encoder and head receive.

# %%
caught = {}
for name in ("encoder", "mano_head"):
    getattr(model, name).register_forward_pre_hook(
        lambda module, inputs, name=name: caught.update({name: inputs})
    )
samples = [test[i] for i in range(len(test))]
batch = collate(samples)
with torch.no_grad():
    prediction = model(batch.image)
half = int((batch.occlusion - 0.5).abs().argmin())
print(f"image {half}, {batch.occlusion[half]:.0%} of the hand is hidden")

# %% [markdown]
# For each of the five fingertips we ask the renderer what the image shows at
# the tip's pixel: the tip's own piece of skin (**seen**), another part of the
# hand (**behind own hand**), or something else where the hand would be
# (**hidden by object**). Tips outside the image or on the very edge of the
# hand, where the pixel may be background, are left out.

# %%
tips = [FINGER_JOINTS[finger][-1] for finger in FINGERS]
px = batch.joints_px[:, tips].round().long()
inside = ((px >= 0) & (px < 128)).all(dim=-1)
x, y = px.clamp(0, 127).unbind(dim=-1)
which = torch.arange(len(samples))[:, None]
part = torch.stack([s.masks.parts for s in samples])[which, y, x]
own = part == 1 + torch.tensor(MANO_JOINT_OF_COMMON)[tips]
shown, whole = batch.visible[which, y, x], batch.amodal[which, y, x]
where = {
    "seen": inside & shown & own,
    "behind own hand": inside & shown & ~own,
    "hidden by object": inside & whole & ~shown,
}
print({name: int(here.sum()) for name, here in where.items()}, "of 1000 tips")

# %% [markdown]
# How *broad* is a heatmap? Its **entropy** says how many bits one would need,
# on average, to name the joint's cell: 0 if one cell has everything, 8 if all
# 256 cells are alike.
#
# $$ H = -\sum_{r,c} p_{rc} \log_2 p_{rc} $$
#
# ### Exercise 9.4
#
# Write the entropy of each map. A cell with p = 0 adds nothing.

# %% tags=["exercise"]
def entropy_bits(heatmaps):
    """Heatmaps (B, J, h, w) to bits (B, J)."""
    ...


# %% tags=["check"]
check.entropy_bits(entropy_bits)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `0 * log(0)` is nan in floating point, although the limit is 0.
# </details>
# <details><summary>Hint 2</summary>
#
# `torch.special.xlogy(p, p)` is p ln p and 0 at 0; log₂ x = ln x / ln 2.
# </details>

# %% tags=["solution"] jupyter={"source_hidden": true}
def entropy_bits_solution(heatmaps):
    nats = -torch.special.xlogy(heatmaps, heatmaps).sum(dim=(-2, -1))
    return nats / math.log(2)


check.entropy_bits(entropy_bits_solution)

# %% [markdown]
# **Predict first.** Which of the five tips of the half-hidden hand will have
# the broadest maps?

# %%
p = prediction.heatmaps[:, tips]
bits = -torch.special.xlogy(p, p).sum(dim=(2, 3)) / math.log(2)

fig = viz.theme.figure(9.6, 2.6)
titles = []
for i, ax in enumerate(fig.subplots(1, 5)):
    state = [name for name, here in where.items() if here[half, i]]
    state = state[0] if state else "at the edge"
    titles.append(f"{FINGERS[i]}, {state}\n{bits[half, i]:.1f} bits")
    viz.maps.overlay(ax, batch.image[half], p[half, i], titles[-1])
    x, y = batch.joints_px[half, tips[i]].tolist()
    style = {"markersize": 9, "markeredgewidth": 2, "fillstyle": "none"}
    ax.plot(x, y, "o", color=viz.theme.VERMILION, **style)
values = "; ".join(title.replace("\n", ", ") for title in titles)
viz.show(fig, **caption("tips", values=values), dpi=90, colours=256)

# %% [markdown]
# And on to the mesh. The network knows no position in space, so we put its hand
# where its joints meet its own 2D joints.

# %%
def draw_mesh(ax, vertices, title):
    viz.maps.show_image(ax, batch.image[half], title)
    camera = batch.intrinsics[half]
    viz.hand.draw_hand(ax, vertices, hand.faces, camera, 128, 0.9, title)


places = denormalise_pixels(prediction.joints_img[half], 128)
shift = viz.hand.fit_translation(
    prediction.joints[half], places, batch.intrinsics[half]
)
true = hand(
    batch.pose[[half]], batch.betas[[half]], batch.translation[[half]]
)

# %%
fig = viz.theme.figure(9.6, 2.4)
axes = fig.subplots(1, 5)
viz.maps.show_image(axes[0], batch.image[half], "image")
together = prediction.heatmaps[half].amax(dim=0)
viz.maps.overlay(axes[1], batch.image[half], together, "all 21 heatmaps")
viz.maps.show_image(axes[2], batch.image[half], "soft-argmax")
viz.hand.draw_skeleton(axes[2], places)
draw_mesh(axes[3], prediction.vertices[half] + shift, "mesh")
draw_mesh(axes[4], true.vertices[0], "true mesh")
error = root_aligned_mpjpe(prediction.joints, batch.joints)[half] * 1000
values = f"{error:.0f} mm"
viz.show(fig, **caption("to mesh", values=values), dpi=90, colours=256)

# %% [markdown]
# Try any joint and temperature on the half-hidden hand. **Predict first:** for
# which joints will a higher temperature help?

# %%
explorer = HeatmapExplorer(
    batch.image[half],
    prediction.heatmaps[half],
    batch.joints_px[half],
    joint=JOINT_NAMES[tips[-1]],
)
explorer.widget()

# %% [markdown]
# The same as a still picture:

# %%
explorer.illustration()

# %% [markdown]
# One hand is an anecdote. Let us count.
#
# ## 9 Measure it
#
# **Are hidden fingertips broader?** Each image gives its mean over its tips of
# a kind; the interval is from drawing images with replacement. Hidden tips
# live in harder images, so the fair comparison is *within* images that have
# both kinds.

# %%
def interval(per_image):
    kept = per_image[~per_image.isnan()]
    low, high = mean_interval(kept)
    return f"{kept.mean():.2f} [{low:.2f}, {high:.2f}], {len(kept)} images"


by_kind = {n: regions.mean_over(bits, here) for n, here in where.items()}
for name, values in by_kind.items():
    print(f"{name:17} {interval(values)}")
for name in ("behind own hand", "hidden by object"):
    print(f"{name} − seen: {interval(by_kind[name] - by_kind['seen'])}")
grid = (torch.arange(16) + 0.5 - 8) / 0.8
aim = (-0.5 * grid**2).softmax(dim=0)
print(f"what it was taught: {-2 * (aim * aim.log2()).sum():.2f} bits")

# %% [markdown]
# **Does the map know how wrong it is?** A map has a spread of its own, the
# root of its mean squared distance to its mean. If the map were an honest
# probability, spread and true error would agree, kind by kind.

# %%
cells = (torch.arange(16) + 0.5) / 16
mean = prediction.joints_img[:, tips]
du = (cells - mean[..., 0, None]).square()  # image tip column
dv = (cells - mean[..., 1, None]).square()
spread = (p.sum(2) * du).sum(-1) + (p.sum(3) * dv).sum(-1)
true_uv = normalise_pixels(batch.joints_px, 128)
off = (mean - true_uv[:, tips]).square().sum(dim=-1)


# %%
def root_mean(squares):
    """Root mean square in pixels, and its interval, by kind."""
    found = [regions.mean_over(squares, here) for here in where.values()]
    found = [values[~values.isnan()] for values in found]
    ends = torch.tensor([mean_interval(values) for values in found])
    means = torch.stack([values.mean() for values in found])
    return 128 * means.sqrt().numpy(), 128 * ends.sqrt().numpy()

# %%
sizes = {"spread of the map": root_mean(spread), "error": root_mean(off)}
means = {name: m for name, (m, _) in sizes.items()}
ends = {name: e for name, (_, e) in sizes.items()}
fig = viz.theme.figure(7, 3)
ax = fig.subplots()
viz.curves.grouped_bars(ax, list(where), means, ends)
ax.set_ylabel("root mean square (pixels)")
values = "; ".join(f"{n} {m.round(1)}" for n, m in means.items())
print(values)
viz.show(fig, **caption("spread", values=values))

# %%
counted = torch.stack(list(where.values())).any(dim=0)
error_px = 128 * off.sqrt()[counted]
for i, quarter in enumerate(bits[counted].argsort().chunk(4)):
    print(f"quarter {i + 1} by entropy: {error_px[quarter].mean():.1f} px off")
sure = bits[where["seen"]].argsort().chunk(4)
seen_px = 128 * off.sqrt()[where["seen"]]
print("seen tips only:", [f"{seen_px[q].mean():.1f}" for q in sure])

# %% [markdown]
# So the breadth of a map is a warning: the broadest quarter is worst, also
# among the tips that are seen. As a number in pixels it fits behind the own
# hand, where few tips leave a wide interval; where an object hides the tip it is
# a little too large, and the intervals just touch. Where a tip is seen it is
# clearly too pessimistic, on these images: the maps were taught a Gaussian of
# about a cell's width, and cells are 8 pixels wide.
#
# **Would another temperature be better?** And would the largest cell?

# %%
scores = prediction.heatmaps.clamp_min(1e-12).log()
learned_t = model.heatmaps.temperature.detach()
print(f"learned: {learned_t.min():.2f} to {learned_t.max():.2f}")
as_is = 128 * (prediction.joints_img - true_uv).norm(dim=-1).mean(dim=1)
for times in (0.25, 0.5, 1, 2, 4, 8, 100):
    sharper = library.spatial_softmax(times * scores)
    error = 128 * (library.soft_argmax(sharper) - true_uv).norm(dim=-1)
    low, high = mean_interval(error.mean(dim=1) - as_is)
    print(f"× {times:<4} {error.mean():5.2f} px", end="  ")
    print(f"against × 1: [{low:+.2f}, {high:+.2f}]")

# %% [markdown]
# A doubling gains a little, and we found it on the very images that we test on:
# not worth a word in a paper. The largest cell (× 100) is worse than the mean,
# which can lie between cells.
#
# **How often do two peaks pull the mean between them?** We count maps whose
# cell under the mean has less than half of the largest cell's probability.

# %%
column, row = (16 * mean).long().clamp(0, 15).unbind(dim=-1)
under = p[which, torch.arange(5), row, column]
torn = (under < 0.5 * p.amax(dim=(2, 3))).float()
for name, here in where.items():
    print(f"{name:17} {interval(regions.mean_over(torn, here))}")

# %% [markdown]
# Few maps, and about twice as many where an object hides the tip as where it is
# seen, though the intervals touch. Behind the own hand, with a quarter of the
# images, no more are found. (A broad map may count without two clear peaks.)
#
# ### What does the head really read?
#
# In the released network the heatmaps reach the 3D hand through the encoder
# only. The course's network has one more way, an aid (`joints_to_head`): the
# head reads the 21 places and depths, too. Which way does the trained network
# use? We give one input of *another* image (the next one) and leave the rest.

# %%
maps21, y = caught["encoder"]
(whole_vector,) = caught["mano_head"]
encoding, uv, depths = whole_vector.split((192, 42, 21), dim=1)


def errors(maps21=maps21, y=y, uv=uv, depths=depths):
    with torch.no_grad():
        vector = torch.cat([model.encoder(maps21, y), uv, depths], dim=1)
        joints = hand(*model.mano_head(vector)).joints
    return 1000 * root_aligned_mpjpe(joints, batch.joints)


base = errors()
direct = 1000 * root_aligned_mpjpe(prediction.joints, batch.joints)
assert torch.allclose(base, direct, atol=0.05)

# %%
print(f"as it is: {base.mean():.1f} mm")
swaps = {"maps21": maps21, "y": y, "uv": uv, "depths": depths}
for name, value in swaps.items():
    more = errors(**{name: value.roll(1, dims=0)}) - base
    low, high = mean_interval(more)
    print(f"{name:7} of another image: {more.mean():+5.1f} mm", end=" ")
    print(f"[{low:+.1f}, {high:+.1f}]")
exact = errors(uv=4 * (true_uv - 0.5).flatten(1)) - base
low, high = mean_interval(exact)
print(f"with the true places: {exact.mean():+.1f} [{low:+.1f}, {high:+.1f}]")

# %% [markdown]
# The picture of the architecture says "heatmaps go into the encoder". In this
# trained network they hardly matter there: the places carry the work, then the
# features y. What the released weights would do, one must measure on them; a
# network without the aid has to use the encoder. Note the last line: even with
# the true places most of the error stays. It is depth, direction and shape.
#
# ## 10 The authors' checkpoint
#
# A researcher has downloaded the released checkpoint and calls
# `handlib.models.official.load_handoccnet(path)`. We may not ship that file.
# But we can make one with the same names and shapes: our random network of
# section 7, its tensors renamed to what the released code calls them.

# %%
state = paper_net.state_dict()
official = {renamed(key, HANDOCCNET): value for key, value in state.items()}
for key in list(state)[120::160]:
    print(f"{key:40} {renamed(key, HANDOCCNET)}")
assert len(official) == len(state)
folder = tempfile.TemporaryDirectory()
path = Path(folder.name) / "snapshot.pth.tar"
parallel = {f"module.{key}": value for key, value in official.items()}
torch.save({"epoch": 0, "network": parallel}, path)

# %% [markdown]
# (The prefix `module.` comes from training on several GPUs.) We load it, and
# it predicts what our network predicts:

# %%
loaded = load_released(path, hand)
with torch.no_grad():
    again = loaded(image)
for name in (*fields, "joints_img", "heatmaps"):
    ours, theirs = getattr(paper_says, name), getattr(again, name)
    assert torch.allclose(ours, theirs, atol=1e-5), name
assert not loaded.training
print("equal; the pose differs from rest by up to", end=" ")
print(f"{(paper_says.pose - torch.eye(3)).abs().max():.2f}")

# %% [markdown]
# That proves the names. That the *computation* is the released one is proved in
# the library's tests: with the same made-up weights, our tensors equal those
# that the authors' code wrote down, from the necessity map to the pose.
#
# A wrong file is refused with a list of all that does not fit:

# %%
broken = dict(official)
broken["FIT.conv3.bias"] = broken.pop("FIT.conv1.0.bias")
try:
    load_released(broken, hand)
except ValueError as error:
    print(error)

# %% [markdown]
# ### Reading a file safely
#
# A `.pth` file is a **pickle**, and a pickle is a small program: it may name
# any function of Python and call it while it is being read. This one calls
# `print`; it could as well delete your files. **Predict first:** which of the
# two readers runs it?

# %%
class Harmful:
    def __reduce__(self):
        return print, ("code inside the file ran",)


trap = Path(folder.name) / "trap.pth"
torch.save({"network": Harmful()}, trap)

# %% tags=["nbval-check-output"]
print("an ordinary reader:")
torch.load(trap, weights_only=False)
print("load_handoccnet:")
try:
    load_released(trap, hand)
except pickle.UnpicklingError as error:
    print("refused:", type(error).__name__)
folder.cleanup()

# %% [markdown]
# `load_handoccnet` reads with `torch.load(..., weights_only=True)`: a reader
# that knows tensors, numbers, strings, lists and dicts, and stops at the name
# of any other function. (Keep PyTorch up to date: before 2.6 this reader, too,
# could be tricked, CVE-2025-32434.) If a file of yours does not load that way,
# do not switch the protection off: ask its author for a *safetensors* file,
# which holds numbers and no program at all. The course's weights are such files.
#
# The checkpoint holds no hand. For meshes that match the paper's you need
# MANO's own file: `load_released(path, load_hand("MANO_RIGHT.pkl"))`. It is a
# pickle too, and `load_hand` reads it by an allow-list likewise.
#
# ## 11 Paper against code
#
# {{ paper_against_code }}
#
# Try it: in section 6, leave out `joints_to_head=False` and see which losses
# reach which parts then.
#
# ## 12 Quiz
#
# {{ quiz }}

# %% [markdown]
# With a kernel you can click your answers:

# %% tags=["quiz"]
quiz.show("09")

# %% [markdown]
# ## Summary
#
# - F_SET → hourglass → scores → softmax → heatmaps; their mean place is (u, v).
#   Two peaks have a mean between them; a flat map has it in the middle.
# - Encoder and head turn heatmaps and features into (θ, β), the hand layer into
#   a mesh. Six numbers a joint need a start away from zero.
# - Five mean squared errors; 10⁴ makes metres² count as cm². 2D losses never
#   reach encoder and head; soft-argmax asks for a mean, not for a map.
# - 39,319,352 parameters, three fifths of them ResNet-50.
# - Maps of hidden fingertips are broader, also within one image, and further
#   off; what a head reads must be measured as well.
# - Read checkpoints of others with `weights_only=True`.
# - Our half-hidden hand has become a mesh, 12 mm off. Its hidden little
#   fingertip has the broadest heatmap of the five tips, 5.3 bits, and is placed
#   20 pixels from where it is.
#
# ## 요약
#
# - F_SET은 hourglass와 softmax를 거쳐 heatmap이 되고, heatmap의 평균 위치가
#   (u, v)입니다. 봉우리가 둘이면 평균은 그 사이에 놓입니다.
# - Encoder와 MANO head가 (θ, β)를 추정하고, hand layer가 mesh를 만듭니다. 6D
#   출력은 0이 아닌 곳(rest pose)에서 시작하는 것이 안정적입니다.
# - Loss는 다섯 개의 MSE이며, weight 10⁴는 m²를 cm²로 바꾸는 역할을 합니다. 2D
#   loss는 encoder와 head에 전달되지 않고, soft-argmax는 평균 위치만 학습시킵니다.
# - Parameter는 39,319,352개이며 그중 약 5분의 3이 ResNet-50입니다.
# - 가려진 손끝의 heatmap은 같은 이미지 안에서 비교해도 더 넓으며, 오차도 더 큽니다.
#   Head가 무엇을 읽는지도 측정해야 알 수 있습니다.
# - 다른 사람의 checkpoint는 `weights_only=True`로 읽어야 안전합니다.
# - 절반이 가려진 우리 손은 mesh가 되었고 오차는 12 mm입니다. 가려진 소지 끝의 heatmap이
#   다섯 손끝 중 가장 넓으며(5.3 bit), 실제 위치에서 20 픽셀 떨어진 곳에 놓입니다.
#
# ## References
#
# - J. Park, Y. Oh, G. Moon, H. Choi, K. M. Lee. *HandOccNet:
#   Occlusion-Robust 3D Hand Mesh Estimation Network.* CVPR 2022. The regressor.
# - A. Newell, K. Yang, J. Deng. *Stacked Hourglass Networks for Human Pose
#   Estimation.* ECCV 2016.
# - X. Sun, B. Xiao, F. Wei, S. Liang, Y. Wei. *Integral Human Pose Regression.*
#   ECCV 2018. Soft-argmax for joints.
# - A. Nibali, Z. He, S. Morgan, L. Prendergast. *Numerical Coordinate Regression
#   with Convolutional Neural Networks.* 2018. What soft-argmax does not ask for.
# - Y. Zhou, C. Barnes, J. Lu, J. Yang, H. Li. *On the Continuity of Rotation
#   Representations in Neural Networks.* CVPR 2019. The 6D representation.
