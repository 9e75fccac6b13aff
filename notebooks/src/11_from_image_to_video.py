# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
#   handlib:
#     number: "11"
#     title: From image to video
#     title_ko: From image to video, 이미지에서 영상으로
#     summary: >-
#       A hand that is hidden or blurred now was clear a moment ago. Windows of a video, and the part
#       of Deformer that reads each frame by itself: pyramid, RoIAlign, and one query for the hand.
#     summary_ko: >-
#       지금 가려지거나 흐려진 손도 조금 전에는 잘 보였습니다. 영상의 window와, Deformer에서 frame 하나를
#       읽는 부분(feature pyramid, RoIAlign, hand query 하나)을 직접 만들어 봅니다.
#     objectives:
#       - say which frames a window holds, inside a clip and at its ends
#       - blur a moving hand, and name the detail that no network can bring back from that frame
#       - measure how often a hidden hand is seen in another frame of the window, and at what price
#       - compute RoIAlign with two small matrices, and the attention of the hand query
#       - measure where the hand query of a trained network looks, against what chance would give
#     objectives_ko:
#       - Clip의 중간과 양 끝에서 window에 어떤 frame이 들어가는지 말할 수 있습니다
#       - 움직이는 손에 blur를 적용하고, 그 frame에서 되살릴 수 없는 detail을 설명할 수 있습니다
#       - 가려진 손이 window의 다른 frame에서 얼마나 자주 보이는지, 그 대가는 무엇인지 측정할 수 있습니다
#       - RoIAlign을 작은 행렬 두 개로 계산하고, hand query의 attention을 계산할 수 있습니다
#       - 학습된 hand query가 어디를 보는지 우연 수준과 비교하여 측정할 수 있습니다
#     prerequisites: self-attention, soft-argmax; [08](08_set.ipynb), [09](09_from_features_to_a_hand.ipynb)
#     minutes_to_do: 35
#     minutes: 1.5
#     memory_mb: 2000
#     data: 40 synthetic clips of 32 frames, made on first use (85 MB on disk)
#     seed: 11
# ---

# %% [markdown]
# {{ header }}

# %% tags=["setup"]
import math
from dataclasses import replace

import torch

from handlib import viz
from handlib.course import quiz
from handlib.course.captions import captions
from handlib.course.checks import nb11 as check
from handlib.data import SyntheticSequences, collate, windows
from handlib.data.sequence_batch import fold
from handlib.data.synthetic.config import SequencesConfig
from handlib.data.windows import window_indices
from handlib.evaluation.bootstrap import mean_interval
from handlib.experiments.catalogue import first_look, illustration
from handlib.experiments.evidence import load_evidence, spread_table
from handlib.hands.rotations import axis_angle_to_rotmat, rotmat_to_axis_angle
from handlib.models import record
from handlib.models.attention import (
    join_heads,
    softmax_correlation,
    split_heads,
)
from handlib.models.positions import sine_positions_1d, sine_positions_2d
from handlib.models.roi_align import roi_align
from handlib.models.spatial import SpatialTransformer
from handlib.models.transformer import Decoder
from handlib.sequence_losses import box_coordinates
from handlib.viz import regions
from handlib.viz.layer_explorer import LayerExplorer
from handlib.weights import load_deformer

_ = torch.manual_seed(11)
torch.set_printoptions(precision=2, sci_mode=False)
caption = captions("11")

# %% [markdown]
# ## 1 One image is not always enough
#
# HandOccNet reads one image. If it shows next to nothing of the hand, the
# network can only guess. **Deformer** reads a few frames of a video, and asks
# the others when the one in the middle is occluded or blurred. Its parts:
#
# | part | reads | gives | notebook |
# |---|---|---|---|
# | CNN | one frame | features F_t of the hand | this one |
# | spatial transformer | F_t | the frame in one vector, F⁺_t | this one |
# | temporal transformer | F⁺ of all frames | F⁺⁺_t, and one shape β | 12 |
# | dynamic fusion | a guess from each frame | one hand | 13 |
#
# t counts the frames. Our clips are rendered, ten frames a second: a hand
# gestures, waves, points or handles things, and things pass in front of it. From
# here to notebook 16 one of them, clip 3, takes the place of the one half-hidden
# image.

# %%
CLIPS, FRAMES, LENGTH = 40, 32, 7
clips = SyntheticSequences("test", CLIPS, frames=FRAMES)
samples = [clips[i] for i in range(CLIPS * FRAMES)]
hidden = torch.tensor([s.occlusion for s in samples]).view(CLIPS, FRAMES)

# %%
CLIP = 3
shown = samples[CLIP * FRAMES : (CLIP + 1) * FRAMES]
fig = viz.theme.figure(9.5, 3.1)
top, bottom = fig.subfigures(2, 1, height_ratios=[1, 1])
for ax, t in zip(top.subplots(1, 8), range(0, FRAMES, 4), strict=True):
    viz.maps.show_image(ax, shown[t].image, f"frame {t}")
ax = bottom.subplots()
ax.plot(hidden[CLIP], "o-", markersize=3)
ax.set(xlabel="frame", ylabel="hidden share", ylim=(0, 1))
most = int(hidden[CLIP].argmax())
words = {"most": f"{hidden[CLIP, most]:.0%}", "frame": most}
viz.show(fig, **caption("clip", **words), dpi=95, colours=256)

# %% [markdown]
# ## 2 Windows
#
# A **window** is T frames around the one in the middle, for which the answer
# counts. Neighbours in the window are `gap` frames of the video apart. Where the
# next one would lie outside the clip, the last frame taken is repeated. Three
# windows of clip 3, whose frames are 96 to 127:

# %% tags=["nbval-check-output"]
by_one = windows(clips, LENGTH, gap=1)
for t in (0, 16, 30):
    window = by_one[CLIP * FRAMES + t]
    repeated = ["x" if r else "." for r in window.repeated]
    print(window.frames, "repeated:", *repeated)

# %% [markdown]
# **Predict first.** Deformer was trained with T = 7 and a gap of 10. In a clip
# of 32 frames, how many windows hold seven *different* frames with that gap?

# %%
fig = viz.theme.figure(9, 2.1)
for ax, gap in zip(fig.subplots(1, 3, sharey=True), (1, 5, 10), strict=True):
    for row, t in enumerate((2, 16, 30)):
        taken = window_indices(range(FRAMES), None, t, LENGTH, gap)
        ax.plot(taken, [row] * LENGTH, "o", color=viz.theme.BLUE)
        ax.plot(t, row, "D", color=viz.theme.VERMILION)
        for frame in {f for f in taken if taken.count(f) > 1}:
            times = f"×{taken.count(frame)}"
            ax.text(frame, row + 0.2, times, ha="center", fontsize=8)
    ax.set(title=f"gap {gap}", xlabel="frame", xlim=(-2, FRAMES + 1))
    ax.set(yticks=range(3), yticklabels=(2, 16, 30), ylim=(-0.5, 2.6))
fig.axes[0].set_ylabel("middle")
viz.show(fig, **caption("windows"))

# %% [markdown]
# ### Exercise 11.1
#
# How many windows of `length` frames, `gap` apart, does a clip have in which no
# frame is repeated?

# %% tags=["exercise"]
def complete_windows(frames, length, gap):
    """Three whole numbers to one."""
    ...


# %% tags=["check"]
check.complete_windows(complete_windows)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# How far apart are the first and the last frame of a window? With 7 frames it
# is not 7 gaps.
# </details>
# <details><summary>Hint 2</summary>
#
# A window spans (length − 1)·gap steps. Slide it along the clip. A clip may be
# too short for a single one: `max(..., 0)`.
# </details>
#
# **Solution**, folded: click the blue bar, or the three dots, to open it.

# %% tags=["solution"] jupyter={"source_hidden": true}
def complete_windows_solution(frames, length, gap):
    return max(frames - (length - 1) * gap, 0)


check.complete_windows(complete_windows_solution)

# %% [markdown]
# The library's windows, counted one by one:

# %% tags=["nbval-check-output"]
for gap in (1, 2, 5, 10):
    data = windows(clips, LENGTH, gap)
    first = range(FRAMES)  # the windows of the first clip
    distinct = [len(set(data.frames(i))) for i in first]
    mean = sum(distinct) / FRAMES
    print(f"gap {gap:2}: {distinct.count(LENGTH):2} complete,", end=" ")
    print(f"{mean:.1f} different frames on average")

# %% [markdown]
# What counts is time, not frames. DexYCB has 30 frames a second: with a gap of
# 10, neighbours are a third of a second apart, and the window is two seconds
# long. Our clips have 10 frames a second and last three seconds. The course
# uses a gap of 1, that is 0.6 seconds. Section 4 measures what a longer one
# would bring.
#
# ## 3 Motion blur
#
# A shutter is open for some milliseconds. The sensor adds up all the light that
# arrives in that time. What moves meanwhile, leaves a streak.
#
# ### Exercise 11.2
#
# `light` is one row of an image. Everything in it moves by `way` pixels, an odd
# number, while the shutter is open. Write what the sensor sees: the mean over
# the `way` positions, so that the middle of the exposure stays in place. It is
# dark outside of the row.

# %% tags=["exercise"]
def motion_blur(light, way):
    """Light (W,) and an odd whole number to blurred light (W,)."""
    ...


# %% tags=["check"]
check.motion_blur(motion_blur)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# With a way of 3, pixel x gathers the light of pixels x − 1, x and x + 1.
# </details>
# <details><summary>Hint 2</summary>
#
# Pad with `way // 2` zeros on both sides. `padded.unfold(0, way, 1)` has a row
# of `way` neighbours for each pixel.
# </details>

# %% tags=["solution"] jupyter={"source_hidden": true}
def motion_blur_solution(light, way):
    side = way // 2
    padded = torch.nn.functional.pad(light, (side, side))
    return padded.unfold(0, way, 1).mean(dim=1)


check.motion_blur(motion_blur_solution)

# %% [markdown]
# **Predict first.** Stripes pass by, dark and light in turn, and the shutter
# stays open while they move by 5 pixels. How much of their contrast is left if
# a pair of stripes is 40 pixels wide? 10 pixels? 5 pixels?

# %% tags=["nbval-check-output"]
way, x = 5, torch.arange(200)
for period in (40, 20, 10, 5):
    stripes = (2 * math.pi * x / period).cos()
    streaks = stripes.unfold(0, way, 1).mean(dim=1)
    left = streaks.abs().max()
    angle = math.pi / period
    formula = abs(math.sin(way * angle) / (way * math.sin(angle)))
    print(f"period {period:2}: {left:.0%} of the contrast left")
    assert abs(left - formula) < 1e-3

# %% [markdown]
# Coarse things survive. What is as fine as the way is **gone**: stripes of 5
# pixels leave an even grey, and no network can read them from it. Fingers
# in our images are some ten pixels wide. Another frame may show what is lost.
#
# Now the real thing. We film clips again with other exposures: same hand, same
# motion, same noise. In the clips the shutter is open for 8 to 30 ms. At 100 ms
# and ten frames a second it never closes. Of every clip we take the frame in
# which a visible hand moves fastest, if it moves by 8 pixels a frame or more.

# %%
pixels = torch.stack([s.joints_px for s in samples])
pixels = pixels.view(CLIPS, FRAMES, 21, 2)
speed = (pixels[:, 2:] - pixels[:, :-2]).norm(dim=-1).mean(-1) / 2
speed = speed.masked_fill(hidden[:, 1:-1] > 0.1, 0)  # of frames 1 to 30
top_speed, when = speed.max(dim=1)
fast = [c * FRAMES + 1 + int(when[c]) for c in range(CLIPS)]
fast = [i for i, v in zip(fast, top_speed, strict=True) if v >= 8]


def filmed(milliseconds):
    """The fast frames, with the shutter open for so long."""
    config = replace(SequencesConfig(), exposure=(milliseconds / 1000,) * 2)
    options = {"frames": FRAMES, "cache": False, "config": config}
    again = SyntheticSequences("test", CLIPS, **options)
    return fold(collate([again[i] for i in fast]), 1)

# %%
films = {ms: filmed(ms) for ms in (0, 30, 100)}
sharp, smeared = films[0], films[100]
assert torch.equal(sharp.joints, smeared.joints)  # labels: mid-exposure
print(f"{len(fast)} of {CLIPS} clips have such a frame")

# %%
def detail(film):
    """Mean difference of neighbouring pixels on the visible hand."""
    image, hand = film.image[:, 0], sharp.visible[:, 0, 1:, 1:]
    across = image[..., 1:, 1:] - image[..., 1:, :-1]
    down = image[..., 1:, 1:] - image[..., :-1, 1:]
    steps = (across.abs() + down.abs()).mean(dim=1)
    return (steps * hand).sum((1, 2)) / hand.sum((1, 2))


for ms, film in films.items():
    left = (detail(film) / detail(sharp)).mean()
    print(f"{ms:3} ms: {left:.0%} of the detail on the hand")

# %%
fig = viz.theme.figure(6, 4.2)
fastest = top_speed[[i // FRAMES for i in fast]].argsort()[-2:]
for axes, i in zip(fig.subplots(2, 3), fastest, strict=True):
    for ax, (ms, film) in zip(axes, films.items(), strict=True):
        viz.maps.show_image(ax, film.image[i, 0], f"{ms} ms")
viz.show(fig, **caption("blur"), dpi=95, colours=256)

# %% [markdown]
# What it costs in places of joints, we measure in section 9, when there is a
# network to ask.
#
# ## 4 Why neighbours help
#
# Motion blur ends when the hand stops. An occlusion ends when the thing has
# passed. But how soon? We take all frames in which at least three quarters of
# the hand are hidden.
#
# **Predict first.** How often does a frame *next* to such a frame show more than
# half of the hand? How often does one of the six others of a window, with gap
# 1? With gap 5?

# %%
worst = [tuple(pair) for pair in (hidden >= 0.75).nonzero().tolist()]
clip_of = [c for c, _ in worst]
rotations = axis_angle_to_rotmat(torch.stack([s.pose for s in samples]))
rotations = rotations.view(CLIPS, FRAMES, 16, 3, 3)

# %%
def best_seen(c, t, length, gap):
    """The frame of the window around t that is hidden least."""
    taken = window_indices(range(FRAMES), None, t, length, gap)
    return min(taken, key=lambda frame: hidden[c, frame].item())


def turned(c, one, other):
    """How far the 16 joints turn between two frames, in degrees."""
    between = rotations[c, one].mT @ rotations[c, other]
    return rotmat_to_axis_angle(between).norm(dim=-1).rad2deg()

# %%
print(f"{len(worst)} of {hidden.numel()} frames are hidden that much")
print("window      seconds  hand half seen     fingers turn until then")
for length, gap in ((3, 1), (7, 1), (7, 2), (7, 3), (7, 5), (7, 10)):
    best = [(c, t, best_seen(c, t, length, gap)) for c, t in worst]
    seen = torch.tensor([float(hidden[c, s] < 0.5) for c, _, s in best])
    low, high = mean_interval(seen, clip_of)
    turn = torch.stack([turned(c, t, s)[1:].mean() for c, t, s in best])
    turn = turn[seen.bool()].mean()
    span = (length - 1) * gap / 10
    print(f"{length} by {gap:2} {span:9.1f} s  {seen.mean():4.0%}", end=" ")
    print(f"[{low:.0%}, {high:.0%}] {turn:13.1f}° a joint")

# %% [markdown]
# The brackets are 95 % intervals. Frames of one clip resemble each other, so
# whole clips are drawn with replacement.
#
# Direct neighbours hardly help: what is hidden now was hidden a tenth of a
# second ago. A longer window finds a view of the hand in most cases, until it
# reaches beyond the clip. It has a price, in the last column: the farther away
# the view, the more the hand has moved since. Here are both over the distance in
# time:

# %%
def after(lag):
    """Hidden share and turned angles `lag` frames from the worst ones."""
    pairs = [(c, t) for c, t in worst if 0 <= t + lag < FRAMES]
    share = torch.stack([hidden[c, t + lag] for c, t in pairs])
    turns = torch.stack([turned(c, t, t + lag) for c, t in pairs]).mean(0)
    return share, turns[0], turns[1:].mean()


lags = range(-15, 16)
shares, wrist, fingers = zip(*(after(lag) for lag in lags), strict=True)
seconds = [lag / 10 for lag in lags]
mean = torch.stack([s.mean() for s in shares])
quartiles = torch.tensor([0.25, 0.75])
low, high = torch.stack([s.quantile(quartiles) for s in shares]).T

# %%
fig = viz.theme.figure(8.5, 2.8)
left, right = fig.subplots(1, 2)
left.fill_between(seconds, low, high, color=viz.theme.SKY, alpha=0.4)
left.plot(seconds, mean, linewidth=2)
left.axvspan(-0.3, 0.3, color=viz.theme.MUTED, alpha=0.2, linewidth=0)
left.set(xlabel="seconds away", ylabel="hidden share", ylim=(0, 1))
right.plot(seconds, wrist, label="whole hand (wrist)")
right.plot(seconds, fingers, "--", label="a finger joint")
right.set(xlabel="seconds away", ylabel="turned by (°)")
right.legend()
points = {f"{t:.1f} s": f"{mean[15 + int(10 * t)]:.0%}" for t in (0, 0.3, 1)}
viz.show(fig, **caption("neighbours", values=points))

# %% [markdown]
# So another frame cannot simply stand in for this one. Something must carry
# what it saw to *now*: the temporal transformer (12) and the motions of dynamic
# fusion (13). First each frame has to be read by itself.
#
# ## 5 The frame, the box, the features inside
#
# ResNet and feature pyramid of notebook
# [04](04_backbone_and_feature_pyramid.ipynb) read the **whole** frame. The finest
# level P2 has one cell for 4×4 pixels. Only then the hand is cut out, along its
# box. HandOccNet crops the image first; here the features have seen what is
# around the box. The box is a square 1.5 times as large as the extent of the 21
# joints. In training that is a label. On a video of your own, a detector has to
# find it.

# %%
model = load_deformer()
STRIDE, CELLS, SIZE = 4, model.config.cells, model.config.image_size
clip = fold(collate(shown), FRAMES)  # one window of 32 frames
frames, boxes = clip.image[0], clip.boxes[0]
with torch.no_grad(), record(model) as maps:
    _ = model.frame_features(frames, boxes)
print("P2", tuple(maps["features"].shape))
print("in the boxes", tuple(maps["rois"].shape))
print("box of frame 0:", boxes[0])

# %% [markdown]
# Box edges do not fall on cells, and boxes have many sizes. **RoIAlign** (region
# of interest, He et al. 2017) gives the same number of bins for every box, and
# rounds nothing: it reads the map *between* its cells.
#
# **Predict first.** The map below counts 10 a row and 1 a column. What does it
# hold at row 1.5, column 2.25?

# %% tags=["nbval-check-output"]
ramp = 10 * torch.arange(4.0)[:, None] + torch.arange(5.0)


def bilinear(values, y, x):
    """Between cells: each counts 1 − distance along y, times that along x."""
    rows, columns = (torch.arange(n) for n in values.shape)
    along_y = (1 - (y - rows).abs()).clamp(min=0)
    along_x = (1 - (x - columns).abs()).clamp(min=0)
    return along_y @ values @ along_x


print(ramp)
print("at (1.5, 2.25):", bilinear(ramp, 1.5, 2.25).item())

# %% [markdown]
# A box in pixels is divided by the stride, then cut into bins. A bin longer
# than a cell would skip cells if it read one place, so it takes n = ⌈length of
# a bin⌉ samples along each axis, at the centres of n equal parts, and their
# mean.

# %% tags=["nbval-check-output"]
x1, y1, x2, y2 = box = torch.tensor([2.0, 1.0, 14.0, 9.0])  # pixels
bins = 2
high, wide = (y2 - y1) / STRIDE / bins, (x2 - x1) / STRIDE / bins
n_y, n_x = math.ceil(high), math.ceil(wide)
print(f"a bin is {high} by {wide} cells: {n_y} by {n_x} samples")
roi = torch.zeros(bins, bins)
for i in range(bins):
    for j in range(bins):
        for s in range(n_y * n_x):
            y = y1 / STRIDE + high * (i + (s // n_x + 0.5) / n_y)
            x = x1 / STRIDE + wide * (j + (s % n_x + 0.5) / n_x)
            roi[i, j] += bilinear(ramp, y, x) / (n_y * n_x)
print(roi)

# %%
library = roi_align(ramp[None, None], box[None], bins, STRIDE)[0, 0]
assert torch.allclose(library, roi, atol=1e-5)

# %% [markdown]
# Four loops and thousands of samples for a real map. But a sample's weights are
# a product, along_y times along_x. So all of them together are two small
# matrices: out = W_y · F · W_xᵀ, with a row for each bin and a column for each
# cell. That is how the library does it.
#
# ### Exercise 11.3
#
# Write the matrix of one axis. `start` and `end` of the box are in cells, and
# the box lies inside the map.

# %% tags=["exercise"]
def bin_weights(start, end, bins, cells):
    """Two numbers, two whole numbers to weights (bins, cells)."""
    ...


# %% tags=["check"]
check.bin_weights(bin_weights)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Find the places of all samples first, a table (bins, n): bin i begins at
# start + i·(end − start)/bins.
# </details>
# <details><summary>Hint 2</summary>
#
# Places (bins, n, 1) minus cells (cells,) is (bins, n, cells). Take 1 − its
# absolute value, cut at 0, and the mean over the samples.
# </details>

# %% tags=["solution"] jupyter={"source_hidden": true}
def bin_weights_solution(start, end, bins, cells):
    length = (end - start) / bins
    n = math.ceil(length)
    part = (torch.arange(n) + 0.5) / n  # of a bin
    places = start + length * (torch.arange(bins)[:, None] + part)
    distance = (places[..., None] - torch.arange(cells)).abs()
    return (1 - distance).clamp(min=0).mean(dim=1)


check.bin_weights(bin_weights_solution)

# %% [markdown]
# RoIAlign reads any map, an image too, with a stride of 1. That is how we look
# at the hand as the network gets it:

# %%
CROP = 64  # pixels along the side of the crops we look at


def cropped(images, boxes):
    """Images (N, C, H, W) or masks (N, H, W) inside the boxes."""
    if images.dtype == torch.bool:
        return roi_align(images[:, None].float(), boxes, CROP, 1)[:, 0] > 0.5
    return roi_align(images, boxes, CROP, 1)


crops = cropped(frames, boxes)
visible, amodal = (cropped(m[0], boxes) for m in (clip.visible, clip.amodal))

# %%
t = 16
strength = maps["features"][t].norm(dim=0), maps["rois"][t].norm(dim=0)
fig = viz.theme.figure(9, 2.5)
axes = fig.subplots(1, 4)
viz.maps.show_image(axes[0], frames[t], f"frame {t} and its box")
limits = tuple(map(float, strength[0].aminmax()))
viz.maps.overlay(axes[1], frames[t], strength[0], "P2", limits)
viz.maps.show_image(axes[2], crops[t], "the box")
viz.maps.overlay(axes[3], crops[t], strength[1], "P2 in the box", limits)
x1, y1, x2, y2 = boxes[t].tolist()
for ax in axes[:2]:
    ax.plot([x1, x2, x2, x1, x1], [y1, y1, y2, y2, y1], viz.theme.ORANGE)
    ax.set(xlim=(-0.5, SIZE - 0.5), ylim=(SIZE - 0.5, -0.5))
viz.show(fig, **caption("roi"), dpi=95, colours=256)

# %% [markdown]
# One slip is built in, and we keep it, since the released code has it. RoIAlign
# takes cell k to stand at pixel 4k. In fact its 4×4 pixels are centred at
# 4k + 1.5. All features are off by the same 1.5 pixels, and training gets used
# to it. (`aligned=False` is the name of this older form.) A box may also reach
# beyond the image: what lies there counts as zero, black in the crops.
#
# ## 6 Where is a token?
#
# From here on the features are **tokens**, cell by cell, as in
# [06](06_softmax_or_sigmoid.ipynb). Attention does not know their order: shuffle
# the tokens, and the result is the same, shuffled. HandOccNet learns a map of
# positions. Deformer computes one, from sines and cosines. Count the n rows from
# 1 and map them to 0 … 2π; then slow the angle down, again and again:
#
# $$ p = 2\pi\,\frac{k}{n}, \qquad \mathrm{code}(p) = \left(\sin\frac{p}{s_0},
#    \cos\frac{p}{s_0}, \sin\frac{p}{s_1}, \cos\frac{p}{s_1}, \dots\right),
#    \qquad s_m = 10000^{2m/d} $$
#
# d is how many numbers the code has. Half of the channels tell the row, the
# other half the column.

# %% tags=["nbval-check-output"]
n, d = 6, 8
place = 2 * math.pi * torch.arange(1, n + 1) / n
angle = place[:, None] / 10_000 ** (2 * torch.arange(d // 2) / d)
code = torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)
print(code)
assert torch.allclose(code, sine_positions_1d(n, d), atol=1e-5)

# %% [markdown]
# **Predict first.** The first pair of columns goes once around the circle. Which
# two rows have nearly the same first pair, though they are farthest apart? What
# tells them apart?

# %%
codes = sine_positions_2d(CELLS, CELLS, model.config.channels)
turning = codes.amax(dim=0) - codes.amin(dim=0) > 0.1
print(f"{int(turning.sum())} of {len(turning)} channels change by over 0.1")

# %%
fig = viz.theme.figure(7.5, 2.5)
cells = ((0, 0), (8, 8), (8, 15))
for ax, (row, column) in zip(fig.subplots(1, 3), cells, strict=True):
    like = codes @ codes[row * CELLS + column]
    like = (like / like.max()).view(CELLS, CELLS)
    bar = ax.imshow(like, vmin=0.5, vmax=1)
    viz.maps.mark_query(ax, row, column, CELLS, CELLS)
    ax.set(title=f"row {row}, column {column}", xticks=(), yticks=())
fig.colorbar(bar, ax=fig.axes, shrink=0.8)
viz.show(fig, **caption("positions"))

# %% [markdown]
# Near cells have similar codes: that is what attention can use. The rest it has
# to learn, with the matrices that make queries and keys. Most channels turn so
# slowly that they hardly change over the map.
#
# ## 7 One query for the hand
#
# The **spatial transformer** has an encoder and a decoder, as DETR has (Carion
# et al. 2020).
#
# - **Encoder**: every token asks every other, as in SET
#   ([08](08_set.ipynb)), with the positions added to queries and keys. It turns
#   F_t into tokens F^e_t of the same shape.
# - **Joints**: three linear layers read a score for each of the 21 joints off
#   each token of F^e_t. Softmax over the tokens and soft-argmax
#   ([09](09_from_features_to_a_hand.ipynb)) give their places in the box, J^2D_t.
# - **Decoder**: *one* learned vector, the **hand query**, asks all tokens of
#   F^e_t. What it collects is F⁺_t, the whole frame in one vector.
#
# With h the hand query, x what the decoder has so far, and p_j the position of
# token j, each head looks at token j with the weight
#
# $$ a_j = \mathrm{softmax}_j\left(\frac{q\cdot k_j}{\sqrt{d}}\right), \qquad
#    q = W_q(x + h) + b_q, \qquad k_j = W_k(F^e_j + p_j) + b_k $$
#
# and takes the mean of the values W_v F^e_j + b_v. Values have no position.
#
# ### Exercise 11.4
#
# Write the weights, for a query and keys that are ready. Head 0 has the first
# C / `heads` channels, head 1 the next ones, and so on.

# %% tags=["exercise"]
def query_attention(query, keys, heads):
    """A query (C,) and keys (N, C) to weights (heads, N)."""
    ...


# %% tags=["check"]
check.query_attention(query_attention)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `query.view(heads, -1)` has a row of d channels for each head.
# </details>
# <details><summary>Hint 2</summary>
#
# The keys become (N, heads, d). `torch.einsum("ad,nad->an", q, k)` is every
# head's score of every token; divide by √d, then softmax over the tokens.
# </details>

# %% tags=["solution"] jupyter={"source_hidden": true}
def query_attention_solution(query, keys, heads):
    q = query.unflatten(0, (heads, -1))
    k = keys.unflatten(1, (heads, -1))
    scores = torch.einsum("ad,nad->an", q, k) / math.sqrt(q.shape[1])
    return scores.softmax(dim=1)


check.query_attention(query_attention_solution)

# %% [markdown]
# Now a whole decoder layer of the library, small: 8 channels, two heads, six
# tokens, random weights. We write it out.
#
# It begins with a step that looks odd. The target x starts at **zero**, and the
# queries first ask each other. There is one query, so it asks itself, with
# weight 1. The value of a zero vector is the bias b_v.

# %%
decoder = Decoder(depth=1, channels=8, heads=2, hidden=16, dropout=0.0)
for parameter in decoder.parameters():
    _ = torch.nn.init.normal_(parameter, std=0.4)
tokens, position = torch.randn(1, 6, 8), sine_positions_2d(2, 3, 8)
with torch.no_grad(), record(decoder) as small:
    answer = decoder(tokens, position)
{name: tuple(values.shape) for name, values in small.items()}

# %%
def start_of(decoder):
    """x (1, 1, C) after the query has asked itself. No image is read."""
    layer = decoder.blocks[0]
    value = layer.self_attention.in_proj_bias.chunk(3)[2]
    return layer.norm1(layer.self_attention.out_proj(value))[None, None]

# %%
def look(decoder, tokens, position):
    """The first layer's weights (B, A, 1, N), and the tokens' values."""
    attention = decoder.blocks[0].attention
    matrices = attention.in_proj_weight.chunk(3)
    biases = attention.in_proj_bias.chunk(3)
    asks = (start_of(decoder) + decoder.query, tokens + position, tokens)
    q, k, v = (
        split_heads(x @ w.T + b, attention.num_heads)
        for x, w, b in zip(asks, matrices, biases, strict=True)
    )
    return softmax_correlation(q, k), v

# %%
layer = decoder.blocks[0]
with torch.no_grad():
    weights, values = look(decoder, tokens, position)
    found = layer.attention.out_proj(join_heads(weights @ values))
    x = layer.norm2(start_of(decoder) + found)
    x = decoder.norm(layer.norm3(x + layer.feed_forward(x)))
assert torch.allclose(weights, small["0.attention"], atol=1e-5)
assert torch.allclose(x, answer, atol=1e-5)
weights[0, :, 0]

# %% [markdown]
# No error: weights and answer are the library's. Look at `start_of` again: no
# frame goes into it. **The first layer asks every frame the same question.** It
# gives each token a fixed score, and softmax compares the scores. Only a second
# layer can ask what depends on the frame.
#
# **Predict first.** We change token 5. Do the weights of tokens 0 and 1 change?
# Does their *ratio* change, in the first layer and in the second?

# %% tags=["nbval-check-output"]
deep = Decoder(depth=2, channels=8, heads=2, hidden=16, dropout=0.0)
for parameter in deep.parameters():
    _ = torch.nn.init.normal_(parameter, std=0.4)
other = tokens.clone()
other[0, 5] += 1.0
for layer in (0, 1):
    ratios = []
    for memory in (tokens, other):
        with torch.no_grad(), record(deep) as two:
            _ = deep(memory, position)
        a = two[f"{layer}.attention"][0, :, 0]  # head, token
        ratios.append(a[:, 0] / a[:, 1])
    change = (ratios[1] / ratios[0] - 1).abs().max()
    print(f"layer {layer}: the ratio changes:", bool(change > 1e-3))

# %% [markdown]
# The released network has three such layers, our small one has one.
#
# ## 8 The trained network on a clip
#
# The course ships a small Deformer (notebook [16](16_train_deformer.ipynb)
# trains one). Section 5 has recorded its forward pass over clip 3:

# %%
names = {
    "rois": "F, hand features",
    "spatial.0.attention": "encoder: token to token",
    "spatial.memory": "F^e, tokens",
    "spatial.heatmaps": "joints' heatmaps",
    "spatial.joints_img": "J^2D, joints in the box",
    "spatial.decoder.0.attention": "hand query to tokens",
    "spatial.feature": "F⁺, the frame",
}
for name, what in names.items():
    print(f"{what:24} {name:28} {tuple(maps[name].shape)}")

# %%
spatial = model.spatial
with torch.no_grad():
    ours, _ = look(spatial.decoder, maps["spatial.memory"], spatial.positions)
recorded = maps["spatial.decoder.0.attention"]  # frame, head, 1, token
assert torch.allclose(ours, recorded, atol=1e-5)

# %% [markdown]
# Our lines give the trained network's weights, too.
#
# **Predict first.** Where does the hand query look, at the joints, at the palm,
# at the border of the hand? And where when most of the hand is hidden: at the
# object, or at the part that is left?

# %%
look_at = recorded[:, :, 0].unflatten(2, (CELLS, CELLS))  # frame head 16 16
tips = maps["spatial.heatmaps"][:, 8]  # the index finger's tip
fig = viz.theme.figure(9.5, 3.9)
axes = fig.subplots(3, 8)
for column, t in zip(axes.T, range(0, FRAMES, 4), strict=True):
    viz.maps.show_image(column[0], crops[t], f"{hidden[CLIP, t]:.0%} hidden")
    viz.maps.overlay(column[1], crops[t], look_at[t].mean(0))
    viz.maps.overlay(column[2], crops[t], tips[t])
    for ax in column[1:]:
        viz.maps.outline(ax, amodal[t], viz.theme.ORANGE)
        viz.maps.outline(ax, visible[t], viz.theme.SKY, "dotted")
viz.show(fig, **caption("attention"), dpi=95, colours=256)

# %% [markdown]
# Choose a frame, and a head or a fingertip's heatmap. We multiply all maps by
# the number of tokens, so that 1 is an even look at all of them.

# %%
even = CELLS**2  # tokens
layers = {
    f"head {a}": even * look_at[:, a] for a in range(model.config.heads)
}
layers |= {"all heads": even * look_at.mean(1), "index tip": even * tips}
explorer = LayerExplorer(crops, visible, amodal, layers)
explorer.picture, explorer.layer = most, "all heads"
explorer.widget()

# %% [markdown]
# The same as a still picture:

# %%
explorer.illustration()

# %% [markdown]
# One clip is an anecdote. We take every fourth frame of all clips, and sum the
# weights that fall on the visible hand, on the hidden hand and on the
# background. Two things to compare with:
#
# - **chance**: the region's share of the tokens;
# - **average map**: the mean of all frames' maps, the same for each frame. The
#   hand always fills the middle of its box, so a query that looks at the middle
#   does well without looking at the frame at all.

# %%
picked = range(0, CLIPS * FRAMES, 4)
batch = fold(collate([samples[i] for i in picked]), 1)
images, boxes = batch.image[:, 0], batch.boxes[:, 0]
with torch.no_grad(), record(spatial.decoder) as maps:
    features = model.frame_features(images, boxes)
attention = maps["0.attention"][:, :, 0]  # frame head token
masks = (cropped(m[:, 0], boxes) for m in (batch.visible, batch.amodal))
where = regions.token_regions(*masks, side=CELLS)
from_clip = [i // FRAMES for i in picked]

# %%
def mass(weights, region):
    """What falls on a region, (N,) of weights (N, tokens)."""
    return (weights * region).sum(dim=1)


own = attention.mean(dim=1)
rivals = {
    "chance": torch.full_like(own, 1 / own.shape[1]),
    "average map": own.mean(dim=0).expand_as(own),
    "own map": own,
}
results = {
    name: [mass(weights, region) for region in where.values()]
    for name, weights in rivals.items()
}

# %%
means = {n: torch.stack(r).mean(dim=1).numpy() for n, r in results.items()}
spans = {
    n: torch.tensor([mean_interval(m, from_clip) for m in r]).numpy()
    for n, r in results.items()
}
fig = viz.theme.figure(7, 3)
ax = fig.subplots()
colours = (viz.theme.MUTED, viz.theme.BLUE, viz.theme.ORANGE)
viz.curves.grouped_bars(ax, list(where), means, spans, colours)
ax.set_ylabel("mass of the hand query")
values = "; ".join(f"{name} {m.round(2)}" for name, m in means.items())
viz.show(fig, **caption("mass", values=values))

# %% [markdown]
# The bars are means over easy and hard frames. Does the query still follow the
# frame when the hand is mostly hidden? The difference between own and average
# map, frame by frame:

# %%
share = batch.occlusion[:, 0]
kinds = {
    "at most 25 % hidden": share <= 0.25,
    "25 to 75 %": (share > 0.25) & (share < 0.75),
    "75 % or more": share >= 0.75,
}
for kind, here in kinds.items():
    groups = [c for c, h in zip(from_clip, here, strict=True) if h]
    print(f"{kind} ({int(here.sum())} frames)")
    for i, region in enumerate(where):
        gain = (results["own map"][i] - results["average map"][i])[here]
        low, high = mean_interval(gain, groups)
        print(f"  {region:13} {gain.mean():+.2f} [{low:+.2f}, {high:+.2f}]")

# %% [markdown]
# Read an interval above 0 as: the query looks there *because of what this frame
# shows*. An interval that contains 0 shows no such thing. With the shipped
# weights the query follows the frame while the hand can be seen, and hardly does
# so once three quarters of it are hidden. And the heads?

# %%
for a in range(model.config.heads):
    found = [mass(attention[:, a], region).mean() for region in where.values()]
    bits = torch.special.entr(attention[:, a]).sum(1) / math.log(2)
    text = ", ".join(
        f"{name} {m:.2f}" for name, m in zip(where, found, strict=True)
    )
    print(f"head {a}: {text}; as many as {2 ** bits.mean():.0f} tokens")

# %% [markdown]
# The last number is how many tokens an even look with the same entropy would
# reach, of 256: a head that reaches few has made up its mind.
#
# ## 9 What one frame cannot say
#
# J^2D is all that the frame alone says of the joints' places. How good is it
# when the hand is hidden, and does the network know? Error: mean distance of
# the 21 joints, in percent of the box. Entropy: of their heatmaps, in bits.
#
# **Predict first.** By what factor does the error grow from clear frames to those
# that are hidden by three quarters or more?

# %%
def joint_error(features, batch):
    """Mean error of the joints, percent of the box, (N,)."""
    truth = box_coordinates(batch)[:, 0]
    return 100 * (features.joints_img - truth).norm(dim=-1).mean(dim=1)


error = joint_error(features, batch)
entropy = torch.special.entr(features.heatmaps).sum((2, 3)).mean(1)
for kind, here in kinds.items():
    groups = [c for c, h in zip(from_clip, here, strict=True) if h]
    low, high = mean_interval(error[here], groups)
    print(f"{kind:20} error {error[here].mean():4.1f}", end=" ")
    bits = entropy[here].mean() / math.log(2)
    print(f"[{low:.1f}, {high:.1f}] %, entropy {bits:.1f} bits")

# %% [markdown]
# Now the frame that the window would have offered: gap 4, since we took every
# fourth frame, so ± 1.2 seconds.

# %%
table = error.view(CLIPS, -1)  # clip, every fourth frame
seen_by = hidden[:, ::4]
pairs = []
for c, t in (seen_by >= 0.75).nonzero().tolist():
    taken = window_indices(range(FRAMES // 4), None, t, LENGTH, 1)
    best = min(taken, key=lambda s: seen_by[c, s].item())
    pairs.append((c, table[c, t], table[c, best]))
drop = torch.stack([here - there for _, here, there in pairs])
low, high = mean_interval(drop, [c for c, _, _ in pairs])
print(f"hidden frames: {torch.stack([h for _, h, _ in pairs]).mean():.1f} %")
print(f"best of their windows: {drop.mean():.1f} lower", end=" ")
print(f"[{low:.1f}, {high:.1f}]")

# %% [markdown]
# And motion blur? The films of section 3, the same frames with longer exposures:

# %%
def seen_in(film):
    with torch.no_grad():
        features = model.frame_features(film.image[:, 0], film.boxes[:, 0])
    return joint_error(features, film)


baseline = seen_in(sharp)
print(f"  0 ms: error {baseline.mean():.1f} %")
for ms in (30, 100):
    more = seen_in(films[ms]) - baseline
    low, high = mean_interval(more)
    print(f"{ms:3} ms: {more.mean():+.2f} [{low:+.2f}, {high:+.2f}]")

# %% [markdown]
# If an interval lies above 0, that much blur hurts this network on fast hands.
# Its training clips had 8 to 30 ms.
#
# **What we may conclude.** A single frame has two ways to say too little, and
# time heals both: things pass, hands stop. How much time, section 4 says. What
# the hand query looks at, section 8 says, for one small network: with other
# weights run the cells again.
#
# ### Measured over seeds
#
# How many frames does a window need, and how far apart? `handlib experiment
# window` trains the network with windows of one to nine frames, and with gaps of
# one to three, from three seeds, on the same images.
#
# **Predict first.** Where the middle frame is hidden most: what does the third
# frame bring, and what do the eighth and ninth?

# %% tags=["nbval-check-output"]
evidence = load_evidence("window")
columns = {
    "all, mm": "root_aligned",
    "hidden most, mm": "hidden",
    "mm per frame²": "acceleration",
}
print("mean over three seeds (smallest to largest)")
print(spread_table(evidence, columns))

# %%
illustration("window", evidence)

# %% [markdown]
# The first neighbours bring most: where the hand is hidden most, three frames take
# back half of what seven do. From seven to nine the error no longer falls by more
# than seeds differ. The motion goes on getting calmer, since more guesses are
# averaged. Wider gaps cost accuracy over all frames, and the motion twice its
# error: frames come at ten a second, and with a gap of 3 the window spans 1.8
# seconds, in which our hands have moved on.
# The paper takes a gap of ten in video of thirty a second. This is a result on
# our clips, whose hands are hidden for half a second or so, not on HO-3D.
#
# A run of your own takes a minute or two. It begins with what the shipped network
# makes of single frames, trains on 60 clips, and keeps nothing:

# %%
TRY = False  # True: a small run of one seed, about two minutes
first_look("window") if TRY else None

# %% [markdown]
# ## 10 Paper against code
#
# {{ paper_against_code }}
#
# The slides follow the paper: J^2D comes back through a skip connection, and the
# decoder's cross-attention combines it with F^e. Try it: `joint_skip=True` puts a
# linear layer in front of the decoder, which mixes each token with its 21
# heatmap values.

# %% tags=["nbval-check-output"]
sizes = (CELLS, 48, 4, 96, 1, 0.0)  # the course's spatial transformer
for skip in (False, True):
    part = SpatialTransformer(*sizes, joint_skip=skip)
    count = sum(p.numel() for p in part.parameters())
    print(f"joint_skip={skip}: {count:,} parameters")

# %% [markdown]
# ## 11 Quiz
#
# {{ quiz }}

# %% [markdown]
# With a kernel you can click your answers:

# %% tags=["quiz"]
quiz.show("11")

# %% [markdown]
# ## Summary
#
# - A window is T frames, `gap` apart, around the one that counts. At a clip's
#   ends it repeats the last frame taken.
# - Motion blur is a mean over time. Detail as fine as the way is gone.
# - Direct neighbours of a hidden frame are hidden, too. A longer window finds a
#   clear view, but of a hand that has moved on.
# - RoIAlign cuts the hand out of the frame's features with two small matrices.
# - One learned query reads the frame into one vector F⁺. Its first layer asks
#   every frame the same question.
# - The hand of clip 3 is now one vector F⁺ for each frame. The F⁺ of a hidden
#   frame holds what that frame shows, and nothing of its neighbours.
#
# ## 요약
#
# - Window는 가운데 frame을 중심으로 `gap` 간격으로 뽑은 T개의 frame입니다. Clip의 끝에서는
#   마지막으로 뽑은 frame을 반복합니다.
# - Motion blur는 시간에 대한 평균입니다. 이동 거리만큼 작은 detail은 사라지며 되살릴 수
#   없습니다.
# - 가려진 frame의 바로 옆 frame도 대개 가려져 있습니다. Window를 늘리면 손이 잘 보이는
#   frame을 찾을 수 있지만, 그 사이에 손이 움직였습니다.
# - RoIAlign은 작은 행렬 두 개로 frame의 feature에서 손 영역을 잘라 냅니다.
# - 학습된 hand query 하나가 frame 전체를 vector F⁺ 하나로 모읍니다. 첫 번째 layer의
#   질문은 모든 frame에서 같습니다.
# - Clip 3의 손은 이제 frame마다 vector F⁺ 하나가 되었습니다. 가려진 frame의 F⁺에는 그
#   frame에 보이는 것만 있고 이웃 frame의 정보는 없습니다.
#
# ## References
#
# - Q. Fu, X. Liu, R. Xu, J. C. Niebles, K. M. Kitani. *Deformer: Dynamic
#   Fusion Transformer for Robust Hand Pose Estimation.* ICCV 2023. Section 3.1.
# - N. Carion, F. Massa, G. Synnaeve, N. Usunier, A. Kirillov, S. Zagoruyko.
#   *End-to-End Object Detection with Transformers.* ECCV 2020. Encoder, decoder
#   and learned queries.
# - K. He, G. Gkioxari, P. Dollár, R. Girshick. *Mask R-CNN.* ICCV 2017. RoIAlign.
# - A. Vaswani et al. *Attention Is All You Need.* NeurIPS 2017. Sine positions.
# - Y.-W. Chao et al. *DexYCB: A Benchmark for Capturing Hand Grasping of
#   Objects.* CVPR 2021. 30 frames a second.
