"""Widgets: little state, and the picture redrawn by the function that makes the static figure."""

from typing import Any

from jaxtyping import Float
from torch import Tensor

from handlib.viz.display import Illustration, show
from handlib.viz.maps import correlation_panels


class QueryExplorer:
    """Choose the query token with two sliders; the panels of `correlation_panels` follow."""

    def __init__(
        self,
        image: Float[Tensor, "3 H W"],
        softmax: Float[Tensor, "N N"],
        gate: Float[Tensor, " N"],
        query: tuple[int, int],
        amodal: Tensor | None = None,
    ) -> None:
        """Take C_soft and C_sig of one head over a square grid of N tokens.

        Args:
            query: row and column to begin with.
            amodal: the whole hand's mask (H, W), drawn as an outline.
        """
        side = round(len(gate) ** 0.5)
        self.image, self.amodal = image, amodal
        self.softmax = softmax.reshape(
            side, side, side, side
        )  # query row, column, key row, column
        self.gate = gate.reshape(side, side)
        self.query = query

    def illustration(self) -> Illustration:
        """The static figure of the current query, described in words by its numbers."""
        row, gate = self.softmax[self.query], float(self.gate[self.query])
        best = divmod(int(row.argmax()), row.shape[1])
        place = f"query token {self.query}"
        return show(
            correlation_panels(self.image, row, self.gate, self.query, self.amodal),
            alt=f"Four panels for {place}: image, softmax row with maximum {float(row.max()):.2f}"
            f" at key {best}, gate map with {gate:.2f} at the query, and their product.",
            caption=f"The row of {place} before and after its gate of {gate:.2f}: "
            f"a sum of {float(row.sum()):.2f} becomes {float(row.sum()) * gate:.2f}.",
            caption_ko=f"Query {self.query}의 softmax row와, gate {gate:.2f}를 곱한 결과입니다.",
            dpi=90,
        )

    def widget(self) -> Any:
        """The sliders above the picture (an ipywidgets box)."""
        from ipywidgets import HTML, HBox, IntSlider, VBox

        last = self.gate.shape[0] - 1
        picture = HTML(self.illustration()._repr_html_())
        sliders = [
            IntSlider(start, 0, last, description=name, continuous_update=False)
            for name, start in zip(("row", "column"), self.query, strict=True)
        ]

        def redraw(_: dict) -> None:
            self.query = (sliders[0].value, sliders[1].value)
            picture.value = self.illustration()._repr_html_()

        for slider in sliders:
            slider.observe(redraw, names="value")
        return VBox([HBox(sliders), picture])
