# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
#   handlib:
#     number: "02"
#     title: Cameras, crops and hidden hands
#     title_ko: Camera, crop, 그리고 가려진 손
#     summary: >-
#       From a hand in space to numbers in an image and back: the pinhole, what a crop does to it,
#       how much of a hand is hidden, and what three data sets say about all of this.
#     summary_ko: >-
#       공간의 손이 이미지의 픽셀이 되는 과정을 따라갑니다. Pinhole camera, crop이 camera에 주는 변화, 손이
#       가려진 비율, 그리고 세 가지 dataset이 이를 어떻게 기록하는지 살펴봅니다.
#     objectives:
#       - project a hand with four numbers, and bring pixels with a depth back into space
#       - give the intrinsics of any crop, to the half pixel
#       - draw a whole and a visible hand mask and compute the occlusion ratio from them
#       - say what HO-3D, DexYCB and FPHA hold and lack, and in which order, unit and frame
#       - bring MANO parameters from OpenGL's frame into OpenCV's without losing 2 cm
#     objectives_ko:
#       - 숫자 네 개로 손을 투영하고, depth가 있는 픽셀을 다시 공간의 점으로 되돌릴 수 있습니다
#       - 어떤 crop이든 반 픽셀까지 정확하게 intrinsics를 구할 수 있습니다
#       - 손 전체(amodal)와 보이는 부분의 mask를 그리고 occlusion ratio를 계산할 수 있습니다
#       - HO-3D, DexYCB, FPHA가 제공하는 label과 순서, 단위, 좌표계를 설명할 수 있습니다
#       - MANO parameter를 OpenGL에서 OpenCV 좌표계로 오차 없이 옮길 수 있습니다
#     prerequisites: matrices; [01](01_a_hand_in_58_numbers.ipynb)
#     minutes_to_do: 45
#     minutes: 1
#     memory_mb: 1400
#     data: 500 synthetic images, made on first use; HO-3D, DexYCB and FPHA if you have them
#     seed: 2
# ---

# %% [markdown]
# {{ header }}

# %% tags=["setup"]
import os
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

from handlib import viz
from handlib.course import quiz
from handlib.course.captions import captions
from handlib.course.checks import nb02 as check
from handlib.data import FPHA, HO3D, DexYCB, SyntheticHands
from handlib.data import camera as library
from handlib.data.amodal import HiddenHand
from handlib.data.camera import SquareCrop, project, transform_pixels
from handlib.data.crops import cut_image, square_around, to_tensor
from handlib.data.files import read_annotation
from handlib.data.recorded_frame import RecordedFrame
from handlib.data.synthetic.objects import instance
from handlib.data.synthetic.render import render
from handlib.data.synthetic.scene import PlacedThing
from handlib.data.synthetic.stills import develop
from handlib.data.trees import export, film, recordings
from handlib.data.trees.recording import stills_config
from handlib.data.trees.rig import rig
from handlib.hands import load_hand
from handlib.hands.rotations import (
    axis_angle_to_rotmat,
    rotmat_to_axis_angle,
)
from handlib.hands.skeleton import (
    FINGERS,
    JOINT_NAMES,
    MANO_JOINT_NAMES,
    TO_COMMON,
    inverse,
)
from handlib.viz.crop_explorer import CropExplorer

_ = torch.manual_seed(2)
torch.set_printoptions(precision=2, sci_mode=False)
caption = captions("02")
hand = load_hand()

# %% [markdown]
# ## 1 A hole in a box
#
# One frame of 640 × 480 pixels, as the cameras of HO-3D and DexYCB record
# them. Ours is rendered, so we know exactly where the hand is. Its 21 joints
# are given in metres in the **camera frame**: x to the right, y *down*, z
# forward, away from the camera.

# %%
one = SyntheticHands("val", 1, seed=23, cache=False, config=stills_config())
lens = rig(1)[0]
shot = next(film(recordings(one)[0], lens))
K = torch.tensor(lens.intrinsics).float()
joints = torch.tensor(shot.hand.joints).float()  # 21 3, metres
photo = Image.fromarray(shot.image)
print("K =", K, "wrist at", joints[0], "m", sep="\n")

# %% [markdown]
# K holds the camera's **intrinsics**: the focal lengths fx, fy (in pixels) and
# the principal point (cx, cy), the pixel straight ahead. All light passes one
# point, the pinhole. By similar triangles a point (x, y, z) is seen at
#
# $$ u = f_x\,\frac{x}{z} + c_x, \qquad v = f_y\,\frac{y}{z} + c_y $$

# %%
x, y, z = joints.unbind(1)
(fx, _, cx), (_, fy, cy), _ = K.tolist()
pixels = torch.stack([fx * x / z + cx, fy * y / z + cy], 1)
assert torch.allclose(pixels, project(joints, K), atol=1e-3)

# %%
fig = viz.theme.figure(9, 3.2)
above, image = fig.subplots(1, 2, width_ratios=(1, 1.35))
for j in (0, 4, 8, 12, 16, 20):
    above.plot([0, 100 * x[j]], [0, 100 * z[j]], color=viz.theme.MUTED)
    above.plot(10 * x[j] / z[j], 10, "o", markersize=4, color=viz.theme.BLUE)
above.plot(100 * x, 100 * z, "o", markersize=4, color=viz.theme.VERMILION)
above.axhline(10, color=viz.theme.INK, linewidth=1)
above.set(title="from above", xlabel="x (cm)", ylabel="z (cm)")
viz.maps.show_image(image, to_tensor(photo), "in the image")
viz.hand.draw_skeleton(image, pixels)
viz.show(fig, **caption("pinhole"), dpi=90, colours=256)

# %% [markdown]
# **Predict first.** How does the picture change if the hand is twice as far
# away? If it is twice as far away *and* twice as large?

# %%
away = torch.stack([0 * z[0], 0 * z[0], z[0]])
moved = {"here": joints, "twice as far": joints + away, "both": 2 * joints}
for name, points in moved.items():
    width, height = np.ptp(project(points, K).numpy(), axis=0)
    print(f"{name:13} {width:5.1f} × {height:5.1f} pixels")
assert torch.allclose(project(2 * joints, K), pixels, atol=1e-3)

# %% [markdown]
# A large hand far away and a small hand close by give the same pixels: from
# one image nobody can tell. So both papers predict the hand relative to its
# wrist, and errors are taken after the wrists were moved to one point.
#
# The way back needs what the image does not say, the depth z of every pixel.
# A depth camera measures it.
#
# ### Exercise 2.1
#
# Bring pixels with their depth back into space.

# %% tags=["exercise"]
def lift_pixels(pixels, depth, intrinsics):
    """(N, 2), z (N,) in metres and K (3, 3) to points (N, 3)."""
    ...


# %% tags=["check"]
check.lift_pixels(lift_pixels)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Solve u = fx · x / z + cx for x. Which two numbers of K belong to y?
# </details>
# <details><summary>Hint 2</summary>
#
# `intrinsics[:2, 2]` is (cx, cy) and `intrinsics.diagonal()[:2]` is (fx, fy).
# `depth[:, None]` has the shape (N, 1), so it multiplies x and y alike.
# </details>
#
# **Solution**, folded: click the three dots to open it.

# %% tags=["solution"] jupyter={"source_hidden": true}
def lift_pixels_solution(pixels, depth, intrinsics):
    focal, centre = intrinsics.diagonal()[:2], intrinsics[:2, 2]
    across = (pixels - centre) / focal * depth[:, None]
    return torch.cat([across, depth[:, None]], 1)


check.lift_pixels(lift_pixels_solution)

# %%
back = library.unproject(pixels, z, K)
assert torch.allclose(back, joints, atol=1e-5)
print(f"one pixel is {1000 * z[0] / fx:.2f} mm wide at the wrist")

# %% [markdown]
# ## 2 Where is pixel (0, 0)?
#
# An image of 8 columns, and in each column its own number. Shrink it to 4
# columns by taking the mean of two.
#
# **Predict first.** What stands in column 0 then? And which column of the large
# image is at the centre of column 1 of the small one?

# %% tags=["nbval-check-output"]
numbers = torch.arange(8.0).expand(1, 1, 8, 8)
halved = F.avg_pool2d(numbers, 2)[0, 0, 0]
halved

# %% [markdown]
# Column i of the small image shows what was at 2i + 0.5, not at 2i. The rule
# that does not depend on the scale s counts from the image's *edge*, half a
# pixel before the first centre:
#
# $$ u' + \tfrac12 = s\,(u + \tfrac12) $$
#
# In this course pixel (0, 0) is the **centre** of the top-left pixel, so an
# image of width W reaches from −0.5 to W − 0.5. (Others put (0, 0) at the corner;
# then the ½ goes away here and comes back wherever an array is indexed.)

# %%
columns = torch.arange(4.0)
assert torch.equal(0.5 * (halved + 0.5) - 0.5, columns)
unit = library.normalise_pixels(torch.tensor([[-0.5, 3.5]]), 4)
assert unit.tolist() == [[0, 1]]  # from edge to edge, whatever the width

# %%
fig = viz.theme.figure(7, 2)
for ax, count in zip(fig.subplots(2, 1), (8, 4), strict=True):
    shades = numbers[0, 0, :1] if count == 8 else halved[None]
    edges = (-0.5, count - 0.5, 0.5, -0.5)
    ax.imshow(shades, cmap="Greys", vmin=-6, vmax=14, extent=edges)
    ax.set(aspect="auto", yticks=[], xticks=range(count))
    for i, value in enumerate(shades[0].tolist()):
        ax.text(i, 0, f"{value:g}", ha="center", va="center")
viz.show(fig, **caption("pixels"))

# %% [markdown]
# Is half a pixel worth the trouble? In the frame it is not. On a coarse map it
# is: HandOccNet's heatmaps have 32 × 32 cells for the whole crop.

# %%
square = square_around(pixels)
for name, cell in (("frame", 1), ("32 × 32 heatmap", square.side / 32)):
    off = 0.5 * cell * float(z[0]) / fx
    print(f"half a pixel of the {name}: {1000 * off:.1f} mm at the hand")

# %% [markdown]
# Deformer reports 5.2 mm on DexYCB, after the alignment that notebook 03 builds.
# Half a cell is most of that.
#
# ## 3 What a crop does to the camera
#
# A network sees a square around the hand, resized to one size. HandOccNet cuts
# 1.5 times the box of the joints. Two steps: the square with centre (x, y) and
# side a is cut out, so that its edge comes to −½; then everything is scaled by
# s = size / a.
#
# $$ u' = s\,\bigl(u - (x - \tfrac a2)\bigr) - \tfrac12 $$
#
# **Predict first.** Which of fx, fy, cx, cy change in the first step? In the
# second?

# %%
size, side = 128, square.side
scale = size / side
cut, resize = torch.eye(3), torch.diag(torch.tensor([scale, scale, 1.0]))
corner = torch.tensor([square.x, square.y]) - side / 2
cut[:2, 2] = -corner - 0.5  # the edge goes to -1/2
resize[:2, 2] = 0.5 * scale - 0.5  # u + 1/2 is scaled
affine = resize @ cut
assert torch.allclose(affine, square.affine(size), atol=1e-4)

# %% [markdown]
# An affine map of pixels, applied to K from the left, is a camera again:
# $K' = A\,K$. So the crop *has* intrinsics, and projecting with them must give
# the old pixels, moved along with the crop. It does:

# %%
K_crop = affine @ K
in_crop = project(joints, K_crop)
assert torch.allclose(in_crop, transform_pixels(pixels, affine), atol=1e-3)
print(K_crop)

# %% [markdown]
# That is algebra. Does the *image* agree? Put a white dot on the middle
# finger's tip, cut and resize the image, and measure where the light is.

# %%
column, row = pixels[12].round().int().tolist()
dot = np.zeros((480, 640, 3), np.uint8)
dot[row - 4 : row + 5, column - 4 : column + 5] = 255
light = cut_image(Image.fromarray(dot), square, size)[0]
grid = torch.arange(float(size))
found = torch.stack([light.sum(0) @ grid, light.sum(1) @ grid]) / light.sum()
told = transform_pixels(torch.tensor([[float(column), row]]), affine)[0]
print(f"light at {found.tolist()}\nA says   {told.tolist()}")
assert (found - told).abs().max() < 0.05

# %% [markdown]
# ### Exercise 2.2
#
# Write the crop's intrinsics from the four numbers, with no matrix product.

# %% tags=["exercise"]
def crop_intrinsics(intrinsics, x, y, side, size):
    """K (3, 3), the square's centre and side in pixels, to K' (3, 3)."""
    ...


# %% tags=["check"]
check.crop_intrinsics(crop_intrinsics)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# A focal length is a *distance* in pixels, so it is only scaled. The principal
# point is a *place*: it moves as every pixel does.
# </details>
# <details><summary>Hint 2</summary>
#
# Start with `result = intrinsics.clone()`. Then `result[:2, :2] *= scale`, and
# the last column follows the formula for u′ (and its twin for v′).
# </details>

# %% tags=["solution"] jupyter={"source_hidden": true}
def crop_intrinsics_solution(intrinsics, x, y, side, size):
    scale = size / side
    edge = torch.tensor([x - side / 2, y - side / 2])
    result = intrinsics.clone()
    result[:2, :2] *= scale
    result[:2, 2] = scale * (intrinsics[:2, 2] - edge) - 0.5
    return result


check.crop_intrinsics(crop_intrinsics_solution)

# %% [markdown]
# **Predict first.** Three classic mistakes, below. For which of them would you
# notice nothing in a picture of 128 pixels?

# %%
no_focal, no_centre, no_half = (K_crop.clone() for _ in range(3))
no_focal[:2, :2] = K[:2, :2]
no_centre[:2, 2] = K[:2, 2] - corner  # moved, but not scaled
no_half[:2, 2] += 0.5
cameras = {
    "right": K_crop,
    "focal length not scaled": no_focal,
    "centre not scaled": no_centre,
    "half a pixel forgotten": no_half,
}

# %%
fig = viz.theme.figure(9.5, 2.9)
for ax, (name, wrong) in zip(fig.subplots(1, 4), cameras.items(), strict=True):
    off = (project(joints, wrong) - in_crop).norm(dim=1).mean()
    title = f"{name}\n{off:.1f} pixels off"
    viz.maps.show_image(ax, cut_image(photo, square, size), title)
    viz.hand.draw_skeleton(ax, project(joints, wrong))
    ax.set(xlim=(-0.5, size - 0.5), ylim=(size - 0.5, -0.5))
viz.show(fig, **caption("wrong cameras"), dpi=85, colours=256)

# %% [markdown]
# The last one hides from the eye. That is why we *prove* projections.
#
# Move the crop and change its size. The joints in the right picture are always
# projected with the crop's own K′.

# %%
explorer = CropExplorer(RecordedFrame(photo, K, joints=joints))
explorer.widget()

# %% [markdown]
# The same as still pictures: the paper's crop, and a tight one of few pixels.

# %%
explorer.illustration()

# %%
explorer.x, explorer.y = (round(p) for p in pixels[12].tolist())
explorer.side, explorer.resolution = 80, 32
explorer.illustration()

# %% [markdown]
# ## 4 How much of a hand is hidden?
#
# Three pictures of one hand from the same camera:
#
# - the **amodal mask**: every pixel the hand would have if nothing stood in
#   front of it. It comes from the mesh.
# - the **visible mask**: where the hand is nearer than anything else.
# - the **occlusion ratio**: the share of the first that is not in the second.
#
# $$ o = 1 - \frac{|\,\text{visible} \cap \text{amodal}\,|}{|\,\text{amodal}\,|} $$
#
# To get the masks we need the depth of the nearest surface at every pixel: a
# rasteriser. Inside a triangle all three **barycentric weights** are positive,
# and 1/z is linear across the image, so it is their weighted mean.

# %%
def depth_image(points, faces, intrinsics, size):
    """z (size, size) of the nearest triangle, inf where there is none."""
    ticks = torch.arange(float(size))
    grid = torch.cartesian_prod(ticks, ticks).flip(1)  # (u, v), row by row
    uv, inverse = project(points, intrinsics), 1 / points[:, 2]
    nearest = torch.full((size * size,), torch.inf)
    for some in faces.split(128):
        p = uv[some][:, :, None] - grid  # face, corner, pixel, 2
        after, last = p.roll(-1, 1), p.roll(-2, 1)
        area = after[..., 0] * last[..., 1] - after[..., 1] * last[..., 0]
        weight = area / area.sum(1, keepdim=True)
        depth = 1 / (weight * inverse[some][..., None]).sum(1)
        depth[(weight < 0).any(1) | depth.isnan()] = torch.inf
        nearest = torch.minimum(nearest, depth.amin(0))
    return nearest.view(size, size)

# %% [markdown]
# A synthetic hand that nothing hides, and a ball. (The image has 128 pixels,
# our masks 64: K is that of a "crop" of the whole image.)

# %%
bare = SyntheticHands("val", 3, cache=False).render(2)
K_small = SquareCrop(63.5, 63.5, 128).affine(64)
K_small = K_small @ torch.tensor(bare.posed.intrinsics).float()
skin = torch.tensor(bare.scene.vertices).float()
skin_faces = torch.tensor(bare.scene.surface.faces).long()
hand_depth = depth_image(skin, skin_faces, K_small, 64)
amodal = hand_depth.isfinite()

# %%
ball = instance("val", "ball", 23)
towards = torch.tensor(bare.posed.joints[9]).double().numpy()


def ball_at(nearness):
    """The ball between the hand (0) and the camera (1)."""
    front = 1 - 0.16 - 0.66 * nearness
    return PlacedThing(ball, np.eye(3), front * towards)


def ball_depth(thing):
    mesh = thing.thing.mesh.moved(thing.rotation, thing.position)
    points = torch.tensor(mesh.vertices).float()
    return depth_image(points, torch.tensor(mesh.faces).long(), K_small, 64)


# %%
near = ball_at(0.5)
visible = amodal & (hand_depth < ball_depth(near))
hidden = 1 - (visible & amodal).sum() / amodal.sum()
print(f"{visible.sum()} of {amodal.sum()} pixels seen: {hidden:.1%} hidden")

# %% [markdown]
# The library rasterises row by row in place of all pixels at once, and draws
# the amodal mask from the 778 vertices of the model. It agrees:

# %%
theirs = HiddenHand(
    vertices=bare.posed.vertices[:778],
    surface=bare.scene.surface,
    intrinsics=K_small.numpy(),
    visible=visible.numpy(),
    width=64,
    height=64,
)
same = theirs.masks(np.eye(3, dtype=np.float32), None).amodal == amodal
print(f"{(~same).sum()} of {same.numel()} pixels differ")
assert abs(theirs.share() - hidden) < 0.005

# %% [markdown]
# Recorded data sets have no exact visible mask. The amodal one comes from a
# fitted mesh, the visible one from a segmentation, and the two disagree by some
# pixels. That is what the intersection is for.
#
# ### Exercise 2.3
#
# Write the occlusion ratio of a batch. A hand with no pixel in its image, since
# it is beside it, counts as hidden: 1.

# %% tags=["exercise"]
def occlusion_ratio(visible, amodal):
    """Bool masks (B, H, W), which may disagree, to hidden shares (B,)."""
    ...


# %% tags=["check"]
check.occlusion_ratio(occlusion_ratio)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# `(visible & amodal)` is the intersection. Over which axes do you count?
# </details>
# <details><summary>Hint 2</summary>
#
# `.sum((1, 2))` counts in each image. Without a hand this is 0 / 0; with
# `.clamp(min=1)` below the line it becomes 1 − 0 / 1.
# </details>

# %% tags=["solution"] jupyter={"source_hidden": true}
def occlusion_ratio_solution(visible, amodal):
    seen = (visible & amodal).sum((1, 2))
    return 1 - seen / amodal.sum((1, 2)).clamp(min=1)


check.occlusion_ratio(occlusion_ratio_solution)

# %% [markdown]
# **Predict first.** The ball comes nearer to the camera at a steady speed. Does
# the hidden share grow steadily too?

# %%
path = torch.linspace(0, 1, 21)
shares = []
for nearness in path.tolist():
    seen = amodal & (hand_depth < ball_depth(ball_at(nearness)))
    shares.append(float(1 - seen.sum() / amodal.sum()))

# %%
fig = viz.theme.figure(9.5, 1.85)
for ax, nearness in zip(
    fig.subplots(1, 6), (0, 0.4, 0.6, 0.8, 0.9, 1), strict=True
):
    scene = replace(bare.scene, things=(ball_at(nearness),))
    picture = render(scene)
    seen, whole = map(torch.from_numpy, (picture.visible, picture.amodal))
    ax.imshow(develop(np.random.default_rng(0), picture.light))
    viz.hand.draw_hidden(ax, seen, whole)
    ax.set_title(f"{1 - (seen & whole).sum() / whole.sum():.0%} hidden")
    ax.set_axis_off()
viz.show(fig, **caption("growing"), dpi=90, colours=256)

# %%
fig = viz.theme.figure(6, 2.4)
ax = fig.subplots()
ax.plot(path, shares, marker="o", markersize=3)
ax.set(xlabel="nearness of the ball", ylabel="occlusion ratio", ylim=(0, 1))
viz.show(fig, **caption("curve", last=shares[-1]))

# %% [markdown]
# The ball's radius in the image grows as 1/z, its area as 1/z²: faster and
# faster, until there is little hand left to hide. So "an object near the camera"
# is no measure of difficulty; the ratio is.
#
# Deformer reports its errors by this ratio, in the bins 25–50, 50–75 and
# 75–100 %. The code for the bins was never released; ours is a reading of the
# paper's words, and DexYCB's bins may differ from theirs in a few frames.
#
# ## 5 The course's own hands
#
# Training needs hands of every occlusion. `SyntheticHands` aims: it draws the
# share that shall be hidden, and slides a thing over the hand until it is.
#
# **Predict first.** Sketch the distribution. Is it flat, or are there more hands
# with little hidden, as in life?

# %%
val = SyntheticHands("val", 500)
ratios = torch.tensor([val[i].occlusion for i in range(len(val))])
s = val[0]
again = 1 - (s.masks.visible & s.masks.amodal).sum() / s.masks.amodal.sum()
assert abs(again - s.occlusion) < 1e-6

# %%
fig = viz.theme.figure(7, 2.6)
ax = fig.subplots()
ax.hist(ratios.numpy(), bins=20, range=(0, 1), color=viz.theme.BLUE)
for edge in (0.25, 0.5, 0.75):
    ax.axvline(edge, color=viz.theme.INK, linestyle="dashed", linewidth=1)
ax.set(xlabel="occlusion ratio", ylabel="images")
edges = torch.tensor([0.25, 0.5, 0.75])
counts = torch.bucketize(ratios, edges, right=True).bincount(minlength=4)
counts = ", ".join(map(str, counts.tolist()))
viz.show(fig, **caption("distribution", counts=counts))

# %%
fig = viz.theme.figure(9.5, 1.65)
order = ratios.argsort()[torch.linspace(0, 499, 7).long()]
for ax, i in zip(fig.subplots(1, 7), order.tolist(), strict=True):
    s = val[i]
    viz.maps.show_image(ax, s.image, f"{s.occlusion:.0%}")
    viz.hand.draw_hidden(ax, s.masks.visible, s.masks.amodal)
viz.show(fig, **caption("examples"), dpi=90, colours=256)

# %% [markdown]
# ## 6 Three recorded data sets
#
# Sections 6 to 8 are about recorded data. The next notebooks need none, so you
# may come back to them when you open a data set of your own.
#
# | | HO-3D v2 | DexYCB | FPHA |
# |---|---|---|---|
# | images | 66,034 + 11,524 | 582,000 | 105,459 |
# | cameras | fixed, one or several | fixed, eight at once | first person |
# | image | 640 × 480 | 640 × 480 | 1920 × 1080 |
# | hands | right, 10 people | both, 10 people | right, 6 people |
# | pose | 48 full angles | 3 angles + 45 PCA numbers | none |
# | frame and unit | OpenGL, m | OpenCV, m | depth camera, mm |
# | joint order | MANO's, then tips | common | wrist, bases, then the rest |
# | hand mask | red, a quarter as wide | label 255 | none |
# | to test on | box and wrist (joints since 2024) | all labels | all labels |
# | used by | both papers | Deformer, HandOccNet's code | HandOccNet |
#
# If you have them, name their folders in `HANDLIB_HO3D`, `HANDLIB_DEXYCB` and
# `HANDLIB_FPHA` and restart. Otherwise the next cell writes tiny trees in the
# same layouts, filled with rendered hands: same files, same keys, same units.

# %%
folder = tempfile.TemporaryDirectory()
SEEDS = {"ho3d": 0, "dexycb": 7, "fpha": 4}  # what the practice trees show


def root_of(layout):
    """Your folder, or a practice tree."""
    yours = os.environ.get(f"HANDLIB_{layout.upper()}")
    if not yours:
        yours = f"{folder.name}/{layout}"
        export(layout, Path(yours), size=1, frames=1, seed=SEEDS[layout])
    return Path(yours)


roots = {layout: root_of(layout) for layout in SEEDS}

# %%
def opened(kind, layout, *split):
    """Whole images; masks where the hand's model lies beside them."""
    root, extra = roots[layout], {}
    if layout != "fpha" and (root / "mano").exists():
        extra = {"mano": root / "mano", "masks": True}
    if layout == "dexycb":
        extra["partial"] = True
    return kind(root, *split, crop=None, **extra)


# %%
recorded = {
    "HO-3D train": opened(HO3D, "ho3d", "train"),
    "HO-3D evaluation": opened(HO3D, "ho3d", "evaluation"),
    "DexYCB s0": opened(DexYCB, "dexycb", "s0", "train"),
    "FPHA": opened(FPHA, "fpha", "train"),
}

# %% [markdown]
# Behind the loaders they all speak the same language: a `HandSample`, metres,
# the OpenCV frame, the common joint order. What a set lacks is `None`.
#
# **Predict first.** Which of the sets can train MANO's pose θ? Which can tell
# how much of a hand is hidden?

# %%
frames = {}
for name, data in recorded.items():
    labelled = int(data.valid.argmax())
    frames[name] = data[labelled]
    print(f"{name:17} {len(data):6,} frames, e.g. {data.name(labelled)}")
frames["synthetic"] = val[0]

# %%
fields = ["joints", "pose", "betas", "masks", "occlusion", "box"]
print(f"{'':17} {'image':>10}", *(f"{field:>9}" for field in fields))
for name, sample in frames.items():
    _, height, width = sample.image.shape
    has = [getattr(sample, field) is not None for field in fields]
    marks = [f"{'yes' if yes else '-':>9}" for yes in has]
    print(f"{name:17} {f'{width}×{height}':>10}", *marks)

# %% [markdown]
# "-" is a finding, not a fault. HO-3D keeps its test poses to itself. (Joints of
# the evaluation split are there if you have `evaluation_xyz.json`, as our
# practice tree does.) FPHA's joints come from magnetic sensors: no mesh, so no
# amodal mask and no occlusion ratio. DexYCB's poses need MANO's own mean and
# components, thus MANO's files.

# %%
def zoom(ax, points):
    """Show HandOccNet's square around the points."""
    cut = square_around(points)
    ax.set_xlim(cut.x - cut.side / 2, cut.x + cut.side / 2)
    ax.set_ylim(cut.y + cut.side / 2, cut.y - cut.side / 2)


# %%
fig = viz.theme.figure(9.5, 3.9)
axes = fig.subplots(2, 4, width_ratios=(4, 4, 4, 16 / 3))
for (whole, close), name in zip(axes.T, recorded, strict=True):
    s = frames[name]
    viz.maps.show_image(whole, s.image, name)
    viz.maps.show_image(close, s.image, "no masks")
    if s.joints_px is not None:
        viz.hand.draw_skeleton(whole, s.joints_px)
    if s.masks is not None:
        viz.hand.draw_hidden(close, s.masks.visible, s.masks.amodal)
        close.set_title(f"{s.occlusion:.0%} hidden")
    zoom(close, s.box.view(2, 2) if s.joints_px is None else s.joints_px)
viz.show(fig, **caption("data sets"), dpi=90, colours=256)

# %% [markdown]
# ## 7 Which joint is number 4?
#
# All three list 21 joints, and no two in the same order. Build HO-3D's from its
# rule: MANO's 16 joints, whose fingers go index, middle, *little*, ring, thumb;
# then five tips, from the thumb to the little finger.

# %% tags=["nbval-check-output"]
tips = [f"{finger}_tip" for finger in FINGERS]
ho3d_names = [*MANO_JOINT_NAMES, *tips]
to_common = [ho3d_names.index(name) for name in JOINT_NAMES]
assert tuple(to_common) == TO_COMMON["HO-3D"]
print("HO-3D's number 4 is", ho3d_names[4])
print("ours is", JOINT_NAMES[4])

# %% [markdown]
# **Predict first.** Here are the same 21 points in each order, drawn as if they
# were in the common one. Which fingers survive?

# %%
fig = viz.theme.figure(8, 3.0)
for ax, (name, permutation) in zip(
    fig.subplots(1, 3), TO_COMMON.items(), strict=True
):
    as_stored = in_crop[list(inverse(permutation))]
    assert torch.equal(as_stored[list(permutation)], in_crop)
    viz.maps.show_image(ax, cut_image(photo, square, size), f"{name} order")
    viz.hand.draw_skeleton(ax, as_stored)
viz.show(fig, **caption("orders"), dpi=90, colours=256)

# %% [markdown]
# Nothing crashes, and a network learns such labels without complaint. A picture
# like this, of the first sample, costs one minute and saves a week.
#
# ## 8 OpenGL against OpenCV
#
# HO-3D's labels live in OpenGL's camera frame: y goes up, and the camera looks
# along −z. The same hand there, and the way between the two:
#
# $$ X_{cv} = F\,X_{gl}, \qquad F = \mathrm{diag}(1, -1, -1) $$
#
# F is a rotation by 180° about x, and its own inverse.

# %%
flip = torch.diag(torch.tensor([1.0, -1, -1]))
there = shot.hand.moved(flip.double().numpy(), np.zeros(3))
joints_gl = torch.tensor(there.joints).float()
print("wrist, OpenGL:", joints_gl[0], " OpenCV:", joints[0])
assert torch.allclose(joints_gl @ flip, joints, atol=1e-6)
assert torch.det(flip) == 1

# %% [markdown]
# **Predict first.** Project OpenGL's points with K and forget F: all z are
# negative, and the division does not mind. What does the picture show? And if
# one flips y only, "since y points up"?

# %%
only_y = torch.tensor([1.0, -1, 1])
points = {
    "X F, right": joints_gl @ flip,
    "F forgotten": joints_gl,
    "only y flipped": joints_gl * only_y,
}
fig = viz.theme.figure(9, 2.6)
for ax, (name, X) in zip(fig.subplots(1, 3), points.items(), strict=True):
    viz.maps.show_image(ax, to_tensor(photo), name)
    viz.hand.draw_skeleton(ax, project(X, K))
viz.show(fig, **caption("frames"), dpi=90, colours=256)

# %% [markdown]
# Without F, the right hand becomes a left one, mirrored about the principal
# point's column: u is fx·x/(−z) + cx, and v comes out right by chance, as both
# of its signs are wrong. Flip y alone and both are wrong.
#
# ### The trap in the translation
#
# Points are easy. MANO's *parameters* are not: the model turns the hand about
# its own wrist J0(β), the first joint of the rest pose, not about the origin.
#
# $$ x = R\,(x_{rest} - J_0) + J_0 + t $$
#
# **Predict first.** In OpenCV's frame the rotation is F R. And the translation,
# is it F t?

# %%
betas = torch.tensor(there.betas).float()[None]
angles = torch.tensor(np.vstack([there.root, there.fingers])).float()
R = axis_angle_to_rotmat(angles[0])
t = torch.tensor(there.translation).float()
rest_wrist = hand(torch.zeros(1, 16, 3), betas).joints[0, 0]


def joints_with(rotation, translation):
    root = rotmat_to_axis_angle(rotation)[None]
    pose = torch.cat([root, angles[1:]])[None]
    return hand(pose, betas, translation[None]).joints[0]

# %%
assert torch.allclose(joints_with(R, t), joints_gl, atol=1e-5)
naive = joints_with(flip @ R, flip @ t)
off = (naive - joints).norm(dim=1)
print(f"J0 = {rest_wrist.tolist()}")
print(f"F t alone: every joint off by {1000 * off.mean():.1f} mm")
print(f"|F J0 − J0| = {1000 * (flip @ rest_wrist - rest_wrist).norm():.1f} mm")

# %% [markdown]
# The same error for all joints, so a root-aligned score never shows it, and the
# mesh drawn over the image does.
#
# ### Exercise 2.4
#
# Bring the parameters over. The result is [R′ | t′], R′ with t′ as its fourth
# column.

# %% tags=["exercise"]
def opengl_to_opencv(rotation, translation, rest_wrist):
    """R (3, 3), t (3,) and J0 (3,) to [R' | t'] (3, 4)."""
    ...


# %% tags=["check"]
check.opengl_to_opencv(opengl_to_opencv)

# %% [markdown]
# <details><summary>Hint 1</summary>
#
# Where does the wrist, x_rest = J0, land in OpenGL's frame? And in OpenCV's, once
# by F and once by the model with t′?
# </details>
# <details><summary>Hint 2</summary>
#
# F (J0 + t) = J0 + t′. Then `torch.cat([R, t[:, None]], 1)` puts both together.
# </details>

# %% tags=["solution"] jupyter={"source_hidden": true}
def opengl_to_opencv_solution(rotation, translation, rest_wrist):
    F = torch.diag(torch.tensor([1.0, -1.0, -1.0]))
    moved = F @ (rest_wrist + translation) - rest_wrist
    return torch.cat([F @ rotation, moved[:, None]], 1)


check.opengl_to_opencv(opengl_to_opencv_solution)

# %%
t_cv = flip @ (rest_wrist + t) - rest_wrist
assert torch.allclose(joints_with(flip @ R, t_cv), joints, atol=1e-5)

# %% [markdown]
# And this is what the loader does. Here is HO-3D's own file, read raw, beside
# the sample. J0 + t is the wrist that was annotated, so J0 needs no model.

# %%
data, sample = recorded["HO-3D train"], frames["HO-3D train"]
sequence, number = data.name(int(data.valid.argmax())).split("/")
path = data.root / "train" / sequence / "meta" / f"{number}.pkl"
raw = read_annotation(path, ["handTrans", "handJoints3D"])
wrist, raw_t = raw["handJoints3D"][0], raw["handTrans"].ravel()
J0, turn = wrist - raw_t, flip.numpy()
assert np.allclose(turn @ (J0 + raw_t) - J0, sample.translation, atol=1e-5)
assert np.allclose(turn @ wrist, sample.joints[0], atol=1e-5)
folder.cleanup()

# %% [markdown]
# **What we may conclude.** A camera is four numbers, and a crop changes them by
# a rule that is exact to the half pixel. A hidden share is one ratio of two
# masks. Most of the trouble with data sets is neither: it is order, unit and
# frame, which no shape check sees. Convert once, at the loader's edge, and prove
# it by projecting.
#
# ## 9 Paper against code
#
# {{ paper_against_code }}
#
# Try it: open your HO-3D with `crop="deformer"` and with `crop="handoccnet"`,
# and look at the two squares.
#
# ## 10 Quiz
#
# {{ quiz }}

# %% [markdown]
# With a kernel you can click your answers:

# %% tags=["quiz"]
quiz.show("02")

# %% [markdown]
# ## Summary
#
# - u = fx·x/z + cx: pixels fix a ray; the depth z fixes the point on it. Size and
#   distance cannot be told apart.
# - (0, 0) is the centre of the first pixel. Scaling acts on u + ½.
# - A crop's camera is K′ = A K: focal lengths are scaled, the principal point is
#   moved *and* scaled.
# - Occlusion ratio: 1 − |visible ∩ amodal| / |amodal|. It needs the whole hand's
#   mesh, so FPHA has none.
# - HO-3D: MANO order, OpenGL. DexYCB: common order, OpenCV, PCA. FPHA: its own
#   order, millimetres, no MANO.
# - MANO turns about J0: t′ = F (J0 + t) − J0.
# - Our half-hidden hand is an image of 128 × 128 pixels with its own K, and by
#   the ratio of section 4 half of it is hidden (notebook 00).
#
# ## 요약
#
# - u = fx·x/z + cx입니다. 픽셀은 ray를 정하고, depth z가 그 위의 점을 정합니다. 이미지
#   한 장으로는 크기와 거리를 구분할 수 없습니다.
# - (0, 0)은 첫 픽셀의 중심입니다. 크기를 바꾸면 u + ½에 scale이 곱해집니다.
# - Crop의 camera는 K′ = A K입니다. Focal length에는 scale만 곱하고, 주점은 옮긴 뒤
#   scale을 곱합니다.
# - Occlusion ratio는 1 − |visible ∩ amodal| / |amodal|입니다. 손 전체의 mesh가
#   필요하므로 FPHA에서는 구할 수 없습니다.
# - HO-3D는 MANO 순서와 OpenGL 좌표계, DexYCB는 공통 순서와 OpenCV 좌표계(PCA pose),
#   FPHA는 자체 순서와 mm 단위를 사용하며 MANO label이 없습니다.
# - MANO는 J0을 중심으로 회전하므로 t′ = F (J0 + t) − J0입니다.
# - 우리 손은 자신의 K를 가진 128 × 128 픽셀의 이미지이며, 4절의 비율로 절반이 가려져
#   있습니다(00).
#
# ## References
#
# - S. Hampali, M. Rad, M. Oberweger, V. Lepetit. *HOnnotate: A Method for 3D
#   Annotation of Hand and Object Poses.* CVPR 2020. HO-3D.
# - Y.-W. Chao et al. *DexYCB: A Benchmark for Capturing Hand Grasping of
#   Objects.* CVPR 2021.
# - G. Garcia-Hernando, S. Yuan, S. Baek, T.-K. Kim. *First-Person Hand Action
#   Benchmark with RGB-D Videos and 3D Hand Pose Annotations.* CVPR 2018. FPHA.
# - R. Hartley, A. Zisserman. *Multiple View Geometry in Computer Vision.*
#   Cambridge University Press, 2004. Chapter 6, the camera matrix.
# - J. Pineda. *A Parallel Algorithm for Polygon Rasterization.* SIGGRAPH 1988.
#   Triangles by edge functions.
# - Q. Fu et al. *Deformer.* ICCV 2023. Section 4.2, errors by occlusion.
