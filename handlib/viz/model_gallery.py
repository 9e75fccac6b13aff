"""Several models beside the truth: a row for each image, a column for each model's mesh.

Networks leave out where the hand is. So every mesh is put where its joints fall best onto the
*true* pixels, and above it stands the root-aligned error of the hand itself.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from torch import Tensor

from handlib.course.captions import captions
from handlib.data.batch import HandBatch
from handlib.data.camera import mask_at
from handlib.data.sample import needed
from handlib.metrics import root_aligned_mpjpe
from handlib.viz import hand as drawing
from handlib.viz import maps, theme
from handlib.viz.controls import under_controls
from handlib.viz.display import Illustration, show


class Hands(NamedTuple):
    """One model's hands of N images, in metres, without a place in space."""

    joints: Float[Tensor, "N 21 3"]
    vertices: Float[Tensor, "N V 3"]


class ModelGallery:
    """Rows of images, from `first` on; `order` says which image a row shows.

    The true skeleton is drawn into the image; joints that cannot be seen are hollow.
    """

    def __init__(
        self,
        batch: HandBatch,
        models: Mapping[str, Hands],
        faces: Int[Tensor, "F 3"],
        order: Sequence[int] | None = None,
        rows: int = 4,
        names: Sequence[str] | None = None,
    ) -> None:
        """Take images with true joints, and what each model says of all of them.

        Args:
            order: image numbers; None = by the hidden share, or as they come without it.
            rows: how many images are shown at once.
            names: a title for each image; None = its hidden share.

        Raises:
            ValueError: a model has not one hand for each image.
        """
        self.batch, self.models, self.faces, self.rows = batch, models, faces, rows
        joints, self.pixels = needed(batch.joints, "joints"), needed(batch.joints_px, "joints_px")
        for name, hands in models.items():
            if len(hands.joints) != len(joints):
                raise ValueError(
                    f"models: expected {len(joints)} hands of {name!r}, one for each image, "
                    f"found {len(hands.joints)}"
                )
        self.errors = {  # millimetres
            name: 1000 * root_aligned_mpjpe(hands.joints, joints) for name, hands in models.items()
        }
        hidden = batch.occlusion
        if order is None and hidden is not None:
            order = hidden.argsort(stable=True).tolist()
        self.order = list(range(len(joints))) if order is None else list(order)
        self.titles = list(names or self._shares())
        self.first = 0

    def illustration(self) -> Illustration:
        """The images from `first` on, evenly spaced to the end of the order."""
        left = self.order[self.first :]
        places = torch.linspace(0, len(left) - 1, min(self.rows, len(left))).round().long()
        shown = [left[place] for place in places.tolist()]
        fig = theme.figure(1.55 * (1 + len(self.models)), 1.72 * len(shown))
        axes = fig.subplots(len(shown), 1 + len(self.models), squeeze=False)
        for line, image in zip(axes, shown, strict=True):
            self._draw_image(line[0], image)
            for ax, name in zip(line[1:], self.models, strict=True):
                self._draw_hand(ax, name, image)
        words = {
            "models": ", ".join(self.models),
            "rows": "; ".join(self._said(image) for image in shown),
        }
        return show(fig, **captions("shared")("model gallery", **words), dpi=75, colours=256)

    def widget(self) -> Any:
        """A slider for the first image above the picture."""
        from ipywidgets import IntSlider

        last = max(0, len(self.order) - self.rows)
        slider = IntSlider(self.first, 0, last, description="first image", continuous_update=False)
        return under_controls(self, {"first": slider})

    def _shares(self) -> list[str]:
        if self.batch.occlusion is None:
            return ["image"] * len(self.pixels)
        return [f"{share:.0%} hidden" for share in self.batch.occlusion.tolist()]

    def _said(self, image: int) -> str:
        errors = ", ".join(f"{name} {found[image]:.0f} mm" for name, found in self.errors.items())
        return f"{self.titles[image]}: {errors}"

    def _draw_image(self, ax: Axes, image: int) -> None:
        maps.show_image(ax, self.batch.image[image], self.titles[image])
        drawing.draw_skeleton(ax, self.pixels[image], self._unseen(image))

    def _unseen(self, image: int) -> Tensor | None:
        if self.batch.visible is None:
            return None
        return ~mask_at(self.batch.visible[image, None], self.pixels[image, None])[0]

    def _draw_hand(self, ax: Axes, name: str, image: int) -> None:
        hands, camera = self.models[name], self.batch.intrinsics[image]
        picture, error = self.batch.image[image], float(self.errors[name][image])
        maps.show_image(ax, picture)
        title = f"{name}: {error:.0f} mm" if error > 0.05 else name
        joints, mesh, pixels = hands.joints[image], hands.vertices[image], self.pixels[image]
        drawing.draw_placed(ax, joints, mesh, pixels, self.faces, camera, picture.shape[-1])
        ax.set_title(title, fontsize=8)
