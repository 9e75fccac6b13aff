# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
#   handlib:
#     number: "15"
#     title: Motion discriminator
#     title_ko: Motion discriminator, 움직임의 자연스러움을 판별하기
#     summary: >-
#       A loss that looks at one frame at a time cannot see jitter or frames in a wrong order;
#       Deformer adds a recurrent judge of whole motions and trains against it.
#     summary_ko: >-
#       Frame을 하나씩 보는 loss는 떨림이나 뒤바뀐 frame 순서를 알아차리지 못합니다. Deformer는
#       움직임 전체를 판별하는 recurrent 네트워크를 두고 adversarial training을 합니다.
#     objectives:
#       - compute the acceleration error and say which faults it sees and which it does not
#       - run a GRU with attention pooling by hand and prove it equal to the library's judge
#       - derive what a least-squares judge learns, and compare its gradients with the log loss
#       - find out which part of a motion a trained judge really reads
#     objectives_ko:
#       - Acceleration error를 계산하고, 어떤 결함이 드러나고 드러나지 않는지 설명할 수 있습니다
#       - GRU와 attention pooling을 직접 계산하여 library의 판별기와 같음을 확인할 수 있습니다
#       - Least-squares 판별기가 배우는 값을 유도하고 gradient를 log loss와 비교할 수 있습니다
#       - 학습된 판별기가 움직임의 어느 부분을 실제로 읽는지 알아낼 수 있습니다
#     prerequisites: recurrent networks, softmax; [13](13_dynamic_fusion.ipynb)
#     minutes_to_do: 35
#     minutes: 1.5
#     memory_mb: 1600
#     data: 40 synthetic test clips and the motions of 60 training clips, made on the spot
#     seed: 15
# ---

# %% [markdown]
# {{ header }}

# %% tags=["setup"]
import math

import torch
from torch import nn

from handlib import viz
from handlib.course import quiz
from handlib.course.captions import captions
from handlib.course.checks import nb15 as check
from handlib.course.closing_hand import closing_hand
from handlib.course.paper_tables import paper_tables
from handlib.data import SyntheticSequences, windows
from handlib.evaluation import broken_motion
from handlib.evaluation.judge_scores import judge_scores
from handlib.experiments.catalogue import first_look, illustration
from handlib.experiments.evidence import load_evidence, spread_table
from handlib.hands import load_hand
from handlib.hands.rotations import axis_angle_to_rotmat
from handlib.hands.skeleton import FINGER_JOINTS
from handlib.metrics import acceleration_error, roc_auc, root_aligned_mpjpe
from handlib.models import MotionDiscriminator, record
from handlib.models.discriminator import motion_input
from handlib.training import CachedFrames
from handlib.training.evaluate import predict_windows
from handlib.viz.motion_explorer import MotionExplorer
from handlib.weights import load_deformer, load_discriminator

_ = torch.manual_seed(15)
torch.set_printoptions(precision=2, sci_mode=False)
caption = captions("15")
hand = load_hand()

# %% [markdown]
# ## 1 What makes a motion look wrong
#
# The clip of [13](13_dynamic_fusion.ipynb): T = 7 frames, a hand closes from
# *spread* to *grasp*. We break it on purpose. The fingers get an error of some
# 7° an angle, the same in every frame, or the same with its sign changed from
# frame to frame. Or the motion freezes, its frames change places, or the whole
# way is made in a single frame.

# %%
T, CENTRE = 7, 3
path = closing_hand(T)  # T 16 3

# %%
error = 0.12 * torch.randn(1, 16, 3)
error[:, 0] = 0  # the wrist stays
sign = torch.tensor([1.0, -1, 1, -1, 1, -1, 1])[:, None, None]
motions = {
    "true": path,
    "same error": path + error,
    "error flips": path + sign * error,
    "frozen": path[[CENTRE] * T],
    "wrong order": path[[0, 2, 1, 4, 3, 6, 5]],
    "jump": path[[0, 0, 0, 6, 6, 6, 6]],
}

# %%
camera = torch.tensor([[1050.0, 0, 128], [0, 1050, 140], [0, 0, 1]])
fig = viz.theme.figure(9.5, 3.4)
for row, name in zip(fig.subplots(2, T), ("true", "error flips"), strict=True):
    posed = hand(motions[name], torch.zeros(T, 10))
    meshes = posed.vertices - posed.joints[:, 9:10]
    meshes = meshes + torch.tensor([0.0, 0.0, 1.0])
    for i, ax in enumerate(row):
        title = f"{name}, {i}" if i == 0 else f"{i}"
        viz.hand.draw_hand(ax, meshes[i], hand.faces, camera, title=title)
viz.show(fig, **caption("hands"), dpi=90, colours=256)

# %% [markdown]
# No single picture of the second row looks wrong. Played as a film it trembles.
# The slides call this *temporal incontinuity*: each frame is fine, the film
# stutters.
#
# **Predict first.** Two of these motions have the same error in each frame, seen
# one by one. Which? Will a loss that averages over frames tell them apart?

# %%
joints = {k: hand(m, torch.zeros(T, 10)).joints for k, m in motions.items()}
for name, x in joints.items():
    off = 1000 * root_aligned_mpjpe(x, joints["true"])
    print(f"{name:12} mean {off.mean():4.1f} mm, frames:", off)

# %%
tip = FINGER_JOINTS["ring"][-1]

def place(x):
    """Of the fingertip, from left to right of the wrist, in millimetres."""
    return 1000 * (x[:, tip] - x[:, 0])[:, 0]


fig = viz.theme.figure(9.5, 2.3)
broken = list(motions)[1:]
for ax, name in zip(fig.subplots(1, 5, sharey=True), broken, strict=True):
    ax.plot(place(joints["true"]), "--", color=viz.theme.MUTED)
    ax.plot(place(joints[name]), "o-", markersize=3)
    ax.set(title=name, xlabel="frame", xticks=[0, 3, 6])
fig.axes[0].set_ylabel("place of the tip (mm)")
viz.show(fig, **caption("paths"), dpi=90)

# %% [markdown]
# "Same error" and "error flips" are equally wrong in every frame, up to a tenth of
# a millimetre, and by the mean error "wrong order" and "jump" look like them, too.
# A loss that adds up frames cannot do better, neither MSE nor the maxMSE of
# [14](14_maxmse.ipynb). A sum does not know the order of its terms: shuffle the
# frames of prediction and truth in the same way, and it stays the same.

# %%
order = torch.randperm(T)
x, truth = joints["error flips"], joints["true"]
mixed = root_aligned_mpjpe(x[order], truth[order])
assert torch.allclose(mixed.mean(), root_aligned_mpjpe(x, truth).mean())

# %% [markdown]
# ## 2 Acceleration error
#
# The usual number for it compares accelerations. With a joint's place x at
# frames t − 1, t and t + 1, the acceleration is the change of speed
#
# $$ a_t = (x_{t+1} - x_t) - (x_t - x_{t-1}) = x_{t-1} - 2x_t + x_{t+1} $$
#
# and the error is the length of the difference between predicted and true
# acceleration, averaged over the joints.

# %% tags=["nbval-check-output"]
steady = torch.tensor([0.0, 10, 20, 30, 40])
shaken = steady + torch.tensor([2.0, -2, 2, -2, 2])
print("steady:", steady.diff(n=2))
print("shaken:", shaken.diff(n=2))

# %% [markdown]
# An error of ±2 becomes an acceleration error of 8: four times as much, since
# x_t counts twice and both neighbours err the other way.
#
# ### Exercise 15.1
#
# Write the acceleration error of one clip.

# %% tags=["exercise"]
def acceleration_errors(predicted, target):
    """Joints (T, N, 3) twice to the error (T − 2,) of the inner frames."""
    ...


# %% tags=["check"]
check.acceleration_errors(acceleration_errors)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# The acceleration has T − 2 frames: the first and the last lack a neighbour.
# A length is taken over the three coordinates, a mean over the joints.
# </details>
# <details><summary>Hint 2</summary>
#
# `x[:-2] - 2 * x[1:-1] + x[2:]` for both, subtract, `norm(dim=-1)`, `mean(dim=1)`.
# </details>
#
# **Solution**, folded: click the three dots to open it.

# %% tags=["solution"] jupyter={"source_hidden": true}
def acceleration_errors_solution(predicted, target):
    def acceleration(x):
        return x[:-2] - 2 * x[1:-1] + x[2:]

    difference = acceleration(predicted) - acceleration(target)
    return difference.norm(dim=-1).mean(dim=1)


check.acceleration_errors(acceleration_errors_solution)

# %% [markdown]
# Differencing is linear, so the library takes it once, of the error:
#
# **Predict first.** Order the five broken motions by their acceleration error.
# Where does "frozen" come?

# %%
for name, x in joints.items():
    x = x - x[:, :1]
    e = x - (truth - truth[:, :1])
    by_hand = (e[:-2] - 2 * e[1:-1] + e[2:]).norm(dim=-1).mean(1)
    found = acceleration_error(x, truth - truth[:, :1])
    assert torch.allclose(found, by_hand, atol=1e-6)
    print(f"{name:12} {1000 * found.mean():5.1f} mm per frame²")

# %% [markdown]
# It tells "error flips" from "same error", by far. ("Same error" is not quite 0: the
# same angle moves a fingertip elsewhere in another pose.) But look at "frozen": a
# hand that does not move at all has far less acceleration error than one that
# trembles, since the true accelerations are small. A network that answers the same hand for ever
# would look calm. So acceleration error is a second number beside the error in
# millimetres, never in its place. At ten frames a second, 1 mm per frame² is
# 0.1 m/s².
#
# Could one use it as a loss? Yes; but which faults matter, and how much each? The
# paper prefers to *learn* the answer: a network, the **motion discriminator**,
# reads a whole window and says whether a hand would move like this. We call it
# the judge.
#
# ## 3 What the judge reads
#
# The paper says that it sees meshes. The released code shows it 46 numbers a
# frame: the side of the hand (0 right, 1 left) and the 45 finger angles. The
# wrist's rotation is left out, as are shape and place (row D13 below).

# %%
window = motion_input(axis_angle_to_rotmat(path)[None])  # B T 46
print(tuple(window.shape))
print("frame 0 begins with", window[0, 0, :7])

# %% [markdown]
# **Predict first.** Now the wrist shakes by up to half a turn from frame to
# frame. What will the judge say of that?

# %%
wild = path.clone()
wild[:, 0] = wild[:, 0] + 2 * torch.randn(T, 3)
same = motion_input(axis_angle_to_rotmat(wild)[None])
assert torch.allclose(window, same, atol=1e-5)

# %% [markdown]
# The same as before: it cannot know. Only the fingers are judged.
#
# ## 4 A GRU, gate by gate
#
# A recurrent network reads frame after frame and keeps a **state** h, a vector
# of W numbers that begins at zero. The gated recurrent unit (GRU) makes two
# gates, a proposal n, and mixes the old state with it:
#
# $$ r = \sigma(W_{xr}x + b_{xr} + W_{hr}h + b_{hr}) \qquad
#    z = \sigma(W_{xz}x + b_{xz} + W_{hz}h + b_{hz}) $$
# $$ n = \tanh(W_{xn}x + b_{xn} + r \otimes (W_{hn}h + b_{hn})) \qquad
#    h' = (1 - z) \otimes n + z \otimes h $$
#
# The **reset** gate r says how much of the past goes into the proposal, the
# **update** gate z how much of the old state stays.
#
# PyTorch keeps the three matrices of each kind in one, in the order r, z, n. So
# one frame costs two products, A = W_x x + b_x and B = W_h h + b_h, of 3W
# numbers each.
#
# ### Exercise 15.2
#
# Write the rest of the step: from A, B and h to the next state.

# %% tags=["exercise"]
def gru_step(from_input, from_state, state):
    """A (N, 3W), B (N, 3W) and h (N, W) to the next state (N, W)."""
    ...


# %% tags=["check"]
check.gru_step(gru_step)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `tensor.chunk(3, dim=1)` cuts A and B into their parts r, z and n. For r and z
# the two parts are added, then goes the sigmoid.
# </details>
# <details><summary>Hint 2</summary>
#
# In the proposal r multiplies the part of B alone. With z near 1 the old state
# stays.
# </details>

# %% tags=["solution"] jupyter={"source_hidden": true}
def gru_step_solution(from_input, from_state, state):
    a, b = from_input.chunk(3, dim=1), from_state.chunk(3, dim=1)
    r, z = (a[0] + b[0]).sigmoid(), (a[1] + b[1]).sigmoid()
    n = (a[2] + r * b[2]).tanh()
    return (1 - z) * n + z * state


check.gru_step(gru_step_solution)

# %% [markdown]
# A GRU small enough to print: one number a frame, W = 2. We choose its weights
# ourselves. The update gate of unit 0 has the bias +3, that of unit 1 the bias
# −3; both proposals look at the frame and a little at the state.

# %%
tiny = nn.GRU(1, 2, batch_first=True)
for parameter in tiny.parameters():
    nn.init.zeros_(parameter)
with torch.no_grad():
    tiny.weight_ih_l0[4:] = 2.0  # proposals: look at the frame
    tiny.weight_hh_l0[4:] = torch.tensor([[0.5, 0.0], [0.0, 0.5]])
    tiny.bias_ih_l0[2:4] = torch.tensor([3.0, -3.0])  # update gates

# %% [markdown]
# **Predict first.** A finger is bent (1) for three frames and straight (0) for
# three. Which of the two units follows it, and which still remembers it at the
# end?

# %% tags=["nbval-check-output"]
bend = torch.tensor([1.0, 1, 1, 0, 0, 0])
h, states = torch.zeros(2), []
for x in bend:
    a = tiny.weight_ih_l0 @ x[None] + tiny.bias_ih_l0
    b = tiny.weight_hh_l0 @ h + tiny.bias_hh_l0
    r, z = (a + b)[:4].sigmoid().detach().chunk(2)
    n = (a[4:] + r * b[4:]).tanh().detach()
    h = (1 - z) * n + z * h
    states.append(h)
    print(f"x = {x:.0f}  r {r}  z {z}  n {n}  h {h}")

# %%
with torch.no_grad():
    theirs = tiny(bend[None, :, None])[0][0]
assert torch.allclose(torch.stack(states), theirs, atol=1e-6)

# %% [markdown]
# Unit 1 overwrites itself in every frame, unit 0 keeps 95 % and adds a little: a
# memory. In a trained network gates depend on the frame; and nothing forces a
# network to use them for *motion*. Keep that in mind for section 9.
#
# The judge has two such layers; the second reads the states of the first. The
# course's is 256 wide, the released one 1024. Ours was trained against the
# shipped Deformer. Our own lines with its weights:

# %%
judge = load_discriminator()


def run_gru(motion, layer):
    """States (B, T, W) of one layer, frame by frame."""
    kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    W_x, W_h, b_x, b_h = (getattr(judge.gru, f"{k}_l{layer}") for k in kinds)
    h, states = motion.new_zeros(len(motion), W_h.shape[1]), []
    for x in motion.unbind(dim=1):
        a = (x @ W_x.T + b_x).chunk(3, dim=1)
        b = (h @ W_h.T + b_h).chunk(3, dim=1)
        r, z = (a[0] + b[0]).sigmoid(), (a[1] + b[1]).sigmoid()
        h = (1 - z) * (a[2] + r * b[2]).tanh() + z * h
        states.append(h)
    return torch.stack(states, dim=1)

# %% [markdown]
# ## 5 Attention pooling and the score
#
# Seven states must become one vector. Deformer asks each state for a number u_t,
# by three small layers, and weighs the states by a softmax over the frames:
#
# $$ \alpha_t = \frac{e^{u_t}}{\sum_s e^{u_s}}, \qquad
#    D = w\cdot\sum_t \alpha_t\,h_t + b $$
#
# D is the score: it should be near 1 for a recorded motion and near 0 for the
# network's.

# %%
with torch.no_grad(), record(judge) as maps:
    score = judge(window)
    states = run_gru(run_gru(window, 0), 1)
    weights = judge.attention(states).softmax(dim=1)
    ours = judge.score((weights * states).sum(dim=1))
assert torch.allclose(states, judge.gru(window)[0], atol=1e-5)
assert torch.allclose(weights, maps["attention"], atol=1e-5)
assert torch.allclose(ours, score, atol=1e-5)
print(f"score of our clip: {score.item():.2f}; weights", weights[0, :, 0])

# %% [markdown]
# The same numbers as the library's. Now look at the last of the three layers:
# the released code ends it in a tanh, so every u_t lies between −1 and 1.
#
# **Predict first.** What is the largest weight that one of seven frames can get?
# And by how much can it outweigh another?

# %% tags=["nbval-check-output"]
largest = math.e / (math.e + (T - 1) / math.e)
print(f"one frame gets at most {largest:.2f}")
print(f"and at most e² = {math.e**2:.2f} times as much as another")

# %% [markdown]
# So this attention can prefer a moment, but not pick one.
#
# ## 6 Two players and their losses
#
# The network wants its motions to be taken for recorded ones; the judge wants to
# tell them apart: adversarial training. Deformer uses the losses of the
# least-squares GAN:
#
# $$ L_{network} = \lambda\,\mathrm{mean}\,(D(\mathrm{fake}) - 1)^2, \qquad
#    L_{judge} = \mathrm{mean}\,(D(\mathrm{real}) - 1)^2
#    + \mathrm{mean}\,D(\mathrm{fake})^2 $$
#
# with λ = 10. The network wants 1 for its own, the judge wants 1 for real and 0
# for fake. What does the best possible judge answer? Say that only four kinds of
# motion exist, and kind k makes a share a_k of the real ones and b_k of the
# fake ones.
#
# ### Exercise 15.3
#
# Write the score D_k, for each kind, that makes the judge's loss smallest. Set
# the derivative of a (D − 1)² + b D² to zero.

# %% tags=["exercise"]
def best_scores(real, fake):
    """Shares a (K,) and b (K,) to the best judge's scores (K,)."""
    ...


# %% tags=["check"]
check.best_scores(best_scores)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# The derivative is 2a (D − 1) + 2b D. The kinds do not disturb each other.
# </details>
# <details><summary>Hint 2</summary>
#
# Collect D: D (a + b) = a.
# </details>

# %% tags=["solution"] jupyter={"source_hidden": true}
def best_scores_solution(real, fake):
    return real / (real + fake)


check.best_scores(best_scores_solution)

# %% [markdown]
# A judge that is a table of four numbers learns it by descent. So does one that
# learns with the *log loss* of the first GANs, −a log D − b log(1 − D):

# %% tags=["nbval-check-output"]
a = torch.tensor([0.5, 0.3, 0.2, 0.0])
b = torch.tensor([0.0, 0.2, 0.3, 0.5])
table = torch.zeros(2, 4, requires_grad=True)
adam = torch.optim.Adam([table], lr=0.1)
for _ in range(300):
    squares, log = table[0], table[1].sigmoid()
    loss = (a * (squares - 1) ** 2 + b * squares**2).sum()
    loss = loss - (a * log.log() + b * (1 - log).log()).sum()
    adam.zero_grad()
    loss.backward()
    adam.step()
print("least squares", squares.detach())
print("log loss     ", log.detach())
print("a / (a + b)  ", a / (a + b))

# %% [markdown]
# Both judges find a/(a + b): the share of real ones among all motions that look
# like this. Two things follow. Where real and fake look alike, the best answer is
# 0.5, and when the network has won, it is 0.5 everywhere. And the judge learns
# only what tells *this network's* motions from recorded ones; a fault that the
# network does not have is none of its business.
#
# Then why squares? The difference is what the network learns from a score. With
# the log loss D = σ(s) of a number s; the network lowers log(1 − D) in the first
# GANs' game, or −log D in practice. With squares D = s.

# %%
s = torch.linspace(-6, 7, 200)
pull = {
    "log(1 − D)": s.sigmoid(),
    "−log D": 1 - s.sigmoid(),
    "(D − 1)²": 2 * (s - 1).abs(),
}
fig = viz.theme.figure(7, 2.8)
ax = fig.subplots()
for (name, g), style in zip(pull.items(), ("--", ":", "-"), strict=True):
    ax.plot(s, g, style, label=name, linewidth=2)
ax.set(xlabel="s, the judge's last number", ylabel="|gradient|", ylim=(0, 4))
ax.legend()
viz.show(fig, **caption("gradients"), dpi=90)

# %% [markdown]
# Left, the judge is sure of a fake: log(1 − D) gives the network next to nothing
# to learn from, just when it needs it. That is the **vanishing gradient**. −log D
# mends the left side and vanishes on the right, where a fake passes for real,
# however far it is from anything recorded. Squares pull from both sides towards 1,
# the harder the farther.
#
# ## 7 A game in which we see both players
#
# Motion with one number: how far a finger turns from one frame to the next. Real
# steps are 10° with a spread of 1.5°. The network is too careful: its steps are
# 4°, and the one thing it can learn is their mean. The judge is a small network
# of one input.

# %%
torch.manual_seed(15)
real_mean, spread = 10.0, 1.5
mean = torch.tensor(4.0, requires_grad=True)
layers = nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 1)
player = nn.Sequential(*layers)
judge_step = torch.optim.Adam(player.parameters(), lr=0.01)
network_step = torch.optim.Adam([mean], lr=0.05)


def D(step):
    return player((step[:, None] - 7) / 3)[:, 0]

# %% [markdown]
# **Predict first.** What will D look like at the start, as a curve over the step?
# And when the network has learned?

# %%
def play(rounds):
    for _ in range(rounds):
        noise = spread * torch.randn(2, 256)
        real, fake = real_mean + noise[0], mean + noise[1]
        loss = ((D(real) - 1) ** 2).mean() + (D(fake.detach()) ** 2).mean()
        judge_step.zero_grad()
        loss.backward()
        judge_step.step()
        network_loss = ((D(fake) - 1) ** 2).mean()
        network_step.zero_grad()
        network_loss.backward()
        network_step.step()
        way.append(float(mean.detach()))

# %%
def bell(x, centre):
    return torch.exp(-0.5 * ((x - centre) / spread) ** 2)


steps, way = torch.linspace(0, 16, 161), [4.0]

# %%
fig = viz.theme.figure(9.5, 2.7)
*panels, last_panel = fig.subplots(1, 4)
for ax, rounds in zip(panels, (20, 60, 720), strict=True):
    play(rounds)
    now = way[-1]
    a, b = bell(steps, real_mean), bell(steps, now)
    ax.fill_between(steps, a, alpha=0.4, label="real")
    ax.fill_between(steps, b, alpha=0.4, label="network")
    ax.plot(steps, D(steps).detach(), color=viz.theme.INK, label="D")
    seen = a + b > 0.02  # where there is something to judge
    ax.plot(steps[seen], (a / (a + b))[seen], ":", color=viz.theme.VERMILION)
    ax.set(title=f"round {len(way) - 1}", ylim=(-0.3, 1.4), xlabel="step (°)")
# %%
_ = panels[0].legend(fontsize=7)
last_panel.plot(way)
last_panel.axhline(real_mean, linestyle="--", color=viz.theme.MUTED)
last_panel.set(title="the network's mean", xlabel="round", ylabel="step (°)")
numbers = {"mean": now, "score": float(D(torch.tensor([10.0])).detach())}
viz.show(fig, **caption("game", **numbers), dpi=90)

# %% [markdown]
# Nobody told the network that the answer is 10°: it followed the slope of D. Once
# real and fake coincide, D is flat at 0.5, and nothing is left to learn. A real
# network has a second master, the loss by frames, and λ sets who is heard.
#
# ## 8 The shipped judge at work
#
# Now the judge that learned against the course's Deformer, on 40 test clips that
# neither has seen. As in training, it gets a window of true finger angles or of
# what Deformer predicts for the same seven frames.

# %%
clips = SyntheticSequences("test", 40, frames=32)
deformer = load_deformer(hand)
seen = CachedFrames(deformer, windows(clips, T, gap=1))
batch = seen.batch(range(len(seen)))
with torch.no_grad():
    answer = predict_windows(deformer, batch)
real = motion_input(axis_angle_to_rotmat(batch.pose), batch.left)
fake = motion_input(answer.pose, batch.left)
print("windows:", tuple(real.shape))

# %% [markdown]
# One number for a judge is the **ROC-AUC**: take a true and another motion at
# random; how often does the true one score higher? 0.5 is chance, 1 is perfect.

# %%
def true_or(judge, other, true=real):
    """Scores of other windows, and AUC of the true ones against them."""
    with torch.no_grad():
        scores = torch.cat([judge(true), judge(other)])[:, 0]
    positive = torch.arange(len(scores)) < len(true)
    return scores[len(true) :], roc_auc(scores, positive)

# %% [markdown]
# The broken motions are those of section 1, for all windows: noise of 0.1 radians
# (6°) on every angle, drawn anew in each frame ("jittered") or once for the window
# ("displaced"); frames shuffled; the middle frame seven times. "Fast" takes every
# fourth frame of the clip: true poses, four times the speed.
#
# **Predict first.** For which of these six will the AUC be above 0.9? For which
# near 0.5?

# %%
noise = torch.Generator().manual_seed(15)
every_fourth = windows(clips, T, gap=4)
apart = torch.tensor([every_fourth.frames(i) for i in range(len(real))])
others = {
    "predicted": fake,
    "jittered": broken_motion.jittered(real, noise),
    "displaced": broken_motion.displaced(real, noise),
    "shuffled": broken_motion.shuffled(real, noise),
    "frozen": broken_motion.frozen(real),
    "fast": real[:, CENTRE][apart],
}

# %%
own_scores, _ = true_or(judge, real)
print(f"true: mean score {own_scores.mean():.2f}")
scores, aucs = {"true": own_scores}, {}
for name, motion in others.items():
    scores[name], aucs[name] = true_or(judge, motion)
    print(f"{name:10} mean {scores[name].mean():5.2f}, AUC {aucs[name]:.2f}")
library = judge_scores(judge, deformer, seen)
assert abs(library["predicted"] - aucs["predicted"]) < 1e-3

# %%
fig = viz.theme.figure(9, 2.6)
shown = ("predicted", "jittered", "shuffled")
for ax, name in zip(fig.subplots(1, 3, sharey=True), shown, strict=True):
    pair = [scores["true"].clamp(-0.5, 1.2), scores[name].clamp(-0.5, 1.2)]
    ax.hist(pair, bins=25, range=(-0.5, 1.2), label=["true", name])
    ax.set(xlabel="score", title=f"AUC {aucs[name]:.2f}")
    ax.legend(fontsize=8, loc="upper left")
fig.axes[0].set_ylabel("windows")
words = ", ".join(f"{name} {aucs[name]:.2f}" for name in shown)
viz.show(fig, **caption("scores", words=words), dpi=90)

# %% [markdown]
# It tells the network's motions from true ones. Frames in a wrong order, a hand
# that stands still, or one at four times the speed pass as real motion. (The
# model card, on 64 clips, says 0.93 for predicted, 0.71 for jittered and 0.51 for
# shuffled; other clips give other digits.) Jitter is seen in part; but a
# *displaced* hand, which moves as smoothly as the true one, is seen just as well.
#
# Along the clip that [16](16_train_deformer.ipynb) shows:

# %%
CLIP = 3
rows = slice(32 * CLIP, 32 * CLIP + 32)
fig = viz.theme.figure(9, 2.7)
ax = fig.subplots()
ax.plot(scores["true"][rows], label="true")
ax.plot(scores["predicted"][rows], label="predicted")
ax.plot(scores["shuffled"][rows], ":", label="true, shuffled")
ax.set(xlabel="frame in the middle of the window", ylabel="score")
ax.legend(fontsize=8, ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1))
behind = ax.twinx()
hidden = batch.occlusion[rows, CENTRE]
behind.fill_between(range(32), hidden, alpha=0.2, color=viz.theme.MUTED)
behind.set(ylabel="hidden share (grey)", ylim=(0, 1))
viz.show(fig, **caption("along"), dpi=90)

# %% [markdown]
# ## 9 Does it read motion at all?
#
# That suspicion can be tested. Split the network's error, frame by frame, into a
# part that is the same in all seven frames, the mean over the window, and the rest
# that changes. Only the rest is an error of the *motion*.
#
# ### Exercise 15.4
#
# Write the share of the squared error that the constant part makes, over all
# windows together.

# %% tags=["exercise"]
def constant_share(error):
    """Errors (B, T, n) to the constant part's share, a scalar, 0 to 1."""
    ...


# %% tags=["check"]
check.constant_share(constant_share)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# The constant part is one vector a window; it stands in all T frames. An error
# that is the same in all frames must give 1, one that adds up to zero 0.
# </details>
# <details><summary>Hint 2</summary>
#
# `error.mean(dim=1, keepdim=True).expand_as(error)` has the shape of the error.
# Divide the sum of its squares by that of the error.
# </details>

# %% tags=["solution"] jupyter={"source_hidden": true}
def constant_share_solution(error):
    constant = error.mean(dim=1, keepdim=True).expand_as(error)
    return constant.square().sum() / error.square().sum()


check.constant_share(constant_share_solution)

# %%
off = fake - real
constant = off.mean(dim=1, keepdim=True)
part = (T * constant.square().sum() / off.square().sum()).item()
print(f"the same in all seven frames: {part:.0%} of the squared error")
for name, x in {"true": real, "predicted": fake}.items():
    speed = x.diff(dim=1).norm(dim=-1).mean().rad2deg()
    change = x.diff(n=2, dim=1).norm(dim=-1).mean().rad2deg()
    print(f"{name:9} {speed:.1f}° a frame, changing by {change:.1f}°")

# %% [markdown]
# Seven frames at ten a second are 0.6 seconds: a network that takes a finger to be
# too straight does so all the time. There is something for a judge of motion to
# find, too: the predicted hands move less than true ones, and less smoothly.
#
# **Predict first.** We add to the true motion only the constant part of the
# network's error, then only the changing part. Which of the two can the judge
# tell from the truth? And if both true and predicted motions are frozen, so that
# no motion is left to judge, what becomes of its AUC?

# %%
still = broken_motion.frozen
tests = {
    "true + constant part": (real + constant, real),
    "true + changing part": (real + off - constant, real),
    "both frozen": (still(fake), still(real)),
    "both shuffled": tuple(
        broken_motion.shuffled(x, noise) for x in (fake, real)
    ),
}
for name, (other, true) in tests.items():
    found = true_or(judge, other, true)[1]
    print(f"{name:21} AUC {found:.2f}")

# %% [markdown]
# This *motion* discriminator judges **poses**. It has found out which hands the
# Deformer likes to answer (its fingers vary less than true ones), and that is all
# it needs. That is no fault of the game: D learns whatever separates real from
# fake, and here the pose does that best.
#
# Which frames does it read? Its attention is easy to print. But a state has seen
# all frames before it, so the weight of frame 6 may be the weight of what frame 0
# has left there. A second way: replace the first k frames of a true window by
# predicted ones and see when the judge notices. And a third, what the network
# hears in training: the gradient of its loss by frame.

# %%
with torch.no_grad(), record(judge) as maps:
    _ = judge(real)
attention = maps["attention"][..., 0]
spliced = [
    true_or(judge, torch.cat([fake[:, :k], real[:, k:]], dim=1))[1]
    for k in range(T + 1)
]
asked = fake.clone().requires_grad_()
(judge(asked) - 1).square().sum().backward()
heard = asked.grad.square().sum(dim=(0, 2))
heard = heard / heard.sum()

# %%
fig = viz.theme.figure(9.5, 2.7)
axes = fig.subplots(1, 3)
axes[0].bar(range(T), attention.mean(0), yerr=attention.std(0))
axes[0].axhline(largest, linestyle=":", color=viz.theme.INK)
axes[0].set(title="attention", xlabel="frame", ylim=(0, 0.6))
axes[1].plot(spliced, "o-", color=viz.theme.ORANGE)
axes[1].set(title="AUC", xlabel="predicted frames at the start")
axes[2].bar(range(T), heard, color=viz.theme.GREEN)
axes[2].set(title="gradient to the network", xlabel="frame")
parts = {"attention": attention.mean(0), "spliced": spliced, "heard": heard}
numbers = {
    name: ", ".join(f"{float(x):.2f}" for x in values)
    for name, values in parts.items()
}
viz.show(fig, **caption("frames", **numbers), dpi=90)

# %% [markdown]
# The attention points at the last frames, in nearly the same way for every window.
# The verdict falls at the *first* ones: with a few predicted frames at the start
# the rest may be true, the judge has decided, and what the network hears is about
# these frames. Attention over recurrent states says where the answer is *read*,
# not what it is made of.
#
# ## 10 Does it help the network?
#
# The paper's ablation (its Table 5, also on the slides), DexYCB, PA-MPJPE in mm:

# %% tags=["nbval-check-output"]
ablation = paper_tables()["deformer_losses"]
print(f"{ablation.where}:", ", ".join(list(ablation.columns)[:4]))
for name, values in ablation.rows.items():
    print(f"  {name:19}", *(f"{v:6.2f}" for v in values[:4]))

# %% [markdown]
# With the discriminator the error falls by 0.09 mm without maxMSE and by 0.21 mm
# with it. These are single trainings, without intervals, and they measure poses.
# The paper gives the acceleration error in Table 2, for whole networks: there is
# no row with and without the discriminator, so it does not show that the
# discriminator makes motion calmer. It may: other data and longer windows (gap 10)
# give a judge other things to learn. What we can say of *ours*: it asks the network for
# likelier poses in the first frames of a window, and not for calmer motion. So a
# gain in acceleration error has to be measured, not assumed.
#
# ### Measured over seeds
#
# Ours, then. `handlib experiment critic` trains the same network without a
# discriminator and with one, at the released weight of its verdict, at a tenth,
# at ten times and at a hundred times, from three seeds. "in a window" is the
# acceleration error of what the judge reads: the frames' own hands.
#
# **Predict first.** Which weight makes the motion calmer, and what does the pose
# pay?

# %% tags=["nbval-check-output"]
evidence = load_evidence("critic")
columns = {
    "mm per frame²": "acceleration",
    "in a window": "window_acceleration",
    "joints, mm": "root_aligned",
    "Procrustes, mm": "procrustes",
}
print("mean over three seeds (smallest to largest)")
print(spread_table(evidence, columns))

# %%
illustration("critic", evidence)

# %% [markdown]
# At the released weight, and at a tenth, nothing changes by more than seeds
# differ: neither the motion nor the pose. That is not for want of power. At ten
# times the weight the motion within a window is calmer by a quarter, at a hundred
# times by nearly half. But the pose pays: 2.4 mm and 4.9 mm after Procrustes.
# Between the two there is no weight, of those we tried, that gives calmer motion
# at no cost. A judge of likely motion pulls toward likely hands, not toward the
# hand in the picture.

# %%
TRY = False  # True: a small run of one seed, about two minutes
first_look("critic") if TRY else None

# %% [markdown]
# ## 11 Teach a judge motion
#
# Can this kind of network read motion at all? We train two fresh judges, 32 wide,
# with true windows against windows that are jittered or shuffled, half and half.
# One gets the angles, as in Deformer, for 200 rounds, and once more for 600. The
# other gets their *changes* from frame to frame, times ten, for 200: it cannot know
# the pose.

# %%
source = SyntheticSequences("train", 60, cache=False)  # nothing is rendered
fingers = [torch.from_numpy(source.clip(n).poses.fingers) for n in range(60)]
angles = torch.stack(fingers).flatten(2).unfold(1, T, 1).mT  # 60 26 T 45
train = nn.functional.pad(angles.flatten(0, 1), (1, 0))  # side: right
inputs = {"angles": lambda m: m, "changes": lambda m: 10 * m.diff(dim=1)}
print("training windows:", tuple(train.shape))

# %%
def train_judge(view, rounds):
    torch.manual_seed(15)
    noise = torch.Generator().manual_seed(15)
    fresh = MotionDiscriminator(width=32)
    adam = torch.optim.Adam(fresh.parameters(), lr=3e-3)
    for _ in range(rounds):
        some = torch.randint(len(train), (2, 64), generator=noise)
        good, bad = train[some[0]], train[some[1]]
        shaken = broken_motion.jittered(bad[:32], noise)
        bad = torch.cat([shaken, broken_motion.shuffled(bad[32:], noise)])
        is_real, is_fake = fresh(view(good)), fresh(view(bad))
        adam.zero_grad()
        ((is_real - 1).square().mean() + is_fake.square().mean()).backward()
        adam.step()
    return fresh.eval()

# %% [markdown]
# **Predict first.** Which of them learns to see jitter, and which a wrong order?
# None has ever seen a frozen motion, a fast one, or one of Deformer's. Will they
# notice?

# %%
judges = {"shipped": judge}
for name, rounds in (("angles", 200), ("angles", 600), ("changes", 200)):
    view = inputs[name]
    fresh = train_judge(view, rounds)
    judges[f"{name}, {rounds}"] = lambda m, j=fresh, v=view: j(v(m))

# %%
kinds = [k for k in others if k != "displaced"]
table = {
    name: [true_or(j, others[k])[1] for k in kinds]
    for name, j in judges.items()
}
print(f"{'':12}", *(f"{k:>9}" for k in kinds))
for name, values in table.items():
    print(f"{name:12}", *(f"{v:9.2f}" for v in values))

# %%
fig = viz.theme.figure(9, 3)
ax = fig.subplots()
bars = {name: torch.tensor(values).numpy() for name, values in table.items()}
viz.curves.grouped_bars(ax, kinds, bars)
ax.axhline(0.5, linestyle="--", color=viz.theme.MUTED, zorder=0)
ax.set(ylabel="AUC", ylim=(0, 1.15))
heights = "; ".join(
    f"{name} " + ", ".join(f"{value:.2f}" for value in values)
    for name, values in table.items()
)
viz.show(fig, **caption("judges", heights=heights), dpi=90)

# %% [markdown]
# Try faults yourself, on a window of clip 3, and see who notices. Before you move
# anything: what will "displaced" do to the judge on changes?

# %%
explorer = MotionExplorer(real[rows][28], judges)
explorer.widget()

# %% [markdown]
# The same as still pictures, jittered and displaced:

# %%
explorer.illustration()

# %%
explorer.fault = "displaced"
explorer.illustration()

# %% [markdown]
# **What we may conclude.** On the changes, 200 rounds are enough for jitter and
# order, and standstill, speed and even Deformer's motions, which it never saw, look
# less real to it, too. On the angles, 200 rounds teach next to nothing, 600 teach
# jitter and little of the order; and this judge distrusts a displaced hand, which
# moves as it should. So a GRU on angles can learn motion, but it finds poses first.
# The differences are large; still, this is one seed, and short training.
#
# To know what a critic asks of your network, break a motion in one way at a time
# and look at its score.
#
# ## 12 Paper against code
#
# {{ paper_against_code }}
#
# ## 13 Quiz
#
# {{ quiz }}

# %% [markdown]
# With a kernel you can click your answers:

# %% tags=["quiz"]
quiz.show("15")

# %% [markdown]
# ## Summary
#
# - A loss that adds up frames does not know their order. Acceleration error sees
#   jitter, but not a constant error, and it forgives a hand that stands still.
# - The judge: 46 numbers a frame, a GRU of two layers, attention pooling, a score.
#   The wrist is not judged; tanh limits the attention to a factor of e².
# - Least squares: the best score is a/(a + b). The pull on the network does not
#   vanish where the judge is sure.
# - Our judge tells Deformer's motions from true ones by their poses, at the first
#   frames of a window. It does not see order, standstill or speed.
# - A judge that is shown changes in place of angles sees motion.
# - Nothing happens to the hand of clip 3 here: the judge, too, acts in training
#   alone.
#
# ## 요약
#
# - Frame별로 더하는 loss는 frame의 순서를 모릅니다. Acceleration error는 떨림을
#   알아차리지만, 모든 frame에 같은 오차는 알아차리지 못하고 정지한 손에는 관대합니다.
# - 판별기는 frame마다 숫자 46개를 두 층의 GRU로 읽고, attention pooling을 거쳐 score를
#   냅니다. 손목 회전은 보지 않으며, tanh 때문에 attention weight의 비는 최대 e²입니다.
# - Least-squares loss의 최적해는 a/(a + b)이며, 판별기가 확신할 때에도 네트워크가
#   받는 gradient가 사라지지 않습니다.
# - 이 코스의 판별기는 window의 첫 frame들에서 pose를 보고 Deformer의 결과를 구별합니다.
#   Frame의 순서, 정지, 속도는 알아차리지 못합니다.
# - 각도 대신 각도의 변화를 보여 주면 판별기가 움직임을 배웁니다.
# - Clip 3의 손에는 이 단계에서도 아무 일도 일어나지 않습니다. 판별기도 학습에만 쓰입니다.
#
# ## References
#
# - Q. Fu, X. Liu, R. Xu, J. C. Niebles, K. M. Kitani. *Deformer: Dynamic
#   Fusion Transformer for Robust Hand Pose Estimation.* ICCV 2023. Section 3.4,
#   tables 2 and 5.
# - M. Kocabas, N. Athanasiou, M. J. Black. *VIBE: Video Inference for Human Body
#   Pose and Shape Estimation.* CVPR 2020. The recurrent motion discriminator with
#   attention pooling.
# - X. Mao, Q. Li, H. Xie, R. Y. K. Lau, Z. Wang, S. P. Smolley. *Least Squares
#   Generative Adversarial Networks.* ICCV 2017.
# - I. Goodfellow et al. *Generative Adversarial Nets.* NeurIPS 2014. The log loss,
#   and the best judge.
# - K. Cho et al. *Learning Phrase Representations using RNN Encoder-Decoder for
#   Statistical Machine Translation.* EMNLP 2014. The GRU.
# - S. Jain, B. C. Wallace. *Attention is not Explanation.* NAACL 2019.
