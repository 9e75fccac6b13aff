"""What one query reads, in several attention maps side by side; the query is chosen with sliders.

A row is drawn in multiples of chance: 1 is what every key would get if all were treated alike.
"""

from collections.abc import Mapping
from typing import Any

from jaxtyping import Float
from torch import Tensor

from handlib.viz import maps, theme
from handlib.viz.controls import under_controls
from handlib.viz.display import Illustration, show


class AttentionExplorer:
    """`row` and `column` of the query over a square grid of N tokens."""

    def __init__(
        self,
        image: Float[Tensor, "3 H W"],
        attention: Mapping[str, Float[Tensor, "N N"]],
        query: tuple[int, int],
        amodal: Tensor | None = None,
    ) -> None:
        """Take one image and its maps by name, row = query and column = key.

        Args:
            query: row and column to begin with.
            amodal: the whole hand's mask (H, W), drawn as an outline.
        """
        self.image, self.attention, self.amodal = image, attention, amodal
        self.row, self.column = query
        self.side = round(next(iter(attention.values())).shape[0] ** 0.5)

    def rows(self) -> dict[str, Float[Tensor, "h w"]]:
        """The query's row of each map, in multiples of chance."""
        token = self.side * self.row + self.column
        shape = (self.side, self.side)
        return {n: a[token].unflatten(0, shape) * len(a) for n, a in self.attention.items()}

    def illustration(self) -> Illustration:
        """The image beside the rows, on one colour scale."""
        rows = self.rows()
        top = max(float(values.max()) for values in rows.values())
        fig = theme.figure(2.4 * (1 + len(rows)), 2.6)
        axes = fig.subplots(1, 1 + len(rows))
        maps.show_image(axes[0], self.image, f"query at ({self.row}, {self.column})")
        for ax, (name, values) in zip(axes[1:], rows.items(), strict=True):
            title = f"{name}: up to {float(values.max()):.1f}"
            bar = maps.overlay(ax, self.image, values, title, (0.0, top))
        fig.colorbar(bar, ax=axes[-1], shrink=0.75)
        for ax in axes:
            maps.mark_query(ax, self.row, self.column, self.side, self.image.shape[-1])
            if self.amodal is not None:
                maps.outline(ax, self.amodal, theme.ORANGE)
        ranges = ", ".join(
            f"{n} {float(v.min()):.1f} to {float(v.max()):.1f}" for n, v in rows.items()
        )
        place = f"({self.row}, {self.column})"
        return show(
            fig,
            alt=f"The image and what the query at {place} reads, as multiples of chance: "
            f"{ranges}.",
            caption=f"The row of the query at {place}, in multiples of chance: {ranges}. Orange: "
            "the whole hand.",
            caption_ko=f"Query {place}의 attention 행(우연 수준의 배수): {ranges}. "
            "주황색 선은 손 전체입니다.",
            dpi=90,
            colours=256,
        )

    def widget(self) -> Any:
        """The sliders above the picture (an ipywidgets box)."""
        from ipywidgets import IntSlider

        last = self.side - 1
        places = {"row": self.row, "column": self.column}
        return under_controls(
            self,
            {
                name: IntSlider(value, 0, last, description=name, continuous_update=False)
                for name, value in places.items()
            },
        )
