# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
#   handlib:
#     number: "16"
#     title: Train Deformer
#     title_ko: Deformer 학습하기
#     summary: >-
#       A Deformer learns in two stages, in minutes and on two processor cores, and is compared with
#       a model that sees one frame: overall, by hidden share, and frame by frame along a clip.
#     summary_ko: >-
#       Deformer를 CPU core 두 개로 몇 분 만에 두 단계로 학습시키고, frame 하나만 보는 모델과 전체,
#       가려진 정도별, frame별로 비교합니다.
#     objectives:
#       - say why the frame-wise part learns first, and what keeping its features saves
#       - write the padding rule of windows at the ends of a clip
#       - compare two models on video by drawing clips, not frames
#       - measure whether a learned confidence looks at what can be seen, and accept the answer
#       - add the motion discriminator to the same loop
#     objectives_ko:
#       - Frame별 부분을 먼저 학습하는 이유와, feature를 저장해 두면 무엇이 절약되는지 설명할 수 있습니다
#       - Clip의 양 끝에서 window를 채우는 규칙을 구현할 수 있습니다
#       - 영상에서 두 모델을 비교할 때 frame이 아니라 clip 단위로 표본을 뽑을 수 있습니다
#       - 학습된 confidence가 실제로 보이는 frame을 선호하는지 측정하고 그 결과를 받아들일 수 있습니다
#       - 같은 training loop에 motion discriminator를 추가할 수 있습니다
#     prerequisites: a training loop, fusion; [10](10_train_handoccnet.ipynb), [13](13_dynamic_fusion.ipynb)
#     minutes_to_do: 45
#     minutes: 8
#     memory_mb: 3600
#     data: 16,000 synthetic images and 340 clips of 32 frames, made on first use (1.8 GB on disk)
#     seed: 16
# ---

# %% [markdown]
# {{ header }}

# %% tags=["setup"]
import time
from dataclasses import replace

import torch

from handlib import viz, weights
from handlib.course import quiz
from handlib.course.captions import captions
from handlib.course.checks import nb16 as check
from handlib.course.paper_tables import paper_tables
from handlib.data import SyntheticHands, SyntheticSequences, windows
from handlib.data.sequence_batch import collate_windows
from handlib.data.windows import window_indices
from handlib.evaluation.bootstrap import mean_interval
from handlib.experiments.evidence import load_evidence
from handlib.hands import load_hand
from handlib.models import Deformer, DeformerConfig, MotionDiscriminator
from handlib.models.baselines import DEFORMER
from handlib.training import (
    CachedFrames,
    Critic,
    TrainConfig,
    evaluate,
    evaluate_windows,
    fit,
    mean_pose_baseline,
    single_frame_model,
    single_frames,
)
from handlib.training.evaluate import predict_windows

_ = torch.manual_seed(16)
caption = captions("16")
hand = load_hand()

# %% [markdown]
# ## 1 Clips, and windows of them
#
# The clips are rendered like the images of [10](10_train_handoccnet.ipynb): a
# hand grasps, turns, lets go, points and waves, ten frames a second, and now
# and then something passes in front of it. The first run of the next cell
# renders them, in about two minutes.

# %%
LENGTH, FRAMES, GAP = 7, 32, 1
stills = SyntheticHands("train", 16_000)
clips = SyntheticSequences("train", 300, frames=FRAMES)
held_out = SyntheticSequences("test", 40, frames=FRAMES)

# %%
CLIP = 3
shown = [held_out[CLIP * FRAMES + f] for f in range(FRAMES)]
fig = viz.theme.figure(9.5, 3.1)
top, bottom = fig.subfigures(2, 1, height_ratios=[1, 1])
for ax, f in zip(top.subplots(1, 8), range(0, FRAMES, 4), strict=True):
    viz.maps.show_image(ax, shown[f].image, f"frame {f}")
hidden = [sample.occlusion for sample in shown]
ax = bottom.subplots()
ax.plot(hidden, "o-", markersize=3)
ax.set(xlabel="frame", ylabel="hidden share", ylim=(0, 1))
most = max(range(FRAMES), key=hidden.__getitem__)
words = {"most": f"{hidden[most]:.0%}", "frame": most}
viz.show(fig, **caption("clip", **words), dpi=95, colours=256)

# %% [markdown]
# **Predict first.** A network that sees one frame at a time: where along this
# clip will it err most? And one that also sees three frames to either side?
#
# A *window* is the frame in the middle, for which the answer counts, with three
# neighbours on each side. At the ends of a clip some are missing. The released
# code then repeats the last frame that it could take.
#
# ### Exercise 16.1
#
# Write the rule: from the centre outwards in steps of `gap`; from the first
# index that is not in the clip on, repeat the last one taken. `frames` is a
# range, such as `range(32, 64)` for the second clip of a set.

# %% tags=["exercise"]
def window_of(centre, frames, length, gap):
    """Indices of a window, `length` of them, centre at length // 2."""
    ...


# %% tags=["check"]
check.window_of(window_of)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Walk twice, once with step −gap and once with +gap. Keep the last index that
# was taken.
# </details>
# <details><summary>Hint 2</summary>
#
# `following in frames` is all the test that is needed. The walk to the left
# comes out backwards.
# </details>
#
# **Solution**, folded: click the blue bar, or the three dots, to open it.

# %% tags=["solution"] jupyter={"source_hidden": true}
def window_of_solution(centre, frames, length, gap):
    def walk(count, step):
        taken = [centre]
        for _ in range(count):
            following = taken[-1] + step
            taken.append(following if following in frames else taken[-1])
        return taken[1:]

    before = walk(length // 2, -gap)[::-1]
    return [*before, centre, *walk(length - 1 - length // 2, gap)]


check.window_of(window_of_solution)

# %% [markdown]
# The library has the same rule. Windows of a clip's first, second, middle and
# last frame:

# %%
for centre in (32, 33, 50, 63):
    taken = window_indices(range(32, 64), None, centre, LENGTH, GAP)
    print(f"frame {centre}: {taken}")

# %% [markdown]
# ## 2 First stage: what one frame shows
#
# Could we train on windows at once? Count what there is to learn from. Poses
# are many in the stills, each image shows another; the frames of a clip
# resemble each other. And a window costs seven frames for one answer.

# %%
def spread_of_poses(samples):
    """Mean distance (degrees a joint) to the nearest of the other poses."""
    poses = torch.stack([sample.pose[1:].flatten() for sample in samples])
    apart = torch.cdist(poses, poses).fill_diagonal_(torch.inf)
    return apart.amin(1).rad2deg().mean() / 15**0.5


for name, data in (("stills", stills), ("clips", clips)):
    pick = [data[i] for i in range(1_600)]
    print(f"1,600 frames of {name}: nearest other pose", end=" ")
    print(f"{spread_of_poses(pick):.1f}° a joint away")

# %% [markdown]
# So the part that reads one frame learns from stills *and* single frames of
# clips, as windows of length one. Its trunk (ResNet and pyramid) is that of the
# HandOccNet that comes with the course, and stays as it is; the spatial
# transformer and the head are new. This takes about three minutes.

# %%
def test_windows(length):
    return windows(held_out, length, GAP)


course = DeformerConfig.course()
start = Deformer(course, hand).take_trunk(weights.load_handoccnet(hand))
single = single_frame_model(start)
recipe = TrainConfig.deformer_frames()
began = time.perf_counter()
frame_history = fit(single, single_frames(stills, clips), config=recipe)
minutes = (time.perf_counter() - began) / 60
print(f"{recipe.images:,} single frames in {minutes:.1f} minutes")

# %%
baseline = mean_pose_baseline(stills, hand)
blind = evaluate(baseline, held_out)
first = evaluate_windows(single, test_windows(1), batch_size=64)
for name in ("root_aligned", "procrustes"):
    guessed, found = (1000 * s.means()[name] for s in (blind, first))
    print(f"{name:12} mean pose {guessed:.0f} mm, single frame {found:.0f} mm")
assert first.means()["root_aligned"] < 0.75 * blind.means()["root_aligned"]

# %% [markdown]
# ## 3 See each frame once
#
# Now the frame-wise part is *frozen*: its weights change no more, and so the
# vector F⁺ that it gives for a frame stays the same for ever. Each frame stands
# in seven windows, and each window is read several times.
#
# **Predict first.** 9,600 windows are read 2.7 times each. How many frames would
# the frame-wise part see in all? How many, if each is seen once?

# %%
steps = TrainConfig.deformer_course()
again, once = LENGTH * steps.images, len(clips)
print(f"{again:,} frames or {once:,}: {again / once:.0f} times fewer")

# %%
start.take_frames(single)
train_windows = windows(clips, LENGTH, GAP)
seen = CachedFrames(start, train_windows)
judged = CachedFrames(start, test_windows(LENGTH))

# %% [markdown]
# The same numbers? One batch of windows, from the pixels and from the table:

# %%
chosen = [0, 700, 9_599]
from_pixels = collate_windows([train_windows[i] for i in chosen])
start.eval()
with torch.no_grad():
    slow = start(from_pixels.image, from_pixels.boxes).fused_joints
    fast = predict_windows(start, seen.batch(chosen)).fused_joints
assert torch.allclose(slow, fast, atol=1e-4)
print("F⁺ of three windows:", tuple(seen.batch(chosen).feature.shape))

# %% [markdown]
# ## 4 Second stage: what frames tell each other
#
# Two networks, from the same start and with the same windows in the same order.
# They differ in two switches:

# %% tags=["nbval-check-output"]
NETWORKS = ("single_frame", "deformer")
for name in NETWORKS:
    config = DEFORMER[name](course)
    print(f"{name:13} temporal={config.temporal!r:14}", end=" ")
    print(f"weights={config.weights!r}")

# %% [markdown]
# - **single_frame** reads the frame in the middle and nothing else.
# - **deformer** lets frames attend to each other (notebook 12), carries every
#   frame's answer to the middle, and averages them by confidence
#   ([13](13_dynamic_fusion.ipynb)).
#
# The single-frame model gets the second stage as well. Otherwise we would
# compare networks that were trained for different times.
#
# **Predict first.** Which of the two has the smaller error over all frames? And
# where at least three quarters of the hand are hidden?

# %%
models, histories = {}, {}
began = time.perf_counter()
for name in NETWORKS:
    torch.manual_seed(16)
    models[name] = Deformer(DEFORMER[name](course), hand).take_frames(start)
    histories[name] = fit(models[name], seen, config=steps)
minutes = (time.perf_counter() - began) / 60
print(f"twice {steps.images:,} windows in {minutes:.1f} minutes")

# %%
fig = viz.theme.figure(8, 3)
axes = fig.subplots(1, 2, sharey=True)
for ax, (name, history) in zip(axes, histories.items(), strict=True):
    terms = ("frames_joints", "forward_joints", "fused_joints")
    kept = {term: history.terms[term] for term in terms}
    viz.curves.loss_curves(ax, history.images, kept)
    ax.get_legend().remove()
    ax.set(title=name, xlabel="windows seen")
axes[0].legend(fontsize=8)
axes[1].set_ylabel("")
viz.show(fig, **caption("losses"), dpi=90)

# %% [markdown]
# ## 5 The judgement
#
# On the clips of the test split: other people, other poses, other objects.

# %%
scores = {name: evaluate_windows(m, judged) for name, m in models.items()}
print(f"{'':13} {'RA':>6} {'PA':>6} {'acceleration':>13}   (mm, mm/frame²)")
for name, found in scores.items():
    ra, pa, acceleration = (1000 * x for x in found.means().values())
    print(f"{name:13} {ra:6.1f} {pa:6.1f} {acceleration:13.1f}")

# %%
tables = {name: found.table() for name, found in scores.items()}
rows = tables["deformer"]
bins = [f"{row['low']:.0%}–{row['high']:.0%}" for row in rows]
bars = {
    name: 1000 * torch.tensor([row["root_aligned"] for row in table]).numpy()
    for name, table in tables.items()
}
fig = viz.theme.figure(8.5, 3.2)
ax = fig.subplots()
viz.curves.grouped_bars(ax, bins, bars)
ax.set(xlabel="hidden share of the middle frame", ylabel="RA error (mm)")
heights = {name: v.round().astype(int).tolist() for name, v in bars.items()}
viz.show(fig, **caption("by occlusion", bars=heights), dpi=90)

# %% [markdown]
# Is the difference in the last bin more than luck? Both networks answer for the
# *same* frames, so look at the difference frame by frame, which takes the
# difficulty of a frame out. But the frames of a clip resemble each other: forty
# clips are forty draws of luck, not thirteen hundred. So draw **clips** with
# replacement.
#
# ### Exercise 16.2
#
# Write the gains under given draws. `draws` (R, C) holds in each row the
# numbers of C clips; a clip that is drawn twice counts twice.

# %% tags=["exercise"]
def resampled_gains(before, after, chosen, draws):
    """Errors (C, F) twice, frames that count (C, F) bool, draws (R, C).

    Returns (R,): mean of before − after over the chosen frames drawn.
    """
    ...


# %% tags=["check"]
check.resampled_gains(resampled_gains)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Per clip: the sum of the gains over its chosen frames, and their number. Both
# have shape (C,).
# </details>
# <details><summary>Hint 2</summary>
#
# `sums[draws]` has shape (R, C). Divide the sum of sums by the sum of counts,
# not clip by clip: a clip with one hidden frame knows less than one with ten.
# </details>

# %% tags=["solution"] jupyter={"source_hidden": true}
def resampled_gains_solution(before, after, chosen, draws):
    sums = ((before - after) * chosen).sum(1)
    counts = chosen.sum(1)
    return sums[draws].sum(1) / counts[draws].sum(1)


check.resampled_gains(resampled_gains_solution)

# %% [markdown]
# The library's `mean_interval` draws groups in the same way. Deformer's gain
# over the single frame, over all frames and where the middle one is hidden most:

# %%
by_clip = {
    name: 1000 * found.root_aligned.view(-1, FRAMES)
    for name, found in scores.items()
}
gains = by_clip["single_frame"] - by_clip["deformer"]
share = scores["deformer"].occlusion.view(-1, FRAMES)
for label, chosen in (("all", share >= 0), ("hidden", share >= 0.75)):
    of_clip = chosen.nonzero()[:, 0].tolist()
    low, high = mean_interval(gains[chosen], groups=of_clip)
    print(f"{label:6} {len(of_clip):5} frames:", end=" ")
    print(f"{gains[chosen].mean():+.1f} mm [{low:+.1f}, {high:+.1f}]")
assert gains[share >= 0.75].mean() > 0

# %% [markdown]
# One seed may be luck. `handlib experiment video` trains these two and three
# more from three seeds, and scores them on 64 test clips: **temporal** takes the
# middle frame's own answer, **average** fuses with equal weights, **recurrent**
# has a GRU in place of attention. The course ships what it wrote:

# %% tags=["nbval-check-output"]
evidence = load_evidence("video")
print("means over seeds (smallest to largest), mm")
print(f"{'':13} {'all frames':>19}  {'hidden most':>19}  {'acceleration':>12}")
for name, found in evidence["spread"].items():
    line = f"{name:13}"
    for column in ("root_aligned", "hidden"):
        low, mean, high = (found[column][k] for k in ("min", "mean", "max"))
        line += f" {mean:6.1f} ({low:.1f} to {high:.1f})"
    print(line, f"{found['acceleration']['mean']:11.1f}")

# %% tags=["nbval-check-output"]
print("gain over the single frame where hidden most, mm, 95 % over clips")
for row in evidence["runs"]:
    gain = row["gain"]
    if row["network"] in ("temporal", "deformer"):
        low, high = gain["interval"]
        print(f"seed {row['seed']} {row['network']:9}", end=" ")
        print(f"{gain['mean']:+.1f} [{low:+.1f}, {high:+.1f}]")

# %% [markdown]
# Read it as it stands:
#
# - Where the middle frame is hidden most, context helps, in every seed.
# - Where the hand can be seen, a single frame is as good as the average of seven,
#   or better: there Deformer pays for guesses that were carried over.
# - The motion is calmer: the acceleration error is about halved. A network that
#   sees frames one by one cannot know how it erred in the last one.
# - Equal weights do as well as learned ones. The gain is one of context and of
#   averaging; that it comes from *choosing* frames is not shown here. Notebook
#   [13](13_dynamic_fusion.ipynb) has found a reason: 6D vectors weigh by themselves.
#
# Beside it the shipped weights, trained by the same recipe (`deformer` with a
# motion discriminator), and the papers' networks on real video. That is another
# task: compare who is ahead of whom, not the millimetres.

# %% tags=["nbval-check-output"]
for name in ("deformer_single_frame", "deformer_recurrent", "deformer"):
    error = weights.card(name)["scores"]["model"]
    print(f"{name:21} RA {error['root_aligned']:.1f} mm,", end=" ")
    print(f"acceleration {error['acceleration']:.1f} mm/frame²")
table = paper_tables()["deformer_motion"]
print(f"{table.where}, {table.data}: root-aligned mm, acceleration error")
for method in ("VIBE", "TCMR", "MeshGraphormer", "Deformer"):
    ra, _, acceleration = table.rows[method]
    print(f"{method:16} {ra:6.2f} {acceleration:6.1f}")

# %% [markdown]
# ## 6 What the confidence has learned
#
# Fusion can only help a hidden frame without hurting a visible one if its
# weights tell the two apart. Do they?
#
# ### Exercise 16.3
#
# Write a number for it: how much more of the hand do the weighted frames show
# than equally weighted ones would? Per window Σ c_t (1 − o_t) minus the plain
# mean of 1 − o_t, then the mean over windows.

# %% tags=["exercise"]
def preference(confidence, occlusion):
    """Weights (B, T) and hidden shares (B, T) to a scalar."""
    ...


# %% tags=["check"]
check.preference(preference)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Equal weights must give exactly 0, and weights on the frames that can be seen
# best a positive number.
# </details>
# <details><summary>Hint 2</summary>
#
# `seen = 1 - occlusion`; the weights of a window add up to 1 already.
# </details>

# %% tags=["solution"] jupyter={"source_hidden": true}
def preference_solution(confidence, occlusion):
    seen = 1 - occlusion
    return ((confidence * seen).sum(1) - seen.mean(1)).mean()


check.preference(preference_solution)

# %%
deformer = models["deformer"].eval()
batch = judged.batch(range(len(judged)))
with torch.no_grad():
    confidence = predict_windows(deformer, batch).confidence
visible = (1 - batch.occlusion).clamp(min=1e-6)  # some windows show no hand
best = visible / visible.sum(1, keepdim=True)
for name, c in {"learned": confidence, "1 − hidden": best}.items():
    more = (c - 1 / LENGTH) * (1 - batch.occlusion)  # 16.3, rearranged
    value = more.sum(1).mean()
    print(f"{name:11} {value:+.3f} more of the hand than equal weights")
ends = f"{confidence.min():.2f} to {confidence.max():.2f}"
print(f"learned weights: {ends}, equal ones would be {1 / LENGTH:.2f}")

# %%
fig = viz.theme.figure(9, 3)
left, right = fig.subplots(1, 2)
left.scatter(batch.occlusion[::5], confidence[::5], s=2, alpha=0.3)
left.axhline(1 / LENGTH, color=viz.theme.INK, linewidth=0.8)
left.set(xlabel="hidden share of the frame", ylabel="confidence")
by_place = confidence.mean(0)
right.bar(range(-3, 4), by_place)
right.axhline(1 / LENGTH, color=viz.theme.INK, linewidth=0.8)
right.set(xlabel="place in the window", ylabel="mean confidence")
places = ", ".join(f"{c:.2f}" for c in by_place)
viz.show(fig, **caption("confidence", places=places), dpi=90)

# %% [markdown]
# Compare the two numbers: the learned weights lean towards frames that show the
# hand by a small part of what the true hidden shares would. What would other
# weights do to the same trained network? Fusion is arithmetic; the switch can be
# turned after training.
#
# **Predict first.** With the true hidden shares as weights: better or worse than
# the learned ones, and where?

# %%
for weighting in ("confidence", "uniform", "centre", "occlusion"):
    config = replace(deformer.config, weights=weighting)
    other = Deformer(config, hand)
    other.load_state_dict(deformer.state_dict())
    found = evaluate_windows(other, judged)
    last = found.table()[-1]
    every = 1000 * found.means()["root_aligned"]
    print(f"{weighting:10} all {every:.1f} mm,", end=" ")
    print(f"hidden most {1000 * last['root_aligned']:.1f} mm")

# %% [markdown]
# If the rows are close together, the weights are not what matters at this scale,
# and a claim about *dynamic* fusion cannot be made from this training.
# The paper trains for days on real video; we cannot say from here what its
# confidence learns there.
#
# ## 7 Along a clip
#
# The clip of section 1 again, now with the errors.

# %%
place = slice(CLIP * FRAMES, (CLIP + 1) * FRAMES)
fig = viz.theme.figure(9, 3)
ax = fig.subplots()
colours = dict(zip(NETWORKS, viz.theme.PALETTE, strict=False))
for name in NETWORKS:
    ax.plot(by_clip[name][CLIP], label=name, color=colours[name])
ax.set(xlabel="frame", ylabel="RA error (mm)", ylim=0)
behind = ax.twinx()
behind.fill_between(range(FRAMES), hidden, alpha=0.2, color=viz.theme.MUTED)
behind.set(ylabel="hidden share (grey)", ylim=(0, 1))
ax.legend(loc="upper left")
means = {n: round(by_clip[n][CLIP].mean().item()) for n in colours}
viz.show(fig, **caption("along", means=means), dpi=90)

# %%
around = [most + step for step in (-6, -3, 0, 3, 6)]
around = [min(max(f, 0), FRAMES - 1) for f in around]
rows = judged.batch([CLIP * FRAMES + f for f in around])
samples = [shown[f] for f in around]
with torch.no_grad():
    answers = {
        name: predict_windows(model.eval(), rows)
        for name, model in models.items()
    }

# %%
def draw_answer(ax, name, column):
    """A network's mesh over frame `around[column]`."""
    sample, found = samples[column], answers[name]
    joints, camera = found.fused_joints[column], sample.intrinsics
    at = viz.hand.fit_translation(joints, sample.joints_px, camera)
    mesh = found.fused_vertices[column] + at
    error = by_clip[name][CLIP, around[column]]
    title = f"{name.replace('_', ' ')}: {error:.0f} mm"
    viz.maps.show_image(ax, sample.image)
    viz.hand.draw_hand(ax, mesh, hand.faces, camera, 128, title=title)


# %%
fig = viz.theme.figure(9, 5.4)
axes = fig.subplots(3, 5)
for column, (f, sample) in enumerate(zip(around, samples, strict=True)):
    viz.maps.show_image(axes[0, column], sample.image, f"frame {f}")
    draw_answer(axes[1, column], "single_frame", column)
    draw_answer(axes[2, column], "deformer", column)
viz.show(fig, **caption("meshes"), dpi=95, colours=256)

# %% [markdown]
# The networks give no position in space, only the hand in its own frame. To
# draw it we put each mesh where its joints fall onto the *true* pixels.
#
# ## 8 End to end, and adversarial
#
# Deformer's own recipe trains everything at once, with maxMSE
# ([14](14_maxmse.ipynb)) and with a motion discriminator that tries to tell
# predicted motion from true motion (notebook 15). The loop stays the same:
# with a *critic* its verdict is one more loss, and it learns after every step.
# Forty steps show that it works, not that it helps.

# %%
critic = Critic(MotionDiscriminator.course())
short = replace(steps, images=40 * steps.batch_size, learning_rate=5e-4)
tried = Deformer(course, hand)
tried.load_state_dict(models["deformer"].state_dict())
history = fit(tried, seen, config=short, critic=critic)
for name in ("fused_joints", "adversarial", "judge_real", "judge_fake"):
    early, late = history.terms[name][0], history.terms[name][-1]
    print(f"{name:13} {early:8.4f} at first, {late:8.4f} at last")

# %% [markdown]
# And the whole network from the pixels on, trunk included, with the paper's
# losses: four steps, to see what they cost.

# %%
whole = Deformer(replace(course, frozen="nothing"), hand)
whole.load_state_dict(models["deformer"].state_dict())
config = replace(TrainConfig.deformer_paper(), images=32, batch_size=8)
config = replace(config, workers=0)
began = time.perf_counter()
_ = fit(whole, train_windows, config=config)
each = (time.perf_counter() - began) / 32
hours = steps.images * each / 3600
print(f"{each:.2f} s a window; {steps.images:,} of them: {hours:.1f} hours")

# %% [markdown]
# ## 9 Your own ablation
#
# The frames are seen; a second stage takes a minute. Change one thing, keep the
# budget, and repeat with another seed before you believe a difference:
#
# | what | how |
# |---|---|
# | other time scales | `windows(clips, 7, gap=2)` in a new `CachedFrames` |
# | recurrent, in the manner of VIBE | `DEFORMER["recurrent"]` |
# | the middle frame from past and future, as TCMR | `DEFORMER["past_and_future"]` |
# | fusion of every frame | `replace(course, fuse_every=True)` |
# | fusion on SO(3) | `replace(course, space="so3")` |
# | maxMSE | `replace(steps.loss, max_mse=True)` |
# | weight of the fused hand | `replace(steps.loss, fused=1.0)` |
#
# **With real video.** `handlib data subset` draws frames of HO-3D or DexYCB by a
# seed, balanced by occlusion and sequence, and writes their names to a file. A
# Deformer takes them for the middles of its windows; the neighbours come from
# the whole set. Both stages learn from these windows alone:
#
# ```sh
# handlib data subset ho3d --root HO3D_v2 --size 4000 --hand models --out few.json
# handlib train deformer --data ho3d --root HO3D_v2 --subset few.json --run runs/real
# ```
#
# The cell runs with a budget that only shows that it works.

# %%
BUDGET = 320  # 25_600 to learn something
for space in ("rot6d", "so3"):
    torch.manual_seed(16)
    trial = Deformer(replace(course, space=space), hand).take_frames(start)
    _ = fit(trial, seen, config=replace(steps, images=BUDGET))
    error = evaluate_windows(trial, judged).means()["root_aligned"]
    print(f"{space:6} {1000 * error:.1f} mm after {BUDGET} windows")

# %% [markdown]
# ## 10 Paper against code
#
# {{ paper_against_code }}
#
# ## 11 Quiz
#
# {{ quiz }}

# %% [markdown]
# With a kernel you can click your answers:

# %% tags=["quiz"]
quiz.show("16")

# %% [markdown]
# ## Summary
#
# - The frame-wise part learns first, from many poses. Frozen, it needs to see
#   each frame only once.
# - Windows repeat the last frame taken at the ends of a clip.
# - Where the middle frame is hidden most, other frames help; where it is
#   visible, a single frame is enough. Motion gets calmer everywhere.
# - Frames of a clip are not independent: intervals come from drawing clips.
# - The learned confidence has to be measured before it is believed.
# - Clip 3 has come from its pixels to one mesh for each frame; section 7 shows
#   them beside those of a single-frame network.
#
# ## 요약
#
# - Frame별 부분을 다양한 자세로 먼저 학습합니다. 고정한 뒤에는 각 frame을 한 번만
#   보면 됩니다.
# - Clip의 양 끝에서는 마지막으로 사용한 frame을 반복하여 window를 채웁니다.
# - 가운데 frame이 많이 가려질수록 다른 frame이 도움이 됩니다. 손이 보일 때는 frame
#   하나로 충분합니다. 움직임은 모든 경우에 더 부드러워집니다.
# - 한 clip의 frame들은 서로 독립이 아니므로 신뢰구간은 clip 단위로 뽑아 구합니다.
# - 학습된 confidence는 측정해 본 뒤에 믿어야 합니다.
# - Clip 3은 픽셀에서 출발하여 frame마다 mesh 하나가 되었습니다. 7절에서 frame 하나만
#   보는 네트워크의 mesh와 비교할 수 있습니다.
#
# ## References
#
# - Q. Fu, X. Liu, R. Xu, J. C. Niebles, K. M. Kitani. *Deformer: Dynamic
#   Fusion Transformer for Robust Hand Pose Estimation.* ICCV 2023. Tables 1, 2
#   and 4; sections 3.3 and 3.4.
# - M. Kocabas, N. Athanasiou, M. J. Black. *VIBE: Video Inference for Human Body
#   Pose and Shape Estimation.* CVPR 2020. The recurrent baseline, the motion
#   discriminator, the acceleration error.
# - H. Choi, G. Moon, J. Y. Chang, K. M. Lee. *Beyond Static Features for
#   Temporally Consistent 3D Human Pose and Shape from a Video.* CVPR 2021. TCMR.
# - B. Efron. *Bootstrap Methods: Another Look at the Jackknife.* Annals of
#   Statistics 7, 1979.
