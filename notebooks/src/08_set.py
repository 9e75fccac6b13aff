# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
#   handlib:
#     number: "08"
#     title: SET
#     title_ko: SET, F_FIT을 스스로 다듬기
#     summary: >-
#       The self-enhancing transformer lets every place of F_FIT read every other one and keeps what
#       was there; here it is built whole, its two versions are told apart, and what the trained one
#       reads, changes and is worth is measured.
#     summary_ko: >-
#       Self-Enhancing Transformer(SET)는 F_FIT의 모든 위치가 서로를 읽게 하여 F_SET으로 refine합니다. 이
#       notebook에서는 SET 전체를 직접 만들고, 논문과 공개 코드의 차이를 구분한 뒤, 학습된 SET이 무엇을 읽고 무엇을 바꾸며
#       오차에 얼마나 도움이 되는지 측정합니다.
#     objectives:
#       - explain what SET has and FIT has not, and why a residual changes what a gate could do
#       - build SET equal to the library's, with keys that stay (code) and keys that follow (paper)
#       - show that self-attention without positions treats all orders of the tokens alike
#       - measure what a trained SET reads and changes, and whether the choice of keys matters
#       - count what N×N costs, and compute attention without ever holding the table
#     objectives_ko:
#       - SET과 FIT의 차이, 그리고 residual이 있을 때 gate의 의미가 어떻게 달라지는지 설명할 수 있습니다
#       - Key가 고정된 SET(공개 코드)과 갱신되는 SET(논문)을 library와 똑같이 만들 수 있습니다
#       - Position이 없는 self-attention이 token의 순서와 무관함을 보일 수 있습니다
#       - 학습된 SET이 무엇을 읽고 바꾸는지, key의 선택이 중요한지 측정할 수 있습니다
#       - N×N의 비용을 계산하고, 행렬 전체를 만들지 않고 attention을 구할 수 있습니다
#     prerequisites: FIT's block, heads, positions and MLP, [07](07_fit.ipynb)
#     minutes_to_do: 45
#     minutes: 2
#     memory_mb: 2200
#     data: 400 synthetic test images, made on the spot
#     seed: 8
# ---

# %% [markdown]
# {{ header }}

# %% tags=["setup"]
import copy

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from handlib import viz
from handlib.course import quiz
from handlib.course.captions import captions
from handlib.course.checks import nb08 as check
from handlib.course.sizes import largest_result
from handlib.data import SyntheticHands, collate
from handlib.experiments.catalogue import first_look, illustration
from handlib.experiments.evidence import load_evidence, spread_table
from handlib.hands.skeleton import FINGER_JOINTS, FINGERS, MANO_JOINT_NAMES
from handlib.metrics import by_occlusion, mean_interval, root_aligned_mpjpe
from handlib.models import record
from handlib.models.ablation import without
from handlib.models.attention import join_heads, split_heads
from handlib.models.block import AttentionBlock, to_map, to_tokens
from handlib.models.set import SET
from handlib.viz import feature_colours, regions, score_plots
from handlib.viz.attention_explorer import AttentionExplorer
from handlib.weights import load_both_handoccnets

_ = torch.manual_seed(8)
torch.set_printoptions(precision=2, sci_mode=False)
caption = captions("08")

# %% [markdown]
# ## 1 A map that asks itself
#
# FIT has written what the visible hand tells over the occluded region; the
# result is F_FIT. It is a patchwork: some tokens come from the image, some were
# filled in, and a few were filled in wrongly. **SET**, the self-enhancing
# transformer, lets every token look at all others, near and distant, and
# refines F_FIT to **F_SET**.
#
# Four tokens, two channels: is this a hand (1) or not (−1), and how far is the
# middle finger bent? Palm and knuckle are seen. At the hidden tip FIT injected
# too little, 0.2. And it injected 0.6 on the wall, where no finger is.

# %% tags=["nbval-check-output"]
places = ["palm", "knuckle", "hidden tip", "wall"]
F_FIT = torch.tensor([[1, 0.9], [1, 0.7], [1, 0.2], [-1, 0.6]])
print(F_FIT)

# %% [markdown]
# In **self-attention** queries, keys and values all come from the same map.
# Here queries and keys read the first channel, times 2, and values the second.
# SET uses C_soft alone, and keeps its query: the **query residual**.
#
# $$ x = F_{FIT} + C_{soft}\,V $$
#
# **Predict first.** Which keys will the hidden tip's row choose? And the
# wall's? In notebook 06 a wall that matched no key was filled with thumb.

# %% tags=["nbval-check-output"]
names = torch.tensor([[2.0, 0.0], [0.0, 0.0]])
bends = torch.tensor([[0.0, 0.0], [0.0, 1.0]])
scores = (F_FIT @ names) @ (F_FIT @ names).T / 2**0.5
C_soft = scores.softmax(dim=1)
x = F_FIT + C_soft @ (F_FIT @ bends)
print("C_soft", C_soft, "x = F_FIT + C V", x, sep="\n")

# %%
fig = viz.theme.figure(9, 2.4)
axes = fig.subplots(1, 3, width_ratios=(2, 4, 2), sharey=True)
channels, top = ["hand?", "bend"], 1.5
viz.maps.number_table(axes[0], F_FIT, places, channels, "F_FIT", top)
keys = [name.replace(" ", "\n") for name in places]
viz.maps.number_table(axes[1], C_soft, places, keys, "C_soft")
viz.maps.number_table(axes[2], x, places, channels, "x = F_FIT + C V", top)
viz.show(fig, **caption("four places"))

# %% [markdown]
# The hidden tip reads palm and knuckle, and its bend rises from 0.2 to 0.8. Now
# look at the wall. It *does* have a key that matches: itself.
#
# ### Exercise 8.1
#
# Write one head of self-attention with its residual, without the MLP.


# %% tags=["exercise"]
def refine(features, to_query, to_key, to_value):
    """(N, C), encoded by (C, d), (C, d) and (C, C), to the refined (N, C)."""
    ...


# %% tags=["check"]
check.refine(refine)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Three products encode the same features in three ways. d is the number of
# columns of `to_query`.
# </details>
# <details><summary>Hint 2</summary>
#
# `scores.softmax(dim=1) @ (features @ to_value)` is what is read. What must be
# added to it?
# </details>
#
# **Solution**, folded: click the three dots to open it.


# %% tags=["solution"] jupyter={"source_hidden": true}
def refine_solution(features, to_query, to_key, to_value):
    query, key = features @ to_query, features @ to_key
    scores = query @ key.T / to_query.shape[1] ** 0.5
    return features + scores.softmax(dim=1) @ (features @ to_value)


check.refine(refine_solution)

# %% [markdown]
# ## 2 Why no gate?
#
# FIT multiplies every row of C_soft by a gate. SET has none. The wall's bend is
# wrong, and went *up*, from 0.6 to 1.2.
#
# **Predict first.** We give SET a gate after all, and close it on the wall.
# What becomes of the wall's bend?

# %% tags=["nbval-check-output"]
gate = torch.tensor([[1.0], [1.0], [1.0], [0.0]])
print("FIT's way, C V:      ", (gate * C_soft @ F_FIT)[3])
print("SET's way, F + C V:  ", (F_FIT + gate * C_soft @ (F_FIT @ bends))[3])

# %% [markdown]
# Without a residual a closed gate empties the token. With the residual it means
# "stay as you are": the wrong 0.6 stays. To lower anything, SET must *subtract*
# it, with a value that has a minus sign. Let the values carry 0.6 times
# "hand?":

# %% tags=["nbval-check-output"]
signed = torch.tensor([[0.0, 0.6], [0.0, 0.0]])
print("bends:", (F_FIT + C_soft @ (F_FIT @ signed))[:, 1])

# %% [markdown]
# Every hand token gains about 0.6, the wall loses 0.6 and is clean. So SET *can*
# do without a gate, for two reasons:
#
# - query and key come from one map, so every query has at least one key of its
#   own kind; FIT's F_s and F_p are different things;
# - the residual keeps the token, so a bad row adds to it but cannot replace it.
#
# Those are reasons why it could work. Whether a trained SET chooses its own
# kind, and whether it cleans the wall, we measure in sections 6 and 8.
#
# | | FIT ([06](06_softmax_or_sigmoid.ipynb), [07](07_fit.ipynb)) | SET |
# |---|---|---|
# | queries from | F_s | F_FIT |
# | keys and values from | F_p | F_FIT |
# | correlation | C_soft ⊗ C_sig | C_soft |
# | before the MLP | C V | F_FIT + C V |
# | "nothing fits" | gate to 0 | own key, or a value with a minus |
#
# ## 3 The whole block
#
# Heads, positions and the step x + MLP(LN(x)) are those of
# [07](07_fit.ipynb). So the block is short:


# %%
def encode(layer, tokens, heads):
    """A 1×1 convolution is one matrix for all tokens."""
    encoded = tokens @ layer.weight.flatten(1).T + layer.bias
    return split_heads(encoded, heads)


def self_attention(block, refined, features):
    """C_soft of every head, (B, A, N, N)."""
    asks = to_tokens(refined + block.query_position)
    is_asked = to_tokens(features + block.key_position)
    q = encode(block.query, asks, block.heads)
    k = encode(block.key, is_asked, block.heads)
    return (q @ k.mT / q.shape[-1] ** 0.5).softmax(dim=-1)


# %%
def read(block, refined, features):
    """C·V, heads side by side, as a map."""
    v = encode(block.value, to_tokens(features), block.heads)
    attended = self_attention(block, refined, features) @ v
    return to_map(join_heads(attended), like=refined)


def own_block(block, refined, features):
    x = refined + read(block, refined, features)  # the residual
    return x + block.mlp(x)


# %%
def new_block(cells=4):
    return AttentionBlock(8, cells, 2, 2, gate=None, query_residual=True)


blocks = [new_block(), new_block()]
features = torch.randn(1, 8, 4, 4)
with torch.no_grad():
    ours = own_block(blocks[0], features, features)
    theirs = SET(blocks[:1], update_keys=True)(features)
assert torch.allclose(ours, theirs, atol=1e-5)

# %% [markdown]
# ## 4 Two blocks: whose keys?
#
# The paper has one block, and self-attention is clear. The released code stacks
# two. The second takes the *refined* map as query, but keys and values are
# still F_FIT: its code never updates them (row H9 in section 11).
#
# Three places in a row, a, b and c. To see who hears of whom, each attends only
# to its right neighbour (c to itself), values are passed on as they are, and
# there is no MLP.
#
# **Predict first.** After two blocks, does a know what was at c, in the code?
# And if the keys follow?


# %%
class Hop(nn.Module):
    """A linear block: query + A·key."""

    def forward(self, query, key):
        right = torch.cat([key[..., 1:], key[..., -1:]], dim=-1)
        return query + right


# %% tags=["nbval-check-output"]
own_names = torch.eye(3).view(1, 3, 1, 3)  # channel j: what was at place j
heard = {}
for name, follow in {"keys stay": False, "keys follow": True}.items():
    hops = SET([Hop(), Hop()], update_keys=follow)
    heard[name] = hops(own_names)[0, :, 0].T  # row: who knows, column: of whom
    print(name, heard[name], sep="\n")

# %%
A = torch.tensor([[0.0, 1, 0], [0, 0, 1], [0, 0, 1]])
assert torch.equal(heard["keys stay"], torch.eye(3) + A + A)
assert torch.equal(
    heard["keys follow"], (torch.eye(3) + A) @ (torch.eye(3) + A)
)

# %% [markdown]
# - Keys that stay: I + A₁ + A₂. Everyone reads twice from the *first* map, and
#   a never hears of c: one hop.
# - Keys that follow: (I + A₂)(I + A₁). It contains A₂A₁, the second hop: b has
#   heard c, and a reads it at b.
#
# With softmax every A reaches every place at once, so two hops are not needed
# to *reach* far. They are needed when b must first work out what a should read.
#
# The same sums, with ½(I + A) in the place of I + A so that rows add up to 1,
# are called **attention rollout**: a guess at which places of the first map a
# place of the last one depends on. Section 7 uses it.
#
# ### Exercise 8.2
#
# Write SET for any list of blocks.


# %% tags=["exercise"]
def set_features(blocks, features, update_keys):
    """Functions block(query, key) and F_FIT (B, C, h, w) to F_SET."""
    ...


# %% tags=["check"]
check.set_features(set_features)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# What do the first block's query and key have in common, whatever
# `update_keys` says?
# </details>
# <details><summary>Hint 2</summary>
#
# Overwrite `refined` in a loop. Inside, the key is `refined` or `features`.
# Nothing is added afterwards: each block has its own residual.
# </details>


# %% tags=["solution"] jupyter={"source_hidden": true}
def set_features_solution(blocks, features, update_keys):
    refined = features
    for block in blocks:
        refined = block(refined, refined if update_keys else features)
    return refined


check.set_features(set_features_solution)

# %% [markdown]
# And our own block, twice, against the library's SET in both versions:

# %% tags=["nbval-check-output"]
both = {}
for follow in (False, True):
    with torch.no_grad():
        once = own_block(blocks[0], features, features)
        ours = own_block(blocks[1], once, once if follow else features)
        both[follow] = SET(blocks, update_keys=follow)(features)
    assert torch.allclose(ours, both[follow], atol=1e-5)
different = not torch.allclose(both[False], both[True], atol=1e-2)
print("the two versions differ:", different)

# %% [markdown]
# Weights trained with one version give other numbers in the other, and nothing
# complains: the shapes agree. The paper reports that a second SET block gains
# nothing (9.2 mm on HO-3D against 9.1); row H8 is in [07](07_fit.ipynb).
#
# ## 5 Positions
#
# **Predict first.** We shuffle the 16 tokens of F_FIT before SET, with its
# positions set to zero. How is the result related to the one without
# shuffling?


# %%
def shuffled(x, order):
    return x.flatten(2)[..., order].view_as(x)


placeless = without(blocks[0], "query_position", "key_position")
order = torch.randperm(16)

# %% tags=["nbval-check-output"]
for name, block in {"without": placeless, "with": blocks[0]}.items():
    alone = SET([block], update_keys=True)
    with torch.no_grad():
        before = alone(shuffled(features, order))
        after = shuffled(alone(features), order)
    same = torch.allclose(before, after, atol=1e-5)
    print(f"{name} positions: shuffle, then SET = SET, then shuffle: {same}")

# %% [markdown]
# Self-attention and MLP treat tokens as a *set*: SET(PF) = P SET(F) for every
# permutation P. That is called **permutation equivariance**. Without positions
# "the palm is below the finger" cannot be used, unless F itself tells where a
# token lies. (It does: [04](04_backbone_and_feature_pyramid.ipynb) finds that
# much of F depends on the place alone.)
#
# ## 6 What does a trained SET read?
#
# The course's HandOccNet has one SET block with two heads on 16×16 tokens. We
# look into both sets of weights ([07](07_fit.ipynb)): **as published**, and
# **guided**, where M and FIT's gates were told what to show. Nothing tells SET
# anything in either; but with the guided weights it gets an F_FIT into which
# FIT has injected on the hand alone.

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
    names = ("features", "fit", "set", "fit.0.softmax", "set.0.softmax")
    maps[weights] = {name: recorded[name] for name in names}
rows = {w: each["set.0.softmax"] for w, each in maps.items()}  # B A N N

# %%
for weights, model in models.items():
    block, F_FIT = model.set.blocks[0], maps[weights]["fit"]
    with torch.no_grad():
        own_rows = self_attention(block, F_FIT, F_FIT)
        own_SET = own_block(block, F_FIT, F_FIT)
    assert torch.allclose(own_rows, rows[weights], atol=1e-5)
    assert torch.allclose(own_SET, maps[weights]["set"], atol=1e-3)


# %%
def with_interval(values, groups=None):
    """Mean over images and its 95 % interval, as text; NaN is left out."""
    low, high = mean_interval(values, groups)
    return f"{values.nanmean():.2f} [{low:.2f}, {high:.2f}]"


# %% [markdown]
# **Predict first.** Section 2 said that every query has a key of its own kind,
# itself. How much of its row does a token keep for itself? By chance: 1/256.

# %%
for weights, heads in rows.items():
    for head in range(2):
        soft = heads[:, head]
        itself = soft.diagonal(dim1=1, dim2=2).mean() * 256
        best = (soft.argmax(dim=2) == torch.arange(256)).float().mean()
        spread = (-(soft * soft.clamp_min(1e-12).log()).sum(2)).exp().mean()
        print(f"{weights}, head {head}:", end=" ")
        print(f"itself {itself:.1f} × chance,", end=" ")
        print(f"best key for {best:.0%}; spread over {spread:.0f} of 256 keys")

# %% [markdown]
# A query hardly prefers itself, and its row is spread over nearly all keys
# (the number is exp of the row's entropy: 256 for a flat row). Encoding query
# and key with two *different* matrices takes the sure match away.
#
# ### Exercise 8.3
#
# SET is said to bring *distant* information. Write how far a query looks: the
# mean distance, in cells, from the query's cell to the keys that it reads.


# %% tags=["exercise"]
def mean_distance(attention, side):
    """(N, N) rows over a grid of side² = N tokens, row by row, to (N,)."""
    ...


# %% tags=["check"]
check.mean_distance(mean_distance)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Token n lies in row n // side and column n % side. Make an (N, N) table of
# distances first.
# </details>
# <details><summary>Hint 2</summary>
#
# `torch.cdist(cells, cells)` of an (N, 2) tensor gives all Euclidean distances.
# Weigh them with the attention and sum over the keys.
# </details>


# %% tags=["solution"] jupyter={"source_hidden": true}
def mean_distance_solution(attention, side):
    n = torch.arange(side * side)
    cells = torch.stack([n // side, n % side], dim=1).to(attention.dtype)
    return (attention * torch.cdist(cells, cells)).sum(dim=1)


check.mean_distance(mean_distance_solution)

# %%
n = torch.arange(256)
cells = torch.stack([n // 16, n % 16], dim=1).float()
far = torch.cdist(cells, cells)
for weights, heads in rows.items():
    nearer = (heads.mean(dim=1) * far).sum(dim=2) - far.mean(dim=1)
    for name, here in where.items():
        chance = regions.mean_over(far.mean(1).expand(len(here), -1), here)
        difference = with_interval(regions.mean_over(nearer, here))
        print(f"{weights}, query on {name:12}: {difference}", end=" ")
        print(f"cells against {chance.nanmean():.1f} by chance")

# %% [markdown]
# A cell or so nearer than chance, that is all: SET reads from everywhere. And
# which region from which? 1 is again what a flat row would give.

# %%
def who_reads_whom(soft):
    """Each image's mass by pair of regions, in multiples of chance."""
    table = {}
    for query, asks in where.items():
        for key, answers in where.items():
            mass = torch.einsum("bhnm,bm->bn", soft / 2, answers.float())
            share = answers.float().mean(1)
            share = share.where(share * 256 >= 1, torch.nan)
            table[query, key] = regions.mean_over(mass, asks) / share
    return table


# %%
read_by = {weights: who_reads_whom(soft) for weights, soft in rows.items()}
for pair in read_by["guided"]:
    found = [f"{w} {with_interval(t[pair])}" for w, t in read_by.items()]
    print(f"{pair[0]:12} reads {pair[1]:12}", "; ".join(found))

# %%
fig, names = viz.theme.figure(9, 2.6), [n.replace(" ", "\n") for n in where]
values = {}
for ax, weights in zip(fig.subplots(1, 2), read_by, strict=True):
    means = [ratio.nanmean() for ratio in read_by[weights].values()]
    means, title = torch.stack(means).view(3, 3), f"{weights}: row reads"
    viz.maps.number_table(ax, means, list(where), names, title, 2.0)
    values[weights] = means.double().numpy().round(2).tolist()
viz.show(fig, **caption("who reads whom", values=values))

# %% [markdown]
# - **As published** all rows like the hand, the background's too: the hand is
#   read more than chance, whoever asks.
# - **Guided**, the rows choose their own kind, weakly: the hand reads the hand,
#   the background reads everything alike. It is easier to tell the two apart in
#   an F_FIT whose background FIT has left empty.
#
# **So far.** SET reads from everywhere, and a little more from the hand. Is it
# the *right* part of the hand?
#
# ## 7 A fingertip and its palm
#
# The paper's figure shows fingertips joined to the palm after SET. If that is
# SET's attention, a tip should read its own finger and the palm. We take all
# tips on a token of the visible or of the hidden hand, and the tokens of their
# finger, of the other fingers, and of the palm (the whole hand's, hidden or
# not).

# %%
parts = torch.stack([s.masks.parts for s in samples[:200]])
fingers = regions.finger_shares(parts, 16)  # image finger token
wrist = 1 + MANO_JOINT_NAMES.index("wrist")  # its skin is the palm
palm = regions.to_grid(parts == wrist, 16).flatten(1)
tips = batch.joints_px[:, [FINGER_JOINTS[f][3] for f in FINGERS]]
cell = ((tips + 0.5) / 8).floor().long()  # 8 pixels a token
inside = ((cell >= 0) & (cell < 16)).all(dim=2)
tip_token = (16 * cell[..., 1] + cell[..., 0]).where(inside, 0)


# %% [markdown]
# Beside SET's own rows we take the rollout through FIT and SET, which guesses
# what of F_p a tip's F_SET depends on, and, for a fair comparison, a rule that
# knows nothing of hands and only looks *near*: a bell of four cells.

# %%
near = (-far.square() / 32).softmax(dim=1).expand(len(fingers), -1, -1)
ways = {"near alone": near}
for weights, each in maps.items():
    ways[f"SET, {weights}"] = rows[weights].mean(1)
    half_way = torch.eye(256) + each["fit.0.softmax"].mean(1)
    rollout = (torch.eye(256) + rows[weights].mean(1)) @ half_way / 4
    ways[f"rollout, {weights}"] = rollout



def compared(asked, keys):
    """Mass of rows (T, N) on key shares (T, N), in multiples of chance."""
    chance = keys.mean(dim=1)
    chance = chance.where(chance * 256 >= 1, torch.nan)
    return (asked * keys).sum(dim=1) / chance


# %%
def tip_reads(attention, region):
    """What tips read: by name, and the image of each tip."""
    on = where[region].gather(1, tip_token) & inside
    image, finger = on.nonzero().unbind(dim=1)
    asked = attention[image, tip_token[image, finger]]
    own = fingers[image, finger]
    keys = {"own finger": own, "other fingers": fingers[image].sum(1) - own}
    keys |= {"palm": palm[image], "background": where["background"][image]}
    found = {n: compared(asked, k.float()) for n, k in keys.items()}
    return found, image


# %% [markdown]
# **Predict first.** Own finger, other fingers, palm: which is read most by a
# hidden tip?

# %%
for region in ("visible hand", "hidden hand"):
    for way, attention in ways.items():
        found, image = tip_reads(attention, region)
        print(f"tip on {region}, {way} ({len(image)} tips)")
        found["own − others"] = found["own finger"] - found["other fingers"]
        for name, ratio in found.items():
            print(f"    {name:14} {with_interval(ratio, image)}")

# %% [markdown]
# - Fingers are read more than chance. A *visible* tip reads its own finger more
#   than the others; a *hidden* one does not, with either set of weights.
# - The rule that only looks near prefers the own finger more than SET does. So a
#   high number for "own finger" alone would not prove that SET knows fingers.
# - Guiding M and the gates did not help here: which key belongs to which query
#   is not what they were told.
# - Rollout puts weight on the tip itself by its assumption that half of
#   everything is kept. It is a guess, not a measurement.
#
# Look for yourself; the hand is the half-hidden one of notebook 06, and the
# query a token of its hidden part.

# %%
half = int((batch.occlusion - 0.5).abs().argmin())
hidden = where["hidden hand"][half].nonzero()[:, 0].tolist()
explorer = AttentionExplorer(
    batch.image[half],
    {weights: soft[half].mean(dim=0) for weights, soft in rows.items()},
    query=divmod(hidden[len(hidden) // 2], 16),
    amodal=batch.amodal[half],
)
explorer.widget()

# %%
explorer.illustration()

# %% [markdown]
# A single row may well show that hidden fingers read the seen ones. The numbers
# above say how often that is so.
#
# **So far.** Rows tell hand from background at most (6), and no finger from
# another where it is hidden (7). But a row is only what is read; what has become
# of the features?
#
# ## 8 From F_FIT to F_SET
#
# The paper's figure makes two claims about F_SET: fingertips are joined to the
# palm, and occluded regions that have nothing to do with the hand weigh less.
# First the half-hidden hand. The 48 channels are drawn by their three principal
# components, the directions in which the features of all images differ most:
# first as lightness, second blue to yellow, third green to red. The two maps of
# a network share one basis. Beside them, the length of each feature.

# %%
def drawn(each):
    """Colours and lengths of F_FIT and F_SET at the half-hidden hand."""
    pair = torch.cat([each["fit"], each["set"]])
    components, shares = feature_colours.principal_components(pair)
    print(f"three components hold {shares.sum():.0%} of the variance")
    here = [half, len(where["background"]) + half]
    return feature_colours.to_colours(components[here]), pair[here].norm(dim=1)


seen, whole = batch.visible[half], batch.amodal[half]
fig = viz.theme.figure(9, 4.3)
axes = dict(zip(maps, fig.subplots(2, 5), strict=True))

# %%
for weights, row in axes.items():
    colours, lengths = drawn(maps[weights])
    viz.maps.show_image(row[0], batch.image[half], weights)
    span = (0.0, float(lengths.max()))
    for i, name in enumerate(("F_FIT", "F_SET")):
        viz.maps.show_image(row[1 + i], colours[i], f"{name}, colours")
        row[1 + i].images[0].set_extent((-0.5, 127.5, 127.5, -0.5))
        ax = row[3 + i]
        viz.maps.overlay(ax, batch.image[half], lengths[i], f"|{name}|", span)
    for ax in row:
        viz.maps.outline(ax, whole, viz.theme.ORANGE)
        viz.maps.outline(ax, seen, viz.theme.SKY, "dotted")
viz.show(fig, **caption("half hidden"), dpi=90, colours=256)


# %% [markdown]
# One picture is an anecdote. Over 200 images: the length on each region, and of
# the two things that SET adds, C·V and the MLP.
#
# A vector that *every* cell of every image gets makes all lengths grow and
# tells nothing; the next layer can subtract it with its bias. So we look a
# second time with this common vector taken out.
#
# **Predict first.** Does the background weigh less after SET?


# %%
def without_common(x):
    return x - x.mean(dim=(0, 2, 3), keepdim=True)


def by_region(values):
    """Each image's mean over the regions, (3, B)."""
    values = values.flatten(1)
    return torch.stack([regions.mean_over(values, w) for w in where.values()])


# %%
@torch.no_grad()
def sizes(model, each):
    """How long what SET gets, adds and gives is, on each region."""
    F_FIT, F_SET = each["fit"], each["set"]
    CV = read(model.set.blocks[0], F_FIT, F_FIT)
    steps = {"F_FIT": F_FIT, "C V": CV, "MLP": F_SET - F_FIT - CV}
    steps |= {"F_SET": F_SET}
    rest = {f"{n}, common out": without_common(x) for n, x in steps.items()}
    return {n: by_region(x.norm(dim=1)) for n, x in (steps | rest).items()}


# %%
found = {w: sizes(model, maps[w]) for w, model in models.items()}
tables = {
    weights: torch.stack([x.nanmean(dim=1) for x in each.values()])
    for weights, each in found.items()
}

# %%
fig = viz.theme.figure(9, 3.2)
top = max(float(table.max()) for table in tables.values())
columns = [name.replace(" ", "\n") for name in where]
for ax, weights in zip(fig.subplots(1, 2), tables, strict=True):
    table, names = tables[weights], list(found[weights])
    viz.maps.number_table(ax, table, names, columns, weights, top)
values = {w: t.double().numpy().round(2).tolist() for w, t in tables.items()}
viz.show(fig, **caption("lengths", values=values))

# %%
for weights, each in found.items():
    print(f"{weights}: background / visible hand")
    for ending in ("", ", common out"):
        ratios = {}
        for name in ("F_FIT", "F_SET"):
            on_hand, _, background = each[name + ending]
            ratios[name] = background / on_hand
            print(f"    {name + ending:18} {with_interval(ratios[name])}")
        change = with_interval(ratios["F_SET"] - ratios["F_FIT"])
        print(f"    {'change':18} {change}")

# %% [markdown]
# In neither network does the background weigh less after SET: it weighs more,
# and most of that is the common vector, which is as long on a wall as on a hand.
# Without it F_SET's background is no emptier than F_FIT's either. The guided
# network's background *is* emptier, but in F_FIT already: that is M's and the
# gates' work, not SET's. (A single image may show the opposite; the figure of
# the paper shows some.)
#
# And "joined"? Two tokens are joined if their features point the same way. We
# compare every token with the image's mean feature on the *visible* hand: the
# cosine of the angle between them, common vector out.


# %%
def likeness(x):
    """Cosine with the mean over the visible hand, (B, N)."""
    tokens = to_tokens(without_common(x))
    seen = where["visible hand"].float()[..., None]
    mean = (tokens * seen).sum(1, True) / seen.sum(1, True)
    return nn.functional.cosine_similarity(tokens, mean, dim=2)


for weights, each in maps.items():
    before, after = (by_region(likeness(each[n])) for n in ("fit", "set"))
    for name, a, b in zip(where, before, after, strict=True):
        print(f"{weights:12} {name:12} F_FIT {with_interval(a)}", end=", ")
        print(f"F_SET {with_interval(b)}, change {with_interval(b - a)}")

# %% [markdown]
# With the guided weights the figure's story holds, in a small way: the hidden
# hand's features turn a little towards those of the visible hand. With those as
# published they do not turn by themselves: what moves is the background.
#
# Length and angle are our choice of words, though. What counts is what later
# layers can *read*. A linear probe, fitted to the hand tokens of 100 images,
# says which finger or palm a token shows. How often is it right on the *hidden*
# tokens of the other 100?

# %%
shows = torch.cat([fingers, palm[:, None]], dim=1).argmax(dim=1)  # 5: palm
hand = where["visible hand"] | where["hidden hand"]
answers = nn.functional.one_hot(shows, 6).float()


def probe_accuracy(x):
    """Right answers on hidden tokens, for each of the last 100 images."""
    tokens = nn.functional.pad(to_tokens(x), (0, 1), value=1.0)
    fit_on = hand[:100]
    readout = torch.linalg.lstsq(tokens[:100][fit_on], answers[:100][fit_on])
    found = (tokens[100:] @ readout.solution).argmax(dim=2)
    right = (found == shows[100:]).float()
    return regions.mean_over(right, where["hidden hand"][100:])


# %%
for weights, model in models.items():
    block, F_FIT = model.set.blocks[0], maps[weights]["fit"]
    with torch.no_grad():
        read_alone = F_FIT + read(block, F_FIT, F_FIT)
        MLP_alone = F_FIT + block.mlp(F_FIT)
    stages = {"F_FIT": F_FIT, "F": maps[weights]["features"]}
    stages |= {"F_SET": maps[weights]["set"], "F_FIT + C V": read_alone}
    stages |= {"MLP alone": MLP_alone}
    accuracy = {n: probe_accuracy(x) for n, x in stages.items()}
    for name, right in accuracy.items():
        change = with_interval(right - accuracy["F_FIT"])
        print(f"{weights:12} {name:11} {with_interval(right)}", end=", ")
        print(f"over F_FIT {change}")

# %% [markdown]
# As published, nothing after F names the part of a hidden token any better:
# neither F_FIT nor F_SET, neither C·V nor the MLP. Guided, F_FIT *loses* a little
# of what F told, for M and the gates have taken it out where the hand is hidden,
# and SET makes it readable again; C·V alone brings most of that back. So there
# attention does fetch something. It does not surpass F.
#
# **So far.** F_SET is neither emptier on the background nor, as published, any
# clearer on the hidden hand. So what does the network have it for?
#
# ## 9 Take it away
#
# Now the error of the hand, on 400 images. We change SET in the trained network
# and nothing else:
#
# - **left out**: F_FIT goes on in the place of F_SET;
# - **common**: what SET adds is one vector everywhere, its mean over all cells of
#   the batch (the control of [07](07_fit.ipynb));
# - **MLP alone**: C = 0, so x = F_FIT, then the MLP as before;
# - **all alike**: C = 1/N everywhere, so C·V is the mean over the image;
# - **itself alone**: C = I, no token hears of another;
# - **no MLP**: F_FIT + C·V;
# - **no positions**.
#
# **Predict first.** Distant information comes through C. If SET lives on it,
# which of these must hurt most, and for which hands?


# %%
class FixedRows(nn.Module):
    """A block whose C is one matrix for all images and heads."""

    def __init__(self, block, attention):
        super().__init__()
        self.block, self.attention = block, attention

    def forward(self, query, key):
        values = to_tokens(self.block.value(key))
        x = query + to_map(self.attention @ values, like=query)
        return x + self.block.mlp(x)


# %%
class Common(nn.Module):
    """A block that adds to every cell what it would add on average."""

    def __init__(self, block):
        super().__init__()
        self.block = block

    def forward(self, query, key):
        added = self.block(query, key) - query
        return query + added.mean(dim=(0, 2, 3), keepdim=True)


# %%
def changed(model, wrap):
    """A copy of the network, its SET block given to `wrap`."""
    twin = copy.deepcopy(model)
    twin.set.blocks[0] = wrap(twin.set.blocks[0])
    return twin


# %%
def left_out(model):
    twin = copy.deepcopy(model)
    twin.set = None
    return twin


def fixed(attention):
    return lambda model: changed(model, lambda b: FixedRows(b, attention))


# %% [markdown]
# As in [07](07_fit.ipynb), `without` sets parameters to zero in a copy.

# %%
POSITIONS = ("set.blocks.0.query_position", "set.blocks.0.key_position")
ablations = {
    "as trained": lambda model: model,
    "left out": left_out,
    "common": lambda model: changed(model, Common),
    "MLP alone": fixed(torch.zeros(256, 256)),
    "all alike": fixed(torch.full((256, 256), 1 / 256)),
    "itself alone": fixed(torch.eye(256)),
    "no MLP": lambda model: without(model, "set.blocks.0.mlp.narrow"),
    "no positions": lambda model: without(model, *POSITIONS),
}

# %%
del maps, rows, rollout, ways, near, stages, half_way
everything = collate(samples)


@torch.no_grad()
def errors(network):
    """Root-aligned error of every image, mm."""
    joints = [network(x).joints for x in everything.image.split(50)]
    return 1000 * root_aligned_mpjpe(torch.cat(joints), everything.joints)


# %%
losses = {}
for weights, model in models.items():
    each = {name: errors(make(model)) for name, make in ablations.items()}
    whole = each.pop("as trained")
    print(f"{weights}: {whole.mean():.1f} mm as trained")
    losses[weights] = {name: x - whole for name, x in each.items()}
    for name, loss in losses[weights].items():
        print(f"    {name:13} {with_interval(loss)} mm")

# %%
shown = ("left out", "common", "MLP alone", "all alike")
changes = {
    weights: {n: by_occlusion(each[n], everything.occlusion) for n in shown}
    for weights, each in losses.items()
}
counts = [row.count for row in changes["guided"]["common"]]
print("images in each bin:", counts)

# %%
fig = score_plots.change_by_occlusion(changes)
values = {
    weights: {n: [round(r.mean, 2) for r in rows] for n, rows in each.items()}
    for weights, each in changes.items()
}
viz.show(fig, **caption("ablation", values=values))

# %% [markdown]
# - SET is used: left out, it costs several millimetres, more with the guided
#   weights than with those as published.
# - **Common** says what for. The same vector in every cell saves most of that:
#   the layers behind were trained with it, as with FIT's. What SET adds to *this*
#   place of *this* image is worth about a millimetre, in both.
# - Of that, *which* keys are read is worth little: with all alike, C·V is a mean
#   over the image, and about half a millimetre is lost. C = 0 ("MLP alone") costs
#   more; the mean over the image belongs to what later layers know.
# - "Itself alone" is far the worst, which seems to say that others are needed.
#   It says something else: a value of one token is longer than a mean over
#   many, and the layers behind never met such numbers. An ablation outside of
#   what a network was trained on measures the shock.
#
# With so many intervals, one or two miss zero by chance. Read the pattern.
#
# **What we may conclude.** *Capability*: self-attention can repair a token from
# distant ones (section 1). *Behaviour*: the course's SET reads from everywhere,
# prefers the hand a little, and does not clear the background; guided, it turns
# hidden-hand features a little towards the visible hand. *Need*: at test time it
# needs SET's common vector most, a mean over the image next, and the choice of
# keys least. All this for one small network, trained briefly on synthetic
# hands; and guided and published ones differ in their images, too.
#
# ### Does SET help?
#
# A network trained without it would learn to do without. Whether SET helps takes
# trainings with and without each part, over several seeds. The paper's own
# numbers on HO-3D, one training each: no SET 9.4 mm, residual blocks in its
# place 9.6, one SET 9.1, two 9.2. Residual blocks see what lies near; this
# comparison is the paper's evidence for *distant* information. Ours, from
# `handlib experiment parts` ([07](07_fit.ipynb) shows all of it):

# %% tags=["nbval-check-output"]
evidence = load_evidence("parts")
print("RA error below the backbone's (mm), 95 % over images")
for row in evidence["runs"]:
    if row["network"] in ("set_without_fit", "handoccnet"):
        gain = row["gain"]["all"]
        low, high = gain["interval"]
        print(f"seed {row['seed']}, {row['network']:15}", end=" ")
        print(f"{gain['mean']:+.2f} [{low:+.2f}, {high:+.2f}]")

# %% [markdown]
# At this scale SET brings nothing that shows: the gains are zero within their
# intervals, or below it by a tenth of a millimetre. Together with the ablation
# above: the shipped network *uses* its SET, and one trained without it does as
# well. Both can be true, since another layer can take over what a layer did.
#
# ### When FIT and SET help
#
# Which layer? The last stages of the ResNet see nearly the whole image, the
# hourglass behind SET sees most of the map, and what reads heatmaps off F teaches
# F the joints before FIT. `handlib experiment reach` takes these away, from the
# backbone and from the networks with FIT and SET alike. "local" has no hourglass
# and an F of the ResNet's first two stages, whose cells see about 60 of 128
# pixels; "no_hourglass" and "no_readout" lack one thing each. To see what is left
# for the parts to do, look at the joints in the image: how far from its place is
# a *hidden* joint put?
#
# **Predict first.** Compare each network with the backbone of its own group. In
# which groups do FIT and SET help?

# %% tags=["nbval-check-output"]
reach = load_evidence("reach")
columns = {
    "hidden joints, px": "joints_px_hidden",
    "visible, px": "joints_px_visible",
    "RA error, mm": "root_aligned",
}
print("mean over three seeds (smallest to largest)")
print(spread_table(reach, columns))

# %%
illustration("reach", reach)

# %% [markdown]
# Where F sees its surroundings alone, **FIT and SET help, in every seed, and
# together most**: hidden joints lie 1.3 pixels nearer with FIT, 1.0 with SET, 1.5
# with both, of 14. That is the order of the paper's table. Of the mesh it is
# 0.3 to 0.4 mm where most is hidden, since the MANO head reads the whole map in
# any case. Where the trunk sees far, the same layers bring a tenth of a pixel or
# nothing, with or without hourglass. So the null result above has a cause: FIT
# and SET carry what is far away, and a ResNet with a pyramid has carried it
# before them.
#
# Visible joints gain nearly as much, 0.9 to 1.1 pixels of 10: what comes from afar
# helps them, too, so this is context, not "the hidden hand" as such. The gates say
# as little as before, on both sides of chance: for the *error* a gate need not
# mean anything. The papers' ResNet-50 sees all of a 256-pixel image with its last
# stage, too; how much that leaves for FIT and SET to do there is not measured here.
#
# ### Or only more layers?
#
# A network with FIT and SET has 87,000 numbers more than its backbone. So the
# paper has a control: residual blocks of 3×3 convolutions in their place. Two of
# them have 83,000 numbers, and look four of the sixteen cells to every side.
# `handlib experiment capacity` puts them behind the local trunk.
#
# **Predict first.** Will they bring as much as FIT and SET, half, or nothing?

# %% tags=["nbval-check-output"]
capacity = load_evidence("capacity")
columns = columns | {"RA gain, hidden most": "gain_hidden"}
print("mean over three seeds (smallest to largest)")
print(spread_table(capacity, columns))

# %%
illustration("capacity", capacity)

# %% [markdown]
# More layers are two thirds of it: residual blocks put hidden joints 1.0 pixels
# nearer, and visible ones as much. What FIT and SET bring *beyond* them is 0.4
# pixels at hidden joints, in every seed, and 0.1 at visible ones. That part comes
# from farther than four cells, and it goes where the hand is hidden, as the paper
# says. Its size is a third of what a comparison with the bare backbone suggests:
# without such a control one praises attention for what any layer does. The mesh
# tells the two apart by 0.1 mm, less than seeds differ. The paper's table has 10.6
# mm for the backbone, 10.2 with residual blocks and 9.1 with FIT and SET, from one
# training each.

# %%
TRY = ""  # "reach" or "capacity": a small run of one seed, some minutes
first_look(TRY) if TRY else None

# %% [markdown]
# ## 10 What N×N costs
#
# Per head, C_soft is a table of N × N. N is the number of cells, and doubling
# the resolution of the map quadruples N. In products (of C channels, with an
# MLP that widens r times):
#
# | part | products |
# |---|---|
# | query, key, value | 3 N C² |
# | scores and C·V | 2 N² C |
# | MLP | 2 r N C² |
#
# **Predict first.** In the released network C = 256 and r = 4. At which N do
# the quadratic products overtake the rest, 11 N C²? Is 32×32 below or above?

# %%
print(f"as many at N = {11 * 256 / 2:.0f}, a map of side {1408**0.5:.1f}")


def paper_block(cells):
    block = AttentionBlock(256, cells, 4, 4, None, query_residual=True)
    x = torch.randn(1, 256, cells, cells)
    last = torch.channels_last  # as in HandOccNet: tokens are then a view
    return block.to(memory_format=last), x.to(memory_format=last)


# %% [markdown]
# Measured: PyTorch counts the operations (a product with its sum is two), and
# we ask how many numbers the largest tensor held. Once with the table, which is
# what `record` makes the block do, and once as usual, by a **fused** kernel,
# which computes the same sums piece by piece and never holds the table. (The
# counter cannot look into the fused kernel, which does the same products.)


# %%
@torch.no_grad()
def costs(cells):
    """Operations, those of N×N alone, largest tensor with and without."""
    block, x = paper_block(cells)
    with record(block), FlopCounterMode(display=False) as counter:
        table = largest_result(lambda: block(x, x))
    quadratic = 4 * cells**4 * 256
    assert counter.get_total_flops() == quadratic + 22 * cells**2 * 256**2
    fused = largest_result(lambda: block(x, x))
    return counter.get_total_flops(), quadratic, table, fused


# %%
for cells in (8, 16, 32, 64):
    operations, quadratic, table, fused = costs(cells)
    print(f"{cells}×{cells}: {operations / 1e9:5.2f} G operations,", end=" ")
    print(f"N×N {quadratic / operations:3.0%}; largest tensor", end=" ")
    print(f"{table * 4 / 2**20:6.1f} MiB with the table,", end=" ")
    print(f"{fused * 4 / 2**20:5.1f} MiB fused")

# %% [markdown]
# At 64×64, which is F's size if the image has 512 pixels as in the paper (row
# H4), one block of one image costs nine times as much as at 32×32 and the table
# takes 256 MiB; training keeps it for the backward pass, too. At 32×32 the
# quadratic part is still less than half. (Fused, the largest tensor is the MLP's
# hidden layer.)
#
# Why not smaller still? A token must be able to belong to *one* finger. Which
# share of the fingers' pixels lies in tokens that are mostly that finger?

# %%
for side in (8, 16, 32, 64):
    cover = regions.finger_shares(parts, side)  # image finger token
    clear = (cover * (cover >= 0.5)).sum((1, 2)) / cover.sum((1, 2))
    print(f"{side}×{side} tokens: {with_interval(clear)}")

# %% [markdown]
# Every doubling gains half of what the one before did, and the last one costs
# nine times as much. 32×32 is a compromise, and so is the course's 16×16.
#
# ### Exercise 8.4
#
# How can one softmax over all keys be computed from pieces? Keep three things
# for each query: the largest score so far, the sum of the exponentials below
# it, and the same sum times the values. A larger score shrinks what was summed
# before. Write it; the check counts the numbers in every tensor that you make.


# %% tags=["exercise"]
def attend_in_pieces(query, key, value, size):
    """(N, d), (M, d), (M, c), `size` keys at a time, to C_soft·V (N, c)."""
    ...


# %% tags=["check"]
check.attend_in_pieces(attend_in_pieces)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `key.split(size)` and `value.split(size)` give the pieces. Begin with the
# largest score at −inf and both sums at 0.
# </details>
# <details><summary>Hint 2</summary>
#
# If the largest score rises from `top` to `new`, multiply both sums by
# `(top - new).exp()` before adding the piece's. Divide once, at the end.
# </details>


# %% tags=["solution"] jupyter={"source_hidden": true}
def attend_in_pieces_solution(query, key, value, size):
    top = torch.full((len(query), 1), -torch.inf)
    sums = torch.zeros(len(query), value.shape[1] + 1)
    value = nn.functional.pad(value, (0, 1), value=1.0)  # a 1 sums weights
    for keys, values in zip(key.split(size), value.split(size), strict=True):
        scores = query @ keys.T / query.shape[1] ** 0.5
        new = torch.maximum(top, scores.amax(dim=1, keepdim=True))
        sums = sums * (top - new).exp() + (scores - new).exp() @ values
        top = new
    return sums[:, :-1] / sums[:, -1:]


check.attend_in_pieces(attend_in_pieces_solution)

# %% [markdown]
# The operations stay N²; only the memory goes. That is the idea of
# FlashAttention, and of the library's `scaled_dot_product_attention`.
#
# ## 11 Paper against code
#
# {{ paper_against_code }}
#
# Try it: in section 4, let `Hop` attend to both neighbours, and predict both
# tables.
#
# ## 12 Quiz
#
# {{ quiz }}

# %% [markdown]
# With a kernel you can click your answers:

# %% tags=["quiz"]
quiz.show("08")

# %% [markdown]
# ## Summary
#
# - SET is self-attention on F_FIT with a query residual and no gate:
#   x = F_FIT + C_soft V, then x + MLP(LN(x)).
# - With a residual a gate could only say "stay"; to lower something, the values
#   must subtract it.
# - The paper's SET is one block. In the code's second block the keys stay
#   F_FIT: I + A₁ + A₂, without the second hop A₂A₁.
# - Without positions, SET treats the tokens as a set.
# - The course's SET reads from everywhere, the hand a little more than chance; no
#   hidden tip prefers its own finger. It does not lower the background: where
#   that is low, as with the guided weights, M and the gates have done it.
# - At test time most of what SET adds can be replaced by one vector, and flat
#   rows do almost as well as its own.
# - N×N costs operations always, and memory only if the table is held.
# - Our half-hidden hand: a token on its hidden part reads from all over the
#   image, no key more than 3.0 times chance as published and 2.5 times guided.
#   F_SET is what the head of notebook 09 gets.
#
# ## 요약
#
# - SET은 F_FIT에 대한 self-attention입니다. Gate가 없고 query residual이 있습니다:
#   x = F_FIT + C_soft V, 그다음 x + MLP(LN(x)).
# - Residual이 있으면 gate를 닫아도 원래 값이 남습니다. 무언가를 줄이려면 value가 그만큼
#   빼 주어야 합니다.
# - 논문의 SET은 block이 하나입니다. 공개 코드의 두 번째 block은 key를 갱신하지 않으므로
#   I + A₁ + A₂가 되고, 두 번째 hop인 A₂A₁이 없습니다.
# - Position이 없으면 SET은 token의 순서를 구분하지 못합니다(permutation equivariance).
# - 이 과정의 SET은 이미지 전체를 거의 고르게 읽으며, 손을 우연보다 조금 더 읽습니다.
#   가려진 손끝이 자기 손가락을 더 읽지는 않습니다. SET은 배경의 비중을 줄이지 않습니다.
#   Guided weight에서 배경이 작은 것은 M과 gate가 한 일입니다.
# - 학습된 SET이 더하는 값은 대부분 하나의 공통 벡터로 바꿀 수 있고, attention 행을
#   균일하게 바꾸어도 오차는 조금밖에 달라지지 않습니다.
# - N×N의 연산량은 피할 수 없지만, 메모리는 행렬 전체를 저장할 때만 필요합니다.
# - 절반이 가려진 우리 손에서 가려진 부분의 token은 이미지 전체를 읽으며, 어떤 key도 우연의
#   3.0배(as published), 2.5배(guided)를 넘지 않습니다. 그 결과인 F_SET을 09의 head가
#   받습니다.
#
# ## References
#
# - J. Park, Y. Oh, G. Moon, H. Choi, K. M. Lee. *HandOccNet:
#   Occlusion-Robust 3D Hand Mesh Estimation Network.* CVPR 2022. Section 3.4.
# - S. Abnar, W. Zuidema. *Quantifying Attention Flow in Transformers.* ACL
#   2020. Attention rollout.
# - M. Milakov, N. Gimelshein. *Online normalizer calculation for softmax.* 2018;
#   T. Dao et al. *FlashAttention.* NeurIPS 2022. Attention in pieces.
# - S. Jain, B. C. Wallace. *Attention is not Explanation.* NAACL 2019.
