# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
#   handlib:
#     number: "12"
#     title: Temporal transformer and one shape for all frames
#     title_ko: Temporal transformer와 모든 frame에 공통인 shape
#     summary: >-
#       Deformer lets the vectors of seven frames ask each other, so that a hidden hand can borrow
#       from moments when it was seen, and reads one shape for all of them with one learned query.
#     summary_ko: >-
#       Deformer는 일곱 frame의 vector가 서로 attention하게 하여, 가려진 손이 보이는 시점의 정보를
#       빌려 오게 합니다. 또한 학습된 query 하나로 모든 frame에 공통인 shape 하나를 읽어 냅니다.
#     objectives:
#       - prove that attention without positions cannot tell a film from the same film backwards
#       - write sine positions of time, and say what they do to a dot product
#       - build the temporal encoder and the shape decoder, equal to the library's
#       - measure whether hidden frames look at frames that show the hand, against a fair control
#       - tell a consistent shape from a right one, and a motion head from a motion
#     objectives_ko:
#       - Position이 없는 attention은 영상을 거꾸로 돌려도 구별하지 못함을 증명할 수 있습니다
#       - 시간의 sine position을 구현하고 내적에 주는 영향을 설명할 수 있습니다
#       - Temporal encoder와 shape decoder를 라이브러리와 같게 구현할 수 있습니다
#       - 가려진 frame이 손이 보이는 frame을 보는지 공정한 대조군과 비교하여 측정할 수 있습니다
#       - Shape의 일관성과 정확성을, 그리고 motion head와 실제 motion을 구별할 수 있습니다
#     prerequisites: softmax attention, the shape β; [06](06_softmax_or_sigmoid.ipynb), [11](11_from_image_to_video.ipynb)
#     minutes_to_do: 35
#     minutes: 2
#     memory_mb: 1400
#     data: 40 synthetic test clips of 32 frames, made on first use
#     seed: 12
# ---

# %% [markdown]
# {{ header }}

# %% tags=["setup"]
import math
from dataclasses import replace

import torch
from scipy.stats import spearmanr

from handlib import viz
from handlib.course import quiz
from handlib.course.captions import captions
from handlib.course.checks import nb12 as check
from handlib.data import SyntheticSequences, collate, windows
from handlib.data.camera import square_boxes
from handlib.evaluation.bootstrap import mean_interval
from handlib.evaluation.motion import bone_length_drift
from handlib.experiments.catalogue import first_look, illustration
from handlib.experiments.evidence import load_evidence, spread_table
from handlib.hands import load_hand
from handlib.hands.rotations import (
    axis_angle_to_rotmat,
    rot6d_to_rotmat,
    rotmat_to_axis_angle,
    rotmat_to_rot6d,
)
from handlib.hands.skeleton import BONES
from handlib.metrics import root_aligned_mpjpe
from handlib.models import record
from handlib.models.fusion import warp
from handlib.models.positions import sine_positions_1d
from handlib.models.roi_align import roi_align
from handlib.models.transformer import Encoder
from handlib.training import CachedFrames
from handlib.training.evaluate import predict_windows
from handlib.viz.frame_attention import FrameAttention
from handlib.weights import load_deformer, load_handoccnet

_ = torch.manual_seed(12)
torch.set_printoptions(precision=2, sci_mode=False)
caption = captions("12")
hand = load_hand()
model = load_deformer(hand).requires_grad_(False)

# %% [markdown]
# ## 1 One vector for each frame
#
# Deformer as a whole, with the notebooks that build its parts:
#
# ```text
# each frame   image ─ backbone ─ spatial transformer ─ F⁺, 21 joints  (11)
# T frames     F⁺ of all ─ temporal transformer ─ F⁺⁺ of each, one β   (12)
# each frame   F⁺⁺ and joints ─ motion head ─ θ, f, b, c               (12)
# T frames     θ, f, b, c of all ─ dynamic fusion ─ one pose           (13)
# the middle   one pose, one β ─ hand model ─ vertices, joints         (01)
# ```
#
# Notebook 11 ends with F⁺, one vector for each frame, which has seen that
# frame and nothing else. Here is clip 3 again, which we follow from notebook 11
# to 16, and in it the window of T = 7 frames around the one that is hidden most.

# %%
T, MIDDLE, FRAMES, CLIP = 7, 3, 32, 3
clips = SyntheticSequences("test", 40, frames=FRAMES)
around = windows(clips, T, gap=1)
seen = CachedFrames(model, around)  # F⁺ of every frame, computed once
batch = seen.batch(range(len(seen)))
hidden = batch.occlusion  # window frame: hidden share of the hand
of_clip = slice(CLIP * FRAMES, (CLIP + 1) * FRAMES)
most = CLIP * FRAMES + int(hidden[of_clip, MIDDLE].argmax())
x = batch.feature[most]  # F⁺ of this window
print(f"frame {most % FRAMES}, F⁺: {tuple(x.shape)}")

# %%
fig = viz.theme.figure(9.5, 2.7)
shown = around[most].samples
top = float(x.abs().max())
axes = fig.subplots(2, T, height_ratios=(1, 0.35))
for i, (picture, strip) in enumerate(axes.T):
    label = f"frame {around[most].frames[i] % FRAMES}"
    title = f"{label}\n{shown[i].occlusion:.0%} hidden"
    viz.maps.show_image(picture, shown[i].image, title)
    strip.imshow(x[i].view(4, 12), vmin=-top, vmax=top)
    strip.set_axis_off()
shares = ", ".join(f"{s.occlusion:.0%}" for s in shown)
viz.show(fig, **caption("window", shares=shares), dpi=90, colours=256)

# %% [markdown]
# The pose of a frame that shows next to nothing must come from the others. The
# **temporal transformer** (Deformer, section 3.2) lets them ask each other:
#
# $$ \{F^{+}_t\}_{t=1}^{T} \;\rightarrow\; \{F^{++}_t\}_{t=1}^{T} $$
#
# by self-attention, in which any frame reaches any other in one step, however
# far away in time. A recurrent network would hand things on frame by frame.
#
# ## 2 Attention does not know what comes first
#
# Four frames of four numbers: the hand opens, frame by frame. For now query,
# key and value are the vectors themselves.

# %% tags=["nbval-check-output"]
film = torch.tensor(
    [[2.0, 0, 0, 0], [1.0, 1, 0, 0], [0.0, 1, 1, 0], [0.0, 0, 1, 2]]
)


def read(tokens):
    weights = (tokens @ tokens.T / math.sqrt(4)).softmax(dim=1)
    return weights @ tokens


read(film)

# %% [markdown]
# **Predict first.** Run the film backwards: now the hand closes. What comes
# out?

# %% tags=["nbval-check-output"]
print(read(film.flip(0)))
assert torch.allclose(read(film.flip(0)), read(film).flip(0))

# %% [markdown]
# The same rows, in reversed order: every frame reads exactly what it read
# before. It is so for any order. Let P be the matrix that permutes the rows,
# P Pᵀ = 1. Then
#
# $$ (Pq)(Pk)^T = P\,(qk^T)\,P^T, \qquad
#    \mathrm{softmax}(P S P^T) = P\,\mathrm{softmax}(S)\,P^T, $$
#
# since a softmax treats each row by itself and does not care where in the row
# a number stands, and so
#
# $$ P\,\mathrm{softmax}(S)\,P^T\,(P v) = P\,\mathrm{softmax}(S)\,v. $$
#
# What each frame does by itself (norms, feed-forward) permutes along. So a
# transformer without positions cannot tell opening from closing.

# %%
for _ in range(20):
    P = torch.eye(4)[torch.randperm(4)]
    assert torch.allclose(read(P @ film), P @ read(film), atol=1e-6)

# %% [markdown]
# ## 3 Positions of time
#
# The cure: add to each frame's vector a code of *when* it was. Deformer's are
# sines, as in *Attention Is All You Need*, in DETR's form. Time t = 1 … T is
# scaled to a place in 0 … 2π, and each pair of channels turns at a speed of
# its own, i = 0 … C/2 − 1:
#
# $$ a_{t,i} = \frac{2\pi\,t/T}{10000^{2i/C}}, \qquad
#    p_{t,2i} = \sin a_{t,i}, \quad p_{t,2i+1} = \cos a_{t,i} $$
#
# ### Exercise 12.1
#
# Write the codes. Nothing in them is learned.

# %% tags=["exercise"]
def sine_positions(frames, channels):
    """Codes (T, C) of the times 1 … T; C is even."""
    ...


# %% tags=["check"]
check.sine_positions(sine_positions)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# First the angles, (T, C/2): a column of places divided by a row of powers.
# </details>
# <details><summary>Hint 2</summary>
#
# `torch.stack([angle.sin(), angle.cos()], dim=-1)` puts each sine beside its
# cosine; `flatten(1)` makes them neighbours.
# </details>
#
# **Solution**, folded: click the three dots to open it.

# %% tags=["solution"] jupyter={"source_hidden": true}
def sine_positions_solution(frames, channels):
    place = torch.arange(1, frames + 1) / frames * 2 * math.pi
    pair = torch.arange(channels // 2)
    angle = place[:, None] / 10_000 ** (2 * pair / channels)
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)


check.sine_positions(sine_positions_solution)

# %% [markdown]
# What does such a code do to the dot product of a query and a key? By
# cos a cos b + sin a sin b = cos(a − b), with ω_i = 2π / (T · 10000^{2i/C}),
#
# $$ p_s \cdot p_t = \sum_i \cos\big(\omega_i (s - t)\big), $$
#
# which depends on the distance in time alone.
#
# **Predict first.** The trained network has C = 48. How large is p_t · p_t?
# And is p_1 · p_7 far smaller?

# %% tags=["nbval-check-output"]
positions = sine_positions_1d(T, 48)  # the library's
speed = 2 * math.pi / T / 10_000 ** (torch.arange(24) / 24)
distance = torch.arange(T)
closed_form = (distance[:, None] * speed).cos().sum(dim=1)
assert torch.allclose((positions @ positions.T)[0], closed_form, atol=1e-3)
print("p_1 · p_t:", closed_form)
moving = positions.std(dim=0) > 0.1
print(f"channels that change by more than 0.1: {int(moving.sum())} of 48")

# %%
fig = viz.theme.figure(9, 2.6)
left, right = fig.subplots(1, 2, width_ratios=(2, 1))
left.imshow(positions, aspect="auto")
left.set_yticks(range(T), range(1, T + 1))
left.set(xlabel="channel", ylabel="time t")
for pair in (0, 2, 4):
    one = 24 * (distance * speed[pair]).cos()
    right.plot(distance, one, ":", color=viz.theme.MUTED)
right.plot(distance, closed_form, "o-", linewidth=2)
right.set(xlabel="distance |s − t|", ylabel="p_s · p_t", ylim=(-26, 26))
viz.show(fig, **caption("positions"), dpi=95)

# %% [markdown]
# The dot product falls with the distance, smoothly, and not by much: most
# pairs turn so slowly that within seven frames they hardly move. The fastest
# pair comes full circle over the window, so at the far end it rises again.
#
# The network need not take this dot product as it is: W_q and W_k weigh the
# channels. And one step in time is the *same* rotation of every pair, wherever
# it starts, so a learned matrix can ask for "one frame later":

# %%
def shift(steps, channels=48):
    """The rotation (C, C) with shift(n) @ p_t = p_{t+n}."""
    a = steps * speed
    turn = torch.stack([a.cos(), a.sin(), -a.sin(), a.cos()], dim=-1)
    return torch.block_diag(*turn.view(-1, 2, 2))


for n in (1, 3):
    later = positions[:-n] @ shift(n).T
    assert torch.allclose(later, positions[n:], atol=1e-4)

# %% [markdown]
# ## 4 The temporal encoder
#
# Positions join queries and keys, where they decide *who* is asked. They do
# not join the values: what is handed on is about the hand, not the clock.
#
# $$ q = (x + p)W_q^T, \quad k = (x + p)W_k^T, \quad v = x W_v^T, \qquad
#    \mathrm{softmax}\left(\frac{q k^T}{\sqrt{C}}\right) v $$
#
# ### Exercise 12.2
#
# Write this attention, for one head.

# %% tags=["exercise"]
def attend(x, positions, w_q, w_k, w_v):
    """Vectors and positions (T, C), matrices (C, C) to (T, C)."""
    ...


# %% tags=["check"]
check.attend(attend)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `x + positions` is needed twice, `x` alone once.
# </details>
# <details><summary>Hint 2</summary>
#
# As C_soft in notebook 06: the scores (T, T) are a softmax along dim=1, and
# their product with the values has shape (T, C).
# </details>

# %% tags=["solution"] jupyter={"source_hidden": true}
def attend_solution(x, positions, w_q, w_k, w_v):
    placed = x + positions
    q, k, v = placed @ w_q.T, placed @ w_k.T, x @ w_v.T
    return (q @ k.T / math.sqrt(x.shape[1])).softmax(dim=1) @ v


check.attend(attend_solution)

# %% [markdown]
# The network does that in A heads, each with C/A of the channels, and mixes
# them afterwards. Here it is with the matrices of the library's layer.

# %%
def attention(part, query, key, value):
    """What (N, C) queries read of (M, C) keys, and the weights (A, N, M)."""
    matrices = part.in_proj_weight.chunk(3)
    offsets = part.in_proj_bias.chunk(3)
    tokens = (query, key, value)
    q, k, v = (
        (x @ w.T + b).unflatten(1, (part.num_heads, -1)).transpose(0, 1)
        for x, w, b in zip(tokens, matrices, offsets, strict=True)
    )  # heads, tokens, channels of a head
    weights = (q @ k.mT / math.sqrt(q.shape[-1])).softmax(dim=-1)
    return part.out_proj((weights @ v).transpose(0, 1).flatten(1)), weights

# %% [markdown]
# Around it stands a layer as in DETR: add what was read to the vector, take
# the norm; let each frame think for itself, add, take the norm.

# %%
def norm(x, layer):
    x = x - x.mean(dim=1, keepdim=True)
    spread = (x.square().mean(dim=1, keepdim=True) + layer.eps).sqrt()
    return x / spread * layer.weight + layer.bias


def think(x, layer):
    return layer.narrow(layer.widen(x).relu())


# %%
def encode(blocks, x, positions):
    """F⁺ (T, C) to F⁺⁺ (T, C), and the last layer's weights."""
    for block in blocks:
        placed = x + positions
        found, weights = attention(block.attention, placed, placed, x)
        x = norm(x + found, block.norm1)
        x = norm(x + think(x, block.feed_forward), block.norm2)
    return x, weights

# %% [markdown]
# It equals the library's, with random weights and two layers, and in the
# trained network:

# %%
toy = Encoder(2, channels=8, heads=2, hidden=16, dropout=0.0)
tokens, code = torch.randn(5, 8), sine_positions_1d(5, 8)
with torch.no_grad():
    ours, theirs = encode(toy.blocks, tokens, code)[0], toy(tokens[None], code)
assert torch.allclose(ours, theirs[0], atol=1e-5)

with record(model) as maps:
    said = predict_windows(model, batch)
blocks = model.temporal.encoder.blocks
memory, weights = encode(blocks, x, positions)
last = len(blocks) - 1
theirs = maps[f"temporal.{last}.attention"][most]
assert torch.allclose(memory, maps["temporal.memory"][most], atol=1e-4)
assert torch.allclose(weights, theirs, atol=1e-4)
print(f"{len(blocks)} layer, {len(weights)} heads, F⁺⁺ {tuple(memory.shape)}")

# %% [markdown]
# **Predict first.** We take the positions out of the *trained* encoder and run
# the window backwards. And then with its positions. What changes?

# %%
nothing = torch.zeros_like(positions)
for name, code in {"without": nothing, "with": positions}.items():
    forth, back = (encode(blocks, f, code)[0] for f in (x, x.flip(0)))
    change = (back.flip(0) - forth).norm(dim=1) / forth.norm(dim=1)
    print(f"{name:7} positions: F⁺⁺ changes by {change.mean():.1%}")

# %% [markdown]
# ## 5 Who looks at whom
#
# The attention of the trained network along our clip: a row for each frame
# that asks, a column for each frame that is asked.
#
# **Predict first.** Where will the hidden frame in the middle look: at itself,
# at its neighbours, or at the frames that show the hand? And will all heads do
# the same?

# %%
attended = maps["temporal.0.attention"]  # window head query key
images = torch.stack([clips[i].image for i in range(len(clips))[of_clip]])
explorer = FrameAttention(
    images,
    hidden[of_clip, MIDDLE],
    seen.rows[of_clip] - CLIP * FRAMES,
    attended[of_clip],
    frame=most - CLIP * FRAMES,
)
explorer.widget()

# %% [markdown]
# The same as still pictures, for two of the heads:

# %%
explorer.illustration()

# %%
explorer.head = 3
explorer.illustration()

# %% [markdown]
# One window is an anecdote. Over all windows that lie wholly within their
# clips, the row of the middle frame in each head, its mean and how much it
# varies from window to window:

# %%
whole = (seen.rows.diff(dim=1) == 1).all(dim=1)  # no frame repeated
clip = torch.arange(len(seen)) // FRAMES
rows = attended[whole][:, :, MIDDLE]
print(f"{int(whole.sum())} windows; equal weights would be {1 / T:.2f}")
for head, row in enumerate(rows.unbind(dim=1)):
    print(f"head {head}: mean {row.mean(0)}")
    print(f"  over windows, std {row.std(0)}")

# %% [markdown]
# A mean row that is not flat is a liking for places: for itself, the neighbours,
# the ends. A large std means that the content of the frames decides as well.
# But content can mean anything. So:
#
# ## 6 Does a hidden frame look at frames that see?
#
# For one window we compare two rows of seven numbers: the weights that the
# middle frame gives, and how much of the hand each frame shows. We do not
# expect a straight line, so we compare *ranks*: Spearman's ρ is 1 if the two
# rows have the same order, −1 if opposite, 0 if unrelated.
#
# ### Exercise 12.3
#
# Write it. Equal values share their mean rank: often several frames show the
# whole hand.

# %% tags=["exercise"]
def rank_correlation(a, b):
    """Two rows of numbers (T,) to Spearman's ρ, a scalar."""
    ...


# %% tags=["check"]
check.rank_correlation(rank_correlation)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Count, for each number, how many of the others are smaller and how many are
# larger. The difference of the counts is a rank, ties included, whose mean is
# zero already.
# </details>
# <details><summary>Hint 2</summary>
#
# `(a[:, None] - a).sign().sum(dim=1)` counts. ρ is the cosine of the angle
# between the two rows of such ranks.
# </details>

# %% tags=["solution"] jupyter={"source_hidden": true}
def rank_correlation_solution(a, b):
    r, s = ((x[:, None] - x).sign().sum(dim=1) for x in (a, b))
    return (r * s).sum() / (r.norm() * s.norm())


check.rank_correlation(rank_correlation_solution)

# %% [markdown]
# For all windows at once, and the same as SciPy's. A window whose frames are
# all hidden alike has no order: its ρ is NaN, and is left out.

# %%
def ranked(x):
    """(..., T) to ranks of length 1, mean 0."""
    ranks = (x[..., :, None] - x[..., None, :]).sign().sum(dim=-1)
    return ranks / ranks.norm(dim=-1, keepdim=True)


def rho(a, b):
    return (ranked(a) * ranked(b)).sum(dim=-1)


shows = 1 - hidden
looks = attended[:, :, MIDDLE].mean(dim=1)  # over heads: window key
right = spearmanr(looks[most], shows[most]).statistic
assert abs(rho(looks, shows)[most] - right) < 1e-5

# %% [markdown]
# A trap: a frame that is hidden has hidden neighbours. A head that just looks
# far away would then look at visible frames without looking for them. So there
# is a **control**: the mean row of all windows, the same for each, which knows
# places in the window and nothing of what is hidden. Only what lies above it
# is looked for.
#
# **Predict first.** Is ρ larger when the middle frame itself is mostly hidden
# (more than half) than when it is mostly visible (less than a quarter hidden)?

# %%
pattern = looks[whole].mean(dim=0).expand_as(looks)
own = hidden[:, MIDDLE]
groups = {
    "of any kind": whole,
    "mostly hidden": whole & (own > 0.5),
    "mostly visible": whole & (own < 0.25),
}
for name, kept in groups.items():
    learned, control = (rho(a, shows)[kept] for a in (looks, pattern))
    ends = mean_interval(learned - control, groups=clip[kept].tolist())
    print(f"middle frame {name}: {int(kept.sum())} windows")
    print(f"  ρ {learned.nanmean():+.2f}, control {control.nanmean():+.2f},")
    print(f"  difference, 95 %: [{ends[0]:+.2f}, {ends[1]:+.2f}]")

# %% [markdown]
# The interval comes from drawing clips, since windows of one clip share their
# frames. If it lies above 0, frames do look at frames that show the hand, by
# what is in them. A control near 0 need not mean that places do not matter:
# likings of single heads may cancel in their mean. So, head by head, where the
# middle frame is hidden:

# %%
kept = groups["mostly hidden"]
for head in range(attended.shape[1]):
    row = attended[:, head, MIDDLE]
    control = row[whole].mean(dim=0).expand_as(row)
    found, by_place = (rho(a, shows)[kept].nanmean() for a in (row, control))
    print(f"head {head}: ρ {found:+.2f}, control {by_place:+.2f}")
told = ((looks - 1 / T) * shows)[kept].sum(dim=1).mean()
equal = shows[kept].mean()
print(f"equal weights see {equal:.0%} of the hand, learned {told + equal:.0%}")

# %%
edges = torch.tensor([0, 0.05, 0.25, 0.5, 0.75, 1.01])
labels = ["0–5%", "5–25%", "25–50%", "50–75%", "75–100%"]
bins = torch.bucketize(hidden, edges, right=True) - 1
means, ends = {}, {}
for name in list(groups)[1:]:
    found = []
    for i in range(5):
        here = groups[name][:, None] & (bins == i)
        at = clip[:, None].expand_as(here)[here].tolist()
        found.append((looks[here].mean(), *mean_interval(looks[here], at)))
    table = torch.tensor(found).numpy()
    means[f"middle frame {name}"] = table[:, 0]
    ends[f"middle frame {name}"] = table[:, 1:]

# %%
fig = viz.theme.figure(8, 3)
ax = fig.subplots()
viz.curves.grouped_bars(ax, labels, means, ends)
ax.axhline(1 / T, color=viz.theme.INK, linewidth=0.8, linestyle="dashed")
ax.set(xlabel="hidden share of the frame looked at", ylabel="mean weight")
values = "; ".join(f"{n} {v.round(2)}" for n, v in means.items())
viz.show(fig, **caption("weights", values=values), dpi=95)

# %% [markdown]
# ### Does it help?
#
# Looking is not using. We show the trained encoder seven *copies* of the
# middle frame: the positions stay, all else that it could look at is gone. The
# error is that of the middle frame's own pose, before any fusion. (Nothing it
# was trained on is so still; read the gain as this network's, not as that of
# windows in general.)

# %%
def with_feature(feature):
    """The same windows with another F⁺."""
    return predict_windows(model, replace(batch, feature=feature))


# %%
middle = batch.feature[:, MIDDLE : MIDDLE + 1]
alone = with_feature(middle.expand_as(batch.feature))
errors = [
    1000 * root_aligned_mpjpe(p.joints[:, MIDDLE], batch.joints[:, MIDDLE])
    for p in (said, alone)
]
for name, kept in {"all": own >= 0, "hidden": own > 0.5}.items():
    window, copies = (e[kept] for e in errors)
    low, high = mean_interval(copies - window, clip[kept].tolist())
    print(f"{name:6}: window {window.mean():.1f} mm,", end=" ")
    print(f"copies {copies.mean():.1f} mm, gain [{low:.1f}, {high:.1f}]")

# %% [markdown]
# The authors give a reason for what comes in notebook 13: F⁺⁺ alone depends
# strongly on the current frame. Does it? We swap either the middle frame or
# all six others for those of another clip, and look how far each joint's
# rotation turns. A single frame against six: who decides more?

# %%
def degrees(a, b):
    return rotmat_to_axis_angle(a.mT @ b).norm(dim=-1).rad2deg()


other = batch.feature.roll(FRAMES, dims=0)  # the same place, a clip before
at_middle = torch.arange(T)[:, None] == MIDDLE
swaps = {"the middle frame": at_middle, "the six others": ~at_middle}
for name, chosen in swaps.items():
    swapped = with_feature(torch.where(chosen, other, batch.feature))
    turned = degrees(swapped.pose[:, MIDDLE], said.pose[:, MIDDLE])
    print(f"swapping {name:16} turns a joint by {turned.mean():.1f}°")

# %% [markdown]
# If the middle frame turns the joints further than the six others together do,
# the authors are right about this network, too: it reads the others, and still
# says mostly what its own frame says.
#
# ## 7 One query for the shape
#
# A hand does not change its bones from frame to frame. Poses made frame by
# frame, each with a shape of its own, do not keep to that. So Deformer reads
# **one β for the whole window**, by a decoder with one learned query, the
# *global hand shape query*. The decoder's target starts at zero, and the query
# is added to it as its position:

# %%
def decode(layer, query, memory, positions):
    """One query (1, C) to what it has read (1, C), and its weights."""
    target = torch.zeros_like(query)
    placed = target + query
    found, _ = attention(layer.self_attention, placed, placed, target)
    x = norm(target + found, layer.norm1)
    keys = memory + positions
    found, weights = attention(layer.attention, x + query, keys, memory)
    x = norm(x + found, layer.norm2)
    return norm(x + think(x, layer.feed_forward), layer.norm3), weights

# %%
decoder = model.temporal.decoder
(layer,) = decoder.blocks  # a second one would start from its result
vector, where = decode(layer, decoder.query, memory, positions)
vector = norm(vector, decoder.norm)
linear = model.motion_head.shape
betas = vector @ linear.weight.T + linear.bias
theirs = maps["temporal.decoder.0.attention"][most]
assert torch.allclose(where, theirs, atol=1e-4)
assert torch.allclose(vector[0], maps["temporal.shape"][most], atol=1e-4)
assert torch.allclose(betas[0], said.betas[most], atol=1e-4)
print("ours and the library's agree; β of the window:", betas[0])

# %% [markdown]
# **Predict first.** The query first asks itself, by self-attention over one
# token. What does it learn from that?

# %%
found = [
    attention(layer.self_attention, query, query, torch.zeros(1, 48))[0]
    for query in (decoder.query, torch.randn(1, 48))
]
assert torch.allclose(*found, atol=1e-6)

# %% [markdown]
# Nothing: a softmax over one score is 1, the value is that of a zero target,
# and so any query gets the same constant. The first self-attention of a
# decoder with one query is a learned offset, no more.
#
# The query is the same in all windows, so its attention is a learned way of
# pooling the frames. Does *it* look at frames that show the hand? With the
# control of section 6:

# %%
pooled = maps["temporal.decoder.0.attention"][:, :, 0].mean(dim=1)
control = pooled[whole].mean(dim=0).expand_as(pooled)
learned, by_place = (rho(a, shows)[whole] for a in (pooled, control))
low, high = mean_interval(learned - by_place, clip[whole].tolist())
print(f"mean weights {pooled[whole].mean(dim=0)}")
print(f"ρ {learned.nanmean():+.2f}, control {by_place.nanmean():+.2f},")
print(f"difference, 95 %: [{low:+.2f}, {high:+.2f}]")

# %% [markdown]
# If that interval holds 0, it is not shown that this query looks for visible
# hands: what it prefers, it may prefer by place alone. A method for making one
# shape of seven frames need not weigh them by what they show.
#
# ## 8 Bones that change
#
# How much do the bones of a hand change over the frames? The **bone-length
# drift** is the standard deviation of each bone's length over time, averaged
# over the bones.
#
# ### Exercise 12.4
#
# Write it. Divide by T, so that a single frame has a drift of 0.

# %% tags=["exercise"]
def bone_drift(joints, bones):
    """Joints (T, J, 3) and bones (K, 2), pairs of joints, to a scalar."""
    ...


# %% tags=["check"]
check.bone_drift(bone_drift)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# A bone is the difference of two joints; `joints[:, bones[:, 0]]` are the first
# ends of all bones, (T, K, 3).
# </details>
# <details><summary>Hint 2</summary>
#
# `norm(dim=-1)` gives lengths (T, K), and `std(dim=0, correction=0)` divides
# by T.
# </details>

# %% tags=["solution"] jupyter={"source_hidden": true}
def bone_drift_solution(joints, bones):
    apart = joints[:, bones[:, 1]] - joints[:, bones[:, 0]]
    return apart.norm(dim=-1).std(dim=0, correction=0).mean()


check.bone_drift(bone_drift_solution)

# %% [markdown]
# Now the HandOccNet of notebook 10 on the same clips, frame by frame, each cut
# out around the hand: it says a β for every frame. To compare shapes and not
# poses, we put all hands in the rest pose.

# %%
single = load_handoccnet(hand).requires_grad_(False)


def shapes(frames):
    """HandOccNet's β (N, 10) of single frames."""
    images = collate([clips[i] for i in frames])
    boxes = square_boxes(images.joints_px)
    return single(roi_align(images.image, boxes, 128, 1)).betas


by_frame = torch.stack([shapes(frames) for frames in clips.sequences])

# %%
def resting(betas):
    """Joints (..., 21, 3) of the shapes (..., 10) in the rest pose."""
    flat = betas.flatten(0, -2)
    rest = torch.eye(3).expand(len(flat), 16, 3, 3)
    return hand(rest, flat).joints.unflatten(0, betas.shape[:-1])


in_windows = by_frame.flatten(0, 1)[seen.rows]  # window frame β
one = said.betas[:, None].expand_as(in_windows)
for name, found in {"HandOccNet": in_windows, "Deformer": one}.items():
    changes = 1000 * bone_length_drift(resting(found)).mean()
    print(f"within a window, {name}: {changes:.2f} mm")

# %% [markdown]
# One shape for all frames cannot drift: zero, by construction. So far, so good.
#
# **Predict first.** In use, a window slides along the clip, and each frame is
# taken from the window around *it*. How much does Deformer's shape drift along
# a whole clip?

# %%
answers = {
    "HandOccNet, each frame": by_frame,
    "HandOccNet, mean of 7": in_windows.mean(1).view_as(by_frame),
    "Deformer, sliding": said.betas.view_as(by_frame),
    "mean hand, β = 0": torch.zeros_like(by_frame),
}
truth = batch.betas[:, MIDDLE].view_as(by_frame)
lengths = {}
pairs = torch.tensor(BONES)
for name, betas in (answers | {"truth": truth}).items():
    ends = resting(betas)[:, :, pairs]  # clip frame bone end xyz
    lengths[name] = 1000 * (ends[..., 0, :] - ends[..., 1, :]).norm(dim=-1)

# %%
print(f"{'':23} drift [95 %]       bones off by [95 %]  mm")
for name, betas in answers.items():
    changes = 1000 * bone_length_drift(resting(betas))
    off = (lengths[name] - lengths["truth"]).abs().mean(dim=(1, 2))
    line = f"{name:23}"
    for values in (changes, off):
        low, high = mean_interval(values)
        line += f" {values.mean():.2f} [{low:.2f}, {high:.2f}] "
    print(line)

# %%
fig = viz.theme.figure(9, 3)
ax = fig.subplots()
size = {name: found[CLIP].sum(dim=-1) for name, found in lengths.items()}
for name, style in zip(size, ("-", ":", "-", "--", "-"), strict=True):
    colour = viz.theme.INK if name == "truth" else None
    ax.plot(size[name], style, label=name, linewidth=2, color=colour)
ax.set(xlabel="frame", ylabel="sum of bone lengths (mm)")
ax.legend(fontsize=8, loc="center left", bbox_to_anchor=(1.08, 0.5))
behind = ax.twinx()
share = hidden[of_clip, MIDDLE]
behind.fill_between(range(FRAMES), share, alpha=0.2, color=viz.theme.MUTED)
behind.set(ylabel="hidden share (grey)", ylim=(0, 1))
values = "; ".join(f"{n} {v.mean():.0f} mm" for n, v in size.items())
viz.show(fig, **caption("sizes", values=values), dpi=90)

# %% [markdown]
# Three things to read off, whatever the numbers are:
#
# - *Consistent* is not *right*. The mean hand has no drift at all, and if its
#   bones are less wrong than those of a network, then the network has not
#   learned to see whose hand it is.
# - One β for a window is not one β for a clip. If Deformer drifts along the
#   clip as much as HandOccNet or more, then neighbouring windows disagree. The
#   released code does the same: one window for each frame.
# - A plain mean over the window of single-frame shapes is a rival that needs
#   no query.
#
# Are predicted hands too small, and where?

# %%
for name in ("HandOccNet, each frame", "Deformer, sliding"):
    ratio = lengths[name].sum(dim=-1) / lengths["truth"].sum(dim=-1)
    ratio, line = ratio.flatten(), ""
    for low, high in ((0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1.01)):
        line += f" {ratio[(own >= low) & (own < high)].mean():.2f}"
    print(f"{name:23} of the true size, by hidden share:{line}")

# %% [markdown]
# A reason to expect values below 1: the losses on joints and vertices weigh far
# more than the one on β. A network that is unsure of a bone's *direction* makes
# the smallest squared error with a bone that is too short. Take a finger of
# 80 mm, and directions that spread by σ about each axis:

# %% tags=["nbval-check-output"]
for sigma in (0, 10, 20, 30):
    turns = torch.randn(20_000, 3) * math.radians(sigma)
    tips = axis_angle_to_rotmat(turns) @ torch.tensor([80.0, 0.0, 0.0])
    print(f"σ = {sigma:2}°: best guess is {tips.mean(0).norm():.0f} mm long")

# %% [markdown]
# So a shape that must serve the joints may well be a hedge. We have shown that
# it is possible, not that it is what happened here.
#
# ## 9 What goes on
#
# From F⁺⁺ and the frame's 21 image joints a small network makes what notebook
# [13](13_dynamic_fusion.ipynb) needs of each frame: a pose θ, a forward and a
# backward motion f and b, and a confidence c.

# %%
head = model.motion_head
joints = batch.joints_img[most].flatten(1)  # 42 numbers a frame
h = torch.cat([memory, joints], dim=1)
for linear in (head.hidden1, head.hidden2):
    h = linear(h)
    h = torch.where(h > 0, h, 0.01 * h)  # leaky ReLU
parts = {
    "pose": (head.pose, said.pose6d),
    "forward": (head.forward_motion, said.forward_motion),
    "backward": (head.backward_motion, said.backward_motion),
}
for name, (linear, theirs) in parts.items():
    ours = linear(h).unflatten(1, (16, 6))
    assert torch.allclose(ours, theirs[most], atol=1e-3)
    print(f"{name:9} {tuple(ours.shape)}")

# %% [markdown]
# All three are 6D vectors: two columns, which Gram-Schmidt turns into a
# rotation. It ignores their lengths, so nothing in the loss fixes them:

# %%
six, onwards, back = (theirs for _, theirs in parts.values())
columns = six.unflatten(-1, (2, 3)).norm(dim=-1)
print(f"length of a column: median {columns.median():.1f}, true ones 1")
print(f"length of f over that of θ: {onwards.norm() / six.norm():.2f}")
likeness = torch.cosine_similarity(onwards, back, dim=-1).mean()
print(f"cosine between f and b of one frame: {likeness:+.2f}")

# %% [markdown]
# Lengths matter all the same, once vectors are *averaged*: of two guesses, the
# one that is twice as long counts twice. Each motion added on the way to the
# middle frame changes the length, and so the weight, beside the confidence:

# %%
guesses = warp(six, onwards, back)[:, :, MIDDLE]  # window from joint 6D
length = guesses[whole].norm(dim=-1).mean(dim=(0, 2))
print("weight by length, frames 0 to 6:", length / length.sum())

# %% [markdown]
# If the hand moves on steadily, f and b point in *opposite* directions. A
# cosine near +1 would mean that both do the same thing, whatever it is. So is
# a "motion" of this network a motion? We compare, as rotations, the step that
# it takes from its own pose with the true step to the next frame.
#
# **Predict first.** A motion head that has learned motion correlates with the
# true step by how much? And the step back from the next frame with the step
# there?

# %%
def step(start, end):
    return (rotmat_to_rot6d(end) - rotmat_to_rot6d(start)).flatten()


now, ahead = slice(0, -1), slice(1, None)
real, posed = axis_angle_to_rotmat(batch.pose)[whole], said.pose[whole]
there = rot6d_to_rotmat(six + onwards)[whole]  # each frame's next
before = rot6d_to_rotmat(six + back)[whole]
true = step(real[:, now], real[:, ahead])
forth = step(posed[:, now], there[:, now])
again = step(posed[:, ahead], before[:, ahead])
differ = step(posed[:, now], posed[:, ahead])

# %%
for name, found, ideal in (
    ("forward step, true step", (forth, true), "+1"),
    ("forward step, step back", (forth, again), "−1"),
    ("change of θ, true step", (differ, true), "+1"),
):
    value = torch.corrcoef(torch.stack(found))[0, 1]
    print(f"{name:24} correlation {value:+.2f}, ideal {ideal}")

# %%
fingers = slice(1, 16)
for name, guess in {"its own θ": posed, "θ + f": there}.items():
    off = degrees(guess[:, now, fingers], real[:, ahead, fingers]).mean()
    print(f"{name:9} as the next frame's fingers: {off:.1f}° off")
size = degrees(real[:, now, fingers], real[:, ahead, fingers]).mean()
print(f"true step from frame to frame: {size:.1f}°")

# %% [markdown]
# **What we may conclude.** Read the three correlations first. If the forward
# step has nothing to do with the true one, then f is no motion, even where
# θ + f is nearer to the next frame than θ: it may simply be a better θ, a
# second answer of the same frame. Errors of a pose are here much larger than
# the step from one frame to the next, and a loss on the *warped pose* rewards
# what lowers the larger of the two. A frame rate at which hands move further
# from frame to frame (the paper takes every tenth) would change that balance.
# Keep it in mind when notebook 13 adds motions up.
#
# ### Measured over seeds
#
# Does one shape for the window help beyond constant bones? `handlib experiment
# one_shape` trains networks with one query for the shape of a window, with a
# shape for every frame, and on single frames, from three seeds.
#
# **Predict first.** Which of these differ: the drift of the bones, the error of
# their length, the error of the joints?

# %% tags=["nbval-check-output"]
evidence = load_evidence("one_shape")
columns = {
    "drift in a window": "window_drift",
    "along a clip": "clip_drift",
    "bone error": "bone_error",
    "joints": "root_aligned",
}
print("mean over three seeds (smallest to largest)")
print(spread_table(evidence, columns, digits=2))

# %%
illustration("one_shape", evidence)

# %% [markdown]
# All numbers are millimetres. With one shape the bones stand still within a
# window, as they must; with a shape for every frame they drift by 0.4 mm, and
# single frames by 0.5 mm. The true hands drift by 0.01 mm, which is skin at the
# fingertips. But the *length* of the bones is wrong by 3.7 mm in either case, and
# the joints are as far off. So one shape keeps what it promises, a hand that does
# not change, and at this scale it does not make the hand truer: how long a bone
# is remains as hard to see in seven frames as in one.
#
# Along a clip, where every window says its own shape, bones drift by nearly a
# millimetre with either. To keep a hand for a whole clip takes more than the
# paper's window.

# %%
TRY = False  # True: a small run of one seed, about two minutes
first_look("one_shape") if TRY else None

# %% [markdown]
# ## 10 Paper against code
#
# {{ paper_against_code }}
#
# Try it: `DeformerConfig(temporal="none")` sends F⁺ on in the place of F⁺⁺.
#
# ## 11 Quiz
#
# {{ quiz }}

# %% [markdown]
# With a kernel you can click your answers:

# %% tags=["quiz"]
quiz.show("12")

# %% [markdown]
# ## Summary
#
# - Attention permutes along with its frames: without positions, opening and
#   closing look the same.
# - Sine positions make dot products depend on the distance in time; a step in
#   time is a rotation. They join queries and keys, not values.
# - A claim like "hidden frames look at frames that see" needs a control that
#   knows the places alone, and an interval over clips.
# - One query reads one β for a window: no drift within it, by construction.
#   Along a clip the windows may disagree, and a consistent shape may be wrong.
# - The head's f and b are called motions; whether they are must be measured.
# - The hidden frame of clip 3 is now F⁺⁺: its own vector, and what it has read
#   from the six others of its window. One β stands for all seven.
#
# ## 요약
#
# - Attention의 출력은 frame의 순서를 따라 그대로 바뀝니다. Position이 없으면 손을
#   펴는 영상과 쥐는 영상을 구별하지 못합니다.
# - Sine position을 더하면 내적이 시간 간격에 따라 달라지고, 시간의 한 걸음은 회전이
#   됩니다. Position은 query와 key에만 더하고 value에는 더하지 않습니다.
# - "가려진 frame은 보이는 frame을 본다"라는 주장을 확인하려면 위치만 아는 대조군과
#   clip 단위의 신뢰구간이 필요합니다.
# - Query 하나가 window의 β 하나를 읽으므로 window 안에서는 shape이 변하지 않습니다.
#   그러나 clip 전체에서는 window마다 다를 수 있고, 일관된 shape이 꼭 정확한 것은
#   아닙니다.
# - f와 b가 이름처럼 실제 motion인지는 측정해 보아야 합니다.
# - Clip 3의 가려진 frame은 이제 F⁺⁺입니다. 자신의 vector에 window의 다른 여섯 frame에서
#   읽은 것이 더해졌고, 일곱 frame의 β는 하나입니다.
#
# ## References
#
# - Q. Fu, X. Liu, R. Xu, J. C. Niebles, K. M. Kitani. *Deformer: Dynamic
#   Fusion Transformer for Robust Hand Pose Estimation.* ICCV 2023. Section 3.2.
# - A. Vaswani et al. *Attention Is All You Need.* NeurIPS 2017. Sine positions.
# - N. Carion et al. *End-to-End Object Detection with Transformers.* ECCV 2020.
#   DETR: learned queries, positions in every layer.
# - C. Spearman. *The Proof and Measurement of Association between Two Things.*
#   American Journal of Psychology 15, 1904. The rank correlation.
