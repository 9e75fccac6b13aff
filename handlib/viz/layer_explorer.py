"""Maps of several images, one at a time: which image and which map is chosen with controls."""

from collections.abc import Mapping
from typing import Any

from jaxtyping import Bool, Float
from torch import Tensor

from handlib.viz import maps, regions, theme
from handlib.viz.controls import under_controls
from handlib.viz.display import Illustration, show


class LayerExplorer:
    """`picture`, the image's number, and `layer`, the map's name.

    A map's colours mean the same on every image, so that images can be compared.
    """

    def __init__(
        self,
        images: Float[Tensor, "B 3 H W"],
        visible: Bool[Tensor, "B H W"],
        amodal: Bool[Tensor, "B H W"],
        layers: Mapping[str, Float[Tensor, "B h w"]],
    ) -> None:
        """Begin with the first image and the first map."""
        self.images, self.visible, self.amodal, self.layers = images, visible, amodal, layers
        self.picture, self.layer = 0, next(iter(layers))

    def means(self) -> dict[str, float]:
        """The chosen map's mean over each region; NaN where the image has none of it."""
        values = self.layers[self.layer]
        one = slice(self.picture, self.picture + 1)
        where = regions.token_regions(self.visible[one], self.amodal[one], values.shape[-1])
        tokens = values[one].flatten(1)
        return {name: float(regions.mean_over(tokens, here)) for name, here in where.items()}

    def illustration(self) -> Illustration:
        """The image beside its map; solid line: the whole hand, dotted: what is seen of it."""
        values = self.layers[self.layer]
        fig = theme.figure(6.0, 2.9)
        left, right = fig.subplots(1, 2)
        maps.show_image(left, self.images[self.picture], f"image {self.picture}")
        limits = (0.0, float(values.max()))
        bar = maps.overlay(
            right, self.images[self.picture], values[self.picture], self.layer, limits
        )
        fig.colorbar(bar, ax=right, shrink=0.8)
        for ax in (left, right):
            maps.outline(ax, self.amodal[self.picture], theme.ORANGE)
            maps.outline(ax, self.visible[self.picture], theme.SKY, "dotted")
        means = ", ".join(f"{name} {mean:.2f}" for name, mean in self.means().items())
        return show(
            fig,
            alt=f"Image {self.picture} beside its map of {self.layer}; means: {means}.",
            caption=f"{self.layer} over image {self.picture}; means: {means}. Orange: the whole "
            "hand, blue dots: what is seen of it.",
            caption_ko=f"Image {self.picture}의 {self.layer}입니다. 영역별 평균: {means}. "
            "주황색 선은 손 전체, 파란 점선은 보이는 부분입니다.",
            dpi=90,
            colours=256,
        )

    def widget(self) -> Any:
        """The controls above the picture (an ipywidgets box)."""
        from ipywidgets import Dropdown, IntSlider

        last = len(self.images) - 1
        return under_controls(
            self,
            {
                "picture": IntSlider(
                    self.picture, 0, last, description="image", continuous_update=False
                ),
                "layer": Dropdown(options=list(self.layers), value=self.layer, description="map"),
            },
        )
