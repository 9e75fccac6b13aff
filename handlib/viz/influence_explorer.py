"""Choose a cell and a level of the backbone; see which pixels its feature depends on."""

from typing import Any

import torch
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from torch import Tensor
from torch.nn import functional as F

from handlib.models.handoccnet import HandOccNet
from handlib.models.receptive_field import (
    STRIDES,
    cell_of,
    distance_from,
    influence,
    radius,
    share,
)
from handlib.viz import maps, theme
from handlib.viz.controls import under_controls
from handlib.viz.display import Illustration, show

_POOLED = 4  # pixels: single ones are noisy, and half a cell of F is fine enough


def draw_influence(
    ax: Axes,
    image: Float[Tensor, "3 S S"],
    values: Float[Tensor, "S S"],
    place: Float[Tensor, "2"],
    level: str,
    title: str = "",
) -> None:
    """Influence over the grey image, its square root so that the faint shows, and the cell."""
    coarse = F.avg_pool2d(values[None], _POOLED)[0].sqrt()
    maps.overlay(ax, image, coarse, title)
    mark_cell(ax, place, level, image.shape[-1])


def mark_cell(ax: Axes, place: Float[Tensor, "2"], level: str, size: int) -> None:
    """A square around the level's cell at the pixel `place`."""
    row, column = (int(n) for n in cell_of(place, size, level))
    maps.mark_query(ax, row, column, size // STRIDES[level], size)


class InfluenceExplorer:
    """`x` and `y`, a pixel of the image, and the `level` whose cell there is looked at."""

    def __init__(
        self,
        model: HandOccNet,
        image: Float[Tensor, "3 S S"],
        place: Float[Tensor, "2"],
        visible: Bool[Tensor, "S S"],
        amodal: Bool[Tensor, "S S"],
        level: str = "F",
    ) -> None:
        """Take the image and the masks of its hand, and a place (x, y) to begin with."""
        self.model, self.image, self.level = model, image, level
        self.visible, self.amodal = visible, amodal
        self.x, self.y = (round(n) for n in place.tolist())

    def values(self) -> Float[Tensor, "S S"]:
        """Every pixel's influence on the feature chosen, exactly."""
        return influence(self.model, self.image[None], self.level, self._place())[0]

    def illustration(self) -> Illustration:
        """The static figure of the current choice."""
        values, size = self.values(), self.image.shape[-1]
        half = float(radius(values[None], distance_from(self._place(), size), 0.5))
        fig = theme.figure(6.4, 2.9)
        axes = fig.subplots(1, 2)
        maps.show_image(axes[0], self.image, f"{self.level} at ({self.x}, {self.y})")
        mark_cell(axes[0], self._place()[0], self.level, size)
        maps.outline(axes[0], self.amodal, theme.ORANGE, "dashed")
        maps.outline(axes[0], self.visible, theme.SKY)
        title = f"half within {half:.0f} px"
        draw_influence(axes[1], self.image, values, self._place()[0], self.level, title)
        return show(fig, **self._words(values, half), dpi=85, colours=256)

    def _words(self, values: Float[Tensor, "S S"], half: float) -> dict[str, str]:
        seen = float(share(values[None], self.visible[None]))
        over = float(share(values[None], (self.amodal & ~self.visible)[None]))
        place = f"{self.level} at ({self.x}, {self.y})"
        numbers = f"{seen:.0%} on the visible hand, {over:.0%} on what covers the hand"
        return {
            "alt": f"The image with the cell of {place} marked, and the pixels that its feature "
            f"depends on: {numbers}; half of the influence within {half:.0f} pixels.",
            "caption": f"Influence on {place}: {numbers}. Blue: the visible hand; dashed orange: "
            "the whole hand. Brighter: more influence.",
            "caption_ko": f"{place}의 feature에 영향을 주는 픽셀입니다. 영향의 {seen:.0%}는 "
            f"보이는 손에, {over:.0%}는 손을 가린 픽셀에 있습니다. 파란 선은 보이는 "
            "손, 주황색 점선은 손 전체이며, 밝을수록 영향이 큽니다.",
        }

    def widget(self) -> Any:
        """Two sliders and a menu above the picture (an ipywidgets box)."""
        from ipywidgets import Dropdown, IntSlider

        last = self.image.shape[-1] - 1
        sliders = {
            name: IntSlider(
                getattr(self, name), 0, last, description=name, continuous_update=False
            )
            for name in ("x", "y")
        }
        level = Dropdown(options=tuple(STRIDES), value=self.level, description="level")
        return under_controls(self, {**sliders, "level": level})

    def _place(self) -> Float[Tensor, "1 2"]:
        return torch.tensor([[float(self.x), float(self.y)]])
