# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
#   handlib:
#     number: "07"
#     title: FIT
#     title_ko: FIT, 보이는 손의 정보를 가려진 곳에 주입하기
#     summary: >-
#       The feature injecting transformer lets every place ask the visible hand, and writes the
#       answer where the hand is hidden; here it is built whole, set a task that it alone can
#       solve, and measured inside a trained network.
#     summary_ko: >-
#       Feature Injecting Transformer(FIT)는 이미지의 모든 위치에서 보이는 손에 질문하고, 그 답을 가려진 곳에 주입합니다.
#       이 notebook에서는 FIT 전체를 직접 만들고, FIT만 풀 수 있는 과제로 시험한 뒤, 학습된 네트워크 안에서 측정합니다.
#     objectives:
#       - compute the injection C·V head by head, and say which parts of F reach the output
#       - build the whole block (positions, heads, gate, layer norm, MLP) equal to the library's
#       - show with a controlled experiment what attention can do that short convolutions cannot
#       - measure what FIT injects where in a trained network, and what is lost without it
#     objectives_ko:
#       - Injection C·V를 head별로 계산하고, F의 어느 부분이 출력에 도달하는지 설명할 수 있습니다
#       - Position, head, gate, layer norm, MLP를 모두 갖춘 block을 library와 똑같이 만들 수 있습니다
#       - Attention은 풀 수 있지만 좁은 convolution은 풀 수 없는 과제를 통제된 실험으로 보일 수 있습니다
#       - 학습된 네트워크에서 FIT이 무엇을 어디에 주입하는지, 없으면 무엇을 잃는지 측정할 수 있습니다
#     prerequisites: M, F_p and F_s, [05](05_necessity_map.ipynb); C_soft and C_sig, [06](06_softmax_or_sigmoid.ipynb)
#     minutes_to_do: 45
#     minutes: 2
#     memory_mb: 1800
#     data: 400 synthetic test images, made on the spot; figures/evidence/distant_token.json
#     seed: 7
# ---

# %% [markdown]
# {{ header }}

# %% tags=["setup"]
import copy

import torch
from torch import nn

from handlib import viz
from handlib.course import quiz
from handlib.course.captions import captions
from handlib.course.checks import nb07 as check
from handlib.data import SyntheticHands, collate
from handlib.experiments import distant_token
from handlib.experiments.catalogue import illustration
from handlib.experiments.evidence import load_evidence
from handlib.hands.skeleton import FINGER_JOINTS, FINGERS
from handlib.metrics import (
    by_occlusion,
    mean_interval,
    roc_auc,
    root_aligned_mpjpe,
)
from handlib.models import record
from handlib.models.ablation import without
from handlib.models.attention import join_heads, split_heads
from handlib.models.block import AttentionBlock, to_map, to_tokens
from handlib.models.fit import FIT, ConcatMerge, ResidualMerge
from handlib.viz import regions, score_plots
from handlib.viz.layer_explorer import LayerExplorer
from handlib.weights import load_both_handoccnets

_ = torch.manual_seed(7)
torch.set_printoptions(precision=2, sci_mode=False)
caption = captions("07")

# %% [markdown]
# ## 1 Who asks whom
#
# The necessity map M splits the features F in two: **primary** features
# F_p = F⊗M, where the hand is seen, and **secondary** ones F_s = F⊗(1−M),
# where something hides it. Earlier networks went on with F_p alone and pushed
# F_s down. HandOccNet keeps F_s for one purpose: it says *where* information is
# missing, and of what kind. FIT then injects F_p there.
#
# Four places of an image, four channels: does this look like a thumb, like an
# index finger, how far is the thumb bent, how far the index finger? The hidden
# thumb is recognised by what surrounds it, but its bend cannot be seen.

# %% tags=["nbval-check-output"]
places = ["thumb seen", "index seen", "thumb hidden", "wall"]
F = torch.tensor(
    [[1, 0, 0.8, 0], [0, 1, 0, 0.3], [1, 0, 0, 0], [-1, -1, 0, 0]]
)
M = torch.tensor([[1.0], [1.0], [0.0], [0.0]])
F_p, F_s = F * M, F * (1 - M)
print("F_p", F_p, "F_s", F_s, sep="\n")

# %% [markdown]
# Queries come from F_s, keys and values from F_p. Here queries and keys read
# only the names (the first two channels, times 4); values read everything.
# From [06](06_softmax_or_sigmoid.ipynb) you know C = C_soft ⊗ C_sig.

# %%
names = torch.diag(torch.tensor([4.0, 4.0, 0.0, 0.0]))
q, k, v = F_s @ names, F_p @ names, F_p
scores = q @ k.T / 2  # √d = 2
C_soft, C_sig = scores.softmax(dim=1), scores.sum(1, True).sigmoid()

# %% [markdown]
# What is **injected** at each place is the row of C times the values:
#
# $$ R = C\,V $$
#
# **Predict first.** What bend arrives at the hidden thumb? What arrives at the
# wall? And at the seen thumb, whose query is zero?

# %% tags=["nbval-check-output"]
print("C_soft", C_soft, "C_sig", C_sig, sep="\n")
R = C_soft * C_sig @ v
print("R = C V", R, sep="\n")

# %%
fig = viz.theme.figure(9, 2.4)
axes = fig.subplots(1, 3, width_ratios=(4, 1, 4), sharey=True)
channels = ["thumb?", "index?", "its bend", "its bend"]
keys = [name.replace(" ", "\n") for name in places]
viz.maps.number_table(axes[0], C_soft, places, keys, "C_soft")
viz.maps.number_table(axes[1], C_sig, places, ["gate"], "C_sig")
viz.maps.number_table(axes[2], R, places, channels, "R = C V")
viz.show(fig, **caption("four places"))

# %% [markdown]
# - The hidden thumb has its bend, 0.8, fetched from the seen one.
# - The wall's row looks at the two *empty* keys (F_p is zero where nothing is
#   seen), so it gets nothing even from softmax. Remember these empty keys.
# - A zero query compares nothing: its row is flat, and half of the mean of all
#   values arrives (its gate is sigmoid(0) = 0.5).
#
# ### Exercise 7.1
#
# Write the injection of one head, with its gate.


# %% tags=["exercise"]
def inject(query, key, value, gate):
    """(N, d), (M, d), (M, c) and gates (N, 1) to what is injected (N, c)."""
    ...


# %% tags=["check"]
check.inject(inject)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Three steps: softmax of the scaled scores over the keys, gate on the rows,
# product with the values.
# </details>
# <details><summary>Hint 2</summary>
#
# `(query @ key.T / query.shape[1] ** 0.5).softmax(dim=1)` is C_soft. The gate
# may come before or after the product with the values: it scales whole rows.
# </details>
#
# **Solution**, folded: click the three dots to open it.


# %% tags=["solution"] jupyter={"source_hidden": true}
def inject_solution(query, key, value, gate):
    soft = (query @ key.T / query.shape[1] ** 0.5).softmax(dim=1)
    return gate * (soft @ value)


check.inject(inject_solution)

# %% [markdown]
# ## 2 Head by head
#
# A hidden place where thumb and index finger cross needs *both* bends. With one
# row of weights it can only blend them. So the C channels are split into A
# **heads** of d = C/A channels; each head has its own row and gate.
#
# We put the thumb's name and bend into head 0 and the index finger's into
# head 1.

# %% tags=["nbval-check-output"]
value = F_p[:, [0, 2, 1, 3]]  # thumb?, bend | index?, bend
name_channels = torch.tensor([4.0, 0.0, 4.0, 0.0])
key = value * name_channels
crossing = torch.tensor([[1.0, 0.0, 1.0, 0.0]]) * name_channels
one_head = (crossing @ key.T / 2).softmax(dim=1) @ value
print("one head: ", one_head[0])
q2, k2, v2 = (split_heads(x[None], 2)[0] for x in (crossing, key, value))
rows = (q2 @ k2.mT / 2**0.5).softmax(dim=2)  # head query key
print("two heads:", join_heads((rows @ v2)[None])[0, 0])

# %% [markdown]
# One head blends 0.8 and 0.3 into 0.4 and 0.15. Two heads bring both bends
# unharmed. The scores are divided by √d of a *head*, and the heads' results
# stand side by side again.
#
# ### Exercise 7.2
#
# Write softmax attention with heads (no gate).


# %% tags=["exercise"]
def inject_by_heads(query, key, value, heads):
    """Queries (N, C), keys and values (M, C) to the injected (N, C)."""
    ...


# %% tags=["check"]
check.inject_by_heads(inject_by_heads)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Head a owns the channels from a·d to (a+1)·d. A loop over heads is fine.
# </details>
# <details><summary>Hint 2</summary>
#
# `query.chunk(heads, dim=1)` gives the heads' channels in order;
# `torch.cat(results, dim=1)` puts them side by side.
# </details>


# %% tags=["solution"] jupyter={"source_hidden": true}
def inject_by_heads_solution(query, key, value, heads):
    results = []
    split = (x.chunk(heads, dim=1) for x in (query, key, value))
    for q, k, v in zip(*split, strict=True):
        results.append((q @ k.T / q.shape[1] ** 0.5).softmax(dim=1) @ v)
    return torch.cat(results, dim=1)


check.inject_by_heads(inject_by_heads_solution)

# %% [markdown]
# ## 3 Positions
#
# So far nothing knows where it stands. Take the library's block on a 4×4 map,
# with its positions set to zero.
#
# **Predict first.** We shuffle the 16 keys. What happens to the output? Two
# places with equal F_s: can FIT inject different things there?

# %%
block = AttentionBlock(8, 4, 2, 2, gate="sum", query_residual=False)
placeless = without(block, "query_position", "key_position")
secondary, primary = torch.randn(2, 1, 8, 4, 4)
secondary[..., 3, 3] = secondary[..., 0, 0]
shuffled = primary.flatten(2)[..., torch.randperm(16)].view_as(primary)

# %% tags=["nbval-check-output"]
for name, each in {"without": placeless, "with": block}.items():
    with torch.no_grad():
        out, moved = each(secondary, primary), each(secondary, shuffled)
    same_keys = torch.allclose(out, moved, atol=1e-5)
    twins = torch.allclose(out[..., 0, 0], out[..., 3, 3], atol=1e-5)
    print(f"{name} positions: shuffling keys changes nothing: {same_keys}")
    print(f"{name} positions: equal queries, equal output: {twins}")

# %% [markdown]
# The released code adds learned maps to query and key, (C, h, w) each, in every
# block. They are *not* added to the values: a position helps to choose a key,
# but is not itself injected. Section 7 measures how much they weigh.
#
# ## 4 The rest of the block
#
# The heads' result x goes through one more step, each token by itself:
#
# $$ x \leftarrow x + \mathrm{MLP}(\mathrm{LN}(x)) $$
#
# with LN the layer norm over the C channels, and an MLP that widens, applies
# GELU and narrows. Two things are *not* there. There is no output projection.
# And there is **no query residual**: x is C·V alone, not C·V + F_s. So F_s
# decides where to read, and what it contains (the occluder) stays outside. The
# paper measured this choice; SET ([08](08_set.ipynb)) keeps its residual.
#
# Here is the whole block from our own lines.


# %%
def linear(layer, tokens):
    """A 1×1 convolution is one matrix for all tokens."""
    return tokens @ layer.weight.flatten(1).T + layer.bias


def encode(layers, tokens, heads):
    return [split_heads(linear(layer, tokens), heads) for layer in layers]


# %%
def attend(block, query, key):
    """C·V for each head, (B, A, N, d)."""
    asks = to_tokens(query + block.query_position)
    is_asked = to_tokens(key + block.key_position)
    q, q_sig = encode((block.query, block.gate.query), asks, block.heads)
    k, k_sig = encode((block.key, block.gate.key), is_asked, block.heads)
    (v,) = encode((block.value,), to_tokens(key), block.heads)
    root = q.shape[-1] ** 0.5
    soft = (q @ k.mT / root).softmax(dim=-1)
    gate = (q_sig @ k_sig.sum(2, keepdim=True).mT / root).sigmoid()
    return soft * gate @ v


# %%
def normalise(x):
    spread = x.var(-1, keepdim=True, correction=0)
    return (x - x.mean(-1, keepdim=True)) / (spread + 1e-5).sqrt()


def by_token(mlp, x):
    y = normalise(x) * mlp.norm.weight + mlp.norm.bias
    return linear(mlp.narrow, nn.functional.gelu(linear(mlp.widen, y)))


def own_block(block, query, key):
    x = join_heads(attend(block, query, key))  # no query residual
    return to_map(x + by_token(block.mlp, x), like=query)


# %%
with torch.no_grad():
    ours = own_block(block, secondary, primary)
    theirs = block(secondary, primary)
assert torch.allclose(ours, theirs, atol=1e-5)

# %% [markdown]
# ### What the layer norm does to a gate
#
# **Predict first.** A gate of 0.01 shrinks x to a hundredth. What reaches the
# MLP behind the layer norm?

# %% tags=["nbval-check-output"]
x = torch.tensor([3.0, -1.0, 0.5, -2.5])
for gate in (1.0, 0.1, 0.01, 0.001, 0.0):
    print(f"gate {gate:5}: LN(gate · x) = {normalise(gate * x)}")

# %% [markdown]
# The layer norm divides the gate out again: the MLP sees the same numbers until
# the gate is about as small as √ε = 0.003. The gate weakens x itself, but the
# MLP's share passes in full strength. And where the gate is 0, the MLP still
# writes MLP(LN(0)), the same constant everywhere. "Nothing is injected" is a
# figure of speech.
#
# ## 5 Blocks in a row, and F_FIT
#
# The released code stacks two blocks. Each refines the *query*; keys and values
# stay F_p. At the end F_FIT joins F_p and the last output: a sum in the paper
# (and in the course's network), convolutions over both side by side in the
# released code.
#
# ### Exercise 7.3
#
# Write FIT with the sum, for any list of blocks.


# %% tags=["exercise"]
def fit_features(blocks, primary, secondary):
    """Functions block(query, key), F_p and F_s (B, C, h, w) to F_FIT."""
    ...


# %% tags=["check"]
check.fit_features(fit_features)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# What is the first block's query? What is the second's?
# </details>
# <details><summary>Hint 2</summary>
#
# Start with `injected = secondary` and overwrite it in a loop. `secondary`
# itself is not added to anything.
# </details>


# %% tags=["solution"] jupyter={"source_hidden": true}
def fit_features_solution(blocks, primary, secondary):
    injected = secondary
    for block in blocks:
        injected = block(injected, primary)
    return primary + injected


check.fit_features(fit_features_solution)

# %% [markdown]
# The library's, with two blocks, in both forms:

# %%
second = AttentionBlock(8, 4, 2, 2, gate="sum", query_residual=False)
with torch.no_grad():
    injected = own_block(second, own_block(block, secondary, primary), primary)
    merge = ConcatMerge(8)
    both = torch.cat([primary, injected], dim=1)
    code = merge.conv2(merge.conv1(both).relu()) + merge.skip(both)
    for own, form in ((primary + injected, ResidualMerge()), (code, merge)):
        library = FIT([block, second], form)(primary, secondary)
        assert torch.allclose(own, library, atol=1e-4)

# %% [markdown]
# ## 6 What is hidden here is told over there
#
# Does FIT do what it is for? In photographs many clues mix. So here is a task
# in which the answer lies in *one distant token*. On one edge of a 9×9 map five
# fingers are seen, each with a name and four numbers ±1. On the other edge
# eight names stand in hidden cells. Five must be given their numbers. Three are
# **strangers**, seen nowhere: the answer is zero. At least three columns lie in
# between.

# %%
scenes = distant_token.make_scenes(500, torch.Generator().manual_seed(0))
fig = viz.theme.figure(3.2, 3.2)
ax = fig.subplots()
ax.set(xlim=(-0.5, 8.5), ylim=(8.5, -0.5), xticks=[], yticks=[], aspect=1)
ax.hlines([i - 0.5 for i in range(10)], -0.5, 8.5, viz.theme.MUTED, lw=0.5)
ax.vlines([i - 0.5 for i in range(10)], -0.5, 8.5, viz.theme.MUTED, lw=0.5)
maps = {"blue": scenes.primary[0, :8], "orange": scenes.secondary[0, :8]}
told = set(maps["blue"].nonzero()[:, 0].tolist())
for colour, names in maps.items():
    for name, row, column in names.nonzero().tolist():
        text = "ABCDEFGH"[name] + ("" if name in told else "?")
        ink = getattr(viz.theme, colour.upper())
        ax.text(column, row, text, color=ink, ha="center", va="center")
viz.show(fig, **caption("scene"))

# %% [markdown]
# Five networks with the same first and last layer: FIT (the library's, one
# block, one head), FIT with softmax alone, three 3×3 convolutions (which reach
# three cells), seven of them (which reach all the way), and F_p alone. The
# error is in units of the answers' mean square: silence scores 1 where an
# answer is told, and 0 at strangers.
#
# **Predict first.** Which of them will come near 0 on the told ones? Three
# train now, from one seed, for a few seconds each.

# %%
for name in ("FIT", "convolutions, 3 cells", "F_p alone"):
    variant = distant_token.REACH[name]
    network = distant_token.train(variant, seed=0, steps=200)
    found = distant_token.score(network, variant, count=500)
    print(f"{name}: told {found['told']:.2f}", end=", ")
    print(f"strangers {found['stranger']:.2f}")

# %% [markdown]
# All five, over three seeds, were run by `handlib experiment distant_token`;
# the file that it wrote comes with the course.

# %%
evidence = load_evidence("distant_token")
print(f"seeds {evidence['seeds']}, {evidence['steps']} steps,", end=" ")
print(f"{evidence['machine']}, commit {evidence['commit']}")
print(evidence["claim"], "- holds:", evidence["holds"])
spreads = {r["network"]: r["spread"] for r in evidence["reach"]}
for name, spread in spreads.items():
    told, stranger = spread["told"], spread["stranger"]
    print(f"{name:22} told {told['min']:.3f} to {told['max']:.3f},", end=" ")
    print(f"strangers {stranger['min']:.3f} to {stranger['max']:.3f}")
mass = spreads["FIT"]["mass"]
print(f"FIT's softmax on the one right cell of 81: {mass['mean']:.2f}")


# %%
def bars(rows):
    """Means and spans over the seeds, ready to draw."""
    means = torch.tensor([r["mean"] for r in rows]).numpy()
    spans = torch.tensor([[r["min"], r["max"]] for r in rows]).numpy()
    return means, spans


fig = viz.theme.figure(8, 2.8)
ax = fig.subplots()
told, spans = bars([spread["told"] for spread in spreads.values()])
labels = [name.replace(", ", ",\n") for name in spreads]
viz.curves.grouped_bars(ax, labels, {"told": told}, {"told": spans})
ax.set_ylabel("error (1: silence)")
viz.show(fig, **caption("reach", values=told.round(2)))

# %% [markdown]
# FIT fetches the answer; three convolutions and F_p *cannot*, no path leads
# from there to here. Seven convolutions could, and did not learn it in the same
# number of steps. Softmax alone does as well as FIT: its strangers stay silent
# too. How?
#
# ### Three ways to stay silent
#
# Remember the empty keys: softmax can send a stranger's weight *there*. And the
# MLP may learn to cancel what should not have come. We take both away. With "no
# empty keys" every cell shows one of the five fingers; without the MLP the
# output is R = C·V.
#
# **Predict first.** With neither, softmax must give the stranger some blend of
# the five fingers. The flattest blend, their mean, has a mean square of 1/5. How
# large will the error at strangers be with softmax alone, and with the gate?

# %%
ways = {"attention alone": (False, False), "+ empty keys": (False, True)}
ways |= {"+ MLP": (True, False), "+ both": (True, True)}
silence = {
    (row["gate"], row["mlp"], row["empty_keys"]): row["spread"]
    for row in evidence["silence"]
}
series = {
    name: bars([silence[gate, *way]["stranger"] for way in ways.values()])
    for name, gate in (("softmax alone", False), ("with the gate", True))
}

# %%
fig = viz.theme.figure(8, 2.8)
ax = fig.subplots()
means, spans = ({n: s[i] for n, s in series.items()} for i in range(2))
viz.curves.grouped_bars(ax, list(ways), means, spans)
ax.set_ylabel("error at strangers (0: silence)")
values = "; ".join(f"{name} {m.round(3)}" for name, m in means.items())
viz.show(fig, **caption("silence", values=values))

# %% [markdown]
# Attention alone, no key empty: softmax writes nearly the mean of all fingers
# on every stranger, and the gate takes most of it away, from one seed more than
# from another. That is the undesired
# high correlation, and its cure. But an empty key *or* an MLP also lets softmax
# stay silent, and the real block has both. What does the gate itself do then?

# %%
for name, way in ways.items():
    told, stranger = (
        silence[True, *way][f"gate_{who}"] for who in ("told", "stranger")
    )
    print(f"{name:16} gate: told {told['mean']:.2f},", end=" ")
    print(f"strangers {stranger['mean']:.2f}", end=" ")
    print(f"({stranger['min']:.2f} to {stranger['max']:.2f})")

# %% [markdown]
# Where empty keys do the work, the gate stays open for strangers and learns
# nothing: it is not needed. Nor need a gate that works be a gate that is
# needed. Keep that in mind for section 10.
#
# ## 7 In a trained network: what is injected where
#
# The course's HandOccNet has one FIT block of two heads, 16×16 tokens, and the
# sum as merge, so F_FIT = F_p + I, where I is what the block injects. Then
#
# $$ F_{FIT} - F = F_p + I - F = I - F_s $$
#
# F_s is taken out, I comes in. (A batch norm follows, which we leave out.)
#
# There are two sets of weights ([05](05_necessity_map.ipynb)). Those **as
# published** learned by the paper's losses and the course's aids: nothing tells
# M or the gates what to show. The **guided** ones went on from there with two
# losses more, an extension of ours: M is told where the hand is seen, the gates
# where the whole hand is. In that stage images were distorted, too, as
# photographs are. So the two networks' *errors* differ for more than one reason,
# and we compare each network with itself alone.

# %%
models = load_both_handoccnets()  # "as published" and "guided"
test = SyntheticHands("test", size=400)
samples = [test[i] for i in range(len(test))]
batch = collate(samples[:200])
where = regions.token_regions(batch.visible, batch.amodal, side=16)
maps = {}
for weights, model in models.items():
    with torch.no_grad(), record(model) as recorded:
        _ = model(batch.image)
    names = ("features", "primary", "secondary", "fit.0.softmax", "fit.0.gate")
    maps[weights] = {name: recorded[name] for name in names}

# %% [markdown]
# The size of a feature is its length over the channels. Per head that is the
# length of its part of R = C·V.
#
# **Predict first.** Where will R be longest: on the visible hand, on the hidden
# hand, or on the background? And I, behind the MLP and its layer norm? Will the
# two sets of weights agree?


# %%
def inside(model, maps):
    """F and what FIT makes of it, (B, d, 16, 16) each."""
    F, F_p, F_s = (maps[n] for n in ("features", "primary", "secondary"))
    block = model.fit.blocks[0]
    heads = attend(block, F_s, F_p).mT.unflatten(3, (16, 16))
    R, injected = heads.flatten(1, 2), block(F_s, F_p)
    assert torch.allclose(own_block(block, F_s, F_p), injected, atol=1e-3)
    change = injected - F_s
    assert torch.allclose(model.fit(F_p, F_s) - F, change, atol=1e-4)
    layers = {"F": F, "F_p": F_p, "F_s": F_s, "R, head 0": heads[:, 0]}
    layers |= {"R, head 1": heads[:, 1], "R": R, "MLP": injected - R}
    rest = injected - injected.mean(dim=(0, 2, 3), keepdim=True)
    return layers | {"I": injected, "I, common out": rest, "F_FIT − F": change}


# %%
layers = {}
for weights, model in models.items():
    with torch.no_grad():
        made = inside(model, maps[weights])
    layers[weights] = {f"|{n}|": x.norm(dim=1) for n, x in made.items()}


# %%
def by_region(x):
    """Each image's mean over the regions, (3, B)."""
    x = x.flatten(1)
    return torch.stack([regions.mean_over(x, w) for w in where.values()])


tables = {
    weights: torch.stack([by_region(x).nanmean(dim=1) for x in each.values()])
    for weights, each in layers.items()
}

# %%
fig = viz.theme.figure(9, 3.6)
rows, columns = list(layers["guided"]), [n.replace(" ", "\n") for n in where]
top = max(float(table.max()) for table in tables.values())
for ax, weights in zip(fig.subplots(1, 2), tables, strict=True):
    table = tables[weights]
    viz.maps.number_table(ax, table, rows, columns, weights, top)
values = {}
for weights, table in tables.items():
    rounded = table.double().numpy().round(2).tolist()
    values[weights] = dict(zip(rows, rounded, strict=True))
viz.show(fig, **caption("lengths", values=values))


# %%
def with_interval(values, digits=2):
    """Mean over images and its 95 % interval, as text; NaN is left out."""
    low, high = (f"{x:.{digits}f}" for x in mean_interval(values))
    return f"{values.nanmean():.{digits}f} [{low}, {high}]"


print("hidden hand / background")
for weights, each in layers.items():
    for name in ("|R, head 0|", "|R, head 1|", "|I|", "|I, common out|"):
        _, hidden, background = by_region(each[name])
        ratio = with_interval(hidden / background)
        print(f"{weights:12} {name:15} {ratio}")

# %% [markdown]
# - With the **guided** weights R is where the seminar's slides draw it: tens of
#   times as long on the hidden hand as on the background, in both heads.
# - With those **as published** it is not: in one head R is even *shorter* on the
#   hidden hand than on the background. What they draw is not what the
#   hand's error alone teaches.
# - In I the difference is hardly to be seen, for the reason of section 4: the
#   MLP writes as much on a wall as on a hand. Most of I is a **common vector**,
#   its mean over all cells and images, as if it were a bias. Without it (row
#   "I, common out") I is larger on the hand: much, if guided, a little, if not.
#
# **So far.** The guided block brings something to the hidden hand and little to
# the background; the published one does not choose. Section 8 asks *from where*.
#
# Browse the maps; the half-hidden hand of notebook 06 comes first.

# %%
half = int((batch.occlusion - 0.5).abs().argmin())
order = [half, *(i for i in range(0, 200, 12) if i != half)]
explorer = LayerExplorer(
    batch.image[order],
    batch.visible[order],
    batch.amodal[order],
    {f"{n}, {w}": x[order] for w, v in layers.items() for n, x in v.items()},
)
explorer.layer = "|R|, guided"
explorer.widget()

# %%
explorer.illustration()

# %%
fig = viz.theme.figure(9, 4.3)
shown = ("|F|", "|R, head 0|", "|R, head 1|", "|I|", "|I, common out|")
for weights, row in zip(layers, fig.subplots(2, 5), strict=True):
    for ax, name in zip(row, shown, strict=True):
        values, title = layers[weights][name][half], f"{weights}\n{name}"
        viz.maps.overlay(ax, batch.image[half], values, title)
        viz.maps.outline(ax, batch.amodal[half], viz.theme.ORANGE)
        viz.maps.outline(ax, batch.visible[half], viz.theme.SKY, "dotted")
viz.show(fig, **caption("half hidden"), dpi=90, colours=256)

# %% [markdown]
# And the positions? Their share in the variance of a query is what they bring
# to it, against what F_s brings. The released code draws them from N(0, 1),
# the course's network starts at `position_std=0.02`.


# %%
def share(position, block, F_s):
    """Of the positions in the variance of W_q (F_s + position)."""
    weight = block.query.weight
    of_features = nn.functional.conv2d(F_s, weight).var()
    of_position = nn.functional.conv2d(position, weight).var()
    return f"{of_position / (of_position + of_features):.1%}"


with torch.no_grad():
    for weights, model in models.items():
        block, F_s = model.fit.blocks[0], maps[weights]["secondary"]
        print(weights, "- trained:", share(block.query_position, block, F_s))
        for std in (1.0, 0.1, 0.02):
            drawn = std * torch.randn_like(block.query_position)
            print(f"    drawn at {std:4}:", share(drawn, block, F_s))

# %% [markdown]
# ## 8 From which finger does a hidden fingertip read?
#
# The story wants a hidden fingertip to ask its own finger. We take every
# fingertip that lies on a token of the hidden hand, and the tokens on which its
# finger, or another one, is seen. With the mass that its row sends to a finger,
# and the mass by chance (the share of those tokens among all keys), the
# **concentration** is one divided by the other: 1 is chance.
#
# ### Exercise 7.4
#
# Write the mean concentration over N queries, each with keys of its own.


# %% tags=["exercise"]
def concentration(correlation, own):
    """Rows (N, M) that sum to 1, and bool (N, M), to a number; 1 is chance."""
    ...


# %% tags=["check"]
check.concentration(concentration)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `(correlation * own).sum(dim=1)` is each query's mass on its own keys. What
# would a flat row give?
# </details>
# <details><summary>Hint 2</summary>
#
# Divide query by query, then take the mean.
# </details>


# %% tags=["solution"] jupyter={"source_hidden": true}
def concentration_solution(correlation, own):
    mass = (correlation * own).sum(dim=1)
    return (mass / own.float().mean(dim=1)).mean()


check.concentration(concentration_solution)

# %%
parts = torch.stack([s.masks.parts for s in samples[:200]])
fingers = regions.finger_shares(parts * batch.visible, 16)  # image finger key
tips = batch.joints_px[:, [FINGER_JOINTS[f][3] for f in FINGERS]]
cell = ((tips + 0.5) / 8).floor().long()  # 8 pixels a token
inside = ((cell >= 0) & (cell < 16)).all(dim=2)
token = (16 * cell[..., 1] + cell[..., 0]).where(inside, 0)
hidden_tip = where["hidden hand"].gather(1, token) & inside  # image finger
print(dict(zip(FINGERS, hidden_tip.sum(0).tolist(), strict=True)))

# %% [markdown]
# **Predict first.** Rows: the hidden tip that asks. Columns: the visible finger
# that it reads. Will the diagonal stand out?

# %%
by_chance = fingers.mean(dim=2)
seen = by_chance * 256 >= 1  # at least one token's worth
by_chance = by_chance.where(seen, torch.nan)
image, tip = hidden_tip.nonzero().unbind(dim=1)


def fingers_asked(soft):
    """Concentration of hidden tips' rows on fingers: tip head finger."""
    mass = torch.einsum("bhnm,bkm->bhnk", soft, fingers)
    return (mass / by_chance[:, None, None])[image, :, token[image, tip]]


asked = {w: fingers_asked(each["fit.0.softmax"]) for w, each in maps.items()}

# %%
fig = viz.theme.figure(9, 5.2)
tables = {
    f"{weights}, head {head}": torch.stack(
        [each[tip == f, head].nanmean(dim=0) for f in range(5)]
    )
    for weights, each in asked.items()
    for head in range(2)
}
top = max(float(table.max()) for table in tables.values())
for ax, name in zip(fig.subplots(2, 2).flat, tables, strict=True):
    title = f"{name}: hidden tip (row) reads finger"
    viz.maps.number_table(ax, tables[name], FINGERS, FINGERS, title, top, 1)
values = {n: t.double().numpy().round(2).tolist() for n, t in tables.items()}
viz.show(fig, **caption("fingers", values=values))

# %% [markdown]
# The fair question is not against chance but against the *other fingers*: a row
# that likes any finger passes the first test. So we subtract, for each hidden
# tip, the mean concentration on the other visible fingers, image by image.


# %%
def own_and_others(each):
    """A head's concentrations, by tip: on its own finger, on the others."""
    own = each.gather(1, tip[:, None])[:, 0]
    others = (each.nansum(dim=1) - own) / (~each.isnan()).sum(1).sub(1)
    known = own.isfinite() & others.isfinite()
    return own[known], others[known], image[known]


for weights, heads in asked.items():
    for head in range(2):
        own, others, asker = own_and_others(heads[:, head])
        excess = [(own - others)[asker == i].mean() for i in asker.unique()]
        print(f"{weights}, head {head}: own {own.mean():.2f},", end=" ")
        print(f"others {others.mean():.2f}, difference by image", end=" ")
        print(with_interval(torch.stack(excess)))

# %%
for weights, each in maps.items():
    soft = each["fit.0.softmax"]
    keys = (-(soft * soft.clamp_min(1e-12).log()).sum(-1)).exp().mean((0, 2))
    print(f"{weights}: a row is spread over", end=" ")
    print(" and ".join(f"{n:.0f}" for n in keys), "of 256 keys")

# %% [markdown]
# Rows are spread over most of the 256 keys. A head may like fingers that are
# seen, the published head 1 most of all, but it likes them *whoever asks*: with
# neither set of weights does any head ask the own finger more than the others.
# Guiding changed nothing here. It tells M which keys hold something and the
# gates which queries may receive; of *which key for which query* it says
# nothing. What is injected is closer to "a hand is seen, roughly like this" than
# to "your finger is bent by so much". In section 6, where the task demanded it,
# the same kind of block put most of its weight on the one right cell.
#
# **So far.** Something is injected (7), and it comes from the hand as a whole,
# not from the own finger (8). Does the gate at least know *where to*?
#
# ## 9 Where does the gate open?
#
# The gate should open on the occluded hand and close on the background. Pick a
# query of each at random: how often is the first gate larger? That is the AUC:
# 1 is perfect, 0.5 is chance.

# %%
nothing = where["background"]


def auc(gate, region):
    """Each image's AUC of a region's queries against the background's."""
    judged = where[region] | nothing
    images = zip(gate, where[region], judged, strict=True)
    return torch.tensor([roc_auc(g[j], hand[j]) for g, hand, j in images])


# %%
for weights, each in maps.items():
    gates = each["fit.0.gate"][..., 0]  # image head query
    for head in range(2):
        print(f"{weights}, head {head}, above background:", end=" ")
        for region in ("visible hand", "hidden hand"):
            found = with_interval(auc(gates[:, head], region))
            print(f"{region} {found}", end=", ")
        print(f"mean gate on it {gates[:, head][nothing].mean():.2f}")

# %% [markdown]
# The published gates do not find the hand: one opens *less* on the hidden hand
# than on the background (an AUC below 0.5), the other a little more, and both
# stay more than half open there. Nothing in the loss asked for more. Nor does
# longer training bring it: an earlier training of the same network, on a fifth
# as many images, had AUCs of 0.79 and 0.84 on the hidden hand. The longer one
# ended without them: one training of each, so a case and not a law.
#
# The guided gates find the whole hand almost without a mistake, behind the
# occluder, too, and are nearly shut elsewhere. They were told to; here it shows
# that a gate *can* know this from F_s and F_p.
#
# **So far.** Told what to show, a gate knows where to inject; left free, it does
# not. Last question: is any of it *needed*?
#
# ## 10 Take it away
#
# Seeing is not yet needing. We change what the block hands on, in the trained
# network, and predict 400 images again:
#
# - **zero**: I = 0, so F_FIT = F_p;
# - **common**: I is one vector everywhere, its mean over all cells of the batch;
# - **wrong image**: I of the image before;
# - **gate open**: C = C_soft;
# - **no choice**: W_q = 0, so every row is flat but keeps its gate;
# - **no positions**.
#
# **Predict first.** Root-aligned errors are a little above 20 mm. By how much
# will each change the error? And for which weights more: those whose gate was
# told what to do, or those that were free?


# %%
class Changed(nn.Module):
    """A block whose output is changed."""

    def __init__(self, block, change):
        super().__init__()
        self.block, self.change = block, change

    def forward(self, query, key):
        return self.change(self.block(query, key))


def changed(model, change):
    twin = copy.deepcopy(model)
    twin.fit.blocks[0] = Changed(twin.fit.blocks[0], change)
    return twin


# %%
def gate_open(model):
    twin = copy.deepcopy(model)
    twin.fit.blocks[0].gate = None
    return twin


def common(x):
    return x.mean(dim=(0, 2, 3), keepdim=True).expand_as(x)


# %% [markdown]
# The library's `without` copies a network and sets the parameters whose names
# begin so to zero.

# %%
POSITIONS = ("fit.blocks.0.query_position", "fit.blocks.0.key_position")
ablations = {
    "as trained": lambda model: model,
    "zero": lambda model: changed(model, torch.zeros_like),
    "common": lambda model: changed(model, common),
    "wrong image": lambda model: changed(model, lambda x: x.roll(1, dims=0)),
    "gate open": gate_open,
    "no choice": lambda model: without(model, "fit.blocks.0.query."),
    "no positions": lambda model: without(model, *POSITIONS),
}

# %%
del maps, soft, made
everything = collate(samples)
truth = everything.joints


@torch.no_grad()
def errors(network):
    """Root-aligned error of every image, mm."""
    joints = [network(x).joints for x in everything.image.split(50)]
    return 1000 * root_aligned_mpjpe(torch.cat(joints), truth)


# %%
losses = {}
for weights, model in models.items():
    found = {name: errors(make(model)) for name, make in ablations.items()}
    whole = found.pop("as trained")
    print(f"{weights}: {whole.mean():.1f} mm as trained")
    losses[weights] = {name: x - whole for name, x in found.items()}
    for name, loss in losses[weights].items():
        print(f"    {name:12} {with_interval(loss)} mm")

# %%
shown = ("zero", "common", "wrong image", "gate open")
changes = {
    weights: {n: by_occlusion(each[n], everything.occlusion) for n in shown}
    for weights, each in losses.items()
}
counts = [row.count for row in changes["guided"]["zero"]]
print("images in each bin:", counts)

# %%
fig = score_plots.change_by_occlusion(changes)
values = {
    weights: {n: [round(r.mean, 2) for r in rows] for n, rows in each.items()}
    for weights, each in changes.items()
}
viz.show(fig, **caption("ablation", values=values))

# %% [markdown]
# Read the intervals, not the points.
#
# - **Zero** costs something with both, more with the guided weights. That looks
#   like what injecting is worth. Now read **common**: with *one vector* in all
#   cells of all images most of the cost is gone, with the guided weights all
#   that 400 images can show. The layers behind were trained with this bias, and
#   zero took it away. So take a part away twice: by zero, and by its mean.
# - What I says about *this* place of *this* image is then worth a few tenths of
#   a millimetre with the published weights, and nothing that shows with the
#   guided ones, whose maps are so much clearer.
# - An open **gate** harms the guided network more than a common I does: it now
#   injects on the background, where it never did. To be needed and to be
#   disturbed by are two things.
# - **Choice** and **positions** make no difference to either.
#
# SET, the hourglass and a backbone that sees far carry information around the
# occluder without FIT.
#
# **What we may conclude.** *Capability*: FIT can fetch what only a distant
# token tells (section 6), and its gate can know the hidden hand. *Behaviour*:
# trained for the hand's error alone, it does not inject as the slides draw it;
# told to, it does, but reads from everywhere still (7 to 9). *Need*: at test
# time neither network needs more of it than a bias and, as published, a few
# tenths of a millimetre.
#
# ### Does FIT help?
#
# Taking a part out of a trained network disturbs the others. What FIT brings
# shows when networks with and without it are *trained*, with the same images
# and from several seeds: `handlib experiment parts` does that. The paper
# reports 9.1 mm on HO-3D with FIT and SET, 10.6 mm with neither, one training
# each. Ours go on from one trained backbone per seed; the course ships what
# came out:

# %% tags=["nbval-check-output"]
evidence = load_evidence("parts")
print("RA error (mm): mean of three seeds (smallest to largest)")
for name, found in evidence["spread"].items():
    error, gain = found["root_aligned"], found["gain_hidden"]
    low, mean, high = (error[key] for key in ("min", "mean", "max"))
    print(f"{name:18} {mean:.2f} ({low:.2f} to {high:.2f});", end=" ")
    print(f"hidden most: {gain['mean']:+.2f} below the backbone")

# %%
illustration("parts", evidence)

# %% [markdown]
# Read it as it stands. The means differ by no more than seeds do: neither FIT
# nor SET, nor both, nor the other pooling, nor two blocks bring anything that
# shows, and F_p alone, which the paper argues against, costs nothing either.
# Where most is hidden it is the same. M tells the visible hand from the rest in
# every seed; what a gate tells differs from seed to seed, on both sides of
# chance, since nothing asks it to mean anything.
#
# That is no proof that FIT cannot help. In section 6, where nothing else could
# fetch what a distant token knows, FIT was needed; here the ResNet's last stages
# may have fetched it before. Notebook [08](08_set.ipynb) takes such rivals away,
# one by one, and finds when FIT and SET help a hand. With the course's network as
# it is, the gain of the paper's table is not reproduced, and we do not claim it.
#
# ## 11 Paper against code
#
# {{ paper_against_code }}
#
# Try it: in section 5, build both blocks with `query_residual=True` and change
# one line of `own_block` so that the proof holds again.
#
# ## 12 Quiz
#
# {{ quiz }}

# %% [markdown]
# With a kernel you can click your answers:

# %% tags=["quiz"]
quiz.show("07")

# %% [markdown]
# ## Summary
#
# - FIT asks with F_s and reads from F_p: R = C·V, head by head, with positions
#   in queries and keys but not in values, and no query residual.
# - x + MLP(LN(x)) follows; the layer norm divides the gate out again.
# - F_FIT is F_p plus what was injected (paper), or convolutions of both (code).
# - Where the answer lies in a distant token alone, FIT finds it, and short
#   convolutions and F_p cannot. Softmax alone can stay silent, too, as long as
#   there is an empty key or an MLP.
# - Trained for the hand's error alone, the course's gates do not find the hand;
#   told to, they do at once. In both networks the rows are nearly flat, and no
#   hidden tip asks its own finger.
# - At test time nearly all of I can be replaced by one vector. Seeing is not yet
#   needing; and an ablation by zero also takes a bias away.
# - Our half-hidden hand, guided: R is no shorter on its hidden part (mean 0.41)
#   than on the visible one (0.35), and next to nothing on the background (0.01).
#   So the heads write behind the book and the can.
#
# ## 요약
#
# - FIT은 F_s로 질문하고 F_p에서 읽습니다. Head별로 R = C·V를 계산하며, position은
#   query와 key에만 더하고 value에는 더하지 않습니다. Query residual은 없습니다.
# - 그 뒤에 x + MLP(LN(x))가 이어집니다. Layer norm은 gate가 줄인 크기를 다시
#   되돌립니다.
# - F_FIT은 논문에서는 F_p와 주입된 값의 합이고, 공개 코드에서는 둘을 이어 붙인 뒤
#   convolution을 적용한 결과입니다.
# - 답이 멀리 있는 token 하나에만 있을 때 FIT은 그 답을 찾아내지만, 좁은
#   convolution과 F_p만으로는 찾을 수 없습니다. Softmax만 쓰더라도 비어 있는 key나
#   MLP가 있으면 아무것도 주입하지 않는 법을 배울 수 있습니다.
# - 손의 오차만으로 학습한 네트워크의 gate는 손을 찾지 못하지만, 무엇을 보여야 하는지
#   직접 알려 주면(guided) 바로 찾습니다. 두 네트워크 모두 softmax 행은 거의 평평하고,
#   가려진 손끝이 자기 손가락을 더 읽지도 않습니다.
# - 학습된 네트워크에서 I는 거의 전부 하나의 공통 벡터로 바꾸어도 됩니다. 보인다고 해서
#   꼭 필요한 것은 아니며, 0으로 바꾸는 ablation은 bias까지 함께 없앱니다.
# - 절반이 가려진 우리 손(guided)에서 R의 평균 크기는 가려진 부분 0.41, 보이는 부분 0.35,
#   배경 0.01입니다. 즉 head는 책과 캔 뒤의 손에도 정보를 씁니다.
#
# ## References
#
# - J. Park, Y. Oh, G. Moon, H. Choi, K. M. Lee. *HandOccNet:
#   Occlusion-Robust 3D Hand Mesh Estimation Network.* CVPR 2022. Section 3.3.
# - J. L. Ba, J. R. Kiros, G. E. Hinton. *Layer Normalization.* 2016.
# - G. Xiao et al. *Efficient Streaming Language Models with Attention Sinks.*
#   ICLR 2024. Keys that collect the weight which softmax must put somewhere.
# - S. Jain, B. C. Wallace. *Attention is not Explanation.* NAACL 2019. Why a map
#   of weights does not show what a network needs.
