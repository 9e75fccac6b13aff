"""One joint's heatmap over the image, made sharper or flatter: where its mean goes, and its peak.

The map is p^t, normalised again: the softmax of scores that are multiplied by t once more.
"""

from typing import Any

import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from torch import Tensor

from handlib.data.camera import denormalise_pixels
from handlib.hands.skeleton import JOINT_NAMES
from handlib.models.heatmap import soft_argmax, spatial_softmax
from handlib.viz import maps, theme
from handlib.viz.controls import under_controls
from handlib.viz.display import Illustration, show

TEMPERATURES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


class HeatmapExplorer:
    """The `joint` (a name of JOINT_NAMES) and the `temperature` are there to be changed."""

    def __init__(
        self,
        image: Float[Tensor, "3 S S"],
        heatmaps: Float[Tensor, "21 h w"],
        joints_px: Float[Tensor, "21 2"],
        joint: str,
        temperature: float = 2.0,
    ) -> None:
        """Take the heatmaps of one image, and the true joints in its pixels."""
        self.image, self.heatmaps, self.joints_px = image, heatmaps.detach(), joints_px
        self.joint, self.temperature = joint, temperature

    def at(self, temperature: float) -> tuple[Float[Tensor, "h w"], Float[Tensor, "2"], float]:
        """The joint's map at a temperature, its mean in pixels, and the mean's error in pixels."""
        index = JOINT_NAMES.index(self.joint)
        scores = self.heatmaps[None, index : index + 1].clamp_min(1e-12).log()
        heatmap = spatial_softmax(temperature * scores)
        mean = denormalise_pixels(soft_argmax(heatmap), self.image.shape[-1])[0, 0]
        return heatmap[0, 0], mean, float(torch.dist(mean, self.joints_px[index]))

    def illustration(self) -> Illustration:
        """The static figure of the current choice, described in words by its numbers."""
        fig = theme.figure(8.2, 2.9)
        first, second, third = fig.subplots(1, 3)
        maps.show_image(first, self.image, self.joint)
        _mark(first, self.joints_px[JOINT_NAMES.index(self.joint)], "o", "true joint")
        errors = [
            self._draw(ax, temperature)
            for ax, temperature in ((second, 1.0), (third, self.temperature))
        ]
        first.legend(loc="lower left", fontsize=8, labelcolor=theme.PAPER)
        second.legend(loc="lower left", fontsize=8, labelcolor=theme.PAPER)
        t, name = self.temperature, self.joint
        return show(
            fig,
            alt=f"Three panels for {name}: the image with the true joint, the heatmap as it is, "
            f"and the heatmap at temperature {t:g}. Their means are {errors[0]:.1f} and "
            f"{errors[1]:.1f} pixels off.",
            caption=f"{name}: the heatmap as the network made it (middle) and at {t:g} times its "
            f"scores (right). The cross is the map's mean, {errors[0]:.1f} and {errors[1]:.1f} "
            "pixels from the true joint (circle).",
            caption_ko=f"{name}의 heatmap(가운데)과, score를 {t:g}배 한 heatmap(오른쪽)입니다. "
            f"×는 map의 평균 위치이며 실제 joint(○)에서 각각 {errors[0]:.1f}, {errors[1]:.1f} "
            "pixel 떨어져 있습니다.",
            dpi=90,
            colours=256,
        )

    def _draw(self, ax: Axes, temperature: float) -> float:
        heatmap, mean, error = self.at(temperature)
        maps.overlay(ax, self.image, heatmap, f"temperature {temperature:g}: {error:.1f} px off")
        _mark(ax, self.joints_px[JOINT_NAMES.index(self.joint)], "o", "true joint")
        _mark(ax, mean, "x", "mean of the map")
        return error

    def widget(self) -> Any:
        """Two menus above the picture (an ipywidgets box)."""
        from ipywidgets import Dropdown

        return under_controls(
            self,
            {
                "joint": Dropdown(options=JOINT_NAMES, value=self.joint, description="joint"),
                "temperature": Dropdown(
                    options=TEMPERATURES, value=self.temperature, description="temperature"
                ),
            },
        )


def _mark(ax: Axes, place: Float[Tensor, "2"], shape: str, label: str) -> None:
    """A mark that shows on dark and light alike."""
    x, y = place.tolist()
    face = "none" if shape == "o" else None
    for colour, width, text in ((theme.INK, 4.0, None), (theme.YELLOW, 1.8, label)):
        ax.plot(
            x,
            y,
            shape,
            markersize=9,
            markeredgewidth=width,
            color=colour,
            markerfacecolor=face,
            linestyle="none",
            label=text,
        )
