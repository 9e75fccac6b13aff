"""Widgets: little state, and the picture redrawn by the function that makes the static figure."""

from typing import Any

from jaxtyping import Float
from torch import Tensor

from handlib.viz import theme
from handlib.viz.display import Illustration, show
from handlib.viz.maps import correlation_panels


class QueryExplorer:
    """Choose a query token and a head with sliders; the panels of `correlation_panels` follow."""

    def __init__(
        self,
        image: Float[Tensor, "3 H W"],
        softmax: Float[Tensor, "A N N"],
        gate: Float[Tensor, "A N"],
        query: tuple[int, int],
        amodal: Tensor | None = None,
        head: int = 0,
        weights: str = "",
    ) -> None:
        """Take the C_soft and C_sig of one image, A heads over a square grid of N tokens.

        Args:
            query, head: row and column, and head, to begin with.
            amodal: the whole hand's mask (H, W), drawn as an outline.
            weights: which weights made the maps, written above the picture.
        """
        side = round(gate.shape[1] ** 0.5)
        self.image, self.amodal = image, amodal
        self.softmax = softmax.unflatten(2, (side, side)).unflatten(1, (side, side))
        self.gate = gate.unflatten(1, (side, side))
        self.query, self.head, self.weights = query, head, weights

    def illustration(self) -> Illustration:
        """The static figure of the current choice, described in words by its numbers."""
        row, gates = self.softmax[self.head][self.query], self.gate[self.head]
        gate, total = float(gates[self.query]), float(row.sum())
        best = divmod(int(row.argmax()), row.shape[1])
        place = f"query token {self.query}, head {self.head}"
        fig = correlation_panels(self.image, row, gates, self.query, self.amodal)
        fig.suptitle(self.weights, size=8, color=theme.MUTED)
        return show(
            fig,
            alt=f"Four panels for {place}: the image; the softmax row, largest at key {best} with "
            f"{float(row.max()):.2f}; the gate map, {gate:.2f} at the query; their product."
            f" {self.weights}".rstrip(),
            caption=f"The row of {place} before and after its gate of {gate:.2f}: a sum of "
            f"{total:.2f} becomes {total * gate:.2f}. Orange: the whole hand.",
            caption_ko=f"Query {self.query}, head {self.head}의 softmax 행(합 {total:.2f})에 "
            f"gate({gate:.2f})를 곱하면 합이 {total * gate:.2f}입니다. 주황색 선은 손 전체입니다.",
            dpi=90,
        )

    def widget(self) -> Any:
        """The sliders above the picture (an ipywidgets box)."""
        from ipywidgets import HTML, HBox, IntSlider, VBox

        heads, last = self.gate.shape[0] - 1, self.gate.shape[1] - 1
        picture = HTML(self.illustration()._repr_html_())
        row, column, head = (
            IntSlider(value, 0, end, description=name, continuous_update=False)
            for name, value, end in (
                ("row", self.query[0], last),
                ("column", self.query[1], last),
                ("head", self.head, heads),
            )
        )

        def redraw(_: dict) -> None:
            self.query, self.head = (row.value, column.value), head.value
            picture.value = self.illustration()._repr_html_()

        for slider in (row, column, head):
            slider.observe(redraw, names="value")
        return VBox([HBox([row, column, head]), picture])
