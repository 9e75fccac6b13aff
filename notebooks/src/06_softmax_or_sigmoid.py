# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
#   handlib:
#     number: "06"
#     title: Softmax or sigmoid?
#     title_ko: Softmax인가, sigmoid인가?
#     summary: >-
#       A softmax row always adds up to 1, so even a query that matches nothing receives a full
#       share of hand; HandOccNet's FIT multiplies the row by a sigmoid that can say no.
#     summary_ko: >-
#       Softmax의 각 행은 합이 항상 1이므로 아무 key와도 관련이 없는 query까지 손 정보를 받게 됩니다.
#       HandOccNet의 FIT은 이 행에 sigmoid gate를 곱하여 이를 억제합니다.
#     objectives:
#       - compute C_soft, C_sig and C = C_soft ⊗ C_sig from queries and keys by hand
#       - make the undesired high correlation happen with twelve numbers, and explain it
#       - tell what pooling by sum or by mean does to the gate, and compute it without an N×N table
#       - read both maps inside a trained network and measure what its gate really does
#     objectives_ko:
#       - Query와 key로부터 C_soft, C_sig, C = C_soft ⊗ C_sig를 직접 계산할 수 있습니다
#       - Undesired high correlation을 숫자 열두 개로 재현하고 그 원인을 설명할 수 있습니다
#       - 합 pooling과 평균 pooling이 gate에 주는 영향을 설명하고, N×N 행렬 없이 gate를 계산할 수 있습니다
#       - 학습된 네트워크 안의 두 map을 읽고 gate가 실제로 하는 일을 측정할 수 있습니다
#     prerequisites: matrix products, softmax; [00](00_start_here.ipynb)
#     minutes_to_do: 40
#     minutes: 1
#     memory_mb: 1400
#     data: 200 synthetic test images, made on the spot
#     seed: 6
# ---

# %% [markdown]
# {{ header }}

# %% tags=["setup"]
import copy
import math

import torch

from handlib import viz
from handlib.course import quiz
from handlib.course.captions import captions
from handlib.course.checks import nb06 as check
from handlib.data import SyntheticHands, collate
from handlib.metrics import mean_interval, root_aligned_mpjpe
from handlib.models import record
from handlib.models.attention import split_heads
from handlib.models.block import AttentionBlock, to_tokens
from handlib.viz import regions
from handlib.weights import HANDOCCNETS, card, load_both_handoccnets

_ = torch.manual_seed(6)
torch.set_printoptions(precision=2, sci_mode=False)
caption = captions("06")

# %% [markdown]
# ## 1 Three queries ask four keys
#
# In FIT every place of the image asks one question (a **query** q, from the
# secondary feature F_s) of every place that may show the hand (a **key** k,
# from the primary feature F_p). The answer is a score, the dot product q·k.
#
# Here are three queries and four keys of d = 4 numbers each. The first query
# sits on a hidden thumb, the second between index finger and palm, the third
# on a wall that has nothing to do with any part of the hand.

# %%
queries = ["hidden thumb", "index or palm", "wall"]
keys = ["thumb", "index", "palm", "wrist"]
q = torch.tensor(
    [[4.0, 0.0, 0.0, 0.0], [0.0, 3.0, 3.0, 0.0], [-3.0, -4.6, -4.7, -4.8]]
)
k = 4 * torch.eye(4)

# %% [markdown]
# A sum over more channels spreads more widely, by √d, so scores are divided
# by √d:
#
# $$ S = \frac{q\,k^{T}}{\sqrt{d}} $$

# %% tags=["nbval-check-output"]
scores = q @ k.T / math.sqrt(4)
scores

# %% [markdown]
# Read the last row: the wall disagrees with every key, and strongly.
#
# The correlation map is a softmax of each row, over the keys:
#
# $$ C_{soft} = \mathrm{softmax}\left(\frac{q\,k^{T}}{\sqrt{d}}\right) $$
#
# ### Exercise 6.1
#
# Write C_soft for any N queries and M keys of d channels.

# %% tags=["exercise"]
def soft_correlation(query, key):
    """(N, d) queries and (M, d) keys to the correlation (N, M)."""
    ...


# %% tags=["check"]
check.soft_correlation(soft_correlation)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Which axis of S must add up to 1 after the softmax: the one of the queries
# or the one of the keys?
# </details>
# <details><summary>Hint 2</summary>
#
# `tensor.softmax(dim=...)` normalises along one axis; d is `query.shape[-1]`.
# </details>
#
# **Solution**, folded: click the three dots to open it.

# %% tags=["solution"] jupyter={"source_hidden": true}
def soft_correlation_solution(query, key):
    scores = query @ key.T / math.sqrt(query.shape[-1])
    return scores.softmax(dim=1)


check.soft_correlation(soft_correlation_solution)

# %% [markdown]
# ## 2 The undesired high correlation
#
# **Predict first.** All scores of the wall are −6 or lower. How much weight
# will softmax put on its best key: about 0.25, about 0.5, or about 0.9? And
# what will its four weights add up to?

# %% tags=["nbval-check-output"]
C_soft = scores.softmax(dim=1)
print(C_soft)
print("sums of the rows:", C_soft.sum(dim=1))

# %% [markdown]
# The wall gives 0.91 to the thumb, as if it were sure of it. Softmax sees
# only *differences* between scores: add any number to a whole row, and the
# row stays what it was. So "this key fits badly, the others fit worse" and
# "this key fits perfectly" look the same.

# %%
for shift in (-100.0, 0.0, 100.0):
    assert torch.allclose((scores + shift).softmax(dim=1), C_soft, atol=1e-6)

# %% [markdown]
# This is the paper's *undesired high correlation*: with C_soft alone, the wall
# is filled with thumb.
#
# ## 3 A gate that can say no
#
# A sigmoid looks at one number and compares it with zero, not with its
# neighbours. (The number is called the *logit*.) FIT computes one for each query,
# from a second pair of queries and keys, and multiplies the whole row by its
# sigmoid:
#
# $$ C_{sig} = \mathrm{sigmoid}\left(\mathrm{pool}\left(
#    \frac{q_{sig}\,k_{sig}^{T}}{\sqrt{d}}\right)\right), \qquad
#    C = C_{soft} \otimes C_{sig} $$
#
# pool takes the mean over the keys, so C_sig has shape (N, 1).
#
# ### Exercise 6.2
#
# Write C for a given C_soft and the gate's own queries and keys.

# %% tags=["exercise"]
def gated_correlation(soft, query, key):
    """C_soft (N, M), (N, d) queries, (M, d) keys to C (N, M)."""
    ...


# %% tags=["check"]
check.gated_correlation(gated_correlation)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# First pool, then sigmoid: the other way round gives a number for each key.
# </details>
# <details><summary>Hint 2</summary>
#
# `mean(dim=1, keepdim=True)` keeps the shape (N, 1), which multiplies every
# column of (N, M). Do not normalise again: that would undo the gate, exactly.
# </details>

# %% tags=["solution"] jupyter={"source_hidden": true}
def gated_correlation_solution(soft, query, key):
    scores = query @ key.T / math.sqrt(query.shape[-1])
    return soft * scores.mean(dim=1, keepdim=True).sigmoid()


check.gated_correlation(gated_correlation_solution)

# %% [markdown]
# **Predict first.** In the network the gate has its own q and k. To keep the
# numbers small we use the same ones here. Which of the three queries will keep
# its row?

# %% tags=["nbval-check-output"]
C_sig = scores.mean(dim=1, keepdim=True).sigmoid()
C = C_soft * C_sig
print("mean scores:", scores.mean(dim=1))
print("gates:      ", C_sig[:, 0])
print("sums of the rows of C:", C.sum(dim=1))

# %%
fig = viz.theme.figure(9, 2.6)
axes = fig.subplots(1, 3, width_ratios=(4, 1, 4), sharey=True)
viz.maps.number_table(axes[0], C_soft, queries, keys, "C_soft")
viz.maps.number_table(axes[1], C_sig, queries, ["gate"], "C_sig")
viz.maps.number_table(axes[2], C, queries, keys, "C = C_soft ⊗ C_sig")
viz.show(fig, **caption("toy tables"))

# %% [markdown]
# Nothing forces a gate to be right. In the paper it is learned only from the
# final error of the hand. Section 7 looks at what two trained networks have
# learned: one learned so, the other was told where its gates shall be open.
#
# ## 4 Mean or sum?
#
# The paper pools by the mean. The released code adds the scores up. With four
# keys that hardly matters; the network has N = 1024 keys.
#
# **Predict first.** For random queries and keys the mean score is a small
# number around zero. What does a factor of 1024 before the sigmoid do?

# %% tags=["nbval-check-output"]
tokens, d = 1024, 64
random_q, random_k = torch.randn(2, tokens, d)
mean_score = (random_q @ random_k.T / math.sqrt(d)).mean(dim=1)
gates = {
    "mean (paper)": mean_score.sigmoid(),
    "sum (code)": (tokens * mean_score).sigmoid(),
}
for name, gate in gates.items():
    binary = ((gate < 0.01) | (gate > 0.99)).float().mean()
    print(f"{name}: {gate.min():.2f} to {gate.max():.2f}, binary {binary:.0%}")

# %%
fig = viz.theme.figure(7, 2.6)
ax = fig.subplots()
ax.hist(list(gates.values()), bins=20, range=(0, 1), label=list(gates))
ax.set(xlabel="gate of a query", ylabel="number of queries")
ax.legend(loc=(0.1, 0.6))
viz.show(fig, **caption("mean or sum"))

# %% [markdown]
# A switch at the start of training has hardly any gradient: sigmoid is flat
# there. A gate near one half does not suppress anything yet. Neither is right
# or wrong by itself; `HandOccNetConfig(gate="mean")` lets you try.
#
# ## 5 The gate without the table
#
# The sum over keys can move inside the product:
#
# $$ \sum_{j=1}^{M} q\cdot k_j = q\cdot\sum_{j=1}^{M} k_j $$
#
# ### Exercise 6.3
#
# Compute the released code's gate (the one with the sum) without ever building
# an N×M table. The check counts the numbers in every tensor you make.

# %% tags=["exercise"]
def gate_from_key_sum(query, key):
    """(N, d) queries and (M, d) keys to the gate (N, 1)."""
    ...


# %% tags=["check"]
check.gate_from_key_sum(gate_from_key_sum)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Add up the keys first. What shape has their sum?
# </details>
# <details><summary>Hint 2</summary>
#
# `key.sum(dim=0, keepdim=True)` is one key, (1, d). Then go on as before.
# </details>

# %% tags=["solution"] jupyter={"source_hidden": true}
def gate_from_key_sum_solution(query, key):
    summed = key.sum(dim=0, keepdim=True)
    return (query @ summed.T / math.sqrt(query.shape[-1])).sigmoid()


check.gate_from_key_sum(gate_from_key_sum_solution)

# %% [markdown]
# The saving, and the proof that nothing else changes:

# %% tags=["nbval-check-output"]
by_key_sum = (random_q @ random_k.sum(dim=0) / math.sqrt(d)).sigmoid()
assert torch.allclose(by_key_sum, gates["sum (code)"], atol=1e-4)
print(f"products with the table: {tokens * tokens * d:,}")
print(f"products without:        {tokens * d:,}")

# %% [markdown]
# ## 6 The same, inside the library
#
# One FIT block of the library, with random weights, 8 channels, a 4×4 map
# (16 tokens) and two heads. `record` keeps the maps of its real forward pass.

# %%
block = AttentionBlock(8, 4, 2, 2, gate="sum", query_residual=False)
secondary, primary = torch.randn(2, 1, 8, 4, 4)
with record(block) as maps:
    _ = block(secondary, primary)
{name: tuple(values.shape) for name, values in maps.items()}

# %% [markdown]
# Now the same from our own lines. Queries and keys carry learned positions;
# a 1×1 convolution is one matrix for all tokens; each head has d = 4 of the 8
# channels.

# %%
def encode(layer, tokens):
    """Tokens (1, N, 8) to two heads of four channels (2, N, 4)."""
    encoded = tokens @ layer.weight.flatten(1).T + layer.bias
    return split_heads(encoded, heads=2)[0]


q_tokens = to_tokens(secondary + block.query_position)
k_tokens = to_tokens(primary + block.key_position)
soft_q, soft_k = encode(block.query, q_tokens), encode(block.key, k_tokens)
gate_q = encode(block.gate.query, q_tokens)
gate_k = encode(block.gate.key, k_tokens)

# %%
for head in range(2):
    soft = (soft_q[head] @ soft_k[head].T / 2).softmax(dim=1)
    logits = gate_q[head] @ gate_k[head].sum(dim=0) / 2
    ours = soft * logits.sigmoid()[:, None]
    assert torch.allclose(ours, maps["correlation"][0, head], atol=1e-5)

# %% [markdown]
# No error: our C and the library's agree in every head.
#
# ## 7 Inside two trained networks
#
# Enough of made-up numbers. The course ships one small HandOccNet in two sets
# of weights (notebook 05, section 5):
#
# - **as published**: trained on synthetic hands with the paper's losses and
#   the course's aids (notebook 10). No loss looks at a gate.
# - **guided**, *an extension of ours, in no paper*: gone on from there with
#   two more loss terms. One tells each gate to be open on the whole hand,
#   hidden part too, and shut elsewhere. (Its images were also blurred, turned
#   and lit in more ways, so the errors of the two are not to be compared.)
#
# We show both hands that they have never seen and look at the first FIT block.

# %%
models = load_both_handoccnets()
test = SyntheticHands("test", size=200)
batch = collate([test[i] for i in range(len(test))])
predicted, soft, gate = {}, {}, {}
for title, model in models.items():
    with torch.no_grad(), record(model) as maps:
        predicted[title] = model(batch.image)
    soft[title] = maps["fit.0.softmax"]
    gate[title] = maps["fit.0.gate"][..., 0]

# %% [markdown]
# `fit.0.softmax` holds C_soft for each image and head: a row for each query, a
# column for each key. To talk about *where* a query sits, we sort the 16×16
# tokens by what they show: the visible hand, the hidden hand, or background.
# Tokens on a border belong to none of the three.

# %%
where = regions.token_regions(batch.visible, batch.amodal, side=16)
shapes = [tuple(kept["guided"].shape) for kept in (soft, gate)]
print("C_soft", shapes[0], " C_sig", shapes[1])
for name, here in where.items():
    print(f"{name}: {here.float().mean():.1%} of all tokens")

# %% [markdown]
# We take the half-hidden hand of notebook 00, and as the query a token in the
# middle of its hidden part.
#
# **Predict first.** Where will C_soft look from there: at the visible hand, at
# the object, or all over the image? And will it look elsewhere when the query
# sits on the background? Move the sliders to find out (guided weights).

# %%
half = int((batch.occlusion - 0.5).abs().argmin())
hidden = where["hidden hand"][half].nonzero()[:, 0].tolist()


def explore(title, weights):
    return viz.widgets.QueryExplorer(
        batch.image[half],
        soft[title][half],
        gate[title][half],
        query=divmod(hidden[len(hidden) // 2], 16),
        amodal=batch.amodal[half],
        weights=weights,
    )

# %%
explorer = explore("guided", "guided weights (ours)")
explorer.widget()

# %% [markdown]
# The same as a still picture:

# %%
explorer.illustration()

# %% [markdown]
# The same query of the same image, with the weights as published:

# %%
explore("as published", "weights as published").illustration()

# %% [markdown]
# Look at the second panel of each: C_soft looks all over the image. An even row
# would give every key 1/256, or 0.004, and no key gets much more. Then look at
# the third panel. Told to be open on the whole hand, the gate follows the hand,
# also where things hide it. As published it is a switch whose borders are not
# the hand's.
#
# One query is an anecdote. Let us count over all 200 images.
#
# ## 8 Measure it
#
# The **mass** that a query sends to the visible hand is the sum of its row
# over the keys on the visible hand. By chance, that is if the query treated
# all keys alike, it would be the share of those keys among all keys.
#
# ### Exercise 6.4
#
# Write the mean mass of the chosen queries.

# %% tags=["exercise"]
def mass_on_visible(correlation, queries, visible):
    """Correlation (N, M), bool queries (N,), bool visible (M,) to a number."""
    ...


# %% tags=["check"]
check.mass_on_visible(mass_on_visible)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# A bool tensor selects: `correlation[queries]` are the rows asked for.
# </details>
# <details><summary>Hint 2</summary>
#
# Sum over the selected columns, then take the mean over the selected rows.
# </details>

# %% tags=["solution"] jupyter={"source_hidden": true}
def mass_on_visible_solution(correlation, queries, visible):
    return correlation[queries][:, visible].sum(dim=1).mean()


check.mass_on_visible(mass_on_visible_solution)

# %% [markdown]
# For all images, heads and queries at once, that is one matrix product:

# %%
visible_keys = where["visible hand"].float()
masses = {}
for title in models:
    mass = torch.einsum("bhnm,bm->bhn", soft[title], visible_keys)
    chance = visible_keys.mean(dim=1)[:, None, None].expand_as(mass)
    after = mass * gate[title]
    names = ("chance", "before gate", "after gate")
    masses[title] = dict(zip(names, (chance, mass, after), strict=True))

# %% [markdown]
# **Predict first.** In the paper's story softmax sends too much of the hand to
# the background, and the gate takes that away while the hidden hand keeps its
# share. Order the six numbers before you look, three regions, before and
# after: for the guided weights, then for those as published.
#
# Each image gives one number for each region (its tokens and the heads
# averaged); the interval comes from drawing images with replacement.

# %%
def summary(mass):
    """Mean over images and 95 % interval, by the query's region."""
    per_image = [regions.mean_over(mass.mean(1), w) for w in where.values()]
    means = torch.stack([x.nanmean() for x in per_image])
    ends = [mean_interval(x) for x in per_image]
    return means.numpy(), torch.tensor(ends).numpy()


results = {
    title: {name: summary(mass) for name, mass in each.items()}
    for title, each in masses.items()
}

# %%
for title, each in results.items():
    print(title)
    for name, (means, ends) in each.items():
        for region, mean, (low, high) in zip(where, means, ends, strict=True):
            words = f"{mean:.2f} [{low:.2f}, {high:.2f}]"
            print(f"  {name:11} {region:12} {words}")

# %%
fig = viz.theme.figure(9.5, 3)
axes = fig.subplots(1, 2, sharey=True)
colours = (viz.theme.MUTED, viz.theme.BLUE, viz.theme.ORANGE)
values = []
for ax, (title, each) in zip(axes, results.items(), strict=True):
    means = {name: mean for name, (mean, _) in each.items()}
    ends = {name: end for name, (_, end) in each.items()}
    viz.curves.grouped_bars(ax, list(where), means, ends, colours)
    ax.set_xlabel(f"region of the query; weights: {title}")
    values += [f"{title}, {n} {m.round(2)}" for n, m in means.items()]
axes[0].set_ylabel("mass on the visible hand")
viz.show(fig, **caption("mass", values="; ".join(values)))

# %% [markdown]
# What share of its mass does each region keep? The paper's story needs the
# background to keep the least.

# %%
for title, each in results.items():
    (by_chance, _), (softmax, _), (gated, _) = each.values()
    kept = gated / softmax
    print(title)
    for region, share in zip(where, kept, strict=True):
        print(f"  {region:13} keeps {share:.0%} of its mass")
    print("  background above chance:", softmax[2] > by_chance[2])
    print("  background keeps least: ", kept.argmin() == 2)

# %% [markdown]
# As published, softmax alone sends background queries to the visible hand more
# than chance would: the undesired high correlation, in a mild form. Its gates
# do *not* single that out: the background keeps nearly as large a share as the
# hand does. Guided, C_soft itself is at chance there, and the gates shut out
# what is left, as in the paper's figure. They were told to.

# %% [markdown]
# Averages over heads hide a lot, so here is every gate of the two networks,
# head by head (at course scale FIT has one block of two heads).

# %%
rows, table = [], []
for title, gates_ in gate.items():
    for head, values in enumerate(gates_.unbind(dim=1)):
        rows.append(f"{title}, head {head}")
        means = [regions.mean_over(values, w) for w in where.values()]
        table.append(torch.stack(means).nanmean(dim=1))
table = torch.stack(table)

fig = viz.theme.figure(6, 0.6 + 0.4 * len(rows))
viz.maps.number_table(fig.subplots(), table, rows, list(where))
viz.show(fig, **caption("gates", values=table.numpy().round(2)))

# %% [markdown]
# The model cards hold the areas under the ROC curve (notebook 05) for queries
# on the hidden hand against those on the background, over 2,000 images; 0.5 is
# chance, and below it the gate is more open on the background.

# %%
for title, name in HANDOCCNETS.items():
    scores_ = card(name)["scores"]["maps"]
    words = [f"head {h} {scores_[f'gate.{h}']['mean']:.2f}" for h in range(2)]
    print(f"{title:13}", ", ".join(words))

# %% [markdown]
# ### Does it matter for the hand?
#
# We hold every gate open (C = C_soft) and predict the same images again. The
# other layers were trained with their gates, so this says how much *this*
# network relies on them. It does not say how good a network without a gate
# could become: for that it must be trained without one (notebook 10).

# %%
def errors_with_gates_open(model):
    """Root-aligned error of each image in mm."""
    ungated = copy.deepcopy(model)
    for block in ungated.fit.blocks:
        block.gate = None
    with torch.no_grad():
        joints = ungated(batch.image).joints
    return 1000 * root_aligned_mpjpe(joints, batch.joints)

# %%
for title, model in models.items():
    joints = predicted[title].joints
    own = 1000 * root_aligned_mpjpe(joints, batch.joints)
    step = errors_with_gates_open(model) - own
    low, high = mean_interval(step)
    print(f"{title}: {own.mean():.1f} mm, gates held open {step.mean():+.1f}")
    print(f"  95 % interval: [{low:+.1f}, {high:+.1f}] mm")

# %% [markdown]
# If an interval contains 0, these 200 images do not show that the gates matter
# to that network. If it lies above 0, the network relies on them. Either way
# compare its size with the error itself.
#
# **What we may conclude.** The undesired high correlation is a property of
# softmax: section 2 makes it happen for certain. Whether a trained gate
# removes it is a question for measurements: above you have them, with their
# intervals, for one small network trained on synthetic hands. Trained for the
# hand's error alone, it has no need for gates that mean what the figure shows,
# and has not got them. Telling them works. What the hand's error gains by it
# is another question: with its gates held open, the guided network loses
# little. (Notebook 10 trains; a fair answer needs networks that differ in the
# gate alone.) The paper's own evidence is an ablation on HO-3D, 9.1 mm with
# both maps against 9.5 mm with softmax alone: look it up there, and ask how
# many seeds stand behind it.
#
# ## 9 Paper against code
#
# {{ paper_against_code }}
#
# Try it: in section 6, build the block with `gate="mean"` and change one line
# of the proof so that it holds again.
#
# ## 10 Quiz
#
# {{ quiz }}

# %% [markdown]
# With a kernel you can click your answers:

# %% tags=["quiz"]
quiz.show("06")

# %% [markdown]
# ## Summary
#
# - C_soft compares keys with each other. It cannot say that nothing fits.
# - C_sig compares one pooled score with zero. It can, and it empties the row:
#   C = C_soft ⊗ C_sig.
# - Pooled by the mean (paper) the gate is soft; by the sum (code) it is nearly
#   a switch. Either way it needs the sum of the keys only, not an N×N table.
# - What a gate has learned must be measured, head by head, against chance. As
#   published ours lets the background through as well as the hand; guided (our
#   extension, told to be open on the whole hand) it shuts the background out.
# - Our half-hidden hand: at a query on its hidden part C_soft looks all over the
#   image. Head 0 then lets 0.96 of that row through if guided, and 0.00 as
#   published.
#
# ## 요약
#
# - C_soft는 key끼리 비교하므로 "맞는 key가 없다"는 것을 표현하지 못합니다.
# - C_sig는 pooling한 score를 0과 비교하므로 이를 표현할 수 있고, 관련 없는 query의
#   행을 0에 가깝게 만듭니다: C = C_soft ⊗ C_sig.
# - 평균 pooling(논문)의 gate는 완만하고, 합 pooling(공개 코드)의 gate는 거의
#   스위치처럼 동작합니다. 두 방식 모두 key의 합만 있으면 계산할 수 있습니다.
# - 학습된 gate가 실제로 무엇을 하는지는 head별로, 우연 수준과 비교하여 측정해야
#   합니다. 논문대로(as published) 학습한 gate는 배경도 손만큼 통과시키고, 손 전체에서
#   열리도록 직접 학습시킨 guided weight(이 과정의 확장)의 gate는 배경을 차단합니다.
# - 절반이 가려진 우리 손에서, 가려진 부분의 query 하나에 대해 C_soft는 이미지 전체를
#   고르게 봅니다. Head 0의 gate는 그 행을 guided에서는 0.96만큼 통과시키고,
#   논문대로의 weight에서는 0.00만큼 통과시킵니다.
#
# ## References
#
# - J. Park, Y. Oh, G. Moon, H. Choi, K. M. Lee. *HandOccNet:
#   Occlusion-Robust 3D Hand Mesh Estimation Network.* CVPR 2022. FIT and its two correlation maps.
# - A. Vaswani et al. *Attention Is All You Need.* NeurIPS 2017. Where 1/√d
#   comes from.
