# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
#   handlib:
#     number: "00"
#     title: Start here
#     title_ko: 여기서 시작하세요
#     summary: >-
#       A hand is half hidden behind the thing it holds: this notebook shows the problem, the hand
#       model, a first prediction on your own machine, and the way through the course.
#     summary_ko: >-
#       물체에 반쯤 가려진 손을 복원하는 문제와 손 모델을 소개하고, 여러분의 컴퓨터에서 첫 예측을 해 본 다음 강의 전체의 지도를
#       보여 줍니다.
#     objectives:
#       - say what is lost when a network looks at the visible part of a hand only
#       - describe a hand with 58 numbers, and pose and resize one yourself
#       - compute the hidden share of a hand, project its joints, and measure its error
#       - predict a hand with a trained HandOccNet and read its necessity map with care
#       - find your way through the eighteen notebooks
#     objectives_ko:
#       - 네트워크가 손의 보이는 부분만 볼 때 무엇을 잃는지 설명할 수 있습니다
#       - 손을 58개의 숫자로 표현하고, 직접 자세와 크기를 바꿀 수 있습니다
#       - 가려진 비율, 관절의 projection, 관절 오차를 직접 계산할 수 있습니다
#       - 학습된 HandOccNet으로 손을 예측하고 necessity map을 신중하게 읽을 수 있습니다
#       - 열여덟 개 노트북의 순서와 서로의 관계를 알 수 있습니다
#     prerequisites: Python; what a neural network is
#     minutes_to_do: 35
#     minutes: 1
#     memory_mb: 1200
#     data: 456 synthetic images, made on the spot
#     seed: 0
# ---

# %% [markdown]
# {{ header }}

# %% tags=["setup"]
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from handlib import doctor, viz
from handlib.course import course_map, quiz
from handlib.course.captions import captions
from handlib.course.checks import nb00 as check
from handlib.data import SyntheticHands, collate
from handlib.data.camera import denormalise_pixels, project
from handlib.data.synthetic.render import render
from handlib.data.synthetic.stills import develop
from handlib.hands import load_hand
from handlib.hands.pose_prior import load_named_poses
from handlib.hands.skeleton import JOINT_NAMES
from handlib.metrics import by_occlusion, root_aligned_mpjpe
from handlib.models import record
from handlib.training import mean_pose_baseline
from handlib.viz import gallery, regions
from handlib.viz.course_map import draw_course_map
from handlib.viz.hand_explorer import HandExplorer, upright
from handlib.viz.prediction_explorer import PredictionExplorer, draw_prediction
from handlib.weights import load_both_handoccnets

_ = torch.manual_seed(0)
caption = captions("00")

# %% [markdown]
# ## 1 This machine
#
# Two processor cores and 2 GB of free memory are enough for every notebook. No
# GPU, no download, no licence form. Run a cell with Shift+Enter.

# %%
basics = {"processor", "memory", "GPU", "hand", "weights", "MANO"}
for finding in doctor.examine():
    if finding.name in basics:
        print(finding)

# %% [markdown]
# ✓ is there, · is not there and not needed, ✗ should be mended, and the arrow
# says how. In a terminal, `handlib doctor` prints the whole list.
#
# ## 2 The problem, in pictures
#
# Here is a rendered test image. It was made for this course, so we can do what
# no photograph allows: take the scene, remove the things in it, and look behind
# them.
#
# **Predict first.** The second picture blanks everything that is not visible
# hand: this is what is left if a network only *suppresses* what hides the hand.
# Which fingers can still be told from it?

# %%
test = SyntheticHands("test", size=200)
batch = collate([test[i] for i in range(len(test))])
half = gallery.most_like(batch.occlusion, 0.5)
image, visible = batch.image[half], batch.visible[half]
print(f"image {half}: {batch.occlusion[half]:.0%} of the hand is hidden")


# %%
def picture_of(scene):
    """A scene as an image (3, H, W), always with the same noise."""
    pixels = develop(np.random.default_rng(0), render(scene).light)
    return torch.from_numpy(pixels).permute(2, 0, 1) / 255


scene = test.render(half).scene
behind = picture_of(replace(scene, things=()))
kept = torch.where(visible, image, image.new_tensor(0.9))

# %%
fig = viz.theme.figure(9, 2.6)
axes = fig.subplots(1, 4)
viz.maps.show_image(axes[0], image, "the image")
viz.maps.show_image(axes[1], kept, "the visible hand alone")
viz.maps.show_image(axes[2], image, "hidden part hatched")
viz.hand.draw_hidden(axes[2], visible, batch.amodal[half])
viz.maps.show_image(axes[3], behind, "things removed")
hidden = f"{batch.occlusion[half]:.0%}"
viz.show(fig, **caption("problem", hidden=hidden), dpi=90, colours=256)

# %% [markdown]
# Much of the missing half can be guessed, for three reasons:
#
# - A hand is not any shape. The visible part limits where the rest can be.
# - **The thing in front tells something too.** A hand around a can is bent like
#   a can. Who blanks the hidden region throws that away. HandOccNet (Park et
#   al., CVPR 2022) does the opposite: it *injects* hand information into the
#   hidden region. Notebooks 04 to 10 build it.
# - In a video, the neighbouring frames show what this one hides. Deformer (Fu
#   et al., ICCV 2023) carries each frame's pose to its neighbours and fuses
#   them by confidence. Notebooks 11 to 16 build it.
#
# The third reason in a picture: the same hand, and what hides it moves on.
#
# **Predict first.** Which part of the hand will the last frame show that the
# middle one hides?

# %%
fig = viz.theme.figure(9, 2.0)
shifts = np.linspace(-0.06, 0.06, 5)  # metres
for ax, shift in zip(fig.subplots(1, 5), shifts, strict=True):
    step = np.array([shift, 0, 0])
    moved = [replace(t, position=t.position + step) for t in scene.things]
    frame = picture_of(replace(scene, things=tuple(moved)))
    name = f"t {shift / 0.03:+.0f}".replace("+0", "")
    viz.maps.show_image(ax, frame, f"frame {name}")
viz.show(fig, **caption("video"), dpi=90, colours=256)

# %% [markdown]
# ## 3 The hand
#
# Both networks answer with the same few numbers. A hand model turns them into a
# surface.

# %% tags=["nbval-check-output"]
hand = load_hand()
flat = torch.zeros(1, 16, 3)  # every joint's rotation: axis times angle
average = torch.zeros(1, 10)  # no deviation from the mean shape
posed = hand(flat, average)
print("vertices", tuple(posed.vertices.shape), "metres")
print("faces   ", tuple(hand.faces.shape))
print("joints  ", tuple(posed.joints.shape), "metres")
print("numbers ", flat.numel(), "pose +", average.numel(), "shape")

# %% [markdown]
# Pose θ: 16 joints (the wrist and three in each finger) with three numbers
# each, an axis times an angle in radians. Shape β: ten numbers, in standard
# deviations. 58 numbers in all, and 778 vertices come out. Notebook 01 builds
# every step of it.
#
# The 21 **joints** are the 16 and the five fingertips. Everywhere in the course
# they stand in this order:

# %%
palm = torch.cat([upright()[None], torch.zeros(15, 3)])[None]
middle = hand(palm, average).joints[:, 9]  # base of the middle finger
ahead = torch.tensor([0.0, 0.0, 0.6])  # metres before the camera
posed = hand(palm, average, ahead - middle)
camera = torch.tensor([[640.0, 0, 128], [0, 640, 118], [0, 0, 1]])
joints_px = project(posed.joints[0], camera)

fig = viz.theme.figure(4.6, 4.2)
ax = fig.subplots()
viz.hand.draw_hand(ax, posed.vertices[0], hand.faces, camera, 256)
viz.hand.draw_skeleton(ax, joints_px)
for number, (x, y) in enumerate(joints_px.tolist()):
    ax.annotate(str(number), (x, y), (5, 2), textcoords="offset points")
viz.show(fig, **caption("joints"), dpi=80)

# %% tags=["nbval-check-output"]
for finger in range(5):
    base = 1 + 4 * finger
    names = ", ".join(JOINT_NAMES[base : base + 4])
    print(f"{base:2} to {base + 3:2}: {names}")

# %% [markdown]
# Some poses come with names, the grasps among them:

# %%
poses = load_named_poses()
shown = ["relaxed", "fist", "point", "pinch"]
shown += ["tripod", "hook", "cylinder_45mm", "ball_65mm"]
fig = viz.theme.figure(9, 4.4)
for ax, name in zip(fig.subplots(2, 4).ravel(), shown, strict=True):
    pose = torch.cat([upright(turn=-35)[None], poses[name][1:]])
    mesh = hand(pose[None], average).vertices[0]
    viz.hand.draw_hand(ax, mesh, hand.faces, title=name)
viz.show(fig, **caption("poses"), dpi=80)

# %% [markdown]
# **Predict first.** β0 stands for size. If you move it, will the angles of the
# fingers change? And if you bend the fingers, will their bones get shorter?

# %%
explorer = HandExplorer(hand, poses, pose="pinch", blend=0.5, beta=2.0)
explorer.widget()

# %% [markdown]
# The same as a still picture, a large hand half-way into the pose:

# %%
explorer.illustration()

# %% [markdown]
# ### Where this hand comes from, and your own MANO file
#
# Both papers use the MANO hand, which has a licence that forbids passing it on.
# The hand above is *not* MANO. It is made by `tools/build_hand.py` from
# MakeHuman's CC0 data, in MANO's format: the same counts, keys, joint order
# and parameters, but its own shape space. You may do with it what you like.
#
# If you have registered for MANO, the original goes into every notebook with
#
# ```python
# hand = load_hand("folder/with/MANO_RIGHT.pkl")
# ```
#
# The pickle is read by an unpickler that can run no code. Mind that a β of one
# file means another shape in the other; poses θ mean the same in both. The
# images of the course stay those of the shipped hand.
#
# ## 4 Half-hidden hands
#
# The training and test images of the course are rendered: hands that hold
# things, things that pass in front, people, light and backgrounds that differ.
#
# **Predict first.** Cover the titles with your hand. In which of these images
# could *you* place all five fingertips?

# %%
by_share = batch.occlusion.argsort()
shown = by_share[torch.linspace(0, len(by_share) - 1, 18).long()]
fig = viz.theme.figure(9, 4.9)
for ax, i in zip(fig.subplots(3, 6).ravel(), shown, strict=True):
    viz.maps.show_image(ax, batch.image[i], f"{batch.occlusion[i]:.0%} hidden")
viz.show(fig, **caption("contact sheet"), dpi=80, colours=256)

# %% [markdown]
# The **visible** mask holds the hand's pixels that can be seen. The **amodal**
# mask holds all pixels that the hand would have if nothing stood in front of it.
# The **occlusion ratio**, or hidden share, is the number of amodal pixels that
# are not visible, over the number of amodal pixels.
#
# ### Exercise 0.1
#
# Write the occlusion ratio.

# %% tags=["exercise"]
def occlusion_ratio(visible, amodal):
    """Two bool masks (H, W) of one hand to its hidden share, 0 to 1."""
    ...


# %% tags=["check"]
check.occlusion_ratio(occlusion_ratio)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Which pixels are hidden hand? In the amodal mask *and not* in the visible one.
# </details>
# <details><summary>Hint 2</summary>
#
# `amodal & ~visible` is a mask again, and `mask.sum()` counts its pixels.
# </details>
#
# **Solution**, folded: click the three dots to open it.

# %% tags=["solution"] jupyter={"source_hidden": true}
def occlusion_ratio_solution(visible, amodal):
    return (amodal & ~visible).sum() / amodal.sum()


check.occlusion_ratio(occlusion_ratio_solution)

# %% [markdown]
# Now our hand again, the one that later notebooks follow, with its two masks.
#
# **Predict first.** Where are the fingertips? Point at each on the screen before
# you look at the last picture.

# %%
fig = viz.theme.figure(9, 2.6)
axes = fig.subplots(1, 4)
viz.maps.show_image(axes[0], image, "where are the fingertips?")
for ax, name in ((axes[1], "visible"), (axes[2], "amodal")):
    mask = getattr(batch, name)[half]
    viz.maps.show_image(ax, mask[None].expand(3, -1, -1).float(), name)
columns, rows = batch.joints_px[half].round().long().clamp(0, 127).T
unseen = ~visible[rows, columns]
viz.maps.show_image(axes[3], image, "here")
viz.hand.draw_skeleton(axes[3], batch.joints_px[half], hidden=unseen)
words = caption("masks", unseen=int(unseen.sum()))
viz.show(fig, **words, dpi=90, colours=256)

# %% [markdown]
# ### Conventions, once and for all
#
# | what | how |
# |---|---|
# | lengths, angles | metres, radians; errors are printed in millimetres |
# | camera frame | x to the right, y **down**, z forward, as in OpenCV |
# | pixels | (x, y); (0, 0) is the *centre* of the top-left pixel |
# | rotations | axis-angle (16, 3) or matrices (16, 3, 3), full angles |
# | joints | 21: wrist, thumb, index, middle, ring, little, base to tip |
# | hands | right ones; a left hand is a mirrored right one |
#
# A camera is a matrix K of *intrinsics*. A point X = (x, y, z) lands on the
# pixel (u, v) with
#
# $$ (a, b, c)^T = K\,X, \qquad (u, v) = (a/c,\; b/c) $$
#
# ### Exercise 0.2
#
# Project N points at once. This is how the skeleton came onto the image above.

# %% tags=["exercise"]
def project_points(points, intrinsics):
    """Points (N, 3) in metres and K (3, 3) to pixels (N, 2)."""
    ...


# %% tags=["check"]
check.project_points(project_points)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# The points are rows, so K X for all of them is `points @ intrinsics.T`.
# </details>
# <details><summary>Hint 2</summary>
#
# `h[:, :2]` are the first two columns; `h[:, 2:]` keeps the third as a column,
# so that one division does for both.
# </details>

# %% tags=["solution"] jupyter={"source_hidden": true}
def project_points_solution(points, intrinsics):
    h = points @ intrinsics.T
    return h[:, :2] / h[:, 2:]


check.project_points(project_points_solution)

# %% [markdown]
# ## 5 The first prediction
#
# The course ships a small HandOccNet of about 0.7 million weights, trained on
# synthetic hands. (The paper's has 39 million. Notebook 10 trains one like ours
# from nothing, in minutes.) It has seen none of these people, poses and things.
# There are two sets of weights, *as published* and *guided*. Here we use those
# as published, with the lower error on rendered images; section 6 has both.
#
# **Predict first.** The mean distance between a predicted and a true joint, in
# millimetres: 5, 20 or 50? An index finger is about 16 mm thick.

# %%
models = load_both_handoccnets(hand)
model = models["as published"]
with torch.no_grad():
    prediction = model(batch.image)
for name in ("pose", "betas", "vertices", "joints", "joints_img"):
    print(f"{name:10}", tuple(getattr(prediction, name).shape))

# %% [markdown]
# The network says nothing about where in space the hand is. So the two hands
# are moved until their **wrists** coincide; then the distances of the joints
# are averaged: the *root-aligned* error.
#
# ### Exercise 0.3
#
# Write the root-aligned error of one hand, in millimetres.

# %% tags=["exercise"]
def root_aligned_error(predicted, truth):
    """Joints (21, 3) and (21, 3) in metres to one number in millimetres."""
    ...


# %% tags=["check"]
check.root_aligned_error(root_aligned_error)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# The wrist is joint 0. Take it off *both* hands: `joints - joints[:1]`.
# </details>
# <details><summary>Hint 2</summary>
#
# The distance of each joint is `difference.norm(dim=1)`. Mean, then metres to
# millimetres.
# </details>

# %% tags=["solution"] jupyter={"source_hidden": true}
def root_aligned_error_solution(predicted, truth):
    difference = (predicted - predicted[:1]) - (truth - truth[:1])
    return 1000 * difference.norm(dim=1).mean()


check.root_aligned_error(root_aligned_error_solution)

# %% [markdown]
# An error alone says little. What would one get *without looking*? The **mean
# pose** answers every image with the same hand, the average over training
# images. A network that is no better has learned nothing from the image.

# %%
blind = mean_pose_baseline(SyntheticHands("train", size=256), hand)
hands = {"mean pose": blind(batch.image), "HandOccNet": prediction}
errors = {
    name: 1000 * root_aligned_mpjpe(found.joints, batch.joints)
    for name, found in hands.items()
}
for name, error in errors.items():
    print(f"{name:10} on this image {error[half]:3.0f} mm,", end=" ")
    print(f"on all {len(error)} images {error.mean():3.0f} mm")

# %%
fig = viz.theme.figure(9, 3.1)
axes = fig.subplots(1, 4)
pixels = denormalise_pixels(prediction.joints_img[half], 128)
viz.maps.show_image(axes[0], image, "true joints")
viz.hand.draw_skeleton(axes[0], batch.joints_px[half], hidden=unseen)
viz.maps.show_image(axes[1], image, "predicted joints")
viz.hand.draw_skeleton(axes[1], pixels)
draw_prediction(axes[2], batch, prediction, half, hand.faces, "predicted mesh")
viz.hand.draw_joint_errors(
    axes[3],
    prediction.joints[half] - prediction.joints[half, :1],
    batch.joints[half] - batch.joints[half, :1],
)
numbers = {name.split()[0]: f"{e[half]:.0f}" for name, e in errors.items()}
viz.show(fig, **caption("first prediction", **numbers), dpi=90, colours=256)

# %% [markdown]
# One image is an anecdote. Let us sort all of them by what is hidden.
#
# **Predict first.** Will the mean pose, too, get worse the more is hidden?

# %%
bins = (0.0, 0.25, 0.5, 0.75, 1.0)
tables = {n: by_occlusion(e, batch.occlusion, bins) for n, e in errors.items()}
groups = [f"{b.low:.0%}–{b.high:.0%}" for b in tables["mean pose"]]
bars = {n: np.array([b.mean for b in table]) for n, table in tables.items()}
counts = [b.count for b in tables["mean pose"]]
fig = viz.theme.figure(7, 3)
ax = fig.subplots()
viz.curves.grouped_bars(ax, groups, bars)
ax.set(xlabel="hidden share of the hand", ylabel="error (mm)")
heights = {n: b.round().astype(int).tolist() for n, b in bars.items()}
words = caption("by occlusion", counts=counts, heights=heights)
viz.show(fig, **words, dpi=90, colours=256)

# %% [markdown]
# The difference between the two bars is what the network gets out of the image.
# The two bins on the right hold about twenty images each; notebook 10 adds
# intervals, and notebook 03 other ways to measure.
#
# ## 6 A first look inside
#
# `record` keeps the named intermediate results of a forward pass. Here for
# forty images, from bare hands to nearly wholly hidden ones:

# %% tags=["nbval-check-output"]
every_fifth = by_share[::5].tolist()
few = collate([test[i] for i in every_fifth])
with torch.no_grad(), record(model) as maps:
    found = model(few.image)
for name in ("features", "necessity", "primary", "secondary", "fit", "set"):
    print(f"{name:10}", tuple(maps[name].shape))

# %% [markdown]
# From the image (128×128) the backbone makes **features** F on a grid of 16×16
# places. The **necessity** map M, one number between 0 and 1 for each place,
# splits them: **primary** F⊗M and **secondary** F⊗(1−M), where ⊗ multiplies
# place by place. FIT lets the secondary feature ask the primary one (notebooks
# 06 and 07), SET refines the result (08), and a head turns it into the 58
# numbers (09).
#
# No loss of the paper says what M should show, and the weights *as published*
# were trained without such a loss, too. The *guided* weights are an extension of
# ours that no paper has. They were trained on from those as published, with
# images changed in light, sharpness and place, and with two more losses. One of
# them asks M for the visible hand's mask; notebook 05 has both.
#
# **Predict first.** The paper's words suggest M near 1 where the hand can be
# seen and near 0 elsewhere. So what is the mean of M on the visible hand, on
# the hidden hand and on the background: as published, and guided?

# %%
necessity, where = {}, regions.token_regions(few.visible, few.amodal, 16)
for name, network in models.items():
    with torch.no_grad(), record(network) as maps:
        error = root_aligned_mpjpe(network(few.image).joints, few.joints)
    necessity[name] = maps["necessity"]
    print(f"{name:12}", end="")
    for region, here in where.items():
        mean = regions.mean_over(maps["necessity"].flatten(1), here).nanmean()
        print(f"  {region} {mean:.2f}", end="")
    print(f"   error {1000 * error.mean():.0f} mm")

# %% [markdown]
# Walk from a bare hand to a hidden one. The mesh is of the weights as published:

# %%
walk = PredictionExplorer(few, found, necessity, hand.faces, rank=20)
walk.widget()

# %% [markdown]
# The same as a still picture:

# %%
walk.illustration()

# %% [markdown]
# Without a loss of its own M need not become what the paper's words suggest: as
# published, its three means lie close together. Told, it parts the hand from
# the background, and much less the visible hand from the hidden one.
# Whether that makes better hands is another question. The guided weights have
# the larger error here, but they learned from changed images, too, so the two
# errors do not answer it; notebook 05 changes M and measures what happens.
#
# **One honest sentence:** a map shows where *this* network, with these weights,
# puts its primary feature, and neither that it "looks at the hand" nor that the
# map helps.
#
# ## 7 The map of the course
#
# Filled boxes are here now, the others are to come. Arrows say what a notebook
# builds on; those that are here can be read without the missing ones.

# %%
course = course_map.entries()
fig = viz.theme.figure(9.2, 3.9)
here = sorted({path.name[:2] for path in Path().glob("[0-9]*.ipynb")})
draw_course_map(fig.subplots(), course, here)
viz.show(fig, **caption("course map", here=", ".join(here)), dpi=90)

# %% [markdown]
# {{ course_map }}
#
# ### How to read a notebook
#
# - **Predict first** means it: say your answer aloud, then run the cell. You
#   remember what surprised you.
# - **Exercises** have a stub `...` to fill in. The check below it says "not
#   done yet", or what is wrong and which property of the answer fails. It
#   never stops *Run All*, and no later cell needs your answer.
# - Two **hints** unfold one after the other.
# - **Solution**, folded: the cell after the hints, a function of its own name
#   that you can call.
# - To ask again, run the check cell again: `check.occlusion_ratio(...)` takes
#   any function, also one that you wrote elsewhere.
# - The **quiz** explains every option, the wrong ones too.
#
# | you are | go to |
# |---|---|
# | a student | 00 to 16 in order, one sitting each, with the exercises; if time is short 00, [06](06_softmax_or_sigmoid.ipynb) and [10](10_train_handoccnet.ipynb) |
# | giving the seminar | the figures (`make figures`) and the widgets of 06 and 10 |
# | a researcher | "Paper against code" in each; then 10 and your own ablation |
#
# ## 8 Paper against code
#
# Every notebook ends with what the paper writes, what the released code does,
# and what we do. Four rows to begin with: why one cannot simply train the
# released code, two places where it is another network than the paper's, and
# how far its numbers can be repeated. New words in it come later: F@5 in
# notebook 03, gate and keys in 06, the blocks of FIT and SET in 07 and 08.
#
# {{ paper_against_code }}
#
# Try it: `model.config` in a new cell prints every such switch of the network
# above.
#
# ## 9 Quiz
#
# {{ quiz }}

# %% [markdown]
# With a kernel you can click your answers:

# %% tags=["quiz"]
quiz.show("00")

# %% [markdown]
# ## Summary
#
# - A half-hidden hand can be recovered because hands, grasps and videos are
#   not arbitrary. Blanking the hidden region throws a part of that away.
# - A hand is 58 numbers: 48 of pose, 10 of shape; 778 vertices and 21 joints
#   follow from them.
# - The occlusion ratio is hidden over amodal pixels; the root-aligned error is
#   the mean joint distance with the wrists together, in millimetres. Compare
#   it with the mean pose.
# - A map inside a network is a measurement, not an explanation. As published,
#   M is nearly as large on the background as on the hand; guided, it was told
#   to differ.
# - Our hand, test image 12, is half hidden: the network is 12 mm off, the mean
#   pose 41 mm. Notebooks 01 to 10 follow this hand from its pixels to the mesh,
#   11 to 16 follow one clip.
#
# ## 요약
#
# - 손, 잡는 자세, 영상에는 규칙이 있으므로 가려진 손도 복원할 수 있습니다. 가려진 영역을
#   억제하기만 하면 그 정보의 일부를 버리게 됩니다.
# - 손은 58개의 숫자(자세 48개, shape 10개)로 표현되며, 여기서 778개의 vertex와 21개의
#   관절이 계산됩니다.
# - 가려진 비율은 가려진 픽셀 수를 손 전체(amodal)의 픽셀 수로 나눈 값입니다. Root-aligned
#   오차는 손목을 맞춘 뒤 관절 거리를 평균한 값(mm)이며, 평균 자세와 비교해야 합니다.
# - 네트워크 내부의 map은 측정값이지 설명이 아닙니다. As published weight의 M은
#   배경에서도 거의 손에서만큼 크고, guided weight의 M은 손과 배경을 구별하도록 따로 학습했습니다.
# - 우리 손은 절반이 가려진 test image 12입니다. 네트워크의 오차는 12 mm, 평균 자세의
#   오차는 41 mm입니다. 01부터 10까지는 이 손이 픽셀에서 mesh가 되는 과정을, 11부터
#   16까지는 clip 하나를 따라갑니다.
#
# ## References
#
# - J. Park, Y. Oh, G. Moon, H. Choi, K. M. Lee. *HandOccNet: Occlusion-Robust 3D
#   Hand Mesh Estimation Network.* CVPR 2022. <https://arxiv.org/abs/2203.14564>
# - Q. Fu, X. Liu, R. Xu, J. C. Niebles, K. M. Kitani. *Deformer: Dynamic Fusion
#   Transformer for Robust Hand Pose Estimation.* ICCV 2023.
#   <https://arxiv.org/abs/2303.04991>
# - J. Romero, D. Tzionas, M. J. Black. *Embodied Hands: Modeling and Capturing
#   Hands and Bodies Together.* SIGGRAPH Asia 2017. MANO, whose format the hand
#   has.
# - MakeHuman (Data Collection AB, J. Palmius, J. Hauquier), body data under
#   CC0 1.0, from which the hand is made; `handlib/assets/PROVENANCE.md` has
#   every step and every measured number.
